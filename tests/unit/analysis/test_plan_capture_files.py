"""Which commands of CI capture plans, by what they name."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis.ci_files import commands
from pytest_backend_audit.analysis.plan_capture import capturing


def places(step: str, name: str = "x", text: str = "") -> list[str]:
    """Where the step of a workflow captures plans."""
    files = {".github/workflows/a.yml": f"on: push\njobs:\n a:\n  steps:\n  - run: |\n      {step}\n", name: text}
    return [f"{c.path}:{c.line}" for c in capturing(commands(files, files.__getitem__), files, files.__getitem__)]


@pytest.mark.parametrize(
    "looks",
    ["grep -rn EXPLAIN .", "rg x", "ag x", "sed -n 1p", "awk 1", "cat", "find . -name", "diff a.sql", "git grep x"],
)
def test_what_looks_at_a_file_captures_nothing(looks: str) -> None:
    """Though the file would, if it were run."""
    assert places(f"{looks} plans.sql", "plans.sql", "EXPLAIN ANALYZE SELECT 1;\n") == []


@pytest.mark.parametrize(
    "step",
    ["cat plans.sql | psql $DSN", "find . -name plans.sql | xargs -n1 psql -f", "find plans.sql -exec psql -f {} +"],
)
def test_what_hands_a_file_on_to_a_client_captures(step: str) -> None:
    """As if the client had been told its name."""
    assert places(step, "plans.sql", "EXPLAIN ANALYZE SELECT 1;\n") == ["plans.sql:1"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("told = Order.objects.filter(paid=True).explain(analyze=True)\n", 1),
        ("told = (\n    Order.objects\n    .filter(paid=True)\n    .explain()\n)\n", 4),
        ("told = queryset.explain()\n", 1),
        ("told = shap_values.explain(row)\n", 0),
        ('"""Formerly EXPLAIN (FORMAT JSON) was run here."""\n', 0),
        ('def f():\n    """Would\n\n    EXPLAIN ANALYZE SELECT 1.\n    """\n', 0),
        ('def f():\n    """Tells."""\n    return """\n    EXPLAIN ANALYZE SELECT 1"""\n', 4),
        ('"""Broken."""\nrun("EXPLAIN ANALYZE SELECT 1"\n', 2),
    ],
)
def test_what_a_program_says_of_plans(text: str, line: int) -> None:
    """Not what its docstrings tell, nor a method of something else."""
    assert places("python plans.py", "plans.py", text) == ([f"plans.py:{line}"] if line else [])

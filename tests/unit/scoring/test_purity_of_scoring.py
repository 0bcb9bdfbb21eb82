"""Scoring reads no clock, writes nothing, and knows nothing of pytest."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_backend_audit

ROOT = Path(pytest_backend_audit.__file__).parent
FILES = [*sorted((ROOT / "scoring").glob("*.py")), ROOT / "findings.py"]
FORBIDDEN_MODULES = {"logging", "os", "pathlib", "time", "random", "subprocess", "socket", "pytest", "io", "sys"}
FORBIDDEN_NAMES = {"now", "today", "utcnow", "open", "print"}


@pytest.mark.parametrize("path", FILES, ids=[p.name for p in FILES])
def test_a_file_of_scoring_has_no_clock_no_log_and_no_files(path):
    """No such module is imported, and no such function is called."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = set()
    called = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call):
            called.add(getattr(node.func, "id", getattr(node.func, "attr", "")))
    assert imported & FORBIDDEN_MODULES == set()
    assert called & FORBIDDEN_NAMES == set()


def test_scoring_does_not_load_pytest():
    """A report can be rendered where no test runs."""
    code = (
        "import sys, pytest_backend_audit.scoring; print(sorted({'pytest', '_pytest', 'psycopg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

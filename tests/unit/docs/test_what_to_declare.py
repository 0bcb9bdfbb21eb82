"""The page of declarations names what bundled checks read, as their source tells."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from pytest_backend_audit.config.examples import EXAMPLES

PAGE = Path(__file__).parents[3] / "docs" / "what-to-declare.md"


def test_the_committed_page_is_the_one_that_the_source_gives(extension: ModuleType) -> None:
    """`python docs/_ext/generated_reference.py` renews it."""
    assert PAGE.read_text("utf-8") == extension.declarations.what_to_declare()


def test_every_key_that_a_check_reads_has_an_example(extension: ModuleType) -> None:
    """And every example but one has a check: of queues there is none yet."""
    asked = extension.declarations.asking.asked()
    assert set(asked) == set(EXAMPLES)
    assert [key for key, checks in asked.items() if not checks] == ["targets.queues"]


def test_what_a_check_reads_is_found_wherever_it_does(extension: ModuleType) -> None:
    """By its arguments, in what it calls, in its module's fixtures, and by a fixture that it asks for by name."""
    asked = extension.declarations.asking.asked()
    assert asked["targets.http.restart"] == ["4.3 warm-up L5"]
    assert asked["load"] == ["4.2 churn L5", "4.2 load-validated L5"]
    assert asked["targets.http.error_path"] == ["4.2 leak-detection L3", "4.5 red-metrics L3"]
    assert asked["endpoints[].idempotency"] == ["4.1 route-budgets L5", "4.6 idempotency L3"]
    assert "4.7 authentication L2" in asked["targets.http.public"]
    assert {"4.2 pool-size L2", "4.1 prepared-statements L4"} <= set(asked["targets.pgbouncer"])
    assert {"4.2 pool-size L2", "4.2 pool-lifetimes L3", "4.2 deploy-headroom L5"} <= set(asked["pools"])
    assert "4.2 http-pools L4" not in asked["targets.postgres"]


def test_every_check_of_the_suites_is_on_the_page(extension: ModuleType) -> None:
    """But for those that look at the source and nothing else."""
    named = set(re.findall(r"[a-z][a-z0-9-]+ L[1-5]", " ".join(PAGE.read_text("utf-8").split())))
    checks = [name.partition(" ")[2] for name, _ in extension.declarations.asking.every_check()]
    assert len(checks) > 50
    assert sorted(set(checks) - named) == ["compiled-queries L4"]

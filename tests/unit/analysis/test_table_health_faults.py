"""When dead tuples and changed rows of a table are autovacuum's next work, and when they are a fault."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_backend_audit.analysis.table_health import faults

# As PostgreSQL 15 counted them after twenty seconds of pgbench at scale 50.
BRANCHES = {
    "table": "public.pgbench_branches", "partitioned": False, "estimated": 50.0, "rows": 50.0, "has_blocks": True,
    "live": 50, "dead": 181, "modified": 14, "autovacuum": True, "vacuum_threshold": 50.0, "analyze_threshold": 50.0,
    "analysed": True, "vacuumed": "2026-11-24 16:45", "just_vacuumed": True, "just_analysed": True, "known": True,
    "readable": True, "unfrozen": False, "busy": False, "missing": [], "unseen": [],
}  # fmt: skip
HISTORY = BRANCHES | {
    "table": "public.pgbench_history", "estimated": 0.0, "rows": 2012.0, "live": 2012, "dead": 0, "modified": 2012,
}  # fmt: skip
BLOATED = (
    "public.pgbench_branches: 78.3 % of 231 tuples are dead, last vacuumed 2026-11-24 16:45: "
    "VACUUM (ANALYZE) public.pgbench_branches;"
)
STALE = "public.pgbench_history: 2012 of 2012 rows changed since it was last analysed: ANALYZE public.pgbench_history;"


def judge(*tables, autovacuum: str = "on", held: bool = False) -> list[str]:
    """What is told of these tables."""
    server = SimpleNamespace(
        autovacuum=autovacuum,
        holders=["standby east, 00:10:00 behind"] if held else [],
        counting_since="2026-11-24 16:45",
    )
    return [str(fault) for fault in faults([SimpleNamespace(**t) for t in tables], server, 0.1, 0.2)]


def test_what_came_since_autovacuum_was_there_is_left_to_it() -> None:
    """A small table that every transaction updates, and one that has just begun to grow."""
    assert judge(BRANCHES, HISTORY) == []


@pytest.mark.parametrize(
    ("tables", "around", "said"),
    [
        ([BRANCHES | {"just_vacuumed": False}, HISTORY | {"just_analysed": False}], {}, [BLOATED, STALE]),
        ([BRANCHES, HISTORY], {"autovacuum": "off"}, [BLOATED, STALE]),
        ([BRANCHES, HISTORY], {"held": True}, [BLOATED]),
    ],
)
def test_what_autovacuum_does_not_mend_is_told(tables, around, said: list[str]) -> None:
    """It was not there for long, it does not run, or an old transaction keeps dead tuples alive."""
    assert judge(*tables, **around) == said

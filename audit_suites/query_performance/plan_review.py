"""Plans of the top statements and one at work are on record, and each hazard in them is mended or acknowledged.

Looked at are the generic plans of the statements with most time, of UPDATE and DELETE the search for their rows, and of
one that is asked often the plan with what really happened (EXPLAIN (ANALYZE, BUFFERS)). A hazard is a nested loop that
tries each row of a large table, and whatever sort-filter-indexes and disjunctions tell.

Impact: A plan that is good for a thousand rows is an outage at a million; nothing warns but somebody who looked.

Remediation: Run the statements that the message gives, or change the statement; acknowledge what has to be as it is,
with the reason.

Verification: EXPLAIN (GENERIC_PLAN) of the statement shows no such step.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites.query_performance._analysed import analysed
from pytest_backend_audit.suites.query_performance._plans import all_planned, plans


@audit(dimension="4.1", criterion="plan-review", level=4)
def test_plans_have_no_hazard(
    audit_postgres: Any, audit_settings: Any, audit_run: Any, audit_acknowledged: Any
) -> None:
    """Plans of the top statements and one at work are on record, and each hazard in them is mended or acknowledged."""
    most, large = audit_settings.value("top-statements"), audit_settings.value("large-table-rows")
    few = audit_settings.value("low-cardinality")
    seen = plans(audit_postgres, most.number, large.number, few.number)
    left = audit_acknowledged(seen.found, key="item")
    assert not left, (
        f"{len(left)} hazards in {seen.told()} (top statements: {most}; large: more than {large}):{lines(left)}\n"
        f"to acknowledge: {left.names}"
    )
    analysed(audit_postgres, audit_run, seen)
    all_planned(seen, audit_acknowledged)

"""No top statement filters or sorts a large table without an index that serves it.

Looked at are the generic plans of the statements with most time, of UPDATE and DELETE the search for their rows. What
counts is a condition for which all of a large table is read, an order for which more than a large table's rows are
sorted, an index that is read from end to end since the condition is not on its first column, and a condition on columns
with so few different values that no index could help. Conditions that an OR joins are told by `disjunctions`.

Impact: Such a statement costs the more the more rows there are, for every caller, though it asks for a handful.

Remediation: Run the statements that the message gives, at a quiet time. Where a condition has two possible values, ask
for less: by another column, by a partial index on the rare value, or keep the result.

Verification: EXPLAIN (GENERIC_PLAN) of the statement shows an Index Scan with the condition as its Index Cond, and no
Sort.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.hazards import Kind
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites.query_performance._plans import all_planned, plans

KINDS = {Kind.FILTER, Kind.SORT, Kind.ORDER, Kind.FEW_VALUES}


@audit(dimension="4.1", criterion="sort-filter-indexes", level=3)
def test_conditions_and_orders_are_served_by_indexes(
    audit_postgres: Any, audit_settings: Any, audit_acknowledged: Any
) -> None:
    """No top statement filters or sorts a large table without an index that serves it."""
    most, large = audit_settings.value("top-statements"), audit_settings.value("large-table-rows")
    few = audit_settings.value("low-cardinality")
    seen = plans(audit_postgres, most.number, large.number, few.number)
    left = audit_acknowledged([f for f in seen.found if f.hazard.kind in KINDS], key="item")
    assert not left, (
        f"{len(left)} conditions or orders on large tables that no index serves (top statements: {most}; large: more "
        f"than {large}; few values: at most {few}); {seen.told()}:{lines(left)}\nto acknowledge: {left.names}"
    )
    all_planned(seen, audit_acknowledged)

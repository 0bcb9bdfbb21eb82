"""No top statement joins conditions on different columns by an OR that no index serves.

Looked at are the generic plans of the statements with most time, of UPDATE and DELETE the search for their rows. An OR
is served where each of its sides has an index and the server combines them (BitmapOr); it isn't where all of a large
table, or a large part of it, is read to try both sides on each row.

Impact: A filter that the caller didn't even choose makes the whole table be read, with every request.

Remediation: Build the statement from the conditions that were chosen, instead of `a = x OR b = y`; ask for each side
by itself and join the answers by UNION ALL; or give each side its index.

Verification: EXPLAIN (GENERIC_PLAN) of the statement shows no Seq Scan with an OR in its Filter.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.hazards import Kind
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites.query_performance._plans import all_planned, plans


@audit(dimension="4.1", criterion="disjunctions", level=3)
def test_no_or_leads_past_the_indexes(audit_postgres: Any, audit_settings: Any, audit_acknowledged: Any) -> None:
    """No top statement joins conditions on different columns by an OR that no index serves."""
    most, large = audit_settings.value("top-statements"), audit_settings.value("large-table-rows")
    seen = plans(audit_postgres, most.number, large.number)
    left = audit_acknowledged([f for f in seen.found if f.hazard.kind is Kind.DISJUNCTION], key="item")
    assert not left, (
        f"{len(left)} ORs over columns of large tables that no index serves (top statements: {most}; large: more than "
        f"{large}); {seen.told()}:{lines(left)}\nto acknowledge: {left.names}"
    )
    all_planned(seen, audit_acknowledged)

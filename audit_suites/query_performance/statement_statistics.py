"""Statistics of statements are kept, the top ones and a plan at work are on record, and somebody reviewed them.

Looked at is pg_stat_statements: that it is loaded, there in this database, tracks, and has statements of others than
the audit. On record come the statements with most time, and the plan of the one that is asked most among those that
can be run (EXPLAIN (ANALYZE, BUFFERS), read-only, with values of a row of the service's own tables, which the evidence
does not hold). That somebody looked at the statements is attested in audit.yaml, under the criterion's name.

Impact: Nobody knows which statement the database spends its time on; the slow one is found by guessing, in an incident.

Remediation: Do what the message says; shared_preload_libraries needs a restart. Then go through the top statements with
the service's owners every quarter, and write down what was found, and who looked.

Verification: SELECT query, calls, mean_exec_time FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 20.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.suites.query_performance._analysed import analysed
from pytest_backend_audit.suites.query_performance._plans import plans, state, trouble

LARGE = float("inf")
"""Here no table is large: what is dangerous in the plans is for other criteria to tell."""


@audit(dimension="4.1", criterion="statement-statistics", level=3)
def test_statements_are_counted_and_were_reviewed(
    audit_postgres: Any, audit_settings: Any, audit_run: Any, audit_attestation: Any
) -> None:
    """Statistics of statements are kept, the top ones and a plan at work are on record, and somebody reviewed them."""
    most, age = audit_settings.value("top-statements"), audit_settings.value("exercise-max-age")
    wrong = trouble(state(audit_postgres))
    assert not wrong, f"no statistics of statements: {wrong}"
    seen = plans(audit_postgres, most.number, LARGE)
    analysed(audit_postgres, audit_run, seen)
    audit_attestation("statement-statistics", within=age)

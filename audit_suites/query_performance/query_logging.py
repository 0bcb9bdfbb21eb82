"""Slow statements are logged, with a threshold low enough to learn from.

Looked at is what the roles of services get: from the server, from the database, or as a setting of their own. These are
the roles that may log in to the database, without those that look after the server (superusers, members of pg_monitor)
and without the audit's own, unless somebody else uses it. Where there are no others, superusers that are connected
count, and else everybody. What would be logged must also reach the log: log_min_messages fatal or panic, and an empty
log_destination, drop it.

Impact: Nobody can say which statements were slow last night; an incident begins with switching the log on and waiting
for it to happen again.

Remediation: Run the statements that the message gives: they set the server's threshold, and take back what a role or
the database has instead.

Verification: SHOW log_min_duration_statement in a new session of the service's role; then SELECT pg_sleep(2) shows up
in the log.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.role_settings import hidden, remedies
from pytest_backend_audit.analysis.text import listed
from pytest_backend_audit.analysis.units import seconds
from pytest_backend_audit.suites._role_settings import role_settings

NAME = "log_min_duration_statement"
DROPPING = frozenset({"fatal", "panic"})
"""Values of log_min_messages at which the server does not log what has the level LOG, as slow statements have."""


@audit(dimension="4.1", criterion="query-logging", level=2)
def test_slow_statements_are_logged(audit_postgres: Any, audit_settings: Any) -> None:
    """Slow statements are logged, with a threshold low enough to learn from."""
    limit = audit_settings.value("slow-query-threshold")
    thresholds, levels, places = role_settings(audit_postgres, NAME, "log_min_messages", "log_destination")
    useless = [t for t in thresholds if t.value is not None and not 0 <= seconds(t.value) <= limit.number]
    assert not useless, (
        f"{NAME} is {listed(useless)}; it should be 0 or more (-1 logs nothing) and at most {limit}"
        f": {remedies(useless, f'{limit.number * 1000:.0f}ms')}"
    )
    dropping = [level for level in levels if level.value is not None and level.value.lower() in DROPPING]
    assert not dropping, (
        f"log_min_messages is {listed(dropping)}, which drops what {NAME} logs; it should be warning: "
        f"{remedies(dropping, 'warning')}"
    )
    nowhere = [place for place in places if place.value is not None and not place.value.strip()]
    assert not nowhere, f"log_destination is empty, so nothing is logged anywhere: {remedies(nowhere, 'stderr')}"
    if unseen := hidden([*thresholds, *levels]):
        raise CouldNotRun(unseen)

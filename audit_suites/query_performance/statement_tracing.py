"""A statement can be traced to the request that made it, by a profiler, database spans or statement comments.

Reads are sent with ids of our own in X-Request-Id and traceparent, and looked for in the comments of the statements
that sessions of the database show right after. Where they don't come back, any comment that names a request, a trace or
a route counts; where there is none, what the source switches on does: spans of the database's client, a profiler.

Impact: The database shows a statement that takes seconds, and nobody can say which page or job it belongs to; in an
incident the search for it costs the first hour.

Remediation: Let the client add a comment to each statement with the request's id or route (sqlcommenter; Rails:
config.active_record.query_log_tags_enabled = true), or switch on OpenTelemetry for the client in use
(PsycopgInstrumentor().instrument(), otelpgx.NewTracer()), or a profiler such as django-silk.

Verification: SELECT query FROM pg_stat_activity, while the service is used.

Effort: S
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.text import listed
from pytest_backend_audit.analysis.tracing import INSTRUMENTS, bearing, is_code, telling
from pytest_backend_audit.suites._costs import caller
from pytest_backend_audit.suites.query_performance._plans import state, trouble

ROUNDS = 5
"""How often each read is sent: what a session did last is soon replaced by what others ask."""
NOW = "SELECT clock_timestamp() AS now"
# Of clients in this database; what a session does, or did last. Not what one that idles did before this check: it may
# be older than the code that runs.
STATEMENTS = """
SELECT query FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND application_name <> 'backend-audit' AND query <> '' AND query_start >= %(since)s
"""
COUNTED = """
SELECT s.query FROM {schema}.pg_stat_statements s
JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND d.datname = current_database()
WHERE s.userid <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
ORDER BY s.calls DESC
LIMIT 200
"""


@dataclass
class Sent:
    """What requests of ours showed in the database."""

    requests: int = 0
    bearing: list[str] = field(default_factory=list)
    """Statements with an id of ours."""
    seen: dict[str, None] = field(default_factory=dict)
    """All statements, each once."""


@pytest.fixture
def sent(audit_endpoints: Any, audit_http: Any, audit_identity: Any, audit_postgres: Any) -> Callable[[], Sent]:
    """Sends each declared read with ids of our own, and looks at what sessions do, until one of them comes back."""

    def send() -> Sent:
        done, since = Sent(), audit_postgres.execute(NOW).fetchone().now
        reads = [e for e in audit_endpoints if e.method == "GET" and (e.class_ or e.budget)]
        for endpoint in [read for _ in range(ROUNDS) for read in reads]:
            client, trace = caller(endpoint, audit_http, audit_identity), secrets.token_hex(16)
            headers = {"X-Request-Id": trace, "traceparent": f"00-{trace}-{trace[:16]}-01"}
            done.requests += client.get(endpoint.url(), headers=headers).is_success
            statements = [row.query for row in audit_postgres.execute(STATEMENTS, {"since": since}).fetchall()]
            done.seen.update(dict.fromkeys(statements))
            if found := bearing(statements, [trace]):
                done.bearing = found
                break
        return done

    return send


@audit(dimension="4.1", criterion="statement-tracing", level=3)
def test_statements_lead_back_to_requests(
    sent: Callable[[], Sent], audit_postgres: Any, audit_source: Any, audit_evidence: Any
) -> None:
    """A statement can be traced to the request that made it."""
    ours = sent()
    if ours.bearing:
        audit_evidence.command(f"statement with the id of request {ours.requests} of ours", ours.bearing[0])
        return
    seen = list(ours.seen)
    told = state(audit_postgres)
    if not trouble(told):
        seen += [row.query for row in audit_postgres.execute(COUNTED.format(schema=told.schema)).fetchall()]
    tagged = [statement for statement in seen if telling(statement)]
    if tagged:
        audit_evidence.command(f"{len(tagged)} of {len(seen)} statements name a request or a route", tagged[0])
        return
    instruments = [match for match in audit_source.grep(INSTRUMENTS) if is_code(match.path)]
    if not instruments and not (ours.requests and seen):
        raise CouldNotRun(
            f"{len(seen)} statements of others and {ours.requests} answered requests were seen, too few to tell; "
            "declare reads in audit.yaml's endpoints, and audit while the service is used"
        )
    assert instruments, (
        "nothing ties statements to the requests that made them\n"
        f"- {ours.requests} requests with ids of our own (X-Request-Id, traceparent): none came back in a statement\n"
        f"- {len(seen)} statements were seen, none with a comment that names a request or a route: "
        f"{listed(_short(seen), 2)}\n"
        "- the source switches on no profiler, and no spans of the database's client"
    )


def _short(statements: list[str]) -> list[str]:
    return [" ".join(statement.split())[:80] for statement in statements]

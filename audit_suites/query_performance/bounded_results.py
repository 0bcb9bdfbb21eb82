"""List endpoints bound what they return whatever is asked, no statement gives unbounded rows, none * of a wide table.

Reads that list things, the busiest first, are asked for one row more than a page may have; each has to refuse that, or
to give no more than that limit. The rows that each of the top statements gives a call, on average, are counted by
pg_stat_statements; and no statement there reads a table of many columns by a star.

Impact: One caller who asks for everything, or one customer with much of it, fills the memory of the service and holds
a connection for seconds; the table grows, and so does that, until the process is ended by the kernel.

Remediation: Give the page size a maximum (le=100 in FastAPI, max_page_size in Django REST framework), and each
statement of a list a LIMIT with a key to go on from; name the columns that are wanted.

Verification: Ask each list for a million rows; rows / calls in pg_stat_statements.

Effort: S
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.lists import more_follow
from pytest_backend_audit.analysis.results import Statement, many, wide_reads
from pytest_backend_audit.analysis.statements import of_tools
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites.query_performance._plans import must_be_apart, state, trouble
from pytest_backend_audit.suites.query_performance._reads import Listing, Listings, count, listings

# Of this database, by others than the audit; those that read, behind comments and parentheses.
STATEMENTS = r"""
SELECT s.queryid::text AS id, s.query, sum(s.calls)::bigint AS calls, sum(s.rows)::bigint AS rows
FROM {schema}.pg_stat_statements s
JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND d.datname = current_database()
WHERE s.userid <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) AND s.calls > 0
  AND s.query ~* '^(\s|\(|--[^\n]*\n|/\*([^*]|\*+[^*/])*\*+/)*(SELECT|WITH|VALUES|TABLE|FETCH)\M'
GROUP BY s.queryid, s.query
ORDER BY sum(s.total_exec_time) DESC, s.queryid
"""
WIDE = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS table, count(*) AS columns
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid
                  AND x.deptype = 'e')
GROUP BY 1
HAVING count(*) > %s
ORDER BY 1
"""
REFUSED = frozenset({400, 413, 416, 422})
"""Statuses by which a service says that a page is too large."""


@pytest.fixture
def reads(
    audit_endpoints: Any, audit_http: Any, audit_identity: Any, audit_declared: Any, audit_settings: Any
) -> Listings:
    """The busiest reads that list things."""
    pages = audit_declared("targets.http.metrics", ())
    most = audit_settings.value("n-plus-one-endpoints")
    return listings(audit_endpoints, audit_http, audit_identity, pages, int(most.number))


@pytest.fixture
def statements(audit_postgres: Any) -> Sequence[Statement]:
    """What others read in this database, the costliest first."""
    told = state(audit_postgres)
    if wrong := trouble(told):
        raise CouldNotRun(wrong)
    must_be_apart(audit_postgres)
    # An agent that reads pg_stat_statements gets thousands of rows a call, and is no affair of the service's.
    rows = [
        r for r in audit_postgres.execute(STATEMENTS.format(schema=told.schema)).fetchall() if not of_tools(r.query)
    ]
    found = [Statement(r.id, r.query, r.calls, r.rows) for r in rows]
    if not found:
        raise CouldNotRun("pg_stat_statements has no reads of others in this database: audit while the service is used")
    return found


@audit(dimension="4.1", criterion="bounded-results", level=3)
def test_results_are_bounded(
    reads: Listings, statements: Sequence[Statement], audit_postgres: Any, audit_settings: Any, audit_acknowledged: Any
) -> None:
    """List endpoints bound what they return, no top statement gives unbounded rows, none reads * of a wide table."""
    most, top = audit_settings.value("rows-per-call"), audit_settings.value("top-statements")
    columns = audit_settings.value("wide-table-columns")
    wide = {row.table: row.columns for row in audit_postgres.execute(WIDE, (int(columns.number),)).fetchall()}
    asked = {str(listing): _bound(listing, int(most.number)) for listing in reads.found}
    watched = statements[: int(top.number)]
    wrong = {name: why for name, (why, unknown) in asked.items() if why and not unknown}
    wrong |= wide_reads(statements, wide) | many(watched, most.number)
    left = audit_acknowledged(wrong)
    assert not left, (
        f"{len(left)} of {len(asked)} listing endpoints and {len(watched)} top statements give more than they should"
        f"{lines(f'{name}: {wrong[name]}' for name in left)}\n"
        f"at most {most} in an answer or a call; looked at: the top {top}, by total time; {len(wide)} tables have more "
        f"than {columns}; to acknowledge: {left.names}"
    )
    reads.must_be_told()
    if unknown := [f"{name}: {why}" for name, (why, unknown) in asked.items() if unknown]:
        raise CouldNotRun(f"{len(unknown)} of {len(asked)} listing endpoints don't show their bound:{lines(unknown)}")


def _bound(listing: Listing, most: int) -> tuple[str, bool]:
    """What is wrong with an endpoint's bound, if anything, and whether that is only that nobody knows it."""
    usual = listing.ask()
    if not usual.is_success:
        raise CouldNotRun(f"{listing} answered {usual.status_code} ({listing.endpoint.origin})")
    if listing.size is None:
        rows = count(usual) or 0
        return (f"{rows} rows, and callers can't ask for fewer", False) if rows > most else ("", False)
    answer = listing.ask(most + 1)
    asked = f"{listing.size.name}={most + 1}"
    if answer.status_code in REFUSED:
        return "", False
    if not answer.is_success:
        return f"answered {answer.status_code} to {asked}, which tells nothing of its bound", True
    rows = count(answer) or 0
    if rows > most:
        return f"{rows} rows for {asked}: callers get as many as they ask for", False
    if more_follow(answer.json()) or rows == listing.size.maximum:
        return "", False
    who = listing.endpoint.identity or "the caller"
    return (
        f"{rows} rows for {asked}, and nothing says that more follow: {who} may have no more; if that is the bound, "
        "let the answer say so (next, total), or the OpenAPI document (the parameter's maximum)"
    ), True

"""A plan with what really happened (EXPLAIN ANALYZE) of a statement that is asked often.

The plan is the generic one, so its text holds no values. Those that it is run with are those of one row of the
service's own tables; they are put into settings of the session on the server, and never leave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_backend_audit import CouldNotRun
from pytest_backend_audit.analysis.plans import parameter_columns
from pytest_backend_audit.analysis.statements import functions, limits, parameters, shortened
from pytest_backend_audit.suites.query_performance._plans import PREPARED, Planned, Plans, in_search_path

GUARDED = {"prod", "canary"}
PLAIN = re.compile(r"[\s(]*(SELECT|WITH)\b", re.IGNORECASE)
# What may do something besides reading, by name: a function of that name anywhere counts.
VOLATILE = """
SELECT string_agg(DISTINCT proname, ', ') AS names FROM pg_catalog.pg_proc
WHERE proname = ANY(%s) AND provolatile = 'v'
"""
TYPES = "SELECT parameter_types::text[] AS types FROM pg_catalog.pg_prepared_statements WHERE name = %s"


def analysed(audit_postgres: Any, audit_run: Any, seen: Plans) -> Planned:
    """The statement that is called most among those that could be run to see how; its plan is evidence now.

    Raises:
        CouldNotRun: It isn't allowed here, or none of the top statements can be run; the message says why for each.
    """
    if audit_run.environment_kind in GUARDED and "load" not in audit_run.allowed:
        raise CouldNotRun(
            f"in {audit_run.environment_kind} EXPLAIN ANALYZE counts as load, which is not allowed: run with "
            "--audit-allow=load"
        )
    reasons = []
    for statement in sorted(seen.planned, key=lambda s: -s.calls):
        reason = _analyse(audit_postgres, statement)
        if not reason:
            return statement
        reasons.append(f"\n- {reason}: {shortened(statement.query, 80)}")
    raise CouldNotRun(f"no top statement can be run to see its plan at work:{''.join(reasons[:10])}")


def _analyse(audit_postgres: Any, statement: Planned) -> str:
    """Run it; why that can't be done, or nothing."""
    if not PLAIN.match(statement.query):
        return "it changes rows, or begins with a comment"
    called = audit_postgres.execute(VOLATILE, [functions(statement.query)]).fetchone().names
    if called:
        return f"it calls {called}, which may do more than read"
    sources = parameter_columns(statement.plan) if statement.plan is not None else {}
    limited = limits(statement.asked)
    unknown = sorted(set(range(1, parameters(statement.asked) + 1)) - sources.keys() - limited)
    if unknown:
        return f"nothing tells a value for ${unknown[0]}"
    with in_search_path(audit_postgres, statement.search_path):
        audit_postgres.execute(f"PREPARE {PREPARED} AS {statement.asked}")
    try:
        with in_search_path(audit_postgres, statement.search_path):
            for query in _choices(sources):
                if not (row := audit_postgres.execute(query).fetchone()) or not row.chosen:
                    return "its table has no row to take values from"
            types = audit_postgres.execute(TYPES, [PREPARED]).fetchone().types
            rows = max(1, round(statement.rows / statement.calls))
            values = ", ".join(
                str(rows) if number in limited else _value(number, kind) for number, kind in enumerate(types, 1)
            )
            audit_postgres.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            arguments = f"({values})" if values else ""
            audit_postgres.execute(f"EXPLAIN (ANALYZE, BUFFERS, VERBOSE) EXECUTE {PREPARED}{arguments}").fetchall()
    finally:
        audit_postgres.execute(f"DEALLOCATE {PREPARED}")
    return ""


def _choices(sources: Mapping[int, tuple[str, str]]) -> Iterator[str]:
    """Statements that put values of one row of each table into settings, and tell whether there was one."""
    tables: dict[str, list[tuple[int, str]]] = {}
    for number, (table, column) in sources.items():
        tables.setdefault(table, []).append((number, column))
    for table, wanted in tables.items():
        settings = " AND ".join(
            f"set_config('backend_audit.p{number}', t.{column}::text, true) IS NOT NULL" for number, column in wanted
        )
        there = " AND ".join(f"t.{column} IS NOT NULL" for _, column in wanted)
        yield f"SELECT {settings} AS chosen FROM (SELECT * FROM {table} t WHERE {there} LIMIT 1) AS t"


def _value(number: int, kind: str) -> str:
    setting = f"current_setting('backend_audit.p{number}')"
    return f"CAST(ARRAY[{setting}] AS {kind})" if kind.endswith("[]") else f"CAST({setting} AS {kind})"

"""The top statements and their plans, as a role that may only read gets them.

Plans are generic: made for any value of the parameters, not for one that somebody guessed. From version 16 on EXPLAIN
makes them of a statement with parameters; before, of a prepared one that has to keep to its generic plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from pytest_backend_audit import CouldNotRun
from pytest_backend_audit.analysis.hazards import Bounds, Hazard, Index, Table, hazards
from pytest_backend_audit.analysis.plans import Node, read
from pytest_backend_audit.analysis.statements import (
    as_read,
    functions,
    of_tools,
    only_catalogs,
    parameters,
    shortened,
)
from pytest_backend_audit.analysis.text import lines, listed

GENERIC_PLAN = 160000
"""Server version from which EXPLAIN has the option."""
OLDEST = (1, 10)
"""The extension's version that comes with PostgreSQL 15; its columns have kept their names since."""
PREPARED = "backend_audit_plan"
UNTYPED = {"42P18", "42725", "42883", "42804"}
"""Indeterminate type, ambiguous function, no such function or operator, wrong type: another type may do."""
SERIES, UNNEST = (
    re.compile(rf"\b{name}\s*\(\s*\$\d+(?:\s*,\s*\$\d+)*\s*\)", re.IGNORECASE) for name in ("generate_series", "unnest")
)
"""Calls with bare parameters only."""
FETCHED = 10
"""Times as many statements are fetched as are looked at: those of tools are left out of them."""
LOAD = "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements';"

STATE = """
SELECT current_setting('shared_preload_libraries') ~ '\\mpg_stat_statements\\M' AS loaded,
    current_setting('shared_preload_libraries') AS libraries,
    current_setting('pg_stat_statements.track', true) AS track,
    pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all,
    current_setting('server_version_num')::int AS version,
    x.extversion, quote_ident(n.nspname) AS schema
FROM (SELECT 1) AS one
LEFT JOIN pg_catalog.pg_extension x ON x.extname = 'pg_stat_statements'
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
"""
# pg_stat_statements tells the audit's own statements by their role alone.
OTHERS_OF_OUR_ROLE = """
SELECT current_user::text AS role, count(*) AS sessions FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name <> 'backend-audit'
"""
# Those that read or change rows, by their first word behind comments and parentheses; of this database, and not the
# audit's own. What a role has as its search_path says which tables it means.
TOP = r"""
SELECT s.queryid::text AS id, s.query, sum(s.calls)::bigint AS calls, sum(s.rows)::bigint AS rows,
    sum(s.total_exec_time)::float8 AS total_ms, (sum(s.total_exec_time) / sum(s.calls))::float8 AS mean_ms,
    sum(s.shared_blks_hit + s.shared_blks_read)::bigint AS blocks,
    max((SELECT substr(entry, 13) FROM pg_catalog.pg_db_role_setting o, unnest(o.setconfig) AS entry
         WHERE entry LIKE 'search_path=%%' AND o.setrole IN (s.userid, 0) AND o.setdatabase IN (s.dbid, 0)
         ORDER BY o.setrole = 0, o.setdatabase = 0 LIMIT 1)) AS search_path
FROM {schema}.pg_stat_statements s
JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND d.datname = current_database()
WHERE s.userid <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) AND s.toplevel AND s.calls > 0
  AND s.query ~* '^(\s|\(|--[^\n]*\n|/\*([^*]|\*+[^*/])*\*+/)*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE)\M'
GROUP BY s.queryid, s.query
ORDER BY total_ms DESC
LIMIT %s
"""
# Of the tables that plans name, and of what they are partitions of.
TABLES = """
SELECT n.nspname AS schema, c.relname AS name, quote_ident(rn.nspname) || '.' || quote_ident(r.relname) AS table,
    (SELECT sum(greatest(p.reltuples, pg_stat_get_live_tuples(p.oid), 0))
     FROM pg_catalog.pg_class p
     WHERE p.oid IN (SELECT relid FROM pg_partition_tree(r.oid) WHERE isleaf UNION SELECT r.oid)
       AND p.relkind <> 'p')::float8 AS rows,
    greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::float8 AS own,
    (SELECT bool_or(p.reltuples < 0 AND pg_stat_get_live_tuples(p.oid) = 0 AND pg_relation_size(p.oid) > 0)
     FROM pg_catalog.pg_class p
     WHERE p.oid IN (SELECT relid FROM pg_partition_tree(r.oid) WHERE isleaf UNION SELECT r.oid)
       AND p.relkind <> 'p') AS uncounted,
    r.relkind = 'p' AS partitioned,
    (SELECT coalesce(sum(p.relpages), 0)
     FROM pg_catalog.pg_class p
     WHERE p.oid IN (SELECT relid FROM pg_partition_tree(r.oid) WHERE isleaf UNION SELECT r.oid)
       AND p.relkind <> 'p')::float8 AS blocks,
    coalesce((SELECT jsonb_object_agg(quote_ident(attname), CASE WHEN n_distinct < 0
                         THEN -n_distinct * greatest(c.reltuples, 0) ELSE n_distinct END)
              FROM pg_catalog.pg_stats t
              WHERE t.schemaname = n.nspname AND t.tablename = c.relname AND n_distinct <> 0), '{}') AS distinct,
    coalesce((SELECT jsonb_object_agg(x.relname, jsonb_build_object('blocks', x.relpages, 'columns', ARRAY(
                         SELECT quote_ident(a.attname)
                         FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
                         LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                         WHERE k.place <= i.indnkeyatts ORDER BY k.place),
                     'predicate', CASE WHEN i.indpred IS NULL THEN '{}' ELSE ARRAY(
                         SELECT quote_ident(a.attname) FROM pg_catalog.pg_depend d
                         JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                         WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                           AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND a.attnum > 0
                         ORDER BY a.attnum) END,
                     'compares', m.amname = 'btree' AND i.indpred IS NULL AND o.opcdefault
                         AND i.indcollation[0] = (SELECT a.attcollation FROM pg_catalog.pg_attribute a
                                                  WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0])))
              FROM pg_catalog.pg_index i
              JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
              JOIN pg_catalog.pg_am m ON m.oid = x.relam
              JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[0]
              WHERE i.indrelid = c.oid AND i.indisvalid), '{}') AS indexes,
    ARRAY(SELECT quote_ident(a.attname) FROM pg_catalog.pg_attribute a
          JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND (y.oid = 'varchar'::regtype OR y.typbasetype IN ('varchar'::regtype, 'text'::regtype))) AS texts
FROM unnest(%s::text[], %s::text[]) AS wanted (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name
JOIN pg_catalog.pg_class r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid)
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
# Functions of the service's own that may read tables. What they read is in no plan of a statement that calls them,
# unless the planner has put their text in their place.
OPAQUE = r"""
SELECT DISTINCT p.proname AS name, quote_ident(n.nspname) || '.' || quote_ident(p.proname) AS function
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE p.proname = ANY (%s) AND l.lanname NOT IN ('internal', 'c')
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND (p.prosqlbody IS NOT NULL OR p.prosrc ~* '\m(from|join|update|execute)\M')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 2
"""
# Tables of which no policy of row security gives the audit's role a row: the server plans to read none.
WITHHELD = """
SELECT string_agg(quote_ident(n.nspname) || '.' || quote_ident(c.relname), ', ' ORDER BY nspname, relname) AS tables,
    current_user::text AS role
FROM (SELECT c.oid, c.relnamespace, c.relname FROM pg_catalog.pg_class c
      WHERE c.relrowsecurity AND row_security_active(c.oid)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy p
                        WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('r', '*')
                          AND (0 = ANY (p.polroles)
                               OR EXISTS (SELECT FROM unnest(p.polroles) AS r (oid) WHERE pg_has_role(r.oid, 'USAGE'))))
     ) AS c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
"""


@dataclass(frozen=True, slots=True)
class Planned:
    """A statement with its plan, or with the reason why it has none."""

    id: str
    query: str
    calls: int
    rows: int
    mean_ms: float
    blocks: float
    """Blocks that a call read on average, from the cache or not."""
    search_path: str | None
    asked: str = ""
    """What was planned: the reading part."""
    plan: Node | None = None
    reason: str = ""
    """Why there is no plan, or not all is in it; empty where all is, or nothing is read."""

    @property
    def item(self) -> str:
        """What names it in audit.yaml, where it can't be planned."""
        return f"statement-{self.id}"

    def __str__(self) -> str:
        return f"{self.item}: {self.reason}: {shortened(self.query)}"


@dataclass(frozen=True, slots=True)
class Found:
    """A hazard, and the statement with most time that has it."""

    hazard: Hazard
    statement: Planned

    @property
    def item(self) -> str:
        """What names it in audit.yaml."""
        return self.hazard.item

    def __str__(self) -> str:
        calls = f"{self.statement.calls} calls of {self.statement.mean_ms:.2f} ms"
        return f"{self.hazard}\n  in {shortened(self.statement.query, 240)} ({calls})"


@dataclass(frozen=True, slots=True)
class Plans:
    """The top statements of a database with their plans, and what is dangerous in these."""

    statements: tuple[Planned, ...]
    found: tuple[Found, ...]
    tables: Mapping[str, Table] = field(default_factory=dict)
    """What is known of the tables in the plans, by the names that these have for them."""

    @property
    def planned(self) -> list[Planned]:
        """Those that have a plan."""
        return [s for s in self.statements if s.plan is not None]

    @property
    def unplanned(self) -> list[Planned]:
        """Those that should have one and have none, and those that read more than is in theirs."""
        return [s for s in self.statements if s.reason]

    def told(self) -> str:
        """How many of them have a plan, for a message."""
        nothing = sum(s.plan is None and not s.reason for s in self.statements)
        rest = f", {nothing} read nothing" if nothing else ""
        return f"plans of {len(self.planned)} of the {len(self.statements)} top statements{rest}"


def state(audit_postgres: Any) -> Any:
    """What the server has of pg_stat_statements."""
    return audit_postgres.execute(STATE).fetchone()


def trouble(told: Any) -> str:
    """Why pg_stat_statements tells nothing, with the way out; empty if it does."""
    if not told.loaded:
        return f"pg_stat_statements is not loaded: {LOAD} (beside what is there), and restart the server"
    if told.schema is None:
        return "this database lacks the extension: CREATE EXTENSION pg_stat_statements;"
    if tuple(int(n) for n in told.extversion.split(".")[:2]) < OLDEST:
        return f"the extension is of version {told.extversion}: ALTER EXTENSION pg_stat_statements UPDATE;"
    if told.track == "none":
        return "it tracks nothing: ALTER SYSTEM SET pg_stat_statements.track = 'top'; SELECT pg_reload_conf();"
    return ""


def must_be_apart(audit_postgres: Any) -> None:
    """Make sure that no statement of the service passes for one of the audit's.

    Raises:
        CouldNotRun: Somebody else is connected with the audit's role.
    """
    others = audit_postgres.execute(OTHERS_OF_OUR_ROLE).fetchone()
    if others.sessions:
        raise CouldNotRun(
            f"{others.sessions} sessions that are not the audit's have its role {others.role}: their statements can't "
            "be told from the audit's; give the audit a role of its own"
        )


def top(audit_postgres: Any, told: Any, most: float) -> list[Any]:
    """The statements with most time, of every role but the audit's own.

    Those by which monitoring and administrators ask the server about itself are left out: where little goes on they
    take most of the time, and would stand in for the service's.

    Raises:
        CouldNotRun: There are none, the role may not see them, or others have it as well.
    """
    must_be_apart(audit_postgres)
    if not told.sees_all:
        raise CouldNotRun("the role may not see other roles' statements: GRANT pg_read_all_stats (or pg_monitor) to it")
    rows = audit_postgres.execute(TOP.format(schema=told.schema), [FETCHED * int(most)]).fetchall()
    found = [row for row in rows if not of_tools(row.query)][: int(most)]
    if not found:
        raise CouldNotRun("pg_stat_statements has no statement of the service in it: audit while the service is used")
    return found


def plans(audit_postgres: Any, most: float, large: float, few: float = 0) -> Plans:
    """Plans of the top statements, and what is dangerous in them.

    Args:
        audit_postgres: The connection.
        most: How many statements.
        large: Rows from which a table is large.
        few: Different values up to which a column's condition selects too little.

    Raises:
        CouldNotRun: There are no statements, or none of them can be planned.
    """
    told = state(audit_postgres)
    if wrong := trouble(told):
        raise CouldNotRun(wrong)
    statements = [_planned(audit_postgres, told, row) for row in top(audit_postgres, told, most)]
    tables = _tables(audit_postgres, statements)
    if not tables:
        unplanned = [s for s in statements if s.reason]
        if not unplanned:
            raise CouldNotRun(
                f"none of {len(statements)} top statements reads a table: audit while the service is used"
            )
        raise CouldNotRun(f"none of {len(statements)} top statements could be planned:{lines(unplanned)}")
    found: dict[tuple[str, str], Found] = {}
    for statement in statements:
        if statement.plan is not None:
            bounds = Bounds(large, few, statement.rows / statement.calls, statement.blocks)
            for hazard in hazards(statement.plan, tables, bounds):
                found.setdefault((hazard.kind, hazard.item), Found(hazard, statement))
    return Plans(tuple(statements), tuple(found.values()), tables)


def again(audit_postgres: Any, statements: Iterable[tuple[str, str | None]]) -> Plans:
    """Plans of statements that an earlier audit planned, whether anybody has sent them since or not.

    Args:
        audit_postgres: The connection.
        statements: What was planned, and what its role had as search_path.
    """
    told = state(audit_postgres)
    asked = [
        SimpleNamespace(id="", query=q, calls=0, rows=0, mean_ms=0.0, blocks=0, search_path=p) for q, p in statements
    ]
    planned = tuple(_planned(audit_postgres, told, row) for row in asked)
    return Plans(planned, (), _tables(audit_postgres, planned))


def all_planned(seen: Plans, audit_acknowledged: Any) -> None:
    """Make sure that nothing was left out.

    Raises:
        CouldNotRun: A top statement could not be planned, and nobody acknowledged that.
    """
    left = audit_acknowledged(seen.unplanned, key="item")
    if left:
        raise CouldNotRun(
            f"{len(left)} of {len(seen.statements)} top statements could not be planned:{lines(left)}\n"
            f"to acknowledge: {left.names}"
        )


def _tables(audit_postgres: Any, statements: Sequence[Planned]) -> dict[str, Table]:
    named = {
        (node.facts["Schema"], node.facts["Relation Name"]): node.table
        for statement in statements
        if statement.plan is not None
        for node in statement.plan.walk()
        if node.table
    }
    wanted = [list(part) for part in zip(*named, strict=True)] or [[], []]
    return {
        named[row.schema, row.name]: Table(
            row.table,
            _expected(audit_postgres, row.table) if row.uncounted else row.rows or 0.0,
            row.distinct,
            {
                name: Index(
                    tuple(index["columns"]), index["blocks"], tuple(index["predicate"]), bool(index["compares"])
                )
                for name, index in row.indexes.items()
            },
            _expected(audit_postgres, f"ONLY {named[row.schema, row.name]}") if row.uncounted else row.own,
            row.blocks,
            row.partitioned,
            frozenset(row.texts),
        )
        for row in audit_postgres.execute(TABLES, wanted).fetchall()
    }


def _expected(audit_postgres: Any, table: str) -> float:
    """Rows that the planner expects a table to have, from its size.

    What nobody analysed since a restore, a pg_upgrade or a crash is of no size in the catalogs and counters.
    """
    explained = audit_postgres.execute(f"EXPLAIN (FORMAT JSON) SELECT FROM {table}", prepare=False).fetchone()[0]
    return read(explained).rows


def _planned(audit_postgres: Any, told: Any, row: Any) -> Planned:
    known = (row.id, row.query, row.calls, row.rows, row.mean_ms, row.blocks / max(row.calls, 1), row.search_path)
    try:
        asked = as_read(row.query)
    except ValueError as error:
        return Planned(*known, reason=str(error))
    if asked is None:
        return Planned(*known, reason=_opaque(audit_postgres, row.query, None))
    plan, reason = None, ""
    for attempt in dict.fromkeys(_typed(asked)):
        try:
            explained = _explain(audit_postgres, told.version, attempt, row)
        except Exception as error:
            if not getattr(error, "sqlstate", None):
                raise
            reason = reason or _reason(error)
            if error.sqlstate not in UNTYPED:  # type: ignore[attr-defined]
                break
        else:
            plan, reason, asked = read(explained), "", attempt
            break
    if plan is None and only_catalogs(asked):
        return Planned(*known)
    if plan is not None and any(node.reads_nothing for node in plan.walk()):
        hidden = audit_postgres.execute(WITHHELD).fetchone()
        if hidden.tables:
            plan, reason = None, _withheld(hidden)
    if plan is not None:
        reason = _opaque(audit_postgres, asked, plan)
    return Planned(*known, asked=asked, plan=plan, reason=reason)


def _opaque(audit_postgres: Any, statement: str, plan: Node | None) -> str:
    """Why a plan does not tell what is read, if functions read; empty if it does."""
    if not (called := functions(statement)):
        return ""
    found = audit_postgres.execute(OPAQUE, [called]).fetchall()
    there = [row.function for row in found if plan is None or plan.calls(row.name)]
    if not there:
        return ""
    return f"what {listed(there, 3)} reads is in no plan: look at it with auto_explain.log_nested_statements"


def _withheld(hidden: Any) -> str:
    return (
        "row security shows the audit's role no row, so that its plan is not the service's: it may not read "
        f"{hidden.tables} (ALTER POLICY ... TO the service's role, {hidden.role}; or, where the service owns the "
        f"tables, ALTER ROLE {hidden.role} BYPASSRLS)"
    )


def _typed(asked: str) -> Iterator[str]:
    """The statement, and then with types for parameters that say nothing of theirs.

    As in ``$1 IS NULL``; and in ``generate_series($1, $2)`` and ``unnest($1)``, which exist for several types: numbers
    for the one, arrays of what keys are made of for the other.
    """
    yield asked
    asked = re.sub(r"(\$\d+) IS (NOT )?NULL", r"\1::text IS \2NULL", asked)
    yield asked
    asked = SERIES.sub(lambda call: _cast(call, "bigint"), asked)
    yield asked
    for kind in ("bigint[]", "text[]", "uuid[]"):
        yield UNNEST.sub(lambda call, kind=kind: _cast(call, kind), asked)  # type: ignore[misc]


def _cast(call: re.Match[str], kind: str) -> str:
    return re.sub(r"\$\d+", rf"\g<0>::{kind}", call[0])


def _explain(audit_postgres: Any, version: int, asked: str, row: Any) -> Any:
    if version >= GENERIC_PLAN:
        with in_search_path(audit_postgres, row.search_path):
            # Asked often, the driver would prepare it, and the server then want values for its parameters.
            explain = f"EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) {asked}"
            return audit_postgres.execute(explain, prepare=False).fetchone()[0]
    with in_search_path(audit_postgres, row.search_path):
        audit_postgres.execute(f"PREPARE {PREPARED} AS {asked}")
    try:
        with in_search_path(audit_postgres, row.search_path):
            audit_postgres.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            values = f"({', '.join(['NULL'] * parameters(asked))})" if parameters(asked) else ""
            explain = f"EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE {PREPARED}{values}"
            return audit_postgres.execute(explain).fetchone()[0]
    finally:
        _forget(audit_postgres)


def _forget(audit_postgres: Any) -> None:
    try:
        audit_postgres.execute(f"DEALLOCATE {PREPARED}")
    except Exception as error:
        # After a rollback the driver may have forgotten them all, and the reason for that is what is to be told.
        if getattr(error, "sqlstate", None) != "26000":
            raise


@contextmanager
def in_search_path(audit_postgres: Any, search_path: str | None) -> Iterator[None]:
    """A transaction in which names of tables mean what they mean to the role that sent the statement."""
    with audit_postgres.transaction():
        if search_path:
            audit_postgres.execute("SELECT set_config('search_path', %s, true)", [search_path])
        yield


def _reason(error: Any) -> str:
    said = str(error.diag.message_primary or error)
    cures = {
        "42501": "the audit's role may not read it: GRANT SELECT on its tables",
        "42P01": "it is not on the search_path, or is gone",
    }
    return f"{said} ({cures[error.sqlstate]})" if error.sqlstate in cures else said

"""Statements as pg_stat_statements keeps them."""

from __future__ import annotations

import re

import pytest

from pytest_backend_audit.analysis.statements import (
    as_read,
    functions,
    of_tools,
    only_catalogs,
    parameters,
    shortened,
)


def plain(statement: str | None) -> str | None:
    """Without the blanks that joining tokens leaves."""
    return None if statement is None else re.sub(r" ?([().,]) ?", r"\1", statement)


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("SELECT a FROM t WHERE b = $1;", "SELECT a FROM t WHERE b = $1"),
        (
            "UPDATE orders SET status = $1 WHERE id = $2 AND tenant = $3 RETURNING id",
            "SELECT 1 FROM orders WHERE id = $1 AND tenant = $2",
        ),
        ('UPDATE ONLY s."T t" AS x SET a = (SELECT b FROM u WHERE c = $1)', 'SELECT 1 FROM ONLY s."T t" AS x'),
        (
            "UPDATE t SET a = u.a FROM u JOIN v ON u.i = v.i WHERE t.i = u.i",
            "SELECT 1 FROM t,u JOIN v ON u.i = v.i WHERE t.i = u.i",
        ),
        ("DELETE FROM t USING u WHERE t.i = u.i AND u.b < $1", "SELECT 1 FROM t,u WHERE t.i = u.i AND u.b < $1"),
        ("DELETE FROM t", "SELECT 1 FROM t"),
        ("SELECT pg_notify($1, $2)", None),
        ("INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT DO NOTHING", None),
        (
            "INSERT INTO t (a) SELECT b FROM u WHERE c = $1 ON CONFLICT (a) DO UPDATE SET a = $2 RETURNING a",
            "SELECT b FROM u WHERE c = $1",
        ),
        ("SELECT a FROM t WHERE i = $1 FOR UPDATE OF t SKIP LOCKED", "SELECT a FROM t WHERE i = $1"),
        ("SELECT a FROM t FOR NO KEY UPDATE NOWAIT LIMIT $1", "SELECT a FROM t LIMIT $1"),
        ("SELECT a FROM t FOR SHARE OF t, u LIMIT $1", "SELECT a FROM t LIMIT $1"),
        ("SELECT * FROM (SELECT a FROM t FOR UPDATE) AS x", "SELECT * FROM(SELECT a FROM t)AS x"),
        ("SELECT substring(a FROM $1 FOR $2) FROM t", "SELECT substring(a FROM $1 FOR $2)FROM t"),
        (
            "SELECT a FROM t WHERE d > now() - interval $1 AND e = DATE $2",
            "SELECT a FROM t WHERE d > now()- CAST($1 AS interval)AND e = CAST($2 AS DATE)",
        ),
        (
            "SELECT extract($1 FROM now() - min(c)), extract(epoch FROM d) FROM t",
            "SELECT date_part(CAST($1 AS text),now()- min(c)),extract(epoch FROM d)FROM t",
        ),
        ("/* route=x */ SELECT 'FOR UPDATE; it''s' FROM t -- why\n", "SELECT 'FOR UPDATE; it''s' FROM t"),
        ("SELECT a->>$1, b::int FROM t WHERE c <= 1.5", "SELECT a ->> $1,b :: int FROM t WHERE c <= 1.5"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "WITH x AS(SELECT 1)SELECT * FROM x"),
    ],
)  # fmt: skip
def test_what_is_read(statement: str, read: str | None) -> None:
    """The search for the rows that change, without locks; nothing for an INSERT of values."""
    assert plain(as_read(statement)) == read


@pytest.mark.parametrize(
    "statement",
    [
        "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
        "WITH x AS (SELECT 1) UPDATE t SET a = 1",
        "MERGE INTO t USING u ON t.i = u.i WHEN MATCHED THEN DELETE",
        "UPDATE t SET a = $1 WHERE CURRENT OF c",
    ],
)
def test_what_can_not_be_told_apart(statement: str) -> None:
    """It is said so, instead of guessed."""
    with pytest.raises(ValueError, match=r"^(what it reads can't be told|it changes a cursor's row)"):
        as_read(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM t; COMMIT; SET x = y; DELETE FROM t",
        "UPDATE t SET a = 1 WHERE b = 2 RETURNING a; COMMIT",
        "INSERT INTO t VALUES (1); DELETE FROM t",
        r"SELECT 1 FROM t WHERE a = '\'; DELETE FROM t; --'",
        r"SELECT 1 FROM t WHERE a = U&'\'; DELETE FROM t; --'",
        "SELECT 1 FROM t WHERE a = 1 +--'\n 1; DELETE FROM t; --'",
        "SELECT 1 FROM t WHERE a = 1 +/*' */ 1; DELETE FROM t; --'",
        "SELECT 1 FROM t WHERE a = $a1$'$a1$; DELETE FROM t; --'",
        'SELECT 1 FROM t WHERE a = $a1$"$a1$; DELETE FROM t; --"',
        "SELECT $$;$$ FROM t",
        "SELECT /* /* */ ; */ 1 FROM t",
    ],
)
def test_what_may_be_several_statements_is_refused(statement: str) -> None:
    """Also where only the server sees a semicolon outside of quotes."""
    with pytest.raises(ValueError, match=r"^it may be several statements$"):
        as_read(statement)


@pytest.mark.parametrize("read", ["""SELECT ';' FROM "a;b" WHERE c = 'it''s;' AND d = $1 - 2 / 3""", "SELECT 1 FROM t"])
def test_semicolons_in_quotes_and_at_the_end_are_none(read: str) -> None:
    """They end no statement that another one follows."""
    assert as_read(f"{read}; ;") == read


def test_parameters_and_functions() -> None:
    """Those in literals and comments are none."""
    statement = "SELECT f($2), '$9 g(' /* $8 h( */ FROM s.gen($11) WHERE a IN ($1) AND lower (b) = $3"
    assert parameters(statement) == 11
    assert functions(statement) == ["f", "gen", "in", "lower"]
    assert parameters("SELECT 1") == 0


def test_a_long_statement_is_shortened() -> None:
    """On one line."""
    assert shortened("SELECT\n   a,\n b", 10) == "SELECT ..."
    assert shortened("/* x */ SELECT a -- b\n FROM t /*request_id='1'*/") == "SELECT a FROM t"


TYPES = """
WITH RECURSIVE tree(oid, depth) AS (
    SELECT found.oid, $2
    FROM (SELECT t.oid AS oid, (CASE WHEN t.typtype = $3 THEN (
              WITH RECURSIVE bases(oid, depth) AS (
                  SELECT b.typbasetype AS oid, $4 AS depth FROM pg_type b WHERE b.oid = t.oid
                  UNION ALL SELECT b.typbasetype, bases.depth + $5 FROM pg_type b, bases WHERE bases.oid = b.oid
              ) SELECT oid FROM bases ORDER BY depth DESC LIMIT $6) ELSE $7 END) AS base
          FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace n ON (n.oid = t.typnamespace)
          LEFT JOIN pg_range r ON (t.oid = r.rngtypid)) AS found
    WHERE found.oid = any($1::oid[])
    UNION ALL SELECT t.oid, tree.depth + $8 FROM pg_type t, tree WHERE t.typelem = tree.oid
) SELECT DISTINCT * FROM tree ORDER BY depth DESC
"""


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (TYPES, True),
        ("SELECT oid FROM pg_type t, pg_catalog.pg_namespace WHERE x = ANY($1)", True),
        ("SELECT * FROM information_schema.tables", True),
        ("SELECT * FROM pg_class c JOIN orders o ON true", False),
        ("SELECT * FROM pg_class c, shop.orders", False),
        ("WITH orders AS (SELECT oid FROM pg_class) SELECT * FROM orders", True),
        ("SELECT 1 FROM pg_class WHERE oid = (SELECT id FROM orders)", False),
        ("SELECT $1", False),
        ("SELECT * FROM touched()", False),
    ],
)
def test_what_reads_the_servers_catalogs_alone(statement: str, said: bool) -> None:
    """As asyncpg's search for types does, which no generic plan can be made of."""
    assert only_catalogs(statement) is said


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (TYPES, True),
        (
            "SELECT EXTRACT($1 FROM now() - backend_start) FROM pg_stat_activity JOIN pg_catalog.pg_locks USING (pid)",
            True,
        ),
        ("SELECT query, calls FROM datadog.pg_stat_statements($1) s LEFT JOIN pg_roles r ON r.oid = s.userid", True),
        ('SELECT * FROM "pg_catalog"."pg_class", unnest($1) AS wanted', True),
        ("SELECT * FROM pg_transactions WHERE id = $1", False),
        ("SELECT * FROM pg_stat_activity, orders", False),
        ("SELECT * FROM unnest($1::int[])", False),
        ("UPDATE orders SET name = u.name FROM unnest($1::int[]) AS u (id) WHERE orders.id = u.id", False),
        ("DELETE FROM orders USING pg_class", False),
        ("WITH gone AS (DELETE FROM pg_class RETURNING oid) SELECT * FROM gone", False),
        ("SELECT $1", False),
    ],
)
def test_what_tools_ask_the_server_about_itself(statement: str, said: bool) -> None:
    """A payment gateway's table may begin with pg_, too; what changes rows is the service's."""
    assert of_tools(statement) is said

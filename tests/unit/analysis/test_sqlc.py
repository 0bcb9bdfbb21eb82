"""sqlc: its configuration, what it says, and whether CI asks it."""

from __future__ import annotations

import json
import re

import pytest

from pytest_backend_audit.analysis.ci_files import commands
from pytest_backend_audit.analysis.sqlc import (
    Fault,
    asks,
    configuration,
    configurations,
    faults,
    made_by,
    named,
    query_names,
)

SECOND = """\
version: "2"
plugins:
  - name: py
    wasm: {url: https://example.org/py.wasm, sha256: "00"}
overrides: {go: {rename: {id: ID}}}
sql:
  - engine: postgresql
    schema: [../migrations, extra/*.sql]
    queries: queries.sql
    database: {uri: "${DATABASE_URL}"}
    rules: [sqlc/db-prepare]
    strict_order_by: false
    gen:
      go: {package: store, out: ../store}
  - engine: mysql
    schema: mysql
    queries: mysql/queries
    codegen: [{plugin: py, out: py}]
"""
FIRST = """\
version: 1
packages:
  - {name: db, path: store, schema: schema.sql, queries: ["./queries/"], emit_json_tags: true, rules: [x]}
"""
# sqlc v1.31.1, of a query on a column that a later migration drops.
SAID = """\
# package store
queries.sql:9:42: column "note" does not exist
queries.sql:16:37: column "note" does not exist
../migrations/0003.sql:1:1: relation "offers" does not exist
"""
QUERIES = """\
-- name: Recent :many
SELECT id FROM orders;

-- Not a query: name.
-- name: Order :one
-- It has a comment.


SELECT note FROM orders;

/* name: Place :exec */
INSERT INTO orders DEFAULT VALUES;
"""


def test_configurations_are_found_by_name() -> None:
    """In any folder but those of other people's code."""
    paths = ["sqlc.yaml", "db/sqlc.json", "a/sqlc.yml", "vendor/x/sqlc.yaml", "a/testdata/sqlc.yaml", "my-sqlc.yaml"]
    assert configurations(paths) == ["a/sqlc.yml", "db/sqlc.json", "sqlc.yaml"]


def test_a_configuration_names_its_files_from_the_top_of_the_tree() -> None:
    """Wherever it stands itself."""
    found = configuration("db/sqlc.yaml", SECOND)
    assert found.folder == "db"
    assert found.inputs == ("migrations", "db/extra/*.sql", "db/mysql", "db/queries.sql", "db/mysql/queries")
    assert found.queries == ("db/queries.sql", "db/mysql/queries")
    assert found.outputs == ("store",)


def test_what_is_compiled_runs_nothing_and_asks_nobody() -> None:
    """No plugin, no database; but something to generate, without which sqlc looks at nothing."""
    found = configuration("db/sqlc.yaml", SECOND)
    assert json.loads(found.compiles) == {
        "version": "2",
        "sql": [
            {
                "engine": "postgresql",
                "schema": ["../migrations", "extra/*.sql"],
                "queries": "queries.sql",
                "strict_order_by": False,
                "gen": {"json": {"out": "."}},
            },
            {"engine": "mysql", "schema": "mysql", "queries": "mysql/queries", "gen": {"json": {"out": "."}}},
        ],
    }
    compared = json.loads(found.compares)
    assert [block["gen"] for block in compared["sql"]] == [{"go": {"package": "store", "out": "../store"}}]
    assert compared["overrides"] == {"go": {"rename": {"id": "ID"}}}


def test_code_that_is_made_elsewhere_is_not_compared() -> None:
    """What is outside the tree is not the commit's."""
    found = configuration("sqlc.yaml", "sql: [{schema: s.sql, queries: q.sql, gen: {go: {package: a, out: ../a}}}]\n")
    assert (found.outputs, found.compares) == ((), "")


def test_version_1_is_read_too() -> None:
    """Its packages are of Go."""
    found = configuration("sqlc.yaml", FIRST)
    assert (found.inputs, found.outputs) == (("schema.sql", "queries"), ("store",))
    [package] = json.loads(found.compiles)["packages"]
    assert package == {
        "name": "db", "path": "store", "schema": "schema.sql", "queries": ["./queries/"], "emit_json_tags": True,
    }  # fmt: skip
    assert found.compares == found.compiles


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "sqlc.yaml configures no queries (sql, or packages in version 1)"),
        ("version: '2'\nsql: []\n", "sqlc.yaml configures no queries (sql, or packages in version 1)"),
        ("sql: {a: b}\n", "sqlc.yaml configures no queries (sql, or packages in version 1)"),
        ("sql: [{schema: ../x.sql, queries: q.sql}]\n", "sqlc.yaml names files outside the tree: ../x.sql"),
        ("sql: [{schema: s.sql, queries: [/etc/passwd]}]\n", "sqlc.yaml names files outside the tree: /etc/passwd"),
        ("- [\n", "sqlc.yaml is no YAML: while parsing"),
        ("sql: &a\n  - *a\n", "sqlc.yaml is too large, or repeats itself, to be a configuration"),
    ],
)
def test_what_is_no_configuration_is_said_so(text: str, wrong: str) -> None:
    """With the file's name."""
    with pytest.raises(ValueError, match=f"^{re.escape(wrong)}"):
        configuration("sqlc.yaml", text)


def test_files_are_named_by_path_folder_or_glob() -> None:
    """A folder means the SQL that stands in it, as for sqlc, and nothing below."""
    paths = ["q.sql", "m/1.sql", "m/2.sql", "m/notes.md", "m/deep/3.sql", "extra/a.sql", "extra/b.txt"]
    assert named(["q.sql", "m", "extra/*.sql"], paths) == ["extra/a.sql", "m/1.sql", "m/2.sql", "q.sql"]
    assert named(["."], paths) == ["q.sql"]


def test_faults_have_the_querys_name() -> None:
    """The one whose text the line is in; a schema's has none."""
    found = faults(SAID, "db", {"db/queries.sql": QUERIES})
    assert found == [
        Fault("db/queries.sql", 9, "Order", 'column "note" does not exist'),
        Fault("db/queries.sql", 16, "Place", 'column "note" does not exist'),
        Fault("migrations/0003.sql", 1, "", 'relation "offers" does not exist'),
    ]
    assert [fault.item for fault in found] == [
        "db/queries.sql:Order", "db/queries.sql:Place", "migrations/0003.sql",
    ]  # fmt: skip
    assert str(found[2]) == 'migrations/0003.sql:1: relation "offers" does not exist'


def test_query_names() -> None:
    """By the comments that sqlc wants before each."""
    assert query_names(QUERIES) == [(1, "Recent"), (5, "Order"), (11, "Place")]


def test_the_version_that_generated_code() -> None:
    """If it was one and the same."""
    made = "// Code generated by sqlc. DO NOT EDIT.\n// versions:\n//   sqlc {}\n\npackage store\n"
    assert made_by([made.format("v1.31.1"), made.format("v1.31.1"), "package store\n"]) == "v1.31.1"
    assert made_by([made.format("v1.31.1"), made.format("v1.27.0")]) == ""
    assert made_by(["package store\n"]) == ""


@pytest.mark.parametrize(
    ("command", "counts"),
    [
        ("sqlc compile", True),
        ("sqlc diff", True),
        ("sqlc -f db/sqlc.yaml vet", True),
        ("sqlc generate --file=db/sqlc.yaml && git diff --exit-code", True),
        ("go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 compile", True),
        ("go tool sqlc --no-remote diff", True),
        ("docker run --rm -v .:/src -w /src sqlc/sqlc:1.31.1 vet", True),
        ("./bin/sqlc compile", True),
        ("sqlc-diff", True),
        ("sqlc version", False),
        ("go install github.com/sqlc-dev/sqlc/cmd/sqlc@latest", False),
        ("cat sqlc.yaml", False),
        ("echo sqlc compile", False),
    ],
)
def test_commands_of_ci_that_ask_sqlc(command: str, counts: bool) -> None:
    """However it is started."""
    text = f"on: push\njobs: {{a: {{steps: [{{run: {json.dumps(command)}}}]}}}}\n"
    config = configuration("db/sqlc.yaml", SECOND)
    asked = list(asks(commands([".github/workflows/a.yml"], lambda _: text), config, alone=True))
    assert bool(asked) is counts


@pytest.mark.parametrize(
    ("steps", "counts"),
    [
        (["sqlc compile -f db/sqlc.yaml"], True),
        (["sqlc compile -f other/sqlc.yaml"], False),
        (["sqlc compile"], False),
        (["cd db", "sqlc compile"], True),
        (["cd db/", "sqlc compile -f sqlc.yaml"], True),
        (["cd $FOLDER", "sqlc compile"], True),
    ],
)
def test_of_several_configurations_each_needs_its_own_command(steps: list[str], counts: bool) -> None:
    """Told by the file that is named, or the folder; where a variable names it, it may be this one."""
    text = f"on: push\njobs: {{a: {{steps: [{{run: {json.dumps(chr(10).join(steps))}}}]}}}}\n"
    config = configuration("db/sqlc.yaml", SECOND)
    asked = list(asks(commands([".github/workflows/a.yml"], lambda _: text), config, alone=False))
    assert bool(asked) is counts


def test_a_folder_with_a_leading_dot_is_named() -> None:
    """A dot alone is the top of the tree."""
    paths = [".db/queries/a.sql", "b.sql"]
    assert named([".db/queries"], paths) == [".db/queries/a.sql"]
    assert named(["."], paths) == ["b.sql"]

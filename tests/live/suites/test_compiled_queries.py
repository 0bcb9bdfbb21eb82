"""Queries of sqlc in trees that differ from the companion's, with the real program."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from live.companions.conftest import MORE_PROGRAMS

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.compiled_queries import Sqlc
from pytest_backend_audit.suites.query_performance.compiled_queries import (
    test_queries_of_sqlc_compile_and_ci_checks_it as check,
)
from pytest_backend_audit.targets.command import Command
from pytest_backend_audit.targets.evidence import ByHand
from pytest_backend_audit.targets.source import Source
from pytest_backend_audit.testing import Ran, Surroundings, run_check, runtime_for

pytestmark = [pytest.mark.live, pytest.mark.needs("git", "sqlc")]

CONFIG = """\
version: "2"
sql:
  - engine: postgresql
    schema: schema.sql
    queries: queries.sql
    database: {uri: "postgresql://127.0.0.1:1/never-asked"}
    gen:
      go: {package: store, out: store, sql_package: pgx/v5}
"""
SOUND = {
    "sqlc.yaml": CONFIG,
    "schema.sql": "CREATE TABLE orders (id bigint PRIMARY KEY, note text NOT NULL);\n",
    "queries.sql": "-- name: Order :one\nSELECT id, note FROM orders WHERE id = $1;\n",
    ".gitlab-ci.yml": "sql: {script: [sqlc diff]}\n",
}
JUDGE = Callable[..., tuple[Status, str]]


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JUDGE:
    """The check, of a repository with these files; others of the work tree don't count."""

    def run(files: Mapping[str, str], *, path: str | None = None, acknowledged: str = "") -> tuple[Status, str]:
        home = tmp_path / "tree"
        for name, text in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        for arguments in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
            subprocess.run(["git", "-C", home, *arguments], check=True)
        commit = subprocess.run(["git", "-C", home, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
        (home / "schema.sql").write_text("nothing that sqlc would take\n")
        more = f"acknowledged: [{acknowledged}]\n" if acknowledged else ""
        audit = runtime_for(f"version: 1\nenvironment: local\n{more}", folder=home, commit=commit.stdout.strip())
        if path is not None:
            monkeypatch.setenv("PATH", path)
        out = tmp_path / "written"
        ran: Ran = run_check(
            check,
            on=audit.recorder,
            audit_source=Source(audit),
            asked=Sqlc(Source(audit), Command(audit), out),
            audit_acknowledged=Surroundings(audit).acknowledged,
            audit_evidence=ByHand(audit),
            audit_run=SimpleNamespace(instant="2026-11-24T10:00:00Z"),
        )
        return ran.status, ran.reason

    monkeypatch.setenv("PATH", ":".join([*MORE_PROGRAMS, "/usr/local/bin", "/usr/bin", "/bin"]))
    return run


def test_queries_that_compile_pass(judge: JUDGE) -> None:
    """By the commit's files; the database that the configuration names is not asked."""
    assert judge(SOUND) == (Status.PASSED, "")


def test_a_tree_without_sqlc_could_not_run(judge: JUDGE) -> None:
    """It says what to declare where that is meant to be so."""
    status, reason = judge({"README": "no SQL here\n"})
    assert status is Status.COULD_NOT_RUN
    assert reason.startswith("the tree has no sqlc.yaml, sqlc.yml or sqlc.json.")
    assert reason.endswith(
        "not_applicable: [{criterion: compiled-queries, reason: ..., who: ..., since: 2026-11-24, expires: 2027-05-23}]"
    )


def test_a_machine_without_sqlc_could_not_run(judge: JUDGE, tmp_path: Path) -> None:
    """It says how to get it; whether CI checks the queries is known nevertheless."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to("/usr/bin/git")
    status, reason = judge(SOUND, path=str(tmp_path / "bin"))
    assert (status, reason.partition(";")[0]) == (
        Status.COULD_NOT_RUN,
        "CI checks the queries of sqlc.yaml, but here sqlc is not installed, or not on PATH "
        "(`backend-audit doctor` lists the tools)",
    )
    assert "go install github.com/sqlc-dev/sqlc/cmd/sqlc@latest" in reason


def test_ci_is_judged_without_sqlc_too(judge: JUDGE, tmp_path: Path) -> None:
    """A tree whose CI never asks sqlc fails on any machine."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to("/usr/bin/git")
    status, reason = judge({**SOUND, ".gitlab-ci.yml": "sql: {script: [go test ./...]}\n"}, path=str(tmp_path / "bin"))
    assert status is Status.FAILED
    assert "CI does not check its queries: no sqlc compile, diff, vet or generate in .gitlab-ci.yml" in reason


def test_a_tree_without_ci_fails(judge: JUDGE) -> None:
    """Unless that is acknowledged."""
    tree = {name: text for name, text in SOUND.items() if name != ".gitlab-ci.yml"}
    assert judge(tree)[1].splitlines()[1:] == [
        "  - sqlc.yaml: CI does not check its queries: the tree has no pipeline",
        "  to acknowledge: compiled-queries:sqlc.yaml:CI",
    ]


def test_generated_code_that_is_out_of_date_fails(judge: JUDGE) -> None:
    """Where this version of sqlc made it; another one's differs anyhow."""
    made = "// Code generated by sqlc. DO NOT EDIT.\n// versions:\n//   sqlc {}\n\npackage store\n"
    version = subprocess.run(["sqlc", "version"], check=True, capture_output=True, text=True).stdout.strip()
    assert judge({**SOUND, "store/db.go": made.format(version)})[1].splitlines()[1:] == [
        "  - store: the generated code is not what sqlc makes of the queries; run sqlc generate",
        "  to acknowledge: compiled-queries:sqlc.yaml:generated",
    ]


def test_code_of_another_version_is_not_compared(judge: JUDGE) -> None:
    """It could differ for that alone."""
    made = "// Code generated by sqlc. DO NOT EDIT.\n// versions:\n//   sqlc v1.0.0\n\npackage store\n"
    assert judge({**SOUND, "store/db.go": made}) == (Status.PASSED, "")


def test_schemas_and_configurations_that_are_wrong_fail(judge: JUDGE) -> None:
    """As a query does: nothing was compiled."""
    tree = {
        **SOUND,
        "a/sqlc.json": '{"version": "2", "sql": [{"engine": "postgresql", "schema": "none.sql", "queries": "q.sql"}]}',
        "a/q.sql": "-- name: One :one\nSELECT 1;\n",
        "b/sqlc.yml": CONFIG,
        "b/schema.sql": "CREATE TABLE;\n",
        "b/queries.sql": SOUND["queries.sql"],
        "c/sqlc.yml": CONFIG,
        ".gitlab-ci.yml": "sql: {script: ['for f in */sqlc.*; do sqlc -f $f compile; done']}\n",
    }
    status, reason = judge(tree)
    first, *others = reason.splitlines()
    assert status is Status.FAILED
    assert first.startswith(
        "3 problems with compiled queries (3 queries of a/sqlc.json, b/sqlc.yml, c/sqlc.yml, sqlc.y"
    )
    assert others == [
        "  - a/sqlc.json: sqlc compile: # package error parsing schema: path error: stat none.sql: "
        "no such file or directory",
        '  - b/schema.sql:1: syntax error at or near ";"',
        "  - c/sqlc.yml names no file with a query (c/queries.sql)",
        "  to acknowledge: compiled-queries:a/sqlc.json, compiled-queries:b/schema.sql, compiled-queries:c/sqlc.yml",
    ]


def test_what_is_acknowledged_is_left_out(judge: JUDGE) -> None:
    """A query that is known not to compile."""
    entry = "{item: 'compiled-queries:queries.sql:Order', reason: old, who: Ada, ticket: T-1, expires: 2099-01-01}"
    tree = {**SOUND, "schema.sql": "CREATE TABLE orders (id bigint PRIMARY KEY);\n"}
    assert judge(tree, acknowledged=entry) == (Status.PASSED, "")


def test_ci_may_ask_by_go_generate(judge: JUDGE) -> None:
    """Where a directive in the sources names sqlc."""
    ci = {".gitlab-ci.yml": "sql: {script: [go generate ./...]}\n"}
    assert judge({**SOUND, **ci, "shop.go": "package shop\n\n//go:generate sqlc generate\n"}) == (Status.PASSED, "")

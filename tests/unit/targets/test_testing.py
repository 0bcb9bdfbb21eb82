"""The helpers for authors of checks."""

import pytest

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.testing import LiteralPostgres, rows, run_check


def check_for_bare_keys(audit_postgres):
    """A check as authors write it."""
    bare = [r[0] for r in audit_postgres.execute("SELECT conname FROM pg_constraint").fetchall()]
    assert not bare, f"{len(bare)} foreign keys without an index: {', '.join(bare)}"


def test_a_check_runs_on_literal_rows():
    """And its outcome, reason and evidence can be looked at."""
    ran = run_check(check_for_bare_keys, audit_postgres=rows(("a_fk",), ("b_fk",)))
    assert (ran.status, ran.reason.splitlines()[0]) == ("failed", "2 foreign keys without an index: a_fk, b_fk")
    assert [(e.title, e.body) for e in ran.evidence] == [("SELECT conname FROM pg_constraint", "a_fk\nb_fk")]
    assert run_check(check_for_bare_keys, audit_postgres=rows()).status == "passed"


def test_each_statement_can_have_its_own_rows():
    """By a part of its text; a statement without rows is the test's mistake."""
    postgres = LiteralPostgres({"max_connections": [("100",)], "count(*)": [(85,), (7,)]})
    assert postgres.execute("SHOW max_connections").fetchone() == ("100",)
    cursor = postgres.execute("SELECT count(*) FROM t")
    assert (cursor.rowcount, cursor.fetchmany(1), list(cursor), cursor.fetchone()) == (2, [(85,)], [(7,)], None)
    with pytest.raises(LookupError, match="no literal rows for the statement 'SELECT 1'"):
        postgres.execute("SELECT 1")


def test_could_not_run_and_broken_are_told_apart():
    """As in an audit."""

    def cannot():
        raise CouldNotRun("no traffic")

    def wrong():
        {}["x"]

    assert (run_check(cannot).status, run_check(cannot).reason) == ("could-not-run", "no traffic")
    assert (run_check(wrong).status, run_check(wrong).reason) == ("broken", "KeyError: 'x'")


def test_arguments_and_values_must_match():
    """A misspelt name would be a check on nothing."""
    with pytest.raises(TypeError, match=r"no value for \['audit_postgres'\], no argument for \['audit_postgre'\]"):
        run_check(check_for_bare_keys, audit_postgre=rows())

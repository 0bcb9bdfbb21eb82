"""Connections on a real server: headroom and identity, and a role that sees too little."""

from __future__ import annotations

from types import SimpleNamespace

import psycopg
import pytest
from live.suites.conftest import PASSWORD
from psycopg.rows import namedtuple_row

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.connections.connection_identity import (
    test_every_connection_names_its_application as identity,
)
from pytest_backend_audit.suites.connections.headroom import test_connections_leave_headroom as headroom
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live
NO_POOLER = SimpleNamespace(configured=lambda _: False)


@pytest.fixture
def blind(superuser, database):
    """A role without pg_monitor."""
    database.admin.execute("CREATE ROLE unseeing LOGIN PASSWORD 'may-see-nothing'")
    dsn = (superuser % database.name).replace(f"postgres:{PASSWORD}", "unseeing:may-see-nothing")
    with psycopg.connect(dsn, autocommit=True, row_factory=namedtuple_row) as connection:
        yield connection
    database.admin.execute("DROP ROLE unseeing")


def test_headroom_is_counted_against_the_maximum(database, audit_yaml) -> None:
    """With the applications that hold it; the limit is the audit's."""
    audit = audit_yaml("thresholds: {connections-used-ratio: 0.01}\n")
    ran = run_check(headroom, audit_postgres=database.looker, audit_settings=audit.settings)
    assert ran.status is Status.FAILED
    assert "connections are in use (" in ran.reason
    assert "the limit is 0.01 (audit.yaml:3); by application: " in ran.reason
    assert "test-admin: 1" in ran.reason
    ran = run_check(headroom, audit_postgres=database.looker, audit_settings=audit_yaml().settings)
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_anonymous_connections_are_counted_by_role_and_address(superuser, database) -> None:
    """Named ones, and the audit's own, are not among them."""
    database.looker.execute("SET application_name = ''")
    ran = run_check(identity, audit_postgres=database.looker, audit_declared=NO_POOLER, request=None)
    assert ran.status is Status.FAILED
    before = ran.reason
    assert "client connections have no application_name; by role: postgres: " in before
    with psycopg.connect(superuser % database.name, application_name=" "):
        ran = run_check(identity, audit_postgres=database.looker, audit_declared=NO_POOLER, request=None)
    assert int(ran.reason.split()[0]) == int(before.split()[0]) + 1
    assert ran.reason.endswith(f"by address: 127.0.0.1: {ran.reason.split()[0]}")


def test_a_role_that_sees_too_little_could_not_look(blind, audit_yaml) -> None:
    """Sessions of others are there, and nothing of them is shown."""
    for ran in (
        run_check(headroom, audit_postgres=blind, audit_settings=audit_yaml().settings),
        run_check(identity, audit_postgres=blind, audit_declared=NO_POOLER, request=None),
    ):
        assert ran.status is Status.COULD_NOT_RUN
        assert ran.reason.endswith("sessions are hidden from the audit's role: GRANT pg_monitor to it")

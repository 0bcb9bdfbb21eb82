"""Queues that are tables of the database, on real servers, for a role that may only look."""

from __future__ import annotations

import psycopg
import pytest

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.queues import Queues
from pytest_backend_audit.testing import surroundings

TABLES = """
CREATE TABLE outbox (id int, created_at timestamptz NOT NULL);
CREATE TABLE naive (created_at timestamp NOT NULL);
CREATE SCHEMA "Odd.Schema";
CREATE TABLE "Odd.Schema"."Out Box" (id int, "Put At" timestamptz NOT NULL, "Sent At" timestamptz);
GRANT USAGE ON SCHEMA "Odd.Schema" TO looker;
GRANT SELECT ON outbox, "Odd.Schema"."Out Box" TO looker
"""
AUDIT = """\
targets:
  postgres: {dsn: "host=db"}
  queues:
    tables:
      outbox: {table: outbox}
      odd: {table: '"Odd.Schema"."Out Box"', created: Put At, done: Sent At}
      gone: {table: public.gone}
      lame: {table: outbox, created: put_at, done: sent_at}
      closed: {table: closed}
      naive: {table: naive}
"""


@pytest.fixture
def queues(database) -> Queues:
    """The fixture, of a database with two outboxes."""
    for statement in TABLES.split(";"):
        database.admin.execute(statement)
    return Queues(surroundings(AUDIT).runtime, lambda: database.looker)


def test_what_waits_is_counted_and_the_oldest_told(database, queues: Queues) -> None:
    """Where messages that are done are removed, all that are there wait."""
    assert str(queues.read("outbox")) == "outbox: 0 wait"
    database.admin.execute("INSERT INTO outbox SELECT n, now() - n * interval '1 minute' FROM generate_series(1, 3) n")
    found = queues.read("outbox")
    assert (found.queue, found.depth, int(found.oldest // 60)) == ("outbox", 3, 3)
    assert str(found).startswith("outbox: 3 wait, the oldest for 18")


def test_messages_that_are_done_and_stay_do_not_wait(database, queues: Queues) -> None:
    """Told by the column that is null for as long as one waits; whatever the names, also quoted ones with a dot."""
    database.admin.execute("""
        INSERT INTO "Odd.Schema"."Out Box"
        SELECT n, now() - n * interval '1 minute', CASE WHEN n > 2 THEN now() END FROM generate_series(1, 5) n""")
    found = queues.read("odd")
    assert (found.depth, int(found.oldest // 60)) == (2, 2)


def test_all_queues_are_named(queues: Queues) -> None:
    """In the order in which they are declared."""
    assert queues.names == ("outbox", "odd", "gone", "lame", "closed", "naive")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone", "targets.queues.tables.gone: there is no table public.gone (audit.yaml:"),
        ("lame", "targets.queues.tables.lame: there is no column put_at, column sent_at in outbox (audit.yaml:"),
        (
            "naive",
            "targets.queues.tables.naive: column created_at of naive is timestamp without time zone, of which nobody "
            "can tell how long ago it is: name one that is timestamp with time zone (audit.yaml:",
        ),
        ("other", "targets.queues has no other; it has: outbox, odd, gone, lame, closed, naive (audit.yaml:"),
    ],
)
def test_what_is_not_there_is_told(queues: Queues, name: str, said: str) -> None:
    """A table, a column, or the queue itself."""
    with pytest.raises(CouldNotRun) as raised:
        queues.read(name)
    assert str(raised.value).startswith(said)


def test_a_table_that_the_role_may_not_read_is_the_servers_word(database, queues: Queues) -> None:
    """A check that does not catch it could not run."""
    database.admin.execute("CREATE TABLE closed (created_at timestamptz)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for table closed"):
        queues.read("closed")

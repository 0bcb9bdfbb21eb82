"""PgBouncer's console, from a captured one and with the columns of other versions."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_backend_audit.analysis import pgbouncer
from pytest_backend_audit.analysis.sessions import past_the_pooler

SAID = json.loads((Path(__file__).parent / "data" / "pgbouncer-1.18.json").read_text())


class Cursor:
    """A console's cursor, as far as it is read."""

    def __init__(self, command: str) -> None:
        self.description = [SimpleNamespace(name=name) for name in SAID[command]["columns"]]
        self._rows = SAID[command]["rows"]

    def fetchall(self) -> list[list[object]]:
        """All rows."""
        return self._rows


def shown(command: str) -> list[dict[str, object]]:
    """Rows of a captured SHOW."""
    return [
        {n: int(v) if n.startswith("total_") else v for n, v in row.items()} for row in pgbouncer.named(Cursor(command))
    ]


def test_databases_are_found_by_where_they_lead() -> None:
    """Not by the name that clients use; the console's own is none."""
    assert [row["name"] for row in pgbouncer.served(shown("DATABASES"), "orders")] == ["orders"]
    assert pgbouncer.served(shown("DATABASES"), "elsewhere") == []
    assert pgbouncer.served(shown("DATABASES"), "pgbouncer") == []
    alias = [{"name": "short", "database": "orders"}]
    assert pgbouncer.served(alias, "orders") == alias


def test_a_server_is_known_by_the_processes_that_connections_lead_to() -> None:
    """Not by its database's name: a replica's is the same."""
    [row] = [r for r in shown("DATABASES") if r["name"] == "orders"]
    databases = [row, {**row, "name": "orders_ro", "host": "10.0.0.9"}, {**row, "name": "other", "database": "other"}]
    servers = [{"database": "orders", "remote_pid": 7}, {"database": "orders_ro", "remote_pid": 8}]
    assert pgbouncer.places(databases, "orders", servers, {7, 9}) == {(row["host"], row["port"])}
    assert pgbouncer.places(databases, "orders", servers, {8}) == {("10.0.0.9", row["port"])}
    assert pgbouncer.places(databases, "orders", servers, {9}) == set()


def test_waiting_clients_are_those_of_the_databases_at_hand() -> None:
    """Of all pools of these names."""
    pools = [
        {"database": "orders", "user": "a", "cl_waiting": 2},
        {"database": "orders", "user": "b", "cl_waiting": 1},
        {"database": "other", "user": "a", "cl_waiting": 9},
    ]
    assert pgbouncer.waiting(pgbouncer.pools(pools, ["orders"])) == 3
    assert pgbouncer.waiting(pgbouncer.pools(shown("POOLS"), ["orders"])) == 0


@pytest.mark.parametrize("column", ["total_xact_count", "total_requests"])
def test_counters_are_read_from_old_and_new_versions(column: str) -> None:
    """Microseconds become seconds; other databases are left out."""
    rows = [
        {"database": "orders", column: 7, "total_wait_time": 250_000},
        {"database": "pgbouncer", column: 99, "total_wait_time": 99},
    ]
    assert pgbouncer.counters(rows, ["orders"]) == {"transactions": 7.0, "waited": 0.25}


def test_the_average_wait_is_per_transaction() -> None:
    """And nothing where there were none."""
    assert pgbouncer.Wait(transactions=100, waited=2.0).average == 0.02
    assert pgbouncer.Wait(transactions=0, waited=0).average == 0


def test_clients_stand_in_for_the_sessions_that_the_pooler_opened() -> None:
    """A server connection keeps the name of the client before; who is connected directly stays."""
    opened = int(str(shown("SERVERS")[0]["remote_pid"]))
    sessions = [SimpleNamespace(pid=opened), SimpleNamespace(pid=-1)]
    found = pgbouncer.instead_of_servers(sessions, shown("SERVERS"), shown("CLIENTS"))
    assert found[0] is sessions[1]
    assert {c.application_name for c in found[1:]} == {"orders-1", "orders-2"}
    anonymous = [{**row, "application_name": ""} for row in shown("CLIENTS")]
    assert {c.application_name for c in pgbouncer.instead_of_servers([], [], anonymous)} == {None}


def test_before_1_18_the_sessions_stay() -> None:
    """The console tells no names there."""
    old = [{n: v for n, v in row.items() if n != "application_name"} for row in shown("CLIENTS")]
    sessions = [SimpleNamespace(pid=1)]
    assert pgbouncer.instead_of_servers(sessions, [{"remote_pid": 1}], old) == sessions


def session(pid: int, role: str, name: str = "x", operator: bool = False) -> SimpleNamespace:
    """A session of the server."""
    return SimpleNamespace(pid=pid, role=role, application_name=name, operator=operator)


def test_sessions_past_the_pooler_are_grouped_and_named() -> None:
    """By role and application; operators may connect directly unless a service uses their role."""
    rows = [session(1, "app"), session(2, "app", "b"), session(3, "app", "b"), session(4, "dba", "psql", operator=True)]
    assert [str(d) for d in past_the_pooler(rows, pooled={1}, roles={"app"})] == ["app@b: 2"]
    assert [d.item for d in past_the_pooler([session(5, "app", "")], set(), set())] == ["app@unnamed"]
    assert [d.item for d in past_the_pooler(rows, {1, 2, 3}, {"dba"})] == ["dba@psql"]
    assert past_the_pooler(rows[:1], {1}, {"app"}) == []
    assert [d.item for d in past_the_pooler(rows, {1, 2, 3}, {"app"}, ["psql*"])] == ["dba@psql"]


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ([{"version": "PgBouncer 1.18.0"}], (1, 18)),
        ([{"version": "PgBouncer 1.21.0 (Debian)\nlibevent 2.1.12-stable"}], (1, 21)),
    ],
)
def test_the_version_is_read_of_what_it_says(said: list[dict[str, object]], version: tuple[int, int]) -> None:
    """From 1.21 on it knows prepared statements."""
    assert pgbouncer.version(said) == version
    assert (version >= pgbouncer.PREPARES) is (version == (1, 21))


def test_no_version_is_told() -> None:
    """Rather than taken for an old one."""
    with pytest.raises(ValueError, match=r"^PgBouncer tells no version: ''$"):
        pgbouncer.version([])


def test_prepared_statements_are_kept_as_the_configuration_says() -> None:
    """Before 1.21 it has no word for them."""
    assert pgbouncer.prepared([{"key": "pool_mode", "value": "transaction"}]) == 0
    assert pgbouncer.prepared([{"key": "max_prepared_statements", "value": "200"}]) == 200


def test_another_poolers_console_is_not_pgbouncers() -> None:
    """PgCat answers the same commands; its version says nothing of what PgBouncer can."""
    assert pgbouncer.is_pgbouncer([{"version": "PgBouncer 1.18.0"}]) is True
    assert [pgbouncer.is_pgbouncer(rows) for rows in ([{"version": "PgCat 1.1.1"}], [])] == [False, False]

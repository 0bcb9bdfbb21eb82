"""Pools on metrics pages: captured ones of the reference service and of Go, and what other libraries name theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_backend_audit.analysis.metrics import read_page
from pytest_backend_audit.analysis.pool_metrics import assigned, exported

DATA = Path(__file__).parent / "data"


def captured(name: str) -> dict[str, dict[str, float]]:
    """The pools of a captured page."""
    return exported(read_page(200, "text/plain", (DATA / name).read_text()))


def told(*samples: str) -> dict[str, dict[str, float]]:
    """The pools of these lines."""
    return exported(read_page(200, "text/plain", "\n".join(samples) + "\n"))


def test_the_reference_services_pool_is_read_whole() -> None:
    """Two states in a label, the others in names."""
    assert captured("metrics-orders.txt") == {"db_pool": {"idle": 2, "active": 0, "waiting": 0, "maximum": 8}}


def test_gos_pool_is_read_by_the_name_of_its_database() -> None:
    """What counts closed connections, and how long somebody waited, is no state."""
    assert captured("metrics-go-sql.txt") == {"orders": {"idle": 0, "active": 0, "waiting": 0, "maximum": 8}}


def test_a_page_without_a_pool_has_none() -> None:
    """Open files and connections of the HTTP server are none."""
    assert captured("metrics-prometheus.txt") == {}
    assert told("process_open_fds 5", "http_server_active_connections 7") == {}
    assert told("dotnet_thread_pool_queue_length 3", "executor_pool_active 2") == {}


@pytest.mark.parametrize(
    "samples",
    [
        (
            'hikaricp_connections_active{pool="main"} 3', 'hikaricp_connections_idle{pool="main"} 2',
            'hikaricp_connections_pending{pool="main"} 1', 'hikaricp_connections_max{pool="main"} 9',
            'hikaricp_connections{pool="main"} 5', 'hikaricp_connections_min{pool="main"} 1',
            'hikaricp_connections_timeout_total{pool="main"} 4',
            'hikaricp_connections_usage_seconds_max{pool="main"} 0.5',
        ),
        (
            'db_client_connection_count{db_client_connection_pool_name="main",db_client_connection_state="used"} 3',
            'db_client_connection_count{db_client_connection_pool_name="main",db_client_connection_state="idle"} 2',
            'db_client_connection_pending_requests{db_client_connection_pool_name="main"} 1',
            'db_client_connection_max{db_client_connection_pool_name="main"} 9',
            'db_client_connection_idle_max{db_client_connection_pool_name="main"} 4',
            'db_client_connection_wait_time_seconds_count{db_client_connection_pool_name="main"} 4',
        ),
        (
            'pgxpool_acquired_conns{db_name="main"} 3', 'pgxpool_idle_conns{db_name="main"} 2',
            'pgxpool_empty_acquire{db_name="main"} 1', 'pgxpool_max_conns{db_name="main"} 9',
            'pgxpool_max_idle_destroy_count{db_name="main"} 7', 'pgxpool_total_conns{db_name="main"} 5',
        ),
        (
            'agroal_active_count{datasource="main"} 3', 'agroal_available_count{datasource="main"} 2',
            'agroal_awaiting_count{datasource="main"} 1', 'agroal_max_used_count{datasource="main"} 7',
            'agroal_acquire_count_total{datasource="main"} 8', 'pool_max{pool="main"} 9',
        ),
        (
            'prisma_pool_connections_busy{pool="main"} 3', 'prisma_pool_connections_idle{pool="main"} 2',
            'prisma_client_queries_wait{pool="main"} 1', 'prisma_pool_connections_open{pool="main"} 5',
            'prisma_client_queries_active{pool="main"} 4', 'pool_max{pool="main"} 9',
        ),
    ],
)  # fmt: skip
def test_pools_of_other_libraries_are_read(samples: tuple[str, ...]) -> None:
    """HikariCP through Micrometer, OpenTelemetry's conventions, pgxpool, Agroal and Prisma, which tell no maximum."""
    assert told(*samples) == {"main": {"active": 3, "idle": 2, "waiting": 1, "maximum": 9}}


def test_declared_pools_get_what_bears_their_name_else_what_tells_most() -> None:
    """A pool that no series tells of has nothing."""
    found = {"db_pool": {"active": 1.0, "idle": 1.0}, "jobs": {"idle": 2.0}, "other": {"idle": 3.0}}
    pools = {"jobs": None, "orders": None}
    assert assigned(pools, found) == {"jobs": {"idle": 2.0}, "orders": {"active": 1.0, "idle": 1.0}}
    assert assigned({"a": None, "b": None}, {"x": {"idle": 1.0}}) == {"a": {"idle": 1.0}, "b": {}}


@pytest.mark.parametrize("name", ["redis_pool", "Valkey", "http_client_pool", "thread_pool", "page-cache", "kafka"])
def test_a_pool_of_something_else_is_not_taken_for_the_databases(name: str) -> None:
    """A cache's callers may wait for nobody while those of the database queue; by its own name it is taken."""
    values = {"active": 1.0, "idle": 1.0, "waiting": 0.0}
    assert assigned({"primary": None}, {name: values}) == {"primary": {}}
    assert assigned({"primary": None}, {name: values, "db_pool": {"idle": 2.0}}) == {"primary": {"idle": 2.0}}
    assert assigned({name: None}, {name: values}) == {name: values}


def test_of_two_pools_that_tell_as_much_none_is_guessed() -> None:
    """Either may be the declared one's; one that tells more than the rest is it."""
    whole = {"active": 1.0, "idle": 1.0, "waiting": 0.0}
    assert assigned({"primary": None}, {"x": whole, "y": whole}) == {"primary": {}}
    assert assigned({"primary": None}, {"jdbc": {"idle": 1.0}, "HikariPool-1": whole}) == {"primary": whole}


def test_pools_of_the_database_are_assigned_by_whatever_name() -> None:
    """That of the reference service, and that of Go's database/sql."""
    assert assigned({"primary": None}, captured("metrics-orders.txt"))["primary"]["maximum"] == 8
    assert assigned({"primary": None}, captured("metrics-go-sql.txt"))["primary"]["maximum"] == 8

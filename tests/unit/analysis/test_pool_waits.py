"""How long callers of pools waited: by what libraries count, and by how many were seen waiting."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_backend_audit.analysis.metrics import read_page
from pytest_backend_audit.analysis.pool_waits import UntoldError, waited, with_waits

DATA = Path(__file__).parent / "data"


def told(*samples: str) -> dict[str, dict[str, float]]:
    """The pools of these lines."""
    return with_waits(read_page(200, "text/plain", "\n".join(samples) + "\n"))


def test_the_reference_services_pool_counts_callers_and_their_waiting() -> None:
    """Beside its gauges; captured under load, with a pool of one connection."""
    found = with_waits(read_page(200, "text/plain", (DATA / "metrics-orders-waiting.txt").read_text()))
    assert found == {"db_pool": {"idle": 0, "active": 1, "waiting": 3, "maximum": 1, "callers": 527, "waited": 66.88}}


def test_gos_counter_of_those_who_waited_is_no_gauge() -> None:
    """It rises for ever; the time that they waited is counted beside it."""
    found = with_waits(read_page(200, "text/plain", (DATA / "metrics-go-sql.txt").read_text()))
    assert found == {"orders": {"idle": 0, "active": 0, "maximum": 8, "waited": 0}}


@pytest.mark.parametrize(
    ("samples", "pool"),
    [
        (
            (
                "# TYPE hikaricp_connections_acquire_seconds summary",
                'hikaricp_connections_acquire_seconds_count{pool="main"} 40',
                'hikaricp_connections_acquire_seconds_sum{pool="main"} 0.5',
                "# TYPE hikaricp_connections_acquire_seconds_max gauge",
                'hikaricp_connections_acquire_seconds_max{pool="main"} 0.2',
                "# TYPE hikaricp_connections_creation_seconds summary",
                'hikaricp_connections_creation_seconds_sum{pool="main"} 9',
            ),
            "main",
        ),
        (
            (
                "# TYPE db_client_connections_wait_time_milliseconds histogram",
                'db_client_connections_wait_time_milliseconds_bucket{pool_name="main",le="+Inf"} 40',
                'db_client_connections_wait_time_milliseconds_count{pool_name="main"} 40',
                'db_client_connections_wait_time_milliseconds_sum{pool_name="main"} 500',
            ),
            "main",
        ),
        (
            (
                "# TYPE pgxpool_acquire_duration_ns counter",
                "pgxpool_acquire_duration_ns 5e+08",
                "# TYPE pgxpool_acquire_count counter",
                "pgxpool_acquire_count 40",
                "# TYPE pgxpool_canceled_acquire_count counter",
                "pgxpool_canceled_acquire_count 7",
                "# TYPE pgxpool_empty_acquire counter",
                "pgxpool_empty_acquire 9",
            ),
            "pgxpool",
        ),
        (("psycopg_pool_requests_wait_ms 500", "psycopg_pool_requests_num 40"), "psycopg_pool"),
    ],
)
def test_waiting_is_read_in_the_words_and_units_of_libraries(samples: tuple[str, ...], pool: str) -> None:
    """HikariCP through Micrometer, OpenTelemetry, pgxpool, psycopg: half a second of forty callers."""
    assert told(*samples) == {pool: {"callers": 40, "waited": 0.5}}


def test_a_page_without_a_pool_has_none() -> None:
    """Requests of the HTTP server, and times that nobody waits for a connection, are none of a pool."""
    assert told("http_requests_total 5", "redis_pool_timeout_seconds 3", "process_cpu_seconds_total 3") == {}


def test_time_that_was_counted_gives_the_average() -> None:
    """Over those who asked, though nobody waits at the moments at which one looks."""
    first = {"waiting": 0.0, "active": 1.0, "callers": 100.0, "waited": 5.0}
    last = {"waiting": 0.0, "active": 1.0, "callers": 150.0, "waited": 12.5}
    found = waited([first, last], seconds=2.0, answered=10)
    assert str(found) == "50 callers waited 150 ms on average, up to 0 at a time"


def test_the_gauge_alone_gives_it_too() -> None:
    """Two wait on average, in one second in which forty requests are answered: 50 ms each."""
    readings = [{"waiting": float(n), "active": 1.0} for n in (0, 5, 3, 0)]
    assert str(waited(readings, seconds=1.0, answered=40)) == "40 callers waited 50 ms on average, up to 5 at a time"


def test_callers_that_wait_most_of_the_time_have_to_be_counted() -> None:
    """Of forty requests perhaps two alone asked for a connection, and waited twenty times as long."""
    readings = [{"waiting": float(n), "active": 1.0} for n in (0, 4, 3, 1)]
    with pytest.raises(UntoldError, match=r"^has callers that wait, up to 4 at a time, but does not count who asks at"):
        waited(readings, seconds=1.0, answered=40)
    counted = [reading | {"callers": 10.0 * n} for n, reading in enumerate(readings)]
    assert str(waited(counted, 1.0, answered=40)) == "30 callers waited 67 ms on average, up to 4 at a time"


def test_the_longer_of_both_counts() -> None:
    """Who waits for ever is in no counter yet."""
    stuck = {"waiting": 50.0, "active": 1.0, "callers": 100.0, "waited": 5.0}
    found = waited([stuck, stuck | {"callers": 110.0}], seconds=2.0, answered=10)
    assert str(found) == "10 callers waited 10000 ms on average, up to 50 at a time"


@pytest.mark.parametrize(
    ("first", "last", "answered", "why"),
    [
        ({"idle": 2.0}, {"idle": 2.0}, 9, "tells neither how many callers wait nor for how long (4.2 pool-metrics)"),
        (
            {"waited": 5.0, "callers": 9.0}, {"waited": 0.1, "callers": 2.0}, 9,
            "began to count anew meanwhile",
        ),
        ({"waited": 5.0, "callers": 9.0}, {"waited": 5.0, "callers": 9.0}, 9, "was asked for no connection meanwhile"),
        ({"waiting": 0.0}, {"waiting": 0.0}, 0, "was asked for no connection meanwhile"),
        (
            {"waiting": 0.0, "active": 0.0, "idle": 0.0}, {"waiting": 0.0, "active": 0.0, "idle": 0.0}, 9,
            "was asked for no connection meanwhile",
        ),
    ],
)  # fmt: skip
def test_what_tells_nothing_is_said(first: dict[str, float], last: dict[str, float], answered: float, why: str) -> None:
    """No series, a process that began anew, and a pool that nobody used are no short waits."""
    with pytest.raises(UntoldError) as said:
        waited([first, last], seconds=1.0, answered=answered)
    assert str(said.value) == why

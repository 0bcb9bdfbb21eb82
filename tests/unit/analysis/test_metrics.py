"""Requests on metrics pages: told from everything else, by content."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from pytest_backend_audit.analysis.metrics import NoMetricsError, growth, is_error, read_page, requests

DATA = Path(__file__).parent / "data"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"


def captured(name: str):
    """What a captured page says of requests."""
    return requests(read_page(200, PLAIN, (DATA / f"metrics-{name}.txt").read_text()))


@pytest.mark.parametrize(
    ("name", "answered", "failed", "timed", "names"),
    [
        ("orders", 149, 5, 149, ("http_request_duration_seconds",)),
        ("orders-untimed", 51, 3, 0, ()),
        ("orders-no-errors", 52, 0, 52, ("http_request_duration_seconds",)),
        ("prometheus", 77, 1, 77, ("prometheus_http_request_duration_seconds",)),
    ],
)
def test_captured_pages(name: str, answered: int, failed: int, timed: int, names: tuple[str, ...]) -> None:
    """Requests, errors and durations of the reference service and of Prometheus itself, without scrapes and sizes."""
    found = captured(name)
    assert (found.answered, found.failed, found.timed, found.duration_names) == (answered, failed, timed, names)


def test_growth_is_the_difference_over_all_instances() -> None:
    """Between two readings."""
    one, two = captured("orders"), captured("orders-later")
    assert growth([one, one], [two, two]) == {"rate": 40, "errors": 12, "duration": 40}
    assert growth([one], [one]) == {"rate": 0, "errors": 0, "duration": 0}


def test_openmetrics_is_read_too() -> None:
    """By its content type; samples of creation times are no counts."""
    registry = CollectorRegistry()
    Counter("http_requests", "Requests.", ["code"], registry=registry).labels("500").inc(3)
    Histogram("http_request_duration_seconds", "Duration.", registry=registry).observe(0.1)
    page = openmetrics(registry).decode()
    found = requests(read_page(200, "application/openmetrics-text; version=1.0.0", page))
    assert (found.answered, found.failed, found.timed) == (3, 3, 1)


@pytest.mark.parametrize(
    ("page", "answered", "failed", "timed"),
    [
        (  # Micrometer: one summary for all three
            "# TYPE http_server_requests_seconds summary\n"
            'http_server_requests_seconds_count{method="GET",outcome="SUCCESS",status="200",uri="/a"} 7\n'
            'http_server_requests_seconds_count{method="GET",outcome="SERVER_ERROR",status="500",uri="/a"} 2\n'
            'http_server_requests_seconds_sum{method="GET",outcome="SERVER_ERROR",status="500",uri="/a"} 2.5\n',
            9, 2, 9,
        ),
        (  # OpenTelemetry's semantic conventions; the client's own requests are another matter
            "# TYPE http_server_request_duration_seconds histogram\n"
            'http_server_request_duration_seconds_bucket{http_response_status_code="503",le="+Inf"} 4\n'
            'http_server_request_duration_seconds_count{http_response_status_code="503"} 4\n'
            'http_server_request_duration_seconds_sum{http_response_status_code="503"} 1\n'
            "# TYPE http_client_request_duration_seconds histogram\n"
            'http_client_request_duration_seconds_bucket{http_response_status_code="503",le="+Inf"} 40\n'
            'http_client_request_duration_seconds_count{http_response_status_code="503"} 40\n'
            'http_client_request_duration_seconds_sum{http_response_status_code="503"} 1\n',
            4, 4, 4,
        ),
        (  # statuses in classes, and a counter of errors beside a counter without statuses
            "# TYPE request_total counter\nrequest_total 10\n# TYPE request_exceptions_total counter\n"
            "request_exceptions_total 3\n",
            10, 3, 0,
        ),
        (  # bodies' sizes and requests in flight take no time
            "# TYPE http_response_size_bytes summary\nhttp_response_size_bytes_count 5\n"
            "http_response_size_bytes_sum 500\n# TYPE http_requests_in_flight gauge\nhttp_requests_in_flight 1\n",
            0, 0, 0,
        ),
        (  # the runtime's and the database's durations are not the service's
            "# TYPE go_gc_duration_seconds summary\ngo_gc_duration_seconds_count 5\ngo_gc_duration_seconds_sum 1\n"
            "# TYPE db_request_duration_seconds summary\ndb_request_duration_seconds_count 5\n",
            0, 0, 0,
        ),
    ],
)  # fmt: skip
def test_pages_as_libraries_make_them(page: str, answered: int, failed: int, timed: int) -> None:
    """Names and labels of well-known instrumentations."""
    found = requests(read_page(200, PLAIN, page))
    assert (found.answered, found.failed, found.timed) == (answered, failed, timed)


@pytest.mark.parametrize(
    ("labels", "failed"),
    [
        ({"status": "404"}, True),
        ({"code": "5xx"}, True),
        ({"status_code": "500"}, True),
        ({"http_response_status_code": "503"}, True),
        ({"outcome": "SERVER_ERROR"}, True),
        ({"status": "200"}, False),
        ({"status": "302"}, False),
        ({"route": "/errors/500"}, False),
        ({"le": "500"}, False),
        ({"outcome": "SUCCESS"}, False),
    ],
)
def test_errors_are_told_by_labels(labels: dict[str, str], failed: bool) -> None:
    """By a status from 400 up, or an outcome in words; a number in another label is none."""
    assert is_error(labels) is failed


@pytest.mark.parametrize(
    ("status", "kind", "text", "said"),
    [
        (404, "text/plain", "up 1\n", "answered 404"),
        (200, "text/html; charset=utf-8", "<!doctype html><p>It works</p>", "answers text/html that does not parse"),
        (200, "text/html", "up 1\n", "answers text/html, not metrics"),
        (200, "text/plain", "<p>\n", "answers text/plain"),
        (200, "application/json", '{"status": "ok"}', "answers application/json that does not parse as metrics"),
        (200, "", "", "answers something without a content type without a single sample"),
        (200, "text/plain", "# HELP up Whether it is.\n", "answers text/plain without a single sample"),
    ],
)
def test_other_pages_are_no_metrics(status: int, kind: str, text: str, said: str) -> None:
    """A service that answers every path with a page has no metrics."""
    with pytest.raises(NoMetricsError) as raised:
        read_page(status, kind, text)
    assert str(raised.value).startswith(said)

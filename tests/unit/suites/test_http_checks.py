"""Security headers, metrics pages and the spread over instances, of services that differ from the reference one."""

from __future__ import annotations

import itertools

import httpx
import pytest
from unit.suites.stranger import Service, json_with, operations

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.latency.latency_tracked import test_every_instance_measures_latency as latency
from pytest_backend_audit.suites.observability import red_metrics
from pytest_backend_audit.suites.scalability.no_affinity import test_requests_spread_over_instances as spread
from pytest_backend_audit.suites.security.security_headers import test_answers_carry_security_headers as headers
from pytest_backend_audit.testing import run_check

SOUND = {
    "Strict-Transport-Security": "max-age=63072000", "Content-Security-Policy": "default-src 'none'",
    "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=()",
}  # fmt: skip
METRICS = "    metrics: [http://a/metrics, http://b/metrics]\n"
PAGE = (
    "# TYPE http_requests_total counter\n"
    'http_requests_total{{status="200"}} {good}\nhttp_requests_total{{status="404"}} {bad}\n'
    "# TYPE http_request_duration_seconds summary\nhttp_request_duration_seconds_count {timed}\n"
)


def judge_headers(service: Service, audit_yaml):
    """The check of headers, of two operations."""
    around = audit_yaml()
    return run_check(
        headers, audit_endpoints=operations("GET /a", "POST /a"), audit_http=service.client(),
        audit_identity=service.identity, audit_declared=around.declared, audit_settings=around.settings,
    )  # fmt: skip


def test_headers_on_successes_and_errors_pass(audit_yaml) -> None:
    """Only reads are asked, and a path that doesn't exist."""
    service = Service(lambda r: httpx.Response(200 if r.url.path == "/a" else 404, headers=SOUND))
    assert judge_headers(service, audit_yaml).status is Status.PASSED
    assert service.asked == ["GET /a", "GET /backend-audit/there-is-no-such-path"]


def test_headers_missing_on_errors_fail(audit_yaml) -> None:
    """Where only successes carry one."""
    bare = {name: value for name, value in SOUND.items() if name != "X-Frame-Options"}
    service = Service(
        lambda r: httpx.Response(200, headers=SOUND) if r.url.path == "/a" else httpx.Response(404, headers=bare)
    )
    assert judge_headers(service, audit_yaml).reason.splitlines() == [
        "faults in security headers (least max-age is 15768000 s (standard)):",
        "  - X-Frame-Options is missing: 1 of 2 answers (404 /backend-audit/there-is-no-such-path)",
    ]


@pytest.mark.parametrize("status", [200, 401])
def test_answers_of_one_kind_are_not_enough(audit_yaml, status: int) -> None:
    """A catch-all page shows no error, a wall no success."""
    ran = judge_headers(Service(lambda _: httpx.Response(status, headers=SOUND)), audit_yaml)
    assert ran.reason == f"2 answers, status {status}: needed are a success and an error"


def page(good: int = 0, bad: int = 0, timed: int = 0) -> httpx.Response:
    """A metrics page."""
    return httpx.Response(200, text=PAGE.format(good=good, bad=bad, timed=timed))


@pytest.mark.parametrize(
    ("second", "status", "said"),
    [
        (page(1, 0, 1), Status.PASSED, ""),
        (page(), Status.COULD_NOT_RUN, "1 of 2 instances have answered no request yet: http://b/metrics: http_request"),
        (httpx.Response(404), Status.FAILED, "1 of 2 instances don't measure latency: http://b/metrics answered 404"),
        (
            httpx.Response(200, html="<p>Welcome</p>"), Status.FAILED,
            "1 of 2 instances don't measure latency: http://b/metrics answers text/html",
        ),
        (
            httpx.Response(200, text="up 1\n"), Status.FAILED,
            "1 of 2 instances don't measure latency: http://b/metrics has no histogram or summary of request durations",
        ),
    ],
)  # fmt: skip
def test_latency_is_read_from_each_instance(audit_yaml, second: httpx.Response, status: Status, said: str) -> None:
    """One that lacks it is named, one that has answered nothing yet shows nothing."""
    service = Service(lambda r: page(5, 0, 5) if r.url.host == "a" else second)
    ran = run_check(latency, audit_http=service.client(), audit_declared=audit_yaml(METRICS).declared)
    assert (ran.status, ran.reason[: len(said)]) == (status, said)


def test_without_declared_pages_latency_could_not_be_read(audit_yaml) -> None:
    """With the key and its place."""
    ran = run_check(latency, audit_http=Service(lambda _: page()).client(), audit_declared=audit_yaml().declared)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        'targets.http.metrics is not configured (audit.yaml:4): declare it, for instance metrics: ["http://127.0.0.1:8000/metrics"]',
    )


def judge_red(audit_yaml, service: Service):
    """The check of the three signals."""
    return run_check(
        red_metrics.test_rate_errors_and_duration_are_exported, audit_http=service.client(),
        audit_identity=service.identity, audit_declared=audit_yaml(METRICS).declared,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "missing"),
    [
        ({"bad": 1, "timed": 1}, ""),
        ({"good": 1, "timed": 1}, "errors rose by 0"),
        ({"bad": 1}, "duration rose by 0"),
        ({}, "rate rose by 0, errors rose by 0, duration rose by 0"),
    ],
)
def test_each_signal_is_missed_by_name(audit_yaml, monkeypatch, counts: dict[str, int], missing: str) -> None:
    """When a failing request does not move it."""
    monkeypatch.setattr(red_metrics, "SETTLING", 0.01)
    monkeypatch.setattr(red_metrics, "QUIET", 0.01)
    failed = itertools.count(1)
    seen = [0]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/metrics":
            return page(**{name: seen[0] * by for name, by in counts.items()})
        seen[0] = next(failed)
        return httpx.Response(404)

    ran = judge_red(audit_yaml, Service(answer))
    assert ran.status is (Status.FAILED if missing else Status.PASSED)
    assert ran.reason == (
        "5 requests that ended in an error (404 to 404) were not counted on 2 metrics pages: " + missing
        if missing
        else ""
    )


class Noisy:
    """A service whose metrics page counts errors of others at its first readings, and of ours none."""

    def __init__(self, readings: int, ours: int = 0) -> None:
        self._errors, self._all, self._readings, self._ours = 0, 0, readings, ours

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Five errors of others with each reading."""
        if request.url.path == "/metrics":
            self._errors += 5 * (self._readings > 0)
            self._readings -= 1
            return page(good=self._all, bad=self._errors, timed=self._all)
        self._all += 5
        self._errors += self._ours
        return httpx.Response(404)


@pytest.mark.parametrize(
    ("service", "status", "said"),
    [
        (Noisy(readings=9**9), Status.COULD_NOT_RUN, "others' requests fail as well: errors rose by "),
        (Noisy(readings=20), Status.FAILED, "5 requests that ended in an error (404 to 404) were not counted on 2 me"),
        (Noisy(readings=20, ours=1), Status.PASSED, ""),
    ],
)
def test_errors_of_others_are_not_taken_for_ours(audit_yaml, monkeypatch, service, status: Status, said: str) -> None:
    """While they come it is tried again; then it shows whether ours are counted."""
    monkeypatch.setattr(red_metrics, "SETTLING", 0.01)
    monkeypatch.setattr(red_metrics, "QUIET", 0.01)
    ran = judge_red(audit_yaml, Service(service.answer))
    assert (ran.status, ran.reason[: len(said)]) == (status, said)


def test_a_service_that_fails_nothing_has_no_error_to_count(audit_yaml) -> None:
    """A catch-all page: the way out is the declared path that fails."""
    ran = judge_red(audit_yaml, Service(lambda r: page(1, 1, 1)))
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "GET /backend-audit/there-is-no-such-path answered 200: no error to count; set targets.http.error_path",
    )


def test_an_html_page_is_no_metrics_page(audit_yaml) -> None:
    """It fails, and does not break the check."""
    ran = judge_red(audit_yaml, Service(lambda _: httpx.Response(200, html="<p>Welcome</p>")))
    assert ran.status is Status.FAILED
    assert ran.reason.startswith(
        "not all of http://a/metrics, http://b/metrics are metrics pages: one answers text/html"
    )


def judge_spread(audit_yaml, service: Service, http: str = ""):
    """The check of the spread, with the instance's name at /instance of /whoami."""
    around = audit_yaml(f"    instance: {{url: /whoami, pointer: /instance}}\n{http}")
    return run_check(
        spread, audit_http=service.client(), audit_declared=around.declared, audit_settings=around.settings
    )


def rotating(*names: str) -> Service:
    """Instances that answer in turn."""
    turn = itertools.cycle(names)
    return Service(lambda _: json_with(instance=next(turn)))


def test_requests_that_spread_pass(audit_yaml) -> None:
    """Over two, and over more than four instances."""
    assert judge_spread(audit_yaml, rotating("a", "b")).status is Status.PASSED
    assert judge_spread(audit_yaml, rotating(*"abcdefgh")).status is Status.PASSED


@pytest.mark.parametrize(
    ("service", "http", "said"),
    [
        (rotating("a"), "", "by 1 of 1 instances (a: 40)"),
        (rotating("a"), METRICS, "by 1 of 2 instances (a: 40)"),
        (rotating(*"aaaaaaaaab"), "", "by 2 of 2 instances (a: 36, b: 4)"),
    ],
)
def test_requests_that_stick_fail(audit_yaml, service: Service, http: str, said: str) -> None:
    """All to one instance, or nearly all; a single instance is no spread."""
    ran = judge_spread(audit_yaml, service, http)
    assert (ran.status, ran.reason) == (
        Status.FAILED,
        f"40 requests on new connections were answered {said}; there should be two at least, each with 15 % or more of "
        "the answers, from 0.15 (standard)",
    )


@pytest.mark.parametrize(
    ("count", "http", "said"),
    [
        (3, METRICS, "3 different names, more than the 2 that targets.http.metrics names: request-0, request-1, reque"),
        (40, METRICS, "40 different names, more than the 2 that targets.http.metrics names: request-0, request-1, req"),
        (40, "", "40 different names, so many that most were seen once only: request-0, request-1, request-2 and 37 m"),
        (21, "", "21 different names, so many that most were seen once only: request-0, request-1, request-2 and 18 m"),
    ],
)
def test_names_of_requests_are_no_instances(audit_yaml, count: int, http: str, said: str) -> None:
    """However evenly they come."""
    ran = judge_spread(audit_yaml, rotating(*(f"request-{n}" for n in range(count))), http)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith(f"40 requests were answered by {said}")
    assert "; /instance of /whoami must name the instance (targets.http.instance, audit.yaml:" in ran.reason


@pytest.mark.parametrize(
    "answer", [httpx.Response(404), httpx.Response(200, html="<p>Welcome</p>"), json_with(other=1)]
)
def test_an_answer_without_an_instance_tells_nothing(audit_yaml, answer: httpx.Response) -> None:
    """With the place in audit.yaml that says where to look."""
    ran = judge_spread(audit_yaml, Service(lambda _: answer))
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        f"GET /whoami answered {answer.status_code} without an instance at '/instance' (targets.http.instance, "
        "audit.yaml:6)",
    )

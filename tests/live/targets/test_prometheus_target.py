"""Prometheus, the real server; and what only answers at its address."""

import shutil

import httpx
import pytest
from live.servers import running

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.common import settings_of
from pytest_backend_audit.targets.prometheus import open_prometheus
from pytest_backend_audit.testing import runtime_for

from .hostile import closed_port, says, server

RULES = """groups:
- name: slo
  rules:
  - {alert: TooSlow, expr: up == 0, for: 5m}
  - {record: "job:up:sum", expr: sum by (job) (up)}
"""


def audit_of(tmp_path, port):
    """An audit of whatever listens on this port."""
    text = (
        "version: 1\nservice: orders\nenvironment: stage\ntargets:\n"
        f"  prometheus: {{url: 'http://127.0.0.1:{port}', selector: {{job: self}}}}\ntimeouts: {{request: 2}}\n"
    )
    return runtime_for(text, folder=tmp_path)


def reader(audit):
    """As the fixture makes it."""
    return open_prometheus(audit, settings_of(audit, "prometheus"))


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """A Prometheus that scrapes itself; gives its port once it has."""
    folder, port = tmp_path_factory.mktemp("prometheus"), closed_port()
    (folder / "rules.yml").write_text(RULES)
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 200ms, evaluation_interval: 200ms}\nrule_files: [rules.yml]\n"
        f"scrape_configs: [{{job_name: self, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )
    run = [
        shutil.which("prometheus"),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]

    def ready():
        answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": "job:up:sum"}, trust_env=False)
        return answer.json()["data"]["result"]

    with running("Prometheus", run, folder / "log", ready):
        yield port


@pytest.mark.needs("prometheus")
def test_queries_rules_and_numbers_of_series(tmp_path, prometheus):
    """Each answer is evidence."""
    audit = audit_of(tmp_path, prometheus)
    read = reader(audit)
    with audit.recorder.open() as buffer:
        [up] = read.query('up{job="self"}')
        [scalar] = read.query("1 + 1")
        rules = read.rules()
        counts = read.series_counts()
    assert (up["metric"]["instance"], up["value"][1]) == (f"127.0.0.1:{prometheus}", "1")
    assert scalar["value"][1] == "2"
    assert [(r["type"], r["name"], r["group"]) for r in rules] == [
        ("alerting", "TooSlow", "slo"),
        ("recording", "job:up:sum", "slo"),
    ]
    assert counts["up"] == 1
    assert counts["prometheus_http_requests_total"] >= 1
    assert [e.title.partition("?")[0] for e in buffer.evidence] == [
        "GET /api/v1/query",
        "GET /api/v1/query",
        "GET /api/v1/rules",
        "GET /api/v1/query",
    ]


@pytest.mark.needs("prometheus")
def test_an_expression_that_is_refused_could_not_run(tmp_path, prometheus):
    """With the server's own words."""
    with pytest.raises(CouldNotRun, match=r"targets\.prometheus: /api/v1/query answered 400: .*parse error"):
        reader(audit_of(tmp_path, prometheus)).query("sum(")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!doctype html><title>App</title>", "/api/v1/query gave 200 and no JSON: is the URL right? (audit.yaml:5)"),
        (b"[]", "/api/v1/query answered 200: no result (audit.yaml:5)"),
        (
            b'{"status": "error", "error": "out of\\nmemory"}',
            "/api/v1/query answered 200: out of memory (audit.yaml:5)",
        ),
    ],
)
def test_what_only_answers_at_its_address_could_not_run(tmp_path, body, why):
    """A page with status 200 is no Prometheus."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    with server(says(head + body)) as port, pytest.raises(CouldNotRun) as caught:
        reader(audit_of(tmp_path, port)).query("up")
    assert str(caught.value) == f"targets.prometheus: {why}"


def test_nothing_listens(tmp_path):
    """It says where audit.yaml names it."""
    with pytest.raises(CouldNotRun) as caught:
        reader(audit_of(tmp_path, closed_port())).rules()
    assert str(caught.value) == "targets.prometheus: [Errno 111] Connection refused (audit.yaml:5)"


def test_an_answer_that_is_too_large_is_prometheus_s(tmp_path):
    """Not the audited service's, though both are read by the same client."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"
    with server(says(head + b" " * 5_000_000)) as port, pytest.raises(CouldNotRun) as caught:
        reader(audit_of(tmp_path, port)).query("up")
    assert str(caught.value) == (
        f"targets.prometheus: GET http://127.0.0.1:{port}/api/v1/query answers more than 4096 KiB; "
        "the rest was not read"
    )


@pytest.mark.needs("prometheus")
def test_it_tells_its_build(tmp_path, prometheus):
    """As the server has it."""
    version = reader(audit_of(tmp_path, prometheus)).build_info()["version"]
    asked = httpx.get(f"http://127.0.0.1:{prometheus}/api/v1/status/buildinfo", trust_env=False).json()
    assert version == asked["data"]["version"]

"""The service's operations: discovered, declared, and joined."""

import json
import subprocess

import pytest

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.endpoints import endpoints, fits, operations, parse_document
from pytest_backend_audit.testing import runtime_for

DOCUMENT = {
    "openapi": "3.1.0",
    "servers": [{"url": "/api"}],
    "security": [{"bearer": []}],
    "paths": {
        "/healthz": {"get": {"security": []}},
        "/v1/orders": {
            "get": {"operationId": "list_orders", "parameters": [{"in": "query", "name": "limit", "required": True}]},
            "post": {"requestBody": {"required": True}},
            "summary": "orders",
        },
        "/v1/orders/{id}": {"get": {"security": [{}, {"bearer": []}]}},
    },
}


def test_every_operation_of_the_document_is_found():
    """With its server's path, its security and what it requires."""
    found = operations(DOCUMENT, "here")
    assert [(str(e), e.secured, e.needs_body, e.required) for e in found] == [
        ("GET /api/healthz", False, False, ()),
        ("GET /api/v1/orders", True, False, ("limit",)),
        ("POST /api/v1/orders", True, True, ()),
        ("GET /api/v1/orders/{id}", False, False, ()),
    ]


def test_a_document_without_security_says_nothing_of_it():
    """None is not False."""
    [only] = operations({"swagger": "2.0", "basePath": "/v2", "paths": {"/pets": {"get": {}}}}, "here")
    assert (str(only), only.secured) == ("GET /v2/pets", None)


@pytest.mark.parametrize("text", ["<!doctype html><title>App</title>", "", "[]", '{"openapi": "3.1.0"}', "a: [", "- x"])
def test_what_is_no_document_could_not_be_read(text):
    """Whatever status it came with."""
    with pytest.raises(CouldNotRun, match="x is no OpenAPI document: it begins with"):
        parse_document(text, "x")


@pytest.mark.parametrize(
    ("template", "path", "matches"),
    [("/a/{id}", "/a/1", True), ("/a/{id}", "/a/1/b", False), ("/a", "/a/", True), ("/a/{id}", "/b/1", False)],
)
def test_a_path_fits_its_template(template, path, matches):
    """Segment by segment."""
    assert fits(template, path) is matches


def audit_of(folder, endpoints_yaml="", openapi="openapi.json"):
    """An audit of a repository whose commit has the document."""
    (folder / "openapi.json").write_text(json.dumps(DOCUMENT))
    (folder / "page.html").write_text("<html>")
    git = ["git", "-C", folder, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    text = (
        "version: 1\nservice: orders\nenvironment: stage\ntargets:\n"
        f"  http: {{base_url: 'http://127.0.0.1:1', openapi: {openapi}, public: [/api/healthz]}}\n{endpoints_yaml}"
    )
    return runtime_for(text, folder=folder, commit=commit)


def test_declared_and_discovered_operations_are_joined(tmp_path):
    """The class brings its objectives, the file its own; what is declared alone is added."""
    audit = audit_of(
        tmp_path,
        "endpoints:\n"
        "  - {path: /api/v1/orders, class: read-uncached, budget: 3, objectives: {p99: 120}, query: {limit: 5}}\n"
        "  - {path: /internal/jobs, method: POST}\n",
    )
    with audit.recorder.open() as buffer:
        found = endpoints(audit)
    assert [str(e) for e in found] == [
        "GET /api/healthz",
        "GET /api/v1/orders",
        "POST /api/v1/orders",
        "GET /api/v1/orders/{id}",
        "POST /internal/jobs",
    ]
    assert found.source == "openapi.json (4 operations), audit.yaml (2)"
    orders = found.find("GET", "/api/v1/orders")
    known = next(c for c in audit.standard.slo_classes if c.id == "read-uncached")
    assert (orders.objectives.p95, orders.objectives.p99) == (known.p95, 120)
    assert (orders.budget, orders.url(), orders.origin) == (3, "/api/v1/orders?limit=5", "audit.yaml:7")
    assert found.find("GET", "/api/v1/orders/17").url(id="a/b") == "/api/v1/orders/a%2Fb"
    assert found.find("GET", "/api/v1/orders/17").url() == "/api/v1/orders/1"
    assert [e.public for e in found] == [True, False, False, False, False]
    assert buffer.evidence == []


@pytest.mark.parametrize(
    ("openapi", "why"),
    [
        ("gone.json", "targets.http.openapi: gone.json does not exist at "),
        ("page.html", "targets.http.openapi: page.html is no OpenAPI document: it begins with '<html>'"),
        ("/openapi.json", "targets.http.openapi: /openapi.json: "),
    ],
)
def test_a_document_that_can_not_be_had_could_not_run(tmp_path, openapi, why):
    """It says which, and why."""
    with pytest.raises(CouldNotRun) as caught:
        endpoints(audit_of(tmp_path, openapi=openapi))
    assert str(caught.value).startswith(why)


def test_without_document_and_declaration_nothing_is_known(tmp_path):
    """It says what to set."""
    text = "version: 1\nservice: o\nenvironment: stage\ntargets:\n  http: {base_url: 'http://127.0.0.1:1'}\n"
    with pytest.raises(CouldNotRun) as caught:
        endpoints(runtime_for(text, folder=tmp_path))
    assert str(caught.value) == (
        "no operation of the service is known: set targets.http.openapi, or declare endpoints (audit.yaml:5)"
    )

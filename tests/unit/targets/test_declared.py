"""What audit.yaml declares of a system, as checks read it."""

from __future__ import annotations

import pytest

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.declared import Declared
from pytest_backend_audit.testing import runtime_for

YAML = """version: 1
environment: local
targets:
  redis:
    url: redis://localhost
    declared: {maxmemory_policy: allkeys-lru}
  http: {base_url: http://localhost, public: [/healthz]}
  postgres: {dsn: "${DSN}"}
  prometheus: {url: "http://localhost:9090", selector: {job: orders}}
identities: {alice: {token: "${TOKEN}", tenant: acme}, robot: {token: "${TOKEN}"}}
pools: {orders: {size: 8}}
load: {rate: 5}
"""


@pytest.fixture
def declared(tmp_path) -> Declared:
    """Of the file above, without its variables."""
    return Declared(runtime_for(YAML, folder=tmp_path, environ={"TOKEN": "alice-has-a-token"}))


def test_values_are_read_by_their_dotted_names(declared) -> None:
    """Of identities only the names, and whose they are."""
    assert declared("targets.redis.declared.maxmemory_policy") == "allkeys-lru"
    assert declared("targets.http.public") == ("/healthz",)
    assert declared("targets.prometheus.selector.job") == "orders"
    assert declared("identities") == ("alice", "robot")
    assert declared("tenants") == {"alice": "acme"}
    assert declared("pools")["orders"].size == 8
    assert declared("load").rate == 5


def test_what_is_not_declared_could_not_run_or_has_a_default(declared) -> None:
    """With the nearest line, and one to paste."""
    with pytest.raises(CouldNotRun) as metrics:
        declared("targets.http.metrics")
    assert str(metrics.value) == (
        "targets.http.metrics is not configured (audit.yaml:7): declare it, for instance "
        'metrics: ["http://127.0.0.1:8000/metrics"]'
    )
    assert declared("targets.http.metrics", ()) == ()
    assert declared("targets.redis.declared.maxmemory", None) is None
    assert declared("targets.prometheus.selector.team", None) is None


def test_a_key_with_nothing_around_it_has_no_line(tmp_path) -> None:
    """The file's first line has nothing to do with it; of several environments it may stand in each."""
    for text, key, cure in (
        (YAML.replace("pools", "x-pools").replace("x-pools: {orders: {size: 8}}\n", ""), "pools", "pools: {orders: {"),
        ("version: 1\nenvironments: {prod: {kind: prod, targets: {}}}\n", "identities", "identities: {alice: {...}"),
    ):
        declared = Declared(runtime_for(text, folder=tmp_path, environ={"TOKEN": "alice-has-a-token"}))
        with pytest.raises(CouldNotRun) as missing:
            declared(key)
        assert str(missing.value).startswith(f"{key} is not configured (audit.yaml): declare it, for instance {cure}")
        assert declared.origin(key) == "audit.yaml"


def test_the_origin_is_a_line(declared) -> None:
    """Of the key, or of the nearest one around it."""
    assert declared.origin("targets.redis.declared.maxmemory_policy") == "audit.yaml:6"
    assert declared.origin("targets.http.instance.url") == "audit.yaml:7"


def test_a_missing_target_or_variable_could_not_run(declared) -> None:
    """As the target's own fixture says it."""
    with pytest.raises(CouldNotRun, match=r"targets\.pgbouncer is not configured"):
        declared("targets.pgbouncer.dsn", None)
    assert not declared.configured("pgbouncer")
    assert declared.configured("redis")
    with pytest.raises(CouldNotRun, match="DSN is not set"):
        declared.configured("postgres")


def test_other_keys_are_the_authors_mistake(declared) -> None:
    """Weights and the like are no business of a check."""
    with pytest.raises(
        LookupError, match=r"reads targets\.NAME\.KEY, pools, load, suites, identities and tenants, not weights"
    ):
        declared("weights")


def test_without_audit_yaml_nothing_is_declared(tmp_path) -> None:
    """There is no line either."""
    declared = Declared(runtime_for(None, folder=tmp_path))
    assert not declared.configured("redis")
    with pytest.raises(
        CouldNotRun, match=r"identities is not configured \(there is no audit\.yaml; `backend-audit init` writes"
    ):
        declared("identities")

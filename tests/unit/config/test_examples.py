"""Every example of a declaration is one that audit.yaml takes, and ends the message about what is lacking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_backend_audit.config import load
from pytest_backend_audit.config.examples import EXAMPLES, cure, example_of
from pytest_backend_audit.redaction.patterns import redact_patterns
from pytest_backend_audit.standard import load as standard

ENVIRON = {
    "AUDIT_POSTGRES_DSN": "postgresql://db/orders",
    "AUDIT_REPLICA_DSN": "postgresql://replica/orders",
    "AUDIT_PGBOUNCER_DSN": "postgresql://pool/pgbouncer",
    "AUDIT_REDIS_URL": "redis://cache",
    "ALICE_TOKEN": "alice-has-a-token",
}


def together() -> dict[str, Any]:
    """All examples in one file, those of an endpoint at the one that the example of endpoints has."""
    whole: dict[str, Any] = {"version": 1, "environment": "local"}
    for key, example in EXAMPLES.items():
        place = whole
        for name in key.split(".")[:-1]:
            place = place["endpoints"][0] if name == "endpoints[]" else place.setdefault(name, {})
        (name, value), *more = yaml.load(example.line, yaml.BaseLoader).items()
        assert (name, more) == (key.split(".")[-1], []), key
        place[name] = yaml.safe_load(example.line)[name] if key != "attestations" else value
    return whole


def test_all_examples_together_are_a_good_file(tmp_path: Path) -> None:
    """With their values, none of them twice."""
    whole = together()
    assert len(whole["targets"]) == 9
    (tmp_path / "audit.yaml").write_text(yaml.safe_dump(whole, sort_keys=False), "utf-8")
    config = load(tmp_path / "audit.yaml", environ=ENVIRON, formal=False, standard=standard("default"))
    assert config.pools["orders"].size == 8
    assert config.target("redis").declared.maxmemory == "512mb"
    assert config.endpoints[0].idempotency is not None
    assert config.load is not None
    assert config.load.rate == 20


def test_every_example_is_one_line_and_says_what_it_means() -> None:
    """Short enough for a line of a terminal that is not the smallest."""
    assert [k for k, e in EXAMPLES.items() if "\n" in e.line + e.meaning or len(e.line) > 130] == []
    assert [k for k, e in EXAMPLES.items() if not 8 <= len(e.meaning) <= 80 or e.meaning.endswith(".")] == []


def test_redaction_takes_no_example_for_a_secret() -> None:
    """What is to be pasted is read in the record's words."""
    assert [key for key in EXAMPLES if redact_patterns(cure(key)) != cure(key)] == []


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("load", ": declare it, for instance load: {rate: 20, seconds: 30}"),
        ("targets.http.error_path", ": declare it, for instance error_path: /v1/error"),
        ("targets.http.instance.url", ": declare it, for instance instance: {url: /v1/whoami, pointer: /instance}"),
        ("targets.http.ca_file", ""),
        ("targets.kafka", ""),
    ],
)
def test_a_message_gives_the_line_of_the_key_or_of_what_it_is_part_of(key: str, told: str) -> None:
    """And none for what there is no example of."""
    assert cure(key) == told
    assert (example_of(key) is None) is (told == "")

"""The published JSON Schema of a ledger's lines."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from unit.ledger.ledgers import at, filed, found
from unit.ledger.test_ledger_store import EVENTS

from pytest_backend_audit.ledger import schema
from pytest_backend_audit.ledger.events import TYPES, Event, decode, encode

VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema.packaged()))


def test_the_packaged_schema_is_the_one_that_the_events_make() -> None:
    """So that it never tells of an older form; and it is a schema."""
    assert schema.packaged() == schema.text()
    jsonschema.Draft202012Validator.check_schema(schema.schema())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_every_event_follows_it(event: Event) -> None:
    """As it is written."""
    VALIDATOR.validate(json.loads(encode(event)))


def line(event: Event, **changes: Any) -> str:
    """An event's line with some keys changed, or without those that are None."""
    data = json.loads(encode(event)) | changes
    return json.dumps({key: value for key, value in data.items() if value is not None})


@pytest.mark.parametrize(
    "wrong",
    [
        line(filed(), schema_version=2),
        line(filed(), type="forgiven"),
        line(filed(), file="../../2026-08-31"),
        line(filed(), heads="ab"),
        line(filed(), service=None),
        line(filed(), at="yesterday"),
        line(found("F-0001"), finding=None),
        line(found("F-0001"), number="1"),
        line(found("F-0001"), number=""),
    ],
)
def test_what_no_reader_takes_breaks_it(wrong: str) -> None:
    """The schema and the reader refuse the same."""
    with pytest.raises(ValueError, match=r"restore the line|version 2|forgiven"):
        decode(wrong.encode())
    assert not VALIDATOR.is_valid(json.loads(wrong))


def test_what_a_later_version_adds_follows_it() -> None:
    """Keys may be added; and the types are all there."""
    VALIDATOR.validate(json.loads(line(filed(instants={"prod": at(0)}), more="keys")))
    assert [choice["$ref"].rpartition("/")[2] for choice in schema.schema()["oneOf"]] == list(TYPES)

"""The numbers as JSON: that they are of the published shape, whatever the cards hold."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from unit.fleet.fleet_cards import audit
from unit.fleet.test_fleet_page import FLEETS, numbers

from pytest_backend_audit.fleet.numbers import chunks

SCHEMA: dict[str, Any] = json.loads(
    files("pytest_backend_audit.fleet").joinpath("fleet.schema.json").read_text("utf-8")
)
FALLEN = numbers(audit("orders", "2026-01-01", 3), audit("orders", "2026-02-01", 2))
VERDICT = {"min": "conditional-production", "passed": False, "below": ["orders"]}


@pytest.mark.parametrize("verdict", [None, VERDICT])
@pytest.mark.parametrize("fleet", [*FLEETS.values(), FALLEN], ids=[*FLEETS, "fallen"])
def test_the_numbers_are_of_the_published_shape(fleet: Any, verdict: dict[str, Any] | None) -> None:
    """With every key described, and no other."""
    text = "".join(chunks(fleet, verdict))
    Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(json.loads(text))
    assert text.isascii()
    assert ("gate" in json.loads(text)) == (verdict is not None)


def test_the_docs_name_every_key() -> None:
    """In the table of the page about fleets."""
    Draft202012Validator.check_schema(SCHEMA)
    page = (Path(__file__).parents[3] / "docs" / "how-to-fleet.md").read_text("utf-8")
    assert [key for key in SCHEMA["properties"] if f"`{key}" not in page] == []

"""The published JSON Schema says what the loader says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from unit.standard.standard_texts import SOUND, WRONG, Wrong

from pytest_backend_audit import yamlnodes
from pytest_backend_audit.standard.loader import DATA

SCHEMA = json.loads((DATA / "standard.schema.json").read_text())
SMALL = Path(__file__).with_name("data") / "small"


def errors(data: Any, part: str | None = None) -> list[str]:
    """What the schema, or a part of it, says about values."""
    schema = SCHEMA if part is None else {**SCHEMA["$defs"][part], "$defs": SCHEMA["$defs"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(data)]


def test_it_is_a_schema() -> None:
    """By the rules of its own draft."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("folder", [DATA / "default", SMALL], ids=["default", "small"])
def test_standards_that_load_are_valid(folder: Path) -> None:
    """The main file, and each file of a dimension."""
    files = sorted(folder.glob("*.yaml"))
    assert len(files) in (2, 9)
    for file in files:
        part = None if file.name == "standard.yaml" else "dimension"
        assert errors(yamlnodes.read(file).data, part) == [], file.name


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_it_refuses_what_the_loader_refuses(case: Wrong) -> None:
    """As far as a schema can look; what spans several places only the loader sees."""
    data = yamlnodes.parse(SOUND.replace(case.old, case.new), "mine.yaml").data
    assert bool(errors(data)) is case.in_schema


def test_the_sound_text_is_valid() -> None:
    """So that each case's refusal comes from its change."""
    assert errors(yamlnodes.parse(SOUND, "mine.yaml").data) == []

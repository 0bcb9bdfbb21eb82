"""The values: frozen, the same after a way through JSON, and in the orders that others rely on."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pytest_backend_audit import model
from pytest_backend_audit.jsonable import from_builtins, to_builtins
from pytest_backend_audit.model import (
    Attempt,
    Check,
    Evidence,
    EvidenceKind,
    Finding,
    Incident,
    Need,
    Outcome,
    Policy,
    Seal,
    Severity,
    Status,
)

VALUES = [value for name in model.__all__ if dataclasses.is_dataclass(value := getattr(model, name))]


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_values_are_frozen_and_slotted(kind: type) -> None:
    """Nobody changes what a journal said, and a hundred thousand of them stay small."""
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__dict__" not in dir(kind)


TEXT = st.text(max_size=9)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
EVIDENCE = st.builds(
    Evidence,
    kind=st.sampled_from(EvidenceKind),
    title=TEXT,
    body=TEXT,
    duration=st.none() | FLOAT,
    facts=st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | FLOAT | TEXT, max_size=3),
)
ATTEMPTS = st.builds(
    Attempt,
    check=TEXT,
    instance=TEXT,
    status=st.sampled_from(Status),
    evidence=st.lists(EVIDENCE, max_size=2).map(tuple),
    notes=st.lists(TEXT, max_size=2).map(tuple),
    duration=FLOAT,
)
POLICIES = st.builds(
    Policy,
    sought=st.dictionaries(TEXT, st.integers(1, 5), max_size=2),
    weights=st.dictionaries(TEXT, TEXT, max_size=2),
    incidents=st.none() | st.lists(st.builds(Incident, id=TEXT, severity=TEXT, opened=TEXT), max_size=2).map(tuple),
    owners=st.just({}),
    leave_out=st.dictionaries(TEXT, TEXT, max_size=2),
)


@settings(max_examples=60)
@given(st.one_of(EVIDENCE, ATTEMPTS, POLICIES, *(st.from_type(kind) for kind in (Check, Finding, Seal))))
def test_values_survive_json(value: object) -> None:
    """Out to JSON text and back in gives an equal value, of the same types."""
    back = from_builtins(type(value), json.loads(json.dumps(to_builtins(value))))
    assert back == value
    assert repr(back) == repr(value)


def test_a_value_of_an_undeclared_type_is_refused() -> None:
    """Never turned into text on the way out."""
    with pytest.raises((TypeError, ValueError)):
        to_builtins(Seal(ended="", exit_status={0}))  # type: ignore[arg-type]


def test_data_of_another_form_is_refused() -> None:
    """On the way in, the field is named."""
    with pytest.raises(ValidationError) as raised:
        from_builtins(Seal, {"ended": "", "exit_status": "many"})
    assert [e["loc"] for e in raised.value.errors()] == [("exit_status",)]


def test_a_check_without_a_criterion_is_its_own() -> None:
    """So that it limits its dimension, and nothing else."""
    assert Check("a::test_x", "4.1", 3).ladder == "a::test_x"
    assert Check("a::test_x", "4.1", 3, "hit-rate").ladder == "hit-rate"


def test_orders_that_others_rely_on() -> None:
    """Ties between outcomes, severities, kinds of evidence and needs are broken by the order of the members."""
    assert list(Outcome) == ["failed", "broken", "could-not-run", "unsupported", "weak", "passed"]
    assert list(Severity) == ["critical", "high", "medium", "low"]
    assert list(EvidenceKind) == ["output", "dashboard", "postmortem", "load", "code", "document", "verbal"]
    assert list(Need) == ["load", "writes", "faults", "probes"]
    assert list(Status) == ["passed", "failed", "could-not-run", "broken"]


def test_no_incidents_stated_is_not_none_stated() -> None:
    """Saying nothing and saying "none" are different answers, and stay so."""
    assert from_builtins(Policy, to_builtins(Policy())).incidents is None
    assert from_builtins(Policy, to_builtins(Policy(incidents=()))).incidents == ()

"""OCSF: events of the published class, with nothing in them that the class does not know."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
from py_ocsf_models import OCSF_VERSION
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from pydantic import ValidationError
from unit.reports.cards import FULL, HOSTILE
from unit.reports.machine import MACHINE_CARDS, SCORED, hidden
from unit.scoring.scoring_cases import SEALED, check, inputs, passed

from pytest_backend_audit.model import Card, Mode, Outcome, PriorCheck, Seal, Verdict
from pytest_backend_audit.reports import ocsf, render
from pytest_backend_audit.scoring import score

FREE = {"unmapped", "data"}
"""Objects whose fields OCSF leaves to the producer."""


def events(card: Card) -> list[dict[str, Any]]:
    """Every line, read."""
    return [json.loads(line) for line in render(card, "ocsf").splitlines()]


def unknown(given: Any, known: Any, path: str = "") -> list[str]:
    """Fields of an event that its model dropped, because its class has none of that name."""
    if isinstance(given, list):
        return [u for n, (g, k) in enumerate(zip(given, known, strict=True)) for u in unknown(g, k, f"{path}[{n}]")]
    if not isinstance(given, dict):
        return []
    found = []
    for name, value in given.items():
        if name not in known:
            found.append(f"{path}.{name}")
        elif name not in FREE:
            found += unknown(value, known[name], f"{path}.{name}")
    return found


def problems(event: dict[str, Any]) -> list[str]:
    """What the class says against an event: wrong types, missing and unknown fields."""
    try:
        model = ComplianceFinding.model_validate_json(json.dumps(event), strict=True)
    except ValidationError as error:
        return [f"{e['loc']}: {e['msg']}" for e in error.errors()]
    return unknown(event, model.model_dump(mode="json", exclude_none=False))


def of_control(card: Card, control: str) -> dict[str, Any]:
    """The event about a row."""
    return next(e for e in events(card) if e["compliance"]["control"] == control)


@pytest.mark.parametrize("name", MACHINE_CARDS)
def test_every_event_is_a_compliance_finding(name: str) -> None:
    """Of the version that it names; the same card gives the same bytes."""
    found = events(MACHINE_CARDS[name])
    assert [problems(event) for event in found] == [[] for _ in found]
    assert {event["metadata"]["version"] for event in found} == {OCSF_VERSION}
    assert render(MACHINE_CARDS[name], "ocsf") == render(MACHINE_CARDS[name], "ocsf")


def test_an_unknown_or_missing_field_is_found() -> None:
    """The validation of this file can fail."""
    event = events(FULL)[1]
    assert problems({**event, "colour": "red"}) == [".colour"]
    assert problems({**event, "compliance": {**event["compliance"], "levels": 1}}) == [".compliance.levels"]
    assert problems({**event, "time": "now"})[0].startswith("('time',)")
    event.pop("finding_info")
    assert problems(event) == ["('finding_info',): Field required"]


def test_the_numbers_agree() -> None:
    """Type is class and activity; each event has its own id, all of a run one correlation id."""
    for event in events(SCORED):
        assert event["type_uid"] == 200300 + event["activity_id"]
        assert (event["category_uid"], event["class_uid"]) == (2, 2003)
        assert event["time"] == 1788170400000
    ids = [event["metadata"]["uid"] for event in events(SCORED)]
    assert len(set(ids)) == len(ids)
    assert {uuid.UUID(i).version for i in ids} == {5}
    assert len({event["metadata"]["correlation_uid"] for event in events(SCORED)}) == 1


def test_each_state_has_its_status() -> None:
    """What could not run, or waits for a person, is a warning: no result for lack of information."""
    found = {
        control: (
            of_control(SCORED, control)["compliance"]["status_id"],
            of_control(SCORED, control)["type_uid"],
            of_control(SCORED, control)["status"],
            of_control(SCORED, control)["severity"],
        )
        for control in (
            "4.1/foreign-key-indexes/L3",
            "4.1/query-logging/L2",
            "4.2/pooler/L4",
            "4.2/pool-formula/L3",
            "4.6/dr-drill/L5",
            "4.3/negative-caching/L5",
            "4.6/partition/L5",
        )
    }
    assert found == {
        "4.1/foreign-key-indexes/L3": (3, 200302, "In Progress", "High"),
        "4.1/query-logging/L2": (1, 200303, "Resolved", "Informational"),
        "4.2/pooler/L4": (2, 200301, "New", "Low"),
        "4.2/pool-formula/L3": (2, 200302, "In Progress", "High"),
        "4.6/dr-drill/L5": (2, 200301, "New", "Low"),
        "4.3/negative-caching/L5": (99, 200301, "Suppressed", "Informational"),
        "4.6/partition/L5": (2, 200301, "New", "Low"),
    }
    assert of_control(MACHINE_CARDS["signed"], "4.6/dr-drill/L5")["compliance"]["status_id"] == 1


def test_a_finding_is_the_same_one_in_the_next_audit() -> None:
    """Its uid stays, the event's does not; another environment's is another finding."""
    later = replace(SCORED, inputs=replace(SCORED.inputs, instant="2026-09-30T10:00:00Z"))
    elsewhere = replace(
        SCORED, inputs=replace(SCORED.inputs, document=replace(SCORED.inputs.document, environment="canary"))
    )
    control = "4.1/foreign-key-indexes/L3"
    now, then, there = (of_control(card, control) for card in (SCORED, later, elsewhere))
    assert now["finding_info"]["uid"] == then["finding_info"]["uid"] != there["finding_info"]["uid"]
    assert now["metadata"]["uid"] != then["metadata"]["uid"]


def test_a_failure_that_is_gone_is_closed_and_one_without_a_check_is_not() -> None:
    """Closed by a pass only: a check that went away is a new finding."""
    source = "prior audit 2026-08-01 of 1a2b3c4"
    prior = {"a::test_a": PriorCheck(Outcome.FAILED, 2, source), "a::test_b": PriorCheck(Outcome.FAILED, 2, source)}
    card = score(inputs([check("a::test_a", 3)], prior=prior), [passed("a::test_a")], SEALED)
    assert [(e["activity_name"], e["compliance"]["control"]) for e in events(card)] == [
        ("Create", "backend-audit/run"),
        ("Close", "4.1/a::test_a/L3"),
        ("Create", "backend-audit/absent"),
    ]


@pytest.mark.parametrize(
    ("mode", "seal"),
    [(Mode.REHEARSAL, SEALED), (Mode.FORMAL, replace(SEALED, invalid="the build changed")), (Mode.FORMAL, None)],
    ids=["rehearsal", "invalid", "cut short"],
)
def test_a_run_that_proves_nothing_closes_nothing(mode: Mode, seal: Seal | None) -> None:
    """Its passes are passes, of whatever was asked; what they say of an open finding is not known."""
    plan = [check("a::test_a", 3), check("a::test_b", 3)]
    prior = {"a::test_a": PriorCheck(Outcome.FAILED, 2, "prior audit 2026-08-01 of 1a2b3c4")}
    card = score(inputs(plan, prior=prior, mode=mode), [passed("a::test_a"), passed("a::test_b")], seal)
    assert [(e["activity_name"], e["status"], e["compliance"]["status_id"]) for e in events(card)[1:]] == [
        ("Update", "Unknown", 1),
        ("Create", "Unknown", 1),
    ]
    assert [problems(event) for event in events(card)] == [[], [], []]


@pytest.mark.parametrize(
    ("name", "gate", "status"),
    [
        ("green", Verdict("conditional-production", True, "passed", 0), 1),
        ("green", Verdict("conditional-production", False, "not passed", 1), 3),
        ("green", Verdict(None, None, "no gate", 0), 99),
        ("rehearsal", Verdict("conditional-production", True, "passed", 0), 2),
        ("partial", Verdict(None, None, "no gate", 0), 2),
        ("cut short", Verdict(None, None, "no gate", 0), 2),
        ("nothing", Verdict(None, None, "no gate", 5), 2),
    ],
)
def test_the_run_passes_only_by_a_gate(name: str, gate: Verdict, status: int) -> None:
    """And a run that says nothing final is a warning, on each of its events."""
    found = events(replace(MACHINE_CARDS[name], verdict=gate))
    assert found[0]["compliance"] == {
        "standards": found[0]["compliance"]["standards"],
        "control": "backend-audit/run",
        "status_id": status,
    }
    marked = [any(label.startswith("inconclusive:") for label in e["metadata"]["labels"]) for e in found]
    assert marked == [name != "green"] * len(found)


def test_what_a_finding_carries() -> None:
    """Evidence, remediation, the service, and what OCSF has no field for."""
    event = of_control(FULL, "4.1/foreign-key-indexes/L3")
    assert event["evidences"][0]["data"]["target"] == "postgres 127.0.0.1:5432/orders"
    assert event["remediation"] == {"desc": "Add the index."}
    assert (event["resources"][0]["name"], event["resources"][0]["namespace"]) == ("orders", "stage")
    assert event["resources"][0]["version"] == FULL.inputs.document.commit
    assert event["unmapped"]["level"] == 3
    assert event["compliance"]["checks"][0]["status"] == "Fail"


def test_hostile_texts_do_nothing() -> None:
    """One line an event whatever it holds, and no character that acts."""
    assert hidden(events(HOSTILE)) == set()
    assert ocsf.VERSION == OCSF_VERSION

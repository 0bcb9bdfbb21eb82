"""OSCAL: assessment results by the published model, and no objective satisfied that nobody looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from trestle.oscal import OSCAL_VERSION
from trestle.oscal.assessment_results import Model
from unit.reports.cards import FULL, HOSTILE
from unit.reports.machine import MACHINE_CARDS, NOT_GREEN, SCORED, hidden

from pytest_backend_audit.model import Card
from pytest_backend_audit.reports import oscal, render


def results_of(card: Card) -> dict[str, Any]:
    """The whole file below its one key."""
    found: dict[str, Any] = json.loads(render(card, "oscal"))["assessment-results"]
    return found


def result_of(card: Card) -> dict[str, Any]:
    """The one result."""
    (found,) = results_of(card)["results"]
    result: dict[str, Any] = found
    return result


def problems(text: str) -> list[str]:
    """What OSCAL's model says against a file; it knows every field and allows no other."""
    try:
        Model.model_validate_json(text)
    except ValidationError as error:
        return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return []


def uuids(value: Any, name: str) -> Iterator[str]:
    """Every value of a key."""
    if isinstance(value, list):
        for inner in value:
            yield from uuids(inner, name)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == name:
                yield inner
            else:
                yield from uuids(inner, name)


@pytest.mark.parametrize("name", MACHINE_CARDS)
def test_every_card_is_valid(name: str) -> None:
    """By the model of the version that the file names; the same card gives the same bytes."""
    text = render(MACHINE_CARDS[name], "oscal")
    assert problems(text) == []
    assert oscal.VERSION == OSCAL_VERSION
    assert render(MACHINE_CARDS[name], "oscal") == text


def test_an_unknown_or_missing_field_is_found() -> None:
    """The validation of this file can fail."""
    data = json.loads(render(FULL, "oscal"))
    data["assessment-results"]["results"][0]["grade"] = "A"
    assert problems(json.dumps(data)) == ["assessment-results.results.0.grade: Extra inputs are not permitted"]
    del data["assessment-results"]["results"][0]["grade"]
    del data["assessment-results"]["import-ap"]
    assert problems(json.dumps(data)) == ["assessment-results.import-ap: Field required"]


@pytest.mark.parametrize("name", MACHINE_CARDS)
def test_what_is_referred_to_is_there(name: str) -> None:
    """Observations, risks, parties, actors and the plan, each once; no id twice."""
    whole = results_of(MACHINE_CARDS[name])
    ids = list(uuids(whole, "uuid"))
    assert len(set(ids)) == len(ids)
    for reference in ("observation-uuid", "risk-uuid", "subject-uuid", "actor-uuid", "component-uuid"):
        assert set(uuids(whole, reference)) <= set(ids)
    assert {i for party in uuids(whole, "party-uuids") for i in party} <= set(ids)
    assert whole["import-ap"]["href"].removeprefix("#") in ids


def test_each_state_has_its_status() -> None:
    """What could not run, or waits for a person, is not satisfied for another reason than a failure."""
    found = {f["target"]["target-id"]: f["target"]["status"] for f in result_of(SCORED)["findings"]}
    assert {
        id_: (found[id_]["state"], found[id_]["reason"])
        for id_ in (
            "row-4.1.foreign-key-indexes.L3",
            "row-4.1.query-logging.L2",
            "row-4.2.pooler.L4",
            "row-4.2.pool-formula.L3",
            "row-4.6.dr-drill.L5",
            "row-4.6.partition.L5",
        )
    } == {
        "row-4.1.foreign-key-indexes.L3": ("not-satisfied", "fail"),
        "row-4.1.query-logging.L2": ("satisfied", "pass"),
        "row-4.2.pooler.L4": ("not-satisfied", "other"),
        "row-4.2.pool-formula.L3": ("not-satisfied", "other"),
        "row-4.6.dr-drill.L5": ("not-satisfied", "other"),
        "row-4.6.partition.L5": ("not-satisfied", "other"),
    }


def test_what_does_not_apply_or_is_not_sought_is_excluded() -> None:
    """It has no finding, and is named among the excluded objectives."""
    result = result_of(SCORED)
    (selection,) = result["reviewed-controls"]["control-objective-selections"]
    excluded = {entry["objective-id"] for entry in selection["exclude-objectives"]}
    assert "row-4.3.negative-caching.L5" in excluded
    assert {id_.rpartition(".")[2] for id_ in excluded if id_.startswith("row-4.8.")} == {"L4", "L5"}
    asked = {entry["objective-id"] for entry in selection["include-objectives"]}
    assert asked == {f["target"]["target-id"] for f in result["findings"]}
    assert not asked & excluded


def test_a_verbal_assertion_is_an_interview() -> None:
    """Output is a test, a document is examined."""
    found = {kind.value: method for kind, method in oscal.METHODS.items()}
    assert found == {
        "output": "TEST",
        "load": "TEST",
        "dashboard": "EXAMINE",
        "postmortem": "EXAMINE",
        "code": "EXAMINE",
        "document": "EXAMINE",
        "verbal": "INTERVIEW",
    }
    observations = {o["title"]: o for o in result_of(SCORED)["observations"]}
    drill = observations["dr-drill L5: passed"]
    assert drill["methods"] == ["EXAMINE"]
    assert drill["collected"] == "2026-08-30T10:00:00Z"
    assert {p["name"]: p["value"] for p in drill["relevant-evidence"][0]["props"]}["attested-by"] == "Grace Hopper"


def test_nothing_was_observed_of_what_could_not_run() -> None:
    """Its finding refers to no observation."""
    result = result_of(SCORED)
    finding = next(f for f in result["findings"] if f["target"]["target-id"] == "row-4.2.pooler.L4")
    assert "related-observations" not in finding
    assert finding["description"] == "could not run: targets.pgbouncer is not configured (audit.yaml)"
    assert not any("pooler" in o["title"] for o in result["observations"])


def test_a_risk_carries_the_queue() -> None:
    """Statement, deadline through its day, what is proposed; an acknowledged item is a deviation."""
    risks = {r["title"]: r for r in result_of(FULL)["risks"]}
    risk = risks["foreign-key-indexes failed"]
    assert (risk["statement"], risk["status"], risk["deadline"]) == ("Orders wait.", "open", "2026-12-08T23:59:59Z")
    assert risk["remediations"][0]["lifecycle"] == "recommendation"
    known = risks["acknowledged: foreign-key-indexes:public.legacy.owner_id"]
    assert (known["status"], known["deadline"]) == ("deviation-requested", "2026-12-01T23:59:59Z")


def test_a_signature_is_an_attestation() -> None:
    """By the second reviewer, who is a party; deviations are approved by it."""
    whole = results_of(MACHINE_CARDS["signed"])
    (attestation,) = whole["results"][0]["attestations"]
    assert attestation["parts"][0]["prose"].splitlines() == [
        "Signed at 2026-09-01T09:00:00Z with the key SHA256:abc.",
        "Takes the levels of 4.6.",
        "Accepted: dr-drill: docs/dr-2026-09.md",
        "Accepted: not applicable negative-caching",
    ]
    assert [party["name"] for party in whole["metadata"]["parties"]] == ["grace@example.org"]
    assert "attestations" not in result_of(SCORED)


@pytest.mark.parametrize("name", MACHINE_CARDS)
def test_a_run_that_says_nothing_final_says_so(name: str) -> None:
    """In its title, a property, and a finding of its own that is not satisfied."""
    result = result_of(MACHINE_CARDS[name])
    props = {p["name"]: p["value"] for p in result["props"]}
    first = next((f["title"] for f in result.get("findings", [])), "")
    inconclusive = name in NOT_GREEN or name == "located"
    assert props["conclusive"] == ("no" if inconclusive else "yes")
    assert result["title"].startswith("Inconclusive: ") is inconclusive
    assert (first == "The audit is incomplete") is inconclusive


def test_ids_are_tokens_and_stay_apart() -> None:
    """Whatever a criterion is called."""
    assert oscal.control_id("4.1") == "dimension-4.1"
    odd, odder = oscal.token("audits/a b.py::test"), oscal.token("audits/a_b.py::test")
    assert odd.startswith("audits_a_b.py__test-")
    assert odd != odder
    assert hidden(json.loads(render(HOSTILE, "oscal"))) == set()

"""scorecard.json and findings.json: shape, names that others read, bounds."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
from unit.reports.cards import CARDS, COMMIT, EVIL, FOREIGN_KEYS, FULL, HOSTILE, NOTHING, criterion, dimension, evidence

from pytest_backend_audit.model import Attempt, Status
from pytest_backend_audit.reports import lines, render
from pytest_backend_audit.reports.scorecard_json import schema


def test_schema_is_a_schema() -> None:
    """The published schema is valid draft 2020-12 and closed: every object in it forbids unknown keys."""
    published = schema()
    jsonschema.Draft202012Validator.check_schema(published)
    objects = [published, *published["$defs"].values()]
    assert [o for o in objects if o["type"] == "object" and o["additionalProperties"] is not False] == []


@pytest.mark.parametrize("name", CARDS)
def test_every_card_follows_the_schema(name: str) -> None:
    """What is written is what is published."""
    text = render(CARDS[name], "json")
    jsonschema.Draft202012Validator(schema()).validate(json.loads(text))
    assert text.isascii()
    assert text.endswith("\n}\n")


def test_unknown_key_is_against_the_schema() -> None:
    """The schema notices a key that it doesn't know."""
    data = {**json.loads(render(FULL, "json")), "extra": 1}
    with pytest.raises(jsonschema.ValidationError, match="extra"):
        jsonschema.Draft202012Validator(schema()).validate(data)


def test_names_that_a_later_audit_reads() -> None:
    """The prior audit, the ledger and the interface rely on these places."""
    card = json.loads(render(FULL, "json"))
    first = card["dimensions"][0]
    assert (card["document"]["commit"], card["run_number"], card["total"], card["minimum"]) == (COMMIT, 2, 15, 1)
    assert (card["lowest"], card["blocking"], card["partial"]) == (["4.5", "4.7"], ["4.7"], [])
    assert card["disposition"] == {
        "id": "not-production-grade",
        "name": "Not production-grade",
        "actions": [{"text": "Stop customer-facing rollout.", "due": ""}, {"text": "Re-audit.", "due": "2027-01-23"}],
        "matrix_id": "significant-technical-debt",
        "qualifier": "proven outside prod",
    }
    assert {key: first[key] for key in ("id", "name", "level", "limit", "proven", "sought", "would_be")} == {
        "id": "4.1",
        "name": "Query Performance",
        "level": 2,
        "limit": 2,
        "proven": 2,
        "sought": 5,
        "would_be": 2,
    }
    check = first["criteria"][1]["checks"][0]
    assert check["check"]["id"] == FOREIGN_KEYS.check.id
    assert (check["outcome"], check["limit"]) == ("failed", 2)
    assert card["dimensions"][2]["would_be"] == 4
    assert card["verdict"] == {
        "gate": "conditional-production",
        "passed": False,
        "reason": "gate Conditional production: not passed, the disposition is Not production-grade",
        "exit_status": 1,
    }
    assert [f["id"] for f in card["findings"]] == ["F-0001", "F-0002", "F-0003", "F-0004", "F-0005"]


def test_absent_things_are_null() -> None:
    """No total, no disposition, no seal and incidents not stated are null, never zero or empty."""
    card = json.loads(render(NOTHING, "json"))
    assert [card[key] for key in ("total", "minimum", "disposition", "seal", "incidents")] == [None] * 5
    assert card["dimensions"] == []


def test_hostile_text_survives_unchanged() -> None:
    """A machine reads exactly what was recorded, and the raw file acts on no terminal."""
    card = json.loads(render(HOSTILE, "json"))
    assert card["document"]["service"] == EVIL
    assert "\x1b" not in render(HOSTILE, "json")


def test_evidence_and_attempts_are_bounded_and_counted() -> None:
    """A check with much to show shows a part, and says how much there is; failed attempts come first."""
    attempts = tuple(
        Attempt(
            "c",
            f"c[{n}]",
            Status.FAILED if n == 25 else Status.PASSED,
            evidence=(evidence("shared", "x"), evidence(f"SELECT {n}", "y" * 600)),
        )
        for n in range(30)
    )
    big = replace(FOREIGN_KEYS, attempts=attempts)
    card = replace(FULL, dimensions=(dimension("4.1", 2, criterion("foreign-key-indexes", big)),))
    check = json.loads(render(card, "json"))["dimensions"][0]["criteria"][0]["checks"][0]
    assert (len(check["attempts"]), check["attempts_total"]) == (20, 30)
    assert check["attempts"][0]["instance"] == "c[25]"
    assert (len(check["evidence"]), check["evidence_total"]) == (5, 31)
    assert [piece["title"] for piece in check["evidence"]][:3] == ["shared", "SELECT 25", "SELECT 0"]
    assert [piece["left_out"] for piece in check["evidence"]] == [0, 100, 100, 100, 100]


def test_a_check_takes_one_line() -> None:
    """A changed check changes one line of the file."""
    before = render(FULL, "json").splitlines()
    changed = replace(FOREIGN_KEYS, limit=1)
    dimensions = (
        replace(FULL.dimensions[0], criteria=(FULL.dimensions[0].criteria[0], criterion("x", changed))),
        *FULL.dimensions[1:],
    )
    after = render(replace(FULL, dimensions=dimensions), "json").splitlines()
    assert len(before) == len(after)
    changed_lines = [line for old, line in zip(before, after, strict=True) if old != line]
    assert [line.strip()[:40] for line in changed_lines if '"check":' in line] == [
        '{"check": {"id": "pytest_backend_audit/s'
    ]


def test_pieces_make_one_document() -> None:
    """Iterators, empty containers and leaves are written as JSON in its usual shape."""
    value = {"a": iter([1, lines.Leaf([2, 3])]), "b": {}, "c": [], "d": None, "e": iter(())}
    assert "".join(lines.text(value)) == (
        '{\n  "a": [\n    1,\n    [2, 3]\n  ],\n  "b": {},\n  "c": [],\n  "d": null,\n  "e": []\n}\n'
    )


def test_findings_have_the_twelve_fields() -> None:
    """The standard's fields come first and in its order, filled from the finding."""
    findings = json.loads(render(FULL, "findings"))
    assert findings["service"] == "orders"
    assert findings["commit"] == COMMIT
    second = findings["findings"][1]
    assert list(second)[:13] == [
        "id",
        "dimension",
        "dimension_name",
        "severity",
        "observed",
        "target",
        "evidence",
        "impact",
        "effort",
        "remediation",
        "owner",
        "due",
        "verification",
    ]
    assert second["owner"] == "Grace Hopper"
    assert second["verification"] == "pytest --audit audit_suites/foreign_key_indexes.py:12"
    assert json.loads(render(NOTHING, "findings"))["findings"] == []

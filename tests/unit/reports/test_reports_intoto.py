"""in-toto: a statement by the published protocol, a predicate by our own schema, and bytes that can be signed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import STATEMENT_TYPE_URI, Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner
from unit.reports.cards import COMMIT, FULL, HOSTILE
from unit.reports.machine import FORMATS_OF_TEXTS, MACHINE_CARDS, NOT_GREEN, SCORED, hidden

from pytest_backend_audit.cli import main
from pytest_backend_audit.journal import Writer
from pytest_backend_audit.model import Card, Verdict
from pytest_backend_audit.reports import intoto, render

WITH_COMMIT = {
    name: card if len(card.inputs.document.commit) == 40 else at_commit
    for name, card in MACHINE_CARDS.items()
    for at_commit in [replace(card, inputs=replace(card.inputs, document=replace(card.inputs.document, commit=COMMIT)))]
}


def statement_of(card: Card) -> dict[str, Any]:
    """The statement."""
    found: dict[str, Any] = json.loads(render(card, "in-toto"))
    return found


def predicate_of(card: Card) -> dict[str, Any]:
    """Its predicate."""
    found: dict[str, Any] = statement_of(card)["predicate"]
    return found


@pytest.mark.parametrize("name", WITH_COMMIT)
def test_every_card_is_a_statement(name: str) -> None:
    """By in-toto's own protocol buffers, which know every field and allow no other; the same card, the same bytes."""
    text = render(WITH_COMMIT[name], "in-toto")
    parsed = json_format.Parse(text, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    assert parsed.type == STATEMENT_TYPE_URI
    assert parsed.predicate_type == intoto.PREDICATE
    assert dict(parsed.subject[0].digest) == {"gitCommit": COMMIT}
    assert render(WITH_COMMIT[name], "in-toto") == text


@pytest.mark.parametrize("name", WITH_COMMIT)
def test_every_predicate_follows_its_schema(name: str) -> None:
    """The published one, in which no other key is allowed."""
    schema = intoto.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=FORMATS_OF_TEXTS)
    assert [e.message for e in validator.iter_errors(predicate_of(WITH_COMMIT[name]))] == []
    assert [e.message for e in validator.iter_errors({**predicate_of(FULL), "grade": "A"})] == [
        "Additional properties are not allowed ('grade' was unexpected)"
    ]


def test_an_unknown_field_of_the_statement_is_found() -> None:
    """The validation of this file can fail."""
    with pytest.raises(json_format.ParseError, match="no field named"):
        json_format.ParseDict({**statement_of(FULL), "grade": "A"}, statement_pb2.Statement())


def test_the_subject_says_where_the_commit_is_kept() -> None:
    """Where the repository has an address."""
    assert statement_of(FULL)["subject"] == [{"name": "orders", "digest": {"gitCommit": COMMIT}}]
    assert statement_of(MACHINE_CARDS["located"])["subject"][0]["uri"] == (
        f"git+https://git.example.org/orders@{COMMIT}"
    )


def test_what_could_not_run_is_counted_apart() -> None:
    """Neither among the passes nor among the failures."""
    predicate = predicate_of(SCORED)
    counts = predicate["counts"]
    assert (counts["pass"], counts["fail"], counts["review"]) == (1, 1, 1)
    states = {row["row"]: row["state"] for row in predicate["rows"]}
    assert states["4.2/pooler/L4"] == states["4.6/partition/L5"] == "open"
    assert states["4.3/negative-caching/L5"] == "not-applicable"
    assert sum(counts.values()) == len(predicate["rows"])


@pytest.mark.parametrize("name", WITH_COMMIT)
def test_a_run_that_says_nothing_final_reaches_nothing(name: str) -> None:
    """No property, and no gate passed, whatever the verdict says."""
    card = replace(WITH_COMMIT[name], verdict=Verdict("conditional-production", True, "passed", 0))
    predicate = predicate_of(card)
    inconclusive = name in NOT_GREEN or name == "located"
    assert predicate["conclusive"] is not inconclusive
    assert predicate["verdict"]["passed"] is not inconclusive
    assert bool(predicate["inconclusiveBecause"]) is inconclusive
    assert not (inconclusive and predicate["properties"])


def test_levels_are_properties_that_a_policy_can_ask_for() -> None:
    """Every level from 2 up to the recorded one."""
    properties = predicate_of(WITH_COMMIT["green"])["properties"]
    assert len(properties) == 16
    assert properties[:2] == ["BACKEND_AUDIT_4_1_L2", "BACKEND_AUDIT_4_1_L3"]


def test_a_signature_of_the_second_reviewer_is_told() -> None:
    """Who, with which key, of what."""
    assert predicate_of(MACHINE_CARDS["signed"])["signOff"] == {
        "reviewer": "grace@example.org",
        "key": "SHA256:abc",
        "signedAt": "2026-09-01T09:00:00Z",
        "dimensions": ["4.6"],
    }
    assert predicate_of(SCORED)["signOff"] is None


def test_a_policy_that_was_held_to_is_told() -> None:
    """Which, and what differed."""
    assert predicate_of(MACHINE_CARDS["held"])["policy"]["protected"] == {
        "name": "origin/main:audit.yaml",
        "revision": "0f" * 20,
        "sha256": "cd" * 32,
        "differences": ["sought.4.8", "gate"],
    }
    assert predicate_of(SCORED)["policy"]["protected"] is None


def test_hostile_texts_do_nothing() -> None:
    """No character that acts."""
    assert hidden(statement_of(HOSTILE)) == set()


def test_it_can_be_signed_as_it_is() -> None:
    """Wrapped into a DSSE envelope by the library of in-toto's own tools, and verified."""
    signer = CryptoSigner.generate_ed25519()
    envelope = Envelope(render(FULL, "in-toto").encode(), "application/vnd.in-toto+json", {})
    envelope.sign(signer)
    read = Envelope.from_dict(json.loads(json.dumps(envelope.to_dict())))
    assert set(read.verify([signer.public_key], 1)) == {signer.public_key.keyid}
    assert json.loads(read.payload)["subject"][0]["digest"] == {"gitCommit": COMMIT}


def test_without_a_commit_there_is_no_statement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line says why; nothing is written."""
    writer = Writer(tmp_path / "run")
    writer.start(replace(SCORED.inputs, document=replace(SCORED.inputs.document, commit="")))
    writer.close()
    assert main(["report", str(tmp_path / "run"), "--format", "in-toto"]) == 2
    assert capsys.readouterr() == (
        "",
        "backend-audit: an in-toto statement is about a commit, and this run names none; audit a git repository\n",
    )


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """As packaged."""
    assert main(["schema", "in-toto-predicate"]) == 0
    assert json.loads(capsys.readouterr().out) == intoto.schema()

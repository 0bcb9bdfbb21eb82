"""What stays of an audit in the repository."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from unit.scoring.scoring_cases import SEALED, broken, check, failed, inputs, passed, skipped

from pytest_backend_audit import filed, jsonable
from pytest_backend_audit.filed import FiledError
from pytest_backend_audit.model import (
    Acknowledged,
    Attempt,
    Card,
    Difference,
    Failure,
    FiledCard,
    FiledCheck,
    Outcome,
    PriorCheck,
    Protected,
    Severity,
    SignOff,
)
from pytest_backend_audit.scoring import score


def card() -> Card:
    """One check passed, one failed; a threshold of its own, an exception."""
    exception = Acknowledged("bare:orders", "known", "Kim", "T-1", "2026-09-30")
    given = inputs(
        [check("a::test_a", 2), check("a::test_b", 3, criterion="bare")],
        policy={
            "owners": {"4.1": "data team"},
            "acknowledged": (exception,),
            "thresholds": {"hit-rate": 0.8},
        },
    )
    return score(given, [passed("a::test_a"), failed("a::test_b")], SEALED)


def test_a_threshold_that_the_policy_set_back_is_none_of_the_services() -> None:
    """It is the standard's, though it was put down with where that comes from."""
    differences = (
        Difference("thresholds.hit-rate", "0.8", "audit.yaml:3", "not set", "main:audit.yaml", "0.9"),
        Difference("thresholds.headroom", "0.1", "audit.yaml:4", "0.2", "main:audit.yaml:4", "0.2"),
    )
    given = inputs(
        [check("a", 2)],
        policy={"thresholds": {"hit-rate": 0.9, "headroom": 0.2, "pool-wait": 5}},
        protected=Protected("main", "a" * 40, "main:audit.yaml", "d" * 64, {}, differences),
    )
    made = filed.filed(score(given, [passed("a")], SEALED), numbers={}, sources=())
    assert made.thresholds == {"headroom": 0.2, "pool-wait": 5}


def test_what_is_filed_of_a_card() -> None:
    """Its levels, checks, findings by their numbers, thresholds and exceptions; no evidence."""
    made = card()
    numbers = {f.fingerprint: f"F-{n:04}" for n, f in enumerate(made.findings, 1)}
    one = filed.filed(made, numbers=numbers, sources=("ab" * 32,))
    assert (one.service, one.commit, one.instant) == ("orders", "1a2b3c4d", "2026-08-31T10:00:00Z")
    assert one.dimensions[0].owner == "data team"
    assert one.checks == (
        FiledCheck("a::test_a", "4.1", "a::test_a", 2, Outcome.PASSED, 5),
        FiledCheck("a::test_b", "4.1", "bare", 3, Outcome.FAILED, 2),
    )
    first = next(f for f in one.findings if f.check == "a::test_b")
    assert first.id == numbers[first.fingerprint]
    assert first.severity is Severity.HIGH
    assert one.thresholds == {"hit-rate": 0.8}
    assert one.exceptions == ("acknowledged bare:orders until 2026-09-30: known",)
    assert one.second_reviewer == ""
    assert "SHOW log_min_duration_statement" not in filed.text(one)


@pytest.mark.parametrize(
    ("tried", "prior", "stands"),
    [
        (skipped("a"), PriorCheck(Outcome.FAILED, 4, "prior audit"), Failure(Outcome.FAILED, 4)),
        (skipped("a"), PriorCheck(Outcome.FAILED, 1, "prior audit"), Failure(Outcome.FAILED, 1)),
        (broken("a"), PriorCheck(Outcome.UNSUPPORTED, 1, "prior audit"), Failure(Outcome.UNSUPPORTED, 1)),
        (passed("a"), PriorCheck(Outcome.FAILED, 4, "prior audit"), None),
        (failed("a"), PriorCheck(Outcome.FAILED, 4, "prior audit"), None),
        (skipped("a"), PriorCheck(Outcome.COULD_NOT_RUN, 2, "prior audit"), None),
        (skipped("a"), None, None),
    ],
    ids=["not carried", "carried", "broken", "passed", "failed", "never failed", "first"],
)
def test_a_failure_stands_until_its_check_answers(
    tried: Attempt, prior: PriorCheck | None, stands: Failure | None
) -> None:
    """Whether its limit was carried over or not."""
    made = score(inputs([check("a", 5)], prior={"a": prior} if prior else {}), [tried], SEALED)
    assert filed.filed(made, numbers={}, sources=()).checks[0].stands == stands


def test_a_failure_beside_a_broken_attempt_stands() -> None:
    """The check is broken by its label, and failed all the same: one below its level is the failure's limit."""
    made = score(inputs([check("a", 4)]), [failed("a"), broken("a", instance="a[2]")], SEALED)
    filed_check = filed.filed(made, numbers={}, sources=()).checks[0]
    assert (filed_check.outcome, filed_check.stands) == (Outcome.BROKEN, Failure(Outcome.FAILED, 3))


def test_the_reviewer_is_the_one_who_signed() -> None:
    """Not the one whom audit.yaml names."""
    made = replace(card(), sign_off=SignOff("kim@example.org", "SHA256:x", "2026-09-01T08:00:00Z", ("4.1",)))
    assert filed.filed(made, numbers={}, sources=()).second_reviewer == "kim@example.org"


def test_a_filed_card_reads_back(tmp_path: Path) -> None:
    """The file gives the same value, by its own name and by that of the Markdown beside it."""
    one = filed.filed(card(), numbers={}, sources=("ab" * 32,))
    (tmp_path / "2026-08-31.json").write_text(filed.text(one), "utf-8")
    assert filed.read(tmp_path / "2026-08-31.json") == one
    assert filed.read(tmp_path / "2026-08-31.md") == one


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{\n<<<<<<< HEAD\n "service": "orders"\n', f"card.json: {filed.MARKED}"),
        (b"[" * 100_000, "card.json: not JSON; restore it from the repository's history"),
        (b"[]", "card.json: no filed card; `backend-audit file` writes them"),
        (b'{"schema_version": 2, "dimensions": []}', "card.json: a filed card of version 2; this version reads 1"),
        (b'{"schema_version": 1, "dimensions": []}', "card.json: service: Field required"),
        (
            b" " * (filed.LIMIT + 1),
            f"card.json: larger than any filed card ({8 * 1024 * 1024} bytes); `backend-audit file` writes them",
        ),
    ],
    ids=["conflict marks", "deep", "a list", "another version", "half a card", "huge"],
)
def test_what_is_no_filed_card(content: bytes, said: str, tmp_path: Path) -> None:
    """One sentence that names the file and the way out."""
    (tmp_path / "card.json").write_bytes(content)
    with pytest.raises(FiledError) as caught:
        filed.read(tmp_path / "card.json")
    assert str(caught.value).removeprefix(f"{tmp_path}/") == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("weight", "1e99999999"), "weights: 4.1: '1e99999999' is not a number above 0 and up to 100"),
        (("level", 6), "dimensions: 4.1: a level is 1 to 5, found 6"),
        (("would_be", 0), "dimensions: 4.1: a level is 1 to 5, found 0"),
    ],
)
def test_a_dimension_that_no_audit_gives(change: tuple[str, object], said: str, tmp_path: Path) -> None:
    """Totals are computed from it, and comparisons; an exponent would be computed for ever."""
    one = filed.filed(card(), numbers={}, sources=())
    name, value = change
    odd = replace(one, dimensions=tuple(replace(d, **{name: value}) for d in one.dimensions))
    (tmp_path / "card.json").write_text(filed.text(odd), "utf-8")
    with pytest.raises(FiledError) as caught:
        filed.read(tmp_path / "card.json")
    assert str(caught.value) == f"{tmp_path}/card.json: {said}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dimensions": "level"}, "parts: 'prod': dimensions: 4.1: a level is 1 to 5, found 99"),
        ({"service": "shop"}, "parts: 'prod': no environment of this audit"),
        ({"commit": "0" * 40}, "parts: 'prod': no environment of this audit"),
        ({"environment": "live"}, "parts: 'prod': no environment of this audit"),
        ({"partial": True}, "parts: 'prod': total: a part of an audit has none"),
        ({"instant": "yesterday"}, "parts: 'prod': instant: no date and time: 'yesterday'"),
        ({"total": 41}, "parts: 'prod': total: 0 to 40, found 41"),
        ({"parts": "itself"}, "parts: 'prod': no environment of this audit"),
    ],
)
def test_an_environment_of_a_merge_that_no_audit_gives(change: dict[str, object], said: str, tmp_path: Path) -> None:
    """It is held to the same as a card by itself, and has none within."""
    one = filed.filed(card(), numbers={}, sources=())
    if "dimensions" in change:
        change = {"dimensions": (replace(one.dimensions[0], would_be=99), *one.dimensions[1:])}
    if "parts" in change:
        change = {"parts": {"prod": one}}
    part = {"environment": "prod", **change}
    stage = replace(one, environment="stage")
    odd = replace(one, environment="prod, stage", parts={"prod": replace(one, **part), "stage": stage})
    (tmp_path / "card.json").write_text(filed.text(odd), "utf-8")
    with pytest.raises(FiledError) as caught:
        filed.read(tmp_path / "card.json")
    assert str(caught.value) == f"{tmp_path}/card.json: {said}"


def test_environments_that_are_none_of_the_merge_s(tmp_path: Path) -> None:
    """Each of its environments is there, and no other."""
    one = filed.filed(card(), numbers={}, sources=())
    odd = replace(one, environment="prod, stage", parts={"prod": replace(one, environment="prod")})
    (tmp_path / "card.json").write_text(filed.text(odd), "utf-8")
    with pytest.raises(FiledError, match=r"card\.json: parts: other environments than 'prod, stage'$"):
        filed.read(tmp_path / "card.json")


@pytest.mark.parametrize("change", [{"limit": 0}, {"level": 6}, {"stands": Failure(Outcome.FAILED, 77)}])
def test_a_limit_that_no_check_has(change: dict[str, object], tmp_path: Path) -> None:
    """Whether its own, or that of a failure that stands."""
    one = filed.filed(card(), numbers={}, sources=())
    odd = replace(one, checks=(replace(one.checks[0], **change), *one.checks[1:]))
    (tmp_path / "card.json").write_text(filed.text(odd), "utf-8")
    with pytest.raises(FiledError, match=r"card\.json: checks: '.*': a level is 1 to 5, found (0|6|77)$"):
        filed.read(tmp_path / "card.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"service": " "}, "service: empty"),
        ({"instant": "yesterday"}, "instant: no date and time: 'yesterday'"),
        ({"total": -5}, "total: 0 to 40, found -5"),
        ({"maximum": 99}, "maximum: 0 to 40, found 99"),
    ],
)
def test_a_card_that_no_audit_gives(change: dict[str, object], said: str, tmp_path: Path) -> None:
    """Comparisons and trends take no such number for one of an audit."""
    one = filed.filed(card(), numbers={}, sources=())
    (tmp_path / "card.json").write_text(filed.text(replace(one, **change)), "utf-8")
    with pytest.raises(FiledError) as caught:
        filed.read(tmp_path / "card.json")
    assert str(caught.value) == f"{tmp_path}/card.json: {said}"


def test_a_missing_file(tmp_path: Path) -> None:
    """Is said as the system says it."""
    with pytest.raises(FiledError, match=r"2026\.json can't be read: No such file or directory"):
        filed.read(tmp_path / "2026.json")


def test_the_text_is_plain_json() -> None:
    """One object that any reader of JSON takes."""
    one = filed.filed(card(), numbers={}, sources=())
    assert jsonable.from_builtins(FiledCard, json.loads(filed.text(one))) == one

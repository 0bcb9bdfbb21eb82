"""Gate and comparison agree on whether a merge is worse, whatever became of its checks in each environment."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.ledger.filings import DOCUMENT
from unit.scoring.scoring_cases import SEALED, broken, check, failed, inputs, passed, skipped

from pytest_backend_audit import filed
from pytest_backend_audit.comparison import Side, compare, in_places
from pytest_backend_audit.history import Prior, load_prior
from pytest_backend_audit.model import Card, FiledCard
from pytest_backend_audit.scoring import score, score_merged
from pytest_backend_audit.scoring.merge import Record
from pytest_backend_audit.scoring.verdict import worse

PLAN = (check("x::a", 2), check("x::b", 3), check("y::c", 4))
PLACES = ("prod", "stage")
MADE = {"passed": passed, "failed": failed, "could not run": skipped, "broken": broken}
OUTCOMES = st.tuples(*(st.sampled_from(sorted(MADE)) for _ in PLAN))
AUDIT = st.fixed_dictionaries(dict.fromkeys(PLACES, OUTCOMES))


def run(place: str, outcomes: Sequence[str], hour: int, before: Prior | None = None) -> Record:
    """What the journal of a run holds, made after a prior audit or as the first."""
    made = inputs(
        PLAN,
        document=replace(DOCUMENT, environment=place, environment_kind=place),
        kind=place,
        instant=f"2026-08-31T{hour}:0{PLACES.index(place)}:00.000Z",
    )
    if before is not None:
        made = replace(
            made,
            prior=before.checks,
            prior_levels=before.levels,
            prior_whole=before.whole,
            prior_whole_open=before.whole_open,
            prior_places=before.places,
            prior_source=before.source,
        )
    attempts = tuple(MADE[outcome](c.id) for c, outcome in zip(PLAN, outcomes, strict=True))
    return made, attempts, SEALED


def card_of(made: Card, *heads: str) -> FiledCard:
    """What is filed of a card."""
    return filed.filed(made, numbers={}, sources=heads)


def load(prior: FiledCard, place: str) -> Prior:
    """What a run in an environment reads of the filed card."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "2026-08-31.json"
        path.write_text(filed.text(prior), "utf-8")
        return load_prior(path, environment=(place,))


def now(audit: Mapping[str, Sequence[str]], before: Mapping[str, Prior]) -> tuple[Card, list[str]]:
    """A merge after these audits, and what the gate finds to be worse."""
    made = score_merged([run(place, outcomes, 12, before[place]) for place, outcomes in audit.items()])
    return made, sorted(worse(made.inputs, made.levels, made.findings, made.checks, made.parts))


def shard(record: Record, *ran: str) -> Record:
    """Of a run what it does where it is narrowed to some checks."""
    made, attempts, seal = record
    return (
        replace(made, selected=ran, narrowing=("1 check deselected by -k",)),
        tuple(a for a in attempts if a.check in ran),
        seal,
    )


def test_a_check_that_the_other_environment_ran_this_time_makes_nothing_fall() -> None:
    """Which job gets which checks is for CI to say; each environment's level follows from what it ran."""

    def audit(hour: int, prod: tuple[str, ...], stage: tuple[str, ...], priors: Mapping[str, Prior | None]) -> Card:
        return score_merged(
            shard(run(place, ("passed",) * 3, hour, priors[place]), *ran)
            for place, ran in (("prod", prod), ("stage", stage))
        )

    first = card_of(audit(10, ("x::a", "x::b"), ("y::c",), {"prod": None, "stage": None}), "ab" * 32)
    assert {place: part.left_out for place, part in first.parts.items()} == {
        "prod": ("y::c",),
        "stage": ("x::a", "x::b"),
    }
    made = audit(12, ("x::a",), ("x::b", "y::c"), {place: load(first, place) for place in PLACES})
    assert (made.parts["prod"].levels["4.1"], first.parts["prod"].dimensions[0].would_be) == (2, 3)
    assert worse(made.inputs, made.levels, made.findings, made.checks, made.parts) == ()
    assert compare(Side(card_of(made, "cd" * 32)), Side(first)).worse == ()


def test_a_merge_of_which_no_level_is_compared_says_so() -> None:
    """Each environment leaves out a check of the dimension that it had: nothing can be said to have fallen, or not."""
    priors = {place: load(card_of(score(*run(place, ("passed",) * 3, 10)), place), place) for place in PLACES}
    records = [
        shard(run(place, ("passed",) * 3, 12, priors[place]), *ran)
        for place, ran in (("prod", ("x::a", "x::b")), ("stage", ("y::c",)))
    ]
    made = score_merged((replace(i, options={"no_worse": True}), attempts, seal) for i, attempts, seal in records)
    assert (made.parts["prod"].levels["4.1"], priors["prod"].levels["4.1"]) == (3, 4)
    assert made.no_worse is not None
    assert (made.no_worse.passed, made.no_worse.reason) == (
        None,
        "prior audit 2026-08-31 of 1a2b3c4 has none of these dimensions, or checks of them that are left out now: no "
        "level was compared",
    )


@settings(max_examples=60)
@given(AUDIT, AUDIT)
def test_after_a_merge_of_the_same_environments(
    before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> None:
    """What all of them come to together counts, and each by itself."""
    prior = card_of(score_merged([run(place, outcomes, 10) for place, outcomes in before.items()]), "ab" * 32)
    made, gate = now(after, {place: load(prior, place) for place in PLACES})
    assert sorted(compare(Side(card_of(made, "cd" * 32)), Side(prior)).worse) == gate


@settings(max_examples=60)
@given(AUDIT, AUDIT)
def test_after_an_audit_of_each_by_itself(
    before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> None:
    """Each is compared with its own."""
    priors = {place: card_of(score(*run(place, outcomes, 10)), place) for place, outcomes in before.items()}
    made, gate = now(after, {place: load(prior, place) for place, prior in priors.items()})
    merge = Side(card_of(made, "cd" * 32))
    told = {place: compare(merge.part(place), Side(priors[place])).worse for place in PLACES}
    assert sorted(in_places((), told)) == gate

"""What holds for any audit."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from unit.scoring.scoring_cases import (
    CODE,
    SEALED,
    VERBAL,
    attempt,
    broken,
    check,
    failed,
    inputs,
    passed,
    row,
    skipped,
    standard,
)

from pytest_backend_audit import jsonable, scoring
from pytest_backend_audit.model import Attempt, Card, Outcome, RowState
from pytest_backend_audit.scoring.levels import proven

ROWS = tuple(row(d, f"c{n}", level) for d in ("4.1", "4.7") for n in (1, 2) for level in (2, 3, 5))
RULES = standard(*ROWS, ids=("4.1", "4.7"))
MAKERS = {
    "pass": passed,
    "verbal": lambda id_, **f: passed(id_, VERBAL, **f),
    "code": lambda id_, **f: passed(id_, CODE, **f),
    "bare": attempt,
    "fail": failed,
    "skip": skipped,
    "break": broken,
}


@st.composite
def audits(draw):
    """Inputs and attempts: checks of two dimensions, in and outside the standard, with up to three attempts each."""
    plan, attempts = [], []
    for place in range(draw(st.integers(0, 8))):
        criterion = draw(st.sampled_from(["c1", "c2", "own", None]))
        plan.append(check(f"t{place}", draw(st.integers(1, 5)), draw(st.sampled_from(["4.1", "4.7"])), criterion))
        for instance in range(draw(st.integers(0, 3))):
            make = MAKERS[draw(st.sampled_from(sorted(MAKERS)))]
            attempts.append(make(f"t{place}", instance=f"t{place}[{instance}]"))
    sought = draw(st.dictionaries(st.sampled_from(["4.1", "4.7"]), st.integers(1, 5)))
    return inputs(plan, rules=RULES, loaded=draw(st.booleans()), policy={"sought": sought}), attempts


def without_workers(card: Card) -> Card:
    """The card, with the workers of its attempts blanked."""
    data = jsonable.to_builtins(card)
    for dimension in data["dimensions"]:
        for criterion in dimension["criteria"]:
            for result in criterion["checks"]:
                for one in result["attempts"]:
                    one["worker"] = ""
    return jsonable.from_builtins(Card, data)


@settings(max_examples=100, deadline=None)
@given(audits(), st.randoms(use_true_random=False))
def test_neither_order_nor_worker_matters(audit, shuffler: random.Random):
    """Attempts may come in any order and from any worker; the card is the same."""
    made, attempts = audit
    shuffled: list[Attempt] = [replace(a, worker=f"gw{shuffler.randrange(4)}") for a in attempts]
    shuffler.shuffle(shuffled)
    assert without_workers(scoring.score(made, shuffled, SEALED)) == scoring.score(made, attempts, SEALED)


@settings(max_examples=150, deadline=None)
@given(audits(), st.integers(1, 5), st.sampled_from(["4.1", "4.7"]), st.sampled_from(["c1", "c2", "own", None]))
def test_a_further_failing_check_never_raises(audit, level, dimension, criterion):
    """A failure where the row was covered and executed, or where there is none, raises neither level nor total."""
    made, attempts = audit
    before = scoring.score(made, attempts, SEALED)
    states = {
        (r.dimension, r.criterion, r.level): r.state for d in before.dimensions for c in d.criteria for r in c.rows
    }
    assume(states.get((dimension, criterion or "", level), RowState.COVERED) is RowState.COVERED)
    extra = check("extra", level, dimension, criterion)
    more = replace(made, plan=(*made.plan, extra), selected=(*made.selected, "extra"))
    after = scoring.score(more, [*attempts, failed("extra")], SEALED)
    assert all(a.would_be <= b.would_be for a, b in zip(after.dimensions, before.dimensions, strict=True))
    assert after.total <= before.total


@settings(max_examples=100, deadline=None)
@given(audits())
def test_a_card_keeps_within_its_bounds(audit):
    """Levels lie from 1 to what is sought and proven; the cap leaves no 4; each finding's target is within reach."""
    made, attempts = audit
    card = scoring.score(made, attempts, SEALED)
    for dimension in card.dimensions:
        assert 1 <= dimension.would_be <= max(1, min(dimension.limit, dimension.proven, dimension.sought))
        assert dimension.level == min(dimension.would_be, 3)
        assert (dimension.limited_by == ()) is (dimension.would_be == 5)
    for finding in card.findings:
        assert finding.observed <= finding.target <= finding.observed + 1
    assert 0 <= card.coverage.assessed <= card.coverage.of <= len(ROWS)


@settings(max_examples=100, deadline=None)
@given(audits())
def test_every_check_that_did_not_pass_has_one_finding(audit):
    """No outcome is lost, and none is told twice."""
    made, attempts = audit
    card = scoring.score(made, attempts, SEALED)
    wanted = sorted(r.check.id for r in card.checks if r.outcome is not Outcome.PASSED)
    assert sorted(f.check for f in card.findings if f.check not in {"coverage", "proof"}) == wanted
    assert len({f.fingerprint for f in card.findings}) == len(card.findings)


@settings(max_examples=100, deadline=None)
@given(audits())
def test_mending_what_the_card_names_lifts_it(audit):
    """Passing the existing checks of a way, adding those it asks for and seeking what it says reaches its level."""
    made, attempts = audit
    card = scoring.score(made, attempts, SEALED, signed_off=True)
    known = {c.id: c for c in made.plan}
    for way in card.raises:
        if way.how.startswith("seek"):
            continue
        new = []
        for place, name in enumerate(n for n in way.checks if n not in known):
            criterion, _, level = name.rpartition(" L")
            named = None if criterion == "a check at" else criterion
            new.append(check(f"new{place}", int(level), way.dimension, named))
        left = [a for a in attempts if a.check not in way.checks]
        mended = [passed(name) for name in way.checks if name in known] + [passed(c.id) for c in new]
        changed = replace(made, plan=(*made.plan, *new), selected=(*made.selected, *(c.id for c in new)))
        after = scoring.score(changed, [*left, *mended], SEALED, signed_off=True)
        level = next(d.would_be for d in after.dimensions if d.id == way.dimension)
        assert level >= way.to_level


@given(st.frozensets(st.integers(1, 5)), st.frozensets(st.integers(1, 5)))
def test_proven_levels_are_whole_and_backed(levels, weak):
    """What is proven from 3 up has a pass at each level from 3 to it; weak passes alone prove 2 at most."""
    found = proven(levels, weak)
    assert set(range(3, found + 1)) <= levels
    assert found >= max((level for level in levels if level <= 3), default=1)
    assert proven((), weak) == min(max(weak, default=1), 2)

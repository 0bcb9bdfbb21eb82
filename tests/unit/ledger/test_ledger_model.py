"""Any course of audits, merges and words of the reviewer, against a plain account of what is open where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from hypothesis import given, note, settings
from hypothesis import strategies as st
from unit.ledger.filings import DOCUMENT, A, B
from unit.scoring.scoring_cases import SEALED, check, failed, inputs, passed, skipped

from pytest_backend_audit.ledger import State
from pytest_backend_audit.ledger.events import Disputed, Event, Resolved
from pytest_backend_audit.ledger.filing import Ran, Who, filing
from pytest_backend_audit.ledger.folding import fold
from pytest_backend_audit.scoring import score, score_merged
from pytest_backend_audit.scoring.merge import Record

CHECKS = (A, B)
PLACES = ("prod", "stage")
CASES = {A: ("[x]", "[y]"), B: ("",)}
"""Of the first check, at L4, what could not run hides a failure, as it limits more; the second has no parameters."""
MADE = {"passed": passed, "failed": failed, "could not run": skipped}

Outcomes: TypeAlias = Mapping[str, Mapping[str, str]]
"""Check -> case -> what became of it."""
Audit: TypeAlias = Mapping[str, tuple[int, Outcomes]]
"""Environment -> minute of its run, and outcomes; of a merge several."""


OUTCOMES = st.fixed_dictionaries(
    {c: st.fixed_dictionaries({case: st.sampled_from(sorted(MADE)) for case in CASES[c]}) for c in CHECKS}
)
ALONE = st.dictionaries(st.sampled_from(PLACES), OUTCOMES, min_size=1, max_size=1)
MERGED = st.fixed_dictionaries(dict.fromkeys(PLACES, OUTCOMES))
STEPS = st.lists(st.tuples(ALONE | MERGED, st.booleans()), min_size=1, max_size=4)


def audits(steps: Sequence[tuple[Mapping[str, Outcomes], bool]]) -> list[Audit]:
    """Audits one after the other; of a merge the run of either environment may be the earlier one."""
    made: list[Audit] = []
    for n, (ran, turned) in enumerate(steps):
        places = sorted(ran, reverse=turned)
        made.append({place: (20 * n + 5 * k, ran[place]) for k, place in enumerate(places)})
    return made


def at(minute: int) -> str:
    """An instant; several hours have room."""
    return f"2026-08-31T{minute // 60:02}:{minute % 60:02}:00.000Z"


def run(place: str, minute: int, outcomes: Outcomes) -> Record:
    """What the journal of one run holds."""
    attempts = [
        MADE[outcome](check_id, instance=f"{check_id}{case}")
        for check_id, cases in outcomes.items()
        for case, outcome in cases.items()
    ]
    document = replace(DOCUMENT, environment=place, environment_kind=place)
    plan = [check(A, 4), check(B, 3)]
    return inputs(plan, document=document, kind=place, instant=at(minute)), tuple(attempts), SEALED


def file(state: State, audit: Audit, n: int, filed_at: int) -> State:
    """The ledger once an audit was filed."""
    runs = [run(place, minute, outcomes) for place, (minute, outcomes) in audit.items()]
    card = score(*runs[0]) if len(runs) == 1 else score_merged(runs)
    ran = [Ran(place, at(minute), frozenset(CHECKS), place) for place, (minute, _) in audit.items()]
    done = filing(
        card,
        state,
        name=f"2026-09-{n + 1:02}",
        heads=tuple(f"{n:02x}{k:02x}" * 16 for k in range(len(runs))),
        who=Who(at(filed_at), "Kim"),
        runs=ran if len(runs) > 1 else (),
    )
    note(f"audit {n}: {audit}: {done.notes}")
    return done.after


def judged(state: State, minute: int, *, upheld: bool | None) -> State:
    """The ledger once somebody disputes all that is open, and the reviewer has a word on it, or none yet."""
    open_ = [t for t in state.findings if t.status.is_open]
    words: list[Event] = [Disputed(at(minute), "Lin", t.number, t.fingerprint, "no") for t in open_]
    if upheld is not None:
        words += [
            Resolved(at(minute + 1), "Grace", t.number, t.fingerprint, upheld, "I looked", ", ".join(t.where))
            for t in open_
        ]
    return fold((*state.events, *enumerate(words, len(state.events) + 1)))


def went(cases: Mapping[str, str]) -> str:
    """What became of a check: the gravest of its cases."""
    return next(outcome for outcome in ("failed", "could not run", "passed") if outcome in {*cases.values(), "passed"})


def together(audit: Audit, check_id: str) -> str:
    """What became of a check in a merge: what could not run in one environment may have run in the other."""
    here = [outcomes[check_id] for _, outcomes in audit.values()]
    if any(went(cases) == "failed" for cases in here):
        return "failed"
    blind = any(all(cases[case] == "could not run" for cases in here) for case in CASES[check_id])
    return "could not run" if blind else "passed"


def expected(made: Sequence[Audit]) -> set[tuple[str, str]]:
    """Check and environment of each finding that is open: an account of the runs in the order in which they were made.

    What could not run is open, but where another environment answers it, and no case that failed waits for its pass.
    """
    found = set()
    for check_id in CHECKS:
        for place in PLACES:
            waiting: set[str] = set()
            is_open = False
            for audit in sorted((a for a in made if place in a), key=lambda audit: audit[place][0]):
                here, all_in_all = audit[place][1][check_id], together(audit, check_id)
                # A failure in the other environment is what such a card tells of.
                if went(here) == "could not run" and all_in_all == "failed":
                    continue
                left = {case for case in waiting if here[case] != "passed"}
                if went(here) == "passed" or (all_in_all == "passed" and not left):
                    is_open, waiting = False, set()
                elif all_in_all != "passed":
                    is_open, waiting = True, left | {case for case in CASES[check_id] if here[case] == "failed"}
            if is_open:
                found.add((check_id, place))
    return found


def stands(state: State) -> list[tuple[object, ...]]:
    """How each finding stands, and what is told of it; numbers, dates and evidence left out."""
    return sorted(
        (
            *(t.fingerprint, t.where, t.status, t.unmended, t.finding.severity, t.finding.title, t.dispute is not None),
            *(t.opened, t.due, t.owner, t.effort, t.closing, t.reason),
            sorted((place, told.severity, told.title) for place, told in t.told.items()),
        )
        for t in state.findings
    )


def open_in(state: State) -> set[tuple[str, str]]:
    """The same by a ledger, without what is about a whole dimension."""
    open_ = [t for t in state.findings if t.status.is_open and t.finding.check in CHECKS]
    return {(t.finding.check, place) for t in open_ for place in t.where}


@settings(max_examples=150)
@given(STEPS)
def test_what_is_open_after_any_audits(steps: list[tuple[Mapping[str, Outcomes], bool]]) -> None:
    """Filed as they were made: neither more than what did not pass, nor less."""
    made, state = audits(steps), State()
    for n, audit in enumerate(made):
        state = file(state, audit, n, 200 + n)
    assert open_in(state) == expected(made)


@settings(max_examples=150)
@given(STEPS, st.data())
def test_no_order_of_filing_loses_a_finding(
    steps: list[tuple[Mapping[str, Outcomes], bool]], data: st.DataObject
) -> None:
    """What a late filing alone has found may stay open; what is to be open is never away."""
    made, state = audits(steps), State()
    for k, n in enumerate(data.draw(st.permutations(range(len(made))))):
        state = file(state, made[n], n, 200 + k)
    assert expected(made) <= open_in(state)


WORD = st.none() | st.tuples(st.integers(0, 3), st.sampled_from((True, False, None)))
"""After how many audits of a branch all is disputed, and what the reviewer says."""


@settings(max_examples=150)
@given(STEPS, st.integers(0, 2), st.lists(st.booleans(), min_size=4, max_size=4), st.tuples(WORD, WORD))
def test_two_branches_may_be_joined_either_way(
    steps: list[tuple[Mapping[str, Outcomes], bool]],
    common: int,
    sides: list[bool],
    words: tuple[tuple[int, bool | None] | None, tuple[int, bool | None] | None],
) -> None:
    """Each finding stands alike, and none that is to be open is away, unless the reviewer said so on one of them."""
    made, state = audits(steps), State()
    for n, audit in enumerate(made[:common]):
        state = file(state, audit, n, 200 + n)
    tails = []
    for side, word in zip((False, True), words, strict=True):
        branch, own = state, [n for n in range(common, len(made)) if sides[n] is side]
        for k in range(len(own) + 1):
            if word is not None and word[0] == k:
                last = 20 * (own[k - 1] if k else common) + 11 + 4 * side
                branch = judged(branch, last, upheld=word[1])
            if k < len(own):
                branch = file(branch, made[own[k]], own[k], 200 + own[k])
        tails.append([event for _, event in branch.events][len(state.events) :])
    begun = [event for _, event in state.events]
    one, other = (fold(enumerate([*begun, *first, *then], 1)) for first, then in (tails, tails[::-1]))
    assert stands(one) == stands(other)
    assert any(word is not None and word[1] for word in words) or expected(made) <= open_in(one)

"""A finding in one environment, through whatever order its lines stand in."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from unit.ledger.ledgers import at, closed, filed, found, gone, resolved

from pytest_backend_audit.ledger.course import Course, Word
from pytest_backend_audit.ledger.events import Found, Retired
from pytest_backend_audit.model import YetToPass


def sighting(*cases: str, blind: tuple[str, ...] = (), passed: tuple[str, ...] = (), outcome: str = "failed") -> Found:
    """An audit has it: these cases failed, and those could not run."""
    told = found("F-0001", told=False, how="seen")
    return replace(told, cases=cases, could_not_run=blind, passed=passed, outcome=outcome)


BLIND = sighting(outcome="could-not-run")
PASS = gone("F-0001")


def course(*words: tuple[int, object] | tuple[int, object, tuple[str, ...]]) -> Course:
    """What these come to: minute, event, and the cases that could not run."""
    made = Course()
    for line, (minute, event, *blind) in enumerate(words, 1):
        made.add(Word(at(minute), line, event, *blind))  # type: ignore[arg-type]
    return made


def test_a_failure_is_open_until_a_later_run_passes() -> None:
    """And open anew by a run after that."""
    assert course((1, sighting())).is_open
    assert not course((1, sighting()), (2, PASS)).is_open
    assert course((1, sighting()), (2, PASS), (3, sighting())).is_open


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_of_the_lines_says_nothing(order: tuple[int, ...]) -> None:
    """Two branches may be joined either way."""
    words = [
        (1, sighting("[a]")),
        (2, PASS),
        (3, sighting("[b]")),
        (4, sighting(blind=("[b]",), outcome=BLIND.outcome)),
    ]
    made = course(*(words[n] for n in order))
    assert (made.is_open, made.yet_to_pass, made.seen) == (True, YetToPass(("[b]",)), at(4))
    assert made.last_end is not None
    assert made.last_end.event is PASS


def test_another_environment_answers_what_could_not_run() -> None:
    """And no failure: which one, its cases tell."""
    assert not course((1, BLIND), (2, PASS, ())).is_open
    assert course((1, sighting()), (2, BLIND), (3, PASS, ())).is_open
    assert not course((1, sighting("[a]")), (2, PASS, ("[b]",))).is_open
    assert course((1, sighting("[a]")), (2, PASS, ("[a]",))).is_open
    assert course((1, sighting("[a]")), (2, PASS, ())).is_open
    # What failed first has passed by the time that the other one failed, if that audit knew of it.
    assert not course((1, sighting("[b]")), (2, sighting("[a]", passed=("[b]",))), (3, PASS, ("[b]",))).is_open
    assert course((1, sighting("[b]")), (2, sighting("[a]")), (3, PASS, ("[b]",))).is_open


def test_a_failure_that_is_filed_after_it_was_answered_elsewhere_is_open() -> None:
    """By a run before: nothing has shown it to be mended."""
    made = course((1, BLIND), (4, PASS, ()))
    assert made.opens(Word(at(2), 3, sighting()))
    assert not made.opens(Word(at(2), 3, BLIND))
    assert not made.is_open
    made.add(Word(at(2), 3, sighting()))
    assert (made.is_open, made.sightings) == (True, [(1, BLIND), (3, sighting())])


def test_what_is_known_of_cases() -> None:
    """What failed, and apart from it what could not run; of a check without any, nothing."""
    assert course((1, sighting("[a]", blind=("[b]",)))).yet_to_pass == YetToPass(("[a]",), 0, ("[b]",))
    assert course((1, sighting())).yet_to_pass == YetToPass()
    assert course().yet_to_pass == YetToPass()


def test_an_environment_that_is_given_up_rewrites_no_ending() -> None:
    """What was mended there before was; what was open is gone by the word, and an old run in between changes that."""
    word = Retired(at(5), "Grace", "prod", "given up")
    assert course((1, sighting()), (3, closed()), (5, word)).last_end == Word(at(3), 2, closed())
    assert course((1, sighting()), (5, word)).last_end == Word(at(5), 2, word)
    assert course((1, sighting()), (3, closed()), (5, word), (4, sighting())).last_end == Word(at(5), 3, word)


def test_by_what_it_was_closed_last() -> None:
    """Whether its check, or the reviewer."""
    word = resolved(upheld=True)
    assert course((1, sighting()), (2, closed()), (3, sighting()), (4, word)).last_end == Word(at(4), 4, word)


def test_what_was_filed_by_then() -> None:
    """The reviewer speaks of what there was, and of runs by clocks that are ahead of theirs."""
    made = course((1, sighting()), (5, sighting()))
    assert (made.told_by(filed().at), made.told_by("2026-08-30T00:00:00.000Z")) == (True, False)
    assert [made.latest_sighting(at(n), at(m)) for n, m in ((0, 9), (0, 4), (2, 4))] == [at(5), at(1), at(2)]

"""In which of its environments a card has a word on a finding, for better or worse. Pure."""

from __future__ import annotations

from pytest_backend_audit.cases import taken_out
from pytest_backend_audit.filed import standing
from pytest_backend_audit.ledger import cases, terms
from pytest_backend_audit.ledger.places import environments
from pytest_backend_audit.ledger.state import State, Tracked
from pytest_backend_audit.ledger.terms import There, names_of, unlike
from pytest_backend_audit.model import Card, CheckResult, Outcome


def shown_in(card: Card, tracked: Tracked, state: State) -> tuple[str, ...]:
    """Environments in which a card shows that a finding is mended, by their names now and before.

    Of a merge, those in which all of its check passed, and, where none failed, those in which it only ever could not
    run: another in which it does is what a merge is for. Of what is about a whole dimension, and of a check that the
    card leaves out on purpose, all.

    Args:
        card: It.
        tracked: The finding.
        state: The ledger, by the card's names of environments.
    """
    every, one = names_of(card.inputs), state.places.one
    result = next((r for r in card.checks if r.check.id == tracked.finding.check), None)
    several = len(environments(card.inputs.document.environment)) > 1
    if result is None or not several:
        return every
    if result.outcome is not Outcome.PASSED:
        return passed_in(card, tracked.finding.check)
    ran = {one(name) for name in result.environments}

    def speaks(place: str) -> bool:
        return place in ran or _is_answered(result, tracked, place, state)

    return tuple(name for name in every if speaks(one(name)))


def _is_answered(result: CheckResult, tracked: Tracked, place: str, state: State) -> bool:
    """Whether all that did not pass of a check in an environment could not run there, and may be answered elsewhere."""
    course = tracked.courses.get(place)
    if course is None or not course.is_open:
        return False
    now, before = cases.cases_in(result, place, state), course.yet_to_pass
    return course.is_answered(cases.blind(now)) and not set(before.cases) & set(taken_out(now, before))


def answered_elsewhere(card: Card, check: str, state: State) -> dict[str, tuple[str, ...]]:
    """Environments of a merge in which not all of a check ran, though it passed; and which of its cases did not.

    Args:
        card: The merge.
        check: Id of the check.
        state: The ledger, by the card's names of environments.

    Returns:
        Environment, by the name that it goes by -> the cases; none where the check has none, or too many.
    """
    result = next((r for r in card.checks if r.check.id == check), None)
    several = len(environments(card.inputs.document.environment)) > 1
    if result is None or result.outcome is not Outcome.PASSED or not several:
        return {}
    one = state.places.one
    away = dict.fromkeys(map(one, names_of(card.inputs)))
    for name in result.environments:
        away.pop(one(name), None)
    return {place: cases.blind(cases.cases_in(result, place, state)) for place in away}


def found_in(card: Card, check: str) -> tuple[str, ...]:
    """Environments in which a check of a merge did not pass; none where no merge is behind it, or nobody can tell.

    Where it failed in one and could not run in another, it is the failure that the card tells of.
    """
    result = next((r for r in card.checks if r.check.id == check), None)
    if result is None or not result.alone:
        return ()
    failed = tuple(place for place, outcome in result.answers.items() if place and outcome is not Outcome.PASSED)
    blind = (place for place, outcome in result.alone.items() if outcome is not Outcome.PASSED)
    return failed or tuple(blind) or result.environments


def outcome_in(card: Card, check: str, place: str) -> str:
    """What became of a check in one environment: what answered there first, else the failure that stands there.

    Args:
        card: The audit.
        check: Id of the check, or what a finding has that no check is behind.
        place: The environment, by its name in the audit.
    """
    result = next((r for r in card.checks if r.check.id == check), None)
    if result is None:
        return ""
    part = card.parts.get(place, card)
    own = next((r for r in part.checks if r.check.id == check), result)
    stands = standing(own, part.past.get(check))
    answer = result.answers.get(place, Outcome.PASSED)
    if answer is not Outcome.PASSED:
        return answer.value
    return stands.outcome.value if stands is not None else result.alone.get(place, result.outcome).value


def passed_in(card: Card, check: str) -> tuple[str, ...]:
    """Environments of a merge in which all of a check passed, whatever became of it in the others."""
    result = next((r for r in card.checks if r.check.id == check), None)
    alone = result.alone if result is not None else {}
    return tuple(place for place, outcome in alone.items() if outcome is Outcome.PASSED)


def judged_alike(
    card: Card, tracked: Tracked, state: State, there: There
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """In which environments a card judged by what the audits judged by that had a finding there.

    Args:
        card: It.
        tracked: The finding.
        state: The ledger, by the card's names of environments.
        there: Which audit.yaml are still there.

    Returns:
        Environments, by the names that they go by; and each other one in which the finding is open, with what the card
        judged by instead.
    """
    here = dict.fromkeys(map(state.places.one, names_of(card.inputs)))
    said = {place: unlike(card.inputs, terms.of(tracked, state, [place]), there) for place in here}
    wrong = tuple((place, why) for place, why in said.items() if why and place in tracked.where)
    return tuple(place for place, why in said.items() if not why), wrong


__all__ = ["answered_elsewhere", "found_in", "judged_alike", "outcome_in", "passed_in", "shown_in"]

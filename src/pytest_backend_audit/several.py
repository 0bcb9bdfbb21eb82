"""Of a check with several cases or parts one decides; this tells which attempt that is, and names the others."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from pytest_backend_audit.instances import case_of, part_of, whole_of
from pytest_backend_audit.limits import limit_of
from pytest_backend_audit.model import Attempt, CheckResult, Evidence, Outcome, Status
from pytest_backend_audit.titles import cut, headline

NAMED = 5
"""Cases, or parts, that are named; the others are counted."""
NAME_LIMIT = 40
"""Characters of a name in the list of them."""
LINE_LIMIT = 160
"""Characters of the line that each has."""

ITSELF = "the test itself"
NO_REASON = "no reason given"

_RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}
_WITHOUT_REASON = {Outcome.UNSUPPORTED: "no evidence", Outcome.WEAK: "weak evidence"}


def deciding(result: CheckResult) -> Attempt | None:
    """The attempt that gave the reason, else one that failed, else any that did not pass, else any."""
    ranked = sorted(
        result.attempts,
        key=lambda a: (a.status is Status.PASSED, a.reason != result.reason, a.status is not Status.FAILED),
    )
    return ranked[0] if ranked else None


def evidence(result: CheckResult) -> tuple[Evidence, ...]:
    """What the deciding attempt recorded; a part records nothing of its own, so that it has that of the whole test."""
    decides = deciding(result)
    if decides is None or decides.evidence:
        return decides.evidence if decides else ()
    whole = whole_of(decides.instance)
    return next((a.evidence for a in _together(result, decides) if a.instance == whole and a.evidence), ())


def besides(result: CheckResult) -> str:
    """What else did not pass than the case or part that decides: ``1 more case``; empty where there is nothing."""
    more, noun = len(_amiss(result)) - 1, "case"
    if more < 1:
        more, noun = len(_parts(result)) - 1, "part"
    return "" if more < 1 else f"{more} more {noun}" + ("s" if more > 1 else "")


def told(result: CheckResult) -> list[str]:
    """Which cases, or parts of the one case, did not pass, and what each says; nothing where it is only one."""
    amiss = _amiss(result)
    if len(amiss) > 1:
        count = len({case for here in result.cases.values() for case in here})
        each = [(case, _of_case(result, case, outcome)) for case, outcome in itertools.islice(amiss.items(), NAMED)]
        return _lines(f"{len(amiss)} of {count} cases did not pass", each, len(amiss))
    parts = _parts(result)
    if len(parts) < 2:
        return []
    case = next((f" of {cut(case, NAME_LIMIT)}" for case in amiss), "")
    each = [(part_of(a.instance) or ITSELF, a.reason) for a in parts[:NAMED]]
    return _lines(f"{len(parts)} parts{case} did not pass", each, len(parts))


def _lines(head: str, named: Sequence[tuple[str, str]], count: int) -> list[str]:
    names = [cut(name, NAME_LIMIT) for name, _ in named]
    more = f" and {count - len(named)} more" if count > len(named) else ""
    lines = [f"{head}: {', '.join(names)}{more}"]
    for name, (_, reason) in zip(names, named, strict=True):
        room = LINE_LIMIT - len(name) - len(": ")
        lines.append(f"{name}: {cut(headline(reason, room), room) or NO_REASON}")
    return lines


def _amiss(result: CheckResult) -> dict[str, Outcome]:
    """Cases that did not pass, first the one that decides; an answer anywhere takes the place of what could not run."""
    found: dict[str, list[Outcome]] = {}
    for here in result.cases.values():
        for case, outcome in here.items():
            found.setdefault(case, []).append(outcome)
    level = result.check.level
    worst: dict[str, Outcome] = {}
    for case, outcomes in found.items():
        answers = [o for o in outcomes if o is not Outcome.COULD_NOT_RUN] or outcomes
        worst[case] = min(answers, key=lambda o: _gravity(o, level))
    left = [case for case, outcome in worst.items() if outcome is not Outcome.PASSED]
    return {case: worst[case] for case in sorted(left, key=lambda c: (_gravity(worst[c], level), c))}


def _of_case(result: CheckResult, case: str, outcome: Outcome) -> str:
    """The reason of a case that ended so."""
    if outcome in _WITHOUT_REASON:
        return _WITHOUT_REASON[outcome]
    mine = (a for a in result.attempts if a.status.value == outcome.value and case_of(a.instance) == case)
    return next((a.reason for a in mine if a.reason), "")


def _parts(result: CheckResult) -> list[Attempt]:
    """What did not pass of the test that decides, itself included, first what decides."""
    decides = deciding(result)
    if decides is None:
        return []
    level = result.check.level
    amiss = {a.instance: a for a in _together(result, decides) if a.status is not Status.PASSED}
    return sorted(amiss.values(), key=lambda a: (*_gravity(Outcome(a.status.value), level), _number(a.instance)))


def _gravity(outcome: Outcome, level: int) -> tuple[int, int]:
    return limit_of(outcome, level), _RANK[outcome]


def _number(instance: str) -> tuple[int, str]:
    """Sorts the tenth part behind the second."""
    return len(instance), instance


def _together(result: CheckResult, attempt: Attempt) -> list[Attempt]:
    """The attempts of the same go at the same test: it, and its parts."""
    whole = whole_of(attempt.instance)
    mine = (whole, attempt.started, attempt.worker)
    return [a for a in result.attempts if (whole_of(a.instance), a.started, a.worker) == mine]

"""What the prior audit, and earlier runs at this commit, recorded of the checks, by their present ids. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pytest_backend_audit.model import Inputs, Outcome, PriorCheck, YetToPass
from pytest_backend_audit.moved import moves


def past(inputs: Inputs) -> dict[str, PriorCheck]:
    """What was recorded of each check, under its present id as well where its file was moved since."""
    return joined({now: inputs.prior[was] for was, now in _moved(inputs).items()}, inputs.prior)


def open_cases(inputs: Inputs) -> dict[str, YetToPass]:
    """The cases of each check that had not passed before, likewise."""
    before = inputs.yet_to_pass
    return {now: before[was] for was, now in _moved(inputs).items() if was in before} | dict(before)


def known_before(inputs: Inputs) -> frozenset[str]:
    """Checks of which the prior audit had no pass, by their present ids.

    An earlier run at this commit makes a finding no older.
    """
    return renamed((id_ for id_, prior in inputs.prior.items() if prior.known), inputs)


def renamed(checks: Iterable[str], inputs: Inputs) -> frozenset[str]:
    """Checks of the prior audit, by the ids that they had and have now."""
    known, moved = frozenset(checks), _moved(inputs)
    return known | {moved[id_] for id_ in known & moved.keys()}


def _moved(inputs: Inputs) -> dict[str, str]:
    """Id of each check in the prior audit -> the one that it has now, where its file was moved."""
    return moves((id_ for id_, prior in inputs.prior.items() if prior.had), (check.id for check in inputs.plan))


def joined(first: Mapping[str, PriorCheck], second: Mapping[str, PriorCheck]) -> dict[str, PriorCheck]:
    """Both records: a check that failed in either keeps its lowest failed limit; else the second's word stands.

    What the prior audit knew of is still known, whoever has the word.
    """
    result = dict(first)
    for id_, check in second.items():
        known = result.get(id_)
        if known is None:
            result[id_] = check
            continue
        heavier, other = (check, known) if _weight(check) <= _weight(known) else (known, check)
        failed = {each.elsewhere for each in (check, known) if each.outcome is Outcome.FAILED}
        result[id_] = replace(
            heavier, stood=heavier.stood or other.known, elsewhere=failed == {True}, in_prior=check.had or known.had
        )
    return result


def _weight(check: PriorCheck) -> tuple[bool, int]:
    failed = check.outcome is Outcome.FAILED
    return (not failed, check.limit if failed else 0)

"""What became of the checks since the prior audit, in numbers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pytest_backend_audit.comparison import known_before
from pytest_backend_audit.model import DERIVED, Card, Outcome


@dataclass(frozen=True, slots=True)
class Since:
    """Of one environment of a merge, or of an audit that is none."""

    place: str = ""
    """The environment; empty where there is one alone."""
    is_compared: bool = True
    """Whether it has a prior audit."""
    new: int = 0
    """Checks with a finding that the prior audit had not; what no check is behind, the levels tell."""
    mended: int = 0
    """Checks that passed, and had not."""
    less: int = 0
    """Of checks that passed, and had not, those that lost a case which had not passed: they are not mended."""


def since(card: Card) -> tuple[Since, ...]:
    """What became of the checks, in the order of the environments; nothing where there is no prior audit."""
    if not card.parts:
        inputs = card.inputs
        if not inputs.prior_levels and not any(c.source.startswith("prior audit") for c in inputs.prior.values()):
            return ()
        passed = {r.check.id for r in card.checks if r.outcome is Outcome.PASSED}
        less = {r.check.id for r in card.checks if r.taken_out}
        return (_since("", known_before(inputs), (f.check for f in card.findings), passed, less),)
    found = []
    for place, part in sorted(card.parts.items()):
        if part.known is None:
            found.append(Since(place, is_compared=False))
            continue
        passed = {r.check.id for r in card.checks if r.alone.get(place) is Outcome.PASSED}
        found.append(_since(place, part.known, (check for _, check, _ in part.findings), passed, part.taken_out))
    return tuple(found) if any(each.is_compared for each in found) else ()


def _since(
    place: str, known: Collection[str], findings: Iterable[str], passed: Collection[str], less: Collection[str]
) -> Since:
    """Counted.

    Args:
        place: The environment.
        known: Checks of which the prior audit had no pass.
        findings: Check of each finding.
        passed: Checks that passed.
        less: Checks that lost a case which had not passed.
    """
    gone = [check for check in passed if check in known]
    lost = sum(check in less for check in gone)
    new = {check for check in findings if check not in known and check not in DERIVED}
    return Since(place, new=len(new), mended=len(gone) - lost, less=lost)


__all__ = ["Since", "since"]

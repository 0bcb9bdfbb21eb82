"""What became of the checks since the prior audit, in numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_backend_audit.model import DERIVED, Card, Outcome
from pytest_backend_audit.priors import known_before


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
    found = [_since(place, part) for place, part in sorted(card.parts.items())] or [_since("", card)]
    return tuple(found) if any(each.is_compared for each in found) else ()


def _since(place: str, card: Card) -> Since:
    """Counted, of an audit that is no merge of environments."""
    inputs = card.inputs
    if not inputs.prior_levels and not any(c.source.startswith("prior audit") for c in inputs.prior.values()):
        return Since(place, is_compared=False)
    known = known_before(inputs)
    gone = [r for r in card.checks if r.outcome is Outcome.PASSED and r.check.id in known]
    less = sum(bool(r.taken_out) for r in gone)
    new = {f.check for f in card.findings if f.check not in known and f.check not in DERIVED}
    return Since(place, new=len(new), mended=len(gone) - less, less=less)


__all__ = ["Since", "since"]

"""The weighted total of levels, on exact rationals. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_backend_audit.model import FiledCard

_PLAIN = re.compile(r"[0-9]{1,3}(\.[0-9]{1,12})?")
"""A weight as audit.yaml has it."""


def total(levels: Mapping[str, int], weights: Mapping[str, str]) -> int:
    """The weighted total, on exact rationals: floor(n x sum(w x level) / sum(w)) for n dimensions.

    Args:
        levels: Dimension -> level.
        weights: Dimension -> weight as it is written; 1 for those that are not named.

    Raises:
        ValueError: A weight is not a number above 0 and up to 100.
    """
    exact = {id_: weight(weights.get(id_, "1"), id_) for id_ in levels}
    weighted = sum((exact[id_] * level for id_, level in levels.items()), Fraction(0))
    return floor(len(levels) * weighted / sum(exact.values(), Fraction(0))) if levels else 0


def weight(text: str, dimension: str) -> Fraction:
    """The number that a weight's text stands for.

    Raises:
        ValueError: It is not a number above 0 and up to 100.
    """
    # An exponent could make a number that nobody has the memory for.
    number = Fraction(text) if _PLAIN.fullmatch(text) else Fraction(0)
    if not 0 < number <= 100:
        raise ValueError(f"weights: {dimension}: {text[:40]!r} is not a number above 0 and up to 100")
    return number


def uncapped(card: FiledCard) -> int | None:
    """The total before the second reviewer's cap; None where the card has none.

    Raises:
        ValueError: A weight is not a number above 0 and up to 100.
    """
    if card.total is None or all(d.level == d.would_be for d in card.dimensions):
        return card.total
    return total({d.id: d.would_be for d in card.dimensions}, {d.id: d.weight for d in card.dimensions})

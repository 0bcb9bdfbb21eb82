"""Scoring: from what a journal holds to the scorecard. Pure: no clock, no files, no log.

The rules, in plain words and with worked cases, stand in ``docs/how-a-level-is-computed.md``.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_backend_audit.model import Attempt, Card, Inputs, Seal
from pytest_backend_audit.scoring.card import build, run_of
from pytest_backend_audit.scoring.merge import ALIKE_ONLY, FORMAL_ONLY, Record, answered, misfit, missing, score_merged
from pytest_backend_audit.scoring.records import by_check, partial_because, standard_of

__all__ = ["ALIKE_ONLY", "FORMAL_ONLY", "Record", "answered", "misfit", "missing", "score", "score_merged"]


def score(
    inputs: Inputs, attempts: Iterable[Attempt], seal: Seal | None, *, signed_off: frozenset[str] | bool = False
) -> Card:
    """The scorecard of one run.

    Args:
        inputs: The journal's first line.
        attempts: Every execution that it holds, in any order.
        seal: Its last line; None if it was cut short, which leaves levels only.
        signed_off: Dimensions for which a valid sign-off stands, or whether it stands for all. Without one, levels
            from the standard's `reviewer_from` up are recorded one below it.

    Raises:
        ValueError: The inputs contradict themselves: no usable standard, a dimension that it lacks, an attempt of a
            check that is not planned, a weight or a gate that makes no sense.
    """
    runs = [run_of(inputs, by_check(inputs, attempts))]
    return build(inputs, standard_of(inputs), runs, seal, signed_off=signed_off, partial=partial_because(inputs, seal))

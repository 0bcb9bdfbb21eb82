"""The cases of a check with parameters: one that did not pass, and is taken out of the check, is not mended. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from pytest_backend_audit.model import Outcome, YetToPass

LIMIT = 2_000
"""Cases that are named; of more, that there were fewer later says that some were taken out."""
_BY_PLACE = re.compile(r"([\[-][A-Za-z_]\w*?)\d+(?=[\]-])")
"""In the name of a case: how pytest calls a value that has no name of its own, by its place among the others."""

Cases: TypeAlias = Mapping[str, Outcome]
"""Case -> what became of it in one environment."""


def yet_to_pass(now: Cases, before: YetToPass, *, by_place: bool = False) -> YetToPass:
    """Cases that have yet to pass once a run has told of a check.

    Args:
        now: What became of them in that run.
        before: What was known until then: who is no longer part of the check, or could not run, did not pass by that.
        by_place: Whether some of them go by their place: how many there are counts then, and else only beyond `LIMIT`.
    """
    bad = {case for case, outcome in now.items() if outcome not in {Outcome.PASSED, Outcome.COULD_NOT_RUN}}
    blind = {case for case, outcome in now.items() if outcome is Outcome.COULD_NOT_RUN}
    gone = set(taken_out(now, before))
    kept = {case for case in before.cases if now.get(case) is not Outcome.PASSED or case in gone}
    blind |= {case for case in before.could_not_run if case in gone}
    # As long as one is missed that was taken out, there are fewer than there were.
    here = len(now) if by_place or len(now) > LIMIT else 0
    count = max(before.count, here) if gone or not now else here
    failed = sorted(bad | kept)[:LIMIT]
    return YetToPass(tuple(failed), count, tuple(sorted(blind - bad - kept)[: LIMIT - len(failed)]))


def taken_out(now: Cases, before: YetToPass) -> tuple[str, ...]:
    """Cases that had yet to pass, and are no longer part of the check.

    Where there are fewer than before, one that goes by its place may be another one by now.
    """
    fewer = len(now) < before.count
    cut = fewer and len(before.names) >= LIMIT
    return tuple(c for c in before.names if c not in now or cut or (fewer and _goes_by_place(c, now)))


def _goes_by_place(case: str, now: Cases) -> bool:
    """Whether a case may be called after its place.

    ``[order2]`` may where there is an ``[order0]``; ``[v2]`` beside ``[v1]`` is a name that somebody gave.
    """
    return bool(_BY_PLACE.search(case)) and _BY_PLACE.sub(r"\g<1>0", case) in now


__all__ = ["LIMIT", "Cases", "taken_out", "yet_to_pass"]

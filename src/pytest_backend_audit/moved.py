"""Checks whose file was moved: another id for the same, as far as their names tell. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


def function_of(check: str) -> str:
    """The qualified name of a check's function, without its file; empty of what no check is behind."""
    return check.partition("::")[2]


def moves(before: Iterable[str], now: Iterable[str]) -> dict[str, str]:
    """Id of a check that is no more -> the id that it has now.

    Args:
        before: Ids of an earlier audit's checks.
        now: Those of the present plan.

    Returns:
        Those of which one alone went, and one alone came, whose function has the same name.
    """
    old, new = set(before), set(now)
    went, came = _by_function(old - new), _by_function(new - old)
    return {
        gone[0]: there[0]
        for name, gone in went.items()
        if name and len(gone) == 1 and len(there := came.get(name, [])) == 1
    }


def _by_function(checks: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for check in checks:
        found[function_of(check)].append(check)
    return found


__all__ = ["function_of", "moves"]

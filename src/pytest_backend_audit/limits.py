"""The level above which a check does not let its criterion rise. Pure."""

from __future__ import annotations

from pytest_backend_audit.model import Outcome

TOP = 5
"""The limit of a check that limits nothing."""
COULD_NOT_RUN_LIMIT = 2


def limit_of(outcome: Outcome, level: int) -> int:
    """The level above which a check of this level and outcome does not let its criterion rise."""
    match outcome:
        case Outcome.PASSED:
            return TOP
        case Outcome.WEAK | Outcome.COULD_NOT_RUN:
            return COULD_NOT_RUN_LIMIT
        case Outcome.UNSUPPORTED:
            return 1
        case Outcome.FAILED:
            return max(1, level - 1)
        case Outcome.BROKEN:
            return max(1, min(2, level - 1))


__all__ = ["COULD_NOT_RUN_LIMIT", "TOP", "limit_of"]

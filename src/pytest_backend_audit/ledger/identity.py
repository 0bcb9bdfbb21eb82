"""Whether an environment is the one that audits knew by its name, or by its name before. Pure."""

from __future__ import annotations

from pytest_backend_audit.ledger.events import Filed
from pytest_backend_audit.ledger.places import environments
from pytest_backend_audit.ledger.state import State


def other_kind(state: State, environment: str, kind: str) -> tuple[Filed, str] | None:
    """An audit of an environment where it was of another kind, the latest first, and the name that it had there.

    What was found in prod is not mended by what stage shows, whatever both are called. Of any audit: two branches may
    have filed one name with two kinds.
    """
    one = state.places.one
    for filing in reversed(state.filings) if kind else ():
        for name in environments(filing.environment):
            if one(name) == one(environment) and kind not in filing.kinds_of(name):
                return filing, name
    return None


def side_by_side(state: State, environment: str) -> tuple[Filed, str, str] | None:
    """An audit whose audit.yaml named two that are now said to be one, the latest first, with both names.

    Args:
        state: The ledger, by the names that audit.yaml states now.
        environment: The one.
    """
    one = state.places.one
    for filing in reversed(state.filings):
        names = [name for name in filing.named if one(name) == one(environment)]
        if len(names) > 1:
            return filing, names[0], names[1]
    return None


__all__ = ["other_kind", "side_by_side"]

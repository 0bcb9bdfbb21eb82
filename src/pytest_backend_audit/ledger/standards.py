"""By which standard an audit judged, so that another text of one's own is told of. Pure."""

from __future__ import annotations

from pytest_backend_audit.ledger.events import Filed
from pytest_backend_audit.model import Inputs

DEFAULT = "default"
_OURS = frozenset({DEFAULT, "bundled", "none"})
"""Those that come with this tool, and change with its releases."""


def named(inputs: Inputs) -> str:
    """The standard that counted in a run, as audit.yaml has it, or the policy that it was held to."""
    # Of two of ours the one with more rows counts: which of them it was does not matter here.
    keys = inputs.config if inputs.protected is None else inputs.protected.keys
    value = keys.get("standard")
    return value if isinstance(value, str) and value.strip() else DEFAULT


def digest(inputs: Inputs) -> str:
    """SHA-256 of what that standard says; empty of one that comes with this tool."""
    from pytest_backend_audit.standard.codec import data_digest  # noqa: PLC0415 - heavy

    return "" if named(inputs) in _OURS else data_digest(inputs.standard)


def changed(inputs: Inputs, filing: Filed) -> str:
    """What a run has for a standard otherwise than the audit that was filed; empty where that is nothing.

    Args:
        inputs: Of the run.
        filing: Of the audit; a line of an older version tells of no standard.
    """
    now = digest(inputs)
    if not filing.standard or now == filing.standard_digest:
        return ""
    name = named(inputs)
    return (
        f"standard: {name}, was {filing.standard}" if name != filing.standard else f"standard: another {name} than then"
    )


__all__ = ["changed", "digest", "named"]

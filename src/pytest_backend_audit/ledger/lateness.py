"""Which run had the last word on a finding: runs count in the order in which they were made, not filed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_backend_audit.ledger.events import Closed, Filed, Found, Gone, Resolved
from pytest_backend_audit.ledger.state import State, Status, Tracked, environments


def last_word(tracked: Tracked, environment: str, instants: Mapping[str, str]) -> str:
    """Instant of the latest run that told of a finding in an environment, or of the reviewer's word that closed it.

    Args:
        tracked: The finding.
        environment: One environment, not those of a merge.
        instants: Of the runs, by the names of their filings.

    Returns:
        RFC 3339 in UTC, as a run records it, so that texts compare; empty if nothing was told of it there.
    """
    words = [""]
    for _, event in tracked.history:
        if isinstance(event, Resolved) and event.upheld:
            words.append(event.at)
        elif isinstance(event, Found | Gone) and environment in environments(event.environment):
            words.append(instants.get(event.file, ""))
        elif isinstance(event, Closed) and environment in environments(event.environment):
            words.append(event.instant)
    return max(words)


def later(state: State, instant: str, environment: str) -> Filed | None:
    """The latest audit of an environment that was filed already and made after an instant."""
    after = [f for f in state.filings if f.instant > instant and environment in environments(f.environment)]
    return max(after, key=lambda f: f.instant, default=None)


def notes(instant: str, left: Sequence[tuple[str, Status]], surpassed: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What a filing left as it was, one line each kind.

    Args:
        instant: Of the run that is filed.
        left: Number of each finding on which a later run has the last word, and how it stands.
        surpassed: Number of each new finding that a later audit did not have, and the name of that audit.
    """
    lines = []
    for status in Status:
        if numbers := [number for number, this in left if this is status]:
            stays, it = ("stays", "it") if len(numbers) == 1 else ("stay", "them")
            lines.append(f"{_named(numbers)} {stays} {status}: there is later word of {it} than this run of {instant}")
    if surpassed:
        audits = ", ".join(dict.fromkeys(audit for _, audit in surpassed))
        numbers = list(dict.fromkeys(number for number, _ in surpassed))
        is_ = "is" if len(numbers) == 1 else "are"
        lines.append(f"{_named(numbers)} {is_} new and gone at once: the later audit {audits} was filed without")
    return tuple(lines)


_NAMED = 5
"""Findings that one line names."""


def _named(numbers: Sequence[str]) -> str:
    more = len(numbers) - _NAMED
    return ", ".join(numbers[:_NAMED]) + (f" and {more} more" if more > 0 else "")

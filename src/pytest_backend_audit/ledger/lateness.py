"""Which run had the last word on a finding: runs count in the order in which they were made, not filed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_backend_audit.ledger.events import Closed, Filed, Found, Gone, Resolved
from pytest_backend_audit.ledger.state import State, Status, Tracked, environments


def last_word(tracked: Tracked, environment: str, filings: Mapping[str, Filed]) -> str:
    """Instant of the latest run that told of a finding in an environment, or of the reviewer's word that closed it.

    Args:
        tracked: The finding.
        environment: One environment, not those of a merge.
        filings: By their names.

    Returns:
        RFC 3339 in UTC, as a run records it, so that texts compare; empty if nothing was told of it there.
    """
    words = [""]
    for _, event in tracked.history:
        if isinstance(event, Resolved) and event.upheld:
            words.append(event.at)
        elif isinstance(event, Found | Gone) and environment in environments(event.environment):
            filing = filings.get(event.file)
            words.append(filing.instant_in(environment) if filing else "")
        elif isinstance(event, Closed) and environment in environments(event.environment):
            words.append(event.instant)
    return max(words)


def later(state: State, instant: str, environment: str) -> Filed | None:
    """The latest audit of an environment that was filed already and made after an instant."""
    after = [
        f for f in state.filings if environment in environments(f.environment) and f.instant_in(environment) > instant
    ]
    return max(after, key=lambda f: f.instant_in(environment), default=None)


def notes(left: Sequence[tuple[str, Status, str]], surpassed: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What a filing left as it was, one line each kind.

    Args:
        left: Number of each finding on which a later run has the last word, how it stands, and the instant of the run
            that is filed.
        surpassed: Number of each new finding that a later audit did not have, and the name of that audit.
    """
    lines = []
    order = list(Status)
    for status, instant in sorted({entry[1:] for entry in left}, key=lambda kind: (order.index(kind[0]), kind[1])):
        numbers = [number for number, *kind in left if kind == [status, instant]]
        stays, it = ("stays", "it") if len(numbers) == 1 else ("stay", "them")
        lines.append(f"{_named(numbers)} {stays} {status}: there is later word of {it} than this run of {instant}")
    if surpassed:
        audits = ", ".join(dict.fromkeys(audit for _, audit in surpassed))
        numbers = list(dict.fromkeys(number for number, _ in surpassed))
        is_ = "is" if len(numbers) == 1 else "are"
        lines.append(f"{_named(numbers)} {is_} new and gone at once: the later audit {audits} was filed without")
    return tuple(lines)


def standing(unlike: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What a filing left open as it judged by something else, one line each reason.

    Args:
        unlike: Number of each finding, and in what the run was unlike the audit that had it.
    """
    lines = []
    for why in dict.fromkeys(why for _, why in unlike):
        numbers = [number for number, said in unlike if said == why]
        lines.append(f"{_named(numbers)} {'stays' if len(numbers) == 1 else 'stay'} open: {why}")
    return tuple(lines)


_NAMED = 5
"""Findings that one line names."""


def _named(numbers: Sequence[str]) -> str:
    more = len(numbers) - _NAMED
    return ", ".join(numbers[:_NAMED]) + (f" and {more} more" if more > 0 else "")

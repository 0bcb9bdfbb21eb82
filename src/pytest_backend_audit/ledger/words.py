"""When what a line of the ledger says of a finding was true: runs count in the order in which they were made. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from pytest_backend_audit.ledger.events import Closed, Event, Filed, Found, Gone, Resolved, Retired
from pytest_backend_audit.ledger.places import Places, environments

Filings: TypeAlias = Mapping[str, tuple[tuple[int, Filed], ...]]
"""Name of a card -> line and filing; of a name that two branches gave, several."""


def filings_by_name(told: Iterable[tuple[int, Event]]) -> Filings:
    """The filings among events, each with its line."""
    found: dict[str, tuple[tuple[int, Filed], ...]] = {}
    for line, event in told:
        if isinstance(event, Filed):
            found[event.file] = (*found.get(event.file, ()), (line, event))
    return found


def filing_at(filings: Filings, line: int, file: str) -> Filed:
    """The filing that an event of a line names: the last one before it, as a union of branches keeps them together."""
    known = filings[file]
    return next((filing for at, filing in reversed(known) if at < line), known[0][1])


def is_filed_again(filings: Filings, line: int, filing: Filed) -> bool:
    """Whether the run of a filing was filed later than a line by another name: then its card lies there by that one."""
    runs = (later for known in filings.values() for at, later in known if at > line)
    return any(later.file != filing.file and set(later.heads) == set(filing.heads) for later in runs)


def instant_of(line: int, event: Event, place: str, places: Places, filings: Filings) -> str:
    """Instant of the run that an event tells of, or of the reviewer's word that closed a finding.

    Args:
        line: The event's.
        event: Of one finding.
        place: One environment, by the name that it goes by.
        places: Environments by all of their names.
        filings: Of the ledger.

    Returns:
        RFC 3339 in UTC, as a run records it, so that texts compare; empty if it tells nothing of that environment.
    """
    if not isinstance(event, Found | Gone | Closed | Retired | Resolved):
        return ""
    here = [name for name in environments(event.environment) if places.one(name) == place]
    if isinstance(event, Resolved):
        # That of an older version names no environment.
        return max(event.at, event.instant) if event.upheld and (here or not event.environment) else ""
    if not here:
        return ""
    if isinstance(event, Closed | Retired):
        return event.instant if isinstance(event, Closed) else event.at
    # A pass is as old as the first run that showed it, a failure as the latest run of its check.
    if event.instant:
        return event.instant
    filing = filing_at(filings, line, event.file)
    return max(map(filing.instant_in, here))

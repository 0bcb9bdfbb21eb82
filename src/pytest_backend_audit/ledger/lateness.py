"""Which run had the last word on a finding: runs count in the order in which they were made, not filed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_backend_audit.ledger.events import Filed, Gone
from pytest_backend_audit.ledger.numbers import named
from pytest_backend_audit.ledger.places import environments
from pytest_backend_audit.ledger.reasons import UNMENDED
from pytest_backend_audit.ledger.state import State, Status, Tracked
from pytest_backend_audit.ledger.words import instant_of


def last_word(tracked: Tracked, environment: str, state: State) -> str:
    """Instant of the latest run that told of a finding in an environment, or of the reviewer's word that closed it.

    Args:
        tracked: The finding.
        environment: One environment, not those of a merge, by whichever name.
        state: The ledger.

    Returns:
        RFC 3339 in UTC, as a run records it, so that texts compare; empty if nothing was told of it there.
    """
    place = state.places.one(environment)
    said = (instant_of(line, event, place, state.places, state.lines) for line, event in tracked.history)
    return max(said, default="")


def later(state: State, instant: str, environment: str) -> Filed | None:
    """The latest audit of an environment that was filed already and made after an instant."""
    one = state.places.one
    after = [
        (made, filing)
        for filing in state.filings
        for place in environments(filing.environment)
        if one(place) == one(environment) and (made := filing.instant_in(place)) > instant
    ]
    return max(after, key=lambda entry: entry[0], default=("", None))[1]


def notes(left: Sequence[tuple[str, Status, str]], surpassed: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What a filing left as it was, or opened late, one line each kind.

    Args:
        left: Number of each finding on which a later run has the last word, how it stands, and the instant of the run
            that is filed.
        surpassed: Number of each finding that it opened though a later audit did not have it, and the name of that one.
    """
    lines = []
    order = list(Status)
    for status, instant in sorted({entry[1:] for entry in left}, key=lambda kind: (order.index(kind[0]), kind[1])):
        numbers = [number for number, *kind in left if kind == [status, instant]]
        stays, it = ("stays", "it") if len(numbers) == 1 else ("stay", "them")
        lines.append(f"{named(numbers)} {stays} {status}: there is later word of {it} than this run of {instant}")
    if surpassed:
        audits = ", ".join(dict.fromkeys(audit for _, audit in surpassed))
        numbers = list(dict.fromkeys(number for number, _ in surpassed))
        is_, it = ("is", "it") if len(numbers) == 1 else ("are", "them")
        lines.append(
            f"{named(numbers)} {is_} open, though the later audit {audits}, which was filed before, was without {it}: "
            "`backend-audit findings close`, or the next audit, shows how that stands"
        )
    return tuple(lines)


def judged_otherwise(unlike: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What a filing left open as it judged by something else, one line each reason.

    Args:
        unlike: Number of each finding, and in what the run was unlike the audit that had it.
    """
    lines = []
    for why in dict.fromkeys(why for _, why in unlike):
        numbers = [number for number, said in unlike if said == why]
        lines.append(f"{named(numbers)} {'stays' if len(numbers) == 1 else 'stay'} open: {why}")
    return tuple(lines)


def otherwise(gone: Sequence[Gone]) -> tuple[str, ...]:
    """What a filing let go though it judged otherwise than the audit that had it, one line each difference."""
    lines = []
    for changed in dict.fromkeys(event.changed for event in gone if event.changed):
        numbers = _once(event.number for event in gone if event.changed == changed)
        are = "is" if len(numbers) == 1 else "are"
        lines.append(f"{named(numbers)} {are} gone, judged otherwise since: {'; '.join(changed)}")
    return tuple(lines)


def elsewhere(open_: Sequence[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """What a filing lets go in one environment, and is open in another: number, and where."""
    lines = []
    for where in dict.fromkeys(", ".join(where) for _, where in open_):
        numbers = _once(number for number, places in open_ if ", ".join(places) == where)
        are = "is" if len(numbers) == 1 else "are"
        lines.append(f"{named(numbers)} {are} gone here, and still open in {where}")
    return tuple(lines)


def unasked(gone: Sequence[Gone]) -> tuple[str, ...]:
    """What a filing let go though nothing shows it to be mended."""
    lines = []
    for reason in UNMENDED:
        numbers = _once(event.number for event in gone if event.reason == reason)
        if len(numbers) == 1:
            lines.append(f"{numbers[0]} is gone unmended: {reason}")
        elif numbers:
            several = reason.replace("its check is", "their checks are").replace("its check", "their checks")
            lines.append(f"{named(numbers)} are gone unmended: {several}")
    return tuple(lines)


def _once(numbers: Iterable[str]) -> list[str]:
    """Of a finding each environment may have a line of its own."""
    return list(dict.fromkeys(numbers))

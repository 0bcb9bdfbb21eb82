"""A comment on a pull or merge request: levels, what is new, the gravest findings.

Its first line is invisible and names service and environment, so that a script finds the comment of the last run and
replaces it. A comment may have 65,536 characters; findings that have no room are left out from the end, and counted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from pytest_backend_audit.model import Card
from pytest_backend_audit.reports import facts, forge
from pytest_backend_audit.reports.text import stated

LIMIT = 65_536
"""Characters that GitHub takes."""
RESERVE = 8_192
"""Of these, for what stands below the findings."""
FINDINGS = 50
"""Most findings that it lists."""
_OTHER = re.compile(r"[^A-Za-z0-9._]+")


def marker(card: Card) -> str:
    """The line by which a script knows its comment again."""
    document = card.inputs.document
    return f"<!-- backend-audit: {_word(document.service)}/{_word(document.environment)} -->"


def _word(name: str) -> str:
    """A name as a comment of HTML can hold it; where that changes it, with what tells it from every other name."""
    made = _OTHER.sub("_", name)[:60] or "_"
    if made == name or not name:
        return made
    return f"{made[:48]}.{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def chunks(card: Card) -> Iterator[str]:
    """The comment, in pieces."""
    room = forge.Room(LIMIT - RESERVE, forge.in_units)
    for text in _top(card):
        # Rows of tables and lines of lists that have no room are left out; what comes first matters most.
        if room.takes(text):
            yield text
    yield from _findings(card, room)
    yield from _bottom(card)


def _top(card: Card) -> Iterator[str]:
    document = card.inputs.document
    yield f"{marker(card)}\n"
    yield f"### Backend audit: {forge.plain(stated(document.service), forge.NAME)} at `{facts.short_commit(card)}`\n\n"
    yield from forge.verdict(card)
    yield from forge.levels(card)
    yield from forge.outcomes(card)
    yield from forge.changes(card)


def _findings(card: Card, room: forge.Room) -> Iterator[str]:
    if not card.findings:
        return
    yield f"<details><summary>Findings: {facts.severity_words(card)}</summary>\n\n{forge.QUEUE_HEAD}"
    shown, more = 0, forge.besides(card)
    for finding in card.findings[:FINDINGS]:
        row = forge.queue_row(finding, more.get(finding.check, ""))
        if not room.takes(row):
            break
        yield row
        shown += 1
    left = len(card.findings) - shown
    yield f"\nand {left} more, in the report\n\n</details>\n\n" if left else "\n</details>\n\n"


def _bottom(card: Card) -> Iterator[str]:
    yield from forge.raises(card)
    told = len(card.exceptions_told)
    if told:
        which = "1 exception has" if told == 1 else f"{told} exceptions have"
        yield f"{which} expired, will soon, or took nothing out; the report names them.\n"

"""Markdown for the pages of a forge: what `markdown` escapes, and what forges make of plain words besides.

GitHub and GitLab turn names after an ``@`` into notifications, numbers after a ``#`` or ``!`` into references, and bare
addresses into links, wherever they stand outside of code. A break without width after such a mark keeps it plain.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pytest_backend_audit import several
from pytest_backend_audit.model import Card, DimensionResult, Finding, Outcome, RowState
from pytest_backend_audit.reports import facts, markdown
from pytest_backend_audit.reports.items import why_not_conclusive
from pytest_backend_audit.reports.since import Since, since
from pytest_backend_audit.reports.text import NOT_STATED, cut, one_line

_BREAK = "&#8203;"
_MARKS = re.compile(r"(@|#|!|~|\$|%|&amp;|\bGH-)(?=\w)", re.IGNORECASE)
_ADDRESS = re.compile(r":(?=//)|\bwww(?=\.)", re.IGNORECASE)

NAME = 80
"""Characters of a name in a table."""
TEXT = 160
"""Characters of a sentence in a table."""
ROWS = 30
"""Most dimensions in a table."""
HELD = 3
"""Most criteria named that hold a dimension where it is."""
REASONS = 10
"""Most reasons why checks could not run."""


def plain(text: str, limit: int = TEXT) -> str:
    """One line that shows what the text says, and does nothing."""
    return whole(cut(one_line(text[: limit * 4]), limit))


def whole(text: str) -> str:
    """The same, as long as it is."""
    return _unmarked(markdown.escape(text))


def in_html(text: str, limit: int = TEXT) -> str:
    """The same where a line of HTML stands, in which Markdown's escapes would be seen."""
    # Quotes stay: nothing here stands in an attribute, and an entity of a number would be broken up as a reference.
    return _unmarked(html.escape(cut(one_line(text[: limit * 4]), limit), quote=False))


def _unmarked(escaped: str) -> str:
    return _ADDRESS.sub(rf"\g<0>{_BREAK}", _MARKS.sub(rf"\1{_BREAK}", escaped))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table, a line at a time; cells are given as Markdown."""
    yield f"| {' | '.join(head)} |\n"
    yield f"|{'---|' * len(head)}\n"
    for row in rows:
        yield f"| {' | '.join(row)} |\n"
    yield "\n"


@dataclass(slots=True)
class Room:
    """What a page still holds."""

    left: int
    measure: Callable[[str], int]

    def takes(self, text: str) -> bool:
        """Whether the text still fits; if so, its room is taken."""
        size = self.measure(text)
        if size > self.left:
            return False
        self.left -= size
        return True


def in_bytes(text: str) -> int:
    """Length in UTF-8."""
    return len(text.encode("utf-8", "backslashreplace"))


def in_units(text: str) -> int:
    """Length as JavaScript counts it: a character beyond the basic plane is two."""
    return len(text.encode("utf-16-le", "backslashreplace")) // 2


def verdict(card: Card) -> Iterator[str]:
    """What came out, in a few lines; the first says whether anything final did."""
    why = why_not_conclusive(card)
    if why:
        yield f"⚠️ **This run says nothing final**: {plain(why)}.\n\n"
    gate = card.verdict.gate
    if gate is not None:
        passed = bool(card.verdict.passed) and not why
        yield f"{'✅' if passed else '❌'} {plain(facts.gate_words(card), 400)}.\n\n"
    if card.no_worse is not None and (words := facts.no_worse_words(card)):
        mark = {True: "" if why else "✅ ", False: "❌ ", None: ""}[card.no_worse.passed]
        yield f"{mark}No worse than before: {plain(words, 400)}.\n\n"
    disposition = card.disposition
    if disposition is not None:
        qualifier = f" ({plain(disposition.qualifier)})" if disposition.qualifier else ""
        total = "" if card.total is None else f", {card.total} of {card.maximum}"
        yield f"**{plain(disposition.name)}**{qualifier}{total}\n\n"
        for text in facts.override_words(card)[:ROWS]:
            yield f"- {facts.override_lead(card)}: {plain(text)}\n"
        if card.overrides:
            yield "\n"
    else:
        yield f"No disposition: {plain(facts.why_no_disposition(card))}.\n\n"
    if policy := facts.policy_words(card):
        yield f"Policy: {plain(policy, 300)}\n\n"
    document = card.inputs.document
    place = document.environment or document.environment_kind or "environment not stated"
    told = (
        f"{facts.mode_words(card).capitalize()}, {facts.run_words(card)}",
        plain(place, NAME),
        facts.audit_date(card),
        plain(facts.assessed(card)),
        plain(facts.standard_name(card), NAME),
    )
    yield " · ".join(told) + "\n\n"


def levels(card: Card) -> Iterator[str]:
    """The dimensions, and what holds each where it is."""
    shown = card.dimensions[:ROWS]
    yield from table(("Dimension", "Level", "What holds it there"), [_dimension(d) for d in shown])
    if len(shown) < len(card.dimensions):
        yield f"and {len(card.dimensions) - len(shown)} more dimensions\n\n"


def _dimension(dimension: DimensionResult) -> tuple[str, str, str]:
    said = [f"L{dimension.would_be} once signed"] if facts.capped(dimension) else []
    if dimension.prior is not None and dimension.prior != dimension.would_be:
        said.append(f"was L{dimension.prior}")
    if dimension.sought < 5:
        said.append(f"seeks L{dimension.sought}")
    names = [facts.short_name(name) for name in dimension.limited_by]
    if names:
        more = f" +{len(names) - HELD} more" if len(names) > HELD else ""
        said.append(", ".join(names[:HELD]) + more)
    text = "; ".join(said)
    bar = "●" * dimension.level + "○" * (5 - dimension.level)
    return (plain(f"{dimension.id} {dimension.name}", NAME), f"L{dimension.level}&nbsp;{bar}", plain(text))


def outcomes(card: Card) -> Iterator[str]:
    """How many checks ended how; what could not run, by reason."""
    counts = Counter(result.outcome for result in card.checks)
    order = (Outcome.PASSED, Outcome.FAILED, Outcome.COULD_NOT_RUN, Outcome.BROKEN, Outcome.WEAK, Outcome.UNSUPPORTED)
    told = [f"{counts[outcome]} {facts.OUTCOME_WORDS[outcome]}" for outcome in order if counts[outcome]]
    without = sum(row.state is RowState.UNCOVERED for d in card.dimensions for c in d.criteria for row in c.rows)
    rows = f"; {_counted(without, 'row')} of the standard without a check" if without else ""
    yield f"**Checks**: {', '.join(told) or 'none'}{rows}\n\n"
    reasons = Counter(
        one_line(r.reason) or "no reason given" for r in card.checks if r.outcome is Outcome.COULD_NOT_RUN
    )
    if not reasons:
        return
    yield "Could not run, which is neither a pass nor a failure:\n\n"
    for reason, number in reasons.most_common(REASONS):
        yield f"- {number}: {plain(reason, 300)}\n"
    if len(reasons) > REASONS:
        yield f"- and {len(reasons) - REASONS} other reasons\n"
    yield "\n"


def changes(card: Card) -> Iterator[str]:
    """What became of checks since the prior audit, if there is one; in each environment of a merge, its own."""
    told = since(card)
    if told:
        yield f"**Since {plain(card.inputs.prior_source or 'the prior audit')}**: {'; '.join(map(_since, told))}\n\n"


def _since(found: Since) -> str:
    where = f"in {plain(found.place, NAME)}, " if found.place else ""
    if not found.is_compared:
        return f"{where}no audit before"
    new = f"{where}{_counted(found.new, 'new finding')}, {_counted(found.mended, 'check')} mended"
    return new + (f", {found.less} without a case that had not passed" if found.less else "")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def besides(card: Card) -> dict[str, str]:
    """Check -> what else of it did not pass, as a title names the first of several cases alone."""
    told = ((result.check.id, several.besides(result)) for result in card.checks)
    return {check: f" (and {more})" for check, more in told if more}


def queue_row(finding: Finding, more: str = "") -> str:
    """A line of the table of findings.

    Args:
        finding: The finding.
        more: What stands behind its title.
    """
    cells = (
        finding.severity.value,
        plain(finding.title) + more,
        _or_dash(finding.owner),
        _or_dash(finding.due),
    )
    return f"| {' | '.join(cells)} |\n"


def _or_dash(text: str) -> str:
    return "-" if text in {"", NOT_STATED} else plain(text, NAME)


QUEUE_HEAD = "| Severity | Finding | Owner | Due |\n|---|---|---|---|\n"


def exceptions(card: Card) -> Iterator[str]:
    """Exceptions that have expired, lapse soon, or took nothing out."""
    told = [f"{word}: {text}" for word, text in card.exceptions_told]
    if told:
        yield "**Exceptions**\n\n"
        yield from (f"- {plain(text)}\n" for text in told[:ROWS])
        if len(told) > ROWS:
            yield f"- and {len(told) - ROWS} more\n"
        yield "\n"


def raises(card: Card) -> Iterator[str]:
    """What would lift the result most."""
    if card.raises:
        yield f"**Raise**: {plain(facts.raise_words(card.raises[0]), 300)}\n\n"

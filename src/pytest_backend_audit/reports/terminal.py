"""The section at the end of pytest's output: at most 25 lines of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_backend_audit.model import Card, DimensionResult
from pytest_backend_audit.reports import facts
from pytest_backend_audit.reports.text import columns, cut, one_line, pad, wrap

LINES = 25
LABEL = 13
"""Columns of the labels left of total, disposition and the lines below."""
NAME = 23
"""Most columns that a dimension's name gets."""
ROWS = 8
"""Most lines for dimensions; of a longer standard, the lowest are shown."""

_RESET = "\x1b[0m"
_COLORS = {1: "\x1b[31m", 2: "\x1b[33m", 3: "\x1b[36m", 4: "\x1b[32m", 5: "\x1b[1;32m"}
_BOLD, _RED, _GREEN, _YELLOW = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"
_PUNCTUATION = str.maketrans({"…": "~", "·": "-", "≥": ">=", "≤": "<="})


@dataclass(frozen=True, slots=True)
class _Style:
    """What the terminal can show."""

    width: int
    color: bool
    unicode: bool

    @property
    def mark(self) -> str:
        """Stands for what was cut."""
        return "…" if self.unicode else "~"

    def text(self, text: str) -> str:
        """One line, harmless; in ASCII where the terminal has no more."""
        text = one_line(text)
        return text if self.unicode else text.translate(_PUNCTUATION).encode("ascii", "backslashreplace").decode()

    def paint(self, text: str, color: str) -> str:
        """The text in a colour, where colours are on."""
        return f"{color}{text}{_RESET}" if self.color else text

    def bar(self, level: int) -> str:
        """Five cells, `level` of them full."""
        full, empty = ("█", "░") if self.unicode else ("#", ".")
        return full * level + empty * (5 - level)


def chunks(card: Card) -> Iterator[str]:
    """The section as a text without colours."""
    for line in section(card):
        yield f"{line}\n"


def section(card: Card, width: int = 80, color: bool = False, unicode: bool = True, folder: str = "") -> list[str]:
    """The card in the terminal.

    Args:
        card: The scorecard.
        width: Columns that no line goes beyond; under 40 counts as 40.
        color: Whether to use ANSI colours; they take no columns.
        unicode: Whether the terminal can show more than ASCII.
        folder: Where the reports are; without it that line is left out.

    Returns:
        At most 25 lines without line feeds.
    """
    style = _Style(max(width, 40), color, unicode)
    lines = [*_head(card, style), "", *_dimensions(card, style), ""]
    lines += _result(card, style)
    last = _labelled("Report", f"{folder.rstrip('/')}/scorecard.html", style, 1) if folder else []
    lines += _notices(card, style, LINES - len(lines) - len(last))
    return lines + last


def _head(card: Card, style: _Style) -> list[str]:
    document = card.inputs.document
    place = document.environment or document.environment_kind or "environment not stated"
    service = style.text(document.service or "service not stated")
    told = (
        cut(one_line(place), 16, style.mark),
        facts.short_commit(card),
        facts.audit_date(card),
        f"{facts.mode_words(card)}, run {card.inputs.run_number}",
    )
    rest = "  ".join(style.text(text) for text in told)
    name = cut(service, style.width // 2, style.mark)
    first = style.paint(name, _BOLD) + "  " + cut(rest, style.width - columns(name) - 2, style.mark)
    config = card.inputs.config_path or "no audit.yaml"
    others = (f"{facts.assessed(card)} · {config}", facts.standard_name(card))
    return [first, *(cut(style.text(text), style.width, style.mark) for text in others)]


def _dimensions(card: Card, style: _Style) -> list[str]:
    shown = list(card.dimensions)
    left = 0
    if len(shown) > ROWS:
        by_level = sorted(shown, key=lambda d: d.level)
        keep = {d.id for d in by_level[: ROWS - 1]}
        shown = [d for d in shown if d.id in keep]
        left = len(by_level) - len(shown)
    ids = min(max((columns(style.text(d.id)) for d in shown), default=0), 12)
    names = min(max((columns(style.text(d.name)) for d in shown), default=0), NAME, style.width - ids - 14)
    lines = [_dimension(d, ids, names, style) for d in shown]
    if left:
        lines.append(f"  and {left} more, none of them lower")
    return lines or ["  no check was collected"]


def _dimension(dimension: DimensionResult, ids: int, names: int, style: _Style) -> str:
    head = pad(cut(style.text(dimension.id), ids, style.mark), ids)
    name = pad(cut(style.text(dimension.name), names, style.mark), names)
    level = f"{style.bar(dimension.level)} L{dimension.level}"
    said = []
    if facts.capped(dimension):
        said.append(f"L{dimension.would_be} once signed")
    if dimension.prior is not None and dimension.prior != dimension.would_be:
        said.append(f"was L{dimension.prior}")
    if dimension.sought < 5:
        said.append(f"seeks L{dimension.sought}")
    if dimension.limited_by:
        said.append(", ".join(facts.short_name(name) for name in dimension.limited_by))
    room = style.width - ids - names - len("  ") * 2 - 1 - len(level) - 1
    why = cut(style.text("; ".join(said)), room, style.mark)
    return f"  {head} {name} {style.paint(level, _COLORS[dimension.level])}  {why}".rstrip()


def _result(card: Card, style: _Style) -> list[str]:
    lines = _total(card, style)
    lines += _disposition(card, style)
    verdict = card.verdict
    if verdict.gate is not None:
        color = _GREEN if verdict.passed else _RED
        lines += _labelled("Gate", verdict.reason.removeprefix("gate "), style, 2, color)
    if card.raises:
        lines += _labelled("Raise", facts.raise_words(card.raises[0]), style, 2)
    color = _YELLOW if card.findings else _GREEN
    lines += _labelled("Findings", facts.severity_words(card), style, 1, color)
    told = {"lapsing": card.exceptions_lapsing, "unused": card.exceptions_unused}
    counts = ", ".join(f"{len(texts)} {word}" for word, texts in told.items() if texts)
    if counts:
        texts = "; ".join((*card.exceptions_lapsing, *card.exceptions_unused))
        lines += _labelled("Exceptions", f"{counts}: {texts}", style, 1, _YELLOW)
    return lines


def _total(card: Card, style: _Style) -> list[str]:
    if card.total is None:
        return []
    lowest = f", lowest L{card.minimum}: {', '.join(card.lowest)}" if card.lowest else ""
    return _labelled("Total", f"{card.total} of {card.maximum}{lowest}", style, 1, _BOLD)


def _disposition(card: Card, style: _Style) -> list[str]:
    disposition = card.disposition
    if disposition is None:
        return _labelled("Disposition", f"none: {facts.why_no_disposition(card)}", style, 2, _YELLOW)
    said = disposition.name
    if disposition.qualifier:
        said += f", {disposition.qualifier}"
    lines = _labelled("Disposition", said, style, 1, _BOLD)
    if card.overrides:
        lines += _labelled("", f"one tier down: {'; '.join(card.overrides)}", style, 2)
    elif disposition.actions:
        action = disposition.actions[0]
        due = f"{action.due}: " if action.due else ""
        others = len(disposition.actions) - 1
        lines += _more("", due + action.text, f" (and {others} more)" if others else "", style)
    return lines


def _notices(card: Card, style: _Style, room: int) -> list[str]:
    notices = facts.notices(card)
    lines = [line for text in notices[:room] for line in _labelled("Notice", text, style, 1)]
    left = len(notices) - len(lines)
    if left:
        lines[-1:] = _more("Notice", notices[room - 1], f" (and {left} more in the report)", style)
    return lines


def _more(label: str, text: str, more: str, style: _Style) -> list[str]:
    room = style.width - LABEL - len(more)
    return _labelled(label, cut(style.text(text), room, style.mark) + more, style, 1)


def _labelled(label: str, text: str, style: _Style, lines: int, color: str = "") -> list[str]:
    wrapped = wrap(style.text(text), style.width - LABEL, lines, style.mark)
    return [
        pad(label if i == 0 else "", LABEL) + (style.paint(line, color) if color else line)
        for i, line in enumerate(wrapped)
    ]

"""The section at the end of pytest's output: at most 25 lines of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_backend_audit.model import Card, DimensionResult
from pytest_backend_audit.reports import facts
from pytest_backend_audit.reports.text import columns, cut, one_line, pad, wrap

LINES = 25
_ALL = 100_000
"""Lines, where all is shown."""
LABEL = 13
"""Columns of the labels left of total, disposition and the lines below."""
NAME = 23
"""Most columns that a dimension's name gets."""
ROWS = 8
"""Most lines for dimensions; of a longer standard, the lowest are shown."""

_SPARED = ("Exceptions", "Policy", "Unproven", "Not run")
"""Parts whose place is the report where there are more than there is room for, the first of them first."""

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
    whole: bool = False
    """Whether all is shown, however many lines that takes."""

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


def section(
    card: Card,
    width: int = 80,
    color: bool = False,
    unicode: bool = True,
    folder: str = "",
    *,
    whole: bool = False,
) -> list[str]:
    """The card in the terminal.

    Args:
        card: The scorecard.
        width: Columns that no line goes beyond, but for the report's path, which stays whole so that it can be
            copied; under 40 counts as 40.
        color: Whether to use ANSI colours; they take no columns.
        unicode: Whether the terminal can show more than ASCII.
        folder: Where the reports are; without it that line is left out.
        whole: Whether nothing below the head is cut short.

    Returns:
        At most 25 lines without line feeds, unless it is the whole.
    """
    style = _Style(max(width, 40), color, unicode, whole)
    lines = [*_head(card, style), "", *_dimensions(card, style), ""]
    report = [pad("Report", LABEL) + style.text(f"{folder.rstrip('/')}/scorecard.html")] if folder else []
    room = _ALL if whole else LINES - len(lines) - len(report)
    return [*lines, *_below(card, style, room), *report]


def _head(card: Card, style: _Style) -> list[str]:
    document = card.inputs.document
    place = document.environment or document.environment_kind or "environment not stated"
    service = style.text(document.service or "service not stated")
    told = (
        cut(one_line(place), 16, style.mark),
        facts.short_commit(card),
        facts.audit_date(card),
        f"{facts.mode_words(card)}, {facts.run_words(card)}",
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
    if len(shown) > ROWS and not style.whole:
        by_level = sorted(shown, key=lambda d: d.level)
        keep = {d.id for d in by_level[: ROWS - 1]}
        shown = [d for d in shown if d.id in keep]
        left = len(by_level) - len(shown)
    ids = min(max((columns(style.text(d.id)) for d in shown), default=0), 12)
    names = min(max((columns(style.text(d.name)) for d in shown), default=0), NAME, style.width - ids - 14)
    lines = []
    for d in shown:
        left_out = bool(card.partial) and not any(k.checks for k in d.criteria)
        lines += _dimension(d, ids, names, style, left_out=left_out)
    if left:
        lines.append(f"  and {left} more, none of them lower")
    return lines or ["  no check was collected"]


def _dimension(dimension: DimensionResult, ids: int, names: int, style: _Style, *, left_out: bool) -> list[str]:
    head = pad(cut(style.text(dimension.id), ids, style.mark), ids)
    name = pad(cut(style.text(dimension.name), names, style.mark), names)
    if left_out:  # its level is 1, as of all that nobody looked at; shown, it would pass for a verdict
        return [cut(f"  {head} {name} not part of this run", style.width, style.mark)]
    level = f"{style.bar(dimension.level)} L{dimension.level}"
    said = []
    if facts.capped(dimension):
        said.append(f"L{dimension.would_be} once signed")
    if dimension.prior is not None and dimension.prior != dimension.would_be:
        said.append(f"was L{dimension.prior}")
    if dimension.sought < 5:
        said.append(f"seeks L{dimension.sought}")
    room = style.width - ids - names - len("  ") * 2 - 1 - len(level) - 1
    why = _why(said, [facts.short_name(name) for name in dimension.limited_by], room, style)
    line = f"  {head} {name} {style.paint(level, _COLORS[dimension.level])}  "
    return [f"{line if n == 0 else ' ' * (style.width - room)}{text}".rstrip() for n, text in enumerate(why)]


def _why(said: list[str], names: list[str], room: int, style: _Style) -> list[str]:
    """What holds a dimension at its level: as many whole names as there is room for, and how many are left out."""
    if style.whole:
        text = style.text("; ".join([*said, ", ".join(names)] if names else said))
        return wrap(text, room, _ALL, style.mark) or [""]
    for shown in range(len(names), 0, -1):
        more = f" +{len(names) - shown} more" if shown < len(names) else ""
        text = style.text("; ".join([*said, ", ".join(names[:shown]) + more]))
        if columns(text) <= room:
            return [text]
    return [cut(style.text("; ".join([*said, ", ".join(names)] if names else said)), room, style.mark)]


@dataclass(slots=True)
class _Part:
    """A labelled text below the dimensions."""

    label: str
    text: str
    color: str = ""
    most: int = 2
    """Lines that it may take when there is room."""
    given: int = 1
    """Lines that it gets."""

    def wrapped(self, style: _Style, lines: int) -> list[str]:
        return wrap(style.text(self.text), style.width - LABEL, lines, style.mark)


def _below(card: Card, style: _Style, room: int) -> list[str]:
    """Total, disposition and the rest: a line each, and what is left of the room for continuations and notices."""
    told = [_Part("Notice", text) for text in facts.notices(card, brief=not style.whole)]
    parts, notices = _fitted([*_result(card), *_counts(card)], told, room)
    left = room - len(parts) - min(len(notices), 1)
    left = _spread(parts, left, style)
    shown = notices[: 1 + max(left, 0)]
    left -= max(len(shown) - 1, 0)
    lines = [line for part in parts for line in _lines(part, style)]
    if len(shown) < len(notices):
        return lines + [line for part in shown[:-1] for line in _lines(part, style)] + _last(notices, len(shown), style)
    _spread(shown, left, style)
    return lines + [line for part in shown for line in _lines(part, style)]


def _fitted(parts: list[_Part], notices: list[_Part], room: int) -> tuple[list[_Part], list[_Part]]:
    """The parts that have a line each; of more, those of `_SPARED` are among the notices, which are counted."""
    kept, spared = list(parts), list[_Part]()
    for label in _SPARED:
        if len(kept) + min(len(notices) + len(spared), 1) <= room:
            break
        spared += [_Part("Notice", f"{p.label.lower()}: {p.text}") for p in kept if p.label == label]
        kept = [p for p in kept if p.label != label]
    return kept, [*notices, *spared]


def _spread(parts: list[_Part], room: int, style: _Style) -> int:
    """Give the parts, in their order, the further lines that they need; what is left of the room is returned."""
    for part in parts:
        more = min(len(part.wrapped(style, _ALL if style.whole else part.most)) - 1, max(room, 0))
        part.given += more
        room -= more
    return room


def _lines(part: _Part, style: _Style) -> list[str]:
    return [
        pad(part.label if i == 0 else "", LABEL) + (style.paint(line, part.color) if part.color else line)
        for i, line in enumerate(part.wrapped(style, part.given))
    ]


def _last(notices: list[_Part], shown: int, style: _Style) -> list[str]:
    """The last notice that has room, and how many have none."""
    more = f" (and {len(notices) - shown} more in the report)"
    text = cut(style.text(notices[shown - 1].text), style.width - LABEL - len(more), style.mark)
    return _lines(_Part("Notice", text + more), style)


def _result(card: Card) -> Iterator[_Part]:
    if card.total is not None:
        lowest = f", lowest L{card.minimum}: {', '.join(card.lowest)}" if card.lowest else ""
        yield _Part("Total", f"{card.total} of {card.maximum}{lowest}", _BOLD)
    yield from _disposition(card)
    if card.sign_off is not None:
        yield _Part("Signed", facts.sign_off_words(card), _GREEN)
    verdict = card.verdict
    if verdict.gate is not None:
        yield _Part("Gate", verdict.reason.removeprefix("gate "), _GREEN if verdict.passed else _RED, most=5)
    if card.no_worse is not None and (told := facts.no_worse_words(card)):
        color = {True: _GREEN, False: _RED, None: _YELLOW}[card.no_worse.passed]
        yield _Part("No worse", told, color, most=5)
    if card.raises:
        # Seeking less takes no check, so it would come before whatever makes the service better.
        way = next((way for way in card.raises if way.checks), card.raises[0])
        yield _Part("Raise", facts.raise_words(way), most=3)


def _disposition(card: Card) -> Iterator[_Part]:
    disposition = card.disposition
    if disposition is None:
        yield _Part("Disposition", f"none: {facts.why_no_disposition(card)}", _YELLOW)
        return
    qualifier = f", {disposition.qualifier}" if disposition.qualifier else ""
    yield _Part("Disposition", disposition.name + qualifier, _BOLD)
    if card.overrides:
        yield _Part("", f"{facts.override_lead(card)}: {'; '.join(facts.override_words(card))}")
    elif disposition.actions:
        action = disposition.actions[0]
        due = f"{action.due}: " if action.due else ""
        others = len(disposition.actions) - 1
        yield _Part("", due + action.text + (f" (and {others} more)" if others else ""))


def _counts(card: Card) -> Iterator[_Part]:
    if broken := facts.broken_words(card):
        yield _Part("Broken", broken, _RED)
    if not_run := facts.not_run_words(card):
        yield _Part("Not run", not_run, _YELLOW)
    if unproven := facts.unproven_words(card):
        yield _Part("Unproven", unproven, _YELLOW)
    if policy := facts.policy_words(card):
        yield _Part("Policy", policy, _YELLOW)
    yield _Part("Findings", facts.severity_words(card), _YELLOW if card.findings else _GREEN)
    told = {
        "expired": card.exceptions_expired,
        "lapsing": card.exceptions_lapsing,
        "unused": card.exceptions_unused,
    }
    counts = ", ".join(f"{len(texts)} {word}" for word, texts in told.items() if texts)
    if counts:
        texts = "; ".join(text for _, text in card.exceptions_told)
        yield _Part("Exceptions", f"{counts}: {texts}", _YELLOW)

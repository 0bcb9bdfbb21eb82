"""A comparison of two audits, for the terminal and in Markdown. Pure: from the comparison to lines."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from pytest_backend_audit.comparison import CheckChange, Comparison, FindingChange, LevelChange, SettingChange, Trend
from pytest_backend_audit.model import FiledCard, Outcome
from pytest_backend_audit.reports.facts import OUTCOME_WORDS, short_name
from pytest_backend_audit.reports.markdown import bullets, escape, table
from pytest_backend_audit.reports.text import columns, cut, one_line, pad

Change = TypeVar("Change")

WIDTH = 80
LABEL = 13
NAME = 32
"""Most columns of a dimension's id and name."""
SHOWN = 50
"""Changes of a kind that the terminal and Markdown list; JSON has them all."""

_KINDS = {"threshold": "threshold", "exception": "exception", "sought": "sought in", "weight": "weight of"}
_UNSET = {"threshold": "the standard's", "exception": "none"}


def terminal(found: Comparison, width: int = WIDTH) -> Iterator[str]:
    """Lines for a terminal, without line feeds; none is wider than `width` but for ids of checks, which stay whole."""
    now, prior = _audits(found)
    yield from _wrapped(f"{found.now.service or 'service not stated'}: {now}", "", width)
    yield from _wrapped(f"compared with {prior}", "", width)
    for warning in found.warnings:
        yield from _labelled("Note", warning, width)
    yield ""
    names = min(max((columns(one_line(f"{c.id} {c.name}")) for c in found.levels), default=0), NAME)
    for change in found.levels:
        yield f"  {pad(cut(one_line(f'{change.id} {change.name}'), names), names)}  {_level(change)}".rstrip()
    yield ""
    yield from _labelled("Total", _total(found), width)
    yield from _labelled("Disposition", _dispositions(found), width)
    if found.now.rows or found.prior.rows:
        yield from _labelled("Assessed", _assessed(found), width)
    for number, text in enumerate(found.worse or ("nothing",)):
        yield from _labelled("" if number else "Worse", text, width)
    yield from _section("Checks", found.checks, _check_lines, width)
    yield from _section("Findings", found.findings, _finding_lines, width, _trends(found.findings))
    yield from _section("Settings", found.settings, _setting_lines, width)


def markdown(found: Comparison) -> Iterator[str]:
    """The same as a document, in pieces."""
    yield f"# {escape(found.now.service or 'Service not stated')}: what changed\n\n"
    now, prior = _audits(found)
    yield f"{escape(now)}, compared with {escape(prior)}.\n\n"
    yield from bullets(found.warnings) if found.warnings else ()
    levels = ((f"{c.id} {c.name}", _mark(c.before), _mark(c.now), _word(c)) for c in found.levels)
    yield from table(("Dimension", "Before", "Now", "Change"), levels)
    yield f"- **Total:** {_arrow(_total(found))}\n"
    yield f"- **Disposition:** {_arrow(escape(_dispositions(found)))}\n"
    yield f"- **Assessed:** {_arrow(_assessed(found))}\n\n" if found.now.rows or found.prior.rows else "\n"
    yield "Worse:\n\n"
    yield from bullets(found.worse, "Nothing.")
    if found.findings:
        yield f"## Findings: {_trends(found.findings)}\n\n"
        rows = ((c.trend.value, _arrow(_severity(c)), c.dimension, c.title, _number(c)) for c in found.findings)
        yield from table(("Change", "Severity", "Dimension", "Finding", "Id"), _few(rows))
        yield _left(found.findings)
    if found.checks:
        yield f"## Checks: {len(found.checks)} changed\n\n"
        changed = (
            (
                c.dimension,
                f"L{c.level}",
                _name(c),
                _arrow(_outcomes(c)),
                "" if _same_limit(c) else _arrow(_limits(c)),
                c.id,
            )
            for c in found.checks
        )
        yield from table(("Dimension", "Level", "Criterion", "Outcome", "Limit", "Check"), _stated(_few(changed)))
        yield _left(found.checks)
    if found.settings:
        yield f"## Settings: {len(found.settings)} changed\n\n"
        settings = ((f"{_KINDS[c.kind]} {c.name}", *_values(c)) for c in found.settings)
        yield from table(("Setting", "Before", "Now"), _few(settings))
        yield _left(found.settings)


def _arrow(text: str) -> str:
    """Words of ours in which the terminal's arrow stands."""
    return text.replace("->", "→").replace("-&gt;", "→")


def _stated(rows: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Rows in which an empty cell is one where nothing changed."""
    for row in rows:
        yield tuple(cell or "as before" for cell in row)


def _few(rows: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    for number, row in enumerate(rows):
        if number == SHOWN:
            return
        yield row


def _left(changes: Sequence[object]) -> str:
    return f"And {len(changes) - SHOWN} more; `--json` has them all.\n\n" if len(changes) > SHOWN else ""


def _audits(found: Comparison) -> tuple[str, str]:
    """What is compared, and what with; of one day, commit and environment their instants tell them apart."""
    now, prior = _audit(found.now), _audit(found.prior)
    if now != prior:
        return now, prior
    return _audit(found.now, found.now.instant), _audit(found.prior, found.prior.instant)


def _audit(card: FiledCard, when: str = "") -> str:
    """Day, commit and environment of an audit."""
    place = (card.environment or card.environment_kind or "environment not stated").replace(", ", " and ")
    return f"{when or card.instant[:10]} at {card.commit[:7] or 'no commit'} in {place}"


def _mark(level: int | None) -> str:
    return "none" if level is None else f"L{level}"


def _word(change: LevelChange) -> str:
    if change.before is None or change.now is None:
        return "not compared"
    word = "fell" if change.fell else "rose" if change.rose else "same"
    recorded = change.recorded_now or change.now
    if recorded > change.now:
        return f"{word}, held by an earlier failure, recorded L{recorded}"
    return f"{word}, recorded L{recorded} until signed" if recorded < change.now else word


def _level(change: LevelChange) -> str:
    same = change.before == change.now and change.now is not None
    levels = f"{_mark(change.now)}      " if same else f"{_mark(change.before)} -> {_mark(change.now)}"
    word = _word(change)
    return f"{levels}  {'' if word == 'same' else word.removeprefix('same, ')}".rstrip()


def _pair(before: str, now: str) -> str:
    return now if before == now else f"{before} -> {now}"


def _total(found: Comparison) -> str:
    before, now = ("none" if points is None else str(points) for points in (found.total_before, found.total_now))
    told = f"{_pair(before, now)} of {found.now.maximum}"
    if found.prior.maximum != found.now.maximum:
        told = f"{before} of {found.prior.maximum} -> {now} of {found.now.maximum}"
    recorded = found.now.total
    if recorded is None or found.total_now is None or recorded == found.total_now:
        return told
    # A failure that is held can only lower a total, the reviewer's cap only what is recorded.
    why = f"recorded {recorded} until signed" if recorded < found.total_now else f"recorded {recorded}"
    return f"{told}, {why}"


def _dispositions(found: Comparison) -> str:
    return _pair(_disposition(found.prior), _disposition(found.now))


def _disposition(card: FiledCard) -> str:
    return card.disposition_name or "none"


def _assessed(found: Comparison) -> str:
    before, now = (f"{c.assessed} of {c.rows}" for c in (found.prior, found.now))
    return f"{_pair(before, now)} rows"


def _trends(changes: Sequence[FindingChange]) -> str:
    counts = Counter(c.trend for c in changes)
    return ", ".join(f"{counts[trend]} {trend.value}" for trend in Trend if counts[trend])


def _name(change: CheckChange) -> str:
    return short_name(change.criterion)


def _outcome(outcome: Outcome | None, missing: str) -> str:
    return missing if outcome is None else OUTCOME_WORDS[outcome]


def _outcomes(change: CheckChange) -> str:
    said = _pair(_outcome(change.before, "not there"), _outcome(change.now, "gone"))
    return f"{said}, keeps its failed L{change.limit_now}" if change.carried else said


def _same_limit(change: CheckChange) -> bool:
    return change.limit_before == change.limit_now or None in {change.limit_before, change.limit_now}


def _limits(change: CheckChange) -> str:
    return f"L{change.limit_before} -> L{change.limit_now}"


def _severity(change: FindingChange) -> str:
    before = change.severity_before.value if change.severity_before else ""
    now = change.severity_now.value if change.severity_now else ""
    return _pair(before or now, now or before)


def _number(change: FindingChange) -> str:
    """The ledger's number, if either audit knows it."""
    known = [id_ for id_ in (change.id_now, change.id_before) if id_]
    return next((id_ for id_ in known if id_.startswith("F-")), known[0])


def _values(change: SettingChange) -> tuple[str, str]:
    unset = _UNSET.get(change.kind, "none")
    return change.before or unset, change.now or unset


def _section(
    title: str,
    changes: Sequence[Change],
    lines: Callable[[Change, int], Iterator[str]],
    width: int,
    counts: str = "",
) -> Iterator[str]:
    if not changes:
        return
    yield ""
    yield f"{title}: {counts or f'{len(changes)} changed'}"
    for change in changes[:SHOWN]:
        yield from lines(change, width)
    if len(changes) > SHOWN:
        yield f"  and {len(changes) - SHOWN} more; --json has them all"


def _check_lines(change: CheckChange, width: int) -> Iterator[str]:
    limit = "" if _same_limit(change) or change.carried else f", limit {_limits(change)}"
    text = f"{change.dimension} L{change.level} {_name(change)}: {_outcomes(change)}{limit}"
    yield from _wrapped(text, "  ", width)
    yield f"      {one_line(change.id)}"


def _finding_lines(change: FindingChange, width: int) -> Iterator[str]:
    text = f"{change.trend.value}, {_severity(change)}, {change.dimension} {_number(change)}: {change.title}"
    yield from _wrapped(text, "  ", width)


def _setting_lines(change: SettingChange, width: int) -> Iterator[str]:
    before, now = _values(change)
    yield from _wrapped(f"{_KINDS[change.kind]} {change.name}: {before} -> {now}", "  ", width)


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    lines = textwrap.wrap(one_line(text), width - LABEL, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        yield f"{pad('' if number else label, LABEL)}{line}"


def _wrapped(text: str, margin: str, width: int) -> Iterator[str]:
    yield from textwrap.wrap(
        one_line(text), width, initial_indent=margin, subsequent_indent=f"{margin}    ", break_on_hyphens=False
    )

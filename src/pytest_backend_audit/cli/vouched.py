"""What a reviewer vouches for, on lines of 80 columns: shown before the key signs anything."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_backend_audit import filed
from pytest_backend_audit.cli.output import WIDTH
from pytest_backend_audit.model import CheckResult, DimensionResult, Outcome
from pytest_backend_audit.people import of_one_address
from pytest_backend_audit.reports import facts
from pytest_backend_audit.reports.text import clean, columns, cut, one_line, pad, stated
from pytest_backend_audit.scoring.verdict import without_cases
from pytest_backend_audit.signoff.statement import attestations, could_not_run

if TYPE_CHECKING:
    from pytest_backend_audit.model import Card
    from pytest_backend_audit.signoff import Subject
    from pytest_backend_audit.signoff.making import Reviewer

LISTED = 12
"""Checks of a dimension, and reasons, that are shown; the report has all."""
ACCEPTED = 100
"""Attestations, exceptions and disputes that are shown: each is something to be accepted."""
_LABEL = 14
_NAME = 34
_KINDS = 24


def lines(about: Subject, by: Reviewer, dimensions: Sequence[str], disputes: Sequence[str], signed: Card) -> list[str]:
    """Everything that the signature will cover.

    Args:
        about: The run.
        by: Who is about to sign.
        dimensions: Those that the reviewer takes.
        disputes: Disputes in the ledger, one line each.
        signed: The card that the signature would make.
    """
    card = about.card
    return [
        *_head(about, by, signed),
        "",
        f"You vouch that {'these levels are' if len(dimensions) > 1 else 'this level is'} right:",
        *(line for d in card.dimensions if d.id in dimensions for line in _dimension(about, d)),
        "",
        "You accept what they rest on:",
        *_list("Attestations", attestations(card.inputs), ACCEPTED),
        *_list("Exceptions", filed.exceptions(card.inputs.policy), ACCEPTED),
        *_list("Could not run", could_not_run(card), LISTED),
        *_list("Disputes", disputes, ACCEPTED),
        *(_list("Taken out", taken_out, LISTED) if (taken_out := without_cases(card.checks)) else ()),
        *_list("Earlier runs", card.inputs.earlier, LISTED),
        "",
    ]


def _head(about: Subject, by: Reviewer, signed: Card) -> Iterator[str]:
    card, document = about.card, about.card.inputs.document
    place = document.environment or document.environment_kind or "environment not stated"
    told = (document.service or "service not stated", place, facts.short_commit(card), facts.audit_date(card))
    yield from _labelled("Run", "  ".join([*told, f"run {card.inputs.run_number}"]))
    yield from _labelled("", f"{facts.standard_name(card)}; {facts.assessed(card)}")
    yield from _labelled("Lead auditor", stated(document.lead_auditor))
    named = document.second_reviewer
    known = not named or named == by.name or of_one_address(named, by.name)
    remark = "" if known else f" (audit.yaml names {named})"
    yield from _labelled("Reviewer", f"{by.name}{remark}")
    yield from _labelled("Key", f"{by.key.fingerprint} ({by.key.kind})")
    yield from _labelled("Signers", by.allowed.name)
    yield from _labelled("As it stands", _result(card))
    yield from _labelled("Once signed", _result(signed))


def _result(card: Card) -> str:
    name = card.disposition.name if card.disposition else f"no disposition: {facts.why_no_disposition(card)}"
    return f"{card.total} of {card.maximum}, {name}"


def _labelled(label: str, text: str) -> Iterator[str]:
    wrapped = textwrap.wrap(one_line(text), WIDTH - _LABEL, break_on_hyphens=False) or [""]
    for number, line in enumerate(wrapped):
        yield (pad("" if number else label, _LABEL) + line).rstrip()


def _dimension(about: Subject, dimension: DimensionResult) -> Iterator[str]:
    checks = [c for k in dimension.criteria for c in k.checks]
    pieces = sum(len(facts.evidence_of(c)) for c in checks)
    place = next(n for n, d in enumerate(about.card.dimensions, 1) if d.id == dimension.id)
    yield ""
    yield cut(
        one_line(
            f"{dimension.id} {dimension.name}: L{dimension.would_be}, {_count(len(checks), 'check')}, "
            f"{_count(pieces, 'piece')} of evidence"
        ),
        WIDTH,
    )
    if about.card.parts:
        where = sorted({place for k in dimension.criteria for place in k.proven_in})
        yield cut(f"  proven in {one_line(' and '.join(where)) or 'none of its environments'}", WIDTH)
    high = [c for c in checks if c.outcome is Outcome.PASSED and about.reviewer_from <= c.check.level]
    rows = [_check(c) for c in high[:LISTED]]
    names = min(max((columns(name) for name, _, _ in rows), default=0), _NAME)
    kinds = min(max((columns(kind) for _, kind, _ in rows), default=0), _KINDS)
    for name, kind, title in rows:
        yield cut(f"  {pad(cut(name, names), names)}  {pad(cut(kind, kinds), kinds)}  {title}", WIDTH)
    if len(high) > LISTED:
        yield f"  and {len(high) - LISTED} more checks at L{about.reviewer_from} and above"
    yield f"  all of it: {clean(str(about.folder / 'scorecard.html'))}#d{place}"


def _check(result: CheckResult) -> tuple[str, str, str]:
    """Its name, its evidence by kind, and the first piece of that."""
    evidence = facts.evidence_of(result)
    kinds = Counter(piece.kind.value for piece in evidence)
    name = f"L{result.check.level} {facts.short_name(result.check.ladder)}"
    remark = "with exception; " if result.acknowledged else ""
    title = remark + (evidence[0].title if evidence else "no evidence")
    return one_line(name), ", ".join(f"{n} {kind}" for kind, n in kinds.items()), one_line(title)


def _list(label: str, entries: Sequence[str], most: int) -> Iterator[str]:
    if not entries:
        yield from _labelled(label, "none")
        return
    yield from _labelled(label, str(len(entries)))
    for entry in entries[:most]:
        yield from textwrap.wrap(
            one_line(entry), WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
        )
    if len(entries) > most:
        yield f"  and {len(entries) - most} more, which the report lists"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""SARIF 2.1.0 for code scanning: failures only, as alerts in the repository's files.

Code scanning shows every result as an alert, whatever its kind, and closes as fixed what the next upload lacks. So this
file has failures only; a check that failed before and gave no answer now stays one; and a run that is not whole, or did
not look at everything, has an alert of its own that says so.

Its limits: 20 runs a file (there is one), 25,000 results, 10 MB compressed. What is beyond them is left out, the least
severe first, and the invocation tells how many.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pytest_backend_audit.model import Card, Severity
from pytest_backend_audit.reports import facts, lines, sarif
from pytest_backend_audit.reports.items import (
    Item,
    State,
    items,
    severity_of,
    standing,
    titled,
    uid,
    why_not_conclusive,
)

RESULTS = 25_000
"""Results of one run that code scanning takes."""
SIZE = 9_000_000
"""Bytes of all results together. 10 MB is the limit of the compressed file, and this file is below it as it is."""

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def chunks(card: Card) -> Iterator[str]:
    """The file, in pieces."""
    failures = sorted(_failures(card), key=lambda item: _RANK[severity_of(item)])
    about_run = _about_run(card)
    kept, left = _fitting([*about_run, *(_result(card, item) for item in failures)])
    described = [*([_run_rule()] if about_run else []), *sarif.rules(failures)]
    return lines.text(sarif.log(card, iter(kept), described, lambda: _notifications(card, left)))


def _failures(card: Card) -> Iterator[Item]:
    """What failed, and what failed before and gave no answer since: without it code scanning would call it fixed."""
    yield from (item for item in items(card) if item.state is State.FAIL)
    yield from standing(card)


def _result(card: Card, item: Item) -> dict[str, Any]:
    said = f"{item.outcome}: {item.reason}" if item.reason else item.outcome
    due = f"\nowner: {item.finding.owner}, due: {item.finding.due or 'not stated'}" if item.finding else ""
    return {
        "ruleId": titled(item.rule),
        "level": sarif.LEVELS[severity_of(item)],
        "message": sarif.message(f"{said}{due}"),
        "locations": [sarif.location(card, item)],
        "partialFingerprints": {"primaryLocationLineHash": f"{item.fingerprint[:16]}:1"},
    }


def _about_run(card: Card) -> list[dict[str, Any]]:
    """The alert of a run that is not whole, or in which something was not looked at; none otherwise."""
    why, waiting = why_not_conclusive(card), facts.not_run_words(card)
    told = [why] if why else []
    told += [f"could not run: {waiting}"] if waiting else []
    seen, asked = card.coverage.assessed, card.coverage.of
    told += [f"{seen} of {asked} rows were looked at"] if seen < asked else []
    if not told:
        return []
    text = "; ".join(told)
    return [
        {
            "ruleId": sarif.INCOMPLETE,
            "level": "error" if why else "warning",
            "message": sarif.message(f"{text}. What this run does not report is not thereby fixed."),
            "locations": [sarif.config_location(card)],
            "partialFingerprints": {"primaryLocationLineHash": f"{uid(sarif.INCOMPLETE)[:8]}:1"},
        }
    ]


def _run_rule() -> dict[str, Any]:
    said = "The audit was not whole, or did not look at everything."
    cure = "The message names what is missing. What could not run or has no check has neither passed nor failed."
    return {
        "id": sarif.INCOMPLETE,
        "name": "The audit is incomplete",
        "shortDescription": {"text": said},
        "fullDescription": {"text": said},
        "help": {"text": f"{said} {cure}"},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["backend-audit"]},
    }


def _fitting(results: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """As many results, from the first on, as code scanning takes; and how many are left out."""
    kept: list[dict[str, Any]] = []
    size = 0
    for result in results[:RESULTS]:
        size += len(json.dumps(result))
        if size > SIZE:
            break
        kept.append(result)
    return kept, len(results) - len(kept)


def _notifications(card: Card, left: int) -> list[dict[str, Any]]:
    told = sarif.run_notifications(card)
    if left:
        text = f"{left} results are left out, the least severe: code scanning takes {RESULTS} results, and 10 MB"
        told.append({"descriptor": {"id": "left-out"}, "level": "warning", "message": sarif.message(text)})
    return told

"""What checks kept for the next audit (``audit_evidence.keep``), as it is filed beside a card: a JSON object a line.

A filed card has levels and outcomes. A check that compares plans or latencies needs what it saw, and the run folder,
which has it, may be gone by then. It lies in a file of its own, so that whoever reads many cards doesn't read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_backend_audit.model import Attempt, Evidence
from pytest_backend_audit.recorder import KEPT

SUFFIX = ".kept.jsonl"
"""After the card's name: ``2026-08-31.kept.jsonl``."""
LIMIT = 1024 * 1024
"""Bytes of the file, which stays in the repository for good; what comes after is named, and lost."""


class KeptError(ValueError):
    """The file can't be read; the message names it, the line, and the way out."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What one check kept."""

    values: Mapping[str, Any] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    """Names of what was kept and can't be read: it was too large, or held something that had to be redacted."""


def of_evidence(evidence: Iterable[Evidence]) -> Kept:
    """What a check's evidence holds for the next audit; of two values of one name the later counts."""
    values: dict[str, Any] = {}
    lost: list[str] = []
    for piece in evidence:
        if not piece.facts.get(KEPT):
            continue
        try:
            values[piece.title] = json.loads(piece.body)
        except ValueError:
            lost.append(piece.title)
    return Kept(values, tuple(lost))


def text(attempts: Iterable[Attempt]) -> str:
    """The file; empty if no check kept anything."""
    pieces: dict[str, list[Evidence]] = {}
    for attempt in attempts:
        pieces.setdefault(attempt.check, []).extend(attempt.evidence)
    lines: list[str] = []
    size = 0
    for check in sorted(pieces):
        for entry in _entries(check, of_evidence(pieces[check])):
            line = _line(entry)
            if size + len(line) > LIMIT:
                line = _line({"check": check, "name": entry["name"], "lost": True})
            size += len(line)
            lines.append(line)
    return "".join(lines)


def _entries(check: str, kept: Kept) -> Iterator[dict[str, Any]]:
    for name, value in kept.values.items():
        yield {"check": check, "name": name, "value": value}
    for name in kept.lost:
        yield {"check": check, "name": name, "lost": True}


def _line(entry: Mapping[str, Any]) -> str:
    # ASCII, so that characters are bytes.
    return json.dumps(entry, separators=(",", ":")) + "\n"


def beside(card: Path) -> Path:
    """Where the file of a filed card is, be it there or not."""
    return card.with_name(card.stem + SUFFIX)


def read(path: Path) -> dict[str, Kept]:
    """Check id -> what it kept.

    Raises:
        KeptError: It can't be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(2 * LIMIT + 1)
    except OSError as error:
        raise KeptError(f"{path} can't be read: {error.strerror}") from None
    if len(raw) > 2 * LIMIT:
        raise KeptError(f"{path}: larger than any such file ({2 * LIMIT} bytes)")
    found: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for number, line in enumerate(raw.splitlines(), 1):
        try:
            entry = json.loads(line)
            values, lost = found.setdefault(str(entry["check"]), ({}, []))
            if entry.get("lost"):
                lost.append(str(entry["name"]))
            else:
                values[str(entry["name"])] = entry["value"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise KeptError(f"{path}:{number}: not a kept value; restore it from the repository's history") from None
    return {check: Kept(values, tuple(lost)) for check, (values, lost) in found.items()}

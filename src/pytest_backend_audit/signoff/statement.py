"""What a reviewer signs: one JSON text that follows from a run, but for what the reviewer chose. Pure.

The text is canonical: the same run and the same choice give the same bytes. So a sign-off is checked by making the text
anew and comparing it byte for byte; only then does the signature matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pytest_backend_audit import filed
from pytest_backend_audit.jsonable import from_builtins, to_builtins
from pytest_backend_audit.model import Card, Inputs, Outcome, RowState, SignOff
from pytest_backend_audit.scoring.records import standard_of
from pytest_backend_audit.standard import digest

STATEMENT = "signoff.json"
SIGNATURE = "signoff.json.sig"
VERSION = 1
LIMIT = 16 * 1024 * 1024
"""Bytes of a statement; thousands of checks that could not run make one."""
SIGNERS = "audits/allowed_signers"
"""Path of the allowed signers in the repository, unless audit.yaml says otherwise."""
REASON = 300
"""Characters of a reason that the statement repeats."""
KEYS = (
    "statement",
    "version",
    "service",
    "environment",
    "commit",
    "lead_auditor",
    "runs",
    "files",
    "config_sha256",
    "standard",
    "standard_sha256",
    "scorecard_sha256",
    "dimensions",
    "attestations",
    "exceptions",
    "could_not_run",
    "disputes",
    "earlier_runs",
    "signers",
    "reviewer",
    "key",
    "signed_at",
    "signed_with",
)
"""What a statement says, in this order."""
_KEY = re.compile(rb' "([^"]*)"')
_KIND = "sign-off of a backend audit"


class StatementError(ValueError):
    """The text is no statement; the message begins with the line."""


@dataclass(frozen=True, slots=True)
class Run:
    """One journal that the statement is about."""

    instant: str
    run_number: int
    plugin_version: str
    """Version that ran it."""
    head: str
    """Hash of its last line."""
    sha256: str
    """Of its bytes."""


@dataclass(frozen=True, slots=True)
class Signers:
    """Where the keys stand that may sign."""

    path: str
    """In the repository's tree."""
    revision: str
    """Full SHA of the commit at which they are read."""
    sha256: str = ""
    """Of the file's bytes there, as the reviewer found it."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What does not follow from the run: whatever the reviewer chose or found when signing."""

    dimensions: tuple[str, ...]
    """Those whose level the reviewer takes."""
    disputes: tuple[str, ...]
    """Disputes that the ledger held, one line each."""
    reviewer: str
    """Principal of the key."""
    key: str
    """Fingerprint, ``SHA256:...``."""
    signed_at: str
    """By the reviewer's clock, RFC 3339 in UTC."""
    signed_with: str
    """Version of this package."""
    signers_sha256: str


def text(card: Card, runs: Sequence[Run], files: Mapping[str, str], card_sha256: str, chosen: Chosen) -> bytes:
    """The statement.

    Args:
        card: As it follows from the run alone, without any sign-off.
        runs: The journals.
        files: Further files that belong to the run -> their SHA-256: the record of its faults, the list of a merge.
        card_sha256: Of the scorecard.json of that card.
        chosen: The rest.
    """
    inputs = card.inputs
    levels = {d.id: d.would_be for d in card.dimensions}
    where = signers_of(inputs)
    data = {
        "statement": _KIND,
        "version": VERSION,
        "service": inputs.document.service,
        "environment": inputs.document.environment or inputs.document.environment_kind,
        "commit": inputs.document.commit,
        "lead_auditor": inputs.document.lead_auditor,
        "runs": [to_builtins(run) for run in runs],
        "files": dict(sorted(files.items())),
        "config_sha256": inputs.config_digest,
        "standard": str(inputs.standard.get("id", "")),
        "standard_sha256": digest(standard_of(inputs)),
        "scorecard_sha256": card_sha256,
        "dimensions": [{"id": id_, "level": levels.get(id_, 0)} for id_ in chosen.dimensions],
        "attestations": list(attestations(inputs)),
        "exceptions": list(filed.exceptions(inputs.policy)),
        "could_not_run": list(could_not_run(card)),
        "disputes": list(chosen.disputes),
        "earlier_runs": list(inputs.earlier),
        "signers": to_builtins(Signers(where.path, where.revision, chosen.signers_sha256)),
        "reviewer": chosen.reviewer,
        "key": chosen.key,
        "signed_at": chosen.signed_at,
        "signed_with": chosen.signed_with,
    }
    return canonical(data)


def canonical(data: object) -> bytes:
    """The bytes that stand for a statement's data: ASCII, a field a line, one line feed at the end."""
    return (json.dumps(data, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode("ascii")


def chosen_in(raw: bytes) -> Chosen:
    """What the reviewer chose, read from a statement's bytes.

    Raises:
        StatementError: It is no statement of this version.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - heavy

    if len(raw) > LIMIT:
        raise StatementError(f"1: larger than any statement ({LIMIT} bytes)")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise StatementError(f"{getattr(error, 'lineno', 1)}: not JSON") from None
    if not isinstance(data, dict) or data.get("statement") != _KIND:
        raise StatementError(f"{line_of(raw, 'statement')}: no statement of a sign-off")
    if data.get("version") != VERSION:
        raise StatementError(
            f"{line_of(raw, 'version')}: a statement of version {data.get('version')!r}; this version of "
            f"pytest-backend-audit reads {VERSION}"
        )
    try:
        picked = {f.name: data.get(f.name) for f in fields(Chosen)}
        picked["dimensions"] = _each(data.get("dimensions"), "id")
        picked["signers_sha256"] = data["signers"].get("sha256") if isinstance(data.get("signers"), dict) else None
        return from_builtins(Chosen, picked)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]).removesuffix("_sha256")
        raise StatementError(f"{line_of(raw, key)}: {key}: {first['msg']}") from None


def _each(entries: object, key: str) -> object:
    """A key of each entry; anything but a list as it is."""
    return [e.get(key) if isinstance(e, dict) else e for e in entries] if isinstance(entries, list) else entries


def line_of(raw: bytes, key: str) -> int:
    """The line of a key of the outermost mapping; where it is not there, of what stands in its place."""
    present: list[tuple[int, str]] = [
        (n, found[1].decode("utf-8", "replace"))
        for n, line in enumerate(raw.split(b"\n"), 1)
        if (found := _KEY.match(line))
    ]
    at = {name: n for n, name in reversed(present)}
    if key in at:
        return at[key]
    return next((n for (n, name), due in zip(present, KEYS, strict=False) if name != due), 1)


def difference(found: bytes, expected: bytes) -> str:
    """Where bytes first differ from what is expected: ``12: found "...", expected "..."``; empty if nowhere."""
    if found == expected:
        return ""
    place = _first_difference(found, expected)
    line = expected.count(b"\n", 0, place) + 1
    return f"{line}: found {_around(found, place)}, expected {_around(expected, place)}"


def _first_difference(one: bytes, other: bytes) -> int:
    """Offset of the first byte that is not the same in both, by halves: both may be large."""
    same, end = 0, min(len(one), len(other))
    while same < end:
        middle = (same + end + 1) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            end = middle - 1
    return same


def _around(text: bytes, place: int) -> str:
    """What stands around an offset, on its line; or that nothing does."""
    if place >= len(text):
        return "nothing more"
    begin = max(text.rfind(b"\n", 0, place) + 1, place - 30)
    end = min(text.find(b"\n", place) % (len(text) + 1), place + 30)
    return json.dumps(text[begin : max(end, place + 1)].decode("utf-8", "replace").strip(" "), ensure_ascii=False)


def sign_off(card: Card, chosen: Chosen) -> SignOff:
    """The sign-off as the card carries it, once its signature was checked."""
    where = signers_of(card.inputs)
    return SignOff(
        reviewer=chosen.reviewer,
        key=chosen.key,
        signed_at=chosen.signed_at,
        dimensions=chosen.dimensions,
        attestations=attestations(card.inputs),
        exceptions=filed.exceptions(card.inputs.policy),
        signers=f"{where.path} at {where.revision}",
    )


def signers_of(inputs: Inputs) -> Signers:
    """Where the allowed signers of a run stand: at the revision that policy comes from, else at the audited commit."""
    held = inputs.protected.keys if inputs.protected is not None else inputs.config
    path = _settings(held).get("allowed_signers")
    return Signers(str(path or SIGNERS), inputs.policy_revision or inputs.document.commit)


def author_allowed(inputs: Inputs) -> bool:
    """Whether audit.yaml, and the policy that it is held to, let a person sign who wrote the audited commit."""
    asked = [inputs.config, *([inputs.protected.keys] if inputs.protected is not None else [])]
    return all(_settings(keys).get("allow_author") is True for keys in asked)


def _settings(keys: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = keys.get("sign_off")
    return settings if isinstance(settings, Mapping) else {}


def signable(card: Card, reviewer_from: int) -> tuple[str, ...]:
    """Dimensions whose level needs a signature."""
    return tuple(d.id for d in card.dimensions if d.would_be >= reviewer_from)


def attestations(inputs: Inputs) -> tuple[str, ...]:
    """What only people can know and audit.yaml states, one line each."""
    given = inputs.config.get("attestations")
    entries: list[Mapping[str, Any]] = [e for e in given if isinstance(e, Mapping)] if isinstance(given, list) else []
    return tuple(
        f"{e.get('criterion', '')}: {e.get('title', '')} ({e.get('kind', '')}, {e.get('reference', '')}, "
        f"{e.get('date', '')}, {e.get('who', '')})"
        for e in entries
    )


def could_not_run(card: Card) -> tuple[str, ...]:
    """Checks that gave no answer, one line each, with the reason; and how many rows nothing addresses."""
    lines = [
        f"{r.check.dimension} {r.check.ladder} L{r.check.level}: {' '.join(r.reason.split())[:REASON]}"
        for r in card.checks
        if r.outcome is Outcome.COULD_NOT_RUN
    ]
    for dimension in card.dimensions:
        rows = sum(r.state is RowState.UNCOVERED for k in dimension.criteria for r in k.rows)
        if rows:
            lines.append(f"{dimension.id}: {rows} {'row' if rows == 1 else 'rows'} of the standard without a check")
    return tuple(lines)

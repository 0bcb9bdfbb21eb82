"""From a card to what is filed of it, and back from the file. The JSON is for machines; people read the Markdown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_backend_audit.jsonable import from_builtins, to_builtins
from pytest_backend_audit.model import Outcome, Status
from pytest_backend_audit.totals import weight

if TYPE_CHECKING:
    from pytest_backend_audit.model import (
        Card,
        CheckResult,
        Failure,
        FiledCard,
        FiledCheck,
        Inputs,
        Policy,
        PriorCheck,
    )

SCHEMA_VERSION = 1
LIMIT = 8 * 1024 * 1024
"""Bytes of a filed card; a larger file is not one (thousands of checks make about one)."""


CHANGED = "changed since it was filed, by the ledger beside it; restore it from git"
"""What is said of a card that is not the one which the ledger tells of."""


LOST = "the ledger tells of it, and it is not there; restore it from git"
"""What is said of a card that is missing."""
MARKED = (
    "a merge left its conflict marks in it: two branches filed an audit by this name. Take one of the two "
    "(git checkout --ours, or --theirs), and the other under a free name"
)
"""What is said of a card that git could not merge."""
STRANGE = "the ledger beside it does not know it; take it away, or restore its line from git"
"""What is said of a card that the ledger tells nothing of."""


class FiledError(ValueError):
    """A file can't be read as a filed card; the message names it and the way out."""


class ChangedError(FiledError):
    """A file is a filed card, and not the one that was filed."""


def filed(
    card: Card,
    *,
    numbers: Mapping[str, str],
    sources: tuple[str, ...],
    apart: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> FiledCard:
    """What is filed of a card.

    Args:
        card: The card, with its sign-off taken into account.
        numbers: Fingerprint of each finding -> the number that the ledger gave it.
        sources: Last hash of the journal of each run that the card was made from.
        apart: Of a merge: environment -> those of its own runs.
    """
    from pytest_backend_audit.model import FiledCard, FiledCheck, FiledDimension, FiledFinding  # noqa: PLC0415 - a run begins without

    inputs, disposition = card.inputs, card.disposition
    document = inputs.document
    return FiledCard(
        service=document.service,
        environment=document.environment,
        environment_kind=document.environment_kind,
        commit=document.commit,
        instant=inputs.instant,
        lead_auditor=document.lead_auditor,
        second_reviewer=card.sign_off.reviewer if card.sign_off else "",
        standard=str(inputs.standard.get("id", "")),
        basis=card.basis,
        plugin_version=inputs.plugin_version,
        dimensions=tuple(
            FiledDimension(d.id, d.name, d.level, d.would_be, d.sought, d.weight, inputs.policy.owners.get(d.id, ""))
            for d in card.dimensions
        ),
        checks=tuple(
            FiledCheck(
                r.check.id,
                r.check.dimension,
                r.check.ladder,
                r.check.level,
                r.outcome,
                r.limit,
                bool(r.carried) and not _failed_elsewhere(card.past.get(r.check.id)),
                standing(r, card.past.get(r.check.id)),
                r.taken_out,
            )
            for r in card.checks
        ),
        findings=tuple(
            FiledFinding(
                numbers.get(f.fingerprint, f.id),
                f.fingerprint,
                f.dimension,
                f.criterion,
                f.check,
                f.severity,
                f.title,
                f.due,
            )
            for f in card.findings
        ),
        total=card.total,
        maximum=card.maximum,
        minimum=card.minimum,
        disposition=disposition.id if disposition else "",
        disposition_name=disposition.name if disposition else "",
        actions=disposition.actions if disposition else (),
        overrides=card.overrides,
        assessed=card.coverage.assessed,
        rows=card.coverage.of,
        thresholds=thresholds(inputs),
        exceptions=exceptions(inputs.policy),
        standard_version=str(inputs.standard.get("version", "")),
        formerly=dict(inputs.formerly),
        sources=sources,
        parts={
            place: _part(
                filed(
                    # The signature is under the levels that the environments reach together, and by themselves.
                    replace(part, sign_off=card.sign_off),
                    numbers=numbers,
                    sources=tuple(apart.get(place, ())),
                ),
                part,
            )
            for place, part in card.parts.items()
        },
    )


def _part(made: FiledCard, card: Card) -> FiledCard:
    """What is filed of one environment of a merge: of a run that was narrowed only what it looked at."""
    if not card.partial:
        return made
    levels = card.levels
    looked = tuple(d for d in made.dimensions if d.id in levels)
    return replace(made, dimensions=looked, maximum=5 * len(looked), partial=True, left_out=card.left_out)


def part_of(card: FiledCard, names: Iterable[str]) -> FiledCard:
    """A merge as one of its environments was by itself; any other audit, and one without such a part, as it is.

    Args:
        card: The audit.
        names: Of the environment, the present one first.
    """
    place = next((name for name in names if name in card.parts), None)
    return card if place is None else card.parts[place]


def standing(result: CheckResult, before: PriorCheck | None) -> Failure | None:
    """The failure since which a check gave no answer: however many audits ago, nothing shows that it is mended.

    Args:
        result: What became of the check.
        before: What the audit before recorded of it.
    """
    from pytest_backend_audit.model import Failure  # noqa: PLC0415 - a run begins without

    if result.outcome not in {Outcome.COULD_NOT_RUN, Outcome.BROKEN}:
        return None
    if any(attempt.status is Status.FAILED for attempt in result.attempts):
        # The lower limit of another attempt gave it its label. A failure's own is one below its level.
        return Failure(Outcome.FAILED, max(1, result.check.level - 1))
    if before is None or _failed_elsewhere(before) or before.outcome not in {Outcome.FAILED, Outcome.UNSUPPORTED}:
        return None
    return Failure(before.outcome, before.limit)


def _failed_elsewhere(before: PriorCheck | None) -> bool:
    """Whether it was an earlier run in another environment that failed: at this commit that counts, and no longer."""
    return before is not None and before.elsewhere


def standing_word(check: FiledCheck) -> tuple[Outcome, int]:
    """What a filed card says of a check to the audits after it: outcome and limit, the failure that stands first."""
    if check.stands is not None:
        return check.stands.outcome, check.stands.limit
    # A failure that was carried over is still that failure.
    return Outcome.FAILED if check.carried else check.outcome, check.limit


def thresholds(inputs: Inputs) -> dict[str, str | int | float | bool]:
    """What counts instead of the standard's defaults; less what a protected policy has set back to them."""
    told = inputs.protected.differences if inputs.protected is not None else ()
    changed = [d for d in told if d.key.startswith("thresholds.") and d.taken not in {d.here, d.there}]
    back = {d.key.removeprefix("thresholds.") for d in changed}
    return {name: value for name, value in inputs.policy.thresholds.items() if name not in back}


def exceptions(policy: Policy) -> tuple[str, ...]:
    """Everything that audit.yaml takes out of the judgement, one line each."""
    lines = [f"not applicable {e.criterion} until {e.expires}: {e.reason}" for e in policy.not_applicable]
    lines += [f"acknowledged {e.item} until {e.expires}: {e.reason}" for e in policy.acknowledged]
    lines += [f"left out {criterion}: {reason}" for criterion, reason in policy.leave_out.items()]
    return tuple(lines)


def text(card: FiledCard) -> str:
    """The file: JSON, one line feed at its end; equal cards give equal bytes."""
    return json.dumps(to_builtins(card), indent=1, ensure_ascii=False) + "\n"


def digest(raw: bytes) -> str:
    """SHA-256 of a filed card, as hex digits; git may have given its lines other ends."""
    return hashlib.sha256(raw.replace(b"\r\n", b"\n")).hexdigest()


def page_digest(raw: bytes) -> str:
    """SHA-256 of a filed card for people, whatever empty lines are at its end: some tools leave one line feed."""
    return digest(raw.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n")


def content_digest(raw: bytes) -> str:
    """SHA-256 of what a filed card says, whatever its layout and the order of its keys.

    Raises:
        ValueError: It is not JSON.
        RecursionError: Likewise.
    """
    return hashlib.sha256(json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def is_as_filed(raw: bytes, digests: Collection[str]) -> bool:
    """Whether a file is a card that was filed, be its layout another one, as a formatter's.

    Args:
        raw: The file.
        digests: Of what was filed under its name; an empty one is of a line that tells none.
    """
    if "" in digests or digest(raw) in digests:
        return True
    try:
        return content_digest(raw) in digests
    except (ValueError, RecursionError):
        return False


def is_marked(raw: bytes) -> bool:
    """Whether a merge left its conflict marks in a file."""
    return any(line.startswith(b"<<<<<<< ") for line in raw.splitlines())


def sources_of(path: Path) -> tuple[str, ...]:
    """The last hashes of the journals that a card was made from; none of a file that tells none, or can't be read."""
    try:
        with path.open("rb") as opened:
            told = json.loads(opened.read(LIMIT + 1))["sources"]
        return tuple(str(head) for head in told)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()


def read(path: Path, digests: Collection[str] = ()) -> FiledCard:
    """A filed card; of a Markdown card, that of the JSON beside it.

    Args:
        path: The file.
        digests: Of what was filed under its name, of which it has to be one; none where nobody knows.

    Raises:
        FiledError: It is none, or can't be read.
        ChangedError: It is none of these.
    """
    return read_held(path, lambda _: digests)


def read_held(path: Path, digests: Callable[[FiledCard], Collection[str]]) -> FiledCard:
    """The same, where the card says which filing is its own: its digests follow from its sources."""
    file = path.with_suffix(".json") if path.suffix == ".md" else path
    try:
        with file.open("rb") as opened:
            raw = opened.read(LIMIT + 1)
    except OSError as error:
        raise FiledError(f"{file} can't be read: {error.strerror}") from None
    card = parse(raw, str(file))
    known = digests(card)
    if known and not is_as_filed(raw, known):
        raise ChangedError(f"{file}: {CHANGED}")
    return card


def parse(raw: bytes, name: str) -> FiledCard:
    """The filed card that these bytes are.

    Args:
        raw: Of the file; more than `LIMIT` need not be read of it.
        name: What the file is called in messages.

    Raises:
        FiledError: They are none.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - heavy

    from pytest_backend_audit.model import FiledCard  # noqa: PLC0415 - a run begins without

    if len(raw) > LIMIT:
        raise FiledError(f"{name}: larger than any filed card ({LIMIT} bytes); `backend-audit file` writes them")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        if is_marked(raw):
            raise FiledError(f"{name}: {MARKED}") from None
        raise FiledError(f"{name}: not JSON; restore it from the repository's history") from None
    if not isinstance(data, dict) or "dimensions" not in data:
        raise FiledError(f"{name}: no filed card; `backend-audit file` writes them")
    if data.get("schema_version") != SCHEMA_VERSION:
        raise FiledError(
            f"{name}: a filed card of version {data.get('schema_version')!r}; this version reads {SCHEMA_VERSION}"
        )
    try:
        card = from_builtins(FiledCard, data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise FiledError(f"{name}: {where}: {first['msg']}") from None
    try:
        check(card)
    except ValueError as error:
        raise FiledError(f"{name}: {error}") from None
    return card


def check(card: FiledCard) -> None:
    """Refuse what no audit gives: a file that was edited, or made by something else.

    Raises:
        ValueError: It holds such a thing; the message says what.
    """
    if not card.service.strip():
        raise ValueError("service: empty")
    try:
        datetime.fromisoformat(card.instant)
    except ValueError:
        raise ValueError(f"instant: no date and time: {card.instant!r:.40}") from None
    if len({d.id for d in card.dimensions}) < len(card.dimensions):
        raise ValueError("dimensions: one stands there twice")
    for dimension in card.dimensions:
        if not (1 <= dimension.level <= 5 and 1 <= dimension.would_be <= 5):
            level = dimension.would_be if 1 <= dimension.level <= 5 else dimension.level
            raise ValueError(f"dimensions: {dimension.id}: a level is 1 to 5, found {_short(level)}")
        weight(dimension.weight, dimension.id)
    if not 0 <= card.maximum <= 5 * len(card.dimensions):
        raise ValueError(f"maximum: 0 to {5 * len(card.dimensions)}, found {_short(card.maximum)}")
    if card.total is not None and not 0 <= card.total <= card.maximum:
        raise ValueError(f"total: 0 to {card.maximum}, found {_short(card.total)}")
    for entry in card.checks:
        _check_limits(entry)
    if card.partial and card.total is not None:
        raise ValueError("total: a part of an audit has none")
    _check_parts(card)


def _check_parts(card: FiledCard) -> None:
    if card.parts and set(card.parts) != {name.strip() for name in card.environment.split(",")}:
        raise ValueError(f"parts: other environments than {card.environment!r:.80}")
    for place, part in card.parts.items():
        same = (part.service, part.commit, part.standard) == (card.service, card.commit, card.standard)
        if part.parts or part.environment != place or not same:
            raise ValueError(f"parts: {place!r:.40}: no environment of this audit")
        try:
            check(part)
        except ValueError as error:
            raise ValueError(f"parts: {place!r:.40}: {error}") from None


def _check_limits(entry: FiledCheck) -> None:
    limits = [entry.level, entry.limit, *([entry.stands.limit] if entry.stands else [])]
    wrong = [limit for limit in limits if not 1 <= limit <= 5]
    if wrong:
        raise ValueError(f"checks: {entry.id!r:.80}: a level is 1 to 5, found {_short(wrong[0])}")


def _short(value: object) -> str:
    try:
        return f"{value!r:.40}"
    except ValueError:  # a number of more digits than Python writes
        return "a number of thousands of digits"

"""What earlier runs recorded: those of the same commit in the report folder, and the audit to compare with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_backend_audit.document.rotation import JOURNAL, SCORECARD, name_of, next_number, runs_in
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.filed import FiledError, standing_word
from pytest_backend_audit.filed import read as read_filed
from pytest_backend_audit.model import FiledCard, Outcome, PriorCheck

UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)
"""What reading a file that is none of ours may raise; the last is for numbers without end, such as 1e999."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """Runs of the same commit."""

    lines: tuple[str, ...] = ()
    """One for each, with what it found, in the order of their numbers."""
    checks: Mapping[str, PriorCheck] = field(default_factory=dict)
    """Checks that failed in one of them, each with its lowest limit."""


@dataclass(frozen=True, slots=True)
class Prior:
    """The audit to compare with."""

    levels: Mapping[str, int] = field(default_factory=dict)
    """Dimension -> level before the reviewer's cap."""
    checks: Mapping[str, PriorCheck] = field(default_factory=dict)
    source: str = ""
    service: str = ""
    """Whose audit it is, as far as it tells."""


def earlier(report_dir: Path, commit: str, filed: Sequence[Path] = ()) -> Earlier:
    """The runs of this commit that the report folder holds, the latest included, and those that were filed.

    A run that can't be read is listed as such: it may have found something.

    Args:
        report_dir: Report folder, before its run is moved away.
        commit: Full SHA; nothing is earlier to a rehearsal outside git.
        filed: Filed cards of the service, in their order.
    """
    if not commit:
        return Earlier()
    lines: list[str] = []
    checks: dict[str, PriorCheck] = {}
    instants: set[str] = set()
    for name, folder in _named_runs(report_dir):
        told = _run(folder)
        if told is None:
            if name.endswith(f"-{commit[:7]}"):
                lines.append(f"run {name}: can't be read")
            continue
        if told.commit != commit:
            continue
        lines.append(f"run {name}, {told.instant}, {told.mode}: {told.result}")
        instants.add(told.instant)
        checks = joined(checks, _failures(told, f"earlier run {name}"))
    latest = {told.instant: (file, told) for file in filed if (told := _filed(file)) is not None}
    for file, told in latest.values():
        # A run that the report folder still holds is told of once; so is one that was filed again when signed.
        if told.commit == commit and told.instant not in instants:
            lines.append(f"run filed as {file.stem}, {told.instant}, {told.mode}: {told.result}")
            checks = joined(checks, _failures(told, f"earlier run filed as {file.stem}"))
    return Earlier(tuple(lines), checks)


def load_prior(path: str | Path) -> Prior:
    """Read the audit to compare with.

    Args:
        path: A run folder, a scorecard.json, or a filed card: its JSON, or the Markdown beside it.

    Raises:
        AuditUsageError: It is neither, or can't be read.
    """
    given = Path(path)
    file = given / SCORECARD if given.is_dir() else given
    if file.suffix == ".md":
        file = file.with_suffix(".json")
    if given.is_dir() and not file.is_file() and (given / JOURNAL).is_file():
        raise AuditUsageError(f"--audit-prior={path}: it has no {SCORECARD} yet; backend-audit render {path} writes it")
    if not file.is_file():
        raise AuditUsageError(f"--audit-prior={path}: there is no run folder, {SCORECARD} or filed card there")
    told = _card(file)
    if told is None:
        try:
            told = _told(read_filed(file))
        except FiledError as error:
            raise AuditUsageError(f"--audit-prior={path}: no scorecard of ours; as a filed card, {error}") from None
    source = f"prior audit {told.instant[:10]} of {told.commit[:7] or 'no commit'}"
    return Prior(told.levels, joined({}, dict(_checks(told, source))), source + told.remark, told.service)


def joined(first: Mapping[str, PriorCheck], second: Mapping[str, PriorCheck]) -> dict[str, PriorCheck]:
    """Both records: a check that failed in either keeps its lowest failed limit; else the second's word stands.

    What the prior audit knew of is still known, whoever has the word.
    """
    result = dict(first)
    for id_, check in second.items():
        known = result.get(id_)
        if known is None:
            result[id_] = check
        elif _weight(check) <= _weight(known):
            result[id_] = replace(check, stood=check.stood or known.known)
        elif check.known:
            result[id_] = replace(known, stood=True)
    return result


def _weight(check: PriorCheck) -> tuple[bool, int]:
    failed = check.outcome is Outcome.FAILED
    return (not failed, check.limit if failed else 0)


@dataclass(frozen=True, slots=True)
class _Told:
    """What is read of a run."""

    commit: str
    instant: str
    mode: str
    result: str
    remark: str
    levels: Mapping[str, int]
    checks: tuple[tuple[str, Outcome, int], ...]
    service: str = ""


def _named_runs(report_dir: Path) -> Iterator[tuple[str, Path]]:
    for _, folder in runs_in(report_dir):
        yield folder.name, folder
    if (report_dir / JOURNAL).is_file() or (report_dir / SCORECARD).is_file():
        yield name_of(next_number(report_dir), report_dir), report_dir


def _run(folder: Path) -> _Told | None:
    """A run by its card; one that was killed before it had any, by its journal."""
    return _card(folder / SCORECARD) or _journal(folder)


def _card(file: Path) -> _Told | None:
    """The parts of a scorecard.json that we need; None for anything else."""
    try:
        data = json.loads(file.read_bytes())
        levels = {str(d["id"]): int(d["would_be"]) for d in data["dimensions"]}
        checks = tuple(_of_card(data["dimensions"]))
        remark = ""
        if data["mode"] != "formal":
            remark = f" ({data['mode']})"
        elif data["partial"]:
            remark = " (partial)"
        return _Told(
            commit=str(data["document"]["commit"]),
            instant=str(data["instant"]),
            mode=str(data["mode"]),
            result=_result(data),
            remark=remark,
            levels=levels,
            checks=checks,
            service=str(data["document"].get("service", "")),
        )
    except UNREADABLE:
        return None


def _filed(file: Path) -> _Told | None:
    """What a filed card tells; None for anything else."""
    try:
        return _told(read_filed(file))
    except FiledError:
        return None


def _told(card: FiledCard) -> _Told:
    return _Told(
        commit=card.commit,
        instant=card.instant,
        mode="formal",
        result=f"total {card.total} of {card.maximum}, {card.disposition_name or 'no disposition'}",
        remark="",
        levels={d.id: d.would_be for d in card.dimensions},
        checks=tuple((c.id, *standing_word(c)) for c in card.checks),
        service=card.service,
    )


def _of_card(dimensions: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Outcome, int]]:
    for dimension in dimensions:
        for criterion in dimension["criteria"]:
            for result in criterion["checks"]:
                # A failure that was carried over is still that failure.
                outcome = Outcome.FAILED if result.get("carried") else Outcome(result["outcome"])
                yield str(result["check"]["id"]), outcome, int(result["limit"])


def _result(data: Mapping[str, Any]) -> str:
    if data.get("invalid"):
        return "invalid"
    if data["total"] is None:
        # Of a dimension that nobody looked at, a level would pass for a verdict.
        seen = [d for d in data["dimensions"] if not data["partial"] or any(c["checks"] for c in d["criteria"])]
        levels = " ".join(f"{d['id']} L{d['would_be']}" for d in seen)
        return ("partial, " if data["partial"] else "") + (levels or "no check was run")
    disposition = data["disposition"]
    named = f", {disposition['name']}" if disposition else ""
    return f"total {data['total']} of {data['maximum']}{named}"


def _journal(folder: Path) -> _Told | None:
    """What a journal without a card tells: failures seen before the run was cut short."""
    try:
        with (folder / JOURNAL).open("rb") as file:
            start = json.loads(next(file))["data"]["inputs"]
            levels = {str(c["id"]): int(c["level"]) for c in start["plan"]}
            failed = sorted({id_ for line in file if (id_ := _failed(line)) in levels})
        return _Told(
            commit=str(start["document"]["commit"]),
            instant=str(start["instant"]),
            mode=str(start["mode"]),
            result="cut short" + (f", {len(failed)} failed by then" if failed else ""),
            remark="",
            levels={},
            checks=tuple((id_, Outcome.FAILED, max(1, levels[id_] - 1)) for id_ in failed),
        )
    except (*UNREADABLE, StopIteration):
        return None


def _failed(line: bytes) -> str:
    """Id of the check that a journal's line says failed; empty for all others, the torn last line included."""
    try:
        event = json.loads(line)
        failed = event["type"] == "attempt" and event["data"]["status"] == "failed"
        return str(event["data"]["check"]) if failed else ""
    except UNREADABLE:
        return ""


def _failures(told: _Told, source: str) -> dict[str, PriorCheck]:
    return {id_: check for id_, check in _checks(told, source) if check.outcome is Outcome.FAILED}


def _checks(told: _Told, source: str) -> Iterator[tuple[str, PriorCheck]]:
    worst: dict[str, PriorCheck] = {}
    for id_, outcome, limit in told.checks:
        worst = joined(worst, {id_: PriorCheck(outcome, limit, source)})
    yield from worst.items()

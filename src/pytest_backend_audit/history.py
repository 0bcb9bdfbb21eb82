"""What earlier runs recorded: those of the same commit in the report folder, and the audit to compare with."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_backend_audit import filed as filing
from pytest_backend_audit.cases import yet_to_pass
from pytest_backend_audit.document.rotation import JOURNAL, SCORECARD, name_of, next_number, runs_in
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.filed import ChangedError, FiledError, standing_word
from pytest_backend_audit.model import HAD_PASSED, Mode, Outcome, PriorCheck, YetToPass
from pytest_backend_audit.priors import joined

if TYPE_CHECKING:
    from pytest_backend_audit.model import Card, FiledCard

_OF_A_RUN = frozenset({SCORECARD, "scorecard.md"})
"""Files of a run folder: its journal says more, and can be checked."""
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
    yet_to_pass: Mapping[str, YetToPass] = field(default_factory=dict)
    """Check -> its cases that did not pass, as far as it tells."""
    whole: Mapping[str, int] = field(default_factory=dict)
    """Of a merge: the levels of all its environments together, where the others are those of one."""
    whole_open: tuple[str, ...] = ()
    """Likewise the checks of which they had no pass."""
    places: tuple[str, ...] = ()
    """Its environments."""


def earlier(
    report_dir: Path,
    commit: str,
    filed: Mapping[Path, Collection[str]] = MappingProxyType({}),
    *,
    formal: bool = False,
    environment: Collection[str] = (),
) -> Earlier:
    """The runs of this commit that the report folder holds, the latest included, and those that were filed.

    A run that can't be read is listed as such: it may have found something.

    Args:
        report_dir: Report folder, before its run is moved away.
        commit: Full SHA; nothing is earlier to a rehearsal outside git.
        filed: Filed cards of this commit, in their order -> digests of what was filed as each, none if not known.
        formal: Whether a card that is not what was filed ends the audit.
        environment: Names of the environment that is audited, now and before: failures of others are marked.

    Raises:
        AuditUsageError: It does.
    """
    if not commit:
        return Earlier()
    lines: list[str] = []
    checks: dict[str, PriorCheck] = {}
    instants: set[str] = set()
    for name, folder in _named_runs(report_dir):
        told = _run(folder, commit)
        if told is None:
            if name.endswith(f"-{commit[:7]}"):
                lines.append(f"run {name}: can't be read")
            continue
        if told.commit != commit:
            continue
        lines.append(f"run {name}, {told.instant}, {told.mode}: {told.result}")
        instants.add(told.instant)
        checks = joined(checks, _failures(told, f"earlier run {name}", environment))
    latest: dict[str, tuple[Path, _Told]] = {}
    for file, digests in filed.items():
        try:
            told = _told(filing.read(file, digests))
        except FiledError as error:
            if formal and (isinstance(error, ChangedError) or not file.exists()):
                raise AuditUsageError(str(error)) from None
            lines.append(f"run filed as {file.stem}: {str(error).removeprefix(f'{file}: ').removeprefix(f'{file} ')}")
        else:
            latest[told.instant] = file, told
    for file, told in latest.values():
        # A run that the report folder still holds is told of once; so is one that was filed again when signed.
        if told.commit == commit and told.instant not in instants:
            lines.append(f"run filed as {file.stem}, {told.instant}, {told.mode}: {told.result}")
            checks = joined(checks, _failures(told, f"earlier run filed as {file.stem}", environment))
    return Earlier(tuple(lines), checks)


def load_prior(
    path: str | Path, *, digests: Collection[str] = (), formal: bool = False, environment: Collection[str] = ()
) -> Prior:
    """Read the audit to compare with.

    Args:
        path: A run folder, or that of a merge, by its journals; a scorecard.json without a journal beside it; or a
            filed card: its JSON, or the Markdown beside it.
        digests: Of what was filed as this card, of which it has to be one; none if not known.
        formal: Whether it has to be a whole formal audit: what a formal one is compared with.
        environment: Names of the environment that is compared, now and before: of a merge its own levels count.

    Raises:
        AuditUsageError: It is none of these, can't be read, or was altered.
    """
    given = Path(path)
    folder = given if given.is_dir() else given.parent if given.name in _OF_A_RUN else None
    if folder is not None and _is_run(folder):
        told = _intact(folder, path)
    else:
        file = given / SCORECARD if given.is_dir() else given
        if file.suffix == ".md":
            file = file.with_suffix(".json")
        if not file.is_file():
            raise AuditUsageError(f"--audit-prior={path}: there is no run folder, {SCORECARD} or filed card there")
        bare = None if digests else _card(file)  # nobody filed a scorecard
        if bare is None and given.is_dir():
            raise AuditUsageError(f"--audit-prior={path}: its {SCORECARD} is no scorecard of ours; name a run folder")
        try:
            told = _told(filing.read(file, digests)) if bare is None else bare
        except ChangedError as error:
            raise AuditUsageError(str(error)) from None
        except FiledError as error:
            raise AuditUsageError(f"--audit-prior={path}: no scorecard of ours; as a filed card, {error}") from None
        if bare is not None:
            told = replace(told, remarks=(*told.remarks, "without its journal"))
    if formal and told.unfit:
        raise AuditUsageError(
            f"--audit-prior={path}: {told.unfit}, and a formal audit is compared with a whole formal one; name one, or "
            "leave the option out"
        )
    source = f"prior audit {told.instant[:10]} of {told.commit[:7] or 'no commit'}"
    remark = f" ({', '.join(told.remarks)})" if told.remarks else ""
    # Of one environment, whatever it is called; of a merge that of which there is talk.
    apart = told.yet_to_pass
    cases = next(iter(apart.values())) if len(apart) == 1 and not told.places else {}
    cases = next((there for name, there in apart.items() if name in environment), cases)
    part = filing.part_of(told.card, environment) if told.card else None
    of_merge = part is not told.card
    own = _told(part) if part and of_merge else told
    return Prior(
        own.levels,
        joined({}, dict(_checks(own, source))),
        source + remark,
        told.service,
        dict(cases),
        told.levels if of_merge else {},
        tuple(c.id for c in told.card.checks if c.outcome not in HAD_PASSED) if told.card and of_merge else (),
        told.places if of_merge else (),
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What is read of a run."""

    commit: str
    instant: str
    mode: str
    result: str
    levels: Mapping[str, int]
    checks: tuple[tuple[str, Outcome, int], ...]
    service: str = ""
    remarks: tuple[str, ...] = ()
    """What its levels are not: those of a whole formal audit."""
    unfit: str = ""
    """Why no formal audit is compared with it; empty if one may be."""
    yet_to_pass: Mapping[str, Mapping[str, YetToPass]] = field(default_factory=dict)
    """Environment -> check -> its cases that did not pass there; none of a card without its journal."""
    card: FiledCard | None = None
    """As it is, or would be, filed; None of a scorecard.json alone."""
    environment: str = ""
    """Empty where nobody can tell."""

    @property
    def places(self) -> tuple[str, ...]:
        """The environments of a merge."""
        return tuple(self.card.parts) if self.card is not None else ()


def _named_runs(report_dir: Path) -> Iterator[tuple[str, Path]]:
    for _, folder in runs_in(report_dir):
        yield folder.name, folder
    if (report_dir / JOURNAL).is_file() or (report_dir / SCORECARD).is_file():
        yield name_of(next_number(report_dir), report_dir), report_dir


def _run(folder: Path, commit: str) -> _Told | None:
    """A run of a commit by its journal; by its card only where no journal tells. Of another commit, whose it is."""
    begun = _begun(folder)
    if begun is None:
        if told := _merged(folder):
            return told
        told = _card(folder / SCORECARD)
        lost = _is_run(folder)
        return replace(told, result=f"{told.result}, by a card whose journal can't be read") if told and lost else told
    if begun.commit != commit:
        return begun
    from pytest_backend_audit.finished import load  # noqa: PLC0415 - only where there is such a run
    from pytest_backend_audit.journal import RunError  # noqa: PLC0415

    try:
        card = load(folder).card
    except RunError as error:
        said = str(error).partition(". ")[0].replace(f"{folder / JOURNAL}:", "line ")
        return replace(_failed_by(folder, begun), result=f"can't be read, {said}")
    except (ValueError, OSError):
        return replace(_failed_by(folder, begun), result="can't be scored")
    return _failed_by(folder, begun) if card.seal is None else _of_run(card)


def _merged(folder: Path) -> _Told | None:
    """A merge by the journals of its runs; None if it is none, or can't be read."""
    from pytest_backend_audit.finished import MERGE, load  # noqa: PLC0415 - only where there is such a run

    if not (folder / MERGE).is_file():
        return None
    try:
        return _of_run(load(folder).card)
    except (ValueError, OSError):
        return None


def _is_run(folder: Path) -> bool:
    from pytest_backend_audit.finished import is_run  # noqa: PLC0415 - where a prior audit is named

    return is_run(folder)


def _intact(folder: Path, path: str | Path) -> _Told:
    from pytest_backend_audit.finished import load, verify  # noqa: PLC0415 - only where there is such a run
    from pytest_backend_audit.journal import State  # noqa: PLC0415

    try:
        found = verify(folder)
        card = None if found.state is State.ALTERED else load(folder).card
    except (ValueError, OSError) as error:
        said = str(error).partition("\n")[0]
        raise AuditUsageError(f"--audit-prior={path}: {said}") from None
    if card is None:
        raise AuditUsageError(f"--audit-prior={path}: the run was altered: {found.problems[0]}")
    return _of_run(card)


def _of_run(card: Card) -> _Told:
    """What a run's own card tells, made from its journal."""
    formal, seal = card.inputs.mode is Mode.FORMAL, card.seal
    invalid = seal.invalid if seal else ""
    told = _told(filing.filed(card, numbers={}, sources=()))
    looked = {r.check.dimension for r in card.checks}
    kinds = {
        "a rehearsal": not formal,
        "a run that did not end": seal is None,
        "an invalid run": bool(invalid),
        "a partial run": bool(card.partial),
    }
    return replace(
        told,
        mode=card.inputs.mode.value,
        result=_result(
            invalid=bool(invalid),
            partial=bool(card.partial),
            total=card.total,
            maximum=card.maximum,
            disposition=card.disposition.name if card.disposition else "",
            levels=[f"{d.id} L{d.would_be}" for d in card.dimensions if not card.partial or d.id in looked],
        ),
        remarks=_remarks(card.inputs.mode.value, partial=bool(card.partial)),
        unfit=next((kind for kind, applies in kinds.items() if applies), ""),
        yet_to_pass=_yet_to_pass(card),
    )


def _yet_to_pass(card: Card) -> dict[str, dict[str, YetToPass]]:
    """Environment -> check -> its cases that did not pass there."""
    found: dict[str, dict[str, YetToPass]] = {}
    for result in card.checks:
        for place, cases in result.cases.items():
            told = yet_to_pass(cases, YetToPass(), by_place=result.check.id in card.inputs.by_place)
            if told.names:
                found.setdefault(place, {})[result.check.id] = told
    return found


def _remarks(mode: str, *, partial: bool) -> tuple[str, ...]:
    return (mode,) if mode != Mode.FORMAL else ("partial",) if partial else ()


def _card(file: Path) -> _Told | None:
    """The parts of a scorecard.json that we need; None for anything else."""
    try:
        data = json.loads(file.read_bytes())
        levels = {str(d["id"]): int(d["would_be"]) for d in data["dimensions"]}
        checks = tuple(_of_card(data["dimensions"]))
        mode, partial, invalid = str(data["mode"]), bool(data["partial"]), bool(data.get("invalid"))
        disposition = data["disposition"]
        # Of a dimension that nobody looked at, a level would pass for a verdict.
        seen = [d for d in data["dimensions"] if not partial or any(c["checks"] for c in d["criteria"])]
        kinds = {"a rehearsal": mode != Mode.FORMAL, "an invalid run": invalid, "a partial run": partial}
        return _Told(
            commit=str(data["document"]["commit"]),
            instant=str(data["instant"]),
            mode=mode,
            result=_result(
                invalid=invalid,
                partial=partial,
                total=data["total"],
                maximum=data["maximum"],
                disposition=str(disposition["name"]) if disposition else "",
                levels=[f"{d['id']} L{d['would_be']}" for d in seen],
            ),
            levels=levels,
            checks=checks,
            service=str(data["document"].get("service", "")),
            environment=str(data["document"].get("environment", "")),
            remarks=_remarks(mode, partial=partial),
            unfit=next((kind for kind, applies in kinds.items() if applies), ""),
        )
    except UNREADABLE:
        return None


def _told(card: FiledCard) -> _Told:
    return _Told(
        commit=card.commit,
        instant=card.instant,
        mode="formal",
        result=f"total {card.total} of {card.maximum}, {card.disposition_name or 'no disposition'}",
        levels={d.id: d.would_be for d in card.dimensions},
        checks=tuple((c.id, *standing_word(c)) for c in card.checks),
        service=card.service,
        card=card,
        environment=card.environment,
    )


def _of_card(dimensions: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Outcome, int]]:
    for dimension in dimensions:
        for criterion in dimension["criteria"]:
            for result in criterion["checks"]:
                # A failure that was carried over is still that failure.
                outcome = Outcome.FAILED if result.get("carried") else Outcome(result["outcome"])
                yield str(result["check"]["id"]), outcome, int(result["limit"])


def _result(
    *, invalid: bool, partial: bool, total: int | None, maximum: int, disposition: str, levels: Sequence[str]
) -> str:
    if invalid:
        return "invalid"
    if total is None:
        return ("partial, " if partial else "") + (" ".join(levels) or "no check was run")
    return f"total {total} of {maximum}" + (f", {disposition}" if disposition else "")


def _begun(folder: Path) -> _Told | None:
    """What the first line of a journal tells of its run; None if it can't be read."""
    try:
        with (folder / JOURNAL).open("rb") as file:
            start = json.loads(next(file))["data"]["inputs"]
        return _Told(
            commit=str(start["document"]["commit"]),
            instant=str(start["instant"]),
            mode=str(start["mode"]),
            environment=str(start["document"].get("environment", "")),
            result="cut short",
            levels={},
            # As if each had failed: `_failed_by` keeps those that did.
            checks=tuple((str(c["id"]), Outcome.FAILED, max(1, int(c["level"]) - 1)) for c in start["plan"]),
        )
    except (*UNREADABLE, StopIteration):
        return None


def _failed_by(folder: Path, begun: _Told) -> _Told:
    """A run that was cut short, or whose journal is none any more: failures that its lines tell of."""
    try:
        with (folder / JOURNAL).open("rb") as file:
            failed = {_failed(line) for line in file}
    except OSError:
        failed = set()
    checks = tuple(check for check in begun.checks if check[0] in failed)
    return replace(begun, result="cut short" + (f", {len(checks)} failed by then" if checks else ""), checks=checks)


def _failed(line: bytes) -> str:
    """Id of the check that a journal's line says failed; empty for all others, the torn last line included."""
    try:
        event = json.loads(line)
        failed = event["type"] == "attempt" and event["data"]["status"] == "failed"
        return str(event["data"]["check"]) if failed else ""
    except UNREADABLE:
        return ""


def _failures(told: _Told, source: str, environment: Collection[str]) -> dict[str, PriorCheck]:
    """Checks that failed in an earlier run; of a merge, each marked that failed in its other environments only."""
    failed = {id_: check for id_, check in _checks(told, source) if check.outcome is Outcome.FAILED}
    own = _told(filing.part_of(told.card, environment)) if told.card is not None else told
    here = {id_ for id_, outcome, _ in own.checks if outcome is Outcome.FAILED}
    if own.environment and environment and own.environment not in environment:
        here = set()
    return {id_: check if id_ in here else replace(check, elsewhere=True) for id_, check in failed.items()}


def _checks(told: _Told, source: str) -> Iterator[tuple[str, PriorCheck]]:
    worst: dict[str, PriorCheck] = {}
    for id_, outcome, limit in told.checks:
        worst = joined(worst, {id_: PriorCheck(outcome, limit, source)})
    yield from worst.items()

"""Whether a run folder still holds what run and reviewer put there: record, evidence, sign-off and reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_backend_audit.finished import MERGE, SOURCES, Finished, load, scored, sources, verify
from pytest_backend_audit.journal import JOURNAL, State
from pytest_backend_audit.model import Card, SignOff
from pytest_backend_audit.reports import FORMATS, chunks
from pytest_backend_audit.signoff import SIGNATURE, STATEMENT, present
from pytest_backend_audit.signoff.statement import difference

REPORTS = {name: format_.filename for name, format_ in FORMATS.items() if format_.filename}
"""Format -> its file in a run folder."""
KNOWN = frozenset(
    {
        *REPORTS.values(),
        *(JOURNAL, "evidence", "faults.jsonl", STATEMENT, SIGNATURE, MERGE, SOURCES),
        *("earlier", ".running", ".gitignore"),
    }
)
"""What a run folder holds by itself."""


@dataclass(frozen=True, slots=True)
class Integrity:
    """What became of a run folder since it was written."""

    state: State
    lines: int
    """Lines of the journal that are good, from the first; of a merge, of all its journals."""
    head: str
    """Hash of the last good line; of a merge, of the list of its runs."""
    problems: tuple[str, ...] = ()
    """What was changed, each with its place."""
    sign_off: SignOff | None = None
    no_sign_off: str = ""
    """Why a sign-off that lies there does not count."""
    not_looked: str = ""
    """What was not looked at of a sign-off that counts; empty if all was."""
    not_compared: str = ""
    """Why the reports were not compared with the record; empty if they were, or there are none."""
    others: tuple[str, ...] = ()
    """Names that neither record nor sign-off vouches for."""


def examine(folder: Path, allowed_signers: str = "") -> Integrity:
    """Compare a run folder with itself; of a merge, each of its runs as well.

    Args:
        folder: Of a run, or of a merge.
        allowed_signers: As for `finished.load`.

    Raises:
        RunError: There is no record to look at, or it is of another version.
        ValueError: It can't be scored, so that there is nothing to compare a report with.
        OSError: A file can't be read.
    """
    whole = _examine(folder, allowed_signers)
    if whole.state is State.ALTERED or not (folder / MERGE).is_file():
        return whole
    parts = {path: _examine(path, allowed_signers) for path in sources(folder)}
    problems = [p for part in parts.values() for p in part.problems if p not in whole.problems]
    altered = any(part.state is State.ALTERED for part in parts.values())
    return replace(
        whole,
        state=State.ALTERED if altered else whole.state,
        problems=(*whole.problems, *problems),
        not_compared=next((p.not_compared for p in (whole, *parts.values()) if p.not_compared), ""),
        others=(
            *whole.others,
            *(f"{path.relative_to(folder).as_posix()}/{name}" for path, part in parts.items() for name in part.others),
        ),
    )


def _examine(folder: Path, allowed_signers: str) -> Integrity:
    found = verify(folder)
    others = tuple(sorted(p.name for p in folder.iterdir() if p.name not in KNOWN))
    told = Integrity(found.state, found.lines, found.head, found.problems, others=others)
    there = [name for name in REPORTS.values() if (folder / name).exists()]
    if found.state is State.ALTERED or not found.lines or not (there or present(folder)):
        return told
    run = load(folder, allowed_signers=allowed_signers)
    problems = [run.no_sign_off] if run.checked.altered else []
    not_compared = "reports were not compared: the run was cut short" if found.problems else _other_version(run)
    if there and not not_compared:
        unlike, not_compared = _differences(run)
        problems += unlike
    return replace(
        told,
        state=State.ALTERED if problems else told.state,
        problems=(*told.problems, *problems),
        sign_off=run.sign_off,
        no_sign_off=run.no_sign_off,
        not_looked=run.checked.not_looked,
        not_compared=not_compared,
    )


def _other_version(run: Finished) -> str:
    from pytest_backend_audit import __version__  # noqa: PLC0415 - lazily, as the package's names are

    versions = {r.inputs.plugin_version for r in run.records} - {__version__}
    if not versions:
        return ""
    return f"reports were not compared: the run is of version {', '.join(sorted(versions))}, and this is {__version__}"


def _differences(run: Finished) -> tuple[list[str], str]:
    """The reports that do not follow from the run, or why nobody can tell.

    A sign-off that is sound and does not count here, such as for want of the repository, may show in them.
    """
    plain = [*_unlike(run.folder, run.card)]
    if run.sign_off is not None or not plain or not run.no_sign_off:
        return plain, ""
    if run.checked.altered or run.checked.claimed is None:
        return [], "reports were not compared: it is not known what was signed"
    return [*_unlike(run.folder, scored(run.folder, run.records, run.checked.claimed))], ""


def _unlike(folder: Path, card: Card) -> Iterator[str]:
    for format_, name in REPORTS.items():
        path = folder / name
        if not path.is_file():
            yield f"{path}: is missing; `backend-audit render` writes it again"
            continue
        expected = "".join(chunks(card, format_)).encode("utf-8", "backslashreplace")
        with path.open("rb") as file:
            # A byte more than there should be tells of all that follow.
            shown = file.read(len(expected) + 1)
        if place := difference(shown, expected):
            yield f"{path}:{place}: not what follows from the record; `backend-audit render` writes it again"

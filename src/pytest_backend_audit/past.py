"""What is known of a service's earlier audits when one begins: the one to compare with, and runs of the same commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_backend_audit import history, kept
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.filed import digest

if TYPE_CHECKING:
    from pytest_backend_audit.ledger.events import Filed


@dataclass(frozen=True, slots=True)
class Past:
    """Copied into the journal, so that the card depends on nothing else."""

    prior: history.Prior
    earlier: history.Earlier
    reference: str = ""
    """The filed card that it is compared with, ``audits/<service>/<date>.md``; empty where another was asked for."""
    missing: str = ""
    """Why there is none to compare with, although audits of the service were filed; empty if there is, or none were."""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is audited."""

    repository: Path
    """Top of the audited repository."""
    service: str
    """Empty where there is no audit.yaml, or it names none: then there is no ledger."""
    environment: str
    """Its audits are compared with each other."""
    kind: str
    """Of the environment."""
    named: frozenset[str] = frozenset()
    """Every environment that audit.yaml names, by name or kind."""


def known(report: Path, commit: str, *, asked: str | None, subject: Subject, formal: bool) -> Past:
    """Look into the report folder, and into the service's ledger in the tree.

    Args:
        report: Report folder.
        commit: The audited one; empty in a rehearsal outside git.
        asked: What ``--audit-prior`` names; None for the ledger's latest.
        subject: What is audited.
        formal: Whether a ledger that can't be read ends the audit, and an audit to compare with has to be one too.

    Raises:
        AuditUsageError: What was asked for, or the ledger, can't be read.
        OSError: The report folder can't be read.
    """
    filed = _Filed()
    notices: tuple[str, ...] = ()
    prior, reference = history.Prior(), ""
    try:
        filed = _filed(subject)
        if filed.latest is not None and not asked:
            prior = _loaded(filed.latest, filed.cards[filed.latest])
            reference = filed.latest.relative_to(subject.repository).with_suffix(".md").as_posix()
            prior = replace(prior, source=f"{prior.source} ({reference})")
        notices = filed.notices
    except (ValueError, AuditUsageError) as error:
        said = str(error).replace("--audit-prior=", "")
        if formal:
            raise AuditUsageError(said) from None
        notices = (f"compared with no prior audit: {said}",)
    if asked:
        prior = _loaded(asked, filed.filing(Path(asked)), formal=formal)
        if prior.service and subject.service and prior.service != subject.service:
            raise AuditUsageError(
                f"--audit-prior={asked}: an audit of {prior.service!a}, and this is one of {subject.service!a}; name "
                "one of the same service"
            )
    of_commit = {path: filing.card for path, filing in filed.cards.items() if filing.commit == commit}
    missing = "" if asked or filed.latest else filed.missing
    return Past(prior, history.earlier(report, commit, of_commit), reference, missing, notices)


@dataclass(frozen=True, slots=True)
class _Filed:
    """What the ledger knows."""

    latest: Path | None = None
    """The card to compare with."""
    cards: Mapping[Path, Filed] = field(default_factory=dict)
    missing: str = ""
    """Why no card is to be compared with, where there are some."""
    notices: tuple[str, ...] = ()

    def filing(self, path: Path) -> Filed | None:
        """That of a card; None if it is none of these."""
        file = path.with_suffix(".json").resolve()
        return next((filing for card, filing in self.cards.items() if card.resolve() == file), None)


def _loaded(path: str | Path, filing: Filed | None, *, formal: bool = False) -> history.Prior:
    """The audit to compare with; of one in the ledger, as it was filed.

    Raises:
        AuditUsageError: It can't be read, or is not what was filed.
    """
    prior = history.load_prior(path, as_filed=filing.card if filing else "", formal=formal)
    if filing is not None and filing.kept:
        values = kept.beside(Path(path))
        try:
            found = digest(values.read_bytes())
        except OSError as error:
            raise AuditUsageError(f"{values} can't be read: {error.strerror}; restore it from git") from None
        if found != filing.kept:
            raise AuditUsageError(f"{values}: changed since it was filed, by the ledger beside it; restore it from git")
    return prior


def _filed(subject: Subject) -> _Filed:
    if not subject.service.strip() or not (subject.repository / "audits").is_dir():
        return _Filed()
    from pytest_backend_audit.ledger import Place, read  # noqa: PLC0415 - only where audits were filed

    place = Place(subject.repository, subject.service)
    if not place.ledger.exists():
        return _Filed()
    state = read(place)
    cards = {place.folder / f"{filing.file}.json": filing for filing in state.filings}
    notices = state.notices
    latest = state.latest(subject.environment)
    if latest is None and (latest := state.renamed(subject.kind, subject.named)):
        notices += (
            f"compared with {place.name}/{latest.file}, of the environment {latest.environment!a}, which audit.yaml no "
            f"longer names: of {subject.environment!a}, likewise {subject.kind}, no audit was filed",
        )
    if latest is None:
        others = ", ".join(dict.fromkeys(f.environment or "not stated" for f in state.filings))
        missing = (
            f"{place.name} has audits of {others}, none of {subject.environment or 'an environment that is not stated'}"
        )
        return _Filed(None, cards, missing if cards else "", notices)
    card = place.folder / f"{latest.file}.json"
    if not card.is_file():
        raise ValueError(
            f"{place.name}/{latest.file}.json is not there, and the ledger says that it was filed; restore it from git"
        )
    return _Filed(card, cards, "", notices)

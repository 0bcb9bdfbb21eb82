"""What is known of a service's earlier audits when one begins: the one to compare with, and runs of the same commit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pytest_backend_audit import document
from pytest_backend_audit.errors import AuditUsageError


@dataclass(frozen=True, slots=True)
class Past:
    """Copied into the journal, so that the card depends on nothing else."""

    prior: document.Prior
    earlier: document.Earlier
    reference: str = ""
    """The filed card that it is compared with, ``audits/<service>/<date>.md``; empty where another was asked for."""
    notices: tuple[str, ...] = ()


def known(
    report: Path, commit: str, *, asked: str | None, repository: Path, service: str, environment: str, formal: bool
) -> Past:
    """Look into the report folder, and into the service's ledger in the tree.

    Args:
        report: Report folder.
        commit: The audited one; empty in a rehearsal outside git.
        asked: What ``--audit-prior`` names; None for the ledger's latest.
        repository: Top of the audited repository.
        service: Empty where there is no audit.yaml, or it names none: then there is no ledger.
        environment: Its audits are compared with each other.
        formal: Whether a ledger that can't be read ends the audit.

    Raises:
        AuditUsageError: What was asked for, or the ledger, can't be read.
        OSError: The report folder can't be read.
    """
    prior = document.load_prior(asked) if asked else document.Prior()
    if prior.service and service and prior.service != service:
        raise AuditUsageError(
            f"--audit-prior={asked}: an audit of {prior.service!a}, and this is one of {service!a}; name one of the "
            "same service"
        )
    reference = ""
    filed: list[Path] = []
    notices: tuple[str, ...] = ()
    try:
        latest, filed, notices = _of_ledger(repository, service, environment)
        if latest is not None and not asked:
            prior = document.load_prior(latest)
            reference = latest.relative_to(repository).with_suffix(".md").as_posix()
            prior = replace(prior, source=f"{prior.source} ({reference})")
    except (ValueError, AuditUsageError) as error:
        said = str(error).replace("--audit-prior=", "")
        if formal:
            raise AuditUsageError(said) from None
        notices = (f"compared with no prior audit: {said}",)
    return Past(prior, document.earlier(report, commit, filed), reference, notices)


def _of_ledger(repository: Path, service: str, environment: str) -> tuple[Path | None, list[Path], tuple[str, ...]]:
    """The filed card to compare with, all of them, and what is odd about the ledger."""
    if not service.strip() or not (repository / "audits").is_dir():
        return None, [], ()
    from pytest_backend_audit.ledger import Place, read  # noqa: PLC0415 - only where audits were filed

    place = Place(repository, service)
    if not place.ledger.exists():
        return None, [], ()
    state = read(place)
    cards = {filing.file: place.folder / f"{filing.file}.json" for filing in state.filings}
    latest = state.latest(environment)
    if latest is not None and not cards[latest.file].is_file():
        raise ValueError(
            f"{place.name}/{latest.file}.json is not there, and the ledger says that it was filed; restore it from git"
        )
    return cards[latest.file] if latest else None, list(cards.values()), state.notices

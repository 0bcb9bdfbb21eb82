"""What is known of a service's earlier audits when one begins: the one to compare with, and runs of the same commit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_backend_audit import history, kept
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.filed import FiledError, digest, sources_of
from pytest_backend_audit.filed import read as read_filed
from pytest_backend_audit.ledger.cards import Cards, digests_of

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import Place, State
    from pytest_backend_audit.ledger.events import Filed
    from pytest_backend_audit.model import YetToPass


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
    yet_to_pass: Mapping[str, YetToPass] = field(default_factory=dict)
    """Check -> its cases that had not passed before."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is audited."""

    repository: Path
    """Top of the audited repository."""
    service: str
    """Empty where there is no audit.yaml, or it names none: then nobody knows whose ledger counts."""
    environment: str
    """Its audits are compared with each other."""
    kind: str = ""
    """Of the environment."""
    formerly: str = ""
    """Its name before, as audit.yaml states it."""
    named: frozenset[str] = frozenset()
    """Every environment that audit.yaml names."""
    config: str = ""
    """Path of audit.yaml, as a filing has it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the environment, now and before."""
        return tuple(name for name in (self.environment, self.formerly) if name)


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
        notices = filed.notices
        if filed.latest is not None and not asked:
            card = filed.card_of(filed.latest)
            held = filed.as_filed(card, filed.cards.held(card.stem, filed.latest))
            prior = history.load_prior(card, digests=held, environment=subject.names)
            reference = card.relative_to(subject.repository).with_suffix(".md").as_posix()
            prior = replace(prior, source=f"{prior.source} ({reference})")
    except (ValueError, AuditUsageError) as error:
        said = str(error).replace("--audit-prior=", "")
        if formal:
            raise AuditUsageError(said) from None
        prior, reference = history.Prior(), ""
        notices = (*notices, f"compared with no prior audit: {said}")
    if asked:
        load = partial(history.load_prior, formal=formal, environment=subject.names)
        prior = _asked(asked, filed, load, formal=formal)
        if prior.service and subject.service and prior.service != subject.service:
            raise AuditUsageError(
                f"--audit-prior={asked}: an audit of {prior.service!a}, and this is one of {subject.service!a}; name "
                "one of the same service"
            )
    of_commit, lost = filed.of_commit(commit)
    if lost and formal:
        raise AuditUsageError(lost[0])
    notices = (*notices, *(text for text in lost if not any(text in notice for notice in notices)))
    missing = "" if asked or filed.latest else filed.missing
    found = history.earlier(report, commit, of_commit, formal=formal, environment=subject.names)
    # What a ledger has open may have been filed long before the audit to compare with.
    return Past(prior, found, reference, missing, notices, {**prior.yet_to_pass, **filed.yet_to_pass})


@dataclass(frozen=True, slots=True)
class _Filed:
    """What the ledger knows."""

    folder: Path = Path()
    """Of the ledger and its cards."""
    name: str = ""
    """``audits/<service>``."""
    cards: Cards[Filed] = field(default_factory=Cards)
    latest: Filed | None = None
    """The filing to compare with."""
    missing: str = ""
    """Why none is to be compared with, where there are some."""
    notices: tuple[str, ...] = ()
    yet_to_pass: Mapping[str, YetToPass] = field(default_factory=dict)
    """Check -> its cases that had not passed, of each finding that is open in the environment."""

    def card_of(self, filing: Filed) -> Path:
        """The file with a filing's own card.

        Raises:
            ValueError: It is not there, or is that of another audit.
        """
        from pytest_backend_audit.ledger.shelf import card_of  # noqa: PLC0415 - only where audits were filed

        card = card_of(self.folder, self.name, filing, self.cards)
        if not card.is_file():
            raise ValueError(
                f"{self.name}/{filing.file}.json is not there, and the ledger says that it was filed; restore it from "
                "git"
            )
        return card

    def of_commit(self, commit: str) -> tuple[dict[Path, Collection[str]], list[str]]:
        """The cards of a commit with the digests that they are held to, and what is said of lost ones."""
        from pytest_backend_audit.ledger.shelf import LostError, card_of  # noqa: PLC0415 - likewise

        found: dict[Path, Collection[str]] = {}
        lost = []
        for filing in self.cards.filings if commit else ():
            if filing.commit == commit:
                try:
                    card = card_of(self.folder, self.name, filing, self.cards)
                except LostError as error:
                    lost.append(str(error))
                else:
                    found[card] = digests_of(self.cards.held(card.stem, filing))
        return found, lost

    def as_filed(self, card: Path, filings: Iterable[Filed]) -> Collection[str]:
        """Digests of what was filed as a card, once what lies beside it is as it was filed too.

        Args:
            card: The file, or a copy of it: what lies beside that is what checks are given.
            filings: Those whose card it is.

        Raises:
            AuditUsageError: What its checks kept for the next audit was changed, put there since, or left behind.
        """
        digests, values = digests_of(filings), {filing.kept for filing in filings}
        beside = kept.beside(card)
        if not digests or "" in digests:  # of a version that told none
            return digests
        if "" not in values and not beside.exists() and card.parent.resolve() != self.folder.resolve():
            raise AuditUsageError(
                f"{beside} is not there, and the checks of this audit kept values for the next one; copy it, too, or "
                "name the card where it was filed"
            )
        try:
            found = digest(beside.read_bytes()) if beside.exists() or "" not in values else ""
        except OSError as error:
            raise AuditUsageError(f"{beside} can't be read: {error.strerror}; restore it from git") from None
        if found not in values:
            raise AuditUsageError(f"{beside}: changed since it was filed, by the ledger beside it; restore it from git")
        return digests


def _asked(given: str, filed: _Filed, load: Callable[..., history.Prior], *, formal: bool) -> history.Prior:
    """The audit that ``--audit-prior`` names; of a card in the ledger, or a copy of one, as it was filed.

    Raises:
        AuditUsageError: It can't be read, or is not what was filed.
    """
    path = Path(given)
    file = path.with_suffix(".json") if path.suffix == ".md" else path
    if not file.is_file():
        return load(given)
    real = file.resolve()
    known = next((f for n in filed.cards.names if (f := filed.folder / f"{n}.json").resolve() == real), None)
    if known:
        own = filed.cards.of(known.stem, sources_of(known))
        return load(given, digests=filed.as_filed(file, own))
    try:
        copied = read_filed(file)
    except FiledError:
        return load(given)
    # Of a run that was filed unsigned, then signed, either card may have been copied.
    own = filed.cards.of_run(copied.sources)
    if own and filed.cards.tells:
        return load(given, digests=filed.as_filed(file, own))
    if formal and filed.cards.tells:
        raise AuditUsageError(
            f"--audit-prior={given}: the ledger tells of no such audit; name one that was filed in this repository, or "
            "a report folder"
        )
    prior = load(given)
    return replace(prior, source=f"{prior.source} (without its ledger)")


def _filed(subject: Subject) -> _Filed:
    if not (subject.repository / "audits").is_dir():
        return _Filed()
    from pytest_backend_audit.ledger import Place, known_as, read, shelf  # noqa: PLC0415 - only where audits were filed
    from pytest_backend_audit.ledger.store import without_filings  # noqa: PLC0415 - likewise

    place = Place(subject.repository, subject.service) if subject.service.strip() else None
    state = read(place) if place is not None else None
    if place is not None and state is not None and (alone := without_filings(place, state)):
        raise ValueError(alone)
    if place is None or state is None or not place.ledger.exists():
        return _Filed(missing=_of_another_name(subject))
    if subject.formerly:
        state = known_as(state, {subject.environment: subject.formerly})
    _refuse_other_kind(state, subject, place)
    _refuse_taken(state, subject, place)
    latest = state.latest(subject.environment)
    told = shelf.notices(place.folder, state)
    notices = (*told, *_unknown_before(state, subject, place), *shelf.strangers(place.folder, state.cards))
    open_cases = dict(_yet_to_pass(state, subject))
    found = _Filed(place.folder, place.name, state.cards, latest, notices=notices, yet_to_pass=open_cases)
    if latest is None:
        return replace(found, missing=_of_other_environments(state, subject, place) if state.filings else "")
    return found


def _yet_to_pass(state: State, subject: Subject) -> Iterator[tuple[str, YetToPass]]:
    from pytest_backend_audit.ledger.cases import told  # noqa: PLC0415 - only where audits were filed

    place = state.places.one(subject.environment)
    for tracked in state.findings:
        if place in tracked.where and (cases := told(tracked, place)).names:
            yield tracked.finding.check, cases


def _unknown_before(state: State, subject: Subject, place: Place) -> tuple[str, ...]:
    """That the ledger knows nothing of the environment's name before, as of one that is written wrongly."""
    from pytest_backend_audit.ledger.places import environments  # noqa: PLC0415 - only where audits were filed

    known = dict.fromkeys(e for f in state.filings for e in environments(f.environment))
    if not subject.formerly or not known or subject.formerly in known:
        return ()
    return (
        f"audit.yaml: environments: {subject.environment}: formerly: {place.name} has no audit of {subject.formerly}; "
        f"it has audits of {', '.join(known)}",
    )


def _of_other_environments(state: State, subject: Subject, place: Place) -> str:
    """That audits were filed, and none of this environment."""
    from pytest_backend_audit.ledger.places import environments  # noqa: PLC0415 - only where audits were filed

    others = ", ".join(dict.fromkeys(e or "not stated" for f in state.filings for e in environments(f.environment)))
    name = subject.environment or "an environment that is not stated"
    told = f"{place.name} has audits of {others}, none of {name}"
    if subject.formerly:
        return f"{told}, nor of {subject.formerly}, which audit.yaml states as its name before (environments: formerly)"
    alike = any(subject.kind in f.kinds_of(e) for f in state.filings for e in environments(f.environment))
    if not alike:
        return (
            f"{told}: file this one first without asking whether it is worse, or name one to compare with "
            "(--audit-prior of pytest)"
        )
    return (
        f"{told}: if that had another name, state it in audit.yaml (environments: {name}: formerly), or name an audit "
        "to compare with (--audit-prior of pytest)"
    )


def _refuse_taken(state: State, subject: Subject, place: Place) -> None:
    """See that no other environment of audit.yaml goes by the same name.

    Raises:
        AuditUsageError: One does: what was found in one would be the other's too.
    """
    one = state.places.one
    mine = one(subject.environment)
    others = sorted(n for n in subject.named - {subject.environment} if one(n) == mine)
    if others:
        raise AuditUsageError(
            f"audit.yaml: environments: {subject.environment} and {others[0]} are one by {place.name}/ledger.jsonl, as "
            "one of them had the other's name before; give one of them a name of its own"
        )


def _refuse_other_kind(state: State, subject: Subject, place: Place) -> None:
    """See that the environment was of the same kind whenever it was audited, and is not two of those.

    Raises:
        AuditUsageError: It was not: what was found in prod is not mended by what stage shows.
    """
    from pytest_backend_audit.ledger.identity import other_kind, side_by_side  # noqa: PLC0415 - likewise

    if apart := side_by_side(state, subject.environment):
        filing, first, second = apart
        raise AuditUsageError(
            f"audit.yaml: environments: {subject.environment}: formerly: {first} and {second} stood side by side in "
            f"the audit.yaml of {place.name}/{filing.file}, so that none of them is the other by a later name; leave "
            "it out, or give it a name of its own"
        )
    found = other_kind(state, subject.environment, subject.kind)
    if found is None:
        return
    latest, was = found
    name, kinds = subject.environment, ", ".join(latest.kinds_of(was))
    if was == name:
        raise AuditUsageError(
            f"audit.yaml: environments: {name} was {kinds} in {place.name}/{latest.file}, and this is {subject.kind}; "
            "give it another name, and its first audit compares with none"
        )
    raise AuditUsageError(
        f"audit.yaml: environments: {name}: formerly: {was} was {kinds} in {place.name}/{latest.file}, and this is "
        f"{subject.kind}; leave it out, and the first audit compares with none"
    )


def _of_another_name(subject: Subject) -> str:
    """That this audit.yaml has filed audits by another name of its service; empty if it has not."""
    from pytest_backend_audit.ledger import LedgerError, read_file  # noqa: PLC0415 - only where audits were filed

    for path in sorted((subject.repository / "audits").glob("*/ledger.jsonl")) if subject.config else ():
        try:
            state = read_file(path, path.relative_to(subject.repository).as_posix())
        except LedgerError:
            continue  # another service's
        if any(filing.config == subject.config for filing in state.filings):
            return (
                f"{subject.config} has filed audits of the service {state.service!a}, and none of "
                f"{subject.service.strip() or 'one without a name'}: give it its name back, or file this audit first "
                "without asking whether it is worse"
            )
    return ""

"""Whether the sign-off that lies in a run folder counts, and if not, why."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_backend_audit.journal import JOURNAL, Record
from pytest_backend_audit.model import Card, SignOff
from pytest_backend_audit.reports import chunks
from pytest_backend_audit.reports.text import clean
from pytest_backend_audit.scoring.dates import moment
from pytest_backend_audit.scoring.records import standard_of
from pytest_backend_audit.signoff import rules, signers, signing, statement
from pytest_backend_audit.signoff.signers import Allowed, SignersError
from pytest_backend_audit.signoff.statement import SIGNATURE, STATEMENT, Chosen, Run, StatementError

BESIDE = ("merge.json", "faults.jsonl")
"""Files of a run that no journal vouches for: the statement does."""
_INSTANT = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(?:\.\d+)?Z")


@dataclass(frozen=True, slots=True)
class Subject:
    """A run, as far as a statement is about it."""

    folder: Path
    card: Card
    """As it follows from the run alone."""
    runs: tuple[Run, ...]
    files: dict[str, str]
    card_sha256: str

    @property
    def reviewer_from(self) -> int:
        """The level from which on the standard wants a second reviewer."""
        return standard_of(self.card.inputs).reviewer_from

    def text(self, chosen: Chosen) -> bytes:
        """The statement about it."""
        return statement.text(self.card, self.runs, self.files, self.card_sha256, chosen)


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a sign-off."""

    sign_off: SignOff | None = None
    """None where there is none that counts."""
    why_not: str = ""
    """Why one that lies there does not count."""
    altered: bool = False
    """Whether that is because something was changed, rather than because of who signed, or what is missing here."""
    claimed: SignOff | None = None
    """What the statement says, whether it counts or not; None where it can't be read."""
    not_looked: str = ""
    """What was not looked at of one that counts, as the repository is not here; empty if all was."""


def subject(folder: Path, records: Sequence[Record], card: Card) -> Subject:
    """Gather what a statement about a run says.

    Args:
        folder: Of the run, or of the merge.
        records: Its journals.
        card: As it follows from them alone.

    Raises:
        OSError: A file can't be read.
    """
    runs = tuple(
        Run(r.inputs.instant, r.inputs.run_number, r.inputs.plugin_version, r.head, _sha256(r.folder / JOURNAL))
        for r in records
    )
    places = {folder, *(r.folder for r in records)}
    beside = [place / name for place in places for name in BESIDE if (place / name).is_file()]
    files = {path.relative_to(folder).as_posix(): _sha256(path) for path in beside}
    whole = hashlib.sha256()
    for piece in chunks(card, "json"):
        whole.update(piece.encode("utf-8", "backslashreplace"))
    return Subject(folder, card, runs, files, whole.hexdigest())


def present(folder: Path) -> bool:
    """Whether a sign-off, or a part of one, lies in a folder."""
    return (folder / STATEMENT).exists() or (folder / SIGNATURE).exists()


def check(about: Subject, allowed_signers: str = "") -> Checked:
    """Judge the sign-off in a run's folder.

    Args:
        about: The run.
        allowed_signers: Where to take the allowed signers from, a path or ``REVISION:PATH``, instead of from the
            repository at the revision that the run names.
    """
    claimed: SignOff | None = None
    try:
        raw = _read(about.folder / STATEMENT, statement.LIMIT)
        signature = _read(about.folder / SIGNATURE, signing.SIGNATURE_LIMIT)
        chosen = _chosen(about, raw)
        claimed = statement.sign_off(about.card, chosen)
        _hold_to_run(about, chosen, raw)
        _hold_to_key(about, chosen, raw, signature, allowed_signers)
    except _RefusedError as error:
        return Checked(why_not=clean(str(error)), altered=error.altered, claimed=claimed)
    except (SignersError, signing.ToolError) as error:
        return Checked(why_not=clean(str(error)), claimed=claimed)
    return Checked(sign_off=claimed, claimed=claimed, not_looked=_not_looked(about, chosen))


class _RefusedError(ValueError):
    """The sign-off does not count."""

    def __init__(self, message: str, *, altered: bool = False) -> None:
        self.altered = altered
        super().__init__(message)


def _chosen(about: Subject, raw: bytes) -> Chosen:
    try:
        return statement.chosen_in(raw)
    except StatementError as error:
        raise _RefusedError(f"{about.folder / STATEMENT}:{error}", altered=True) from None


def _hold_to_run(about: Subject, chosen: Chosen, raw: bytes) -> None:
    """See that the statement is the one that follows from the run, and that such a run can be signed."""
    from pytest_backend_audit import __version__  # noqa: PLC0415 - lazily, as the package's names are

    if place := statement.difference(raw, about.text(chosen)):
        versions = (
            ""
            if chosen.signed_with == __version__
            else f". It was signed with version {chosen.signed_with}, and this is {__version__}: only the same version "
            "makes the same card"
        )
        told = f"{about.folder / STATEMENT}:{place}: not what follows from the run{versions}"
        raise _RefusedError(told, altered=True)
    if trouble := rules.unsignable(about.card, about.reviewer_from):
        raise _RefusedError(trouble)
    if trouble := _senseless(about, chosen):
        line = statement.line_of(raw, trouble.partition(":")[0])
        raise _RefusedError(f"{about.folder / STATEMENT}:{line}: {trouble}", altered=True)


def _senseless(about: Subject, chosen: Chosen) -> str:
    """What no reviewer could have chosen, with its key; empty if all makes sense."""
    known = statement.signable(about.card, about.reviewer_from)
    if not chosen.dimensions or list(chosen.dimensions) != [d for d in known if d in chosen.dimensions]:
        return f"dimensions: not some of {', '.join(known)}, in this order"
    if not _INSTANT.fullmatch(chosen.signed_at) or not _is_instant(chosen.signed_at):
        return f"signed_at: {chosen.signed_at!r} is no instant in UTC"
    if not chosen.reviewer.isprintable() or not chosen.reviewer.strip():
        return f"reviewer: {chosen.reviewer!r} is no name"
    return ""


def _is_instant(text: str) -> bool:
    """Whether there is such a day and time: ssh-keygen takes a 31st of February for a day in March."""
    try:
        moment(text)
    except ValueError:
        return False
    return True


def _hold_to_key(about: Subject, chosen: Chosen, raw: bytes, signature: bytes, given: str) -> None:
    """See that the signature is by a key that the reviewer may sign with, and that they may review this run."""
    if not signing.canonical(signature):
        raise _RefusedError(f"{about.folder / SIGNATURE}: not as ssh-keygen wrote it", altered=True)
    inputs = about.card.inputs
    allowed = _allowed(about, chosen, raw, given)
    try:
        key = signing.verify(raw, signature, allowed.content, chosen.reviewer, chosen.signed_at)
    except signing.ToolError:
        raise
    except signing.SigningError as error:
        said = str(error)
        raise _RefusedError(_unsound(about, chosen, allowed, said), altered=_spoilt(said)) from None
    if key.fingerprint != chosen.key:
        told = f"{about.folder / STATEMENT}:{statement.line_of(raw, 'key')}: key: the signature is by {key.fingerprint}"
        raise _RefusedError(told, altered=True)
    top = _repository(about)
    people = signers.people_of(top, inputs.document.commit) if top else ()
    # Another name makes nobody another person, neither of a key nor of its certificate.
    also = (
        *signers.others(key.fingerprint, allowed, [inputs.document.lead_auditor, *(n for _, n in people)]),
        *signing.made_for(signature),
    )
    why = rules.clock_trouble(about.card, chosen.signed_at) or rules.not_reviewer(inputs, chosen.reviewer, people, also)
    if why:
        raise _RefusedError(why)


def _not_looked(about: Subject, chosen: Chosen) -> str:
    """That nobody could see whether the reviewer made the commit; empty if it was seen, or does not matter."""
    inputs = about.card.inputs
    if statement.author_allowed(inputs) or _repository(about) is not None:
        return ""
    return (
        f"no repository here holds commit {inputs.document.commit[:12]}, so it is not known whether {chosen.reviewer} "
        "made it; ask in a clone of it"
    )


def _repository(about: Subject) -> Path | None:
    """The repository that we are in, else the one that the run's folder lies in."""
    return signers.repository_with(about.card.inputs.document.commit, Path.cwd(), run=about.folder)


def _allowed(about: Subject, chosen: Chosen, raw: bytes, given: str) -> Allowed:
    if given:
        return signers.given(given, Path.cwd())
    where = statement.signers_of(about.card.inputs)
    top = _repository(about)
    if top is None:
        raise SignersError(
            f"no repository here holds commit {about.card.inputs.document.commit[:12]}, which says whose keys count; "
            "ask in a clone of it, or name the allowed signers: --allowed-signers FILE"
        )
    allowed = signers.at_revision(top, where.revision, where.path)
    if allowed.sha256 != chosen.signers_sha256:
        line = statement.line_of(raw, "signers")
        told = f"{about.folder / STATEMENT}:{line}: signers: {allowed.name} has other bytes than the statement says"
        raise _RefusedError(told, altered=True)
    return allowed


def _unsound(about: Subject, chosen: Chosen, allowed: Allowed, said: str) -> str:
    if _spoilt(said):
        return (
            f"{about.folder / SIGNATURE}: the signature does not fit {STATEMENT}: one of the two was changed after "
            f"signing ({said})"
        )
    if "No principal matched" in said or said.startswith("exit status"):
        return f"{chosen.reviewer} may not sign with key {chosen.key}: {allowed.name} does not say so"
    return f"{chosen.reviewer} may not sign with key {chosen.key} at {chosen.signed_at}: {allowed.name}: {said}"


def _spoilt(said: str) -> bool:
    """Whether ssh-keygen's words are about the bytes, not about the key."""
    return "allowed signers:" not in said and "No principal matched" not in said and not said.startswith("exit status")


def _read(path: Path, limit: int) -> bytes:
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise _RefusedError(f"{path} is no plain file; `backend-audit sign` writes one", altered=True)
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except FileNotFoundError:
        other = STATEMENT if path.name == SIGNATURE else SIGNATURE
        raise _RefusedError(
            f"{path} is missing, and {other} is there: was the folder copied in part? Copy it again, or sign again",
            altered=True,
        ) from None
    except OSError as error:
        raise _RefusedError(f"{path} can't be read: {error.strerror}") from None
    if len(raw) > limit:
        told = f"{path}: larger than any that `backend-audit sign` writes ({limit} bytes)"
        raise _RefusedError(told, altered=True)
    return raw


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

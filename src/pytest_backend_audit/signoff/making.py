"""Making a sign-off: whose key it is, what it covers, and the two files that it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_backend_audit.signoff import rules, signers, signing, statement
from pytest_backend_audit.signoff.checking import Subject
from pytest_backend_audit.signoff.signers import Allowed, SignersError
from pytest_backend_audit.signoff.signing import Key, SigningError
from pytest_backend_audit.signoff.statement import Chosen


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who is about to sign, once nothing speaks against it."""

    name: str
    """Principal of the key."""
    key: Key
    allowed: Allowed


def reviewer(about: Subject, key: Key, *, asked: str, here: Sequence[Path], address: str = "") -> Reviewer:
    """Find out whose key it is, and that they may sign this run.

    Args:
        about: The run.
        key: The key.
        asked: Who the user says they are; empty if the key tells.
        here: Folders whose repositories may hold the audited commit, besides that of the run.
        address: ``user.email`` of git, to choose among several names of one key.

    Raises:
        SigningError: They may not.
        SignersError: The repository or the allowed signers can't be had.
    """
    inputs = about.card.inputs
    commit = inputs.document.commit
    top = signers.repository_with(commit, *here, run=about.folder)
    if top is None:
        raise SignersError(
            f"the repository of commit {commit[:12]} is not here: no repository around "
            f"{' or '.join(map(str, (about.folder, *here)))} holds it; sign in a clone, after git fetch"
        )
    where = statement.signers_of(inputs)
    allowed = signers.at_revision(top, where.revision, where.path)
    name = _name(key, allowed, asked, address)
    people = signers.people_of(top, commit)
    also = signers.others(key.fingerprint, allowed, [inputs.document.lead_auditor, *(name for _, name in people)])
    if key.certified:
        also += signing.authority_of(key)[1]
    if why := rules.not_reviewer(inputs, name, people, also):
        raise SigningError(why)
    return Reviewer(name, key, allowed)


def _name(key: Key, allowed: Allowed, asked: str, address: str) -> str:
    """The principal that the key signs as."""
    listed = signers.entries(allowed)
    if key.certified:
        authority, made_for = signing.authority_of(key)
        mine = [e for e in listed if e.authority and e.fingerprint == authority]
        known = tuple(p for p in made_for if signers.fits(p, mine))
    else:
        mine = [e for e in listed if not e.authority and e.fingerprint == key.fingerprint]
        known = signers.names(mine)
    if not mine:
        others = ", ".join(dict.fromkeys(p for e in listed for p in e.principals)) or "nobody"
        if bare := signers.nameless(allowed):
            others += f", and in line {bare[0]} a key without the address before it that it is of"
        raise SigningError(
            f"{key.path} ({key.fingerprint}) is not among the allowed signers ({allowed.name}, which has {others}); "
            "have the key added there, or sign with another: --key FILE"
        )
    if asked:
        if not asked.isprintable() or not (asked in known or signers.fits(asked, mine)):
            raise SigningError(f"--reviewer={asked!r}: {allowed.name} has {_have(mine, known)} for {key.path}")
        return asked
    if len(known) == 1:
        return known[0]
    if address and (address in known or signers.fits(address, mine)):
        return address
    raise SigningError(f"{key.path} may sign for {_have(mine, known)} ({allowed.name}); say who you are: --reviewer")


def _have(mine: Sequence[signers.Entry], known: Sequence[str]) -> str:
    return ", ".join(known) or ", ".join(p for e in mine for p in e.principals)


def signed(about: Subject, by: Reviewer, chosen: Chosen) -> tuple[bytes, bytes]:
    """Statement and signature, once the signature was made and holds.

    Raises:
        SigningError: The key does not sign, or nobody could accept what it signed.
    """
    raw = about.text(chosen)
    signature = signing.sign(by.key, raw)
    try:
        made = signing.verify(raw, signature, by.allowed.content, by.name, chosen.signed_at)
    except signing.ToolError:
        raise
    except SigningError as error:
        raise SigningError(
            f"{by.name} may not sign with {by.key.path} at {chosen.signed_at}: {by.allowed.name}: {error}"
        ) from None
    if made.fingerprint != chosen.key or not signing.canonical(signature):
        raise SigningError(f"{by.key.path}: the signature is by {made.fingerprint}, not by {chosen.key}")
    return raw, signature

"""Who may sign which run. Pure; each rule is one sentence when it refuses."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_backend_audit.ledger.again import command
from pytest_backend_audit.model import Card, Inputs, Mode
from pytest_backend_audit.people import same
from pytest_backend_audit.scoring.dates import moment
from pytest_backend_audit.signoff.statement import author_allowed, signable


def unsignable(card: Card, reviewer_from: int) -> str:
    """Why nobody can sign a run; empty if somebody can.

    Args:
        card: As it follows from the run alone.
        reviewer_from: The level from which on the standard wants a second reviewer.
    """
    inputs, seal = card.inputs, card.seal
    if seal is None:
        return "the run did not end, so it can't be signed; run the audit again"
    obstacles = [
        (inputs.mode is not Mode.FORMAL, f"a rehearsal can't be signed; audit a commit: {command(inputs)}"),
        (bool(seal.invalid), f"the run is invalid, so it can't be signed: {seal.invalid}"),
        (bool(card.partial), f"the run is partial, so it can't be signed: {''.join(card.partial[:1])}"),
        (not inputs.document.commit, "the run names no commit, so it can't be signed"),
        (
            not inputs.document.lead_auditor.strip(),
            "the lead auditor is not stated, so nobody can tell that the reviewer is somebody else; state lead_auditor "
            "in audit.yaml, and audit again",
        ),
        (
            not signable(card, reviewer_from),
            f"no dimension reaches L{reviewer_from}, so there is nothing to sign",
        ),
    ]
    return next((text for applies, text in obstacles if applies), "")


def not_reviewer(inputs: Inputs, reviewer: str, people: Iterable[tuple[str, str]], also: Iterable[str] = ()) -> str:
    """Why a person can't be the second reviewer of a run; empty if they can.

    Args:
        inputs: The run's.
        reviewer: Principal of their key.
        people: Role and name of everybody who made the audited commit, as far as it is at hand.
        also: Names that the key stands for besides: another name makes nobody another person.
    """
    lead = inputs.document.lead_auditor
    names = {reviewer: reviewer, **{n: f"{reviewer}, whose key is that of {n} too," for n in also if n != reviewer}}
    for name, shown in names.items():
        if same(name, lead):
            return f"{shown} is the lead auditor ({lead}); a second reviewer is somebody else"
    if author_allowed(inputs):
        return ""
    for role, person in people:
        for shown in (shown for name, shown in names.items() if same(name, person)):
            return (
                f"{shown} is the {role} of commit {inputs.document.commit[:7]} ({person}); have somebody else sign, "
                "or allow it in audit.yaml: sign_off: {allow_author: true}"
            )
    return ""


def clock_trouble(card: Card, signed_at: str) -> str:
    """Why the instant of a signature makes no sense for a run; empty if it does."""
    ended = max([card.inputs.instant, *([card.seal.ended] if card.seal else [])], key=moment)
    if moment(signed_at) >= moment(ended):
        return ""
    return f"signed at {signed_at}, and the run ended at {ended}: one of the two clocks is wrong; set it"

"""Why a run can't be filed: all reasons at once, each with the way out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from pytest_backend_audit.ledger.identity import other_kind, side_by_side
from pytest_backend_audit.ledger.state import CLOCKS, State
from pytest_backend_audit.model import Card, Document, Mode

_NAMED = 5
"""Findings that one line names."""
AGAIN = "audit again: pytest --audit-sha=HEAD"
OWN_CRITERIA = "the run is by its own criteria; load the standard (audit.yaml: standard: bundled, or default)"
FIELDS = {
    "service": "the service's name",
    "environment_kind": "the environment",
    "lead_auditor": "who leads the audit",
    "second_reviewer": "who reviews levels of 4 and 5",
    "distribution": "who gets the scorecard",
    "prior_audit": "the audit before, or `none` for the first",
    "runbook": "a path in the repository, or a URL",
}
"""Fields of document control that must be stated -> what belongs there."""


def of_run(card: Card) -> Iterator[str]:
    """What speaks against the run itself."""
    inputs, seal = card.inputs, card.seal
    if inputs.mode is not Mode.FORMAL:
        yield f"the run is a rehearsal; {AGAIN}"
    if not inputs.standard_loaded:
        yield f"{OWN_CRITERIA}, then {AGAIN}"
    if seal is None:
        yield f"the run did not end, its journal is torn; {AGAIN}"
    elif seal.invalid:
        yield f"the run is invalid: {seal.invalid}; deploy the commit, then {AGAIN}"
    if seal is not None and not card.checks and inputs.not_sought:
        yield f"each check is above the level that is sought (audit.yaml: sought), so nothing was audited; {AGAIN}"
    elif seal is not None and not card.checks:
        yield f"nothing was collected, so nothing was audited; start pytest where the checks are, and {AGAIN}"
    if seal is not None and card.partial:
        yield f"the run is partial: {'; '.join(card.partial)}; {AGAIN} (or `backend-audit merge` its shards)"


def of_clock(instant: str, now: str) -> Iterator[str]:
    """That it was made after the present: until then no later run would have word of its findings.

    Args:
        instant: Of the run, RFC 3339 in UTC.
        now: The present one.
    """
    if datetime.fromisoformat(instant) > datetime.fromisoformat(now) + CLOCKS:
        yield f"the run is of {instant}, and here it is {now}: one of the two clocks is wrong; set it, then {AGAIN}"


def of_names(state: State, named: Iterable[str]) -> Iterator[str]:
    """That two environments of the run's audit.yaml are one by the ledger, as one had the other's name before.

    Args:
        state: The ledger, by the run's names of environments.
        named: The environments that stood side by side in audit.yaml.
    """
    known: dict[str, str] = {}
    for name in named:
        other = known.setdefault(state.places.one(name), name)
        if other != name:
            yield (
                f"its audit.yaml has {other} and {name} side by side, and by the ledger they are one; give one of them "
                f"a name of its own, then {AGAIN}"
            )


def of_kinds(state: State, documents: Iterable[Document]) -> Iterator[str]:
    """That one of the run's environments was of another kind before, or is said to be one that it stood beside.

    Args:
        state: The ledger, by the run's names of environments.
        documents: Of each run behind the card.
    """
    for environment, kind in dict.fromkeys((d.environment, d.environment_kind) for d in documents):
        if apart := side_by_side(state, environment):
            filing, first, second = apart
            yield (
                f"{first} and {second} stood side by side in the audit.yaml of {filing.file}, so that none of them is "
                f"the other by a later name; leave `formerly` out, or give it a name of its own, then {AGAIN}"
            )
        if found := other_kind(state, environment, kind):
            latest, was = found
            yield (
                f"{was} was {', '.join(latest.kinds_of(was))} in {latest.file}, and is {kind} in this run; give it "
                f"another name in audit.yaml, then {AGAIN}"
            )


def of_document(card: Card) -> Iterator[str]:
    """What is missing of document control."""
    inputs = card.inputs
    document = inputs.document
    if not document.commit:
        yield "the commit is not stated; audit a commit: pytest --audit-sha=HEAD"
    bare = [
        f"{'environment' if name == 'environment_kind' else name} ({what})"
        for name, what in FIELDS.items()
        if not getattr(document, name).strip()
    ]
    if inputs.policy.incidents is None:
        bare.append("incidents (`[]` says that there were none)")
    if bare:
        noun = "it" if len(bare) == 1 else "them"
        yield f"audit.yaml does not state {', '.join(bare)}; add {noun}, commit, and {AGAIN}"


def of_ledger(card: Card, state: State, heads: tuple[str, ...], lost: Collection[str] = ()) -> Iterator[str]:
    """What the ledger, as it was before, says against it: it was filed already.

    Args:
        card: Of the run.
        state: The ledger.
        heads: Last hashes of the run's journals.
        lost: Names by which it was filed without its card being there: another audit has the name.
    """
    reviewer = card.sign_off.reviewer if card.sign_off else ""
    same = [f for f in state.cards.of_run(heads) if f.file not in lost]
    # A run that was filed unsigned may be filed once more, once it is signed.
    if done := next((f for f in same if f.second_reviewer or not reviewer), None):
        yield f"the run was filed already, as {done.file}; there is nothing to do"


def of_owners(card: Card, after: State, more: str = "") -> Iterator[str]:
    """Findings that nobody is to mend.

    Args:
        card: Of the run, with findings as they are before they have numbers.
        after: The ledger, as it would be with the card in it.
        more: Further options of the command that names an owner, as ``--run RUN``.
    """
    findings = [f for f in card.findings if not any(t.owner for t in (after.of(f.fingerprint),) if t)]
    if not findings:
        return
    ids = [f.id for f in findings]
    count = "1 finding has" if len(ids) == 1 else f"{len(ids)} findings have"
    dimensions = ", ".join(sorted({f.dimension for f in findings}))
    named = " ".join(ids) if len(ids) <= _NAMED else "--unassigned"
    yield (
        f"{count} no owner, in {dimensions}; name one: backend-audit findings assign {named} --owner NAME"
        f"{f' {more}' if more else ''}, or for the next audits in audit.yaml: owners"
    )

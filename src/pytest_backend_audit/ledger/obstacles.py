"""Why a run can't be filed: all reasons at once, each with the way out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from pytest_backend_audit.ledger.again import again, again_renamed, command, named_in
from pytest_backend_audit.ledger.clocks import CLOCKS
from pytest_backend_audit.ledger.identity import other_kind, side_by_side
from pytest_backend_audit.ledger.state import State
from pytest_backend_audit.model import Card, Inputs, Mode

_NAMED = 5
"""Findings that one line names."""
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
    anew = again(inputs)
    if inputs.mode is not Mode.FORMAL:
        yield f"the run is a rehearsal; {anew}"
    if not inputs.standard_loaded:
        yield f"{OWN_CRITERIA}, then {anew}"
    if seal is None:
        yield f"the run did not end, its journal is torn; {anew}"
    elif seal.invalid:
        yield f"the run is invalid: {seal.invalid}; deploy the commit, then {anew}"
    if seal is not None and not card.checks and inputs.not_sought:
        yield f"each check is above the level that is sought (audit.yaml: sought), so nothing was audited; {anew}"
    elif seal is not None and not card.checks:
        yield f"nothing was collected, so nothing was audited; start pytest where the checks are, and {anew}"
    if seal is not None and card.partial:
        yield f"the run is partial: {'; '.join(card.partial)}; {anew} (or `backend-audit merge` its shards)"


def of_clock(inputs: Inputs, now: str) -> Iterator[str]:
    """That it was made after the present: until then no later run would have word of its findings.

    Args:
        inputs: The run's, with its instant.
        now: The present one, RFC 3339 in UTC.
    """
    instant = inputs.instant
    if datetime.fromisoformat(instant) > datetime.fromisoformat(now) + CLOCKS:
        anew = again(inputs)
        yield f"the run is of {instant}, and here it is {now}: one of the two clocks is wrong; set it, then {anew}"


def of_names(state: State, inputs: Inputs) -> Iterator[str]:
    """That two environments of the run's audit.yaml are one by the ledger, as one had the other's name before.

    Args:
        state: The ledger, by the run's names of environments.
        inputs: The run's, with the environments that stood side by side in audit.yaml.
    """
    known: dict[str, str] = {}
    for name in named_in(inputs):
        other = known.setdefault(state.places.one(name), name)
        if other != name:
            yield (
                f"its audit.yaml has {other} and {name} side by side, and by the ledger they are one; give one of them "
                f"a name of its own, then {again_renamed(inputs)}"
            )


def of_kinds(state: State, runs: Iterable[Inputs]) -> Iterator[str]:
    """That one of the run's environments was of another kind before, or is said to be one that it stood beside.

    Args:
        state: The ledger, by the run's names of environments.
        runs: What each run behind the card was given.
    """
    told = {(d.environment, d.environment_kind): again_renamed(i) for i in runs for d in (i.document,)}
    for (environment, kind), anew in told.items():
        if apart := side_by_side(state, environment):
            filing, first, second = apart
            yield (
                f"{first} and {second} stood side by side in the audit.yaml of {filing.file}, so that none of them is "
                f"the other by a later name; leave `formerly` out, or give it a name of its own, then {anew}"
            )
        if found := other_kind(state, environment, kind):
            latest, was = found
            yield (
                f"{was} was {', '.join(latest.kinds_of(was))} in {latest.file}, and is {kind} in this run; give it "
                f"another name in audit.yaml, then {anew}"
            )


def of_document(card: Card) -> Iterator[str]:
    """What is missing of document control."""
    inputs = card.inputs
    document = inputs.document
    if not document.commit:
        yield f"the commit is not stated; audit a commit: {command(inputs)}"
    bare = [
        f"{'environment' if name == 'environment_kind' else name} ({what})"
        for name, what in FIELDS.items()
        if not getattr(document, name).strip()
    ]
    if inputs.policy.incidents is None:
        bare.append("incidents (`[]` says that there were none)")
    if bare:
        noun = "it" if len(bare) == 1 else "them"
        yield f"audit.yaml does not state {', '.join(bare)}; add {noun}, commit, and {again(inputs)}"


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

"""By which audit.yaml and policy an audit judged: what found a finding says by which it may go. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from pytest_backend_audit.ledger.events import Filed, Found
from pytest_backend_audit.ledger.state import State, Tracked, environments
from pytest_backend_audit.model import Card, Inputs

There = Callable[[str], bool]
"""Whether an audit.yaml of that path is still there; one that is gone has got another place."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the audits judged by that had a finding."""

    filing: Filed
    """The latest of them."""
    policy: Filed | None = None
    """The latest of them that held audit.yaml to a policy."""

    @property
    def given(self) -> str:
        """The policy as ``--audit-policy`` takes it: its revision, or a path; empty without one."""
        return self.policy.policy.partition(":")[0] if self.policy else ""


def places(inputs: Inputs) -> tuple[str, ...]:
    """The environments that a run speaks for: its own, by their present names and by those before."""
    return (*environments(inputs.document.environment), *inputs.formerly.values())


def of(tracked: Tracked, state: State, where: Collection[str]) -> Terms | None:
    """By which terms a finding was found, in the order in which audits were made, not filed.

    Args:
        tracked: The finding.
        state: The ledger.
        where: The environments that count.
    """
    filings = {f.file: f for f in state.filings}
    told = [
        (max(filing.instant_in(place) for place in there), filing)
        for _, event in tracked.history
        if isinstance(event, Found)
        and (filing := filings.get(event.file)) is not None
        and (there := set(environments(filing.environment)) & set(where))
    ]
    if not told:
        return None
    told.sort(key=lambda entry: entry[0])
    held = [filing for _, filing in told if filing.policy]
    return Terms(told[-1][1], held[-1] if held else None)


def unlike(inputs: Inputs, terms: Terms | None, there: There) -> str:
    """In what a run judged by something else; empty if in nothing.

    A policy that one audit was held to is asked for from then on: an exception that only a branch has excuses nothing.

    Args:
        inputs: Of the run.
        terms: By which the finding was found; None where the ledger tells of none.
        there: For an audit.yaml that the run did not judge by.
    """
    if terms is None:
        return ""
    filing, held = terms.filing, terms.policy
    if filing.config and inputs.config_path != filing.config and there(filing.config):
        return (
            f"the audit {filing.file} that has it judged by {filing.config}, and this run by "
            f"{inputs.config_path or 'no audit.yaml'}"
        )
    name = inputs.protected.name if inputs.protected is not None else ""
    if held is not None and held.policy != name:
        return (
            f"the audit {held.file} that has it held audit.yaml to {held.policy}, and this run to {name or 'nothing'}"
        )
    return ""


def changed_files(card: Card, terms: Terms | None) -> tuple[str, ...]:
    """The files of a run that judges likewise and that are other ones now, one line each."""
    if terms is None:
        return ()
    inputs, filing, held = card.inputs, terms.filing, terms.policy
    lines = []
    if filing.config and filing.config != inputs.config_path:
        lines.append(f"audit.yaml: {inputs.config_path}, was {filing.config}")
    if held is not None and inputs.protected is not None and held.policy_digest != inputs.protected.digest:
        lines.append(f"policy: another {held.policy} than then")
    return tuple(lines)


__all__ = ["Terms", "There", "changed_files", "of", "places", "unlike"]

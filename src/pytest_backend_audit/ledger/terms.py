"""By which audit.yaml and policy an audit judged: what found a finding says by which it may go. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeAlias

from pytest_backend_audit.ledger import standards
from pytest_backend_audit.ledger.events import Filed, Found
from pytest_backend_audit.ledger.places import environments
from pytest_backend_audit.ledger.replacements import Replacements
from pytest_backend_audit.ledger.state import State, Tracked
from pytest_backend_audit.model import Card, Inputs

There: TypeAlias = Callable[[str], bool]
"""Whether the audited commit has an audit.yaml, by its path as runs record it: one that is gone was moved."""


def everything(_: str) -> bool:
    """Nothing is gone."""
    return True


@dataclass(frozen=True, slots=True)
class Terms:
    """What the audits judged by that had a finding."""

    filings: tuple[Filed, ...]
    """Those that had it since it was opened there last, as they were filed."""
    held: tuple[Filed, ...] = ()
    """Those that held audit.yaml to a policy, of all that had it, in the order in which they were filed."""
    replaced: Replacements = field(default_factory=Replacements)

    @property
    def latest(self) -> Filed:
        """The one whose card told of it last."""
        return self.filings[-1]

    @property
    def policy(self) -> Filed | None:
        """The first that was held to a policy, which counts from then on; None without any."""
        return self.held[0] if self.held else None

    def asks(self, there: There) -> Filed:
        """The filing whose audit.yaml counts: the first whose file is still there; else the latest."""
        return next((f for f in self.filings if f.config and self.config_of(f, there)), self.latest)

    def config_of(self, filing: Filed, there: There) -> str:
        """The audit.yaml that counts where that of a filing does: the last that stands for it, and is there; or none.

        A branch that is older than the reviewer's word has the file before.
        """
        chain = self.replaced.chain("audit.yaml", filing.config)
        return next((name for name in reversed(chain) if name and there(name)), "")

    def policy_of(self, filing: Filed) -> tuple[str, str]:
        """Likewise the policy: its name, and what ``--audit-policy`` takes for it."""
        word = self.replaced.word("policy", filing.policy)
        return (word.after, word.given) if word else (filing.policy, filing.policy_given)


def names_of(inputs: Inputs) -> tuple[str, ...]:
    """The environments that a run speaks for, by their names now and before."""
    return (*environments(inputs.document.environment), *inputs.formerly.values())


def of(tracked: Tracked, state: State, where: Collection[str]) -> Terms | None:
    """By which terms a finding was found; None where it was not found.

    Args:
        tracked: The finding.
        state: The ledger.
        where: The environments that count, by whichever name: what one audit judged by says nothing of another's
            environment.
    """
    wanted = {state.places.one(place) for place in where}
    counts = {line for place in wanted for line, _ in tracked.sightings(place)}
    since: list[Filed] = []
    held: list[Filed] = []
    for line, event in tracked.history:
        if not isinstance(event, Found) or not wanted & set(state.places.of(event.environment)):
            continue
        filing = state.filing_at(line, event.file)
        if line in counts:
            since.append(filing)
        if filing.policy:
            held.append(filing)
    # By when they were filed: a run that was kept aside brings no other policy than the one that was asked for since.
    return Terms(tuple(since), tuple(sorted(held, key=lambda f: f.at)), state.replaced) if since else None


def unlike(inputs: Inputs, terms: Terms | None, there: There) -> str:
    """In what a run judged by something else; empty if in nothing.

    A policy that one audit was held to is asked for from then on: an exception that only a branch has excuses nothing.
    That of a branch is the same wherever audit.yaml lies in it, and so is one with the same text; by another name it
    takes the reviewer's word. What older versions put down as ``HEAD^`` is no name: it is another commit elsewhere.

    Args:
        inputs: Of the run.
        terms: By which the finding was found; None where the ledger tells of none.
        there: Which audit.yaml are still there.
    """
    if terms is None:
        return ""
    asked = terms.asks(there)
    config = terms.config_of(asked, there)
    copied = config == asked.config and _equal(inputs.config_digest, asked.config_digest)
    same = inputs.config_path == config or copied
    if config and not same:
        return (
            f"the audit {asked.file} that has it judged by {config}, and this run by "
            f"{inputs.config_path or 'no audit.yaml'} {REPLACED}"
        )
    if (held := terms.policy) is None:
        return ""
    policy, given = terms.policy_of(held)
    ours = inputs.protected
    moving = bool(_MOVING.match(policy))
    if ours is not None and (
        (not moving and (ours.name == policy or (ours.revision and ours.given == given)))
        or (policy == held.policy and _equal(ours.digest, held.policy_digest))
    ):
        return ""
    now = f", for which {policy} stands now" if policy != held.policy else ""
    return (
        f"the audit {held.file} that has it held audit.yaml to {held.policy}{now}, and this run to "
        f"{ours.name if ours is not None else 'nothing'}; "
        f"{MOVING if moving else f'--audit-policy={given or policy}'} {REPLACED}"
    )


REPLACED = "(has another come in its place? backend-audit findings replace)"
"""What a message says where something that audits judged by may have another name now."""
MOVING = "--audit-policy=SHA, by the commit that it was"
"""Likewise where a line of an older version has a policy by where it was from HEAD."""
_MOVING = re.compile(r"(([A-Z_]+_)?HEAD|@|[^:]*(\^|~|@\{)[^:]*):")
"""Names of revisions that go with HEAD or with a branch, before the path."""


def _equal(one: str, other: str) -> bool:
    """Whether two are told and the same."""
    return bool(one) and one == other


def changed_files(card: Card, terms: Terms) -> tuple[str, ...]:
    """What a run judged by, and where, and that is another than in the audits before, one line each."""
    inputs, filing = card.inputs, terms.latest
    held = terms.held[-1] if terms.held else None
    then = environments(filing.environment)
    lines = [f"environment: {name}, was {before}" for name, before in inputs.formerly.items() if before in then]
    if filing.config and filing.config != inputs.config_path:
        lines.append(f"audit.yaml: {inputs.config_path}, was {filing.config}")
    if held is not None and inputs.protected is not None:
        if held.policy != inputs.protected.name:
            lines.append(f"policy: {inputs.protected.name}, was {held.policy}")
        elif held.policy_digest != inputs.protected.digest:
            lines.append(f"policy: another {held.policy} than then")
    return (*lines, *filter(None, [standards.changed(inputs, filing)]))


__all__ = ["REPLACED", "Terms", "There", "changed_files", "everything", "names_of", "of", "unlike"]

"""By which audit.yaml and policy an audit judged: what found a finding says by which it may go. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from pytest_backend_audit.ledger.events import Filed, Found
from pytest_backend_audit.ledger.places import environments
from pytest_backend_audit.ledger.state import State, Tracked
from pytest_backend_audit.model import Card, Inputs

_COMMIT = re.compile(r"[0-9a-f]{7,64}(:.*)?")
"""A policy that is named by a commit, as the base of a pull request is: the next audit's has another name."""


@dataclass(frozen=True, slots=True)
class Still:
    """What is still there: an audit.yaml or a policy that is gone has got another place."""

    config: Callable[[str], bool]
    """Whether the audited commit has an audit.yaml, by its path as runs record it."""
    policy: Callable[[str], bool]
    """Whether there may be a policy of that name: not where its revision is here and has no such file."""


EVERYTHING = Still(lambda _: True, lambda _: True)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the audits judged by that had a finding."""

    filings: tuple[Filed, ...]
    """Those that had it since it was opened last, as they were filed."""
    held: tuple[Filed, ...] = ()
    """Those that held audit.yaml to a policy, of all that had it, in the order in which they were made."""

    @property
    def latest(self) -> Filed:
        """The one whose card told of it last."""
        return self.filings[-1]

    def policy(self, still: Still) -> Filed | None:
        """The filing whose policy counts: the first whose policy is still there; else the latest; None without any."""
        there = (f for f in self.held if still.policy(f.policy))
        return next(there, self.held[-1] if self.held else None)

    def asks(self, still: Still) -> Filed:
        """The filing whose audit.yaml counts: the first whose file is still there; else the latest."""
        return next((f for f in self.filings if f.config and still.config(f.config)), self.latest)


def names_of(inputs: Inputs) -> tuple[str, ...]:
    """The environments that a run speaks for, by their names now and before."""
    return (*environments(inputs.document.environment), *inputs.formerly.values())


def of(tracked: Tracked, state: State, where: Collection[str]) -> Terms | None:
    """By which terms a finding was found.

    Args:
        tracked: The finding.
        state: The ledger.
        where: The environments that count, by whichever name.
    """
    wanted = {state.places.one(place) for place in where}
    since: list[Filed] = []
    held: list[Filed] = []
    for line, event in tracked.history:
        filing = state.filing_at(line, event.file) if isinstance(event, Found) else None
        if filing is None or not wanted & set(state.places.of(filing.environment)):
            continue
        if event.type == "reopened":
            since.clear()
        since.append(filing)
        if filing.policy:
            held.append(filing)
    return Terms(tuple(since), tuple(sorted(held, key=lambda f: f.instant))) if since else None


def unlike(inputs: Inputs, terms: Terms | None, still: Still) -> str:
    """In what a run judged by something else; empty if in nothing.

    A policy that one audit was held to is asked for from then on: an exception that only a branch has excuses nothing.

    Args:
        inputs: Of the run.
        terms: By which the finding was found; None where the ledger tells of none.
        still: What is still there.
    """
    if terms is None:
        return ""
    asked, held = terms.asks(still), terms.policy(still)
    same = inputs.config_path == asked.config or _equal(inputs.config_digest, asked.config_digest)
    if asked.config and not same and still.config(asked.config):
        return (
            f"the audit {asked.file} that has it judged by {asked.config}, and this run by "
            f"{inputs.config_path or 'no audit.yaml'}"
        )
    if held is not None and not _same_policy(inputs, held, still):
        name = inputs.protected.name if inputs.protected is not None else ""
        gone = "that is gone, hold it to what has come in its place"
        way_out = f"--audit-policy={held.policy_given}" if still.policy(held.policy) else gone
        return (
            f"the audit {held.file} that has it held audit.yaml to {held.policy}, and this run to {name or 'nothing'}; "
            f"{way_out}"
        )
    return ""


def _same_policy(inputs: Inputs, held: Filed, still: Still) -> bool:
    """Whether a run was held to the policy of an audit, or to what has come in its place."""
    ours = inputs.protected
    if ours is None:
        return False
    if held.policy == ours.name or _equal(held.policy_digest, ours.digest):
        return True
    if _equal(ours.revision, inputs.document.commit):
        return False  # the audited commit's own comes in no other's place
    by_commit = _COMMIT.fullmatch(held.policy) and _COMMIT.fullmatch(ours.name)
    return bool(by_commit) or not still.policy(held.policy)


def fits(earlier: Filed, later: Filed) -> bool:
    """Whether an audit that was filed already judged by the same as one that was made before it and is filed now."""
    config = not earlier.config or not later.config or earlier.config == later.config
    policy = not earlier.policy or earlier.policy == later.policy or _equal(earlier.policy_digest, later.policy_digest)
    return config and policy


def _equal(one: str, other: str) -> bool:
    """Whether two are told and the same."""
    return bool(one) and one == other


def changed_files(card: Card, terms: Terms) -> tuple[str, ...]:
    """What a run judged by, and where, and that is another than in the audits before, one line each."""
    inputs, filing = card.inputs, terms.latest
    held = terms.held[-1] if terms.held else None
    lines = [f"environment: {name}, was {before}" for name, before in inputs.formerly.items()]
    if filing.config and filing.config != inputs.config_path:
        lines.append(f"audit.yaml: {inputs.config_path}, was {filing.config}")
    if held is not None and inputs.protected is not None:
        if held.policy != inputs.protected.name:
            lines.append(f"policy: {inputs.protected.name}, was {held.policy}")
        elif held.policy_digest != inputs.protected.digest:
            lines.append(f"policy: another {held.policy} than then")
    return tuple(lines)


__all__ = ["EVERYTHING", "Still", "Terms", "changed_files", "fits", "names_of", "of", "unlike"]

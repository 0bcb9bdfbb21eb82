"""Who may resolve the dispute of a finding, as the repository at hand says it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_backend_audit.cli.ledgers import place_of, top_of

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import State, Tracked

CONFIG = "audit.yaml"


def allowed(args: argparse.Namespace, tracked: Tracked, state: State, at: str, by: str) -> str:
    """Why somebody has no word on the dispute of a finding; empty if they have.

    Args:
        args: The command's.
        tracked: The finding, which is disputed.
        state: The ledger.
        at: Now, RFC 3339 in UTC.
        by: Who would resolve it.

    Raises:
        ValueError: What says who may can't be read.
        GitError: git gave no answer.
    """
    from pytest_backend_audit.signoff.reviewers import not_theirs, reviewers  # noqa: PLC0415 - heavy

    top = top_of(args)
    declared = reviewers(config_of(args.config, top), top, place_of(args, top).service, at)
    disputer = tracked.dispute.by if tracked.dispute else ""
    owners = [tracked.owner, *(getattr(event, "owner", "") for _, event in tracked.history)]
    return not_theirs(
        by, declared, disputer=disputer, owners=owners, leads=_leads(state, tracked), number=tracked.number
    )


def config_of(named: str | None, top: Path) -> Path | None:
    """The audit.yaml that is meant: the named one, else that of this folder, else that of the repository's top.

    Raises:
        ValueError: The named one is not there.
    """
    if named:
        given = Path(named)
        if not given.is_file():
            raise ValueError(f"--config={named}: there is no such file")
        return given
    here = [Path.cwd() / CONFIG] if Path.cwd().resolve().is_relative_to(top) else []
    return next((path for path in (*here, top / CONFIG) if path.is_file()), None)


def _leads(state: State, tracked: Tracked) -> list[str]:
    """Lead auditors of the audits that have found it."""
    files = {getattr(event, "file", "") for _, event in tracked.history}
    return [f.lead_auditor for f in state.filings if f.file in files]

"""Who may resolve the dispute of a finding, as the repository at hand says it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_backend_audit.cli.ledgers import nearest, place_of, top_of

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import State, Tracked


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
    service = place_of(args, top).service
    declared = reviewers(config_of(args.config, top, service), top, service, at)
    disputer = tracked.dispute.by if tracked.dispute else ""
    owners = [tracked.owner, *(getattr(event, "owner", "") for _, event in tracked.history)]
    return not_theirs(
        by, declared, disputer=disputer, owners=owners, leads=_leads(state, tracked), number=tracked.number
    )


def config_of(named: str | None, top: Path, service: str, option: str = "--config") -> Path | None:
    """The audit.yaml that is meant: the named one, else the nearest of a service.

    Raises:
        ValueError: The named one is not there.
    """
    if named:
        given = Path(named)
        if not given.is_file():
            raise ValueError(f"{option}={named}: there is no such file")
        return given
    return nearest(top, service)


def _leads(state: State, tracked: Tracked) -> list[str]:
    """Lead auditors of the audits that have found it."""
    files = {getattr(event, "file", "") for _, event in tracked.history}
    return [f.lead_auditor for f in state.filings if f.file in files]

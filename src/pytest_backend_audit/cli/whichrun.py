"""Of which run a command speaks, and whether the repository has another commit checked out by now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_backend_audit.finished import Finished
    from pytest_backend_audit.model import Card

_SHORT = 12


def which(card: Card) -> str:
    """Service, environment, commit and date of a run, on one line."""
    from pytest_backend_audit.reports import facts  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import one_line  # noqa: PLC0415 - heavy

    document = card.inputs.document
    environment = document.environment or document.environment_kind or "environment not stated"
    told = (document.service or "service not stated", environment, facts.short_commit(card), facts.audit_date(card))
    return one_line(", ".join(told))


def not_checked_out(run: Finished) -> str:
    """That a run is of another commit than the one that is checked out; empty if it isn't, or nobody can tell.

    The repository is the one around this folder or around the run: one of them that holds the run's commit.
    """
    from pytest_backend_audit.document import find_repository  # noqa: PLC0415 - heavy

    tops = dict.fromkeys(find_repository(folder) for folder in (Path(), run.folder))
    said = [other_than_head(top, run.card.inputs.document.commit) for top in tops if top is not None]
    return "" if None in said else next((text for text in said if text), "")


def other_than_head(top: Path, commit: str) -> str | None:
    """That a commit is not the one that is checked out in a repository.

    Args:
        top: Top of the repository.
        commit: Full SHA; empty if there is none.

    Returns:
        A sentence; None if it is checked out, and an empty text if the repository does not hold it.
    """
    from pytest_backend_audit.document.git import GitError, ask  # noqa: PLC0415 - heavy

    try:
        if not commit or ask(top, "cat-file", "-e", f"{commit}^{{commit}}").status:
            return ""
        head = ask(top, "rev-parse", "--verify", "--quiet", "HEAD").line
    except GitError:
        return ""
    if not head or head == commit:
        return None
    return f"the run is of commit {commit[:_SHORT]}, and {head[:_SHORT]} is checked out"


__all__ = ["not_checked_out", "other_than_head", "which"]

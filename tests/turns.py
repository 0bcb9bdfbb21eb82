"""What a run that has no time for all is told by git: what has changed, and whose turn it is."""

from __future__ import annotations

import os
import subprocess


def _git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def turn() -> int | None:
    """A number that rises from one commit to the next; None outside a repository, as in an unpacked sdist."""
    commits = _git("rev-list", "HEAD")
    return None if commits is None else len(commits.split())


def changed() -> list[str]:
    """Files that differ from the commit in CHANGED_SINCE, or from the last one; none in a shallow clone."""
    return (_git("diff", "--name-only", os.environ.get("CHANGED_SINCE", "HEAD~1")) or "").splitlines()

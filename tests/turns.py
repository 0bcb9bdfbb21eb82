"""What a run that has no time for all is told by git: what has changed, and whose turn it is."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence


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


def spared(nodeids: Sequence[str], turn: int) -> set[str]:
    """Variants with workers (``n2``) that a run without time for all leaves to the next: those of every other file.

    Only where the same test has a variant without them, which every run has.

    Args:
        nodeids: pytest's.
        turn: Counted up from one run to the next.
    """
    there = set(nodeids)
    files = sorted({node.partition("::")[0] for node in nodeids})
    resting = {file for number, file in enumerate(files) if (number + turn) % 2}
    found = set()
    for node in nodeids:
        alone = re.sub(r"(?<=[\[-])n2(?=[\]-])", "plain", node)
        if alone != node and alone in there and node.partition("::")[0] in resting:
            found.add(node)
    return found

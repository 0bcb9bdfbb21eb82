"""The repository that the demo audits: the packaged service and its team's files, committed, and thrown away after."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "orders"
"""Name of the service's package in the repository."""
_HERE = Path(__file__).resolve().parent
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


class RepositoryError(RuntimeError):
    """The repository can't be made; the message has what git said."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository with one commit."""

    path: Path
    commit: str
    """Full SHA of that commit."""


def make(folder: Path, *, absent: Collection[str] = ()) -> Repository:
    """Make it in `folder`, which must not exist.

    Args:
        folder: Where.
        absent: Variables of audit.yaml that this machine gives no value for; lines with one of them are left out.

    Raises:
        RepositoryError: git is missing, or fails.
    """
    shutil.copytree(_HERE / "project", folder, ignore=_IGNORED)
    (folder / "gitignore").rename(folder / ".gitignore")
    shutil.copytree(_HERE / "service", folder / PACKAGE, ignore=_IGNORED)
    file = folder / "audit.yaml"
    lines = file.read_text("utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not any(f"${{{name}}}" in line for name in absent)), "utf-8")
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message=The orders service, and how to audit it")
    return Repository(folder, _git(folder, "rev-parse", "HEAD").strip())


def _git(folder: Path, *arguments: str) -> str:
    """Run git with nobody's configuration but ours: no hooks, no signing, no templates."""
    ours = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Orders team",
        "GIT_AUTHOR_EMAIL": "orders@team.example",
        "GIT_COMMITTER_NAME": "Orders team",
        "GIT_COMMITTER_EMAIL": "orders@team.example",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env={**inherited, **ours}, capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        raise RepositoryError("git is missing; on Debian: apt install git") from None
    except subprocess.CalledProcessError as error:
        raise RepositoryError(f"git {arguments[0]} failed: {error.stderr.strip()}") from None
    return done.stdout

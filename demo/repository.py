"""The repository that the demo audits: the packaged service and its team's files, committed, and thrown away after."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

PACKAGE = "orders"
"""Name of the service's package in the repository."""
_HERE = Path(__file__).resolve().parent
_REVIEW = re.compile(r"  - \{criterion: ([\w-]+),")
_DATE = re.compile(r"\b(?:date|since): \d{4}-\d\d-\d\d")
_EXPIRY = re.compile(r"\bexpires: \d{4}-\d\d-\d\d")
_GOOD_FOR = timedelta(days=180)
"""As long as an exception may be."""
_HIDDEN = ("gitignore", "github")
"""Of the team's files those whose names begin with a dot there: here they would mean us."""
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


Edits = Mapping[str, Mapping[str, str]]
"""File -> text in it -> what stands there instead; without texts the file is missing."""


class RepositoryError(RuntimeError):
    """The repository can't be made; the message has what git said."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository with one commit."""

    path: Path
    commit: str
    """Full SHA of that commit."""


def audit_yaml(absent: Collection[str] = (), unattested: Collection[str] = (), today: date | None = None) -> str:
    """The team's audit.yaml.

    Args:
        absent: Variables that this machine gives no value for; lines with one of them are left out.
        unattested: Criteria of which no review is on record.
        today: Reviews and exceptions are dated a week before; the real day, if not given.
    """
    reviewed = (today or datetime.now(UTC).date()) - timedelta(days=7)
    made = []
    for line in (_HERE / "project" / "audit.yaml").read_text("utf-8").splitlines(keepends=True):
        review = _REVIEW.match(line)
        if any(f"${{{name}}}" in line for name in absent) or (review and review[1] in unattested):
            continue
        if review or "expires: " in line:
            line = _DATE.sub(lambda found: f"{found[0].partition(':')[0]}: {reviewed}", line)  # noqa: PLW2901
        made.append(_EXPIRY.sub(f"expires: {reviewed + _GOOD_FOR}", line))
    return "".join(made)


def make(
    folder: Path, *, absent: Collection[str] = (), unattested: Collection[str] = (), edits: Iterable[Edits] = ()
) -> Repository:
    """Make it in `folder`, which must not exist.

    Args:
        folder: Where.
        absent: Variables of audit.yaml that this machine gives no value for; lines with one of them are left out.
        unattested: Criteria of which audit.yaml has no record of a review.
        edits: What is wrong in its files.

    Raises:
        RepositoryError: git is missing, or fails.
    """
    lay_out(folder, edits)
    (folder / "audit.yaml").write_text(audit_yaml(absent, unattested), "utf-8")
    return commit(folder)


def lay_out(folder: Path, edits: Iterable[Edits] = ()) -> None:
    """The service and its team's files, in `folder`, which must not exist.

    Raises:
        ValueError: A text that is to be edited isn't there.
    """
    shutil.copytree(_HERE / "project", folder, ignore=_IGNORED)
    for name in _HIDDEN:
        (folder / name).rename(folder / f".{name}")
    shutil.copytree(_HERE / "service", folder / PACKAGE, ignore=_IGNORED)
    edit(folder, edits)


def edit(folder: Path, edits: Iterable[Edits]) -> None:
    """Put into files what is wrong in them.

    Raises:
        ValueError: A text that is to be edited isn't there.
    """
    for path, texts in (item for one in edits for item in one.items()):
        file = folder / path
        if not texts:
            file.unlink()
        for old, new in texts.items():
            text = file.read_text("utf-8")
            if old not in text:
                raise ValueError(f"{path} has no text {old!r} to put something else in the place of")
            file.write_text(text.replace(old, new), "utf-8")


def commit(folder: Path) -> Repository:
    """Make `folder` a repository with one commit of all that is in it.

    Raises:
        RepositoryError: git is missing, or fails.
    """
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

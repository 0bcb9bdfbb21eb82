"""Asking the ``git`` program, without ever writing to a repository."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

TIMEOUT = 60.0
"""Seconds for one question; a status of a very large tree on a cold disk takes tens of them."""

# Set while a hook of git runs: they would lead our questions to another repository than the one we name.
_MISLEADING = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_NAMESPACE",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
    }
)
_SCHEMES = frozenset({"https", "http", "ssh", "git"})
# git's short form of ssh://, such as git@git.example.org:orders.git
_SHORT = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?P<path>(?!/{2})\S+)")
_SAFE = re.compile(r"safe\.directory (\S.*?)\s*$", re.MULTILINE)


class GitError(Exception):
    """git gave no answer; the message says why, and the way out."""


class NoGitError(GitError):
    """There is no git program."""


class NoRepositoryError(GitError):
    """The folder does not lie in a repository's work tree."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What git said."""

    status: int
    output: str
    errors: str

    @property
    def line(self) -> str:
        """The output without its line end."""
        return self.output.strip()

    @property
    def items(self) -> list[str]:
        """The output of ``-z``."""
        return [item for item in self.output.split("\0") if item]


def ask(folder: Path, *arguments: str) -> Answer:
    """Run git in a folder.

    Raises:
        NoGitError: There is no git program.
        GitError: It does not trust the folder's owner, or did not answer in time.
    """
    environ = {k: v for k, v in os.environ.items() if k not in _MISLEADING}
    environ |= {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
    }
    argv = ["git", "-C", str(folder), "--no-pager", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(
            argv, env=environ, capture_output=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise NoGitError("there is no git program; install git") from None
    except subprocess.TimeoutExpired:
        raise GitError(
            f"git {arguments[0]} did not answer within {TIMEOUT:.0f} s in {folder}; see what holds it up:\n"
            f"  time git -C {folder} status"
        ) from None
    except OSError as error:
        raise GitError(f"git can't be run: {error.strerror}; see what is wrong with it:\n  git --version") from None
    answer = Answer(done.returncode, os.fsdecode(done.stdout), done.stderr.decode("utf-8", "replace"))
    if answer.status and "dubious ownership" in answer.errors:
        named = _SAFE.search(answer.errors)
        path = named[1] if named else str(folder)
        raise GitError(
            f"git does not trust {folder}, because it belongs to another user; if you do:\n"
            f"  git config --global --add safe.directory {path}"
        )
    return answer


def top_of(folder: Path) -> Path:
    """The top of the work tree that `folder` lies in.

    Raises:
        NoRepositoryError: It lies in none.
        GitError: git gave no answer.
    """
    answer = ask(folder, "rev-parse", "--show-toplevel") if folder.is_dir() else None
    if answer is None or answer.status or not answer.line:
        raise NoRepositoryError(
            f"{folder} is not in a git repository; to make one there:\n"
            "  git init && git add . && git commit -m 'First commit'"
        )
    return Path(answer.output.removesuffix("\n")).resolve()


def origin_url(folder: Path) -> str:
    """The URL that the repository around `folder` is cloned from; empty if there is none, or it names a folder.

    Without user, password, query and fragment: a CI's clone has its token there.
    """
    try:
        answer = ask(folder, "config", "--local", "--get", "remote.origin.url") if folder.is_dir() else None
    except GitError:
        return ""
    return "" if answer is None or answer.status else public_url(answer.line)


def public_url(remote: str) -> str:
    """What may be told of a remote: its URL without credentials, query and fragment; empty if it is no URL."""
    short = None if "://" in remote else _SHORT.fullmatch(remote)
    if short:
        remote = f"ssh://{short['host']}/{short['path'].lstrip('/')}"
    try:
        parts = urlsplit(remote)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in _SCHEMES or not host or any(not c.isprintable() or c.isspace() for c in remote):
        return ""
    place = f"[{host}]" if ":" in host else host
    return SplitResult(parts.scheme, place if port is None else f"{place}:{port}", parts.path, "", "").geturl()

"""The allowed signers of a run: read from git at a fixed revision, never from a work tree."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pytest_backend_audit.document.git import GitError, NoGitError, NoRepositoryError, ask, top_of
from pytest_backend_audit.document.revision import content, resolved
from pytest_backend_audit.people import people_in
from pytest_backend_audit.signoff.signing import fingerprint

LIMIT = 1024 * 1024
"""Bytes of a file of allowed signers."""
_SHORT = 12
_TOKEN = re.compile(r'(?:[^\s"]|"(?:\\.|[^"\\])*")+')
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_TYPE = re.compile(r"(?:ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-)[\w@.-]+")


class SignersError(ValueError):
    """The allowed signers can't be had; the message says why, and the way out."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """A file of allowed signers."""

    content: bytes
    name: str
    """How messages name it: ``audits/allowed_signers at 1a2b3c4d5e6f``."""

    @property
    def sha256(self) -> str:
        """Of the file's bytes."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of it (ssh-keygen(1), ALLOWED SIGNERS)."""

    number: int
    principals: tuple[str, ...]
    """Names and patterns."""
    options: str
    fingerprint: str

    @property
    def authority(self) -> bool:
        """Whether its key signs certificates, and no statements itself."""
        return "cert-authority" in _QUOTED.sub("", self.options).lower().split(",")


def entries(allowed: Allowed) -> tuple[Entry, ...]:
    """The lines that name a key, as far as we need them: whom it could stand for. ssh-keygen has the last word."""
    found = []
    # As ssh-keygen has its lines: to Python more characters than this one end a line.
    for number, line in enumerate(allowed.content.decode("utf-8", "replace").split("\n"), 1):
        tokens = _TOKEN.findall(line.strip())
        place = next((n for n, t in enumerate(tokens[:3]) if n and _TYPE.fullmatch(t)), 0)
        if not place or len(tokens) <= place + 1 or line.lstrip().startswith("#"):
            continue
        principals = tuple(p for p in tokens[0].strip('"').split(",") if p)
        options = tokens[1] if place > 1 else ""
        found.append(Entry(number, principals, options, fingerprint(tokens[place + 1])))
    return tuple(found)


def nameless(allowed: Allowed) -> tuple[int, ...]:
    """Lines that begin with a key: copied from a ``.pub`` file, without the address whose key it is."""
    lines = allowed.content.decode("utf-8", "replace").split("\n")
    return tuple(n for n, line in enumerate(lines, 1) if _TYPE.fullmatch(line.partition(" ")[0].strip()))


def names(found: Iterable[Entry], *, within: Iterable[str] = ("*",)) -> tuple[str, ...]:
    """The plain names that entries give their keys, each once, of those that fit `within`."""
    patterns = tuple(within)
    plain = (p for e in found for p in e.principals if not is_pattern(p))
    return tuple(dict.fromkeys(p for p in plain if any(fnmatchcase(p, w) for w in patterns)))


def names_of(key: str, allowed: Allowed) -> tuple[str, ...]:
    """Everybody whom a key, by its fingerprint, stands for."""
    return names(e for e in entries(allowed) if e.fingerprint == key and not e.authority)


def others(key: str, allowed: Allowed, people: Iterable[str]) -> tuple[str, ...]:
    """Everybody whom a key stands for, of some people those too whom a pattern of its takes in."""
    return (*names_of(key, allowed), *taken_in(key, allowed, people))


def taken_in(key: str, allowed: Allowed, people: Iterable[str]) -> tuple[str, ...]:
    """The addresses of some people for whom a pattern lets a key sign too: nobody can tell whose key that is.

    Args:
        key: Its fingerprint.
        allowed: The allowed signers.
        people: Texts that name people.
    """
    mine = [e for e in entries(allowed) if e.fingerprint == key and not e.authority]
    addresses = dict.fromkeys(p.address for text in people for p in people_in(text) if p.address)
    return tuple(a for a in addresses if any(_takes_in(e, a) for e in mine))


def _takes_in(entry: Entry, address: str) -> bool:
    """Whether an entry's patterns take in an address that is folded, as ssh has them: one with a mark excludes."""
    patterns = [p.casefold() for p in entry.principals]
    if any(p.startswith("!") and fnmatchcase(address, p[1:]) for p in patterns):
        return False
    return any(is_pattern(p) and fnmatchcase(address, p) for p in patterns)


def is_pattern(principal: str) -> bool:
    """Whether it stands for several names."""
    return any(c in principal for c in "*?!")


def fits(name: str, found: Iterable[Entry]) -> bool:
    """Whether some entry's principals take in a name."""
    return any(fnmatchcase(name, p) for e in found for p in e.principals)


def repository_with(commit: str, *folders: Path, run: Path) -> Path | None:
    """Top of the first of the repositories around some folders, then around a run's, that holds a commit.

    A repository within the run's folder came along with it, from wherever that was copied. It is not asked: git takes
    the objects of a repository for what their names say, and whoever wrote them may have written anything.

    Returns:
        None if no repository holds it.

    Raises:
        SignersError: git gives no answer, such as about a repository of another user.
    """
    own = run.resolve()
    for folder in (*folders, own):
        try:
            top = top_of(folder.resolve())
            if folder is own and top.is_relative_to(own):
                continue
            if commit and not ask(top, "cat-file", "-e", f"{commit}^{{commit}}").status:
                return top
        except (NoRepositoryError, NoGitError):
            continue
        except GitError as error:
            raise SignersError(str(error)) from None
    return None


def at_revision(top: Path, revision: str, path: str, lacking: str = "") -> Allowed:
    """The file as a commit holds it.

    Args:
        top: Top of the repository.
        revision: Full SHA.
        path: In the tree, with slashes.
        lacking: What is said where the commit lacks it; how to begin one, if not given.

    Raises:
        SignersError: It is not there, or git gave no answer.
    """
    shown = revision[:_SHORT]
    try:
        if not resolved(top, revision):
            raise SignersError(
                f"commit {shown}, which says whose keys count, is not in {top}; fetch it:\n"
                f"  git fetch origin {revision}"
            )
        found = content(top, revision, path, LIMIT)
    except GitError as error:
        raise SignersError(str(error)) from None
    if found is None:
        raise SignersError(
            lacking
            or f"{path} is not in commit {shown}, so nobody may sign; write it (a line a reviewer: ADDRESS and the "
            "public key), commit it, and audit that commit"
        )
    return Allowed(found, f"{path} at {shown}")


def given(text: str, folder: Path) -> Allowed:
    """The file that somebody names who checks a sign-off: a path, or ``REVISION:PATH`` of the repository here.

    Raises:
        SignersError: It can't be read.
    """
    file = Path(text)
    if file.is_file():
        try:
            with file.open("rb") as opened:
                content = opened.read(LIMIT + 1)
        except OSError as error:
            raise SignersError(f"{text} can't be read: {error.strerror}") from None
        if len(content) > LIMIT:
            raise SignersError(f"{text} is larger than any file of allowed signers ({LIMIT} bytes)")
        return Allowed(content, text)
    revision, colon, path = text.partition(":")
    if not colon:
        raise SignersError(f"{text}: there is no such file; name one, or REVISION:PATH of the repository here")
    try:
        top = top_of(folder)
        commit = resolved(top, revision)
    except NoRepositoryError:
        raise SignersError(f"{text}: {folder.absolute()} is in no repository; go into one, or name a file") from None
    except GitError as error:
        raise SignersError(f"{text}: {error}") from None
    if not commit:
        raise SignersError(f"{text}: the repository here ({top}) has no revision {revision}; fetch it")
    lacking = f"{text}: {revision} has no file {path}; name the one with the reviewers' keys"
    return at_revision(top, commit, path, lacking)


def people_of(top: Path, commit: str) -> tuple[tuple[str, str], ...]:
    """Who made a commit: role and ``Name <address>`` of author, committer and co-authors.

    Raises:
        SignersError: git gave no answer.
    """
    form = "%an <%ae>%x00%cn <%ce>%x00%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x00)"
    try:
        answer = ask(top, "log", "-1", f"--format={form}", "--no-mailmap", commit)
    except GitError as error:
        raise SignersError(str(error)) from None
    if answer.status:
        raise SignersError(f"git can't read commit {commit[:_SHORT]}: {answer.errors.strip()}")
    author, committer, *others = answer.output.rstrip("\n").split("\0")
    made = [("author", author), ("committer", committer), *(("co-author", o) for o in others if o.strip())]
    return tuple(made)

"""Running servers that refuse root, when we are root."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from pytest_backend_audit.demo.stack.process import StackError

_NOBODY = 65534


def user() -> int | None:
    """Id of the user for servers that refuse root; None when we aren't root, and they can run as we do."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return _NOBODY


def give(path: Path, owner: int | None) -> None:
    """Make `path` the user's own."""
    if owner is not None:
        os.chown(path, owner, owner)


def own_folder(parent: Path, name: str, owner: int | None) -> Path:
    """A new folder that only this user can look into."""
    folder = parent / name
    folder.mkdir(mode=0o700)
    give(folder, owner)
    return folder


def must_be_reachable(folder: Path, owner: int | None) -> None:
    """Check that another user can get into `folder`.

    Raises:
        StackError: A folder above is private.
    """
    if owner is None:
        return
    for place in (folder, *folder.resolve().parents):
        if not place.stat().st_mode & 0o001:
            raise StackError(
                f"{place} can't be entered by the unprivileged user that PostgreSQL has to run as when we are root."
                " Run as an ordinary user, or set TMPDIR to a folder that everybody can enter (such as /tmp)."
            )


def readable_copy(source: Path, parent: Path) -> Path:
    """A copy of `source` that everybody can read: a Python under a private home can't be read by another user.

    Raises:
        StackError: There is no room for it.
    """
    target = parent / source.name
    try:
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "include"))
    except shutil.Error as error:  # of all its files' troubles, that are as good as the same, the first
        raise StackError(f"{source.name} can't be copied to {parent}: {error.args[0][0][2]}") from None
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():  # the umask under which it was installed can have made it private
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))
    return target

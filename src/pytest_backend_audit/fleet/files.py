"""The files that a path names on this machine: a file, a folder with all below it, or a pattern.

A walk follows no link and enters no hidden folder, so that it stays below its folder and ends.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_backend_audit.filed import LIMIT
from pytest_backend_audit.fleet.found import Found, is_passed_over, is_place_of_a_card

LEDGER = "ledger.jsonl"
NO_CARDS = "it tells of filed cards, and none of them is there; restore them from git"
"""What is said of a ledger that is alone."""


def find(given: str) -> Iterator[Found]:
    """Every file that may be a filed card.

    Raises:
        ValueError: The path names nothing; the message is for the user.
    """
    path = Path(given)
    if path.is_dir():
        yield from _below(path)
    elif path.exists():
        # People read the Markdown, and name it.
        file = path.with_suffix(".json") if path.suffix == ".md" else path
        yield _read(str(file), os.path.realpath(file), named=True)
    elif glob.has_magic(given):
        yield from _matched(given)
    else:
        raise ValueError(f"{given}: there is no such file or folder")


def _matched(pattern: str) -> Iterator[Found]:
    matched = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - absolute or not
    if not matched:
        raise ValueError(f"{pattern}: matches no file and no folder")
    for name in matched:
        if Path(name).is_dir():
            yield from _below(Path(name))
        elif name.endswith(".json"):
            yield _read(name, os.path.realpath(name), named=False)


def _below(folder: Path) -> Iterator[Found]:
    """The files of a folder and its folders, in the order of their names."""
    left = [(str(folder), os.path.realpath(folder))]
    while left:
        here, real = left.pop()
        try:
            with os.scandir(here) as opened:
                entries = sorted(opened, key=lambda e: e.name)
        except OSError as error:
            yield Found(here, real, claimed=True, trouble=f"can't be listed: {error.strerror}")
            continue
        folders = []
        if trouble := _lost_cards(real, [entry.name for entry in entries]):
            yield Found(f"{here}/{LEDGER}", f"{real}/{LEDGER}", claimed=True, trouble=trouble)
        for entry in entries:
            key = f"{real}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if not is_passed_over(entry.name):
                    folders.append((entry.path, key))
            elif entry.is_symlink():
                if is_place_of_a_card(key):
                    yield Found(entry.path, key, claimed=True, trouble="a link; links below a folder are not followed")
            elif entry.name.endswith(".json"):
                yield _read(entry.path, key, named=False)
        left += reversed(folders)


def _lost_cards(folder: str, names: Sequence[str]) -> str:
    """What is wrong where a ledger tells of cards, and none is there: a service would be missing unseen."""
    if LEDGER not in names or any(is_place_of_a_card(f"{folder}/{name}") for name in names):
        return ""
    try:
        return NO_CARDS if tells_of_audits(Path(folder, LEDGER)) else ""
    except OSError as error:
        return f"can't be read: {error.strerror}"


def tells_of_audits(ledger: Path) -> bool:
    """Whether a ledger is there that tells of filed cards.

    Raises:
        OSError: It can't be read.
    """
    if ledger.is_symlink() or not ledger.is_file():
        return False
    with ledger.open("rb") as opened:
        return b'"type":"filed"' in opened.read(LIMIT)


def _read(path: str, key: str, *, named: bool) -> Found:
    claimed = named or is_place_of_a_card(key)
    try:
        # Without O_NONBLOCK a pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as opened:  # noqa: PTH123 - a descriptor
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode):
                return Found(path, key, claimed, trouble="no plain file")
            raw = opened.read(min(state.st_size, LIMIT) + 1)
    except OSError as error:
        return Found(path, key, claimed, trouble=f"can't be read: {error.strerror}")
    return Found(path, key, claimed, raw)

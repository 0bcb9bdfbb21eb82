"""Putting ``audit_paths`` into a project's pytest settings, without touching anything else in them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import iniconfig

_INI = {"pytest.ini": "pytest", ".pytest.ini": "pytest", "tox.ini": "pytest", "setup.cfg": "tool:pytest"}
_TABLES = ("tool.pytest", "tool.pytest.ini_options")
KEY = "audit_paths"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done about the settings."""

    path: Path
    text: str = ""
    """The whole new file; empty when nothing is to be written."""
    present: bool = False
    """Whether the key is there already."""
    by_hand: str = ""
    """What the user has to add, where we can't do it safely."""


def change(top: Path, folder: str) -> Change:
    """How ``audit_paths`` comes into the file that pytest reads; in the order in which pytest looks.

    Args:
        top: pytest's root folder.
        folder: Where checks live, relative to it.
    """
    for name in ("pytest.toml", ".pytest.toml"):
        if (path := top / name).is_file():
            return _toml(path, "pytest", folder)
    for name in ("pytest.ini", ".pytest.ini"):
        if (path := top / name).is_file():
            return _ini(path, _INI[name], folder)
    pyproject = top / "pyproject.toml"
    if pyproject.is_file():
        table = next((t for t in _TABLES[::-1] if _table(_parsed(pyproject), t) is not None), None)
        if table is not None:
            return _toml(pyproject, table, folder)
    for name in ("tox.ini", "setup.cfg"):
        path = top / name
        if path.is_file() and _INI[name] in _sections(path):
            return _ini(path, _INI[name], folder)
    if pyproject.is_file():
        return _toml(pyproject, "tool.pytest.ini_options", folder)
    return Change(top / "pytest.ini", f"[pytest]\n{KEY} = {folder}\n")


def _toml(path: Path, table: str, folder: str) -> Change:
    line = f'{KEY} = ["{folder}"]'
    by_hand = Change(path, by_hand=f"[{table}]\n{line}")
    before = _parsed(path)
    if before is None:
        return by_hand
    present = _table(before, table)
    if present is not None and KEY in present:
        return Change(path, present=True)
    text = _read(path)
    if present is None:
        new = f"{text.rstrip()}\n\n[{table}]\n{line}\n" if text.strip() else f"[{table}]\n{line}\n"
    else:
        new = re.sub(rf"(?m)^([ \t]*\[{re.escape(table)}\][^\n]*\n)", rf"\g<1>{line}\n", text, count=1)
    # The proof that only the key was added: the file still says what it said, and the key.
    try:
        after = tomllib.loads(new)
    except tomllib.TOMLDecodeError:
        return by_hand
    added = _table(after, table)
    if added is None or added.pop(KEY, None) != [folder] or (after != before and present is not None):
        return by_hand
    return Change(path, new)


def _ini(path: Path, section: str, folder: str) -> Change:
    line = f"{KEY} = {folder}"
    by_hand = Change(path, by_hand=f"[{section}]\n{line}")
    before = _sections(path)
    if KEY in before.get(section, {}):
        return Change(path, present=True)
    text = _read(path)
    if section in before:
        new = re.sub(
            rf"(?m)^(\[{re.escape(section)}\][^\n]*\n?)", lambda m: f"{m[1].rstrip()}\n{line}\n", text, count=1
        )
    else:
        new = f"{text.rstrip()}\n\n[{section}]\n{line}\n".lstrip()
    after = _parsed_ini(path, new)
    if after.get(section, {}).pop(KEY, None) != folder or (section in before and after != before):
        return by_hand
    return Change(path, new)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _parsed(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError:
        return None


def _table(data: dict[str, Any] | None, dotted: str) -> dict[str, Any] | None:
    found: Any = data
    for key in dotted.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if dotted == "tool.pytest" and isinstance(found, dict) and set(found) <= {"ini_options"}:
        return None
    return found if isinstance(found, dict) else None


def _sections(path: Path) -> dict[str, dict[str, str]]:
    return _parsed_ini(path, _read(path))


def _parsed_ini(path: Path, text: str) -> dict[str, dict[str, str]]:
    try:
        return {section.name: dict(section.items()) for section in iniconfig.IniConfig(str(path), data=text)}
    except iniconfig.ParseError:
        return {}

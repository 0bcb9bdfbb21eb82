"""How a run records which audit.yaml it was judged by: the same wherever it was started, and on every machine."""

from __future__ import annotations

from pathlib import Path

from pytest_backend_audit.document.git import origin_url
from pytest_backend_audit.document.pinning import find_repository


def config_name(path: Path, top: Path, base: Path) -> str:
    """Path of an audit.yaml in the audited repository.

    In another one, ``NAME:PATH``, with the name by which that is cloned; in none, from `base`.

    Args:
        path: The file.
        top: Top of the audited repository.
        base: Where pytest is at home, or the command.
    """
    file = path.resolve()
    if file.is_relative_to(top.resolve()):
        return file.relative_to(top.resolve()).as_posix()
    other = find_repository(file.parent)
    if other is None:
        return _from(file, base.resolve())
    name = origin_url(other).rstrip("/").rpartition("/")[2].removesuffix(".git") or "elsewhere"
    return f"{name}:{_from(file, other)}"


def _from(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.name

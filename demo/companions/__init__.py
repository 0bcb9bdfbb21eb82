"""Small services beside the reference one, for what only their language or framework can have wrong.

Each is a folder as a team would have it, and none of it is in the wheel. Their defects are edits of their source, in
the form of the reference stack's catalogue: ``defects`` beside this file.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from pytest_backend_audit.demo import repository
from pytest_backend_audit.demo.defects.catalogue import load
from pytest_backend_audit.demo.defects.model import Defect

_HERE = Path(__file__).parent
DEFECTS: Mapping[str, Defect] = {defect.name: defect for defect in load(_HERE / "defects")}
"""Every defect of a companion by its name."""


def make(companion: str, folder: Path, edits: Iterable[repository.Edits] = ()) -> repository.Repository:
    """A companion's repository, with one commit.

    Args:
        companion: Its folder's name.
        folder: Where it is to be; must not exist.
        edits: What is wrong in its files.

    Raises:
        RepositoryError: git is missing, or fails.
        ValueError: A text that is to be edited isn't there.
    """
    shutil.copytree(_HERE / companion, folder, ignore=shutil.ignore_patterns("__pycache__", "audit-report"))
    repository.edit(folder, edits)
    return repository.commit(folder)

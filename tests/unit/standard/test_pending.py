"""Rows without a bundled check stand in one list, which holds exactly those."""

from __future__ import annotations

from pathlib import Path

import pytest_backend_audit
from pytest_backend_audit.standard import load

SUITES = Path(pytest_backend_audit.__file__).with_name("suites")
MOST = 85
"""How long the list is; lower it with each check that lands, never raise it."""


def test_the_list_only_shrinks() -> None:
    """Nobody adds a row back."""
    assert len(load().pending) == MOST


def test_rows_that_are_not_pending_have_their_file() -> None:
    """A criterion's checks are in one file of its dimension's folder, and a file without rows to cover is a mistake."""
    default = load()
    folders = {d.id: d.folder for d in default.dimensions}
    pending = set(default.pending)
    wanted = {
        f"{folders[row.dimension]}/{row.criterion.replace('-', '_')}.py"
        for row in default.rows
        if row.name not in pending
    }
    there = {
        f"{file.parent.name}/{file.name}"
        for file in SUITES.glob("*/*.py")
        if not file.name.startswith(("_", "conftest"))
    }
    assert there == wanted

"""The repository that the demo audits, with something wrong in its files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_backend_audit.demo import repository
from pytest_backend_audit.demo.defects import CATALOGUE


def test_what_is_wrong_in_a_file_is_committed(tmp_path: Path) -> None:
    """A text is replaced wherever it stands; a file without texts is missing; the rest is as it was."""
    edits = [
        {"README.md": {"# Orders": "# Bestellungen"}, "docs/caching.md": {}},
        {"README.md": {"became": "will become"}},
    ]
    made = repository.make(tmp_path / "made", edits=edits)
    sound = repository.make(tmp_path / "sound")
    shown = subprocess.run(["git", "show", "HEAD:README.md"], cwd=made.path, capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("# Bestellungen\n\nTakes orders, and tells what will become of them.")
    names = {path.relative_to(made.path).as_posix() for path in made.path.rglob("*") if ".git" not in path.parts}
    missing = {path.relative_to(sound.path).as_posix() for path in sound.path.rglob("*") if ".git" not in path.parts}
    assert missing - names == {"docs/caching.md"}


def test_a_text_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    """Else a defect would silently be none after the file has changed."""
    with pytest.raises(ValueError, match=r"README\.md has no text 'Rechnungen' to put something else in the place of"):
        repository.lay_out(tmp_path / "made", [{"README.md": {"Rechnungen": ""}}])


def test_every_defect_of_the_source_tree_can_be_made(tmp_path: Path) -> None:
    """The texts that the catalogue edits are those that the service's files have."""
    edited = [defect for defect in CATALOGUE.values() if defect.tree]
    for defect in edited:
        repository.lay_out(tmp_path / defect.name, [defect.tree])
    assert {path.name for path in tmp_path.iterdir()} == {defect.name for defect in edited} != set()

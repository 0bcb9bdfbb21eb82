"""The page about signing, followed as its reader would."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from live.pages import blocks, follow

from plugin.conftest import GIT

PAGE = Path(__file__).parents[2] / "docs" / "how-to-sign-and-gate.md"


def test_the_page_shows_what_its_commands_print(
    tmp_path: Path, same_tree: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are written, commands run, outputs compared."""
    folder = tmp_path / "work" / "nightly"
    folder.mkdir(parents=True)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **GIT, "PATH": path, "COLUMNS": "80", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    assert follow(blocks(PAGE), f"cd {folder}\n", environment) == 6

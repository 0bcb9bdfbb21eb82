"""The page about filing and closing, followed as its reader would."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from live.pages import blocks, follow

from plugin.conftest import GIT

PAGE = Path(__file__).parents[2] / "docs" / "how-to-file-and-close.md"


def test_the_page_shows_what_its_commands_print(tmp_path: Path, same_tree: None) -> None:
    """Files are written, an audit filed, a finding closed, and the next audit filed."""
    folder = tmp_path / "orders"
    folder.mkdir()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Who files is told by git.
    mine = {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig")}
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Kim\n\temail = kim@example.org\n", "utf-8")
    environment = {**os.environ, **GIT, **mine, "PATH": path, "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    assert follow(blocks(PAGE), f"cd {folder}\n", environment) == 11

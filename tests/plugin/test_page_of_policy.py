"""The page about policy, followed as its reader would."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from live.pages import blocks, follow

from plugin.conftest import GIT

PAGE = Path(__file__).parents[2] / "docs" / "how-to-policy.md"


@pytest.mark.parametrize(("since", "until", "shown"), [("## Try it", "## Which keys", 2), ("## Incidents", "", 1)])
def test_the_page_shows_what_its_commands_print(
    tmp_path: Path, same_tree: None, since: str, until: str, shown: str
) -> None:
    """Files are written, commands run, outputs compared."""
    text = PAGE.read_text("utf-8")
    part = text[text.index(since) : text.index(until) if until else None]
    (tmp_path / "part.md").write_text(part, "utf-8")
    folder = tmp_path / "orders"
    folder.mkdir()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **GIT, "PATH": path, "COLUMNS": "80", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    assert follow(blocks(tmp_path / "part.md"), f"cd {folder}\n", environment) == shown

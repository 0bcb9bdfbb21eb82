"""Pages of the docs that need no server, done as their reader would do them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from live.pages import blocks, follow

DOCS = Path(__file__).parents[2] / "docs"


def test_comparing_and_merging(project) -> None:
    """Every command of the page is run, every shown output compared."""
    page = blocks(DOCS / "how-to-compare-and-merge.md")
    project.git("init", "-q", "-b", "main")
    project.git("config", "user.name", "Ada")
    project.git("config", "user.email", "ada@example.org")
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    compared = follow(page, f"cd '{project.path}'\n", {**os.environ, "PATH": paths, "PYTHONDONTWRITEBYTECODE": "1"})
    assert compared == sum(block.language == "text" for block in page) == 4

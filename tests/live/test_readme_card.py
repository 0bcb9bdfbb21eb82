"""The card that the README shows is the one that the demo prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def blanked(text: str) -> list[str]:
    """The lines of a card without what differs from run to run."""
    text = re.sub(r"\b[0-9a-f]{7}\b", "<sha>", text)
    text = re.sub(r"\d{4}-\d\d-\d\d", "<date>", text)
    text = re.sub(r"(?<=Report       ).*/", "", text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


@pytest.mark.needs("pgbouncer", "prometheus")
def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    """Run as a user would, and compared line by line; commit and date are blanked."""
    done = subprocess.run(
        [Path(sys.executable).with_name("backend-audit"), "demo", "--report", tmp_path / "report"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    card = done.stdout.partition("= backend audit =")[2].partition("\n")[2].partition("\n=====")[0]
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = readme.partition("<!-- the demo's card -->")[2].partition("\n```\n")[0]
    assert blanked(shown.partition("= backend audit =")[2].partition("\n")[2]) == blanked(card)

"""What the page about fleets shows is what the command prints."""

from __future__ import annotations

from pathlib import Path

from unit.fleet.test_fleet_table import SMALL

PAGE = Path(__file__).parents[3] / "docs" / "how-to-fleet.md"


def test_the_table_is_that_of_the_small_fleet() -> None:
    """Line by line; the command's own test holds that it prints it."""
    shown = PAGE.read_text("utf-8").partition("<!-- the small fleet's table -->\n```text\n")[2].partition("```\n")[0]
    assert shown == SMALL

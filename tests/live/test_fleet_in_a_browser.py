"""fleet.html in a real browser: its script runs under its policy, sorts and finds."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from unit.fleet.fleet_cards import fleet
from unit.fleet.test_fleet_page import made, numbers


class _Cells(HTMLParser):
    """The first cell of each row that stands in the table of services, and what is said of the search."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self._inside = self._cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where the table begins, and its rows."""
        given = dict(attrs)
        self._inside = self._inside or (tag == "table" and given.get("class") == "heat")
        self._hidden = "hidden" in given if tag == "tr" else getattr(self, "_hidden", False)
        self._cell = tag == "th" and given.get("scope") == "row" and self._inside and not self._hidden

    def handle_endtag(self, tag: str) -> None:
        """Note where it ends."""
        self._inside = self._inside and tag != "table"
        self._cell = False

    def handle_data(self, data: str) -> None:
        """Note a name."""
        if self._cell:
            self.names.append(data)


@pytest.mark.needs("chromium")
def test_in_a_browser_the_table_sorts_and_finds(tmp_path: Path) -> None:
    """The policy lets our script run; a click on a head sorts, a second one turns it round; the search hides rows."""
    text = made(numbers(*fleet()))
    click = "document.querySelectorAll('.heat thead button')[{}].click();"
    find = "const i = document.querySelector('.tools input'); i.value = '{}'; i.dispatchEvent(new Event('input'));"
    for action, names in (
        ("", ["billing", "search", "orders", "orders"]),
        (click.format(0), ["billing", "orders", "orders", "search"]),
        (click.format(0) * 2, ["search", "orders", "orders", "billing"]),
        (click.format(2) * 2, ["orders", "orders", "search", "billing"]),
        (click.format(3), ["orders", "billing", "search", "orders"]),
        (find.format("STAGE"), ["orders"]),
    ):
        code = f"<script>{action}</script>"
        # What the test adds is no part of the page, so its policy would refuse it.
        digest = base64.b64encode(hashlib.sha256(action.encode()).digest()).decode()
        driven = text.replace("script-src ", f"script-src 'sha256-{digest}' ").replace("</body>", f"{code}</body>")
        (tmp_path / "fleet.html").write_text(driven, "utf-8")
        assert _Cells(_dom(tmp_path)).names == names


def _dom(folder: Path) -> str:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command = [browser, *flags, "--dump-dom", (folder / "fleet.html").as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

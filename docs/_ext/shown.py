"""Put new pictures into README and docs, and the demo's card into the README: ``scripts/docs --shown``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "scorecard.png"
FLEET = PICTURE.with_name("fleet.png")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def card_of(printed: str) -> str:
    """The section that pytest printed, from its rule to the place of the report."""
    found = re.search(r"^=+ backend audit =+\n.*?^Report .*?$", printed, re.MULTILINE | re.DOTALL)
    if found is None:
        raise SystemExit(f"the demo printed no card:\n{printed}")
    return re.sub(r"^(Report +).*/(?=[^/]+$)", r"\1audit-report/", found.group(), flags=re.MULTILINE)


def pictured(browser: str, page: Path, picture: Path, height: int) -> None:
    """Take a picture of the top of a page."""
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size=1100,{height}"]
    subprocess.run([browser, *flags, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True)


def show_fleet(browser: str) -> None:
    """Make a fleet of the benchmark's cards, and replace the picture of its page."""
    with tempfile.TemporaryDirectory() as folder:
        cards, page = Path(folder) / "cards", Path(folder) / "fleet.html"
        subprocess.run([sys.executable, "-m", "benchmarks.fleet", cards, "1000"], check=True, cwd=ROOT)
        command = [Path(sys.executable).with_name("backend-audit"), "fleet", cards, "--as-of=2026-11-01", "-o", page]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        pictured(browser, page, FLEET, 2040)


def main() -> None:
    """Run the demo and the fleet, and replace what is shown of them."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise SystemExit("no chromium for the picture: apt install chromium")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "audit-report"
        demo = [Path(sys.executable).with_name("backend-audit"), "demo", "--report", report]
        printed = subprocess.run(demo, check=True, stdout=subprocess.PIPE, text=True).stdout
        readme = ROOT / "README.md"
        before, mark, after = readme.read_text("utf-8").partition("<!-- the demo's card -->\n```text\n")
        readme.write_text(before + mark + card_of(printed) + after[after.index("\n```\n") :], "utf-8")
        pictured(browser, report / "scorecard.html", PICTURE, 1060)
    show_fleet(browser)


if __name__ == "__main__":
    main()

"""Put a new card and a new picture into the README, from a run of the demo: ``scripts/docs --shown``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "scorecard.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def card_of(printed: str) -> str:
    """The section that pytest printed, from its rule to the place of the report."""
    found = re.search(r"^=+ backend audit =+\n.*?^Report .*?$", printed, re.MULTILINE | re.DOTALL)
    if found is None:
        raise SystemExit(f"the demo printed no card:\n{printed}")
    return re.sub(r"^(Report +).*/(?=[^/]+$)", r"\1audit-report/", found.group(), flags=re.MULTILINE)


def main() -> None:
    """Run the demo, and replace both."""
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
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1100,1060"]
        page = (report / "scorecard.html").as_uri()
        subprocess.run([browser, *flags, f"--screenshot={PICTURE}", page], check=True, capture_output=True)


if __name__ == "__main__":
    main()

"""What README and tutorial show is what a reader will see: the demo is run, and the commands, as they say."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from live.demo.conftest import processes_that_mention
from live.pages import Block, follow, holds
from live.servers import folder_for_servers, guarded
from live.stories import Story, chosen

from pytest_backend_audit.demo.defects import CATALOGUE, DEFAULT
from pytest_backend_audit.demo.stack.process import wait_for
from pytest_backend_audit.journal import read_run
from pytest_backend_audit.model import Status

ROOT = Path(__file__).parents[2]
AUTHOR = {
    f"GIT_{who}_{what}": f"reader@{what.lower()}.example"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


@dataclass(frozen=True)
class Kept:
    """A demo that was left running."""

    said: str
    """What it wrote to standard error until it began to wait."""
    printed: str
    """And to standard output: the card."""
    setting: str
    """The lines that put a second terminal into its repository."""
    process: subprocess.Popen[str]
    folder: Path
    """Where it was started, and keeps all that it makes."""

    def read(self, pages: list[Block]) -> int:
        """Do what a page says in the second terminal, and what it says in the first; count the outputs compared."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        try:
            return follow(pages, self.setting, {**os.environ, **AUTHOR, "PATH": path}, self.type)
        except AssertionError as error:
            error.add_note("\n".join(self.reasons()))
            raise

    def reasons(self) -> list[str]:
        """Of each run that lies there, why checks did not pass: what pages show of them are numbers."""
        runs = [(path.parent, read_run(path.parent)) for path in self.folder.rglob("journal.jsonl")]
        return [
            f"{run.name}: {attempt.check.rpartition('::')[2]}: {attempt.status}: {attempt.reason[:300]}"
            for run, record in runs
            for attempt in record.attempts
            if attempt.status is not Status.PASSED
        ]

    def type(self, text: str) -> None:
        """Type into the first terminal, and await what it says."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()
        said = ""
        while not said.startswith("wrong with it now: "):  # below it may stand the rest of an earlier answer
            said = self.process.stderr.readline()
            assert said, "the demo has ended"


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    """The demo, started as the first terminal does."""
    with (
        folder_for_servers() as folder,
        (folder / "stdout").open("w") as stdout,
        guarded(
            subprocess.Popen(
                [Path(sys.executable).with_name("backend-audit"), "demo", "--keep"],
                cwd=folder,
                env={**os.environ, "TMPDIR": str(folder)},
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
            )
        ) as process,
    ):
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if "Ctrl-C" in line:
                break
        setting = re.search(r"^audit again, in another terminal:\n(  \. .*\n  cd .*\n)", said, re.MULTILINE)
        assert setting is not None, said
        yield Kept(said, (folder / "stdout").read_text("utf-8"), setting.group(1), process, folder)


@pytest.mark.needs("pgbouncer", "prometheus")
def test_the_readme_shows_the_card_that_the_demo_prints(kept: Kept) -> None:
    """The whole card, every line; `scripts/docs --shown` puts a new one there."""
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = readme.partition("<!-- the demo's card -->\n```text\n")[2].partition("\n```\n")[0]
    assert shown.startswith("=====")
    assert shown.splitlines()[-1].startswith("Report ")
    assert holds(shown, kept.printed) == "", kept.printed


def test_the_card_shows_the_default_defects(kept: Kept) -> None:
    """Each fails its own criterion; no other criterion has a check that failed, but those that the catalogue names."""
    card = json.loads((kept.folder / "audit-report" / "scorecard.json").read_text("utf-8"))
    criteria = [criterion for dimension in card["dimensions"] for criterion in dimension["criteria"]]
    failed = {c["id"] for c in criteria if any(check["outcome"] == "failed" for check in c["checks"])}
    own = {CATALOGUE[name].criterion for name in DEFAULT}
    others = [check for name in DEFAULT for w in CATALOGUE[name].witnesses for check in (*w.also, *w.maybe)]
    assert own <= failed <= own | {check.partition("::")[0].rpartition(".")[2].replace("_", "-") for check in others}
    assert f"report: {kept.folder}/audit-report/scorecard.html" in kept.said


@pytest.mark.needs("pgbouncer", "prometheus")
@pytest.mark.parametrize("story", chosen(), ids=str)
def test_a_story_goes_as_its_page_says(kept: Kept, story: Story) -> None:
    """Every command is run, in the repository as the demo made it, and every output that is shown is compared."""
    fresh = "git reset -q --hard $(git rev-list --max-parents=0 HEAD)\nrm -rf audit-report\n"
    subprocess.run(["bash", "-c", kept.setting + fresh], check=True)
    waiting, rest = story.begun()
    assert holds(waiting.text, kept.said) == ""
    assert kept.read(rest) == sum(block.language == "text" for block in rest) == story.outputs


def test_a_kept_demo_ends_by_ctrl_c_and_leaves_nothing_but_the_report(kept: Kept) -> None:
    """The variables for another audit are in a file that only we can read; servers and temporary folders are gone."""
    file = Path(kept.setting.split()[1])
    assert file.stat().st_mode & 0o777 == 0o600
    assert "export AUDIT_BASE_URL=http://127.0.0.1:" in file.read_text("utf-8")
    kept.process.send_signal(signal.SIGINT)
    assert kept.process.wait(60) == 0
    assert kept.process.stderr is not None
    assert kept.process.stderr.read().strip() == "stopping everything"
    assert {path.name for path in kept.folder.iterdir()} == {"audit-report", "stdout"}
    wait_for(lambda: processes_that_mention(str(kept.folder)) == [], "the servers to be gone")

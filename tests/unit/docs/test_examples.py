"""The examples do what the pages that show them say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_backend_audit import cli
from pytest_backend_audit.testing import rows, run_check

ROOT = Path(__file__).parents[3]


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and output of pytest there."""
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """A copy of the example."""
    return Path(shutil.copytree(ROOT / "examples" / "orders", tmp_path / "orders"))


def test_without_an_audit_the_unit_tests_run_and_the_check_is_skipped(orders: Path) -> None:
    """Beside each other in one run."""
    status, printed = run(orders)
    assert status == 0, printed
    assert "2 passed, 1 skipped" in printed
    assert "audit check: run with --audit" in printed
    assert not (orders / "audit-report").exists()


def test_in_an_audit_the_check_alone_runs(orders: Path) -> None:
    """The unit tests are left out; without the variable its target could not be reached, which is said."""
    status, printed = run(orders, "--audit")
    assert status == 0, printed
    assert "audit: 1 check of 1" in printed
    assert "AUDIT_POSTGRES_DSN" in printed


def test_the_readme_s_check_gives_both_its_answers() -> None:
    """On literal rows."""
    text = (ROOT / "README.md").read_text("utf-8")
    [block] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    made: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), made)
    [check] = [value for name, value in made.items() if name.startswith("test_")]
    assert callable(check)
    assert run_check(check, audit_postgres=rows()).status == "passed"
    ran = run_check(check, audit_postgres=rows((17,), (23,)))
    assert (ran.status, "2 orders with a negative total" in ran.reason) == ("failed", True)


def test_verify_says_what_its_page_shows(
    orders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of an intact run, of one without its end, and of one with a changed letter."""
    run(orders, "--audit")
    monkeypatch.chdir(orders)
    journal = (orders / "audit-report" / "journal.jsonl").read_bytes()
    first, second, last = journal.splitlines(keepends=True)
    changed = second.replace(b"AUDIT_POSTGRES_DSN", b"AUDIT_POSTGRES_DSX")
    for name, data in (("torn", first + second[:-100]), ("altered", first + changed + last)):
        shutil.copytree("audit-report", name)
        Path(name, "journal.jsonl").write_bytes(data)
    statuses = [cli.main(["verify", name]) for name in ("audit-report", "torn", "altered")]
    assert statuses == [0, 1, 1]
    page = (ROOT / "docs" / "what-the-chain-proves.md").read_text("utf-8")
    shown = "".join(re.findall(r"```text\n(.*?)```", page, re.DOTALL))
    assert re.sub("[0-9a-f]{64}", "", capsys.readouterr().out) == re.sub("[0-9a-f]{64}", "", shown)
    assert cli.main(["render", "altered"]) == 2

"""What each command that looks at a run says of a folder that is no good run: one line each, and never a traceback."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.scoring.scoring_cases import SEALED, check, failed, inputs, passed

from pytest_backend_audit.cli import main
from pytest_backend_audit.cli.runs import NO_RUN
from pytest_backend_audit.journal import Writer

LOOKING = {
    "show": ["show"],
    "show json": ["show", "--json"],
    "report": ["report", "--format", "md"],
    "render": ["render"],
    "verify": ["verify"],
    "gate": ["gate", "--min", "significant-technical-debt"],
}
"""Every command that takes a run folder."""
CARD = ["show", "show json", "report", "render"]
"""Those that make a card of it."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run, in a folder with a space."""
    monkeypatch.chdir(tmp_path)
    folder = Path("my run")
    writer = Writer(folder)
    writer.start(inputs([check("a::test_a", 2), check("a::test_b", 3)]))
    writer.attempt(passed("a::test_a"))
    writer.attempt(failed("a::test_b"))
    writer.seal(SEALED)
    writer.close()
    return folder


def said(name: str, folder: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit status, output and complaint of one command."""
    status = main([*LOOKING[name], folder])
    return (status, *capsys.readouterr())


@pytest.mark.parametrize("name", LOOKING)
def test_a_good_run(run: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The name with a space is no trouble; the gate is closed to a rehearsal, with 1."""
    status, out, err = said(name, str(run), capsys)
    assert (status, err) == (1 if name == "gate" else 0, "")
    assert out != ""


@pytest.mark.parametrize("name", LOOKING)
@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("nowhere", f"nowhere: there is no such folder; {NO_RUN}"),
        (".", f".: not a run folder (it has no journal.jsonl); {NO_RUN}"),
        ("above", "above: not a run folder (it has no journal.jsonl); did you mean above/audit-report?"),
        ("my run/x", "my run/x: there is no such folder; did you mean my run?"),
        ("my run/journal.jsonl", "my run/journal.jsonl: that is a file; name its run folder: my run"),
        ("a file", f"a file: that is a file, and no run is there; {NO_RUN}"),
        ("half", "half: a merge without its merge.json; copy the whole folder, or merge the runs again"),
    ],
)
def test_no_run_folder(name: str, folder: str, message: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not there, another folder, the one above or one within, a file of the run, any file."""
    Path("above/audit-report").mkdir(parents=True)
    Path("above/audit-report/journal.jsonl").touch()
    Path("a file").write_text("x")
    Path("half/sources").mkdir(parents=True)
    assert said(name, folder, capsys) == (2, "", f"backend-audit: {message}\n")


@pytest.mark.parametrize("name", CARD)
def test_a_torn_run_is_shown_as_far_as_it_is_good(run: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its card says that it is partial."""
    journal = run / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-30])
    status, out, err = said(name, str(run), capsys)
    assert (status, err) == (0, "")
    assert out != ""


@pytest.mark.parametrize("name", CARD)
def test_a_run_that_never_began(run: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing but a part of the first line."""
    journal = run / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:40])
    status, out, err = said(name, str(run), capsys)
    assert (status, out) == (2, "")
    assert err == ("backend-audit: my run/journal.jsonl: holds no complete line; the run ended before it began\n")


def altered(journal: Path) -> None:
    """Change a status, not the chain."""
    journal.write_bytes(journal.read_bytes().replace(b'"failed"', b'"passed"'))


def shortened(journal: Path) -> None:
    """Take a line out of the middle."""
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:1], *lines[2:]]))


def garbage(journal: Path) -> None:
    """Something else under the same name."""
    journal.write_bytes(b"\x89PNG\r\n\x1a\n" * 50)


@pytest.mark.parametrize("name", CARD)
@pytest.mark.parametrize("spoil", [altered, shortened, garbage])
def test_an_altered_run_makes_no_card(
    run: Path, name: str, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """It proves nothing any more; one line names the place."""
    spoil(run / "journal.jsonl")
    status, out, err = said(name, str(run), capsys)
    assert (status, out) == (2, "")
    assert err.startswith("backend-audit: my run/journal.jsonl:")
    assert err.count("\n") == 1
    assert len(err) < 400


@pytest.mark.parametrize("name", LOOKING)
def test_a_journal_of_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which one, and what to do."""
    with monkeypatch.context() as patched:
        patched.setattr("pytest_backend_audit.journal.writer.FORMAT", 7)
        writer = Writer(tmp_path)
        writer.start(inputs([check("a::test_a", 2)]))
        writer.seal(SEALED)
        writer.close()
    assert said(name, str(tmp_path), capsys) == (
        2,
        "",
        f"backend-audit: {tmp_path}/journal.jsonl:1: journal format 7; this version reads 1. "
        "Use the version of pytest-backend-audit that wrote it\n",
    )


@pytest.mark.parametrize("name", LOOKING)
def test_a_journal_that_is_a_folder(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The system's own reason."""
    (tmp_path / "journal.jsonl").mkdir()
    status, out, err = said(name, str(tmp_path), capsys)
    assert (status, out) == (2, "")
    assert err.startswith(f"backend-audit: {tmp_path}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", [n for n in LOOKING if n != "render"])
def test_in_a_subfolder_the_usual_run_is_that_of_the_repository(
    name: str, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the ledger of findings is; one of the folder's own comes first, and a named one stays what it is."""
    subprocess.run(["git", "init", "-q", "."], check=True)
    run.rename("audit-report")
    assert main(LOOKING[name]) in {0, 1}
    there = capsys.readouterr()
    below = Path("services/orders")
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert main(LOOKING[name]) in {0, 1}
    here = capsys.readouterr()
    assert here.out.replace("../../audit-report", "audit-report") == there.out
    assert main([*LOOKING[name], "report"]) == 2
    assert capsys.readouterr().err.startswith("backend-audit: report: there is no such folder; ")
    Path("audit-report").mkdir()
    assert main(LOOKING[name]) == 2
    assert capsys.readouterr().err.startswith("backend-audit: audit-report: not a run folder ")

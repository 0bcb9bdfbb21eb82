"""``backend-audit render``: the report files of a run, byte for byte."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from unit.scoring.scoring_cases import SEALED, check, failed, inputs, passed

from pytest_backend_audit.cli import main
from pytest_backend_audit.cli.runs import NO_RUN
from pytest_backend_audit.journal import Writer, read_run
from pytest_backend_audit.reports.writing import write_all
from pytest_backend_audit.scoring import score

FILES = ["findings.json", "junit.xml", "scorecard.html", "scorecard.json", "scorecard.md"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run with its reports, as pytest leaves it."""
    folder = tmp_path / "audit-report"
    writer = Writer(folder)
    writer.start(inputs([check("a::test_a", 2), check("a::test_b", 3)]))
    writer.attempt(passed("a::test_a"))
    writer.attempt(failed("a::test_b"))
    writer.seal(SEALED)
    record = read_run(folder)
    write_all(score(record.inputs, record.attempts, record.seal), folder)
    return folder


def reports(folder: Path) -> dict[str, bytes]:
    """Name -> bytes of every report file."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and p.name != "journal.jsonl"}


def test_the_same_bytes_again(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In place, and in a copy without any report: all files, as they were; their paths are printed."""
    before = reports(run)
    assert sorted(before) == FILES
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(run / "journal.jsonl", copy)
    shutil.copytree(run / "evidence", copy / "evidence")
    for folder in (run, copy):
        assert main(["render", str(folder)]) == 0
        out, err = capsys.readouterr()
        assert sorted(out.splitlines()) == [str(folder / name) for name in FILES]
        assert err == ""
        assert reports(folder) == before


def test_a_damaged_report_is_mended(run: Path) -> None:
    """Reports follow from the journal alone, whatever became of the files."""
    before = reports(run)
    (run / "scorecard.json").write_text('{"total": 40}', "utf-8")
    (run / "scorecard.html").unlink()
    assert main(["render", str(run)]) == 0
    assert reports(run) == before


def test_an_altered_run_is_not_rendered(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No file is touched; one line says why."""
    journal = run / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"passed"', b'"broken"'))
    (run / "scorecard.json").unlink()
    assert main(["render", str(run)]) == 2
    assert capsys.readouterr() == (
        "",
        f"backend-audit: {journal}:2: this line was changed: its hash does not fit its text. "
        "The run proves nothing any more; run the audit again\n",
    )
    assert not (run / "scorecard.json").exists()


def test_a_folder_that_can_not_be_written(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that can't be replaced is one line and exit 2."""
    (run / "scorecard.json").unlink()
    (run / "scorecard.json").mkdir()
    assert main(["render", str(run)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"backend-audit: {run}/scorecard.json can't be written: Is a directory\n"


def test_no_run_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on standard error and exit 2."""
    assert main(["render", str(tmp_path)]) == 2
    assert capsys.readouterr() == (
        "",
        f"backend-audit: {tmp_path}: not a run folder (it has no journal.jsonl); {NO_RUN}\n",
    )

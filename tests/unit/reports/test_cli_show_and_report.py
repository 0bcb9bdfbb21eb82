"""The commands that show a run: from a journal on disk to the terminal and to standard output."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from unit.reports.cards import DIMENSIONS, INPUTS

from pytest_backend_audit.cli import main
from pytest_backend_audit.journal import Writer, read_run
from pytest_backend_audit.model import Inputs, Policy, Seal
from pytest_backend_audit.reports import FORMATS, render
from pytest_backend_audit.reports.terminal import section
from pytest_backend_audit.scoring import score
from pytest_backend_audit.standard import load, to_data

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_backend_audit.model import Card


def _inputs(**changes: Any) -> Inputs:
    return replace(INPUTS, **{"standard": to_data(load("default")), "policy": Policy(), "prior_levels": {}, **changes})


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of the sample checks by the default standard, in the folder that the commands look in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / "audit-report"
    writer = Writer(folder)
    writer.start(_inputs())
    for dimension in DIMENSIONS:
        for criterion in dimension.criteria:
            for check in criterion.checks:
                for attempt in check.attempts:
                    writer.attempt(attempt)
    writer.seal(Seal(ended="2026-11-24T08:03:00Z", exit_status=1))
    writer.close()
    return folder


def _card(folder: Path) -> Card:
    record = read_run(folder)
    return score(record.inputs, record.attempts, record.seal)


def test_show_prints_the_section(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without an argument, the run in audit-report; on no terminal, without colours; exit 0 whatever it says."""
    assert main(["show"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == section(_card(run_folder), folder="audit-report")
    assert "4.1" in out


def test_show_as_json(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json gives scorecard.json."""
    assert main(["show", str(run_folder), "--json"]) == 0
    assert capsys.readouterr().out == render(_card(run_folder), "json")


@pytest.mark.parametrize("name", FORMATS)
def test_report_gives_the_bytes_of_the_file(
    name: str, run_folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Each format goes to standard output as it stands in the report folder."""
    assert main(["report", str(run_folder), "--format", name]) == 0
    assert capfdbinary.readouterr().out == render(_card(run_folder), name).encode()


@pytest.mark.parametrize("command", [["show"], ["report", "--format", "md"]])
def test_no_run_there(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without a journal is one clear line and exit 2."""
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("backend-audit: audit-report")
    assert len(captured.err.splitlines()) == 1


def test_altered_run_is_refused(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A card is not made of a journal that was changed."""
    journal = run_folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"orders", b"0rders", 1))
    assert main(["show", str(run_folder)]) == 2
    assert "run the audit again" in capsys.readouterr().err


def test_journal_that_cannot_be_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A journal whose standard is not one of ours ends in one line that names the folder."""
    writer = Writer(tmp_path / "run")
    writer.start(_inputs(standard={}))
    writer.close()
    assert main(["show", str(tmp_path / "run")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"backend-audit: {tmp_path / 'run'}: its journal can't be scored, was it written by another")


def test_unknown_format(capsys: pytest.CaptureFixture[str]) -> None:
    """Argparse names the formats."""
    with pytest.raises(SystemExit) as caught:
        main(["report", "x", "--format", "pdf"])
    assert caught.value.code == 2
    assert "invalid choice: 'pdf'" in capsys.readouterr().err

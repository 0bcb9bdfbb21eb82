"""``backend-audit verify``: states, places and exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_backend_audit.cli import main
from pytest_backend_audit.cli.runs import NO_RUN
from pytest_backend_audit.journal import Writer
from pytest_backend_audit.model import Attempt, Document, Evidence, EvidenceKind, Inputs, Mode, Policy, Seal, Status


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run in the folder that the command looks in, with two blobs."""
    monkeypatch.chdir(tmp_path)
    writer = Writer(tmp_path / "audit-report")
    writer.start(
        Inputs("0.1.0", Mode.REHEARSAL, "2026-11-24T09:00:00Z", Document(), Policy(), {}, False, plan=(), selected=())
    )
    for body in ("x" * 5000, "y" * 5000):
        writer.attempt(Attempt("c", "c", Status.PASSED, evidence=(Evidence(EvidenceKind.OUTPUT, "select", body),)))
    writer.seal(Seal("2026-11-24T09:00:01Z", 0))
    return tmp_path / "audit-report"


def head_of(run: Path, line: int = -1) -> str:
    """Hash of a line."""
    return (run / "journal.jsonl").read_bytes().splitlines()[line][-66:-2].decode()


def test_an_intact_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0, and the head that a signature covers."""
    assert main(["verify"]) == 0
    assert capsys.readouterr() == (f"audit-report: intact; good lines: 4; head {head_of(run)}\n", "")


def test_an_intact_run_as_json(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same for scripts."""
    assert main(["verify", str(run), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "state": "intact",
        "lines": 4,
        "problems": [],
        "head": head_of(run),
        "signed_by": None,
        "signed_at": None,
        "dimensions": [],
        "no_sign_off": "",
        "not_looked": "",
        "not_compared": "",
        "others": [],
    }


def test_a_torn_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, and how far it is good."""
    journal = run / "journal.jsonl"
    good = journal.read_bytes()
    journal.write_bytes(good[:-30])
    assert main(["verify"]) == 1
    assert capsys.readouterr() == (
        f"audit-report: torn; good lines: 3; head {head_of(run, 2)}\n"
        "  audit-report/journal.jsonl:4: the last line is incomplete: the run was cut short while writing it\n",
        "",
    )


def test_an_altered_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, and each place."""
    for path in (run / "evidence").iterdir():
        path.write_bytes(b"all is well")
    assert main(["verify", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == "altered"
    assert [p.partition(": ")[0] for p in found["problems"]] == [
        "audit-report/journal.jsonl:2",
        "audit-report/journal.jsonl:3",
    ]


def test_many_problems_are_counted(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The terminal lists twenty; JSON has all."""
    for n in range(23):
        (run / "evidence" / f"extra-{n:02}").write_bytes(b"")
    assert main(["verify"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 22
    assert lines[1] == "  audit-report/evidence/extra-00: belongs to no line of the journal"
    assert lines[-1] == "  and 3 more; --json lists them"
    assert main(["verify", "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 23


def test_no_run_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on standard error and exit 2."""
    assert main(["verify", str(tmp_path / "none")]) == 2
    assert capsys.readouterr() == (
        "",
        f"backend-audit: {tmp_path}/none: there is no such folder; {NO_RUN}\n",
    )

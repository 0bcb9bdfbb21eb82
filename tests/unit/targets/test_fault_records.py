"""``faults.jsonl``: what is open, what a torn line means, and how it is undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.cli.command import backend_audit

from pytest_backend_audit.targets.faults import records
from pytest_backend_audit.targets.faults.keeper import append

UNDO = [{"method": "POST", "url": "http://127.0.0.1:1/proxies/redis", "body": {"enabled": True}}]
SUITE = """
from pytest_backend_audit import audit

@audit(dimension="4.3", level=2)
def test_nothing(audit_evidence):
    audit_evidence.verbal("nothing")
"""


def setting(folder: Path, id_: str, what: str = "refusal by redis", undo: object = UNDO) -> None:
    """A fault is about to be set."""
    append(folder / "faults.jsonl", {"id": id_, "event": "setting", "what": what, "undo": undo})


def test_only_what_was_not_undone_is_open(tmp_path: Path) -> None:
    """By id, with its line."""
    setting(tmp_path, "a")
    append(tmp_path / "faults.jsonl", {"id": "a", "event": "seen", "seen": "connection refused"})
    setting(tmp_path, "b", "hang of postgres")
    append(tmp_path / "faults.jsonl", {"id": "a", "event": "undone", "by": "the check"})
    [found] = records.open_in(tmp_path)
    assert (found.id, found.what, found.line, found.undo) == ("b", "hang of postgres", 3, tuple(UNDO))
    assert found.place == f"{tmp_path / 'faults.jsonl'}:3"


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    """As after most runs."""
    assert records.open_in(tmp_path) == []
    assert records.open_below(tmp_path) == []


def test_earlier_runs_are_looked_at(tmp_path: Path) -> None:
    """One level below the report folder."""
    run = tmp_path / "earlier" / "003-abcdef0"
    run.mkdir(parents=True)
    setting(run, "a")
    assert [o.id for o in records.open_below(tmp_path)] == ["a"]


def test_a_torn_last_line_set_nothing(tmp_path: Path) -> None:
    """The fault follows its record, and the record was not whole."""
    setting(tmp_path, "a")
    append(tmp_path / "faults.jsonl", {"id": "a", "event": "undone", "by": "the check"})
    with (tmp_path / "faults.jsonl").open("a") as file:
        file.write('{"at": "2026-11-24T12:00:00.000Z", "id": "b", "event": "set')
    assert records.open_in(tmp_path) == []


@pytest.mark.parametrize("line", ["no JSON", "[]", '{"event": "setting"}'])
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str) -> None:
    """Nothing may be passed over there."""
    (tmp_path / "faults.jsonl").write_text(f"{line}\n")
    setting(tmp_path, "a")
    with pytest.raises(ValueError, match=r"faults\.jsonl:1: no record of a fault: "):
        records.open_in(tmp_path)


def test_revert_says_what_it_could_not_undo(tmp_path: Path) -> None:
    """Exit 1, and the record stays open; the latest comes first."""
    setting(tmp_path, "a")
    setting(tmp_path, "b", "restart of postgres by systemctl restart postgresql", [])
    done = backend_audit("revert", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first.endswith(
        "faults.jsonl:2: restart of postgres by systemctl restart postgresql: there is nothing to undo; "
        "look whether it is up again"
    )
    assert "faults.jsonl:1: refusal by redis: not undone: POST http://127.0.0.1:1/proxies/redis: " in second
    assert [o.id for o in records.open_in(tmp_path)] == ["a"]


def test_revert_of_a_run_without_faults(tmp_path: Path) -> None:
    """Exit 0, also as JSON."""
    done = backend_audit("revert", str(tmp_path), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}: no fault is open\n")
    assert json.loads(backend_audit("revert", str(tmp_path), "--json", cwd=tmp_path).stdout) == []


def test_revert_of_nothing(tmp_path: Path) -> None:
    """A usage error."""
    done = backend_audit("revert", "no-run", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("backend-audit: no-run: there is no such folder; ")


def test_no_audit_starts_on_a_fault_that_is_left(pytester: pytest.Pytester) -> None:
    """A usage error that names the fault, its record and the command."""
    pytester.makepyfile(SUITE)
    report = pytester.path / "audit-report"
    report.mkdir()
    setting(report, "a")
    result = pytester.runpytest_subprocess("--audit", "-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert (
        f"an earlier run left a fault behind: refusal by redis ({report}/faults.jsonl:1); "
        f"`backend-audit revert {report}` undoes it"
    ) in result.stderr.str()

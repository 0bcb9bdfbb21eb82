"""Whatever ends a run early, what was recorded is kept, and the record says that it is not whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from plugin.conftest import CONFIG, Project
from pytest_backend_audit.journal import State, read_run, verify_run

SUITE = (
    "import os, time\nfrom pathlib import Path\n"
    "@audit(dimension='4.1', level=2)\ndef test_first(audit_evidence): audit_evidence.command('true', 'ok')\n"
    "@audit(dimension='4.1', level=3)\ndef test_second():\n"
    "    Path('waiting.tmp').touch(); Path('waiting.tmp').rename('waiting')\n    time.sleep(60)\n"
    "@audit(dimension='4.1', level=4)\ndef test_third(): pass\n"
)


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """An audit in the background, in its second check."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--audit", *arguments],
        cwd=project.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    journal = project.path / "audit-report" / "journal.jsonl"
    recorded = '"check":"test_checks.py::test_first"'
    await_that(lambda: (project.path / "waiting").exists() and recorded in journal.read_text("utf-8"), process)
    return process


def await_that(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until the background run has come to a point."""
    pause = threading.Event()
    for _ in range(600):
        if holds():
            return
        assert process.poll() is None, process.communicate()[0]
        pause.wait(0.05)
    raise AssertionError("the check did not start")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["plain", "n2"])
def test_a_signal_seals_the_run(project: Project, number: signal.Signals, options: tuple[str, ...]) -> None:
    """Ctrl-C and SIGTERM alike: exit 2, a seal, a partial card that keeps what was found."""
    project.config(CONFIG)
    project.suite(SUITE)
    process = start(project, *options)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 2, out
    assert "Traceback" not in out
    assert verify_run(project.path / "audit-report").state is State.INTACT
    assert project.statuses()["test_first"] == "passed"
    (reason,) = project.card()["partial"]  # type: ignore[misc]
    assert reason == {signal.SIGINT: "KeyboardInterrupt", signal.SIGTERM: "SIGTERM"}[number]


def test_ctrl_c_while_the_build_is_asked_for_at_the_end_keeps_the_record(project: Project) -> None:
    """A service that hangs by then makes its auditor impatient; nobody knows which commit it runs, so it is invalid."""
    project.config(CONFIG)
    project.suite("@audit(dimension='4.1', level=2)\ndef test_it(audit_evidence): audit_evidence.command('a', 'b')\n")
    (project.path / "conftest.py").write_text(
        "import subprocess\n"
        "asked = []\n"
        "def pytest_audit_build(config):\n"
        "    asked.append(1)\n"
        "    if len(asked) > 1: raise KeyboardInterrupt\n"
        "    return subprocess.check_output(['git', 'rev-parse', 'HEAD'], text=True).strip()\n",
        "utf-8",
    )
    project.commit()
    ran = project.run("--audit-sha=HEAD")
    assert ran.ret == 1
    assert "Traceback" not in ran.stdout.str() + ran.stderr.str()
    assert verify_run(project.path / "audit-report").state is State.INTACT
    card = project.card()
    assert card["partial"] == ["Ctrl-C while the service was asked for its build"]
    assert card["invalid"] == "it is not known whether the service still ran the commit at the end"
    assert project.statuses() == {"test_it": "passed"}


def test_sigkill_loses_only_the_check_in_flight(project: Project) -> None:
    """The journal is readable up to there, and verify calls it torn."""
    project.config(CONFIG)
    project.suite(SUITE)
    process = start(project)
    process.kill()
    process.communicate(timeout=60)
    folder = project.path / "audit-report"
    assert verify_run(folder).state is State.TORN
    record = read_run(folder)
    assert [a.check.rpartition("::")[2] for a in record.attempts] == ["test_first"]
    assert record.seal is None


def test_the_next_run_keeps_the_torn_one(project: Project) -> None:
    """It moves to earlier/, by rename; nothing is truncated."""
    project.config(CONFIG)
    project.suite(SUITE)
    process = start(project)
    process.kill()
    process.communicate(timeout=60)
    before = (project.path / "audit-report" / "journal.jsonl").read_bytes()
    project.run("--audit", "-k", "first")
    (moved,) = (project.path / "audit-report" / "earlier").iterdir()
    assert (moved / "journal.jsonl").read_bytes() == before


def test_two_runs_at_once(project: Project) -> None:
    """The second is refused by name; the first goes on undisturbed."""
    project.config(CONFIG)
    project.suite(SUITE)
    process = start(project)
    try:
        result = project.run("--audit", "-k", "first")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert [line for line in result.errlines if line.startswith("ERROR")] == [
            f"ERROR: --audit-report={project.path / 'audit-report'}: another audit is writing there; wait for it, or "
            "give this one another folder"
        ]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert verify_run(project.path / "audit-report").state is State.INTACT


def test_a_report_folder_that_is_a_file(project: Project) -> None:
    """Root or not, a file is no folder."""
    project.suite("@audit(dimension='4.1', level=2)\ndef test_it(): pass\n")
    (project.path / "out").write_text("", "utf-8")
    result = project.run("--audit", "--audit-report=out")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "out" in "".join(line for line in result.errlines if line.startswith("ERROR"))
    assert "Traceback" not in "\n".join([*result.outlines, *result.errlines])


def test_a_full_disk_ends_the_run_and_keeps_what_was_written(project: Project) -> None:
    """A limit on file size stands in for the disk: the kernel refuses to write more, at the same calls."""
    project.config(CONFIG)
    project.suite(
        "import resource, signal\n"
        "@audit(dimension='4.1', level=2)\ndef test_first(audit_evidence): audit_evidence.command('true', 'ok')\n"
        "@audit(dimension='4.1', level=3)\ndef test_second(audit_evidence):\n"
        "    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "    size = Path('audit-report/journal.jsonl').stat().st_size\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "    audit_evidence.command('true', 'ok')\n"
        "@audit(dimension='4.1', level=4)\ndef test_third(): pass\n"
    )
    path = project.path / "test_checks.py"
    path.write_text("from pathlib import Path\n" + path.read_text("utf-8"), "utf-8")
    result = project.run("--audit")
    assert result.ret not in {0, 5}
    text = "\n".join([*result.outlines, *result.errlines])
    assert "the journal can't be written: File too large" in text
    assert "Traceback" not in text
    record = read_run(project.path / "audit-report")
    assert [a.check.rpartition("::")[2] for a in record.attempts] == ["test_first"]

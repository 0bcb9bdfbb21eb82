"""Command lines: bounded, recorded, and honest about what is missing."""

import sys

import pytest

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets import command
from pytest_backend_audit.targets.command import Command
from pytest_backend_audit.testing import runtime_for


@pytest.fixture
def audit(tmp_path):
    """An audit without targets."""
    return runtime_for(folder=tmp_path)


def test_output_status_and_version_become_evidence(audit):
    """A status other than 0 is for the check to judge."""
    with audit.recorder.open() as buffer:
        done = Command(audit)([sys.executable, "-c", "import sys; print('out'); sys.stderr.write('err'); sys.exit(3)"])
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err")
    [evidence] = buffer.evidence
    assert evidence.body == "out\n\n[standard error]\nerr"
    assert evidence.facts == {"exit_code": 3, "version": f"Python {sys.version.split()[0]}"}


def test_there_is_no_shell(audit):
    """What a shell would expand stays as it is."""
    assert Command(audit)([sys.executable, "-c", "import sys; print(sys.argv[1])", "$HOME; ls"]).stdout == "$HOME; ls\n"


def test_it_runs_in_the_repository_with_the_given_input(audit, tmp_path):
    """And with the variables beside the present ones."""
    done = Command(audit)(
        [sys.executable, "-c", "import os; print(os.getcwd(), input(), os.environ['EXTRA'])"],
        input="told\n",
        env={"EXTRA": "more"},
    )
    assert done.stdout == f"{tmp_path} told more\n"


def test_a_missing_tool_could_not_run(audit):
    """It says what is missing."""
    with pytest.raises(CouldNotRun, match="no-such-tool is not installed, or not on PATH"):
        Command(audit)(["no-such-tool"])


def test_a_tool_that_hangs_is_stopped(audit):
    """With all that it started."""
    child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).wait()"
    with pytest.raises(CouldNotRun, match=r"did not end within 0\.2 s and was stopped"):
        Command(audit)([sys.executable, "-c", child], timeout=0.2)


def test_a_tool_that_never_stops_writing_is_stopped(audit, monkeypatch):
    """Before the disk is full."""
    monkeypatch.setattr(command, "OUTPUT_LIMIT", 1024 * 1024)
    with pytest.raises(CouldNotRun, match="wrote more than 1 MiB and was stopped"):
        Command(audit)([sys.executable, "-c", "while True: print('y' * 1000)"], timeout=60)


def test_secrets_in_arguments_are_hidden(audit):
    """The command line is evidence, the password in it isn't."""
    with audit.recorder.open() as buffer:
        Command(audit)([sys.executable, "-c", "", "--password", "hunter2-hunter2"])
    assert buffer.evidence[0].title.endswith("--password [redacted]")

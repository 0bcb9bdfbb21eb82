"""The servers of a test run end with it, also when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from live.demo.conftest import processes_that_mention
from live.servers import guarded

from pytest_backend_audit.demo.stack.process import wait_for

pytestmark = pytest.mark.live

TESTS = Path(__file__).parents[1]
FIXTURES = "from live.conftest import postgres_programs, postgres_server, server_folder, valkey_server\n"
WAITS = """\
from pathlib import Path
from threading import Event

def test_it(postgres_server, valkey_server, server_folder):
    Path("partial").write_text(str(server_folder))
    Path("partial").rename("folder")
    Event().wait()
"""


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "n1"])
def test_a_killed_run_leaves_no_server(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """Without a chance to run a single teardown: servers, their files and xdist's workers are gone."""
    (tmp_path / "conftest.py").write_text(FIXTURES, "utf-8")
    (tmp_path / "test_waits.py").write_text(WAITS, "utf-8")
    program = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'temporary'}"]
    child = subprocess.Popen(
        [*program, *workers],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with guarded(child):
        wait_for(lambda: (tmp_path / "folder").exists() or child.poll() is not None, "the servers to run")
        assert child.poll() is None, child.communicate()[0]
        folder = Path((tmp_path / "folder").read_text("utf-8"))
        started = processes_that_mention(str(folder))
        assert {Path(line.split()[0]).name for line in started} >= {"postgres", "valkey-server"}
        child.send_signal(signal.SIGKILL)
    wait_for(lambda: processes_that_mention(str(folder)) == [], "the servers to be gone")
    wait_for(lambda: not folder.exists(), "their files to be gone")
    wait_for(lambda: processes_that_mention(str(tmp_path)) == [], "the run to be gone")

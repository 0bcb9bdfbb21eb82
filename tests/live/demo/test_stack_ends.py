"""Starting and ending: nothing is left behind, however it ends, and a start that fails says why."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from live.demo.conftest import processes_that_mention
from live.servers import guarded

from pytest_backend_audit.demo.stack import pgbouncer, prometheus, unprivileged
from pytest_backend_audit.demo.stack.addresses import absent_variables
from pytest_backend_audit.demo.stack.process import Process, StackError, wait_for
from pytest_backend_audit.demo.stack.stack import Stack

pytestmark = pytest.mark.live

HOLDER = """
import sys, threading
from pytest_backend_audit.demo.stack.stack import Stack
stack = Stack.start(progress=lambda text: print(text, flush=True))
print("folder", stack.folder, flush=True)
threading.Event().wait()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_stack_does_not_outlive_its_owner(number: signal.Signals) -> None:
    """Killed at once, without a chance to clean up, its servers and its folder are gone all the same."""
    with guarded(subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)) as owner:
        folder = next(line.split()[1] for line in owner.stdout if line.startswith("folder "))
        assert len(processes_that_mention(folder)) >= 6
        owner.send_signal(number)
    wait_for(lambda: processes_that_mention(folder) == [], "the servers to be gone")
    wait_for(lambda: not Path(folder).exists(), "the folder to be gone")


def test_a_stack_that_fails_to_start_stops_what_had_started(enterable, monkeypatch) -> None:
    """The message has the end of the log of the part that failed; neither process nor file stays."""
    running = []

    def fail(text: str) -> None:
        if text.startswith("2 instances"):
            running.extend(processes_that_mention(str(enterable)))
            monkeypatch.setenv("PYTHONHOME", "/nonexistent")

    with pytest.raises(StackError, match=r"^orders-1 ended with status \d+ while we waited for orders-1 to be ready\n"):
        Stack.start(enterable, progress=fail)
    assert len(running) >= 3
    assert processes_that_mention(str(enterable)) == []
    assert list(enterable.iterdir()) == []


def test_an_unknown_defect_is_refused_before_anything_starts() -> None:
    """Nothing was started in vain."""
    with pytest.raises(ValueError, match=r"^no such defect: nope "):
        Stack.start(defects=["nope"], progress=pytest.fail)


def test_a_process_that_ignores_us_is_made_to_end(tmp_path) -> None:
    """Asked, then made; the log is there to be shown."""
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    process = Process("deaf", [sys.executable, "-c", script], tmp_path / "deaf.log")
    wait_for(lambda: "deaf" in process.tail(), "it to be deaf", process=process)
    process.stop(timeout=0.1)
    assert process.poll() == -signal.SIGKILL


def test_waiting_ends_with_what_went_wrong(tmp_path) -> None:
    """The last error of the condition, and the log."""
    with pytest.raises(StackError, match=r"^the moon: not within 0 s: division by zero$"):
        wait_for(lambda: 1 / 0, "the moon", timeout=0)


def test_without_pooler_and_prometheus_the_service_connects_directly(monkeypatch) -> None:
    """What the machine lacks has no address; a defect that needs it is refused, with the cure."""
    monkeypatch.setattr(pgbouncer, "program", lambda: None)
    monkeypatch.setattr(prometheus, "program", lambda: None)
    assert absent_variables() == {"AUDIT_PGBOUNCER_DSN", "AUDIT_PROMETHEUS_URL"}
    with Stack.start() as stack:
        assert (stack.pgbouncer_dsn, stack.prometheus_url) == (None, None)
        assert {"AUDIT_PGBOUNCER_DSN", "AUDIT_PROMETHEUS_URL"} & set(stack.environment()) == set()
        with psycopg.connect(stack.dsn) as connection:
            names = connection.execute(
                "SELECT DISTINCT application_name FROM pg_stat_activity WHERE usename = 'orders_app'"
            )
            assert sorted(name for (name,) in names.fetchall()) == ["orders-1", "orders-2", "orders-worker"]
        with pytest.raises(ValueError, match=r"^pooler-too-small needs pgbouncer, .* \(apt install pgbouncer\)$"):
            stack.set_defects(["pooler-too-small"])


def test_a_private_folder_is_refused_where_another_user_has_to_enter(tmp_path) -> None:
    """As root, PostgreSQL runs as somebody else: the message names the folder and the ways out."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    unprivileged.must_be_reachable(private, None)
    with pytest.raises(StackError, match=rf"^{private} can't be entered by .* set TMPDIR to a folder that everybody"):
        unprivileged.must_be_reachable(private, 65534)

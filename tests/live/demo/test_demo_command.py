"""``backend-audit demo``: what it makes, and how it ends when stopped; `test_shown_output` runs it whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from live.demo.conftest import processes_that_mention
from live.servers import guarded

from pytest_backend_audit.cli import main
from pytest_backend_audit.demo import repository
from pytest_backend_audit.demo.defects import CATALOGUE
from pytest_backend_audit.demo.stack.process import wait_for

LAUNCH = [sys.executable, "-c", "import sys; from pytest_backend_audit.cli import main; sys.exit(main())", "demo"]


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_the_repository_is_clean_and_has_the_packaged_service(tmp_path) -> None:
    """One commit, nothing beside it, the service's code as it is packaged, and the team's own check."""
    made = repository.make(tmp_path / "made")
    assert _git(made.path, "status", "--porcelain", "--ignored") == ""
    assert _git(made.path, "log", "--format=%H %an %s").splitlines() == [
        f"{made.commit} Orders team The orders service, and how to audit it"
    ]
    files = set(_git(made.path, "ls-files").split())
    assert {"audit.yaml", "pytest.ini", ".gitignore", "orders/app.py", "audit/test_order_totals.py"} <= files
    packaged = Path(repository.__file__).parent / "service" / "app.py"
    assert (made.path / "orders" / "app.py").read_bytes() == packaged.read_bytes()


def test_what_the_machine_lacks_is_not_declared(tmp_path) -> None:
    """Lines of audit.yaml with a variable that will have no value are left out, and no others."""
    whole = (repository.make(tmp_path / "whole").path / "audit.yaml").read_text().splitlines()
    less = repository.make(tmp_path / "less", absent={"AUDIT_PGBOUNCER_DSN"}).path / "audit.yaml"
    left_out = [line for line in whole if line not in less.read_text().splitlines()]
    assert left_out == ['  pgbouncer: {dsn: "${AUDIT_PGBOUNCER_DSN}"}']


def test_the_users_own_git_settings_do_not_matter(tmp_path, monkeypatch) -> None:
    """Hooks, signing and other settings of whoever runs the demo have no say."""
    settings = tmp_path / "gitconfig"
    settings.write_text("[commit]\n gpgsign = true\n[user]\n name = Somebody\n[core]\n hooksPath = /nonexistent\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert len(repository.make(tmp_path / "made").commit) == 40


def test_the_defects_are_listed(capsys) -> None:
    """One line at least for each, with its name first, within 80 columns."""
    assert main(["demo", "--list-defects"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    names = {line.split()[0] for line in lines if not line.startswith(" ")}
    assert names == set(CATALOGUE)


def test_an_unknown_defect_is_a_usage_error(capsys) -> None:
    """One line, with the nearest name; nothing is started."""
    assert main(["demo", "--defects", "no-afinity"]) == 2
    assert capsys.readouterr().err == "backend-audit: no such defect: no-afinity (did you mean no-affinity?)\n"


def test_a_report_that_cannot_be_written_is_told_first(tmp_path, capsys) -> None:
    """Nothing is started for it."""
    (tmp_path / "file").touch()
    assert main(["demo", "--report", f"{tmp_path}/file/report"]) == 2
    complaint = f"backend-audit: --report={tmp_path}/file/report: {tmp_path}/file is a file; name a folder\n"
    assert capsys.readouterr() == ("", complaint)


def _demo(tmp_path: Path, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    return guarded(
        subprocess.Popen(
            [*LAUNCH, *arguments],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    )


@pytest.mark.live
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_demo_leaves_nothing(enterable, number: signal.Signals) -> None:
    """Stopped while the service is up, by a signal, it stops all that it had started."""
    with _demo(enterable, "--defects", "none") as demo:
        told = []
        for line in demo.stdout:
            told.append(line)
            if line == "traffic\n":
                break
        assert told[-1:] == ["traffic\n"], "".join(told)
        assert len(processes_that_mention(str(enterable))) >= 6
        demo.send_signal(number)
        demo.communicate(timeout=60)
    assert demo.returncode in {128 + number, 130}
    wait_for(lambda: list(enterable.iterdir()) == [], "the folders to be gone")
    wait_for(lambda: processes_that_mention(str(enterable)) == [], "the servers to be gone")

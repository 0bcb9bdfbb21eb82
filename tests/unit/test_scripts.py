"""The scripts of the clone, on machines that lack something: one line each that says what to install."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
TOOLS = ("bash", "cat", "cksum", "dirname", "mkdir", "rm", "sed", "sh", "sleep", "tail")
CURE = "Debian and Ubuntu: apt install python3 python3-venv git; macOS: brew install python git"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs that is all a machine has, beside a clone without an environment."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (programs / tool).symlink_to(found)
    (tmp_path / "clone" / "scripts").mkdir(parents=True)
    (tmp_path / "clone" / "pyproject.toml").touch()
    for name in ("_venv.sh", "demo", "test"):
        shutil.copy(SCRIPTS / name, tmp_path / "clone" / "scripts" / name)
    return programs


def program(machine: Path, name: str, body: str) -> None:
    """Give the machine a program."""
    path = machine / name
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)


def start(machine: Path, *arguments: str, script: str = "test") -> subprocess.Popen[str]:
    """A script on that machine, running."""
    return subprocess.Popen(
        [str(machine / "bash"), str(machine.parent / "clone" / "scripts" / script), *arguments],
        env={"PATH": str(machine)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(machine: Path, *arguments: str, script: str = "test") -> tuple[int, str, str]:
    """A script on that machine: exit status, output, errors."""
    with start(machine, *arguments, script=script) as process:
        out, err = process.communicate()
    return process.returncode, out, err


def test_git_is_missing(machine: Path) -> None:
    """Exit 2, and nothing was made."""
    program(machine, "python3", "exit 0")
    assert run(machine) == (2, "", f"git is missing. {CURE}\n")
    assert not (machine.parent / "clone" / ".venv").exists()


@pytest.mark.parametrize(
    "python",
    [
        None,
        pytest.param('case "$2" in *version_info*) exit 1 ;; esac', id="too old"),
        pytest.param('case "$2" in *ensurepip*) exit 1 ;; esac', id="without venv"),
    ],
)
def test_python_is_missing(machine: Path, python: str | None) -> None:
    """None at all, one that is too old, or Debian's without its venv package: the same way out."""
    program(machine, "git", "exit 0")
    if python:
        program(machine, "python3", python)
    assert run(machine) == (2, "", f"Python 3.11 or newer with its venv module is missing. {CURE}\n")


def test_an_installation_that_fails_shows_the_end_of_its_log(machine: Path) -> None:
    """And names the whole of it; here the environment can't be made."""
    program(machine, "git", "exit 0")
    program(machine, "python3", 'case "$1" in -m) echo "disk full"; exit 1 ;; esac')
    clone = machine.parent / "clone"
    assert run(machine) == (
        1,
        "",
        f"Making .venv ...\nMaking .venv: failed\ndisk full\nThe whole log: {clone}/.venv/install.log\n",
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_installation_that_is_stopped_leaves_nothing_running(
    machine: Path, number: signal.Signals, status: int
) -> None:
    """What it has started gets a Ctrl-C too, down to its own children, and is waited for; its files stay in .venv."""
    program(machine, "git", "exit 0")
    # It stands for pip, which runs another pip; that one notes that it was told, and where it may write.
    # Short sleeps, as a shell heeds a signal that comes just before a program starts only when that has ended.
    waits = "n=0; while [ $n -lt 600 ]; do sleep 0.1; n=$((n + 1)); done"
    child = f"trap 'echo told >>\"$TMPDIR/../child\"; exit 0' INT; echo ready >&9; {waits}"
    (machine.parent / "child.sh").write_text(child, "utf-8")
    fifo = machine.parent / "ready"
    os.mkfifo(fifo)
    program(machine, "python3", f'case "$1" in -m) exec 9>{fifo}; sh {machine.parent}/child.sh; exit 1 ;; esac')
    with start(machine) as process, fifo.open() as ready:
        assert ready.readline() == "ready\n"
        process.send_signal(number)
        _, err = process.communicate()
        assert (process.returncode, err) == (status, "Making .venv ...\ninterrupted\n")
        assert (machine.parent / "clone" / ".venv" / "child").read_text("utf-8") == "told\n"
        assert ready.read() == ""  # nobody has it open: all of them have ended


@pytest.mark.parametrize("flock", [pytest.param(True, marks=pytest.mark.needs("flock")), False])
def test_scripts_that_start_together_take_turns(machine: Path, flock: bool) -> None:
    """The second says why it waits, and goes on when the first has ended; so by Python where there is no flock."""
    program(machine, "git", "exit 0")
    if flock:
        (machine / "flock").symlink_to(shutil.which("flock") or "")
    # A Python that locks, but can't make an environment once the lock is had.
    locks = f'exec {sys.executable} "$@"'
    had = machine.parent / "had"
    waits = f'{sys.executable} "$@" && : >{had}'
    body = f'case "$2" in *fcntl*LOCK_NB*) {locks} ;; *fcntl*) {waits} ;; *) [ ! -e {had} ] ;; esac'
    program(machine, "python3", "exit 1" if flock else body)
    lock = os.open(machine.parent / "clone" / "scripts", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with start(machine) as process:
        assert process.stderr
        assert process.stderr.readline() == "Waiting for another script that is at work on .venv ...\n"
        assert process.poll() is None
        os.close(lock)
        _, err = process.communicate()
    assert err == f"Python 3.11 or newer with its venv module is missing. {CURE}\n"


@pytest.mark.parametrize(
    ("script", "begin", "usage"),
    [
        ("test", "All tests that this machine can run", "scripts/test [--strict] [pytest arguments]"),
        ("demo", "The reference service on real servers", "scripts/demo [--defects default|none|NAME,NAME]"),
    ],
)
def test_help_needs_nothing(machine: Path, script: str, begin: str, usage: str) -> None:
    """It is the head of the script."""
    status, out, err = run(machine, "--help", script=script)
    assert (status, err) == (0, "")
    assert out.startswith(begin)
    assert usage in out
    assert "set -euo" not in out


@pytest.mark.parametrize("script", ["scripts/_venv.sh", "scripts/test", "scripts/demo", ".ci/run"])
def test_scripts_are_well_formed(script: str) -> None:
    """They can be run as they are, and bash can read them through."""
    path = SCRIPTS.parent / script
    subprocess.run(["bash", "-n", str(path)], check=True)
    assert os.access(path, os.X_OK) is not path.name.startswith("_")


@pytest.mark.parametrize(
    ("go", "told", "built"),
    [
        ('mkdir "$GOBIN" && : >"$GOBIN/${2##*/}"', "{0}: built from {1}", True),
        (
            'echo "go: finding module"; echo "go: reading it: 403 Forbidden" >&2; exit 1',
            "{0}: not built from {1}, the tests go on with {2} (go: reading it: 403 Forbidden)",
            False,
        ),
        ("exit 124", "{0}: not built from {1}, the tests go on with {2} (300 s were too short)", False),
    ],
    ids=["built", "refused", "too long"],
)
def test_programs_that_go_builds_for_ci(machine: Path, go: str, told: str, built: bool) -> None:
    """One line each that says what became of it; a module that the network refuses fails nothing."""
    for tool in ("grep", "mv", "timeout"):
        (machine / tool).symlink_to(shutil.which(tool) or "")
    program(machine, "go", go)
    parts = _parts_of_ci(*_GO_TOOLS)
    script = "\n".join(["set -uo pipefail", f'work="{machine.parent}"', *parts, "go_tools"])
    clone = machine.parent / "clone"
    done = subprocess.run(
        [str(machine / "bash"), "-c", script],
        cwd=clone,
        env={"PATH": str(machine)},
        capture_output=True,
        text=True,
        check=False,
    )
    tools = [line.split(maxsplit=2) for line in parts[0].replace('"', "").splitlines()[1:-1]]
    assert [name for name, *_ in tools] == ["vegeta", "toxiproxy-server"]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [told.format(*tool) for tool in tools]
    assert sorted(path.name for path in (clone / ".tools").iterdir()) == (
        ["toxiproxy-server", "vegeta"] if built else []
    )


_GO_TOOLS = (("GO_TOOLS=(", "\n)\n"), ("go_tools() {", "\n}\n"))
"""Where the parts of .ci/run that build them begin and end."""


def _parts_of_ci(*places: tuple[str, str]) -> list[str]:
    ci = (SCRIPTS.parent / ".ci" / "run").read_text("utf-8")
    return [ci[ci.index(begin) : ci.index(end, ci.index(begin)) + len(end)] for begin, end in places]


ONE = "FAILED tests/live/test_a.py::test_one[a b] - assert 1 == 2"
FOUR = "\n".join(f"ERROR tests/unit/test_{n}.py::test_it" for n in range(4))
SKIPPED = "==== skipped, which no test here may be ===="
LACK = "in a strict run a lack is a failure"


@pytest.mark.parametrize(
    ("first", "again", "status", "calls"),
    [
        (("", 0), None, 0, 1),
        ((ONE, 1), 0, 0, 2),
        ((ONE, 1), 1, 1, 2),
        ((FOUR, 1), None, 1, 1),
        ((f"{ONE}\n{SKIPPED}", 1), None, 1, 1),
        ((f"{ONE}\n{LACK}", 1), None, 1, 1),
        (("", 1), None, 1, 1),
        ((ONE, 2), None, 2, 1),
    ],
    ids=["good", "once", "twice", "many", "a skip beside", "a lack beside", "a lack", "interrupted"],
)
def test_a_test_that_failed_beside_others_is_tried_alone(
    tmp_path: Path, first: tuple[str, int], again: int | None, status: int, calls: int
) -> None:
    """Once, and only where nothing else is wrong with the run; the end of CI names it."""
    said, ended = first
    (tmp_path / "scripts").mkdir()
    program(
        tmp_path / "scripts",
        "test",
        f"echo \"$*\" >>calls\n[ \"$2\" = -n0 ] && exit {again}\nprintf '%s\\n' '{said}'\nexit {ended}",
    )
    parts = _parts_of_ci(("TESTS_MAY_TAKE=", "\nif ["), ("pytest() {", "\n}\n"), ("tests() {", "\n}\n"))
    parts[0] = parts[0].removesuffix("if [")
    script = "\n".join(["set -uo pipefail", f'work="{tmp_path}"', *parts, "tests"])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert (done.returncode, done.stderr) == (status, "")
    called = (tmp_path / "calls").read_text().splitlines()
    assert called[0] == f"--strict --cache-clear --junitxml={tmp_path}/tests.xml --durations=25"
    assert called[1:] == ["--strict -n0 --last-failed --last-failed-no-failures=none"] * (calls - 1)
    retried = tmp_path / "retried"
    assert retried.exists() is (calls == 2)
    if calls == 2:
        assert retried.read_text() == "failed beside others: tests/live/test_a.py::test_one[a b]\n"

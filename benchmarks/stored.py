"""A stored journal of any size, and the work that is done on it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from pytest_backend_audit import __version__
from pytest_backend_audit import standard as standards
from pytest_backend_audit.journal import Writer, read_run
from pytest_backend_audit.model import (
    Attempt,
    Check,
    Document,
    Evidence,
    EvidenceKind,
    Inputs,
    Mode,
    Policy,
    Seal,
    Status,
)

DAY = "2026-01-01T00:00:00Z"


def store(folder: Path, count: int) -> None:
    """Write a journal with `count` checks; every tenth failed, every seventh could not run."""
    default = standards.load("default")
    rows = default.rows
    checks = tuple(
        Check(f"checks/test_{n % 500}.py::test_{n}", row.dimension, row.level, row.criterion, location=f"test.py:{n}")
        for n in range(count)
        for row in (rows[n % len(rows)],)
    )
    inputs = Inputs(
        plugin_version=__version__,
        mode=Mode.FORMAL,
        instant=DAY,
        document=Document(service="orders", commit="0" * 40, audited_at=DAY),
        policy=Policy(),
        standard=standards.to_data(default),
        standard_loaded=True,
        plan=checks,
        selected=tuple(c.id for c in checks),
    )
    writer = Writer(folder)
    writer.start(inputs)
    for n, check in enumerate(checks):
        status = Status.FAILED if n % 10 == 0 else Status.COULD_NOT_RUN if n % 7 == 0 else Status.PASSED
        evidence = Evidence(EvidenceKind.OUTPUT, f"select {n}", f"n\n{n}", "postgres 127.0.0.1:5432/orders", DAY, 0.001)
        reason = "" if status is Status.PASSED else f"{n} of {count} are bare"
        writer.attempt(Attempt(check.id, check.id, status, reason, evidence=(evidence,), started=DAY, duration=0.001))
    writer.seal(Seal(DAY, 1))


def report(folder: Path) -> None:
    """Read, score, and write every report."""
    from pytest_backend_audit.reports.writing import write_all
    from pytest_backend_audit.scoring import score

    record = read_run(folder)
    write_all(score(record.inputs, record.attempts, record.seal), folder)


if __name__ == "__main__":
    target = Path(sys.argv[2])
    if sys.argv[1] == "store":
        shutil.rmtree(target, ignore_errors=True)
        store(target, int(sys.argv[3]))
    else:
        report(target)

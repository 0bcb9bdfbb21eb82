"""A ledger of many filings, and what reading it takes: every command that looks at findings does so."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_backend_audit.ledger import read_file
from pytest_backend_audit.ledger.events import Event, Filed, Found, encode
from pytest_backend_audit.model import Finding, Severity

FILINGS = (100, 400, 1_600)
FINDINGS = 60
"""Open from the first filing to the last, as those of a service are that nobody mends."""
FIRST = datetime(2025, 8, 1, 10, tzinfo=UTC)


def write(path: Path, filings: int) -> None:
    """Write a ledger to which one audit a night was added."""
    events: list[Event] = []
    for number in range(filings):
        at = f"{FIRST + timedelta(days=number):%Y-%m-%dT%H:%M:%S.000Z}"
        file = at[:10]
        events.append(
            Filed(at, "Kim", file, "orders", "prod", "prod", f"{number:040x}", at, (f"{number:064x}",), "Ada")
        )
        for finding in map(_finding, range(1, FINDINGS + 1)):
            first = number == 0
            kind = "opened" if first else "seen"
            events.append(
                Found(at, finding.id, finding.fingerprint, file, "prod", finding if first else None, type=kind)
            )
    path.write_text("".join(f"{encode(event)}\n" for event in events), "utf-8")


def _finding(number: int) -> Finding:
    return Finding(
        id=f"F-{number:04}",
        fingerprint=f"{number:064x}",
        dimension="4.1",
        dimension_name="Query Performance",
        severity=Severity.HIGH,
        observed=1,
        target=3,
        title=f"foreign-key-indexes L3 failed: {number} keys without an index",
        evidence="SELECT conname FROM pg_constraint",
        impact="slow",
        effort="S",
        remediation="CREATE INDEX",
        owner="Kim",
        due="2026-08-31",
        verification="the check passes",
        criterion="foreign-key-indexes",
        check=f"checks/test_keys.py::test_key_{number}",
    )


def turn(path: Path) -> None:
    """Have the ledger as two branches that were joined leave it: the older one's lines stand last."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    first, rest = lines[: FINDINGS + 1], lines[FINDINGS + 1 :]
    half = len(rest) // (FINDINGS + 1) // 2 * (FINDINGS + 1)
    path.write_text("".join([*first, *rest[half:], *rest[:half]]), "utf-8")


def measure(runs: int) -> list[str]:
    """A line for each size: the fastest of some readings, from the file to how findings stand."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for filings in FILINGS:
            path = Path(folder) / "ledger.jsonl"
            write(path, filings)
            lines.append(_read(path, runs, f"ledger of {filings:,} filings"))
        turn(path)
        lines.append(_read(path, runs, f"ledger of {filings:,} filings, of which the older half stands last"))
    return lines


def _read(path: Path, runs: int, what: str) -> str:
    taken = []
    for _ in range(runs):
        begun = time.perf_counter()
        state = read_file(path, path.name)
        taken.append(time.perf_counter() - begun)
    count = sum(t.status.is_open for t in state.findings)
    size = path.stat().st_size / 1e6
    return f"{what}, {count} open findings ({size:.1f} MB): {min(taken):.2f} s"

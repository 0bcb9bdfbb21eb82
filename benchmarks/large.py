"""The checks of 4.1 that read the catalogue, on a database of many tables."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.paired import peak_memory_mb
from pytest_backend_audit.demo.stack.postgres import Postgres
from pytest_backend_audit.journal import read_run
from pytest_backend_audit.model import Attempt, Status

SIZES = (100, 10_000)
"""Tables; each has two indexes."""
BATCH = 500
"""Tables made in one transaction: a lock for each table and index has to fit."""
MAKE = """
DO $$ BEGIN FOR n IN {first}..{last} LOOP
    EXECUTE format('CREATE TABLE many.t%s (id int PRIMARY KEY, owner int, label text)', n);
    EXECUTE format('CREATE INDEX ON many.t%s (owner)', n);
    EXECUTE format('INSERT INTO many.t%s VALUES (1, 2, ''x''), (2, 2, ''y'')', n);
END LOOP; END $$
"""
CONFIG = """\
version: 1
service: large
environment: local
targets:
  postgres: {dsn: "${AUDIT_DSN}"}
"""


@dataclass(frozen=True)
class Cost:
    """What a check took on the small database and on the large one."""

    check: str
    seconds: tuple[float, ...]
    statements: tuple[int, ...]


def measure() -> list[str]:
    """A line for the audit's memory, and one for each check that asks for more statements or takes over a second."""
    runs: list[Sequence[Attempt]] = []
    peaks: list[float] = []
    with tempfile.TemporaryDirectory(prefix="orders-stack-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = Postgres.start(home)
        try:
            server.admin_query("CREATE SCHEMA many")
            made = 0
            for size in SIZES:
                for first in range(made + 1, size + 1, BATCH):
                    server.admin_query(MAKE.format(first=first, last=min(first + BATCH - 1, size)))
                made = size
                server.admin_query("GRANT USAGE ON SCHEMA many TO audit_monitor")
                server.admin_query("GRANT SELECT ON ALL TABLES IN SCHEMA many TO audit_monitor")
                server.admin_query("ANALYZE")
                with _traffic(server.admin_dsn):
                    attempts, peak = _audit(home / f"audit-{size}", server.dsn("audit_monitor"))
                runs.append(attempts)
                peaks.append(peak)
        finally:
            server.stop()
    costs = _costs(runs)
    sizes = " and ".join(f"{size:,}" for size in SIZES)
    slowest = max(costs, key=lambda c: c.seconds[-1])
    lines = [
        f"large: {len(costs)} checks of 4.1 ran with {sizes} tables, peak {peaks[0]:.0f} and {peaks[-1]:.0f} MB; "
        f"slowest {slowest.check} {slowest.seconds[-1]:.2f} s"
    ]
    for cost in costs:
        if len(set(cost.statements)) > 1 or cost.seconds[-1] > 1:
            counted = " and ".join(map(str, cost.statements))
            lines.append(
                f"large: {cost.check}: {counted} statements, {cost.seconds[0]:.2f} and {cost.seconds[1]:.2f} s"
            )
    return lines


def _audit(folder: Path, dsn: str) -> tuple[Sequence[Attempt], float]:
    folder.mkdir()
    (folder / "audit.yaml").write_text(CONFIG)
    (folder / "pytest.ini").write_text("[pytest]\n")
    os.environ["AUDIT_DSN"] = dsn
    audit = ["--audit", "--audit-suite=4.1", f"--audit-report={folder / 'run'}"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *audit]
    # What fails or can't run is no matter here, and pytest's exit status tells of it.
    _, peak = peak_memory_mb([sys.executable, "-c", RUN, *command], folder)
    return read_run(folder / "run").attempts, peak


RUN = "import os, sys; sys.exit(os.spawnv(os.P_WAIT, sys.argv[1], sys.argv[1:]) not in (0, 1))"


@contextmanager
def _traffic(dsn: str) -> Iterator[None]:
    """Some hundred statements a second, so that windows end."""
    over = threading.Event()

    def ask() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            while not over.wait(0.005):
                connection.execute("SELECT label FROM many.t1 WHERE id = %s", [1])

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()


def _costs(runs: Sequence[Sequence[Attempt]]) -> list[Cost]:
    small, large = ({a.check: a for a in run} for run in runs)
    return [
        Cost(
            check.rpartition("suites.")[2],
            (small[check].duration, large[check].duration),
            (_statements(small[check]), _statements(large[check])),
        )
        for check in sorted(large)
        if large[check].status is not Status.COULD_NOT_RUN and check in small
    ]


def _statements(attempt: Attempt) -> int:
    return sum(piece.target.startswith("postgres") for piece in attempt.evidence)

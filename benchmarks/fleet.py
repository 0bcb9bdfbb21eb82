"""A fleet of filed cards of any size, and what `backend-audit fleet` takes for it."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.paired import peak_memory_mb
from pytest_backend_audit import __version__, filed
from pytest_backend_audit import standard as standards
from pytest_backend_audit.model import (
    FiledCard,
    FiledCheck,
    FiledDimension,
    FiledFinding,
    Outcome,
    Severity,
)
from pytest_backend_audit.scoring.disposition import actions
from pytest_backend_audit.standard.model import Disposition, Row, Standard

SIZES = (1_000, 10_000)
"""Filed cards."""
AUDITS = 5
"""Of each service, a quarter apart."""
FIRST = datetime(2025, 8, 1, 10, tzinfo=UTC)
OUTCOMES = (Outcome.FAILED, Outcome.COULD_NOT_RUN, Outcome.BROKEN, Outcome.WEAK)


def store(folder: Path, count: int) -> None:
    """Write `count` filed cards: a check for each row, some 20 findings, `AUDITS` audits a service."""
    default = standards.load("default")
    for number in range(count):
        service, audit = divmod(number, AUDITS)
        card = _card(default, f"service-{service:05}", audit, random.Random(number))
        place = folder / f"repository-{service % 100:02}" / "audits" / card.service
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{card.instant[:10]}.json").write_text(filed.text(card), "utf-8")


def _card(standard: Standard, service: str, audit: int, chance: random.Random) -> FiledCard:
    """One audit of one service; later ones fail less."""
    instant = FIRST + timedelta(days=91 * audit, hours=chance.randrange(240))
    share = chance.uniform(0.02, 0.25) * (1 - 0.15 * audit)
    checks = tuple(_check(row, chance, share) for row in standard.rows)
    levels = {d.id: chance.choice((1, 2, 2, 3, 3, 3, 4, 5)) for d in standard.dimensions}
    total = sum(levels.values())
    disposition = _disposition(standard.dispositions, total, min(levels.values()))
    return FiledCard(
        service=service,
        environment="production",
        environment_kind="prod",
        commit=f"{chance.getrandbits(160):040x}",
        instant=f"{instant:%Y-%m-%dT%H:%M:%SZ}",
        lead_auditor="Ada Lovelace",
        second_reviewer="grace@example.org",
        standard="default",
        basis=standard.name,
        plugin_version=__version__,
        dimensions=tuple(
            FiledDimension(d.id, d.name, levels[d.id], levels[d.id], 5, "1", f"team {chance.randrange(40)}")
            for d in standard.dimensions
        ),
        checks=checks,
        findings=tuple(_findings(checks, instant, chance)),
        total=total,
        maximum=5 * len(levels),
        minimum=min(levels.values()),
        disposition=disposition.id,
        disposition_name=disposition.name,
        actions=actions(disposition, instant.date()),
        assessed=len(checks),
        rows=len(standard.rows),
        thresholds={"cache-hit-ratio": 0.95},
        sources=(f"{chance.getrandbits(256):064x}",),
    )


def _check(row: Row, chance: random.Random, share: float) -> FiledCheck:
    name = row.criterion.replace("-", "_")
    outcome = chance.choice(OUTCOMES) if chance.random() < share else Outcome.PASSED
    return FiledCheck(
        f"pytest_backend_audit.suites.dimension_{row.dimension[-1]}.{name}::test_{name}_at_level_{row.level}",
        row.dimension,
        row.criterion,
        row.level,
        outcome,
        5 if outcome is Outcome.PASSED else 2,
    )


def _findings(checks: Sequence[FiledCheck], instant: datetime, chance: random.Random) -> Iterator[FiledFinding]:
    for number, check in enumerate((c for c in checks if c.outcome is not Outcome.PASSED), 1):
        yield FiledFinding(
            f"F-{number:04}",
            f"{chance.getrandbits(256):064x}",
            check.dimension,
            check.criterion,
            check.id,
            chance.choice(tuple(Severity)),
            f"{check.criterion}: {chance.randrange(2, 40)} of {chance.randrange(40, 90)} do not hold (audit.yaml:17)",
            (instant + timedelta(days=chance.choice((14, 30, 90)))).date().isoformat(),
        )


def _disposition(matrix: Sequence[Disposition], total: int, minimum: int) -> Disposition:
    return next(d for d in matrix if total >= (d.floor or 0) and minimum >= (d.minimum or 0))


def measure(runs: int) -> list[str]:
    """A line for each size: the command with its table and its page, in a process of its own."""
    lines = []
    for count in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            store(Path(folder) / "cards", count)
            program = "import sys; from pytest_backend_audit.cli import main; sys.exit(main())"
            page = Path(folder) / "fleet.html"
            command = [sys.executable, "-c", program, "fleet", f"{folder}/cards", "--as-of=2026-11-01", "-o", str(page)]
            figures = [peak_memory_mb(command, Path(folder)) for _ in range(runs)]
            fastest, memory = min(f[0] for f in figures), max(f[1] for f in figures)
            size = sum(f.stat().st_size for f in (Path(folder) / "cards").rglob("*.json")) / 1e6
            lines.append(
                f"fleet of {count:,} filed cards ({size:.0f} MB): {fastest:.1f} s, peak {memory:.0f} MB, "
                f"page {page.stat().st_size / 1e6:.1f} MB"
            )
    return lines


if __name__ == "__main__":
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    store(Path(sys.argv[1]), int(sys.argv[2]))

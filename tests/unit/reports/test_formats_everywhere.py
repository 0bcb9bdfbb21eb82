"""Every format is the same text on any machine: no clock, no zone, no order of a set."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from unit.reports.machine import SCORED

from pytest_backend_audit.journal import Writer
from pytest_backend_audit.reports import FORMATS
from pytest_backend_audit.reports.items import milliseconds

PROGRAM = """
import hashlib, sys
from pathlib import Path
from pytest_backend_audit.finished import load
from pytest_backend_audit.reports import FORMATS, render
card = load(Path(sys.argv[1])).card
for name in FORMATS:
    print(name, hashlib.sha256(render(card, name).encode("utf-8", "backslashreplace")).hexdigest())
"""


def test_another_machine_writes_the_same_bytes(tmp_path: Path) -> None:
    """Two processes in other zones, with other seeds of hashes and other languages."""
    writer = Writer(tmp_path / "run")
    writer.start(replace(SCORED.inputs))
    for result in SCORED.checks:
        for attempt in result.attempts:
            writer.attempt(attempt)
    assert SCORED.seal is not None
    writer.seal(SCORED.seal)
    writer.close()
    told = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "run")],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language, "LANG": language},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed, zone, language in (("1", "Asia/Tokyo", "C"), ("2", "America/New_York", "C.UTF-8"))
    ]
    assert len(told[0].splitlines()) == len(FORMATS)
    assert told[0] == told[1]


def test_an_instant_without_a_zone_is_none() -> None:
    """It would depend on the machine's."""
    assert milliseconds("2026-08-31T10:00:00Z") == milliseconds("2026-08-31T12:00:00+02:00") == 1788170400000
    assert milliseconds("2026-08-31T10:00:00") == milliseconds("soon") == milliseconds("") == 0

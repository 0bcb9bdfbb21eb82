"""What doctor makes of what targets tell: pure parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pytest_backend_audit.cli.probes import PROBES, clock
from pytest_backend_audit.targets import TARGETS

NOW = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        (NOW, []),
        (NOW + timedelta(seconds=5), []),
        (NOW - timedelta(seconds=5), []),
        (NOW + timedelta(seconds=6), ["its clock is +6 s off ours: set both by NTP"]),
        (NOW - timedelta(minutes=2), ["its clock is -120 s off ours: set both by NTP"]),
        (datetime(2026, 11, 24, 11, 0, 0, tzinfo=timezone(timedelta(hours=1))), []),
        (datetime(2026, 11, 24, 10, 0, 1), []),
    ],
    ids=["same", "tolerated ahead", "tolerated behind", "ahead", "behind", "another zone", "no zone is UTC"],
)
def test_the_clock(theirs: datetime, said: list[str]) -> None:
    """More than five seconds either way are worth a word."""
    assert clock(theirs, NOW) == said


def test_every_target_has_a_probe() -> None:
    """A new target gets its questions."""
    assert set(PROBES) == set(TARGETS)

"""What bundled checks ask for is read off their source, by which doctor tells who misses a target."""

from __future__ import annotations

import pytest

from pytest_backend_audit.cli.wanted import TARGET_OF, targets_in
from pytest_backend_audit.targets import TARGETS

SUITE = """
import pytest
from pytest_backend_audit import audit


@pytest.fixture
def cache(audit_redis, request):
    return audit_redis


@pytest.fixture
def unused(audit_prometheus):
    return audit_prometheus


@audit(dimension="4.3", criterion="hit-rate", level=3)
def test_hits(cache, audit_settings):
    pass


@audit(dimension="4.3", criterion="stampede", level=5)
@audit(dimension="4.3", criterion="outage", level=4, needs=("faults",))
@pytest.mark.parametrize("n", [1, 2])
async def test_outage(n, /, audit_faults, *, audit_http):
    pass


def helper(audit_queues):
    pass
"""


@pytest.mark.parametrize(
    ("sought", "targets"),
    [(5, {"redis", "faults", "http"}), (4, {"redis", "faults", "http"}), (3, {"redis"}), (2, set())],
)
def test_who_asks_for_what(sought: int, targets: set[str]) -> None:
    """Checks that are sought, by their arguments and those of their file's fixtures; nobody else."""
    assert targets_in(["", SUITE], sought) == targets


def test_fixtures_lead_to_targets_that_there_are() -> None:
    """A replica has no fixture of its own: the factory of connections takes its name."""
    assert set(TARGETS) - set(TARGET_OF.values()) == {"replica"}
    assert set(TARGET_OF.values()) <= set(TARGETS)

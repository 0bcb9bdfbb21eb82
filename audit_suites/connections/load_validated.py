"""Under the load profile, waiting for a pool's connection stays inside its bound.

The reads that audit.yaml declares are sent at the rate that it declares (load), spread by load.shares. Meanwhile the
metrics pages of all instances are read again and again. For each declared pool of the database they tell how many
callers wait for a connection, and where the library counts it, for how long they have waited; both give the time that
a caller waits on average, of which the longer one counts.

Impact: At every peak requests stand in front of the pool while the database is idle; the more of them wait, the longer
each does, until they time out together.

Remediation: Give connections back as early as possible, shorten the statements that hold them longest, then make the
pool larger, inside what its formula and the server allow (4.2 pool-formula); and validate it by a load test before a
release.

Verification: Send the load of a peak (hey -z 1m -q 20), and see the gauge of waiting callers stay at 0.

Effort: M
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.metrics import requests
from pytest_backend_audit.analysis.pool_metrics import assigned
from pytest_backend_audit.analysis.pool_waits import UntoldError, Wait, waited, with_waits
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites._profile import profile, refused
from pytest_backend_audit.suites.connections._seeing import declared_pools, metrics_pages

WINDOW = 2.0
"""Seconds, at most, over which pages are read: a queue stands as soon as the load does."""
STARTING = 0.5
"""Seconds that the generator may take to begin."""
PAUSE = 0.1


@pytest.fixture
def waits(
    audit_http: Any, audit_load: Any, audit_endpoints: Any, audit_declared: Any
) -> tuple[dict[tuple[str, str], Wait], list[str]]:
    """How long callers waited, by pool and page, under the declared load; and what pages don't tell."""
    load, pools = profile(audit_declared, audit_endpoints), declared_pools(audit_declared)
    readings: defaultdict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    answers: defaultdict[str, list[float]] = defaultdict(list)

    def read() -> None:
        for url, (page, _) in metrics_pages(audit_http, audit_declared).items():
            answers[url].append(requests(page).answered)
            for pool, told in assigned(pools, with_waits(page)).items():
                readings[pool, url].append(told)

    window = min(WINDOW, load.seconds)
    with audit_load.background(load.endpoints, load.rate, window + STARTING, shares=load.shares) as running:
        time.sleep(STARTING)
        read()
        begun = time.monotonic()
        while time.monotonic() - begun < window - PAUSE:
            time.sleep(PAUSE)
            read()
        seconds = time.monotonic() - begun
    unheard = refused(running.done)
    if not running.done.answered:
        raise CouldNotRun(unheard)
    found, untold = {}, []
    for (pool, url), told in readings.items():
        try:
            found[pool, url] = waited(told, seconds, answers[url][-1] - answers[url][0])
        except UntoldError as error:
            untold.append(f"{pool} {error}, at {url}")
    if unheard:
        untold.append(f"{unheard}, of others no wait tells")
    return found, untold


@audit(dimension="4.2", criterion="load-validated", level=5, needs=("load",))
def test_callers_hardly_wait_for_a_connection_under_load(
    waits: tuple[dict[tuple[str, str], Wait], list[str]],
    audit_declared: Any,
    audit_settings: Any,
    audit_evidence: Any,
    audit_acknowledged: Any,
) -> None:
    """Under the load profile, waiting for a pool's connection stays inside its bound."""
    most, load = audit_settings.value("pool-wait"), audit_declared("load")
    found, untold = waits
    told = {place: f"{place[0]}: {wait}, at {place[1]}" for place, wait in found.items()}
    audit_evidence.load(f"{load.rate:g} requests/s, {audit_declared.origin('load')}", "\n".join(told.values()))
    late = {place: told[place] for place, wait in found.items() if wait.average > most.number}
    left = audit_acknowledged(sorted({pool for pool, _ in late}))
    assert not left, (
        f"under {load.rate:g} requests/s ({audit_declared.origin('load')}) callers wait for connections of "
        f"{len(left)} of {len({pool for pool, _ in found})} pools"
        f"{lines(text for (pool, _), text in late.items() if pool in left)}\n"
        f"at most {most} may be; to acknowledge: {left.names}"
    )
    if untold:
        raise CouldNotRun(f"how long callers wait is not told everywhere{lines(untold)}")

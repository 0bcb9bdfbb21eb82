"""Asking again for what does not exist does not reach the database each time.

Each endpoint that audit.yaml classes as read-cacheable, and whose path has a parameter, is asked for a thing that
nothing is: the declared value with other digits, which answers 404. It is asked for the same again and again, and
no statement may be sent more often than the setting allows; what everybody else sends meanwhile is counted beside.

Impact: A broken link, a crawler or an attacker who counts upwards sends every request to the database, past the cache
that was to protect it.

Remediation: Keep "there is none" in the cache too, with a short lifetime, and remove it when the thing is made; or ask
a Bloom filter of all ids first.

Verification: pg_stat_statements (calls) before and after ten requests for the same absent id.

Effort: S
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.absent import others
from pytest_backend_audit.analysis.attribution import Part, blurred, confirmed, too_many
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites._costs import by_statement, caller, costs
from pytest_backend_audit.suites.caching._asking import cacheable

ABSENT = frozenset({404, 410})
TRIES = 5
"""Values of which one at least should be nobody's."""
ROUNDS = 3
"""How often an endpoint is tried while others' traffic hides whose the statements are."""


@pytest.fixture
def asked_in_vain(
    audit_http: Any, audit_identity: Any, audit_query_budget: Any
) -> Callable[[Any, int], tuple[int, list[Part]]]:
    """Asks an endpoint for what isn't there; gives all statements of the first time, and our part of those after it."""

    def ask(endpoint: Any, times: int) -> tuple[int, list[Part]]:
        client = caller(endpoint, audit_http, audit_identity)
        got: set[int] = set()
        for parameters in others(endpoint.parameters, TRIES, random.Random()):  # noqa: S311 - picks, guards nothing
            url = endpoint.url(**parameters)
            with audit_query_budget(what=f"1 x {endpoint}, absent") as first:
                status = client.get(url).status_code
            if status in ABSENT:
                again = partial(_repeat, client, url, times)
                return first.statements, costs(audit_query_budget, again, f"{times} x {endpoint}, absent")
            got.add(status)
        raise CouldNotRun(f"nothing absent was found to ask {endpoint} for: got {sorted(got)} ({endpoint.origin})")

    return ask


@audit(dimension="4.3", criterion="negative-caching", level=5)
def test_what_is_absent_is_asked_for_once(
    asked_in_vain: Callable[[Any, int], tuple[int, list[Part]]],
    audit_endpoints: Any,
    audit_settings: Any,
    audit_acknowledged: Any,
) -> None:
    """Asking again for what does not exist does not reach the database each time."""
    lookups, most = audit_settings.value("negative-lookups"), audit_settings.value("negative-queries")
    endpoints, times = [e for e in cacheable(audit_endpoints) if e.parameters], int(lookups.number)
    if not endpoints:
        raise CouldNotRun("no read-cacheable endpoint has a parameter (audit.yaml, endpoints): nothing can be absent")
    wrong: dict[str, str] = {}
    hidden: list[str] = []
    alive = False
    for endpoint in endpoints:
        rounds: list[list[Part]] = []
        for _ in range(ROUNDS):
            statements, again = asked_in_vain(endpoint, times)
            alive = alive or bool(statements or again)
            rounds.append(again)
            if over := confirmed(rounds, most.number):
                wrong[str(endpoint)] = by_statement(over)
            unclear = too_many(again, most.number) or blurred(again, most.number, times / 2)
            if over or not unclear:
                break
        else:
            hidden.append(f"{times} x {endpoint} could: {by_statement(unclear)}")
    left = audit_acknowledged(wrong)
    assert not left, (
        f"{len(left)} of {len(endpoints)} endpoints ask the database again for what isn't there"
        f"{lines(f'{name}: {wrong[name]}' for name in left)}\n"
        f"asked once, and then again ({lookups}), for the same absent thing: these may send any one statement {most} "
        f"at most; to acknowledge: {left.names}"
    )
    if hidden:
        raise CouldNotRun(
            f"others send as many statements as {hidden[0]}; audit while the service is quieter, or raise "
            "negative-lookups"
        )
    if not alive:
        raise CouldNotRun("pg_stat_statements saw no statement at all: is this the database that the service asks?")


def _repeat(client: Any, url: str, times: int) -> None:
    for _ in range(times):
        client.get(url)

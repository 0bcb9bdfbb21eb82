"""Every route has a statement budget, and a request keeps to it.

Routes are those of the OpenAPI document and of audit.yaml; each has a budget there (endpoints[].budget), probes and the
version page too, mostly of 0. Each route is then sent ordinary requests as audit.yaml declares them, with parameters,
identity and body, and pg_stat_statements tells what they cost; what others send meanwhile is counted beside, and told
apart. BEGIN, COMMIT and SET don't count.

Impact: Without a number nobody notices that a request has come to cost three times as many statements; each new one
takes a connection of the pool for longer, until there is none left at the next peak.

Remediation: Give each route in audit.yaml the number of statements that it makes today as its budget; where a request
makes more than that, load what it needs with fewer statements, or raise the budget in a change that somebody reviews.

Verification: pg_stat_statements (calls) before and after ten requests to the route.

Effort: M
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.attribution import parts
from pytest_backend_audit.analysis.budgets import Spending
from pytest_backend_audit.analysis.placeholders import filled, holds
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites._costs import caller, counted, quiet, unseen

TIMES = 10
"""Requests to a route in a round, fewer where they take longer than `SECONDS`."""
LEAST, SECONDS = 3, 1.0
ROUNDS = 10
"""Rounds at most, while others' traffic hides what a route costs; as they grow, chance tells less."""
READS = ("GET",)
WRITES = ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def spend(audit_query_budget: Any, audit_http: Any, audit_identity: Any) -> Callable[..., dict[str, Spending]]:
    """Sends each route requests until it is clear what they cost; others are counted after each round of them all."""

    def measure(routes: Sequence[Any]) -> dict[str, Spending]:
        spendings = {str(route): Spending(route.budget) for route in routes}
        for _ in range(ROUNDS):
            unclear = [r for r in routes if not (spendings[str(r)].over or spendings[str(r)].within)]
            if not unclear:
                break
            costs, sent = [], []
            for route in unclear:
                statuses: list[int] = []
                send = partial(_send, route, caller(route, audit_http, audit_identity), statuses)
                costs.append(counted(audit_query_budget, send, f"some requests: {route}"))
                sent.append(len(statuses))
            beside = quiet(audit_query_budget, max(cost.seconds for cost in costs))
            for route, cost, times in zip(unclear, costs, sent, strict=True):
                spendings[str(route)].add(times, parts(cost, beside))
        return spendings

    return measure


@audit(dimension="4.1", criterion="route-budgets", level=5)
def test_every_route_has_a_budget_and_reads_keep_to_it(
    spend: Callable[..., dict[str, Spending]], audit_endpoints: Any, audit_acknowledged: Any
) -> None:
    """Every route has a statement budget, and a read keeps to it."""
    routes = [e for e in audit_endpoints if e.method in READS + WRITES]
    without = audit_acknowledged([str(route) for route in routes if route.budget is None])
    assert not without, (
        f"{len(without)} of {len(routes)} routes have no statement budget{lines(without)}\n"
        f"looked at: {audit_endpoints.source}; to declare one: {{path: ..., method: ..., budget: N}} in audit.yaml's "
        f"endpoints; to acknowledge: {without.names}"
    )
    _judge(spend([r for r in routes if r.method in READS and r.budget is not None]), audit_acknowledged, "reads")


@audit(dimension="4.1", criterion="route-budgets", level=5, needs=("writes",))
def test_writes_keep_to_their_budget(
    spend: Callable[..., dict[str, Spending]], audit_endpoints: Any, audit_acknowledged: Any
) -> None:
    """A write keeps to its route's statement budget."""
    writes = [e for e in audit_endpoints if e.method in WRITES and e.budget is not None]
    bare = [
        f"{e} ({e.origin})"
        for e in writes
        if e.body is None and not e.bodies and (e.needs_body or e.method != "DELETE")
    ]
    if bare:
        raise CouldNotRun(f"{len(bare)} of {len(writes)} writes have no body to send in audit.yaml:{lines(bare)}")
    _judge(spend(writes), audit_acknowledged, "writes")


def _judge(spendings: Mapping[str, Spending], acknowledged: Any, kind: str) -> None:
    if not spendings:
        raise CouldNotRun(f"no {kind} with a budget are known: nothing to measure")
    over = acknowledged([route for route, spending in spendings.items() if spending.over])
    assert not over, (
        f"{len(over)} of {len(spendings)} {kind} cost more statements than their budget"
        f"{lines(f'{route}: {spendings[route]}' for route in over)}\nto acknowledge: {over.names}"
    )
    costly = [spending for spending in spendings.values() if spending.budget]
    if costly and not any(spending.seen for spending in spendings.values()):
        raise CouldNotRun(unseen(f"none of {len(spendings)} {kind}"))
    unclear = [f"{r}: {s}" for r, s in spendings.items() if not s.within and not s.over]
    if unclear:
        raise CouldNotRun(
            f"others send too much to tell what {len(unclear)} of {len(spendings)} {kind} cost: audit while the "
            f"service is quieter{lines(unclear)}"
        )


def _send(route: Any, client: Any, statuses: list[int]) -> None:
    begun = time.monotonic()
    for turn in range(TIMES):
        if turn >= LEAST and time.monotonic() - begun > SECONDS:
            break
        key, headers = f"audit-{secrets.token_hex(12)}", {}
        body = route.bodies[turn % len(route.bodies)] if route.bodies else route.body
        if route.idempotency is not None:
            headers[route.idempotency.header] = key
        more = {"json": filled(body, "{key}", key) if holds(body, "{key}") else body} if body is not None else {}
        answer = client.request(route.method, route.url(), headers=headers, **more)
        if not answer.is_success:
            raise CouldNotRun(
                f"{route} answered {answer.status_code}: declare identity, parameters, query and body of an ordinary "
                f"request in audit.yaml's endpoints ({route.origin})"
            )
        statuses.append(answer.status_code)

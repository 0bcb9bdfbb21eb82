"""The load under which audit.yaml says that the service is judged, as requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_backend_audit import CouldNotRun

SUCCESSFUL = 0.95
"""Share of the answers to a load that have to be 2xx or 3xx: what is refused early uses nothing of what is behind."""
TELLING = 0.5
"""The share where each request that is let in shows what is looked for by itself: a busy service may refuse some."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is sent, and how often."""

    endpoints: list[Any]
    shares: list[float]
    """Of each endpoint, relative to each other."""
    rate: float
    """Requests a second, over all of them."""
    seconds: float


def refused(done: Any, least: float = SUCCESSFUL) -> str:
    """Why the answers to a load tell nothing of what is behind; empty where they do.

    Args:
        done: What `audit_load` says of the load once it has ended.
        least: Share of the answers that have to be 2xx or 3xx.
    """
    if not done.answered:
        return f"none of {done.sent} requests was answered ({done.lines()[-1]})"
    successes = sum(count for status, count in done.statuses.items() if 200 <= status < 400)
    if successes >= least * done.answered:
        return ""
    return f"{successes} of {done.answered} answers to the load are 2xx or 3xx"


def profile(declared: Any, endpoints: Any) -> Profile:
    """Reads of the declared endpoints at the declared rate; ``load.shares`` says how often each path is asked for.

    Raises:
        CouldNotRun: audit.yaml declares no load, or nothing to read.
    """
    load = declared("load", None)
    if load is None:
        raise CouldNotRun(
            f"load is not configured ({declared.origin('load')}): declare what an ordinary peak is, for instance "
            "load: {rate: 20, seconds: 30}, in requests a second over all endpoints"
        )
    reads = [e for e in endpoints.declared() if e.method == "GET"]
    if not reads:
        raise CouldNotRun("no operation is declared that is read with GET: nothing to send (audit.yaml, endpoints)")
    stated = [load.shares.get(endpoint.path) for endpoint in reads]
    rest = max(0.0, 1 - sum(share for share in stated if share is not None))
    even = rest / max(1, stated.count(None))
    return Profile(reads, [even if share is None else share for share in stated], load.rate, load.seconds)

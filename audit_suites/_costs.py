"""What checks of several dimensions share: how an endpoint is called, and what requests of ours cost the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from pytest_backend_audit import CouldNotRun
from pytest_backend_audit.analysis.attribution import Counts, Part, parts

QUIET = 0.5
"""Seconds, at least, over which everybody else's statements are counted."""


def caller(endpoint: Any, http: Any, identify: Any) -> Any:
    """The client that an endpoint is called with."""
    return identify(endpoint.identity) if endpoint.identity else http


def get(client: Any, endpoint: Any, url: str = "") -> Any:
    """The answer of a read.

    Raises:
        CouldNotRun: It is no success, so that there is nothing to look at.
    """
    answer = client.get(url or endpoint.url())
    if not answer.is_success:
        raise CouldNotRun(f"{endpoint} answered {answer.status_code} ({endpoint.origin})")
    return answer


def costs(budget: Any, send: Callable[[], object], what: str) -> list[Part]:
    """What a block's requests cost the database, by statement.

    Everybody else's are counted right after, for as long at least.

    Args:
        budget: ``audit_query_budget``.
        send: Sends the requests.
        what: What they are, for evidence.
    """
    ours = counted(budget, send, what)
    return parts(ours, quiet(budget, ours.seconds))


def counted(budget: Any, send: Callable[[], object], what: str) -> Counts:
    """What everybody's requests cost the database while a block's are sent; arguments as for `costs`."""
    begun = time.monotonic()
    with budget(what=what) as ours:
        send()
    return Counts(ours.by_query, time.monotonic() - begun)


def quiet(budget: Any, seconds: float) -> Counts:
    """What everybody else's requests cost the database over a while, no less than `QUIET`."""
    seconds = max(QUIET, seconds)
    with budget(what="everybody else's requests, right after") as beside:
        time.sleep(seconds)
    return Counts(beside.by_query, seconds)


def unseen(what: str) -> str:
    """Why it proves nothing that requests cost the database no statement.

    Args:
        what: Which requests, such as "none of 3 reads".
    """
    return (
        f"{what} sent a statement to the database that targets.postgres names: does the service ask a replica, or "
        "another database, or is pg_stat_statements.track none?"
    )


def by_statement(found: Iterable[Part]) -> str:
    """The statements with their counts, in one line."""
    return "; ".join(map(str, found))

"""In each of the busiest endpoints the number of statements per request stays the same when more rows come back.

Reads that list things are told by their answers and by the OpenAPI document, and the busiest by the service's metrics
pages. Those that take a page's size are asked for a page and for one several times as large; pg_stat_statements tells
what either costs, and what others send meanwhile is counted beside and told apart. A list whose size callers can't set
must not cost one and the same statement as often as it holds rows.

Impact: A page of a hundred rows costs a hundred round trips to the database; the endpoint gets slower with each row,
and the more data there is, the sooner the pool runs empty.

Remediation: Load what belongs to the rows with one statement for the whole page: WHERE parent_id = ANY(...), or a join;
in an ORM select_related and prefetch_related (Django), selectinload (SQLAlchemy), Preload (GORM).

Verification: pg_stat_statements (calls) before and after ten requests for a small page and ten for a large one.

Effort: M
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.attribution import Part
from pytest_backend_audit.analysis.growth import CERTAIN_GROWTH, grown, growths, hidden
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites._costs import costs, unseen
from pytest_backend_audit.suites.query_performance._reads import Listing, Listings, count, listings

TIMES = 10
"""Requests for a page of either size."""
ROUNDS = 3
"""How often an endpoint is tried while others' traffic hides whose the statements are."""
Asking = Callable[[Listing, int | None], tuple[int, list[Part]]]


@pytest.fixture
def asked(audit_query_budget: Any) -> Asking:
    """Asks for pages of a size; gives the rows of each, and our part of the statements."""

    def ask(listing: Listing, page: int | None) -> tuple[int, list[Part]]:
        rows: list[int] = []

        def send() -> None:
            for _ in range(TIMES):
                answer = listing.ask(page)
                if not answer.is_success:
                    told = "" if page is None or listing.size is None else f" for {listing.size.name}={page}"
                    raise CouldNotRun(f"{listing} answered {answer.status_code}{told} ({listing.endpoint.origin})")
                rows.append(count(answer) or 0)

        size = "" if page is None else f", a page of {page}"
        found = costs(audit_query_budget, send, f"{TIMES} x {listing}{size}")
        return min(rows), found

    return ask


@pytest.fixture
def reads(
    audit_endpoints: Any, audit_http: Any, audit_identity: Any, audit_declared: Any, audit_settings: Any
) -> Listings:
    """The busiest reads that list things."""
    most = audit_settings.value("n-plus-one-endpoints")
    pages = audit_declared("targets.http.metrics", ())
    return listings(audit_endpoints, audit_http, audit_identity, pages, int(most.number))


@audit(dimension="4.1", criterion="n-plus-one", level=3)
def test_more_rows_cost_no_more_statements(
    asked: Asking, reads: Listings, audit_settings: Any, audit_acknowledged: Any, audit_evidence: Any
) -> None:
    """In each of the busiest endpoints the number of statements per request stays the same when more rows come back."""
    factor, page = audit_settings.value("n-plus-one-factor"), audit_settings.value("n-plus-one-page")
    found = {str(r): _tried(asked, r, int(page.number), int(factor.number)) for r in reads.found}
    audit_evidence.command(
        f"{len(found)} listing endpoints, {len(reads.single)} of one thing",
        "\n".join(f"{name}: {outcome.told}" for name, outcome in found.items()) or "none",
    )
    left = audit_acknowledged([name for name, outcome in found.items() if outcome.fault])
    assert not left, (
        f"{len(left)} of {len(found)} listing endpoints make more statements when more rows come back"
        f"{lines(f'{name}: {found[name].told}' for name in left)}\n"
        f"the smaller page has {page}, the larger one {factor} times as many; looked at: the busiest "
        f"{audit_settings.value('n-plus-one-endpoints')}; to acknowledge: {left.names}"
    )
    reads.must_be_told()
    if unknown := [f"{name}: {outcome.told}" for name, outcome in found.items() if outcome.unknown]:
        raise CouldNotRun(f"{len(unknown)} of {len(found)} listing endpoints could not be tried:{lines(unknown)}")
    if not any(outcome.seen for outcome in found.values()):
        raise CouldNotRun(unseen(f"none of {len(found)} listing endpoints"))


class _Outcome:
    """What came of one endpoint."""

    def __init__(
        self, told: str, *, fault: bool = False, unknown: bool = False, statements: Sequence[Part] = ()
    ) -> None:
        self.told, self.fault, self.unknown = told, fault, unknown
        self.seen = any(part.seen(TIMES) for part in statements)
        """Whether it cost the database anything that was seen."""


def _tried(asked: Asking, listing: Listing, page: int, factor: int) -> _Outcome:
    if listing.size is None:
        return _by_rows(asked, listing, page)
    small = listing.size.page(page, factor)
    told = ""
    for _ in range(ROUNDS):
        rows, before = asked(listing, small)
        more, after = asked(listing, small * factor)
        if more <= rows:
            if rows > small:  # pays no heed to the size: a list like those that take none
                return _by_rows(asked, listing, page)
            return _Outcome(
                f"{rows} rows at {listing.size.name}={small} and {more} at {small * factor}: there are too few rows "
                f"for {listing.endpoint.identity or 'the caller'}",
                unknown=True,
            )
        compared = growths(before, after, TIMES)
        if wrong := grown(compared):
            told = f"{rows} rows, then {more}: statements per request {listed(wrong, 3)}"
            return _Outcome(told, fault=True, statements=after)
        unclear = hidden(compared)
        if not unclear:
            told = f"{rows} rows, then {more}: {listed(compared, 3) or 'no statement'}"
            return _Outcome(told, statements=[*before, *after])
        told = f"others send as many statements: {listed(unclear, 3)}; audit while the service is quieter"
    return _Outcome(told, unknown=True)


def _by_rows(asked: Asking, listing: Listing, page: int) -> _Outcome:
    """Whether a list of a size of its own costs a statement a row; a few rows tell nothing, and are let pass."""
    told = ""
    for _ in range(ROUNDS):
        rows, found = asked(listing, None)
        least = rows - CERTAIN_GROWTH
        if each := [part for part in found if rows >= page and part.least / TIMES >= least]:
            told = f"{rows} rows, {listed(each, 3)} in {TIMES} requests"
            return _Outcome(told, fault=True, statements=found)
        unclear = [part for part in found if rows >= page and part.most / TIMES >= least]
        if not unclear:
            told = f"{rows} rows, callers can't ask for more: {listed(found, 3) or 'no statement'}"
            return _Outcome(told, statements=found)
        told = (
            f"{rows} rows, and others send as many statements: {listed(unclear, 3)}; audit while the service is quieter"
        )
    return _Outcome(told, unknown=True)

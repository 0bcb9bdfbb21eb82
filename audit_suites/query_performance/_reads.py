"""What checks of reads share: which of the service's reads list things, the busiest first, and how each is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_backend_audit import CouldNotRun
from pytest_backend_audit.analysis.lists import PageSize, page_size, things
from pytest_backend_audit.analysis.metrics import NoMetricsError, read_page, requests
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.analysis.traffic import ranked
from pytest_backend_audit.suites._costs import caller


@dataclass(frozen=True)
class Listing:
    """A read that lists things."""

    endpoint: Any
    client: Any
    size: PageSize | None
    """What sets a page's size; None where callers can't."""

    def ask(self, page: int | None = None) -> Any:
        """The answer, to a request for a page of this size."""
        if self.size is None or page is None:
            return self.client.get(self.endpoint.url())
        return self.client.get(self.url(page))

    def url(self, page: int) -> str:
        """The path with everything filled in, and a page of this size asked for."""
        assert self.size is not None
        return str(replace(self.endpoint, query={**self.endpoint.query, self.size.name: page}).url())

    def __str__(self) -> str:
        return str(self.endpoint)


@dataclass(frozen=True)
class Listings:
    """The reads that were looked at."""

    found: Sequence[Listing]
    """Those that list things."""
    single: Sequence[str]
    """Those whose answer is one thing."""
    untold: Sequence[str]
    """Those that answered no success, so that nobody knows."""

    def must_be_told(self) -> None:
        """Let no verdict stand beside reads that could not be looked at, nor where there are none.

        Raises:
            CouldNotRun: There are such, or no read lists anything.
        """
        if self.untold:
            raise CouldNotRun(
                f"{len(self.untold)} of the busiest reads could not be looked at; declare identity, parameters and "
                f"query of each in audit.yaml's endpoints:{lines(self.untold)}"
            )
        if not self.found:
            raise CouldNotRun(f"none of {len(self.single)} reads lists anything: nothing to ask more of")


def listings(endpoints: Any, http: Any, identify: Any, pages: Iterable[str], most: int) -> Listings:
    """Of the busiest reads, and of the busiest of those that take a page's size, those that list things.

    Args:
        endpoints: ``audit_endpoints``.
        http: ``audit_http``.
        identify: ``audit_identity``.
        pages: The service's metrics pages, which tell which reads are busy; without, the document's order counts.
        most: How many of either kind.
    """
    reads = {(e.method, e.path): e for e in endpoints if e.method == "GET"}
    in_order = [endpoint for endpoint, _ in ranked(reads, _counts(http, pages))]
    sizes = {str(e): page_size(e.schema.get("parameters", ()), e.query) for e in in_order}
    sized = [e for e in in_order if sizes[str(e)] is not None][:most]
    others = [e for e in in_order[:most] if sizes[str(e)] is None]
    found, single, untold = [Listing(e, caller(e, http, identify), sizes[str(e)]) for e in sized], [], []
    for endpoint in others:
        listing = Listing(endpoint, caller(endpoint, http, identify), None)
        answer = listing.ask()
        if not answer.is_success:
            untold.append(f"{endpoint} answered {answer.status_code} ({endpoint.origin})")
        elif count(answer) is None:
            single.append(str(endpoint))
        else:
            found.append(listing)
    return Listings(found, single, untold)


def count(answer: Any) -> int | None:
    """How many things an answer lists; None where it is no JSON, or holds no list."""
    try:
        return things(answer.json())
    except ValueError:
        return None


def _counts(http: Any, pages: Iterable[str]) -> list[tuple[dict[str, str], float]]:
    counted: list[tuple[dict[str, str], float]] = []
    for page in pages:
        answer = http.get(page)
        try:
            said = requests(read_page(answer.status_code, answer.headers.get("content-type", ""), answer.text))
        except NoMetricsError:
            continue  # the check of metrics says so; here the document's order will do
        counted += [(sample.labels, sample.value) for sample in said.counts]
    return counted

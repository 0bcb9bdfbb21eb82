"""Results of load: percentiles that occurred, failures that count, concurrency, the generator's own lateness."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_backend_audit.analysis.load import LoadResult, Sample, concurrency, percentile, rate_of


def result(*samples: Sample, rate: float = 10.0, cut: int = 0) -> LoadResult:
    """A result of these samples."""
    return LoadResult("10 requests/s for 1 s", rate, samples, cut)


def answered(due: float, latency: float, status: int = 200, kind: int = 0) -> Sample:
    """A request that was sent when it was due."""
    return Sample(due, due, due, due + latency, status, "", kind)


def lost(due: float, error: str = "timed out") -> Sample:
    """A request without an answer."""
    return Sample(due, due, due, due + 0.001, 0, error)


def test_percentiles_are_latencies_that_occurred() -> None:
    """Nearest rank: of 100 values, p99 is the 99th."""
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, q) for q in (50, 90, 95, 99, 99.9, 100)] == [50, 90, 95, 99, 100, 100]
    assert percentile([3.0], 1) == 3.0
    assert percentile([1.0, 2.0], 50) == 1.0


@pytest.mark.parametrize(("values", "q"), [([], 50), ([1.0], 0), ([1.0], 100.1), ([1.0], -1)])
def test_no_percentile_of_nothing_or_out_of_range(values: list[float], q: float) -> None:
    """An error, not a 0 that passes every limit."""
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, q)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 100))
def test_a_percentile_is_the_least_value_that_covers_its_share(values: list[float], q: float) -> None:
    """At least q percent of the values are no larger, and it is one of them."""
    ascending = sorted(values)
    found = percentile(ascending, q)
    assert found in ascending
    assert sum(v <= found for v in ascending) >= q * len(ascending) / 100 - 1e-6


def test_latency_counts_from_when_a_request_was_due() -> None:
    """A request that waited 300 ms for a connection was 310 ms late, though its server took 10 ms."""
    assert Sample(1.0, 1.0, 1.3, 1.31, 200).latency == pytest.approx(0.31)


def test_a_request_without_an_answer_is_infinitely_late() -> None:
    """A dead port answers fast: no percentile may look good because of it."""
    found = result(*(answered(n / 10, 0.01) for n in range(9)), lost(0.9, "connection refused"))
    assert found.p90 == pytest.approx(0.01)
    assert math.isinf(found.p95)
    assert (found.sent, found.answered, found.availability) == (10, 9, 0.9)
    assert found.errors == {"connection refused": 1}


def test_server_errors_are_answers_but_not_available() -> None:
    """A 429 is a word, a 503 a failure; latencies can be asked for by status."""
    found = result(answered(0, 0.5), answered(0.1, 0.02, 429), answered(0.2, 0.001, 503))
    assert found.statuses == {200: 1, 429: 1, 503: 1}
    assert found.availability == pytest.approx(2 / 3)
    assert found.latencies({429, 503}) == pytest.approx([0.001, 0.02])
    assert found.latencies() == pytest.approx([0.001, 0.02, 0.5])


def test_concurrency_is_the_largest_overlap() -> None:
    """One that ends where another begins does not overlap it; an empty one counts for nothing."""
    assert concurrency([(0, 2), (1, 3), (2, 4), (5, 5)]) == 2
    assert concurrency([(0, 1)] * 200) == 200
    assert concurrency([]) == 0


def test_the_rate_is_what_was_fired() -> None:
    """Eleven requests a tenth of a second apart are ten a second."""
    assert rate_of([n / 10 for n in range(11)]) == pytest.approx(10)
    assert rate_of([1.0, 1.0]) == 0
    assert result(*(answered(n / 10, 0.01) for n in range(11))).achieved == pytest.approx(10)


def test_the_generators_own_lateness_is_told() -> None:
    """It is no latency of the service's."""
    late = [Sample(n / 10, n / 10 + 0.2, n / 10 + 0.2, n / 10 + 0.21, 200) for n in range(3)]
    assert result(*late).late_by(99) == pytest.approx(0.2)


def test_several_requests_are_told_apart() -> None:
    """Each with its share of the rate."""
    found = result(answered(0, 0.1, kind=0), answered(0.1, 0.3, kind=1), answered(0.2, 0.2, kind=0))
    assert found.of(0).p99 == pytest.approx(0.2)
    assert found.of(1).p99 == pytest.approx(0.3)
    assert found.of(0).rate == pytest.approx(20 / 3)


def test_the_result_in_words() -> None:
    """Counts, percentiles, statuses, errors, and the generator's own word."""
    found = result(*(answered(n / 10, 0.0125) for n in range(9)), lost(0.9), cut=3)
    assert found.lines() == [
        "sent 10, answered 9, at most 1 at once, 3 not sent any more",
        "latency from when each was due: p50 12.5 ms  p90 12.5 ms  p95 never  p99 never  max never",
        "statuses: 200: 9",
        "no answer: timed out: 1",
        "rate asked 10/s, fired 10.0/s, the generator late by p99 0.0 ms",
    ]
    assert result().lines() == ["nothing was sent"]

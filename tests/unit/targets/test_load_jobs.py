"""Turns of several requests, and what vegeta's samples mean."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from pytest_backend_audit.targets.load.job import pattern_of
from pytest_backend_audit.targets.load.vegeta import samples_of

ANSWERED = """\
1795525672454009713,200,11558755,0,0,,,,0,GET,http://127.0.0.1:28231/v1/orders?limit=2,Q29udGVudC1MZW5ndGg6IDINCg0K
1795525672703992825,200,10877628,0,0,,,,1,GET,http://127.0.0.1:28231/v1/orders?limit=2,Q29udGVudC1MZW5ndGg6IDINCg0K
1795525672954261052,200,10675442,0,0,,,,2,GET,http://127.0.0.1:28231/v1/orders?limit=2,Q29udGVudC1MZW5ndGg6IDINCg0K
1795525673204353071,200,10739528,0,0,,,,3,GET,http://127.0.0.1:28231/v1/orders?limit=2,Q29udGVudC1MZW5ndGg6IDINCg0K
"""
REFUSED = """\
1795525673723729295,0,404162,0,0,"Get ""http://127.0.0.1:28231/"": dial tcp 0.0.0.0:0->127.0.0.1:28231: connect: \
connection refused",,,0,GET,http://127.0.0.1:28231/,
1795525674224004519,0,475790,0,0,"Get ""http://127.0.0.1:28231/"": dial tcp 0.0.0.0:0->127.0.0.1:28231: connect: \
connection refused",,,1,GET,http://127.0.0.1:28231/,
"""


def test_equal_shares_take_turns() -> None:
    """Each in its place."""
    assert pattern_of([1.0, 1.0, 1.0]) == (0, 1, 2)


def test_shares_are_kept_and_spread() -> None:
    """Three quarters to one, never four of a kind in a row."""
    order = pattern_of([3.0, 1.0])
    assert Counter(order) == {0: 75, 1: 25}
    assert order[:8] == (0, 0, 1, 0, 0, 0, 1, 0)


@pytest.mark.parametrize("share", [0.0, -1.0])
def test_a_share_is_above_zero(share: float) -> None:
    """Something that is never asked for is left out, not given nothing."""
    with pytest.raises(ValueError, match="a share is above 0"):
        pattern_of([1.0, share])


def test_vegetas_samples_count_from_when_they_were_due() -> None:
    """At four a second; the second one was the least late, so that the others' lateness is seen against it."""
    samples = samples_of(ANSWERED.splitlines(), 4.0)
    assert [s.due for s in samples] == [0.0, 0.25, 0.5, 0.75]
    assert [round(1e6 * (s.fired - s.due)) for s in samples] == [17, 0, 268, 360]
    assert [round(1e6 * s.latency) for s in samples] == [11_576, 10_878, 10_944, 11_100]
    assert {(s.status, s.error) for s in samples} == {(200, "")}


def test_vegetas_code_0_is_no_answer() -> None:
    """Whatever latency it names."""
    samples = samples_of(REFUSED.splitlines(), 2.0)
    assert [(s.status, s.error) for s in samples] == [(0, "connection refused")] * 2
    assert [s.latency for s in samples] == [math.inf] * 2


def test_an_attack_without_samples() -> None:
    """Nothing, rather than an error."""
    assert samples_of([], 4.0) == ()

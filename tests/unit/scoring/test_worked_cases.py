"""The worked cases: checks of one dimension, each its own criterion, and the level they make."""

from __future__ import annotations

import pytest
from unit.scoring.scoring_cases import (
    VERBAL,
    attempt,
    broken,
    failed,
    one_dimension,
    passed,
    skipped,
)

CASES = [
    pytest.param([(3, passed("a"))], {}, 3, id="L3 passed"),
    pytest.param([(3, failed("a"))], {}, 1, id="L3 failed"),
    pytest.param([(2, passed("a")), (3, failed("b"))], {}, 2, id="L2 passed, L3 failed"),
    pytest.param([(2, passed("a")), (3, skipped("b")), (4, passed("c"))], {}, 2, id="L2 passed, L3 skipped, L4 passed"),
    pytest.param([(2, passed("a")), (3, attempt("b"))], {}, 1, id="L2 passed, L3 passed without evidence"),
    pytest.param([(3, passed("a", VERBAL))], {}, 2, id="L3 passed, verbal only"),
    pytest.param([(2, skipped("a")), (3, skipped("b"))], {}, 1, id="everything skipped"),
    pytest.param([(3, passed("a")), (5, broken("b"))], {}, 2, id="L3 passed, L5 raises KeyError"),
    pytest.param(
        [(2, passed("a")), (3, passed("b")), (4, passed("c")), (5, failed("d"))],
        {},
        4,
        id="L2, L3, L4 passed, L5 failed",
    ),
    pytest.param(
        [(2, passed("a")), (3, passed("b")), (4, passed("c")), (5, skipped("d"))],
        {},
        2,
        id="L2, L3, L4 passed, L5 skipped",
    ),
    pytest.param(
        [(2, passed("a")), (3, passed("b")), (4, passed("c")), (5, skipped("d"))],
        {"policy": {"sought": {"4.1": 4}}},
        4,
        id="the same, seeking 4",
    ),
    pytest.param([(4, passed("a")), (3, failed("b"))], {}, 2, id="L4 passed, L3 failed"),
    pytest.param([(4, passed("a"))], {}, 2, id="L4 alone passed"),
    pytest.param([(3, passed("a")), (5, passed("b"))], {}, 3, id="L3 and L5 passed"),
    pytest.param([(2, failed("a")), (3, passed("b"))], {}, 1, id="L2 failed, L3 passed"),
    pytest.param([(2, skipped("a")), (3, passed("b"))], {}, 2, id="L2 skipped, L3 passed"),
]


@pytest.mark.parametrize(("tried", "fields", "level"), CASES)
def test_a_worked_case_has_its_level(tried, fields, level):
    """Each worked case of the design has the level that the design says, before the reviewer's cap."""
    assert one_dimension(*tried, **fields).dimensions[0].would_be == level

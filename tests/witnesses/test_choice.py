"""Which defects a run throws, and what the record keeps. Pure."""

from __future__ import annotations

import re

import pytest

from pytest_backend_audit.demo.defects import Defect, Where
from witnesses.choice import named, shared
from witnesses.matrix import Seen, Sight, merged


def _defect(name: str, dimension: str, criterion: str) -> Defect:
    return Defect(name=name, dimension=dimension, criterion=criterion, wrong="It is wrong.", where=Where.SERVICE)


DEFECTS = (
    _defect("log-off", "4.1", "query-logging"),
    _defect("log-hour", "4.1", "query-logging"),
    _defect("no-index", "4.1", "foreign-key-indexes"),
    _defect("random", "4.3", "hit-rate"),
    _defect("short", "4.3", "hit-rate"),
)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["4.3"], ["random", "short"]),
        (["query-logging"], ["log-off", "log-hour"]),
        (["4.3/hit-rate", "log-hour"], ["log-hour", "random", "short"]),
    ],
)
def test_dimensions_criteria_and_defects_can_be_named(words: list[str], names: list[str]) -> None:
    """In the catalogue's order, each once."""
    assert [d.name for d in named(DEFECTS, words)] == names


def test_a_word_that_names_nothing_is_told() -> None:
    """Nobody runs nothing by a slip."""
    with pytest.raises(
        ValueError, match=f"^{re.escape('hit-rat is no dimension, criterion or defect with a witness')}$"
    ):
        named(DEFECTS, ["hit-rat"])


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ([], ["log-off", "short"]),
        (["audit_suites/query_performance/foreign_key_indexes.py"], ["log-off", "no-index", "short"]),
        (["src/pytest_backend_audit/analysis/cache.py"], ["log-off", "random", "short"]),
        (["demo/defects/4.1.yaml"], ["log-off", "log-hour", "no-index", "short"]),
        (["demo/service/cache.py"], ["log-off", "no-index", "random", "short"]),
        (["README.md", "tests/unit/test_model.py"], ["log-off", "short"]),
    ],
)
def test_a_share_holds_what_a_change_could_touch(changed: list[str], names: list[str]) -> None:
    """Its criteria whole, the first of each where the engine changed, and one part in four of the others."""
    assert [d.name for d in shared(DEFECTS, changed, lambda _: ["hit-rate"], 8, 4)] == names


def test_the_parts_come_to_all() -> None:
    """From run to run every defect has its turn."""
    parts = [shared(DEFECTS, [], lambda _: [], n, 4) for n in range(7, 11)]
    assert sorted(d.name for part in parts for d in part) == sorted(d.name for d in DEFECTS)


def test_a_short_run_does_not_replace_a_long_one() -> None:
    """Twenty green rounds stay on record when one more was green; one that was not is news."""
    record = Seen(green={"a": Sight(20, 20), "b": Sight(20, 20)})
    record.update(Seen(green={"a": Sight(1, 1), "b": Sight(0, 1, reason="no traffic")}))
    assert record.green == {"a": Sight(20, 20), "b": Sight(0, 1, reason="no traffic")}


def test_rounds_are_counted() -> None:
    """Green, or the reason why not."""
    assert merged([{"a": "", "b": ""}, {"a": "", "b": "no server"}]) == {
        "a": Sight(2, 2),
        "b": Sight(1, 2, reason="no server"),
    }

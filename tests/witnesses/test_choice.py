"""Which defects a run throws, and what the record keeps. Pure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_backend_audit.demo.defects import CATALOGUE, Defect, Where
from witnesses.choice import files, named, shared
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
        ([], ["log-off", "log-hour"]),
        (["audit_suites/query_performance/foreign_key_indexes.py"], ["log-off", "no-index"]),
        (["src/pytest_backend_audit/analysis/cache.py"], ["random", "short"]),
        (["demo/defects/4.1.yaml"], ["log-off", "log-hour"]),
        (["demo/service/cache.py"], ["log-off", "random"]),
        (["README.md", "tests/unit/test_model.py"], ["log-off", "log-hour"]),
    ],
)
def test_a_share_begins_with_what_a_change_could_touch(changed: list[str], names: list[str]) -> None:
    """Its criteria or its dimension; one of each dimension where the engine changed; then those whose turn it is."""
    assert [d.name for d in shared(DEFECTS, changed, lambda _: ["hit-rate"], 0, 2)] == names


def test_of_more_than_there_is_time_for_those_are_taken_whose_turn_it_is() -> None:
    """Three of 4.1 are touched, and two can be thrown."""
    runs = [shared(DEFECTS, ["demo/defects/4.1.yaml"], lambda _: [], part, 2) for part in range(3)]
    assert [[d.name for d in run] for run in runs] == [
        ["log-off", "log-hour"],
        ["log-off", "no-index"],
        ["log-off", "log-hour"],
    ]


def test_in_turn_they_come_to_all() -> None:
    """From run to run every defect has its turn."""
    runs = [shared(DEFECTS, [], lambda _: [], n, 2) for n in range(3)]
    assert {d.name for run in runs for d in run} == {d.name for d in DEFECTS}
    assert {len(run) for run in runs} == {2}


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


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["foreign-key-indexes"], ["tests/witnesses/test_witnesses.py"]),
        (["compiled-queries"], ["tests/live/companions/test_go_shop.py"]),
        (
            ["4.2/pool-metrics", "foreign-key-indexes"],
            ["tests/witnesses/test_witnesses.py", "tests/live/companions/test_go_shop.py"],
        ),
    ],
)
def test_names_lead_to_the_tests_that_throw_them(words: list[str], wanted: list[str]) -> None:
    """Of the stack, of a companion, or of both."""
    assert files(words) == wanted
    assert all((Path(__file__).parents[2] / file).is_file() for file in wanted)


def test_a_name_of_a_companion_is_none_of_the_stacks() -> None:
    """Nor is it a mistake."""
    assert named([CATALOGUE["foreign-key-indexes"]], ["go-shop-dropped-column"]) == ()
    with pytest.raises(ValueError, match="go-shop-dropped is no dimension, criterion or defect with a witness"):
        named([], ["go-shop-dropped"])

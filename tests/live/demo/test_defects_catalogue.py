"""The catalogue of switches: names, choices, and the way back from each."""

from __future__ import annotations

import re

import pytest

from pytest_backend_audit.demo.defects import CATALOGUE, DEFAULT, Where, checked, parse


def test_default_and_none_are_choices() -> None:
    """`default` is a handful of known defects, `none` is the sound service."""
    assert parse("default") == DEFAULT
    assert set(DEFAULT) <= set(CATALOGUE)
    assert parse("none") == ()


def test_names_come_in_the_catalogues_order_and_once() -> None:
    """Order and repetition on the command line don't matter."""
    assert parse("eviction-policy, query-logging-off,eviction-policy") == ("query-logging-off", "eviction-policy")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["eviction-polcy"], "no such defect: eviction-polcy (did you mean eviction-policy?)"),
        (["zzz"], f"no such defect: zzz (there are: {', '.join(CATALOGUE)})"),
        (
            ["query-logging-hour", "query-logging-off"],
            "query-logging-off and query-logging-hour can't be on together",
        ),
        (
            ["explicit-ttls-hour", "hit-rate-short-ttl"],
            "hit-rate-short-ttl and explicit-ttls-hour can't be on together",
        ),
        (
            ["idempotency-race", "idempotency-ignored"],
            "idempotency-ignored and idempotency-race can't be on together",
        ),
    ],
)
def test_senseless_choices_are_refused(names: list[str], message: str) -> None:
    """A misspelt name brings the nearest one; two that exclude each other are named."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        checked(names)


def test_every_change_to_the_database_has_a_way_back() -> None:
    """A defect made by statements is undone by statements."""
    changes = [d for d in CATALOGUE.values() if d.sql or d.undo]
    assert [d.name for d in changes if not (d.sql and d.undo)] == []
    assert {d.where for d in changes} == {Where.DATABASE}

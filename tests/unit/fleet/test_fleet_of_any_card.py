"""Whatever stands in a filed card: it is counted or told, and every format shows it harmlessly."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.fleet.fleet_cards import EVIL, asked, audit
from unit.reports.html_page import Page

from pytest_backend_audit import filed
from pytest_backend_audit.filed import FiledError
from pytest_backend_audit.fleet import cards, numbers, page, table
from pytest_backend_audit.fleet.audits import Reducer, Unread
from pytest_backend_audit.fleet.summary import summarise
from pytest_backend_audit.reports.text import columns

CARD = json.loads(filed.text(audit("orders", "2026-08-31", fails="hit-rate")))
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=30),
    st.sampled_from([EVIL, "\ud800", "9999-12-31T23:59:59-14:00", "0001-01-01", 10**40, [], {}, [[]], {"level": 3}]),
)


def places(value: Any, here: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to every value in the card."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    return [here, *(place for key, item in inner for place in places(item, (*here, key)))]


PLACES = [place for place in places(CARD) if place]


def changed(place: tuple[str | int, ...], value: Any) -> bytes:
    """The card with another value at a place."""
    card = json.loads(json.dumps(CARD))
    inner = card
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return json.dumps(card).encode()


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
@example([(("instant",), "9999-12-31T23:59:59-14:00")])
@example([(("service",), "\ud800"), (("dimensions", 0, "name"), EVIL), (("dimensions", 0, "id"), "")])
@example([(("maximum",), 0), (("total",), 0)])
def test_any_card_is_counted_or_told_and_shown(changes: list[tuple[tuple[str | int, ...], Any]]) -> None:
    """One message or one audit for each; no reader, format or sum fails for it."""
    reader, reducer = cards.reader(), Reducer()
    audits = [reducer.reduce(reader(filed.text(audit("other", "2026-01-01")).encode(), "other.json"), "other.json")]
    unread = []
    for number, (place, value) in enumerate(changes):
        try:
            audits.append(reducer.reduce(reader(changed(place, value), "card.json"), f"{number}.json"))
        except FiledError as error:
            unread.append(Unread(f"{number}.json", str(error)))
        except ValueError as error:
            unread.append(Unread(f"{number}.json", str(error)))
    found = summarise(audits, asked(), unread)
    assert found.audits + found.twice + found.later + len(found.unread) == 1 + len(changes)
    printed = list(table.lines(found, table.Look()))
    assert [line for line in printed if not line.isprintable()] == []
    assert [line for line in printed if columns(line) > 80] == []
    json.loads("".join(numbers.chunks(found)))
    text = "".join(page.chunks(found))
    assert Page(text).tags["script"] == 1
    text.encode()

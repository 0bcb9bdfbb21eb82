"""A finding's title says what was found, where the first line of the message only introduces it."""

from __future__ import annotations

import pytest
from unit.scoring.scoring_cases import check, failed
from unit.scoring.test_findings_queue import queue

from pytest_backend_audit.titles import LEAST_ITEM, TITLE_LIMIT, headline

FOREIGN = (
    "1 of 3 foreign keys without an index:\n"
    "  - orders_customer_id_fkey on public.orders (customer_id): CREATE INDEX ON public.orders (customer_id);\n"
    "  to acknowledge: foreign-key-indexes:public.orders.customer_id"
)
TABLES = (
    "12 of 60 tables are not well (dead tuples at most 0.1 (standard), rows changed since ANALYZE at most 0.2 "
    "(standard), naptime of autovacuum 10s):\n"
    + "\n".join(f"- public.t{n}: 40 % of its rows are dead" for n in range(10))
    + "\n... and 2 more"
)


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        (FOREIGN, "1 of 3 foreign keys without an index: orders_customer_id_fkey on public.orders (customer_id)"),
        (TABLES, "12 of 60 tables are not well: public.t0 and 11 more"),
        (
            "3 of 3 kinds of key hold pickles\n- a:*: 3 of 4\n- b: 1 of 1",
            "3 of 3 kinds of key hold pickles: a:* and 1 more",
        ),
        ("1 of 1 pools don't fit\n- orders: 8 at one\n- orders: 4 at another", "1 of 1 pools don't fit: orders"),
        ("1 of 13 routes have no budget\n- POST /v1/orders", "1 of 13 routes have no budget: POST /v1/orders"),
        ("the answer was:\n  <html>", "the answer was: <html>"),
        ("2 keys without an index: a, b\nthe limit is 0", "2 keys without an index: a, b"),
        ("ends in nothing:", "ends in nothing:"),
        ("ends in nothing:\n  ", "ends in nothing:"),
        ("", ""),
    ],
)
def test_the_first_item_stands_in_the_line(reason: str, line: str) -> None:
    """By its name, without the remedy, and with how many more things there are; a list of none changes nothing."""
    assert headline(reason) == line


def test_a_long_sentence_makes_way_for_what_was_found() -> None:
    """First what it says in brackets, then its end; of a long item there is room for the beginning."""
    asides = f"2 statements are slow ({'x' * 200}); of 9 :\n- SELECT 1: 9 s\n- SELECT 2: 8 s"
    assert headline(asides, 60) == "2 statements are slow; of 9: SELECT 1 and 1 more"
    said = headline(f"{'many words ' * 30}:\n- {'name' * 30}: x\n- other: y", 120)
    assert len(said) == 120
    assert said == f"{('many words ' * 30)[: 120 - LEAST_ITEM - 14]}…: {('name' * 30)[: LEAST_ITEM - 1]}… and 1 more"


@pytest.mark.parametrize("room", range(0, 40, 3))
@pytest.mark.parametrize("reason", [FOREIGN, TABLES, "(((((:\n- )))", ":\n- a"])
def test_no_room_is_no_error(reason: str, room: int) -> None:
    """Names of checks may be as long as a title."""
    assert isinstance(headline(reason, room), str)


def test_the_title_of_a_finding_has_it_within_its_limit() -> None:
    """With criterion, level and outcome before it."""
    [found] = queue([check("fk", 3)], [failed("fk", FOREIGN)])[:1]
    assert found.title == (
        "fk L3 failed: 1 of 3 foreign keys without an index: orders_customer_id_fkey on public.orders (customer_id)"
    )
    [found] = queue([check("tables", 3)], [failed("tables", TABLES.replace("public.t0", "public." + "t" * 300))])[:1]
    assert len(found.title) == TITLE_LIMIT
    assert found.title.startswith("tables L3 failed: 12 of 60 tables are not well: public.tttt")
    assert found.title.endswith("t… and 11 more")

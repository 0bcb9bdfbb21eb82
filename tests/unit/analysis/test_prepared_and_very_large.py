"""How often statements are planned, and what is said of very large tables."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_backend_audit.analysis.prepared import BUSIEST, COUNT, hot, never_planned, reading, uncounted
from pytest_backend_audit.analysis.very_large import Large, doubtful, grouped, names


def row(name: str, calls: int, plans: int) -> SimpleNamespace:
    """A row of pg_stat_statements."""
    return SimpleNamespace(id=name, calls=calls, plans=plans)


def test_the_busiest_is_that_of_the_window() -> None:
    """Not that of all time; one that is new has had no calls before."""
    begun = reading([row("old", 9_000, 9_000), row("list", 100, 10)], {})
    assert begun[BUSIEST] == 0
    now = reading([row("old", 9_001, 9_001), row("list", 140, 12), row("new", 30, 30)], begun)
    assert now[BUSIEST] == 40
    rises = {name: value - begun.get(name, 0) for name, value in now.items()}
    found = hot(rises, 0.25, {"old": "SELECT 1", "list": "SELECT 2", "new": "SELECT 3"})
    assert [(c.id, c.calls, c.plans, c.planned) for c in found] == [("list", 40, 2, 0.05), ("new", 30, 30, 1.0)]
    assert str(found[0]) == "2 plans for 40 calls (5 %): SELECT 2"


def test_plans_have_to_be_counted_for_everybody() -> None:
    """What is set for the audit's own role or session says nothing of the service's."""
    off = f"how often statements are planned is not counted: {COUNT}"
    own = f"plans are counted for the audit's own role or session, others' are not known to be: {COUNT}"
    for source in ("configuration file", "command line", "database"):
        assert uncounted(SimpleNamespace(setting="on", source=source)) == ""
    for source in ("user", "database user", "client", "session"):
        assert uncounted(SimpleNamespace(setting="on", source=source)) == own
    assert [uncounted(None), uncounted(SimpleNamespace(setting="off", source="default"))] == [off, off]


def test_a_server_that_counted_no_plan_at_all_counts_none() -> None:
    """Each statement is planned once at least, prepared or not."""
    assert never_planned([row("list", 100, 0), row("old", 9, 0)]) is True
    assert never_planned([row("list", 100, 0), row("old", 9, 1)]) is False


def table(name: str, rows: int, root: str = "", at_most: int = 0) -> SimpleNamespace:
    """A row of the check of very large tables."""
    root = root or name
    bare = [part.rpartition(".")[2] for part in (name, root)]
    return SimpleNamespace(name=name, bare=bare[0], root=root, root_bare=bare[1], rows=rows, at_most=at_most)


def test_partitions_are_told_under_their_table() -> None:
    """By the largest one, and how many there are above the bound."""
    rows = [table("s.p2", 900, "s.parts"), table("s.p1", 700, "s.parts"), table("s.one", 600), table("s.small", 5)]
    assert [str(large) for large in grouped(rows, 500)] == [
        "s.parts: its partition s.p2 has about 900 rows, as have 1 more of its partitions",
        "s.one: about 600 rows",
    ]
    unknown = doubtful([table("s.new", 0, at_most=4000), table("s.tiny", 0, at_most=200)], 500)
    assert [str(one) for one in unknown] == ["s.new: at most 4000 rows fit into it: ANALYZE s.new;"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("We divide public.orders by month.", True),
        ("We divide `orders` by month.", True),
        ('"orders" by month, as any JSON may say', False),
        ("All orders are divided by month.", False),
        ("shop.public.orders by month", False),
        ("public.orders_old by month", False),
        ("**public.orders.** By month.", True),
    ],
)
def test_a_text_names_a_table_with_its_schema_or_as_code(text: str, told: bool) -> None:
    """The bare word is in every text of a shop."""
    assert names(text, Large("public.orders", "orders", 7)) is told

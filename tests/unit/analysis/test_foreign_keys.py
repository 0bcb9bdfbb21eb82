"""Which index serves a foreign key, beyond what the catalogues of the live tests show."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_backend_audit.analysis.foreign_keys import Index, bare, read, serves


@pytest.mark.parametrize(
    ("index", "served"),
    [
        (Index("i", ("a", "b"), True), True),
        (Index("i", ("b", "a", "c"), True), True),
        (Index("i", ("a", "c", "b"), True), False),
        (Index("i", ("a", None, "b"), True), False),
        (Index("i", ("a",), True), False),
        (Index("i", ("a", "b"), False), False),
        (Index("i", ("a", "b"), True, "gin"), False),
        (Index("i", ("a", "b"), True, predicate="(a IS NOT NULL)"), True),
        (Index("i", ("a", "b"), True, predicate="((b IS NOT NULL) AND (a IS NOT NULL))"), True),
        (Index("i", ("a", "b"), True, predicate="((a IS NOT NULL) OR (b IS NOT NULL))"), False),
        (Index("i", ("a", "b"), True, predicate="((a IS NOT NULL) AND (c IS NOT NULL))"), False),
        (Index("i", ("a", "b"), True, predicate="((a IS NOT NULL) AND (b > 0))"), False),
        (Index("i", ("a", "b"), True, predicate="(a IS NULL)"), False),
        (Index("i", ("b", "a", "c"), True, alike=(True, True, False)), True),
        (Index("i", ("a", "b"), True, alike=(True, False)), False),
        (Index("i", ("a", "b"), True, alike=(None, True)), False),
    ],
)
def test_an_index_serves_columns(index: Index, served: bool) -> None:
    """They lead it in any order, it is usable, and it holds every row that refers to something."""
    assert serves(index, ("a", "b")) is served


@given(st.permutations(["a", "b", "c"]), st.lists(st.sampled_from(["d", "e", None]), max_size=3))
def test_any_order_at_the_head_serves_whatever_follows(head: list[str], tail: list[str | None]) -> None:
    """The check of a foreign key gives all its columns."""
    assert serves(Index("i", (*head, *tail), True), ("a", "b", "c"))


def test_rows_become_keys_with_their_cure() -> None:
    """As the catalogue gives them: indexes as JSON."""
    row = SimpleNamespace(
        constraint="c_fkey",
        table='public."C c"',
        columns=["x", '"Y y"'],
        indexes=[{"name": "i", "columns": ["x"], "usable": True, "method": "btree", "predicate": None}],
        partitioned=False,
        period=False,
    )
    [key] = bare(read([row]))
    assert key.item == 'public."C c".x+"Y y"'
    assert str(key) == ('c_fkey on public."C c" (x, "Y y"): CREATE INDEX CONCURRENTLY ON public."C c" (x, "Y y");')

"""Services of one name in several repositories: neither hides the other."""

from __future__ import annotations

from unit.fleet import fleet_cards

from pytest_backend_audit.fleet.audits import Audit, Reducer
from pytest_backend_audit.fleet.namesakes import apart
from pytest_backend_audit.fleet.summary import below, summarise
from pytest_backend_audit.model import FiledCard


def at(place: str, card: FiledCard) -> Audit:
    """A card that lies there."""
    return Reducer().reduce(card, place)


LOW = fleet_cards.audit("orders", "2026-06-15", 2)
HIGH = fleet_cards.audit("orders", "2026-10-15", 4)


def test_each_is_a_service_of_its_own() -> None:
    """The later audit of one says nothing of the other, and the gate asks both."""
    audits = apart(
        [at("teams/a/audits/orders/2026-06-15.json", LOW), at("teams/b/audits/orders/2026-10-15.json", HIGH)]
    )
    assert [audit.name for audit in audits] == ["orders (a)", "orders (b)"]
    fleet = summarise(audits, fleet_cards.asked())
    assert (fleet.names, [s.service for s in fleet.services]) == (2, ["orders (a)", "orders (b)"])
    assert [s.service for s in below(fleet, "conditional-production")] == ["orders (a)"]


def test_a_copy_is_the_same_service() -> None:
    """As a clone that is behind, which has an audit in common."""
    audits = apart(
        [
            at("a/audits/orders/2026-06-15.json", LOW),
            at("b/audits/orders/2026-06-15.json", LOW),
            at("b/audits/orders/2026-10-15.json", HIGH),
        ]
    )
    assert {audit.name for audit in audits} == {"orders"}


def test_copies_of_two_namesakes() -> None:
    """Whatever the order in which they are found."""
    other = fleet_cards.audit("orders", "2026-07-01", 3)
    places = [
        at("a/audits/orders/1.json", LOW),
        at("b/audits/orders/1.json", other),
        at("c/audits/orders/1.json", LOW),
        at("c/audits/orders/2.json", HIGH),
        at("d/audits/orders/2.json", HIGH),
    ]
    for order in (places, places[::-1]):
        assert sorted({(a.place[0], a.home) for a in apart(order)}) == [("a", "a"), ("b", "b"), ("c", "a"), ("d", "a")]


def test_what_tells_them_apart() -> None:
    """The whole path where its last part is the same; kinds of environments are apart already."""
    same = apart([at("x/api/audits/orders/1.json", LOW), at("y/api/audits/orders/1.json", HIGH)])
    assert [audit.home for audit in same] == ["x/api", "y/api"]
    here = apart([at("audits/orders/1.json", LOW), at("/srv/b/audits/orders/1.json", HIGH)])
    assert [audit.home for audit in here] == [".", "b"]
    stage = fleet_cards.audit("orders", "2026-10-15", 4, kind="stage")
    kinds = apart([at("a/audits/orders/1.json", LOW), at("b/audits/orders/1.json", stage)])
    assert [audit.name for audit in kinds] == ["orders", "orders"]
    both = at("a/audits/orders/2.json", stage)
    every = apart([at("a/audits/orders/1.json", LOW), both, at("b/audits/orders/1.json", HIGH)])
    assert [audit.name for audit in every] == ["orders (a)", "orders (a)", "orders (b)"]
    loose = apart([at("cards/a.json", LOW), at("cards/b.json", HIGH)])
    assert [audit.name for audit in loose] == ["orders", "orders"]

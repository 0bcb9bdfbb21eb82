"""Which audits follow each other: by service and environment, and the merges of several."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.fleet.fleet_cards import asked, audit

from pytest_backend_audit.fleet.audits import Audit, Reducer
from pytest_backend_audit.fleet.histories import histories
from pytest_backend_audit.fleet.places import placed
from pytest_backend_audit.fleet.summary import summarise
from pytest_backend_audit.fleet.table import Look, lines
from pytest_backend_audit.ledger.places import Places

_CARD = audit("orders", "2026-08-01")


def made(day: int, environment: str, kind: str = "prod", place: str = "") -> Audit:
    """An audit of orders in August."""
    card = replace(
        _CARD,
        environment=environment,
        environment_kind=kind,
        instant=f"2026-08-{day:02}T10:00:00Z",
        sources=(f"{day} {environment}",),
    )
    return Reducer().reduce(card, place or f"{day:02}.json")


def rows(*audits: Audit, asked: tuple[str, ...] = ()) -> list[list[str]]:
    """Of each history the audits, by their days and environments."""
    return [[f"{a.at.day} {a.environment}" for a in history] for history in histories(audits, asked)]


def test_two_environments_of_a_kind_are_apart() -> None:
    """A later audit in one says nothing of the other; stage is apart from both."""
    found = rows(made(1, "europe"), made(2, "us"), made(3, "europe"), made(4, "stage", "stage"))
    assert found == [["2 us"], ["1 europe", "3 europe"], ["4 stage"]]


def test_a_merge_follows_the_audits_of_each() -> None:
    """Until each was audited again by itself; a merge of others follows none."""
    one, two, both = made(1, "europe"), made(2, "us"), made(3, "europe, us")
    assert rows(one, two, both) == [["1 europe", "2 us", "3 europe, us"]]
    later, last = made(4, "europe"), made(5, "us")
    assert rows(one, two, both, later) == [["1 europe", "2 us", "3 europe, us"], ["4 europe"]]
    assert rows(one, both, later, last) == [["4 europe"], ["1 europe", "3 europe, us", "5 us"]]
    assert rows(one, made(2, "us, asia")) == [["1 europe"], ["2 us, asia"]]


def test_a_merge_of_two_kinds_is_no_other() -> None:
    """It follows prod and stage, and is followed once both were audited again."""
    prod, stage, both = made(1, "prod"), made(2, "stage", "stage"), made(3, "prod, stage", "prod, stage")
    assert rows(prod, stage, both) == [["1 prod", "2 stage", "3 prod, stage"]]
    later, last = made(4, "stage", "stage"), made(5, "prod")
    assert rows(prod, both, later) == [["1 prod", "3 prod, stage"], ["4 stage"]]
    assert rows(both, later, last) == [["4 stage"], ["3 prod, stage", "5 prod"]]


def test_of_one_environment_the_latest_audit_counts_whatever_else_it_tells() -> None:
    """By a name or by a kind: a merge with it counts, until it was audited again; others don't matter."""
    prod, stage, both = made(1, "prod-eu"), made(2, "stage", "stage"), made(3, "prod-eu, stage", "prod, stage")
    again = made(4, "prod-eu")
    for given_as in (("prod",), ("prod-eu",)):
        there = [a for a in (prod, stage, both) if a.of(given_as)]
        assert rows(*there, asked=given_as) == [["1 prod-eu", "3 prod-eu, stage"]]
        assert rows(*there, again, asked=given_as) == [["1 prod-eu", "3 prod-eu, stage", "4 prod-eu"]]
    assert rows(both, again) == [["3 prod-eu, stage"], ["4 prod-eu"]]


def test_a_merge_is_as_late_in_an_environment_as_its_run_there() -> None:
    """What prod had on the 2nd is later word than a merge of the 5th that has prod's run of the 1st."""
    both = made(5, "prod, stage", "prod, stage")
    here, there = both.places
    both = replace(both, told=(here._replace(at=datetime(2026, 8, 1, tzinfo=UTC)), there))
    assert rows(both, made(2, "prod"), asked=("prod",)) == [["5 prod, stage", "2 prod"]]
    assert rows(both, made(2, "prod"), asked=("stage", "prod")) == [["2 prod"], ["5 prod, stage"]]
    assert rows(both, made(2, "prod"), made(6, "stage", "stage")) == [["2 prod"], ["5 prod, stage", "6 stage"]]


def test_a_merge_comes_after_each_of_its_runs() -> None:
    """One of them was made at the same instant, as a merge has that of its latest run."""
    alone, both = made(3, "prod", place="2026-08-03.json"), made(3, "prod, stage", "prod, stage", "2026-08-03-2.json")
    both = replace(both, sources=("one", "two"))
    assert rows(both, alone) == [["3 prod", "3 prod, stage"]]


def test_an_environment_by_the_name_that_it_goes_by() -> None:
    """One that was renamed is the same."""
    old = made(1, "eu")
    renamed = replace(old, told=placed("eu", "prod", old.at, renamed=Places({"eu": "europe", "europe": "europe"})))
    assert rows(renamed, made(2, "europe"), made(3, "us")) == [["1 eu", "2 europe"], ["3 us"]]


def test_environments_of_one_name_and_two_kinds_are_two() -> None:
    """As two repositories may call theirs."""
    assert rows(made(1, "main"), made(2, "main", "stage")) == [["1 main"], ["2 main"]]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sets(st.sampled_from("abc"), min_size=1), max_size=9), st.randoms(use_true_random=False))
def test_each_audit_counts_once_and_none_is_overtaken(places: list[set[str]], chance: random.Random) -> None:
    """Whatever the order: the latest audit of every environment is some history's latest, and no other is."""
    audits = [made(day, ", ".join(sorted(names))) for day, names in enumerate(places, 1)]
    shuffled = list(audits)
    chance.shuffle(shuffled)
    found = histories(shuffled)
    assert found == histories(audits)
    assert sorted((a for h in found for a in h), key=lambda a: a.at) == audits
    assert all(h == sorted(h, key=lambda a: a.at) for h in found)
    last = {place.name: audit for audit in audits for place in audit.places}
    assert {h[-1].place for h in found} == {audit.place for audit in last.values()}


def test_rows_are_told_apart_by_the_names_of_environments() -> None:
    """Where a service has several of a kind; all dimensions fit 80 columns, and beside a long name its two ends do."""
    audits = [made(1, "prod-eu-west-1"), made(2, "prod-eu-west-2"), made(3, "stage", "stage")]
    fleet = summarise(audits, asked())
    assert [(s.kind, s.called) for s in fleet.services] == [
        ("prod", "prod-eu-west-1"),
        ("prod", "prod-eu-west-2"),
        ("stage", "stage"),
    ]
    printed = list(lines(fleet, Look()))
    start = next(n for n, line in enumerate(printed) if line.startswith("Worst first"))
    assert printed[start : start + 4] == [
        "Worst first  Env            Audited    Total +/- 4.1 4.2 4.3 4.4 4.5 4.6 4.7 4.8",
        "orders       prod-eu-west-1 2026-08-01 16/40     2   2   2   2   2   2   2   2",
        "orders       prod-eu-west-2 2026-08-02 16/40     2   2   2   2   2   2   2   2",
        "orders       stage          2026-08-03 16/40     2   2   2   2   2   2   2   2",
    ]
    long = summarise([replace(audit, service="orders-of-the-shop") for audit in audits], asked())
    assert [line for line in lines(long, Look()) if line.startswith("orders-of-the")] == [
        "orders-of-the-… prod…west-1 2026-08-01 16/40     2   2   2   2   2   2   2   2",
        "orders-of-the-… prod…west-2 2026-08-02 16/40     2   2   2   2   2   2   2   2",
        "orders-of-the-… stage       2026-08-03 16/40     2   2   2   2   2   2   2   2",
    ]
    named = ["orders (prod-eu-west-1)", "orders (prod-eu-west-2)", "orders (stage)"]
    assert [line for line in printed if line.startswith("2026-09-30")] == [
        f"2026-09-30     60 d  {name.ljust(28)}  Audit again" for name in named
    ]

"""``backend-audit verify audits/SERVICE``: whether what was filed is as it was filed. Real runs and repositories."""

from __future__ import annotations

import json

import pytest

from plugin._filing import audited, command, good, made, today

CHANGED = "changed since it was filed, by the ledger beside it; restore it from git"


@pytest.fixture
def orders(project):
    """A repository in which two audits were filed."""
    orders = made(project)
    for _ in range(2):
        audited(orders)
        good(orders, "file")
        orders.commit()
    return orders


def problems(orders) -> list[str]:
    """What verify finds; it is altered, as its exit status says, if there is something."""
    done = command(orders, "verify", "audits/orders", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["state"], told["audits"]) == (
        (1, "altered", 2) if told["problems"] else (0, "as filed", 2)
    )
    return told["problems"]


def test_what_is_as_it_was_filed(orders) -> None:
    """Also by one of its cards, and where a formatter laid out the JSON anew."""
    assert good(orders, "verify", "audits/orders") == "audits/orders: as filed; 2 audits were filed\n"
    card = orders.path / "audits" / "orders" / f"{today(orders)}.json"
    card.write_text(json.dumps(json.loads(card.read_text()), indent=4))
    assert problems(orders) == []
    assert good(orders, "verify", f"audits/orders/{today(orders)}.md") == (
        "audits/orders: as filed; 2 audits were filed\n"
    )


def test_what_is_not(orders) -> None:
    """Each by its name: a word in a card, a card that is gone, one that is put there, two that changed places."""
    folder, day = orders.path / "audits" / "orders", today(orders)
    first, second = folder / f"{day}.md", folder / f"{day}-2.md"
    text = first.read_text()
    first.write_text(text.replace("Not production-grade", "Production-ready"))
    assert problems(orders) == [f"{day}.md: {CHANGED}"]
    done = command(orders, "verify", "audits/orders")
    assert done.stdout == f"audits/orders: altered; 2 audits were filed\n  {day}.md: {CHANGED}\n"
    first.write_text(second.read_text())
    second.unlink()
    (folder / f"{day}.json").rename(folder / "2020-01-01.json")
    assert problems(orders) == [
        f"{day}.json: not there, and the ledger says that it was filed; restore it from git",
        f"{day}.md: {CHANGED}",
        f"{day}-2.md: not there, and the ledger says that it was filed; restore it from git",
        "the ledger does not know 2020-01-01.json: a filing was cut short, or a line is lost; take the card away, or "
        "restore the line from git",
    ]


def test_a_ledger_that_can_not_be_read(orders) -> None:
    """One message, with its line."""
    ledger = orders.path / "audits" / "orders" / "ledger.jsonl"
    ledger.write_text("<<<<<<< HEAD\n" + ledger.read_text())
    done = command(orders, "verify", "audits/orders")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "backend-audit: audits/orders/ledger.jsonl: a merge left its conflict marks in line 1. "
    )

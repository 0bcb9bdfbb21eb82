"""``backend-audit verify audits/SERVICE``: whether what was filed is as it was filed. Real runs and repositories."""

from __future__ import annotations

import json

import pytest

from plugin._filing import audited, command, good, made, today

CHANGED = "changed since it was filed, by the ledger beside it; restore it from git"
MARKED = (
    "a merge left its conflict marks in it: two branches filed an audit by this name. Take one of the two (git "
    "checkout --ours, or --theirs), and the other under a free name"
)


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


def test_a_card_with_the_marks_of_a_conflict(orders) -> None:
    """It is said to be that, with the way out; as JSON and as Markdown."""
    folder, day = orders.path / "audits" / "orders", today(orders)
    for name in (f"{day}.json", f"{day}.md"):
        text = (folder / name).read_text()
        (folder / name).write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> two\n")
    assert problems(orders) == [f"{day}.json: {MARKED}", f"{day}.md: {MARKED}"]


def test_cards_whose_ledger_is_missing(orders) -> None:
    """By their folder or by one of them: it is no run folder that is looked for."""
    folder, day = orders.path / "audits" / "orders", today(orders)
    (folder / "ledger.jsonl").unlink()
    said = (
        f"backend-audit: audits/orders: {day}-2.json and 1 more are there, and no ledger.jsonl, which has the numbers "
        "of their findings; restore it from git, or take away what a filing that was cut short has left\n"
    )
    for asked in ("audits/orders", f"audits/orders/{day}.json"):
        done = command(orders, "verify", asked)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_the_folder_of_all_services(orders) -> None:
    """Those of the services are suggested."""
    done = command(orders, "verify", "audits")
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "backend-audit: audits: not a run folder, nor one service's filed audits; did you mean audits/orders?\n",
    )


def test_a_run_that_was_filed_again_is_one_audit(orders) -> None:
    """By another name, as once it was signed, or after its card was lost."""
    ledger = orders.path / "audits" / "orders" / "ledger.jsonl"
    day = today(orders)
    first = json.loads(ledger.read_text().splitlines()[0])
    for suffix in ("json", "md"):
        text = (orders.path / "audits" / "orders" / f"{day}.{suffix}").read_text()
        (orders.path / "audits" / "orders" / f"{day}-3.{suffix}").write_text(text)
    ledger.write_text(ledger.read_text() + json.dumps({**first, "file": f"{day}-3", "lines": 0}) + "\n")
    assert good(orders, "verify", "audits/orders") == "audits/orders: as filed; 2 audits were filed\n"


def test_lines_that_stand_there_twice(orders) -> None:
    """Both sides of a conflict, kept whole: each audit counts once, and no line is said to be missing."""
    ledger = orders.path / "audits" / "orders" / "ledger.jsonl"
    text = ledger.read_text()
    ledger.write_text(text + text)
    assert problems(orders) == []
    lines = text.splitlines(keepends=True)
    ledger.write_text(lines[0] + text)
    assert json.loads(lines[0])["type"] == "filed"
    assert good(orders, "verify", "audits/orders") == "audits/orders: as filed; 2 audits were filed\n"
    # The one that is lost is missed all the same, however often the others stand there.
    ledger.write_text(2 * (lines[0] + "".join(lines[2:])))
    done = command(orders, "verify", "audits/orders")
    assert (done.returncode, "; restore what is missing from git" in done.stderr) == (1, True), done.stdout

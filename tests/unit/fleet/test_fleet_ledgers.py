"""Findings of a fleet, as the ledgers beside its cards have them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.fleet.fleet_cards import DAY, asked, audit
from unit.ledger.ledgers import BARE, SLOW, assigned, at, closed, disputed, filed, found, gone, resolved

from pytest_backend_audit import filed as cards
from pytest_backend_audit.cli import main
from pytest_backend_audit.fleet import ledgers
from pytest_backend_audit.fleet.audits import Audit, Debt, Unread
from pytest_backend_audit.fleet.events import UnknownError, folded
from pytest_backend_audit.fleet.reading import collect
from pytest_backend_audit.fleet.summary import summarise
from pytest_backend_audit.ledger import Status
from pytest_backend_audit.ledger.errors import LedgerError
from pytest_backend_audit.ledger.events import Event, Found, encode
from pytest_backend_audit.ledger.folding import fold
from pytest_backend_audit.model import FiledFinding, Severity

HEAD = "ab" * 32
OPENED = (found("F-0001", BARE, environment="prod-eu"), found("F-0002", SLOW, environment="prod-eu"))
FILED = filed(heads=(HEAD,))


def service(top: Path, events: Iterable[Event] = (), name: str = "orders") -> Path:
    """A card with two findings of high severity that were due in September, and a ledger of these events beside it."""
    debts = tuple(
        FiledFinding(f"F-{n:04}", mark, "4.1", "bare", "a::test_a", Severity.HIGH, "bare", "2026-09-30")
        for n, mark in enumerate((BARE, SLOW), 1)
    )
    folder = top / "audits" / name
    folder.mkdir(parents=True)
    (folder / "2026-08-31.json").write_text(
        cards.text(replace(audit(name, "2026-08-31", head=HEAD), findings=debts)), "utf-8"
    )
    if lines := "".join(f"{encode(event)}\n" for event in events):
        (folder / "ledger.jsonl").write_text(lines, "utf-8")
    return folder


def told(top: Path, as_of: date = DAY) -> list[Audit]:
    """The audits that a ledger knows."""
    known, unread = ledgers.told(collect([str(top)]).audits, as_of)
    assert unread == ()
    return list(known.values())


def test_what_was_closed_is_closed(tmp_path: Path) -> None:
    """One is closed; the other has the date that it was given, and what another environment has open is not here."""
    elsewhere = found("F-0003", "cc" * 32, environment="stage-eu")
    events = (FILED, *OPENED, elsewhere, closed("F-0001", environment="prod-eu"), assigned(SLOW, due="2026-12-24"))
    service(tmp_path, events)
    [one] = told(tmp_path)
    assert (one.tracked, one.findings) == (True, (Debt("4.1", Severity.HIGH, date(2026, 12, 24)),))


def test_a_day_in_the_past_has_the_ledger_of_that_day(tmp_path: Path) -> None:
    """What was closed later was open then."""
    late = replace(closed("F-0001", environment="prod-eu"), at="2026-10-15T10:00:00.000Z")
    service(tmp_path, (FILED, *OPENED, late))
    assert [len(one.findings) for one in told(tmp_path)] == [1]
    assert [len(one.findings) for one in told(tmp_path, date(2026, 10, 14))] == [2]
    assert told(tmp_path, date(2026, 8, 30)) == []


def test_an_environment_by_its_other_name(tmp_path: Path) -> None:
    """What was found by the name before is open in it."""
    late = replace(FILED, file="2026-09-30", heads=("cd" * 32,), environment="europe", formerly={"europe": "prod-eu"})
    service(tmp_path, (FILED, *OPENED, late, closed("F-0001", environment="europe")))
    assert [len(one.findings) for one in told(tmp_path)] == [1]


def test_an_environment_that_was_renamed_is_one(tmp_path: Path) -> None:
    """By the ledgers of all clones, as that of a card may be behind; another of its kind is another."""
    service(tmp_path / "a", (FILED, *OPENED))
    folder = service(tmp_path / "b", (FILED, *OPENED, replace(FILED, environment="eu", formerly={"eu": "prod-eu"})))
    for name, environment in (("2026-09-30", "eu"), ("2026-10-30", "us")):
        card = replace(audit("orders", name, head=name), environment=environment)
        (folder / f"{name}.json").write_text(cards.text(card), "utf-8")
    audits = collect([str(tmp_path)]).audits
    named = ledgers.by_their_names(audits)
    assert [(a.environment, [place.name for place in a.places]) for a in named] == [
        ("prod-eu", ["eu"]),
        ("prod-eu", ["eu"]),
        ("eu", ["eu"]),
        ("us", ["us"]),
    ]
    rows = summarise(named, asked()).services
    assert [(s.called, str(s.before or "")) for s in rows] == [("eu", "2026-08-31"), ("us", "")]
    (folder / "ledger.jsonl").unlink()
    (folder / "ledger.jsonl").mkdir()
    assert ledgers.by_their_names(audits) == list(audits), "the note about that ledger says why"


@pytest.mark.parametrize("line", ['{"type": "filed", "formerly": 1}', '{"formerly": {"eu": "prod-eu"}', '["formerly"]'])
def test_a_renaming_that_nobody_wrote_is_none(tmp_path: Path, line: str) -> None:
    """Two rows are better than a wrong one."""
    folder = service(tmp_path, (FILED,))
    (folder / "2026-09-30.json").write_text(
        cards.text(replace(audit("orders", "2026-09-30"), environment="eu")), "utf-8"
    )
    with (folder / "ledger.jsonl").open("a", encoding="utf-8") as ledger:
        ledger.write(f"{line}\n")
    audits = collect([str(tmp_path)]).audits
    assert ledgers.by_their_names(audits) == list(audits)


def test_a_ledger_that_does_not_know_the_card_says_nothing(tmp_path: Path) -> None:
    """It is that of another audit, or there is none: nothing of it was closed."""
    service(tmp_path, (replace(FILED, heads=("cd" * 32,)), *OPENED))
    service(tmp_path, (), "bills")
    assert told(tmp_path) == []


def test_the_command_says_how_it_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By ledgers, as filed, or some of both; the page says the same."""
    page = tmp_path / "fleet.html"
    asked = ("fleet", str(tmp_path / "one"), "--as-of", "2026-11-29", "-o", str(page))
    later = assigned(SLOW, due="2026-10-01")
    folder = service(tmp_path / "one", (FILED, *OPENED, closed("F-0001", environment="prod-eu"), later))
    assert main([*asked]) == 0
    out = capsys.readouterr().out
    assert "Findings past their date: 1 high in 1 service\n(by the ledgers, less what was closed since)\n" in out
    assert "(by the ledgers, less what was closed since)" in page.read_text("utf-8")
    service(tmp_path / "one", (), "bills")
    assert main([*asked]) == 0
    out = capsys.readouterr().out
    assert "Findings past their date: 3 high in 2 services\n" in out
    assert "(by the ledgers, less what was closed since; as filed for 1 service)\n" in out
    ledger = folder / "ledger.jsonl"
    ledger.write_text("<<<<<<< HEAD\n" + ledger.read_text())
    assert main([*asked]) == 0
    done = capsys.readouterr()
    assert "Findings past their date: 4 high in 2 services\n(as filed: a card does not know" in done.out
    assert done.err.startswith(f"note: {folder}/ledger.jsonl: a merge left its conflict marks in line 1.")
    assert done.err.endswith("; its findings are counted as filed\n")


@pytest.mark.parametrize("emptied", [True, False], ids=["emptied", "taken away"])
def test_cards_that_are_held_to_no_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str], *, emptied: bool) -> None:
    """An emptied ledger vouches for none of them; where there is none, it is said that nobody can tell."""
    service(tmp_path, (FILED, *OPENED))
    folder = service(tmp_path, (FILED, *OPENED), "bills")
    ledger = folder / "ledger.jsonl"
    ledger.write_text("") if emptied else ledger.unlink()
    page = tmp_path / "fleet.html"
    assert main(["fleet", str(tmp_path), "--as-of", "2026-11-29", "-o", str(page)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    card = next(folder.glob("*.json"))
    lost = f"Can't be read: 1 file {card} no line of the ledger beside it tells of a filing; restore it from git"
    unheld = "Held to no ledger: 1 card in folders where no ledger lies: one that was changed counts as it is"
    assert ((lost in out), (unheld in out)) == (emptied, not emptied)
    assert ("held to no ledger" in page.read_text("utf-8")) is not emptied
    asked = ["fleet", str(tmp_path), "--as-of", "2026-11-29", "--min", "significant-technical-debt"]
    assert main(asked) == (1 if emptied else 0)
    assert main(["trend", str(folder)]) == (2 if emptied else 0)
    if emptied:
        assert capsys.readouterr().err.endswith(
            f"{ledger}: no line of it tells of a filing, and 1 card is there; restore it from git\n"
        )


CHANGED = "changed since it was filed, by the ledger beside it; restore it from git"
STRANGE = "the ledger beside it does not know it; take it away, or restore its line from git"


def filed_twice(top: Path) -> tuple[Path, Path]:
    """Two cards of a service, and a ledger that has the digest of each."""
    late = service(top) / "2026-08-31.json"
    early = late.with_name("2026-07-31.json")
    early.write_text(cards.text(audit("orders", "2026-07-31", head="cd" * 32)), "utf-8")
    lines = [
        replace(
            FILED,
            file=card.stem,
            heads=(head,),
            card=cards.digest(card.read_bytes()),
            content=cards.content_digest(card.read_bytes()),
        )
        for card, head in ((early, "cd" * 32), (late, HEAD))
    ]
    (late.parent / "ledger.jsonl").write_text("".join(f"{encode(line)}\n" for line in lines), "utf-8")
    return early, late


def better(card: Path) -> str:
    """The card, edited for the better."""
    text = card.read_text("utf-8")
    assert '"total": 16' in text
    return text.replace('"total": 16', '"total": 39')


def test_a_card_that_is_not_what_was_filed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It can't be read: the audit before it is the latest, and no minimum passes."""
    early, late = filed_twice(tmp_path)
    asked = ("fleet", str(tmp_path), "--as-of", "2026-11-29", "--json", "--min", "significant-technical-debt")
    assert main([*asked]) == 0
    assert json.loads(capsys.readouterr().out)["services"][0]["date"] == "2026-08-31"
    edited = better(late)
    late.write_text(json.dumps(json.loads(late.read_text("utf-8"))), "utf-8")
    assert main([*asked]) == 0  # another layout of the same
    capsys.readouterr()
    late.write_text(edited, "utf-8")
    assert main([*asked]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["services"][0]["date"] == "2026-07-31"
    assert told["unread"] == [{"place": str(late), "reason": CHANGED}]
    early.write_text(better(early), "utf-8")
    assert main([*asked]) == 2
    assert capsys.readouterr().err == (
        f"backend-audit: none of the filed cards can be read; the first is {early}: {CHANGED}\n"
    )


def test_a_card_that_the_ledger_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A copy by another name counts for nothing, signed or not; a ledger of an older version refuses none."""
    early, late = filed_twice(tmp_path)
    late.with_name("2026-08-31-2.json").write_text(better(late), "utf-8")
    assert main(["fleet", str(tmp_path), "--as-of", "2026-11-29", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["unread"] == [{"place": str(late.with_name("2026-08-31-2.json")), "reason": STRANGE}]
    assert (told["services"][0]["total"], told["at_odds"]) == (16, [])
    (early.parent / "ledger.jsonl").write_text(f"{encode(FILED)}\n{{\n", "utf-8")
    assert ledgers.refused(collect([str(tmp_path)]).audits) == []


def test_a_card_that_is_not_there(tmp_path: Path) -> None:
    """Taking it away does not make the one before it the latest without a word."""
    _, late = filed_twice(tmp_path)
    late.unlink()
    (lost,) = ledgers.refused(collect([str(tmp_path)]).audits)
    assert (lost.place, lost.reason) == (
        str(late),
        "the ledger tells of it, and it is not there; restore it from git",
    )


def test_a_card_of_two_branches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The one that lies there counts, and the audit that lost its card to it is listed, with all of the reason."""
    _, late = filed_twice(tmp_path)
    ledger = late.with_name("ledger.jsonl")
    lines = ledger.read_text("utf-8")
    ledger.write_text(f"{lines}{encode(replace(FILED, heads=('ef' * 32,), card='00' * 32))}\n", "utf-8")
    [lost] = ledgers.refused(collect([str(tmp_path)]).audits)
    assert (lost.place, lost.reason.partition(";")[0]) == (
        str(ledger),
        "the ledger tells of the audit in prod at 1a2b3c4 (2026-08-31T10:00Z), and it is not there: 2026-08-31.json is "
        "the card of the audit in prod at 1a2b3c4 (2026-08-31T10:00Z)",
    )
    assert main(["fleet", str(tmp_path), "--as-of", "2026-11-29", "--min", "significant-technical-debt"]) == 1
    out = capsys.readouterr().out
    assert "orders               prod   2026-08-31" in out
    assert lost.reason in " ".join(out.split())
    assert main(["fleet", str(tmp_path), "--as-of", "2026-11-29", "--environment", "canary"]) == 2
    assert capsys.readouterr().err.endswith(f"; 1 can't be read, the first is {lost.place}: {lost.reason}\n")
    # Restored beside it, it is not lost to whoever asks for the other one alone.
    other = cards.text(replace(audit("orders", "2026-08-31"), sources=("ef" * 32,)))
    late.with_name("2026-08-31-2.json").write_text(other, "utf-8")
    assert ledgers.refused(collect([str(late)]).audits) == []
    late.with_name("2026-08-31-2.json").unlink()
    # Held to its own line, and to no other of that name.
    late.write_text(better(late), "utf-8")
    forged = encode(replace(FILED, heads=("ef" * 32,), card=cards.digest(late.read_bytes())))
    ledger.write_text(f"{lines}{forged}\n", "utf-8")
    assert Unread(str(late), CHANGED) in ledgers.refused(collect([str(tmp_path)]).audits)


MARKS = (BARE, SLOW)
KINDS = ("opened", "seen", "unchanged", "gone", "answered", "closed", "assigned", "disputed", "resolved", "said")


def _event(
    kind: str, mark: str, place: str, due: str, *, severity: Severity, file: str, upheld: bool, minute: int
) -> Event:
    number = f"F-000{MARKS.index(mark) + 1}"
    made: dict[str, Event] = {
        "opened": found(number, mark, environment=place, due=due, minute=minute),
        "seen": found(number, mark, how="seen", environment=place, due=due, minute=minute),
        "unchanged": replace(found(number, mark, how="seen", environment=place, told=False), file="2026-09-30"),
        "gone": replace(gone(number, mark, environment=place), instant=at(minute)),
        "answered": replace(gone(number, mark, environment=place), instant=at(minute), elsewhere={"stage": ()}),
        "closed": closed(number, mark, environment=place, minute=minute),
        "assigned": assigned(mark, due=due),
        "disputed": disputed(number, mark),
        "resolved": resolved(upheld=upheld, number=number, fingerprint=mark, minute=minute),
        "said": replace(resolved(upheld=upheld, number=number, fingerprint=mark, minute=minute), environment=place),
    }
    event = made[kind]
    if isinstance(event, Found) and event.finding is not None:
        return replace(event, finding=replace(event.finding, severity=severity), file=file)
    return event


EVENTS = st.builds(
    _event,
    st.sampled_from(KINDS),
    st.sampled_from(MARKS),
    st.sampled_from(("prod", "stage", "prod, stage")),
    st.sampled_from(("", "2026-10-01", "2026-12-01")),
    severity=st.sampled_from((Severity.HIGH, Severity.LOW)),
    file=st.sampled_from(("2026-08-31", "2026-09-30")),
    upheld=st.booleans(),
    minute=st.sampled_from((0, 3, 9)),
)


@settings(max_examples=500)
@given(first=st.lists(st.sampled_from(MARKS), unique=True), events=st.lists(EVENTS, max_size=12))
def test_it_tells_what_the_ledger_s_own_reader_tells(first: list[str], events: list[Event]) -> None:
    """Of any ledger that it knows; what the other refuses is not known here either, nor what two branches brought."""
    begun: list[Event] = [filed(3), filed(6, "2026-09-30", instants={"stage": at(9)})]
    begun += [found(f"F-000{MARKS.index(mark) + 1}", mark, environment="prod") for mark in first]
    events = [*begun, *events]
    raw = "".join(f"{encode(event)}\n" for event in events).encode()
    try:
        state = fold(enumerate(events, 1))
    except LedgerError:
        with pytest.raises(UnknownError):
            folded(raw, "2026-12-31")
        return
    try:
        quick = folded(raw, "2026-12-31").findings
    except UnknownError:
        return  # what two branches brought, or what is graver in one environment than in another
    assert {mark: (e.where, e.due, e.dimension, e.severity) for mark, e in quick.items() if e.where} == {
        t.fingerprint: (set(t.where), t.due, t.finding.dimension, t.finding.severity)
        for t in state.findings
        if t.status.is_open
    }
    assert list(quick) == [t.fingerprint for t in state.findings]


def test_a_card_of_two_branches_is_left_to_the_ledger_s_own_reader(tmp_path: Path) -> None:
    """Also once the lost one was filed again: what is open is what that one tells."""
    other = replace(FILED, heads=("cd" * 32,), environment="stage-eu")
    again = replace(other, file="2026-08-31-2")
    opened = found("F-0001", environment="stage-eu")
    events = [FILED, *OPENED, other, opened, again, closed("F-0001", environment="prod-eu", minute=9)]
    raw = "".join(f"{encode(event)}\n" for event in events).encode()
    with pytest.raises(UnknownError):
        folded(raw, "2026-12-31")
    service(tmp_path, events)
    [one] = told(tmp_path)
    assert one.findings == (Debt("4.1", Severity.HIGH, date(2026, 11, 30)),)


def test_a_shard_s_run_is_the_time_of_what_it_found() -> None:
    """Not the environment's latest one, which is that of another shard: what went between them has gone."""
    mended = [filed(30, "2026-09-30"), gone("F-0001", minute=30)]
    seen = replace(found("F-0001", minute=20, how="seen"), file="2026-08-31-3", instant=at(20))
    events = [filed(), found("F-0001"), *mended, filed(40, "2026-08-31-3"), seen]
    assert [t.status for t in fold(enumerate(events, 1)).findings] == [Status.GONE]
    with pytest.raises(UnknownError):
        folded("".join(f"{encode(event)}\n" for event in events).encode(), "2026-12-31")


def test_an_ordinary_ledger_is_known() -> None:
    """It is not left to the reader that takes five times as long."""
    events = [
        filed(),
        found("F-0001", environment="prod, stage", due="2026-10-01"),
        assigned(owner="Lin", due="2026-12-01", minute=1),
        filed(3, "2026-09-30"),
        replace(found("F-0001", minute=3, how="seen", told=False), file="2026-09-30"),
        replace(gone("F-0001", environment="stage"), instant=at(3)),
        disputed(minute=4),
        resolved(upheld=False, minute=5),
    ]
    raw = "".join(f"{encode(event)}\n" for event in events).encode()
    (entry,) = folded(raw, "2026-12-31").findings.values()
    assert (entry.where, entry.due, entry.severity) == ({"prod"}, "2026-12-01", Severity.HIGH)


@pytest.mark.parametrize(
    "change",
    [{"due": 5}, {"due": None}, {"severity": "dire"}, {"dimension": ["4.1"]}],
    ids=["a number", "nothing", "no severity", "a list"],
)
def test_a_line_that_nobody_writes_is_named(change: dict[str, object], tmp_path: Path) -> None:
    """By the ledger's own reader; findings are then as they were filed."""
    data = json.loads(encode(OPENED[0]))
    data["finding"] |= change
    path = service(tmp_path, (FILED,)) / "ledger.jsonl"
    path.write_text(path.read_text() + json.dumps(data) + "\n")
    known, [unread] = ledgers.told(collect([str(tmp_path)]).audits, DAY)
    assert (known, unread.place) == ({}, str(path))
    assert unread.reason.startswith(f"opened: finding.{next(iter(change))}: ") or "line 2: opened: " in unread.reason


@pytest.mark.parametrize("odd", ["a link", "a pipe", "huge"])
def test_what_is_no_plain_ledger_is_not_read(odd: str, tmp_path: Path) -> None:
    """Nobody waits for a pipe, and no link leads elsewhere."""
    path = service(tmp_path / "one") / "ledger.jsonl"
    if odd == "a link":
        (tmp_path / "other").write_text(encode(FILED))
        path.symlink_to(tmp_path / "other")
    elif odd == "a pipe":
        os.mkfifo(path)
    else:
        path.touch()
        os.truncate(path, ledgers.LIMIT + 1)
    known, [unread] = ledgers.told(collect([str(tmp_path / "one")]).audits, DAY)
    why = f"larger than what is read of a ledger ({ledgers.LIMIT} bytes)"
    assert (known, unread.place) == ({}, str(path))
    [refused] = ledgers.refused(collect([str(tmp_path / "one")]).audits)
    assert refused.reason == f"the ledger beside it: {unread.reason}"
    assert unread.reason == (why if odd == "huge" else "no plain file; links below a folder are not followed")

"""``backend-audit trend``: whose audits, and what it says of those that can't be read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from unit.ledger.ledgers import filed as filing
from unit.reports.test_trend import AUDITS, SAID

from pytest_backend_audit import filed
from pytest_backend_audit.cli import main
from pytest_backend_audit.ledger.events import encode


@pytest.fixture
def audits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Filed audits of one service, in a folder below which we are."""
    folder = tmp_path / "audits" / "order%20desk"
    folder.mkdir(parents=True)
    for audit in AUDITS:
        (folder / f"{audit.name}.json").write_text(filed.text(audit.card), "utf-8")
        (folder / f"{audit.name}.md").write_text("# a card\n")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize("named", [[], ["order desk"], ["audits/order%20desk"]], ids=["only one", "service", "folder"])
def test_whose_audits(named: list[str], audits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The only service there is, one by its name, or a folder of cards."""
    assert main(["trend", *named]) == 0
    assert capsys.readouterr() == (f"{SAID}\n", "")


def test_one_environment_and_json(audits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its name; one that no audit has is said to be none."""
    assert main(["trend", "--environment", "stage", "--json"]) == 0
    assert [t["name"] for t in json.loads(capsys.readouterr().out)] == ["2026-07-01"]
    assert main(["trend", "--environment", "canary"]) == 2
    assert (
        capsys.readouterr().err
        == "backend-audit: audits/order%20desk has no audit of the environment 'canary'; it has audits of prod, stage\n"
    )


@pytest.mark.parametrize("by_ledger", [True, False])
def test_an_environment_that_got_another_name(
    by_ledger: bool, audits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By either name all of its audits are shown; the ledger tells of it, else the cards do."""
    late = replace(AUDITS[3].card, environment="staging", instant="2026-09-01T10:00:00Z", formerly={"staging": "stage"})
    (audits / "2026-09-01.json").write_text(filed.text(late), "utf-8")
    names = sorted(path.stem for path in audits.glob("*.json"))
    lines = [filing(file=n, service="order desk", heads=(f"{i:02}" * 32,)) for i, n in enumerate(names)]
    lines[-1] = replace(lines[-1], formerly={"staging": "stage"})
    if by_ledger:
        (audits / "ledger.jsonl").write_text("".join(f"{encode(line)}\n" for line in lines), "utf-8")
    for name in ("staging", "stage"):
        assert main(["trend", "--environment", name, "--json"]) == 0
        assert [t["name"] for t in json.loads(capsys.readouterr().out)] == ["2026-07-01", "2026-09-01"]
    assert main(["trend", "--environment", "staging"]) == 0
    assert capsys.readouterr().out.startswith("orders in staging: 2 audits, 2026-07-01 to 2026-09-01\n")
    assert main(["trend", "--environment", "canary"]) == 2
    assert capsys.readouterr().err.endswith("; it has audits of prod, staging\n")


@pytest.mark.parametrize("by_ledger", [True, False])
def test_a_run_that_was_filed_again_signed_is_one_audit(
    by_ledger: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The signed card counts, in whatever order the runs of a merge stand in it, as it does in a fleet."""
    folder = tmp_path / "audits" / "orders"
    folder.mkdir(parents=True)
    heads = ("ab" * 32, "cd" * 32)
    unsigned = replace(AUDITS[0].card, sources=heads)
    signed = replace(unsigned, second_reviewer="Grace", total=17, sources=heads[::-1])
    other = replace(AUDITS[1].card, sources=("ef" * 32,))
    cards = {"2026-08-31": unsigned, "2026-08-31-2": signed, "2026-03-01": other}
    for name, card in cards.items():
        (folder / f"{name}.json").write_text(filed.text(card), "utf-8")
    lines = [
        filing(file=name, heads=card.sources, instant=card.instant, second_reviewer=card.second_reviewer)
        for name, card in cards.items()
    ]
    if by_ledger:
        (folder / "ledger.jsonl").write_text("".join(f"{encode(line)}\n" for line in lines), "utf-8")
    assert main(["trend", str(folder), "--json"]) == 0
    assert [(t["name"], t["second_reviewer"]) for t in json.loads(capsys.readouterr().out)] == [
        ("2026-03-01", ""),
        ("2026-08-31-2", "Grace"),
    ]
    assert main(["trend", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("orders in prod: 2 audits, 2026-03-01 to 2026-08-31\n")
    assert main(["fleet", str(folder), "--json", "--as-of", "2026-11-29"]) == 0
    fleet = json.loads(capsys.readouterr().out)
    assert (fleet["counts"]["audits"], fleet["counts"]["twice"]) == (2, 1)
    assert [(s["place"], s["signed"]) for s in fleet["services"]] == [(str(folder / "2026-08-31-2.json"), True)]


def test_a_merge_is_shown_for_each_of_its_environments(audits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By name and by kind, as a part of its own."""
    both = replace(
        AUDITS[3].card, environment="eu, lab", environment_kind="prod, stage", instant="2026-09-01T10:00:00Z"
    )
    (audits / "2026-09-01.json").write_text(filed.text(both), "utf-8")
    for asked, names in (
        ("eu", ["2026-09-01"]),
        ("lab", ["2026-09-01"]),
        ("eu, lab", ["2026-09-01"]),
        ("prod", ["2026-09-01", "2026-03-01", "2026-06-01", "2026-08-31"]),
        ("stage", ["2026-09-01", "2026-07-01"]),
    ):
        assert main(["trend", "--environment", asked, "--json"]) == 0
        assert [t["name"] for t in json.loads(capsys.readouterr().out)] == names
    assert main(["trend", "--environment", "stage"]) == 0
    heads = [line for line in capsys.readouterr().out.splitlines() if line.startswith("orders in ")]
    assert heads == ["orders in eu and lab: 1 audit, 2026-09-01", "orders in stage: 1 audit, 2026-07-01"]


def test_several_services(audits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One has to be named."""
    (audits.parent / "billing").mkdir()
    (audits.parent / "billing" / "2026-08-31.json").touch()
    assert main(["trend"]) == 2
    assert "has the audits of several services; name one: billing, order desk\n" in capsys.readouterr().err
    assert main(["trend", "bilings"]) == 2
    assert "bilings: neither a folder nor a service with filed audits; in " in capsys.readouterr().err


def test_no_audits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said who writes them."""
    monkeypatch.chdir(tmp_path)
    assert main(["trend"]) == 2
    assert capsys.readouterr().err == "backend-audit: no audit was filed in audits; `backend-audit file RUN` does\n"
    Path("empty").mkdir()
    assert main(["trend", "empty"]) == 2
    assert capsys.readouterr().err == (
        "backend-audit: empty: holds no filed card; `backend-audit file RUN` writes them\n"
    )


def test_a_card_with_conflict_marks(audits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names it; a trend with a hole would be another one."""
    (audits / "2026-03-01.json").write_text("<<<<<<< HEAD\n")
    assert main(["trend"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        err
        == "backend-audit: audits/order%20desk/2026-03-01.json: a merge left its conflict marks in it: two branches "
        "filed an audit by this name. Take one of the two (git checkout --ours, or --theirs), and the other under a "
        "free name\n"
    )


def test_cards_are_held_to_the_ledger(audits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that was changed, or that nobody filed, makes no trend."""
    paths = sorted(audits.glob("*.json"))
    lines = [
        filing(file=p.stem, service="order desk", heads=(f"{n:02}" * 32,), card=filed.digest(p.read_bytes()))
        for n, p in enumerate(paths)
    ]
    (audits / "ledger.jsonl").write_text("".join(f"{encode(line)}\n" for line in lines), "utf-8")
    assert main(["trend"]) == 0
    assert capsys.readouterr() == (f"{SAID}\n", "")
    whole = paths[0].read_text("utf-8")
    paths[0].write_text(whole.replace('"would_be": 2', '"would_be": 5'), "utf-8")
    assert paths[0].read_text("utf-8") != whole
    assert main(["trend"]) == 2
    changed = "changed since it was filed, by the ledger beside it; restore it from git"
    name = "audits/order%20desk"
    assert capsys.readouterr().err == f"backend-audit: {name}/{paths[0].name}: {changed}\n"
    paths[0].unlink()
    assert main(["trend"]) == 2
    assert capsys.readouterr().err == (
        f"backend-audit: {name}/{paths[0].name}: the ledger tells of it, and it is not there; restore it from git\n"
    )
    paths[0].write_text(whole, "utf-8")
    (audits / "2027-01-01.json").write_text(whole, "utf-8")
    strange = "the ledger beside it does not know it; take it away, or restore its line from git"
    for command in (["trend"], ["compare", f"{name}/2027-01-01.json", f"{name}/{paths[0].name}"]):
        assert main(command) == 2
        assert capsys.readouterr().err == f"backend-audit: {name}/2027-01-01.json: {strange}\n"

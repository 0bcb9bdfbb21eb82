"""``backend-audit compare``: what can be named, what it says, and with which exit status."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.scoring.scoring_cases import SEALED, all_at, failed

from pytest_backend_audit import filed, finished
from pytest_backend_audit.cli import main
from pytest_backend_audit.journal import Writer
from pytest_backend_audit.ledger import Place, append
from pytest_backend_audit.ledger.events import Event, Filed
from pytest_backend_audit.merging import merge
from pytest_backend_audit.model import Attempt, Mode, Seal


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are named from where the test runs."""
    monkeypatch.chdir(tmp_path)


def written(folder: str, spoil: Attempt | None = None, seal: Seal | None = SEALED, **fields: Any) -> str:
    """A run in which each dimension reaches L3, but for one check."""
    made, attempts = all_at(3, **fields)
    writer = Writer(Path(folder))
    writer.start(made)
    for attempt in attempts:
        writer.attempt(spoil if spoil and attempt.check == spoil.check else attempt)
    if seal:
        writer.seal(seal)
    writer.close()
    return folder


def filed_card(run: str, name: str) -> str:
    """What is filed of a run, and the Markdown beside it."""
    found = finished.load(Path(run))
    Path(name).write_text(filed.text(filed.filed(found.card, numbers={}, sources=found.heads)), "utf-8")
    Path(name).with_suffix(".md").write_text("# A card\n")
    return name


def test_every_kind_of_audit(capsys: pytest.CaptureFixture[str]) -> None:
    """Run folder, a file of it, merge, filed card and its Markdown: all the same to it, on either side.

    Of a card it says that nobody knows whether it is what was filed, where no ledger tells.
    """
    prior = written("prior", instant="2026-06-01T10:00:00Z")
    now = written("now", failed("4.1-3"))
    (Path(now) / "scorecard.json").write_text("{}")
    merge([Path(now)], Path("merged"))
    sides = [now, "now/scorecard.json", "merged", filed_card(now, "now.json"), "now.md"]
    priors = [prior, filed_card(prior, "prior.json"), "prior.md"]
    said = set()
    for one, other in [(s, prior) for s in sides] + [(now, p) for p in priors]:
        assert main(["compare", one, other]) == 0
        out = capsys.readouterr().out
        notes = [line for line in out.splitlines(keepends=True) if "without its ledger" in line]
        assert [" ".join(line.split()) for line in notes] == [
            f"Note {name} audit is without its ledger"
            for name, given in (("this", one), ("the prior", other))
            if given in {"now.json", "now.md", "prior.json", "prior.md"}
        ]
        said.add("".join(line for line in out.splitlines(keepends=True) if line.strip() and line not in notes))
    assert len(said) == 1
    assert "  4.1 Query Performance      L3 -> L2  fell\n" in said.pop()


def test_no_worse(capsys: pytest.CaptureFixture[str]) -> None:
    """Is 1 if a dimension fell, else 0; without being asked it is 0."""
    prior, now = written("prior", instant="2026-06-01T10:00:00Z"), written("now", failed("4.1-3"))
    assert main(["compare", now, prior]) == 0
    assert main(["compare", now, prior, "--no-worse"]) == 1
    assert main(["compare", prior, now, "--no-worse"]) == 0
    assert main(["compare", now, now, "--no-worse"]) == 0
    capsys.readouterr()


def test_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    """All of it as JSON, the two audits by what identifies them; Markdown on request."""
    prior, now = written("prior", instant="2026-06-01T10:00:00Z"), written("now", failed("4.1-3"))
    assert main(["compare", now, prior, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["comparisons", "not_compared"]
    [told] = said["comparisons"]
    assert list(told)[:5] == ["prior", "now", "warnings", "total_before", "total_now"]
    assert list(told)[5:] == ["levels", "checks", "findings", "settings", "worse"]
    assert (told["prior"]["instant"], told["now"]["total"]) == ("2026-06-01T10:00:00Z", 23)
    assert told["now"]["sources"] == list(finished.load(Path(now)).heads)
    assert told["levels"][0] == {
        "id": "4.1",
        "name": "Query Performance",
        "before": 3,
        "now": 2,
        "recorded_before": 3,
        "recorded_now": 2,
    }
    assert told["checks"][0]["now"] == "failed"
    assert main(["compare", now, prior, "--format", "md"]) == 0
    assert capsys.readouterr().out.startswith("# orders: what changed\n")


def test_what_a_reader_has_to_know(capsys: pytest.CaptureFixture[str]) -> None:
    """A rehearsal, an invalid run and a torn one are compared, and it is said."""
    prior = written("prior", instant="2026-06-01T10:00:00Z")
    written("rehearsal", mode=Mode.REHEARSAL)
    written("invalid", seal=Seal("", 1, invalid="the build changed"))
    written("torn", seal=None)
    for run, remark in (
        ("rehearsal", "this audit is a rehearsal"),
        ("invalid", "this audit is invalid: the build changed"),
        ("torn", "this audit is invalid: the run did not end"),
    ):
        assert main(["compare", run, prior]) == 0
        out = " ".join(capsys.readouterr().out.split())
        assert f"Note {remark}" in out
    assert main(["compare", "torn", prior, "--no-worse"]) == 1
    said = "this audit is invalid, so that it shows no level: the run did not end"
    assert said in " ".join(capsys.readouterr().out.split())


def test_an_invalid_run_is_no_better(capsys: pytest.CaptureFixture[str]) -> None:
    """It proves nothing about its commit, so that whoever asks for no worse is told no."""
    prior = written("prior", instant="2026-06-01T10:00:00Z")
    written("invalid", seal=Seal("", 1, invalid="the build changed"))
    assert main(["compare", "invalid", prior]) == 0
    assert main(["compare", "invalid", prior, "--no-worse"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "Worse this audit is invalid, so that it shows no level: the build changed" in said


@pytest.mark.parametrize(
    ("now", "prior", "message"),
    [
        ("nowhere", "good", "nowhere: there is no such folder; "),
        ("good", "nowhere.md", "nowhere.json can't be read: No such file or directory\n"),
        ("good", "odd.json", "odd.json: no filed card; `backend-audit file` writes them\n"),
        ("good", "odd.txt", "odd.txt: that is a file, and no run is there; "),
        ("good", "altered", "altered/journal.jsonl:2: this line was changed: its hash does not fit its text. "),
        (
            "good",
            "other",
            "good and other can't be compared: one is an audit of orders, the other of billing; name two audits of one "
            "service\n",
        ),
    ],
)
def test_what_can_not_be_compared(now: str, prior: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names it, and exit 2."""
    written("good")
    written("altered", failed("4.1-3"))
    journal = Path("altered/journal.jsonl")
    journal.write_bytes(journal.read_bytes().replace(b'"passed"', b'"broken"'))
    Path("odd.json").write_text("{}")
    Path("odd.txt").write_text("x")
    made, _ = all_at(3)
    written("other", document=type(made.document)(service="billing", commit="1a2b3c4d"))
    assert main(["compare", now, prior]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"backend-audit: {message}")
    assert err.count("\n") == 1


def test_the_ledgers_latest_before_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Is what an audit is compared with if nothing else is named: of its environment, and not itself."""
    assert main(["compare", written("now", failed("4.1-3"))]) == 2
    assert capsys.readouterr().err == (
        "backend-audit: no audit to compare with: name one, a run folder or a filed card: backend-audit compare RUN "
        "PRIOR\n"
    )
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert main(["compare", "now"]) == 2
    assert capsys.readouterr().err.startswith(
        "backend-audit: audits/orders has no audit of orders in prod before this one: name one, "
    )
    place = Place(tmp_path, "orders")
    place.folder.mkdir(parents=True)
    events: list[Event] = []
    for day, kind in (("2026-06-01", "prod"), ("2026-07-01", "stage")):
        filed_card(written(day, instant=f"{day}T10:00:00Z", kind=kind), f"audits/orders/{day}.json")
        events.append(filing(day, kind, finished.load(Path(day))))
    events.append(filing("2026-08-31", "prod", finished.load(Path("now"))))
    append(place, events)
    assert main(["compare", "now"]) == 0
    assert "compared with 2026-06-01 at 1a2b3c4 in prod\n" in capsys.readouterr().out


def test_a_copy_of_a_filed_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever it lies, the ledger of the repository that we are in has the word on it."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    place = Place(tmp_path, "orders")
    place.folder.mkdir(parents=True)
    written("now", failed("4.1-3"))
    card = Path(filed_card(written("before", instant="2026-06-01T10:00:00Z"), "audits/orders/2026-06-01.json"))
    line = filing("2026-06-01", "prod", finished.load(Path("before")))
    append(place, [replace(line, card=filed.digest(card.read_bytes()))])
    text = card.read_text("utf-8")
    Path("copy.json").write_text(text, "utf-8")
    assert main(["compare", "now", "copy.json", "--no-worse"]) == 1
    assert "without its ledger" not in capsys.readouterr().out
    Path("copy.json").write_text(text.replace('"would_be": 3', '"would_be": 1'), "utf-8")
    assert main(["compare", "now", "copy.json", "--no-worse"]) == 2
    changed = "copy.json: changed since it was filed, by the ledger beside it; restore it from git"
    assert capsys.readouterr().err == f"backend-audit: {changed}\n"
    # What can no longer be read either says so, too.
    card.write_text(text.replace('"total"', '"toTal"'), "utf-8")
    assert main(["compare", "now", str(card)]) == 2
    assert capsys.readouterr().err == f"backend-audit: {card}: total: Field required; {filed.CHANGED}\n"


def filing(day: str, environment: str, of: finished.Finished) -> Filed:
    """The ledger's line of a filed card."""
    instant = of.card.inputs.instant
    return Filed(
        f"{day}T12:00:00Z", "Kim", day, "orders", environment, environment, "1a2b3c4d", instant, of.heads, "Ada"
    )

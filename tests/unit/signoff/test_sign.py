"""``backend-audit sign``, with real keys, in a real repository."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from unit.ledger.ledgers import disputed, filed, found
from unit.scoring.scoring_cases import OUTPUT, SEALED, passed, skipped
from unit.signoff.signing_cases import GIT, GRACE, LEAD, House, house, key, public, ran

from pytest_backend_audit import finished
from pytest_backend_audit.cli import main
from pytest_backend_audit.ledger.events import encode
from pytest_backend_audit.merging import merge
from pytest_backend_audit.model import Document, Mode
from pytest_backend_audit.targets.faults.keeper import append

LATER = replace(SEALED, ended="2026-08-31T12:05:00Z")


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """The repository that the command runs in."""
    made = house(tmp_path)
    monkeypatch.chdir(made.path)
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return made


def sign(orders: House, *arguments: str, by: str = "grace") -> int:
    """Run the command with somebody's key."""
    return main(["sign", "--yes", "--key", str(orders.keys / by), *arguments])


def refused(orders: House, capsys: pytest.CaptureFixture[str], *arguments: str, by: str = "grace") -> str:
    """The one message with which it refuses; nothing is shown, and nothing is left behind."""
    before = {p.name: p.read_bytes() for p in orders.run.iterdir() if p.is_file()}
    assert sign(orders, *arguments, by=by) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("backend-audit: ")
    assert err.count("\n") == 1
    assert {p.name: p.read_bytes() for p in orders.run.iterdir() if p.is_file()} == before
    return err.removeprefix("backend-audit: ").rstrip("\n")


def test_a_signature_lifts_the_levels(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """What is signed counts at once: on the card, in the reports, at the gate."""
    orders.audited()
    assert finished.load(orders.run).card.dimensions[0].level == 3
    assert sign(orders) == 0
    assert capsys.readouterr().out.endswith(
        "\nsigned by grace@example.org: 4.1 L4\n"
        "7 of 10, Production with watchlist\n"
        "backend-audit gate audit-report --min DISPOSITION judges it\n"
    )
    run = finished.load(orders.run)
    assert run.no_sign_off == ""
    assert run.sign_off is not None
    assert (run.sign_off.reviewer, run.sign_off.dimensions) == (GRACE, ("4.1",))
    assert run.sign_off.attestations == ("drill: Drill (document, docs/drill.md, 2026-08-14, Carol)",)
    assert run.sign_off.exceptions == ("acknowledged plans:invoices until 2026-12-31: small",)
    assert run.sign_off.signers == f"audits/allowed_signers at {orders.commit}"
    assert [(d.level, d.would_be) for d in run.card.dimensions] == [(4, 4), (3, 3)]
    written = json.loads((orders.run / "scorecard.json").read_text("utf-8"))
    assert written["sign_off"]["reviewer"] == GRACE
    assert written["dimensions"][0]["level"] == 4


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (
            "ada",
            "ada@example.org is the lead auditor (Ada Lovelace <ada@example.org>); a second reviewer is somebody else",
        ),
        (
            "linus",
            "linus@example.org is the author of commit {short} (Linus Dev <linus@example.org>); have somebody else "
            "sign, or allow it in audit.yaml: sign_off: {{allow_author: true}}",
        ),
    ],
)
def test_who_may_not_sign(orders: House, by: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither who led the audit nor who made the commit, though the repository knows their keys."""
    orders.audited()
    assert refused(orders, capsys, by=by) == said.format(short=orders.commit[:7])


def test_the_author_may_sign_where_audit_yaml_allows_it(orders: House) -> None:
    """For teams of two; the lead auditor may not even then."""
    orders.audited(config={"sign_off": {"allow_author": True}})
    assert sign(orders, by="linus") == 0
    assert sign(orders, "--again", by="ada") == 2


def test_an_unknown_key(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the key, and whose keys are known."""
    orders.audited()
    key(orders.keys, "eve")
    fingerprint = ran("ssh-keygen", "-l", "-f", orders.keys / "eve", cwd=orders.keys).split()[1]
    assert refused(orders, capsys, by="eve") == (
        f"{orders.keys}/eve ({fingerprint}) is not among the allowed signers (audits/allowed_signers at "
        f"{orders.commit[:12]}, which has grace@example.org, ada@example.org, linus@example.org); have the key added "
        "there, or sign with another: --key FILE"
    )


def test_a_key_without_the_address_it_is_of(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands in a ``.pub`` file, which is what people copy."""
    orders.commit_signers("# ours", public(orders.keys / "grace"))
    orders.audited()
    assert (
        "which has nobody, and in line 2 a key without the address before it that it is of); have the key added there"
    ) in refused(orders, capsys, by="grace")


def test_a_key_that_only_the_work_tree_allows(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """What counts is committed: a line that somebody adds afterwards is nobody's."""
    eve = key(orders.keys, "eve")
    with (orders.path / "audits" / "allowed_signers").open("a", encoding="utf-8") as file:
        file.write(f"eve@example.org {public(eve)}\n")
    orders.audited()
    assert "is not among the allowed signers" in refused(orders, capsys, by="eve")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param(
            {"mode": Mode.REHEARSAL},
            "a rehearsal can't be signed; audit a commit: pytest --audit-sha=HEAD",
            id="rehearsal",
        ),
        pytest.param(
            {"narrowing": ("-k left out 2 checks",)},
            "the run is partial, so it can't be signed: -k left out 2 checks",
            id="partial",
        ),
        pytest.param({"seal": None}, "the run did not end, so it can't be signed; run the audit again", id="torn"),
        pytest.param(
            {"seal": replace(SEALED, invalid="the build changed")},
            "the run is invalid, so it can't be signed: the build changed",
            id="invalid",
        ),
        pytest.param(
            {"lead_auditor": " "},
            "the lead auditor is not stated, so nobody can tell that the reviewer is somebody else; state lead_auditor "
            "in audit.yaml, and audit again",
            id="no lead auditor",
        ),
        pytest.param(
            {"attempts": (passed("plans-3"), skipped("plans-4"), passed("pools"))},
            "no dimension reaches L4, so there is nothing to sign",
            id="nothing at L4",
        ),
        pytest.param(
            {"instant": "2126-08-31T10:00:00Z"},
            "signed at ",
            id="a clock that is wrong",
        ),
    ],
)
def test_what_nobody_can_sign(
    orders: House, fields: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with one message."""
    orders.audited(**fields)  # type: ignore[arg-type]
    assert refused(orders, capsys).startswith(f"audit-report: {said}")


def test_a_clock_that_is_wrong_is_told_with_both_times(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the run, and of whoever signs."""
    orders.audited(instant="2126-08-31T10:00:00Z")
    said = refused(orders, capsys)
    assert said.endswith("Z, and the run ended at 2126-08-31T10:00:00Z: one of the two clocks is wrong; set it")


def test_evidence_that_was_changed(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody signs what is not there any more."""
    (blob,) = (orders.audited() / "evidence").iterdir()
    blob.write_text("y" * 5000)
    assert refused(orders, capsys) == (
        f"audit-report/journal.jsonl:3: audit-report/evidence/{blob.name}: evidence was changed: its hash does not fit "
        "its name. The run proves nothing any more; run the audit again"
    )


def test_a_run_away_from_its_repository(
    orders: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whose keys count stands there."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    orders.audited().rename(elsewhere / "audit-report")
    monkeypatch.chdir(elsewhere)
    assert main(["sign", "--yes", "--key", str(orders.keys / "grace")]) == 2
    assert capsys.readouterr().err == (
        f"backend-audit: the repository of commit {orders.commit[:12]} is not here: no repository around audit-report "
        f"or {elsewhere} holds it; sign in a clone, after git fetch\n"
    )
    monkeypatch.chdir(orders.path)
    assert main(["sign", "--yes", "--key", str(orders.keys / "grace"), str(elsewhere / "audit-report")]) == 0


def test_no_allowed_signers(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says how to come by some."""
    orders.git("rm", "-q", "audits/allowed_signers")
    orders.git("commit", "-q", "-m", "none")
    orders.commit = orders.git("rev-parse", "HEAD")
    orders.audited()
    assert refused(orders, capsys) == (
        f"audits/allowed_signers is not in commit {orders.commit[:12]}, so nobody may sign; write it (a line a "
        "reviewer: ADDRESS and the public key), commit it, and audit that commit"
    )


def test_another_path_of_allowed_signers(orders: House) -> None:
    """As audit.yaml names it."""
    orders.commit_signers(f"{GRACE} {public(orders.keys / 'grace')}", path="security/reviewers")
    orders.audited(config={"sign_off": {"allowed_signers": "security/reviewers"}})
    assert sign(orders) == 0
    signed = finished.load(orders.run).sign_off
    assert signed is not None
    assert signed.signers == f"security/reviewers at {orders.commit}"


def test_without_a_terminal_it_shows_and_signs_nothing(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """What one would vouch for fits 80 columns."""
    orders.audited(earlier=("run 001-1a2b3c4, 2026-08-30T10:00:00Z, formal: total 5 of 10",))
    assert main(["sign", "--key", str(orders.keys / "grace")]) == 2
    out, err = capsys.readouterr()
    assert err == (
        "backend-audit: nothing was signed: there is no terminal to ask on; once you have looked, add --yes\n"
    )
    fingerprint = ran("ssh-keygen", "-l", "-f", orders.keys / "grace", cwd=orders.keys).split()[1]
    assert (
        out
        == f"""\
Run           orders prod {orders.commit[:7]} 2026-08-31 run 1
              Backend Systems Audit Scorecard 1; assessed 3 of 3
Lead auditor  {LEAD}
Reviewer      grace@example.org
Key           {fingerprint} (ED25519)
Signers       audits/allowed_signers at {orders.commit[:12]}
As it stands  6 of 10, Conditional production
Once signed   7 of 10, Production with watchlist

You vouch that this level is right:

4.1 Query Performance: L4, 2 checks, 3 pieces of evidence
  L4 plans  2 output  explain (analyze) select
  all of it: audit-report/scorecard.html#d1

You accept what they rest on:
Attestations  1
  - drill: Drill (document, docs/drill.md, 2026-08-14, Carol)
Exceptions    1
  - acknowledged plans:invoices until 2026-12-31: small
Could not run none
Disputes      none
Earlier runs  1
  - run 001-1a2b3c4, 2026-08-30T10:00:00Z, formal: total 5 of 10

"""
    )
    assert max(map(len, out.splitlines())) <= 80
    assert not (orders.run / "signoff.json").exists()


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ("Grace <Grace@example.org>", "grace@example.org"),
        ("Grace", "grace@example.org (audit.yaml names Grace)"),
        ("Heidi <heidi@example.org>", "grace@example.org (audit.yaml names Heidi <heidi@example.org>)"),
    ],
)
def test_whom_audit_yaml_names_is_shown_where_that_is_another(
    orders: House, capsys: pytest.CaptureFixture[str], named: str, shown: str
) -> None:
    """Or may be another; the same address is the same person."""
    document = Document("orders", "prod", "prod", orders.commit, lead_auditor=LEAD, second_reviewer=named)
    orders.audited(document=document)
    assert main(["sign", "--key", str(orders.keys / "grace")]) == 2
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Reviewer ")]
    assert line == f"Reviewer      {shown}"


def test_some_dimensions_and_more_later(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """One signature covers what was signed before by the same key, and what is added."""
    orders.audited(attempts=(passed("plans-3"), passed("plans-4"), passed("pools", OUTPUT)))
    assert refused(orders, capsys, "--dimension", "4.2") == (
        "--dimension=4.2: no dimension at L4 or above; there are 4.1"
    )
    assert sign(orders, "--dimension=4.1") == 0
    capsys.readouterr()
    said = refused(orders, capsys)
    assert said.startswith("audit-report: signed by grace@example.org at 20")
    assert said.endswith(" for 4.1; --again replaces that")
    assert sign(orders, "--again") == 0


def test_git_names_the_key(orders: House) -> None:
    """As it does for commits: a file, or the public key itself, which an agent holds."""
    orders.audited()
    assert main(["sign", "--yes"]) == 2
    orders.git("config", "user.signingkey", str(orders.keys / "grace.pub"))
    assert main(["sign", "--yes"]) == 2
    orders.git("config", "gpg.format", "ssh")
    assert main(["sign", "--yes"]) == 0


def test_as_json(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """For scripts: what was signed."""
    orders.audited()
    assert sign(orders, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told.pop("signed_at").startswith("20")
    assert told.pop("key").startswith("SHA256:")
    assert told == {
        "reviewer": GRACE,
        "dimensions": {"4.1": 4},
        "total": 7,
        "disposition": "production-with-watchlist",
        "statement": "audit-report/signoff.json",
    }


def test_open_disputes_are_signed_too(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """The reviewer sees what the ledger holds, and it stays in the statement when they are resolved later."""
    orders.audited()
    ledger = orders.path / "audits" / "orders" / "ledger.jsonl"
    ledger.parent.mkdir()
    ledger.write_text("".join(f"{encode(e)}\n" for e in (filed(), found("F-0001"), disputed())), "utf-8")
    line = (
        "F-0001 4.1: bare L3 failed: 2 foreign keys without an index: disputed by Lin on 2026-08-31: the table is empty"
    )
    assert sign(orders) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"Disputes 1 - {line} Earlier runs none" in shown
    assert json.loads((orders.run / "signoff.json").read_bytes())["disputes"] == [line]
    ledger.unlink()
    assert finished.load(orders.run).no_sign_off == ""


def test_a_broken_ledger(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody can say which disputes there are."""
    orders.audited()
    ledger = orders.path / "audits" / "orders" / "ledger.jsonl"
    ledger.parent.mkdir()
    ledger.write_text("<<<<<<< HEAD\n", "utf-8")
    assert refused(orders, capsys).startswith("audits/orders/ledger.jsonl")


def test_a_fault_that_is_still_set(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """It is undone first: the record of that is signed with the rest."""
    orders.audited()
    append(orders.run / "faults.jsonl", {"id": "a", "event": "setting", "what": "latency of 5 s on redis", "undo": []})
    assert refused(orders, capsys) == (
        "audit-report/faults.jsonl:1: a fault is still set (latency of 5 s on redis); `backend-audit revert "
        "audit-report`, then sign"
    )


def test_a_merge_is_signed_as_a_whole(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """One signature covers the list and all its runs; a change in any of them, or of the list, is found."""
    orders.audited(selected=("plans-3", "plans-4"), attempts=(passed("plans-3"), passed("plans-4")))
    orders.run.rename(orders.path / "one")
    orders.audited(selected=("pools",), attempts=(passed("pools"),), instant="2026-08-31T12:00:00Z", seal=LATER)
    merge([Path("one"), Path("audit-report")], Path("both"))
    by_grace = ["sign", "both", "--yes", "--key", str(orders.keys / "grace")]
    assert main(by_grace) == 0
    assert main(["verify", "both"]) == 0
    assert main(["gate", "both", "--min", "production-with-watchlist"]) == 0
    data = json.loads(Path("both/signoff.json").read_bytes())
    assert [r["instant"] for r in data["runs"]] == ["2026-08-31T10:00:00Z", "2026-08-31T12:00:00Z"]
    assert list(data["files"]) == ["merge.json"]
    report = Path("both/sources/02/scorecard.md")
    text = report.read_bytes()
    report.write_bytes(text.replace(b"L3", b"L5"))
    Path("both/sources/01/more.html").touch()
    capsys.readouterr()
    assert main(["verify", "both"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("both: altered; good lines: ")
    assert lines[1].startswith(f"  {report}:")
    assert lines[-1] == "  nothing vouches for: sources/01/more.html"
    report.write_bytes(text)
    assert main(["verify", "both"]) == 0
    listed = Path("both/merge.json")
    listed.write_bytes(listed.read_bytes().replace(b'"prod"', b'"Prod"'))
    capsys.readouterr()
    assert main(["verify", "both"]) == 1
    assert capsys.readouterr().out.splitlines()[1].startswith("  both/signoff.json:")


def test_a_co_author_whose_name_acts_on_terminals(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused as any author, and shown harmlessly."""
    orders.git("commit", "-q", "--allow-empty", "-m", f"x\n\nCo-authored-by: Grace\x1b[2J <{GRACE}>\n")
    orders.commit = orders.git("rev-parse", "HEAD")
    orders.audited()
    assert refused(orders, capsys) == (
        f"{GRACE} is the co-author of commit {orders.commit[:7]} (Grace\\x1b[2J <{GRACE}>); have somebody else "
        "sign, or allow it in audit.yaml: sign_off: {allow_author: true}"
    )

"""A signed run whose files were lost, added, swapped or cut, or that lies elsewhere: what counts, and what is said."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.cli.command import without_reader
from unit.scoring.scoring_cases import passed
from unit.signoff.signing_cases import GIT, GRACE, House, house, public, ran

import pytest_backend_audit
from pytest_backend_audit import finished
from pytest_backend_audit.cli import main
from pytest_backend_audit.integrity import examine
from pytest_backend_audit.journal import State


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A repository with a run that Grace signed, which commands run in."""
    made = house(tmp_path)
    monkeypatch.chdir(made.path)
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)
    made.audited()
    assert main(["sign", "--yes", "--json", "--key", str(made.keys / "grace")]) == 0
    return made


def test_it_is_intact(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """As it was left, and again after all reports were rendered anew: the same bytes."""
    before = {p.name: p.read_bytes() for p in orders.run.iterdir() if p.is_file()}
    assert main(["render"]) == 0
    assert {p.name: p.read_bytes() for p in orders.run.iterdir() if p.is_file()} == before
    signed_at = json.loads(before["signoff.json"])["signed_at"]
    capsys.readouterr()
    assert main(["verify"]) == 0
    head = examine(orders.run).head
    assert capsys.readouterr() == (
        f"audit-report: intact; good lines: 5; head {head}\n  signed by {GRACE} at {signed_at} for 4.1\n",
        "",
    )
    assert main(["verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "state": "intact",
        "lines": 5,
        "problems": [],
        "head": head,
        "signed_by": GRACE,
        "signed_at": signed_at,
        "dimensions": ["4.1"],
        "no_sign_off": "",
        "not_looked": "",
        "not_compared": "",
        "others": [],
    }


def swap(run: Path) -> None:
    """The reports of two formats change places."""
    (run / "scorecard.md").rename(run / "x")
    (run / "scorecard.html").rename(run / "scorecard.md")
    (run / "x").rename(run / "scorecard.html")


def blob(run: Path) -> Path:
    """The one piece of evidence beside the journal."""
    (found,) = (run / "evidence").iterdir()
    return found


def cut(path: Path, size: int = -20) -> None:
    """Take the end of a file away."""
    path.write_bytes(path.read_bytes()[:size])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: (r / "signoff.json.sig").unlink(), "{r}/signoff.json.sig is missing, and signoff.json is there: "),
        (lambda r: (r / "signoff.json").unlink(), "{r}/signoff.json is missing, and signoff.json.sig is there: "),
        (lambda r: cut(r / "signoff.json"), "{r}/signoff.json:"),
        (lambda r: cut(r / "signoff.json.sig"), "{r}/signoff.json.sig: not as ssh-keygen wrote it"),
        (lambda r: (r / "signoff.json").write_text("[" * 100_000), "{r}/signoff.json:1: not JSON"),
        (lambda r: (r / "signoff.json").write_text("{}"), "{r}/signoff.json:1: no statement of a sign-off"),
        (lambda r: (r / "evidence" / ("0" * 64)).write_text("more"), "{r}/evidence/" + "0" * 64 + ": belongs to no "),
        (lambda r: blob(r).unlink(), "{r}/journal.jsonl:3: {r}/evidence/"),
        (lambda r: cut(blob(r)), "{r}/journal.jsonl:3: {r}/evidence/"),
        (lambda r: shutil.rmtree(r / "evidence"), "{r}/journal.jsonl:3: {r}/evidence/"),
        (lambda r: (r / "scorecard.json").unlink(), "{r}/scorecard.json: is missing; `backend-audit render` writes "),
        (lambda r: cut(r / "scorecard.html"), "{r}/scorecard.html:"),
        (lambda r: (r / "junit.xml").write_text(""), "{r}/junit.xml:1: found nothing more, expected "),
        (swap, "{r}/scorecard.md:1: found "),
        (lambda r: (r / "faults.jsonl").write_text("{}\n"), "{r}/signoff.json:"),
    ],
)
def test_what_was_changed_is_told(orders: House, change: Callable[[Path], object], said: str) -> None:
    """With the file, and the line where there is one; nothing of it counts any more."""
    change(orders.run)
    found = examine(orders.run)
    assert found.state is State.ALTERED
    assert any(p.startswith(said.format(r=orders.run)) for p in found.problems), found.problems


def linked(path: Path) -> None:
    """A link to a copy takes the file's place."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def piped(path: Path) -> None:
    """A pipe that nobody writes into takes the file's place."""
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("name", ["signoff.json", "signoff.json.sig"])
@pytest.mark.parametrize("put", [linked, piped])
def test_what_is_no_plain_file_is_not_read(orders: House, put: Callable[[Path], None], name: str) -> None:
    """Neither what a link leads to, nor what never ends."""
    put(orders.run / name)
    found = examine(orders.run)
    assert found.state is State.ALTERED
    assert found.no_sign_off == f"{orders.run / name} is no plain file; `backend-audit sign` writes one"


def test_a_signed_run_that_was_cut_short_is_altered(orders: House) -> None:
    """A torn journal alone would be an accident; one that was signed whole is not the one that was signed."""
    cut(orders.run / "journal.jsonl")
    found = examine(orders.run)
    assert found.state is State.ALTERED
    assert found.problems[0].startswith(f"{orders.run}/journal.jsonl:5: the last line is incomplete")
    assert found.problems[1].startswith(f"{orders.run}/signoff.json:")
    assert finished.load(orders.run).card.sign_off is None


def test_a_file_that_is_nobodys(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Other plugins may put reports there: it is named, and nothing is said for it."""
    (orders.run / "scorecard.csv").write_text("x")
    (orders.run / "a\x1b[31mb").write_text("x")
    assert main(["verify"]) == 0
    assert capsys.readouterr().out.endswith("\n  nothing vouches for: a\\x1b[31mb, scorecard.csv\n")


def test_reports_alone_may_be_missing(orders: House) -> None:
    """Whoever keeps record and sign-off has everything: `render` writes the rest."""
    for name in ("scorecard.json", "scorecard.md", "scorecard.html", "junit.xml", "findings.json"):
        (orders.run / name).unlink()
    found = examine(orders.run)
    assert (found.state, found.problems) == (State.INTACT, ())
    assert found.sign_off is not None


def test_a_sign_off_of_another_run(orders: House, tmp_path: Path) -> None:
    """Moved under another record of the same commit, it says nothing."""
    other = tmp_path / "other"
    orders.run.rename(other)
    orders.audited(instant="2026-09-01T10:00:00Z")
    for name in ("signoff.json", "signoff.json.sig"):
        shutil.copy(other / name, orders.run)
    why = finished.load(orders.run).no_sign_off
    assert why.startswith(f"{orders.run}/signoff.json:10: found ")
    assert why.endswith(": not what follows from the run")


def test_every_command_says_why_it_does_not_count(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """The card is the one without a signature, and nobody has to wonder why."""
    path = orders.run / "signoff.json"
    path.write_bytes(path.read_bytes().replace(b'"reviewer": "grace', b'"reviewer": "grade'))
    why = (
        "the sign-off does not count: audit-report/signoff.json.sig: the signature does not fit signoff.json: one of "
        "the two was changed after signing (Signature verification failed: incorrect signature)"
    )
    for command in (["show"], ["render"], ["report", "--format=md"]):
        assert main(command) == 0
        out, err = capsys.readouterr()
        assert err == f"backend-audit: {why}\n"
        assert GRACE not in out
    assert main(["gate", "--min", "production-with-watchlist"]) == 1
    of_it = f"  orders, prod, {orders.commit[:7]}, 2026-08-31\n"
    assert capsys.readouterr().out.endswith(f"not passed, the disposition is Conditional production; {why}\n{of_it}")
    assert main(["gate", "--min", "conditional-production"]) == 0
    assert capsys.readouterr().err == f"backend-audit: {why}\n"
    assert main(["verify"]) == 1
    assert capsys.readouterr().out.endswith("\n  the sign-off does not count\n")
    assert main(["sign", "--yes", "--key", str(orders.keys / "grace")]) == 2
    assert capsys.readouterr().err == (
        "backend-audit: audit-report: holds a sign-off that does not count; --again replaces it: "
        + why.removeprefix("the sign-off does not count: ")
        + "\n"
    )
    assert main(["sign", "--yes", "--again", "--json", "--key", str(orders.keys / "grace")]) == 0
    assert examine(orders.run).state is State.INTACT


def test_away_from_its_repository(
    orders: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As an artifact of CI: nobody knows whose key it is, until somebody says so; the record is intact all the same."""
    away = tmp_path / "away"
    shutil.copytree(orders.run, away / "audit-report")
    shutil.copy(orders.path / "audits" / "allowed_signers", away / "signers")
    monkeypatch.chdir(away)
    why = (
        f"no repository here holds commit {orders.commit[:12]}, which says whose keys count; ask in a clone of it, or "
        "name the allowed signers: --allowed-signers FILE"
    )
    found = examine(Path("audit-report"))
    assert (found.state, found.problems, found.no_sign_off) == (State.INTACT, (), why)
    assert main(["verify"]) == 1
    assert capsys.readouterr().out.endswith(f"\n  the sign-off does not count: {why}\n")
    assert main(["verify", "--allowed-signers", "signers"]) == 0
    unseen = (
        f"no repository here holds commit {orders.commit[:12]}, so it is not known whether {GRACE} made it; ask in a "
        "clone of it"
    )
    assert capsys.readouterr().out.endswith(f" for 4.1\n  {unseen}\n")
    assert main(["gate", "--min", "production-with-watchlist", "--allowed-signers", "signers"]) == 0
    assert capsys.readouterr().err == f"backend-audit: {unseen}\n"
    for command in (["show"], ["render"], ["report", "--format=json"]):
        capsys.readouterr()
        assert main([*command, "--allowed-signers=signers"]) == 0
        assert capsys.readouterr().err == ""
    assert examine(Path("audit-report"), "signers").state is State.INTACT


def test_a_repository_that_came_with_the_run_is_not_asked(
    orders: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object passes with git for what its name says: a forged one lets the lead auditor sign as Grace."""
    run = tmp_path / "artifact"
    shutil.copytree(orders.run, run)
    shutil.copytree(orders.path / ".git", run / ".git")
    blob = orders.git("rev-parse", f"{orders.commit}:audits/allowed_signers")
    file = run / ".git" / "objects" / blob[:2] / blob[2:]
    forged = f"{GRACE} {public(orders.keys / 'ada')}\n".encode()
    file.chmod(0o644)
    file.write_bytes(zlib.compress(b"blob %d\0" % len(forged) + forged))
    key = ran("ssh-keygen", "-l", "-f", orders.keys / "ada", cwd=orders.keys).split()[1]
    statement = run / "signoff.json"
    data = json.loads(statement.read_bytes())
    data["key"] = key
    data["signers"]["sha256"] = hashlib.sha256(forged).hexdigest()
    statement.write_text(json.dumps(data, indent=1) + "\n")
    statement.with_name("signoff.json.sig").unlink()
    ran("ssh-keygen", "-q", "-Y", "sign", "-n", "pytest-backend-audit", "-f", orders.keys / "ada", statement, cwd=run)
    # The forged repository says what it was made to say.
    assert ran("git", "cat-file", "blob", blob, cwd=run) == forged.decode().strip()
    assert finished.load(run).no_sign_off.endswith(
        f"signers: audits/allowed_signers at {orders.commit[:12]} has other bytes than the statement says"
    )
    monkeypatch.chdir(tmp_path)
    assert finished.load(Path("artifact")).no_sign_off.startswith("no repository here holds commit ")


def test_a_protected_branch_has_the_last_word(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever checks can name another revision: a key that it does not have, or has no more, does not count."""
    assert main(["verify", "--allowed-signers", "main:audits/allowed_signers"]) == 0
    orders.commit_signers(f"lin@example.org {public(orders.keys / 'ada')}")
    assert main(["verify"]) == 0
    capsys.readouterr()
    assert main(["verify", "--allowed-signers", "main:audits/allowed_signers"]) == 1
    run = finished.load(orders.run)
    assert run.sign_off is not None
    assert capsys.readouterr().out.endswith(
        f"  the sign-off does not count: {GRACE} may not sign with key {run.sign_off.key}: audits/allowed_signers at "
        f"{orders.commit[:12]} does not say so\n"
    )
    for given, said in (
        ("nowhere", "nowhere: there is no such file; name one, or REVISION:PATH of the repository here"),
        ("gone:x", f"gone:x: the repository here ({orders.path}) has no revision gone; fetch it"),
        ("main:audits/typo", "main:audits/typo: main has no file audits/typo; name the one with the reviewers' keys"),
    ):
        assert main(["verify", "--allowed-signers", given]) == 1
        assert capsys.readouterr().out.endswith(f"  the sign-off does not count: {said}\n")


def test_another_version_signed(orders: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version may make another card; the message says which one to take."""
    monkeypatch.setattr(pytest_backend_audit, "__version__", "9.9.9")
    path = orders.run / "signoff.json"
    path.write_bytes(path.read_bytes().replace(b'"scorecard_sha256": "', b'"scorecard_sha256": "0'))
    assert finished.load(orders.run).no_sign_off.endswith(
        ": not what follows from the run. It was signed with version 0.1.0, and this is 9.9.9: only the same version "
        "makes the same card"
    )
    found = examine(orders.run)
    assert found.not_compared == "reports were not compared: the run is of version 0.1.0, and this is 9.9.9"


def test_a_forged_statement(orders: House) -> None:
    """Signed by hand, around our command: what it refuses does not count either."""
    for by, reviewer, said in (
        ("ada", "ada@example.org", "ada@example.org is the lead auditor"),
        ("linus", "linus@example.org", "linus@example.org is the author of commit"),
    ):
        fingerprint = ran("ssh-keygen", "-l", "-f", orders.keys / by, cwd=orders.keys).split()[1]
        path = orders.run / "signoff.json"
        data = json.loads(path.read_bytes())
        data |= {"reviewer": reviewer, "key": fingerprint}
        path.write_text(json.dumps(data, indent=1) + "\n")
        path.with_name("signoff.json.sig").unlink()
        ran(
            "ssh-keygen", "-q", "-Y", "sign", "-n", "pytest-backend-audit", "-f", orders.keys / by, path, cwd=orders.run
        )
        run = finished.load(orders.run)
        assert run.sign_off is None
        assert run.no_sign_off.startswith(said)


def test_a_day_that_there_is_not(orders: House) -> None:
    """To ssh-keygen the 31st of February is a day in March; the statement is told to be wrong, not the journal."""
    statement = orders.run / "signoff.json"
    data = json.loads(statement.read_bytes())
    data["signed_at"] = "2027-02-31T10:00:00Z"
    statement.write_text(json.dumps(data, indent=1) + "\n")
    statement.with_name("signoff.json.sig").unlink()
    signing = ("ssh-keygen", "-q", "-Y", "sign", "-n", "pytest-backend-audit", "-f", orders.keys / "grace", statement)
    ran(*signing, cwd=orders.run)
    said = finished.load(orders.run).no_sign_off
    assert said.endswith(": signed_at: '2027-02-31T10:00:00Z' is no instant in UTC")


def test_more_dimensions_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the same key adds joins what it signed; another reviewer has to replace it."""
    made = house(tmp_path)
    monkeypatch.chdir(made.path)
    made.commit_signers(
        f"{GRACE} {public(made.keys / 'grace')}",
        f"lin@example.org {public(made.keys / 'linus')}",
        path="audits/allowed_signers",
    )
    made.audited(attempts=(passed("plans-3"), passed("plans-4"), passed("pools"), passed("pools-4")), both=True)
    by_grace = ["sign", "--yes", "--json", "--key", str(made.keys / "grace")]
    assert main([*by_grace, "--dimension", "4.1"]) == 0
    assert [d.level for d in finished.load(made.run).card.dimensions] == [4, 3]
    assert main(["sign", "--yes", "--json", "--key", str(made.keys / "linus"), "--dimension", "4.2"]) == 2
    assert main([*by_grace, "--dimension", "4.2"]) == 0
    run = finished.load(made.run)
    assert run.sign_off is not None
    assert run.sign_off.dimensions == ("4.1", "4.2")
    assert [d.level for d in run.card.dimensions] == [4, 4]


@pytest.mark.parametrize(
    ("minimum", "signed", "passes"),
    [
        ("significant-technical-debt", False, True),
        ("conditional-production", False, True),
        ("production-with-watchlist", False, False),
        ("production-ready", False, False),
        ("significant-technical-debt", True, True),
        ("conditional-production", True, True),
        ("production-with-watchlist", True, True),
        ("production-ready", True, False),
    ],
)
def test_a_gate_takes_all_four_dispositions(
    orders: House, minimum: str, signed: bool, passes: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed, the run has 7 of 10 points; unsigned it has 6, and the gate names what is missing where it would do."""
    if not signed:
        (orders.run / "signoff.json").unlink()
        (orders.run / "signoff.json.sig").unlink()
    capsys.readouterr()
    assert main(["gate", "--min", minimum, "--json"]) == (0 if passes else 1)
    name = "Production with watchlist" if signed else "Conditional production"
    word = "passed" if passes else "not passed"
    assert json.loads(capsys.readouterr().out) == {
        "gate": minimum,
        "passed": passes,
        "disposition": "production-with-watchlist" if signed else "conditional-production",
        "reason": f"{word}, the disposition is {name}"
        + ("; not signed: 4.1 (backend-audit sign)" if not signed and minimum == "production-with-watchlist" else ""),
        "signed_by": GRACE if signed else None,
        "no_sign_off": "",
        "not_looked": "",
        "commit": orders.commit,
        "environment": "prod",
        "instant": "2026-08-31T10:00:00Z",
    }


def test_of_which_run_the_gate_speaks(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """A line says it; after another commit was made a note says so too, and the gate's answer stays."""
    gate = ["gate", "--min", "conditional-production"]
    said = (
        "audit-report: gate conditional-production: passed, the disposition is Production with watchlist\n"
        f"  orders, prod, {orders.commit[:7]}, 2026-08-31\n"
    )
    capsys.readouterr()
    assert main(gate) == 0
    assert capsys.readouterr() == (said, "")
    orders.git("commit", "-q", "--allow-empty", "-m", "later")
    head = orders.git("rev-parse", "HEAD")
    note = f"note: the run is of commit {orders.commit[:12]}, and {head[:12]} is checked out\n"
    assert main(gate) == 0
    assert capsys.readouterr() == (f"{said}{note}", "")


def test_a_repository_without_the_commit_says_nothing_of_the_gate_s_run(
    orders: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The gate is asked in another repository: what is checked out there is no other commit of the audited one."""
    other = tmp_path / "other"
    other.mkdir()
    ran("git", "init", "-q", cwd=other)
    ran("git", "commit", "-q", "--allow-empty", "-m", "another", cwd=other)
    shutil.copytree(orders.run, other / "audit-report")
    monkeypatch.chdir(other)
    capsys.readouterr()
    assert main(["gate", "--min", "conditional-production"]) == 0
    assert "note:" not in capsys.readouterr().out


def test_no_worse_looks_before_the_cap_on_both_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A prior L4 is no better than an L4 that nobody signed yet; a level that fell is worse, signed or not."""
    made = house(tmp_path)
    monkeypatch.chdir(made.path)
    gate = ["gate", "--min", "conditional-production", "--no-worse"]
    made.audited(prior_levels={"4.1": 4, "4.2": 3})
    assert main(gate) == 0
    shutil.rmtree(made.run)
    made.audited(prior_levels={"4.1": 5, "4.2": 3})
    said = "audit-report: gate conditional-production: not passed, worse than the prior audit: 4.1 fell from L5 to L4"
    said += f"\n  orders, prod, {made.commit[:7]}, 2026-08-31"
    capsys.readouterr()
    assert main(gate) == 1
    assert capsys.readouterr().out == f"{said}\n"
    assert main(["sign", "--yes", "--json", "--key", str(made.keys / "grace")]) == 0
    capsys.readouterr()
    assert main(gate) == 1
    assert capsys.readouterr().out == f"{said}\n"


def test_what_nobody_could_read_is_not_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `backend-audit sign --yes | head -1`: quiet, 141, and no signature."""
    made = house(tmp_path)
    monkeypatch.chdir(made.path)
    made.audited()
    assert without_reader("sign", "--yes", "--key", str(made.keys / "grace"), cwd=made.path) == (141, b"")
    assert not (made.run / "signoff.json").exists()

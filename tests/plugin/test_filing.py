"""Audits are filed, found again and compared with: real runs, real repositories, the command as a shell starts it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
from unit.cli.command import PROGRAM, backend_audit
from unit.signoff.signing_cases import key, public

from plugin._filing import CHECKS, CONFIG, KIM, audited, command, good, ledger, made, numbers, today
from pytest_backend_audit import filed
from pytest_backend_audit.ledger import Status


@pytest.fixture
def orders(project):
    """A repository whose audit can be filed; two of its checks fail."""
    return made(project)


def test_from_the_audit_to_the_next_one(orders) -> None:
    """Filed, mended, closed; the next audit compares with it by itself and finds the rest."""
    audited(orders)
    day = today(orders)
    said = good(orders, "file")
    assert said == (
        f"audits/orders/{day}.md: Not production-grade, 8 of 40\n"
        "findings: 10 new; `backend-audit findings list`\n"
        "note: 10 findings have no due date, as the disposition sets none: backend-audit findings assign F-NNNN --due "
        "DATE\n"
        "next: git add audits/orders && git commit\n"
    )
    card = filed.read(orders.path / "audits" / "orders" / f"{day}.md")
    assert [f.id for f in card.findings] == [f"F-{n:04}" for n in range(1, 11)]
    assert card.sources == (orders.record().head,)
    text = (orders.path / "audits" / "orders" / f"{day}.md").read_text()
    index, tls = numbers(orders)["test_index"], numbers(orders)["test_tls"]
    assert f"### {index}: foreign-key-indexes L3 failed: 1 key without an index" in text
    orders.commit()

    # Mended; both are closed without a commit of the ledger in between.
    done = command(orders, "findings", "close", index)
    assert (done.returncode, done.stdout) == (1, f"{index}: stays open: its check failed: 1 key without an index\n")
    (orders.path / "schema.sql").write_text("CREATE INDEX i;\n")
    orders.commit()
    shown = f"its check passed at {orders.git('rev-parse', 'HEAD')[:12]}: 4.1 foreign-key-indexes"
    assert good(orders, "findings", "close", index) == f"{index}: closed, {shown}\n"
    assert good(orders, "findings", "close", index) == f"{index}: is closed already: {shown}\n"
    (orders.path / "tls").write_text("")
    orders.git("add", "tls")
    orders.git("commit", "-q", "-m", "tls", "tls")
    assert good(orders, "findings", "close", tls, "--json") == (
        f'[\n  {{\n    "id": "{tls}",\n    "closed": true,\n    "reason": ""\n  }}\n]\n'
    )
    event = ledger(orders).find(index).history[-1][1]
    assert (event.type, event.by, event.outcome) == ("closed", KIM, "passed")
    assert event.output.startswith("output: cat schema.sql")
    assert "CREATE INDEX i;" in event.output
    assert len(event.head) == 64
    orders.commit()

    # The next audit.
    result = orders.run("--audit-sha=HEAD")
    result.stdout.fnmatch_lines([f"audit: compared with prior audit {day} of *", f"*(audits/orders/{day}.md)"])
    inputs = orders.record().inputs
    assert inputs.prior_levels["4.1"] == 1
    assert inputs.prior["checks/test_orders.py::test_tls"].outcome.value == "failed"
    said = good(orders, "file")
    assert said.startswith(f"audits/orders/{day}-2.md: ")
    assert "\nfindings: 0 new, 8 as before; " in said
    assert {t.status for t in ledger(orders).findings if t.number in {index, tls}} == {Status.CLOSED}


def test_a_run_of_another_commit_than_head_is_filed_with_a_note(orders) -> None:
    """An old run that still lies in audit-report, say: it says which commit it is of, and which is checked out."""
    audited(orders)
    commit = orders.git("rev-parse", "HEAD")
    orders.git("commit", "-q", "--allow-empty", "-m", "later")
    head = orders.git("rev-parse", "HEAD")
    note = f"note: the run is of commit {commit[:12]}, and {head[:12]} is checked out"
    assert good(orders, "file").splitlines()[2] == note


def test_all_reasons_are_said_at_once(project) -> None:
    """And nothing is written."""
    made(project, owners="")
    project.config(CONFIG.format(service="orders", owners="", prior="").replace("incidents: []\n", ""))
    (project.path / "docs" / "runbook.md").write_text("nothing\n")
    project.commit()
    project.run("--audit")
    done = command(project, "file")
    assert (done.returncode, done.stdout) == (1, "")
    commit = project.git("rev-parse", "HEAD")
    lines = done.stderr.splitlines()
    assert lines[0] == "audit-report: not filed"
    assert [line[:60] for line in lines[1:]] == [
        "  - the run is a rehearsal; audit again: pytest --audit-sha=HEAD"[:60],
        "  - audit.yaml does not state prior_audit (the audit before, or `none`"[:60],
        "  - the runbook docs/runbook.md does not refer to audits/orders/, where"[:60],
        "  - 10 findings have no owner, in 4.1, 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4."[:60],
    ]
    assert json.loads(command(project, "file", "--json").stdout)["filed"] is None
    assert not (project.path / "audits").exists()
    assert commit == project.record().inputs.document.commit


def test_owners_may_be_named_before_the_filing(project) -> None:
    """By the digits that the card shows, or for all that have none."""
    made(project, owners="")
    audited(project)
    first, *_ = [f["id"] for f in project.card()["findings"]]
    assert good(project, "findings", "assign", first, "--owner", "Lin", "--due", "2027-01-31", "--effort", "M") == (
        f"{first}: Lin, due 2027-01-31, M (of the run audit-report)\n"
    )
    said = good(project, "findings", "assign", "--unassigned", "--owner", "Ole")
    assert said.count(", ") == 8
    assert said.endswith(": Ole (of the run audit-report)\n")
    assert first not in said
    assert good(project, "findings", "assign", "--unassigned", "--owner", "Ole") == "no finding is without an owner\n"
    good(project, "file")
    state = ledger(project)
    assert [(t.owner, t.due, t.effort) for t in state.findings if t.fingerprint.startswith(first)] == [
        ("Lin", "2027-01-31", "M")
    ]
    assert {t.owner for t in state.findings} == {"Lin", "Ole"}
    text = (project.path / "audits" / "orders" / f"{today(project)}.md").read_text()
    assert "- **Owner:** Lin\n- **Due date:** 2027-01-31\n" in text


def advised(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Arguments of the command by which owners are named, as a refusal to file has it."""
    assert (done.returncode, done.stdout) == (1, "")
    command_line = done.stderr.partition("name one: backend-audit ")[2].partition(", or for the next audits")[0]
    return shlex.split(command_line.replace("NAME", "Ole"))


def test_owners_are_named_of_the_run_that_is_to_be_filed(project) -> None:
    """The advice names any folder but the usual one, also that of the top where a command is given elsewhere."""
    made(project, owners="")
    (project.path / "audits").mkdir()
    done = command(project, "findings", "assign", "--unassigned", "--owner", "Ole")
    assert (done.returncode, done.stderr) == (
        2,
        f"backend-audit: {project.path}/audits has no ledger yet, and audit-report holds no run of a service; name the "
        "run that is meant: --run RUN (`backend-audit file RUN` begins one)\n",
    )
    audited(project)
    (project.path / "audit-report").rename(project.path / "audit-report of stage")
    way = advised(command(project, "file", "audit-report of stage"))
    assert way == ["findings", "assign", "--unassigned", "--owner", "Ole", "--run", "audit-report of stage"]
    way = advised(backend_audit("file", "../audit-report of stage", "--repository", "..", cwd=project.path / "docs"))
    assert way[5:] == ["--run", "../audit-report of stage", "--repository", ".."]
    (project.path / "audit-report of stage").rename(project.path / "audit-report")
    below = {"cwd": project.path / "docs"}
    way = advised(backend_audit("file", **below))
    assert way == ["findings", "assign", "--unassigned", "--owner", "Ole"]
    assert backend_audit(*way, **below).stdout.endswith(": Ole (of the run ../audit-report)\n")
    assert backend_audit("file", **below).returncode == 0


def test_no_findings_of_a_run_of_another_commit_are_assigned_unasked(project) -> None:
    """One that lies in the usual folder still is taken only by its name, which the advice of filing it has."""
    made(project, owners="")
    audited(project)
    stale = project.git("rev-parse", "HEAD")
    (project.path / "docs" / "more.md").write_text("more\n")
    project.commit()
    done = command(project, "findings", "assign", "--unassigned", "--owner", "Ole")
    assert (done.returncode, done.stderr) == (
        2,
        f"backend-audit: audit-report is a run of commit {stale[:12]}, and {project.git('rev-parse', 'HEAD')[:12]} is "
        "checked out; name the run that is to be filed: --run RUN\n",
    )
    assert not (project.path / "audits").exists()
    way = advised(command(project, "file"))
    assert way == ["findings", "assign", "--unassigned", "--owner", "Ole", "--run", "audit-report"]
    assert good(project, *way).endswith(": Ole (of the run audit-report)\n")
    good(project, "file")
    assert {t.owner for t in ledger(project).findings} == {"Ole"}
    assert good(project, "findings", "assign", "--unassigned", "--owner", "Lin") == "no finding is without an owner\n"


def test_the_word_none_of_the_first_audit_may_stay_in_audit_yaml(orders) -> None:
    """What the ledger knows is the prior audit from then on."""
    audited(orders)
    assert orders.record().inputs.document.prior_audit == "none"
    good(orders, "file")
    audited(orders)
    assert orders.record().inputs.document.prior_audit == f"audits/orders/{today(orders)}.md"


def test_two_who_file_at_once_are_both_filed(orders) -> None:
    """Two runs, two processes that wait for each other: two cards, and no number given twice."""
    audited(orders)
    (orders.path / "audit-report").rename(orders.path / "audit-report-one")
    audited(orders)
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    both = [
        subprocess.Popen(
            [*PROGRAM, "file", run], cwd=orders.path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for run in ("audit-report-one", "audit-report")
    ]
    ended = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    day = today(orders)
    state = ledger(orders)
    assert sorted(f.file for f in state.filings) == [day, f"{day}-2"]
    assert [t.number for t in state.findings] == [f"F-{n:04}" for n in range(1, 11)]
    assert [e.type for _, e in state.events] == ["filed", *["opened"] * 10, "filed", *["seen"] * 10]
    assert sorted(p.name for p in (orders.path / "audits" / "orders").iterdir()) == [
        f"{day}-2.json",
        f"{day}-2.md",
        f"{day}.json",
        f"{day}.md",
        "ledger.jsonl",
    ]
    done = command(orders, "file")
    assert (done.returncode, done.stderr.count("was filed already")) == (1, 1)


def test_a_repository_of_several_services(orders) -> None:
    """Each has a ledger with numbers of its own; the folder's audit.yaml says which is meant, or --service does."""
    audited(orders)
    good(orders, "file")
    (orders.path / "docs" / "runbook.md").write_text("Audits are in audits/orders/ and audits/cart/.\n")
    config = orders.path / "audit.yaml"
    text = config.read_text()
    config.write_text(text.replace("service: orders", "service: cart"))
    orders.commit()
    audited(orders)
    assert "findings assign F-NNNN --due DATE --service cart\n" in good(orders, "file")
    assert good(orders, "findings", "assign", "F-0001", "--owner", "Lin") == "audits/cart: F-0001: Lin\n"
    assert {t.owner for t in ledger(orders, "cart").findings} == {"Kim", "Lin"}
    assert {t.owner for t in ledger(orders).findings} == {"Kim"}
    config.write_text(text)
    assert "Lin" not in good(orders, "findings", "list")
    assert "Lin" in good(orders, "findings", "list", "--service", "cart")
    done = backend_audit("findings", "list", cwd=orders.path / "docs")
    assert (done.returncode, done.stderr) == (
        2,
        "backend-audit: audits/ has the ledgers of several services, choose: --service cart | orders\n",
    )


def test_a_card_that_a_killed_filing_left_is_told(orders) -> None:
    """It stays as it is, and the run is filed beside it."""
    audited(orders)
    good(orders, "file")
    orders.commit()
    audited(orders)
    day = today(orders)
    left = orders.path / "audits" / "orders" / f"{day}-2.json"
    left.write_text("{}")
    said = good(orders, "file")
    assert said.startswith(f"audits/orders/{day}-3.md: ")
    assert (
        f"note: the ledger does not know {day}-2.json: a filing was cut short, or a line is lost; take the card away, "
        "or restore the line from git\n"
    ) in said
    assert left.read_text() == "{}"


def test_what_a_killed_filing_kept_is_in_nobodys_way(orders) -> None:
    """Its cards were taken away, as the note says, and what its checks kept was left: the name is not free."""
    audited(orders)
    day = today(orders)
    left = orders.path / "audits" / "orders" / f"{day}.kept.jsonl"
    left.parent.mkdir(parents=True)
    left.write_text("{}\n")
    assert good(orders, "file").startswith(f"audits/orders/{day}-2.md: ")
    assert left.read_text() == "{}\n"


@pytest.mark.parametrize(
    ("service", "folder"),
    [
        ('"order desk, \\"EU\\""', "order%20desk%2C%20%22EU%22"),
        ('"../заказы"', "%2E.%2F%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7%D1%8B"),
    ],
)
def test_any_name_of_a_service_has_a_folder_of_its_own(project, service: str, folder: str) -> None:
    """Below audits/, and the runbook refers to it by that name; the next audit finds it."""
    made(project, service, folder=folder)
    audited(project)
    assert good(project, "file").startswith(f"audits/{folder}/{today(project)}.md: ")
    assert sorted(p.name for p in (project.path / "audits").iterdir()) == [folder]
    assert "F-0001" in good(project, "findings", "list")
    project.commit()
    audited(project)
    assert f"(audits/{folder}/{today(project)}.md)" in project.record().inputs.prior_source


def test_a_ledger_follows_its_published_schema(orders) -> None:
    """From the filing to what closes a finding, takes it away and brings it back: every kind of line."""
    audited(orders)
    good(orders, "file")
    index, tls = numbers(orders)["test_index"], numbers(orders)["test_tls"]
    good(orders, "findings", "assign", index, "--owner", "Lin", "--due", "2027-01-31", "--effort", "S")
    config = orders.path / "ops.yaml"
    config.write_text((orders.path / "audit.yaml").read_text())
    moved = ("--config", "audit.yaml", "--by", "ops.yaml", "--reason", "a trial")
    done = command(orders, "findings", "replace", *moved, "--who", "Grace")
    assert done.stderr == "backend-audit: --by ops.yaml: it is not in the last commit; commit it first\n"
    orders.commit()
    good(orders, "findings", "replace", *moved, "--who", "Grace")
    back = ("--config", "audit.yaml", "--by", "audit.yaml", "--reason", "a mistake")
    said = good(orders, "findings", "replace", *back, "--who", "Grace")
    assert said.startswith("audit.yaml audit.yaml stands for ops.yaml, by Grace on ")
    config.unlink()
    good(orders, "findings", "dispute", tls, "--reason", "it is off", "--who", "Lin")
    good(orders, "findings", "resolve", tls, "--dismissed", "--reason", "I looked", "--who", "Grace")
    schema = orders.path / "schema.sql"
    for text, act in (("INDEX", ("findings", "close", index)), ("", ("file",)), ("INDEX", ("file",))):
        schema.write_text(text)
        orders.commit()
        if act == ("file",):
            audited(orders)
        good(orders, *act)
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace("environment: stage", "environment: prod"))
    good(orders, "findings", "retire", "stage", "--reason", "given up", "--who", "Grace")
    published = json.loads(good(orders, "schema", "ledger"))
    lines = (orders.path / "audits" / "orders" / "ledger.jsonl").read_text().splitlines()
    for line in lines:
        jsonschema.Draft202012Validator(published).validate(json.loads(line))
    kinds = {json.loads(line)["type"] for line in lines}
    assert kinds == {c["$ref"].rpartition("/")[2] for c in published["oneOf"]}


def test_a_fleet_counts_what_the_ledger_has_open(orders) -> None:
    """With the date that somebody has set, until the finding closes; the card itself had neither."""
    audited(orders)
    good(orders, "file")
    index, tls = numbers(orders)["test_index"], numbers(orders)["test_tls"]
    day = datetime.now(UTC).date() + timedelta(1)
    fleet = ("fleet", "audits", "--as-of", (day + timedelta(1)).isoformat())
    assert "past their date" not in good(orders, *fleet)
    good(orders, "findings", "assign", index, tls, "--due", day.isoformat())
    told = "Findings past their date: {} high in 1 service\n(by the ledgers, less what was closed since)\n"
    assert told.format(2) in good(orders, *fleet)
    (orders.path / "schema.sql").write_text("CREATE INDEX i;\n")
    orders.commit()
    good(orders, "findings", "close", index)
    assert told.format(1) in good(orders, *fleet)


def test_what_is_asked_of_a_ledger_that_is_none(orders) -> None:
    """One message each, and exit 2."""
    for arguments, message in (
        (("list",), "/audits has no ledger yet; `backend-audit file RUN` begins one\n"),
        (("assign", "F-0001"), "nothing to assign: give --owner, --due or --effort\n"),
        (("assign", "--owner", "Kim"), "name findings, or give --unassigned, and not both\n"),
    ):
        done = command(orders, "findings", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.endswith(message)
    audited(orders)
    good(orders, "file")
    done = command(orders, "findings", "assign", "F-0099", "--owner", "Kim")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    missing = (
        "backend-audit: F-0099: the ledger has no such finding (they are F-0001 to F-0010); `backend-audit findings "
        "list --all`; {} (--run RUN for another)\n"
    )
    assert done.stderr == missing.format("nor has the run audit-report one of that name")
    done = command(orders, "findings", "assign", "F-0099", "--owner", "Kim", "--run", "elsewhere")
    assert done.stderr == missing.format("nor is there a run in elsewhere")


def test_a_ledger_that_cannot_be_read_ends_a_formal_audit(orders) -> None:
    """With the message of every command; a rehearsal goes on without it, and says so."""
    audited(orders)
    good(orders, "file")
    path = orders.path / "audits" / "orders" / "ledger.jsonl"
    path.write_text(path.read_text() + "<<<<<<< HEAD\n")
    orders.commit()
    message = "audits/orders/ledger.jsonl: a merge left its conflict marks in line 12."
    result = orders.run("--audit-sha=HEAD")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}*"])
    orders.run("--audit")
    assert any(message in notice for notice in orders.record().inputs.notices)
    done = command(orders, "findings", "list")
    assert (done.returncode, message in done.stderr) == (2, True)


def test_a_filed_card_that_is_missing_ends_a_formal_audit(orders) -> None:
    """It is what the next one compares with."""
    audited(orders)
    good(orders, "file")
    day = today(orders)
    (orders.path / "audits" / "orders" / f"{day}.json").unlink()
    orders.commit()
    result = orders.run("--audit-sha=HEAD")
    result.stderr.fnmatch_lines(
        [f"ERROR: audits/orders/{day}.json is not there, and the ledger says that it was filed;*"]
    )


def test_a_ledger_that_lost_a_line_is_a_change_of_the_tree(orders) -> None:
    """One that grew is none."""
    audited(orders)
    good(orders, "file")
    orders.commit()
    path = orders.path / "audits" / "orders" / "ledger.jsonl"
    good(orders, "findings", "assign", "F-0001", "--owner", "Lin")
    assert orders.run("--audit-sha=HEAD").ret == pytest.ExitCode.TESTS_FAILED
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    result = orders.run("--audit-sha=HEAD")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*changed: audits/orders/ledger.jsonl"])


def test_filed_runs_of_the_same_commit_are_told(orders) -> None:
    """A deleted report folder doesn't make them unseen; one that is there is told of once."""
    audited(orders)
    good(orders, "file")
    day, instant = today(orders), orders.record().inputs.instant
    audited(orders)
    commit = orders.git("rev-parse", "--short=7", "HEAD")
    assert orders.record().inputs.earlier == (
        f"run 001-{commit}, {instant}, formal: total 8 of 40, Not production-grade",
    )
    (orders.path / "audit-report").rename(orders.path / "audit-report-gone")
    (orders.path / "tls").write_text("")
    audited(orders)
    assert orders.record().inputs.earlier == (
        f"run filed as {day}, {instant}, formal: total 8 of 40, Not production-grade",
    )


def test_a_run_that_was_altered_is_not_filed(orders) -> None:
    """Nor is one of another repository, nor a folder that is none."""
    audited(orders)
    journal = orders.path / "audit-report" / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole.replace(b"TLS 1.0 is on", b"TLS 1.0 is no"))
    done = command(orders, "file")
    assert (done.returncode, "the run was altered: audit-report/journal.jsonl:" in done.stderr) == (1, True)
    journal.write_bytes(whole)
    other = orders.path / "elsewhere"
    other.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=other, check=True)
    done = command(orders, "file", "--repository", "elsewhere", "--who", "Kim")
    assert done.returncode == 1
    assert "is not in " in done.stderr
    assert "is that the audited repository (--repository DIR)?" in done.stderr
    assert command(orders, "file", "nosuch").returncode == 2


SMALL = """\
id: jobs
name: Job Checklist
version: "1"
reviewer_from: 4
levels: [{levels}]
dispositions:
  - {{id: production-ready, name: Production-ready, floor: 4, minimum: 4, needs_sign_off: true}}
  - {{id: conditional-production, name: Conditional production, floor: 2, minimum: 2}}
  - {{id: not-production-grade, name: Not production-grade, floor: null, minimum: null}}
dimensions:
  - {{id: runs, name: Runs, scope: all, folder: runs, rows: [{rows}]}}
""".format(
    levels=", ".join(f"{{number: {n}, name: L{n}, definition: so}}" for n in range(1, 6)),
    rows=", ".join(f"{{criterion: on-time, level: {n}, clause: so, proof: measured}}" for n in (3, 4, 5)),
)
JOBS = """
@audit(dimension="runs", criterion="on-time", level={n})
def test_at_{n}(audit_evidence):
    audit_evidence.command("jobs", "fine")
    assert {n} < 5, "not watched"
"""


@pytest.fixture
def grace(project, tmp_path_factory, monkeypatch):
    """The key of the reviewer of a repository that was audited by a small standard; one check fails."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    grace = key(tmp_path_factory.mktemp("keys"), "grace")
    made(project, owners='"runs": Kim')
    project.suite("".join(JOBS.format(n=n) for n in (3, 4, 5)), "checks/test_orders.py")
    (project.path / "jobs.yaml").write_text(SMALL)
    config = project.path / "audit.yaml"
    config.write_text(config.read_text() + "standard: ./jobs.yaml\n")
    (project.path / "audits").mkdir()
    (project.path / "audits" / "allowed_signers").write_text(f"grace@example.org {public(grace)}\n")
    project.commit()
    audited(project)
    return grace


def test_a_signed_run_is_filed_once_more(project, grace) -> None:
    """With its reviewer, who was told of the dispute; the card has the levels as signed."""
    day = today(project)
    good(project, "file")
    good(project, "findings", "dispute", "F-0001", "--reason", "it is watched", "--who", "Lin")
    done = command(project, "sign", "--yes", "--key", str(grace))
    assert done.returncode == 0, done.stderr
    dispute = f"F-0001 runs: on-time L5 failed: not watched: disputed by Lin on {day}: it is watched"
    statement = json.loads((project.path / "audit-report" / "signoff.json").read_text())
    assert dispute in statement["disputes"]
    assert good(project, "file").startswith(f"audits/orders/{day}-2.md: ")
    unsigned, signed = (filed.read(project.path / "audits" / "orders" / f"{n}.json") for n in (day, f"{day}-2"))
    assert [(c.second_reviewer, c.dimensions[0].level) for c in (unsigned, signed)] == [
        ("", 3),
        ("grace@example.org", 4),
    ]
    assert unsigned.sources == signed.sources
    assert command(project, "file").returncode == 1


def test_a_run_that_is_signed_late_reopens_nothing(project, grace) -> None:
    """Its finding was closed meanwhile, by a newer run of a newer commit."""
    day, instant = today(project), project.record().inputs.instant
    good(project, "file")
    project.suite("".join(JOBS.format(n=n) for n in (3, 4, 5)).replace("< 5", "< 6"), "checks/test_orders.py")
    project.commit()
    assert good(project, "findings", "close", "F-0001") == (
        f"F-0001: closed, its check passed at {project.git('rev-parse', 'HEAD')[:12]}: runs on-time\n"
    )
    done = command(project, "sign", "--yes", "--key", str(grace))
    assert done.returncode == 0, done.stderr
    said = good(project, "file").splitlines()
    assert said[0].startswith(f"audits/orders/{day}-2.md: ")
    head = project.git("rev-parse", "HEAD")
    assert said[1:4] == [
        "findings: 0 new; `backend-audit findings list`",
        f"note: the run is of commit {project.record().inputs.document.commit[:12]}, and {head[:12]} is checked out",
        f"note: F-0001 stays closed: there is later word of it than this run of {instant}",
    ]
    assert ledger(project).find("F-0001").status is Status.CLOSED
    card = filed.read(project.path / "audits" / "orders" / f"{day}-2.json")
    assert (card.second_reviewer, [f.id for f in card.findings]) == ("grace@example.org", ["F-0001"])


def test_a_merged_run_is_filed_for_all_its_environments(project) -> None:
    """The next audit of either compares with it, and a finding closes when both have shown it."""
    made(project)
    config = project.path / "audit.yaml"
    both = "environments: {prod: {kind: prod}, stage: {kind: stage}}"
    config.write_text(config.read_text().replace("environment: stage", both))
    project.commit()
    for name in ("prod", "stage"):
        audited(project, f"--audit-env={name}")
        (project.path / "audit-report").rename(project.path / f"audit-report-{name}")
    done = command(project, "merge", "audit-report-prod", "audit-report-stage", "-o", "audit-report-both")
    assert done.returncode == 0, done.stderr
    good(project, "file", "audit-report-both")
    [filing] = ledger(project).filings
    assert (filing.environment, len(filing.heads)) == ("prod, stage", 2)
    index = numbers(project)["test_index"]
    (project.path / "schema.sql").write_text("CREATE INDEX i;\n")
    project.commit()
    done = command(project, "findings", "close", index, "--env", "stage")
    assert (done.returncode, done.stdout) == (1, f"{index}: stays open: closed here, and still open in prod\n")
    assert ": closed, its check passed at " in good(project, "findings", "close", index)
    assert ledger(project).find(index).status is Status.CLOSED
    audited(project, "--audit-env=prod")
    assert f"(audits/orders/{filing.file}.md)" in project.record().inputs.prior_source


def test_an_old_run_of_one_environment_takes_nothing_away_in_a_merge(project) -> None:
    """It was made before what the ledger has of that environment; that of the other is new."""
    made(project)
    config = project.path / "audit.yaml"
    both = "environments: {prod: {kind: prod}, stage: {kind: stage}}"
    config.write_text(config.read_text().replace("environment: stage", both))
    project.suite(CHECKS.replace("schema.sql", "std.sql"), "checks/test_orders.py")
    project.commit()
    schema = project.path / "std.sql"
    for name, environment, text in (("old", "prod", "INDEX"), ("new", "prod", ""), ("stage", "stage", "INDEX")):
        schema.write_text(text)
        audited(project, f"--audit-env={environment}")
        (project.path / "audit-report").rename(project.path / f"audit-report-{name}")
    good(project, "file", "audit-report-new")
    index = numbers(project)["test_index"]
    done = command(project, "merge", "audit-report-old", "audit-report-stage", "-o", "audit-report-both")
    assert done.returncode == 0, done.stderr
    said = good(project, "file", "audit-report-both")
    instants = ledger(project).filings[1].instants
    assert f"{index} stays open: there is later word of it than this run of {instants['prod']}" in said
    tracked = ledger(project).find(index)
    assert (tracked.status, tracked.where) == (Status.OPEN, ("prod",))
    assert instants["prod"] < ledger(project).filings[0].instant < instants["stage"]

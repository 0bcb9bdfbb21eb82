"""Findings are disputed, closed and told to trackers: real runs and repositories, the command as a shell starts it."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from unit.cli.command import backend_audit

from plugin._filing import KEY, OTHER, audited, command, good, ledger, made, numbers, today
from pytest_backend_audit.ledger import Status
from pytest_backend_audit.ledger.events import Closed

REPLACED = "(has another come in its place? backend-audit findings replace)"


@pytest.fixture
def orders(project):
    """A repository whose audit can be filed; two of its checks fail."""
    return made(project)


def test_disputes_are_the_reviewers(orders) -> None:
    """Neither the lead auditor's nor the disputer's; no score moves."""
    audited(orders)
    good(orders, "file")
    number = numbers(orders)["test_tls"]
    assert good(orders, "findings", "dispute", number, "--reason", "it is off", "--who", "Lin").startswith(number)
    listed = " ".join(good(orders, "findings", "list", "--severity", "high").split())
    assert f"{number} disputed high no date Kim 4.7 tls L3 failed: TLS 1.0 is on (disputed by Lin: it is off)" in listed
    for who, why in (
        ("ada <ada@example.org>", "Ada led the audit"),
        ("lin", "lin disputed"),
        ("kim <kim@example.org>", f"kim <kim@example.org> owns {number}"),
        (
            "Linus",
            "Linus is no reviewer; Grace may resolve it: --who NAME. Who else may is stated in the last commit: ",
        ),
    ):
        done = command(orders, "findings", "resolve", number, "--upheld", "--reason", "no", "--who", who)
        assert (done.returncode, why in done.stderr) == (2, True), done.stderr
    word = ("--dismissed", "--reason", "I looked", "--who", "Grace")
    assert good(orders, "findings", "resolve", number, *word) == f"{number}: open, the dispute is dismissed\n"
    done = command(orders, "findings", "resolve", number, *word)
    assert (done.returncode, done.stderr) == (2, f"backend-audit: {number} is open, no dispute of it is open\n")


def test_who_has_owned_a_finding_has_no_word_on_its_dispute(orders) -> None:
    """Else its owner hands it on for as long as the word takes."""
    audited(orders)
    good(orders, "file")
    number = numbers(orders)["test_tls"]
    good(orders, "findings", "dispute", number, "--reason", "no", "--who", "Bob")
    for owner in ("Grace", "Kim"):
        good(orders, "findings", "assign", number, "--owner", owner)
    done = command(orders, "findings", "resolve", number, "--upheld", "--reason", "no", "--who", "Grace")
    assert (done.returncode, f"Grace owns {number}, or has owned it; " in done.stderr) == (2, True), done.stderr


def test_who_may_resolve_a_dispute(orders) -> None:
    """Who the last commit names: in audit.yaml, or beside a key. An edit that nobody has seen names nobody."""
    audited(orders)
    good(orders, "file")
    number = numbers(orders)["test_tls"]
    good(orders, "findings", "dispute", number, "--reason", "nah", "--who", "Bob")
    word = ("findings", "resolve", number, "--upheld", "--reason", "nah", "--who")
    config, signers = orders.path / "audit.yaml", orders.path / "audits" / "allowed_signers"
    config.write_text(config.read_text().replace("second_reviewer: Grace", "second_reviewer: Bobby"))
    signers.write_text(f"bobby@example.org {KEY}\n")
    done = command(orders, *word, "Bobby")
    assert done.returncode == 2
    assert done.stderr == (
        "backend-audit: Bobby is no reviewer; Grace may resolve it: --who NAME. Who else may is stated in the last "
        "commit: second_reviewer in audit.yaml, or a key in audits/allowed_signers\n"
    )
    config.write_text(config.read_text().replace("second_reviewer: Bobby\n", ""))
    signers.unlink()
    orders.commit()
    done = command(orders, *word, "Grace")
    assert (done.returncode, done.stderr) == (
        2,
        "backend-audit: nobody may resolve it, as no reviewer is declared: state second_reviewer in audit.yaml, or a "
        "key in audits/allowed_signers (a line a reviewer: ADDRESS and the public key), and commit\n",
    )
    signers.write_text(f"grace@example.org,bob@example.org {KEY}\nheidi@example.org {OTHER}\n")
    orders.commit()
    done = command(orders, *word, "grace@example.org")
    assert (done.returncode, done.stderr) == (
        2,
        f"backend-audit: grace@example.org disputed {number}; somebody else resolves it: --who NAME\n",
    )
    assert ledger(orders).find(number).status is Status.DISPUTED
    assert good(orders, *word, "Heidi <heidi@example.org>") == f"{number}: closed, the dispute is upheld\n"
    listed = " ".join(good(orders, "findings", "list", "--all").split())
    assert "; closed by dispute (Heidi <heidi@example.org>)" in listed


def test_whose_audit_yaml_names_the_reviewer(orders) -> None:
    """Where the audit's own is gone, the named one of the service, committed; another is refused by name."""
    audited(orders)
    good(orders, "file")
    good(orders, "findings", "dispute", "F-0001", "--reason", "nah", "--who", "Bob")
    orders.git("rm", "-q", "audit.yaml")
    orders.commit()
    word = ("findings", "resolve", "F-0001", "--dismissed", "--reason", "nah", "--who", "Eve", "--config")
    (orders.path / "other").mkdir()
    other = orders.path / "other" / "audit.yaml"
    other.write_text("version: 1\nservice: orders\nsecond_reviewer: Eve\n")
    for place, message in (
        ("nowhere.yaml", "--config=nowhere.yaml: there is no such file\n"),
        ("other/audit.yaml", "and says who the second reviewer is; commit it, or name another: --config PATH\n"),
    ):
        done = command(orders, *word, place)
        assert (done.returncode, done.stderr.count("\n"), done.stderr[-len(message) :]) == (2, 1, message)
    other.write_text("version: 1\nservice: bills\nsecond_reviewer: Eve\n")
    orders.commit()
    done = command(orders, *word, "other/audit.yaml")
    assert done.returncode == 2
    assert (
        ": is of the service 'bills', the ledger of 'orders'; name that service's audit.yaml: --config PATH; if "
        in (done.stderr)
    )
    other.write_text("version: 1\nservice: orders\nsecond_reviewer: Eve\n")
    orders.commit()
    assert good(orders, *word, "other/audit.yaml") == "F-0001: open, the dispute is dismissed\n"


def test_how_findings_stand_for_scripts(orders) -> None:
    """What assign, dispute and resolve did, as JSON; a finding that was not filed yet has no number."""
    audited(orders)
    first = orders.card()["findings"][0]["fingerprint"]
    told = json.loads(good(orders, "findings", "assign", first[:8], "--owner", "Lin", "--effort", "S", "--json"))
    stands = {"id": None, "fingerprint": first, "status": None, "owner": "Lin", "due": "", "effort": "S"}
    assert told == [stands]
    good(orders, "file")
    number = ledger(orders).of(first).number
    stands |= {"id": number, "status": "open", "due": "2027-01-31"}
    assert json.loads(good(orders, "findings", "assign", number, "--due", "2027-01-31", "--json")) == [stands]
    told = json.loads(good(orders, "findings", "dispute", number, "--reason", "no", "--who", "Ole", "--json"))
    assert told == {**stands, "status": "disputed"}
    word = ("--upheld", "--reason", "I looked", "--who", "Grace")
    assert json.loads(good(orders, "findings", "resolve", number, *word, "--json")) == {**stands, "status": "closed"}
    assert good(orders, "findings", "assign", "--unassigned", "--owner", "Kim", "--json") == "[]\n"


def test_a_whole_run_closes_what_is_about_a_dimension(orders) -> None:
    """A new one of a single check can't tell."""
    audited(orders)
    good(orders, "file")
    state = ledger(orders)
    number = next(t.number for t in state.findings if t.finding.check == "coverage" and t.finding.dimension == "4.2")
    done = command(orders, "findings", "close", number)
    assert (done.returncode, done.stdout) == (
        1,
        f"{number}: stays open: it is about all of 4.2; a whole audit shows it: pytest --audit-sha=HEAD, then "
        f"backend-audit findings close {number} --run audit-report\n",
    )
    done = command(orders, "findings", "close", number, "--run", "audit-report")
    assert done.returncode == 1
    assert f"{number}: stays open: 17 rows of 4.2 without a check: " in done.stdout


@pytest.mark.parametrize("addopts", ["-k 'test_index or 1'", "--deselect=checks/test_orders.py::test_tls[2]", "--lf"])
def test_a_finding_closes_by_the_whole_of_its_check(orders, addopts: str) -> None:
    """Not by those of its parameters that pass, whoever left the others out."""
    audited(orders)
    good(orders, "file")
    number = numbers(orders)["test_tls"]
    done = backend_audit("findings", "close", number, cwd=orders.path, PYTEST_ADDOPTS=addopts)
    assert done.returncode == 2
    assert "ERROR: a finding closes when the whole of its check passes: " in done.stderr
    assert ledger(orders).find(number).status is Status.OPEN


def test_an_older_run_closes_nothing_that_came_up_since(orders) -> None:
    """The check passed, then failed at the same commit, as the system is another one: the run that passed is over."""
    suite = orders.path / "checks" / "test_orders.py"
    suite.write_text(suite.read_text().replace('Path("tls")', 'Path("std-tls")'))
    orders.commit()
    (orders.path / "std-tls").write_text("")
    audited(orders)
    older = orders.record().inputs.instant
    (orders.path / "audit-report").rename(orders.path / "audit-report-older")
    (orders.path / "std-tls").unlink()
    audited(orders)
    newer = orders.record().inputs.instant
    good(orders, "file")
    number = numbers(orders)["test_tls"]
    done = command(orders, "findings", "close", number, "--run", "audit-report-older")
    assert (done.returncode, done.stdout) == (
        1,
        f"{number}: stays open: there is later word of it, of {newer}, than this run of {older}; take a run made "
        "since, or have its check run anew (no --run)\n",
    )
    assert ledger(orders).find(number).status is Status.OPEN
    (orders.path / "std-tls").write_text("")
    audited(orders)
    assert ": closed, its check passed at " in good(orders, "findings", "close", number, "--run", "audit-report")


def test_a_branch_closes_nothing_by_an_excuse_of_its_own(orders) -> None:
    """Held to the policy of main, as the audit was that found it, the check fails as it did."""
    suite = orders.path / "checks" / "test_orders.py"
    check = suite.read_text().replace(
        "def test_index(audit_evidence)", "def test_index(audit_evidence, audit_acknowledged)"
    )
    bare = 'audit_acknowledged([] if "INDEX" in schema else ["orders.customer_id"])'
    suite.write_text(check.replace('assert "INDEX" in schema', f"assert not {bare}"))
    orders.commit()
    audited(orders, "--audit-policy=main")
    good(orders, "file")
    orders.commit()
    orders.git("checkout", "-q", "-b", "excused")
    config = orders.path / "audit.yaml"
    entry = '{item: "foreign-key-indexes:orders.customer_id", reason: r, who: Bob, ticket: T-1, expires: 2099-12-31}'
    config.write_text(f"{config.read_text()}acknowledged: [{entry}]\n")
    own = orders.commit()
    number = numbers(orders)["test_index"]
    for held in ([], ["--policy", "main"]):
        done = command(orders, "findings", "close", number, *held)
        assert (done.returncode, done.stdout) == (
            1,
            f"{number}: stays open: its check failed: 1 key without an index\n",
        )
    unlike = f"the audit {today(orders)} that has it held audit.yaml to main:audit.yaml, and this run to"
    done = command(orders, "findings", "close", number, "--policy", "HEAD")
    assert (done.returncode, done.stdout) == (
        1,
        f"{number}: stays open: {unlike} {own[:12]}:audit.yaml; --policy main {REPLACED}\n",
    )
    audited(orders)
    assert f"note: {number} stays open: {unlike} nothing; --audit-policy=main {REPLACED}\n" in good(orders, "file")


EXCUSED = """
@audit(dimension="4.1", criterion="foreign-key-indexes", level=3)
def test_index(audit_evidence, audit_acknowledged):
    "Keys have an index."
    schema = Path("schema.sql").read_text()
    audit_evidence.command("cat schema.sql", schema)
    assert not audit_acknowledged([] if "INDEX" in schema else ["orders.customer_id"]), "1 key without an index"
"""
EXCUSE = '{item: "foreign-key-indexes:orders.customer_id", reason: r, who: Bob, ticket: T-1, expires: 2099-12-31}'


def test_a_finding_closes_by_the_audit_yaml_that_found_it(orders) -> None:
    """Another file may excuse it. A change of the same one is committed, and the ledger keeps what it was."""
    suite = orders.path / "checks" / "test_orders.py"
    suite.write_text(suite.read_text().partition("@audit")[0] + EXCUSED)
    orders.commit()
    audited(orders)
    good(orders, "file")
    number, day, config = numbers(orders)["test_index"], today(orders), orders.path / "audit.yaml"
    (orders.path / "other").mkdir()
    (orders.path / "other" / "audit.yaml").write_text(f"{config.read_text()}acknowledged: [{EXCUSE}]\n")
    orders.commit()
    done = command(orders, "findings", "close", number, "--config", "other/audit.yaml")
    unlike = f"the audit {day} that has it judged by audit.yaml, and"
    assert (done.returncode, done.stdout) == (
        1,
        f"{number}: stays open: {unlike} not by other/audit.yaml: leave --config out\n",
    )
    audited(orders, "--audit-config=other/audit.yaml")
    done = command(orders, "findings", "close", number, "--run", "audit-report")
    assert (done.returncode, done.stdout) == (
        1,
        f"{number}: stays open: {unlike} this run by other/audit.yaml {REPLACED}\n",
    )
    assert f"note: {number} stays open: {unlike} this run by other/audit.yaml {REPLACED}\n" in good(orders, "file")
    config.write_text(f"{config.read_text()}acknowledged: [{EXCUSE}]\nsought: {{'4.2': 3}}\n")
    commit = orders.commit()
    changed = "exception acknowledged foreign-key-indexes:orders.customer_id: 2099-12-31: r, was not set"
    said = good(orders, "findings", "close", number)
    assert said == (
        f"{number}: closed, its check passed at {commit[:12]}: 4.1 foreign-key-indexes; judged otherwise since it was "
        f"filed: {changed}\n"
    )
    (event,) = [e for _, e in ledger(orders).find(number).history if isinstance(e, Closed)]
    digest = hashlib.sha256(config.read_bytes()).hexdigest()
    assert (event.config, event.config_digest, event.changed) == ("audit.yaml", digest, (changed,))


def test_a_later_run_by_another_audit_yaml_that_was_filed_before(orders) -> None:
    """Filing out of order does not skip the terms."""
    suite = orders.path / "checks" / "test_orders.py"
    suite.write_text(suite.read_text().partition("@audit")[0] + EXCUSED)
    (orders.path / "other").mkdir()
    config = (orders.path / "audit.yaml").read_text()
    (orders.path / "other" / "audit.yaml").write_text(f"{config}acknowledged: [{EXCUSE}]\n")
    orders.commit()
    audited(orders)
    (orders.path / "audit-report").rename(orders.path / "audit-report-first")
    audited(orders, "--audit-config=other/audit.yaml")
    good(orders, "file")
    said = good(orders, "file", "audit-report-first")
    number = numbers(orders)["test_index"]
    later = f"though the later audit {today(orders)}, which was filed before, was without it: "
    assert f"note: {number} is open, {later}" in said
    assert ledger(orders).find(number).status is Status.OPEN


def test_what_is_no_longer_sought_is_told_when_it_closes(orders) -> None:
    """Nobody wrote those checks."""
    audited(orders)
    good(orders, "file")
    state = ledger(orders)
    number = next(t.number for t in state.findings if t.finding.check == "coverage" and t.finding.dimension == "4.5")
    config = orders.path / "audit.yaml"
    config.write_text(f"{config.read_text()}sought: {{'4.5': 1, '4.2': 3}}\n")
    orders.commit()
    audited(orders)
    said = good(orders, "findings", "close", number, "--run", "audit-report")
    assert said.endswith("4.5 Observability; judged otherwise since it was filed: sought 4.5: L1, was L5\n")


def test_what_is_no_longer_sought_is_told_when_it_goes(orders) -> None:
    """By a filing as by closing."""
    audited(orders)
    good(orders, "file")
    config = orders.path / "audit.yaml"
    config.write_text(f"{config.read_text()}sought: {{'4.5': 1}}\n")
    orders.commit()
    audited(orders)
    said = good(orders, "file")
    assert "is gone, judged otherwise since: sought 4.5: L1, was L5\n" in said


def test_an_audit_yaml_that_was_moved(orders) -> None:
    """It is another file that nobody can judge by any more: the one in its place counts, and the ledger tells."""
    audited(orders)
    good(orders, "file")
    index, tls = numbers(orders)["test_index"], numbers(orders)["test_tls"]
    (orders.path / "ops").mkdir()
    orders.git("mv", "audit.yaml", "ops/audit.yaml")
    (orders.path / "pytest.ini").write_text("[pytest]\naudit_paths = checks\naudit_config = ops/audit.yaml\n")
    (orders.path / "schema.sql").write_text("CREATE INDEX i;\n")
    (orders.path / "tls").write_text("on")
    orders.commit()
    said = good(orders, "findings", "close", index)
    assert said.endswith("; judged otherwise since it was filed: audit.yaml: ops/audit.yaml, was audit.yaml\n")
    audited(orders)
    good(orders, "file")
    assert ledger(orders).find(tls).status is Status.GONE


def test_an_environment_that_got_another_name(orders) -> None:
    """What was open in it closes and goes by the new name once audit.yaml states the old one; else nothing compares."""
    audited(orders, "--audit-policy=main")
    good(orders, "file")
    orders.commit()
    index, tls = numbers(orders)["test_index"], numbers(orders)["test_tls"]
    config = orders.path / "audit.yaml"
    old = config.read_text()
    config.write_text(old.replace("environment: stage\n", "environments:\n  staging: {kind: stage}\n"))
    orders.commit()
    result = orders.run("--audit-sha=HEAD", "--audit-no-worse")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["No worse     not passed: nothing was compared: audits/orders has audits of"])
    assert "audits of stage, none of staging: if that had another name, state it" in (
        orders.record().inputs.prior_missing
    )
    config.write_text(old.replace("environment: stage\n", "environments:\n  staging: {kind: stage, formerly: stage}\n"))
    (orders.path / "schema.sql").write_text("CREATE INDEX i;\n")
    orders.commit()
    assert ": closed, its check passed at " in good(orders, "findings", "close", index)
    (orders.path / "tls").write_text("on")
    orders.commit()
    result = orders.run("--audit-sha=HEAD", "--audit-no-worse")
    result.stdout.fnmatch_lines(["No worse     passed: nothing fell, no new high finding since the prior*"])
    assert orders.record().inputs.formerly == {"staging": "stage"}
    assert orders.record().inputs.prior_source.endswith(".md)")
    assert f"note: {tls} stays open: the audit " in good(orders, "file")
    assert ledger(orders).find(tls).where == ("staging",)
    assert "the environment was called stage before, and is staging now" in " ".join(good(orders, "compare").split())
    audited(orders, "--audit-policy=main")
    good(orders, "file")
    assert ledger(orders).find(tls).status is Status.GONE
    assert {t.where for t in ledger(orders).findings if t.status is Status.OPEN} == {("staging",)}


def test_a_service_that_got_another_name_is_not_new(orders) -> None:
    """Whether it is worse, nobody can tell."""
    audited(orders)
    good(orders, "file")
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace("service: orders", "service: bills"))
    orders.commit()
    result = orders.run("--audit-sha=HEAD", "--audit-no-worse")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    done = command(orders, "gate", "--min", "significant-technical-debt", "--no-worse")
    assert done.returncode == 1
    assert (
        "nothing was compared: audit.yaml has filed audits of the service 'orders', and none of bills: give it its name"
        in done.stdout
    )


def test_a_copy_of_a_filed_card_is_held_to_the_ledger(orders) -> None:
    """An edited one is no audit to compare with, wherever it lies, nor is one that nobody filed."""
    audited(orders)
    good(orders, "file")
    orders.commit()
    card = orders.path / "audits" / "orders" / f"{today(orders)}.json"
    copy = orders.path / "std-copy.json"
    copy.write_text(card.read_text())
    orders.run("--audit-sha=HEAD", f"--audit-prior={copy}")
    assert orders.record().inputs.prior_source.startswith("prior audit ")
    better = card.read_text().replace('"outcome": "failed"', '"outcome": "passed"')
    copy.write_text(better)
    result = orders.run("--audit-sha=HEAD", f"--audit-prior={copy}")
    assert result.errlines[0].endswith(
        "std-copy.json: changed since it was filed, by the ledger beside it; restore it from git"
    )
    (head,) = json.loads(card.read_text())["sources"]
    copy.write_text(card.read_text().replace(head, "ab" * 32))
    result = orders.run("--audit-sha=HEAD", f"--audit-prior={copy}")
    assert result.errlines[0].endswith(
        "std-copy.json: the ledger tells of no such audit; name one that was filed in this repository, or a report "
        "folder"
    )
    folder = orders.path / "std-folder"
    folder.mkdir()
    (folder / "scorecard.json").write_text(better)
    for nothing in (".", "/", "..", "checks", str(folder)):
        result = orders.run("--audit-sha=HEAD", f"--audit-prior={nothing}")
        assert (result.ret, len(result.errlines)) == (pytest.ExitCode.USAGE_ERROR, 2)
    card.write_text(better)
    done = command(orders, "compare", "--no-worse")
    assert (
        done.returncode,
        done.stderr.endswith(".json: changed since it was filed, by the ledger beside it; restore it from git\n"),
    ) == (2, True)


def test_bundled_checks_close_findings_too(orders) -> None:
    """One of ours that reads the repository: chosen by its id, in a run of nothing else."""
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace("suites: none", 'suites: ["4.1"]'))
    orders.commit()
    audited(orders)
    good(orders, "file")
    number = numbers(orders)["test_ci_captures_plans"]
    done = command(orders, "findings", "close", number, "--report", "audit-report-closing")
    assert done.returncode == 1
    assert done.stdout.startswith(f"{number}: stays open: its check failed: the repository has no pipeline of CI")
    kept = json.loads((orders.path / "audit-report-closing" / "scorecard.json").read_text())
    checks = [r for d in kept["dimensions"] for c in d["criteria"] for r in c["checks"]]
    assert [r["check"]["id"].rpartition("::")[2] for r in checks] == ["test_ci_captures_plans"]


PLUGIN = """
def pytest_audit_finding_event(event, finding):
    with open("told.txt", "a") as file:
        file.write(f"{event.type} {event.number} {finding.status}\\n")
    if event.type == "disputed":
        raise KeyError("no such issue")
"""


def test_trackers_are_told(orders, tmp_path_factory) -> None:
    """Installed plugins, as pytest finds them; an error of theirs costs nothing."""
    site = tmp_path_factory.mktemp("site")
    (site / "our_tracker.py").write_text(PLUGIN)
    (site / "our_tracker-1.dist-info").mkdir()
    (site / "our_tracker-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: our-tracker\nVersion: 1\n")
    (site / "our_tracker-1.dist-info" / "entry_points.txt").write_text("[pytest11]\nour_tracker = our_tracker\n")
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    audited(orders)
    done = backend_audit("file", cwd=orders.path, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    told = orders.path / "told.txt"
    assert told.read_text().splitlines() == [f"opened F-{n:04} open" for n in range(1, 11)]
    done = backend_audit("findings", "dispute", "F-0001", "--reason", "no", cwd=orders.path, PYTHONPATH=path)
    assert done.returncode == 0
    assert done.stderr == (
        "backend-audit: pytest_audit_finding_event failed: KeyError: 'no such issue' (our_tracker.py:6)\n"
    )
    assert ledger(orders).find("F-0001").status is Status.DISPUTED


def test_what_a_tracker_is_given(orders) -> None:
    """A block with the twelve fields, and a table in which nothing is a formula."""
    owner = ["--owner", '=HYPERLINK("http://x")']
    audited(orders)
    good(orders, "file")
    good(orders, "findings", "assign", "F-0001", *owner)
    issues = good(orders, "findings", "export", "--format", "md")
    assert issues.count("- **Finding ID:** F-") == 10
    assert issues.count("- **Verification plan:** ") == 10
    rows = good(orders, "findings", "export", "--format", "csv", "--severity", "high").splitlines()
    assert rows[0].startswith("id,dimension,severity,observed,target,evidence,impact,effort,remediation,owner,due,")
    assert ""","'=HYPERLINK(""http://x"")",""" in "\n".join(rows)
    assert json.loads(good(orders, "findings", "list", "--json", "--owner", "hyper"))["findings"][0]["id"] == "F-0001"

"""What lets a finding go, and what does not: real runs and repositories, the command as a shell starts it."""

from __future__ import annotations

import json
import shutil

import pytest
from unit.cli.command import backend_audit

from plugin._filing import (
    REPLACED,
    STRICTER,
    TWO,
    audited,
    command,
    good,
    kept,
    ledger,
    made,
    mended,
    numbers,
    state,
    today,
)
from pytest_backend_audit.cli.ledgers import nearest
from pytest_backend_audit.cli.terms import there_at
from pytest_backend_audit.ledger import Status
from pytest_backend_audit.standard.loader import DATA, DEFAULT


@pytest.fixture
def orders(project):
    """A repository whose audit can be filed; two of its checks fail."""
    return made(project)


def test_what_passed_in_prod_is_not_closed_in_stage(orders) -> None:
    """In a merge of both, where the check could not run in stage: neither by closing nor by filing."""
    state(orders, TWO)
    suite = orders.path / "checks" / "test_orders.py"
    down = '    if audit_run.environment == "stage" and Path("stdown").exists():\n        pytest.skip("down")\n'
    text = suite.read_text().replace("def test_index(audit_evidence)", "def test_index(audit_evidence, audit_run)")
    suite.write_text(text.replace('    schema = Path("schema.sql")', down + '    schema = Path("schema.sql")'))
    orders.commit()
    audited(orders, "--audit-env=stage")
    good(orders, "file")
    number = numbers(orders)["test_index"]
    (orders.path / "stdown").touch()
    mended(orders)
    runs = []
    for environment in ("stage", "prod"):
        audited(orders, f"--audit-env={environment}")
        runs.append(kept(orders, f"audit-report-{environment}"))
    good(orders, "merge", *runs, "-o", "audit-report-both")
    done = command(orders, "findings", "close", number, "--run", "audit-report-both")
    assert (done.returncode, done.stdout) == (
        1,
        f"{number}: stays open: its check did not run in stage: --env stage\n",
    )
    said = good(orders, "file", "audit-report-both")
    assert f"note: {number} stays open: its check did not run in stage\n" in said
    assert ledger(orders).find(number).where == ("stage",)
    assert ledger(orders).filings[-1].kinds == {"prod": "prod", "stage": "stage"}
    # Its kind is known from then on, whatever else was merged.
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace(TWO, "environments: {lab: {kind: stage, formerly: prod}}\n"))
    orders.commit()
    done = command(orders, "findings", "close", number, "--env", "lab")
    assert done.returncode == 2
    assert "lab: formerly: prod was prod in audits/orders/" in " ".join(done.stderr.split())


@pytest.mark.parametrize("between", [None, "environments: {other: {kind: prod, formerly: main}}\n"])
def test_an_environment_keeps_its_kind(orders, between: str | None) -> None:
    """Under its own name as under another, and whoever takes the name that it had."""
    original = (orders.path / "audit.yaml").read_text()
    state(orders, "environments: {main: {kind: prod}}\n")
    orders.commit()
    audited(orders)
    good(orders, "file")
    orders.commit()
    day, was = today(orders), "main"
    if between is not None:
        (orders.path / "audit.yaml").write_text(original.replace("environment: stage\n", between))
        orders.commit()
        audited(orders)
        good(orders, "file")
        day, was = f"{day}-2", "other"
    (orders.path / "audit.yaml").write_text(
        original.replace("environment: stage\n", "environments: {main: {kind: stage}}\n")
    )
    mended(orders)
    result = orders.run("--audit-sha=HEAD")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    way_out = (
        "give it another name, and its first audit compares with none"
        if between is None
        else "leave it out, and the first audit compares with none"
    )
    assert f"{was} was prod in audits/orders/{day}, and this is stage; {way_out}" in " ".join(result.errlines)
    done = command(orders, "findings", "close", numbers(orders)["test_index"])
    assert done.returncode != 0
    assert f"{was} was prod in audits/orders/{day}, and this is stage" in " ".join(done.stderr.split())
    assert ledger(orders).find(numbers(orders)["test_index"]).status is Status.OPEN


def test_a_protected_branch_that_was_renamed(orders) -> None:
    """Its text is another by now: the reviewer's word has it stand for the one before, and findings close by it."""
    audited(orders, "--audit-policy=main")
    good(orders, "file")
    orders.git("branch", "-m", "main", "trunk")
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text() + STRICTER)
    mended(orders)
    index, tls = numbers(orders)["test_index"], numbers(orders)["test_tls"]
    held = f"{index}: stays open: the audit {today(orders)} that has it held audit.yaml to main:audit.yaml, and"
    done = command(orders, "findings", "close", index)
    assert (done.returncode, done.stdout.partition(" is not here: ")[0]) == (1, f"{held} main")
    assert done.stdout.endswith(f" {REPLACED}\n")
    done = command(orders, "findings", "close", index, "--policy", "trunk")
    assert (done.returncode, done.stdout) == (
        1,
        f"{held} this run to trunk:audit.yaml; --policy main {REPLACED}\n",
    )
    word = ("findings", "replace", "--policy", "main", "--by", "trunk", "--reason", "the branch was renamed")
    done = command(orders, *word)
    assert (done.returncode, done.stderr) == (
        2,
        "backend-audit: Kim <kim@example.org> is no reviewer; Grace may say so: --who NAME. Who else may is stated in "
        "the last commit: second_reviewer in audit.yaml, or a key in audits/allowed_signers\n",
    )
    done = command(orders, *word, "--who", "Ada")
    assert (done.returncode, done.stderr) == (
        2,
        "backend-audit: Ada led one of these audits; somebody else says so: --who NAME\n",
    )
    said = good(orders, *word, "--who", "Grace")
    assert said == (
        f"policy trunk:audit.yaml stands for main:audit.yaml, by Grace on {today(orders)}: the branch was renamed\n"
    )
    assert said.strip() in " ".join(good(orders, "findings", "list").split())
    told = good(orders, "findings", "close", index)
    assert "; judged otherwise since it was filed: policy: trunk:audit.yaml, was main:audit.yaml; threshold " in told
    audited(orders, "--audit-policy=trunk")
    good(orders, "file")
    assert ledger(orders).find(tls).status is Status.GONE


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--policy", "main", "--by", "main"), "main is main:audit.yaml itself; name what has come in its place"),
        (
            ("--policy", "release", "--by", "main"),
            "release: no filed audit judged by a policy of that name; they judged by main:audit.yaml",
        ),
        (
            ("--config", "ops.yaml", "--by", "audit.yaml"),
            "ops.yaml: no filed audit judged by an audit.yaml of that name; they judged by audit.yaml",
        ),
        (("--config", "audit.yaml", "--by", "gone.yaml"), "--by gone.yaml: there is no such file"),
        (("--policy", "main", "--by", "gone.yaml"), "--by gone.yaml: there is no such file, and no such revision"),
    ],
)
def test_what_cannot_be_replaced(orders, given: tuple[str, ...], message: str) -> None:
    """One line says why, and the ledger stays as it was."""
    audited(orders, "--audit-policy=main")
    good(orders, "file")
    before = (orders.path / "audits" / "orders" / "ledger.jsonl").read_bytes()
    done = command(orders, "findings", "replace", *given, "--reason", "moved", "--who", "Grace")
    assert (done.returncode, done.stderr) == (2, f"backend-audit: {message}\n")
    assert (orders.path / "audits" / "orders" / "ledger.jsonl").read_bytes() == before


def test_a_branch_s_own_commit_is_no_policy_of_another(orders) -> None:
    """Be the policy named by a commit, as the base of a pull request: that one still closes what it found."""
    base = orders.git("rev-parse", "HEAD")
    orders.git("checkout", "-q", "-b", "work")
    audited(orders, f"--audit-policy={base}")
    good(orders, "file")
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text() + STRICTER)
    own = orders.commit()
    mended(orders)
    number = numbers(orders)["test_index"]
    done = command(orders, "findings", "close", number, "--policy", own)
    assert (done.returncode, done.stdout) == (
        1,
        f"{number}: stays open: the audit {today(orders)} that has it held audit.yaml to {base[:12]}:audit.yaml, and "
        f"this run to {own[:12]}:audit.yaml; --policy {base} {REPLACED}\n",
    )
    assert ": closed, its check passed at " in good(orders, "findings", "close", number)


def test_a_policy_that_was_named_by_where_it_was_from_head(orders) -> None:
    """Is the commit that it named then: on another branch HEAD^ is one of that branch, which has relaxed its rules."""
    base = orders.git("rev-parse", "HEAD")
    (orders.path / "notes.txt").write_text("one\n")
    orders.commit()
    audited(orders, "--audit-policy=HEAD^")
    good(orders, "file")
    assert [(f.policy, f.policy_given) for f in ledger(orders).filings] == [(f"{base[:12]}:audit.yaml", base)]
    orders.git("checkout", "-q", "-b", "work")
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text() + "thresholds: {cache-hit-ratio: 0.5}\n")
    own = orders.commit()
    mended(orders)
    index, tls = numbers(orders)["test_index"], numbers(orders)["test_tls"]
    done = command(orders, "findings", "close", index, "--policy", "HEAD^")
    assert (done.returncode, done.stdout) == (
        1,
        f"{index}: stays open: the audit {today(orders)} that has it held audit.yaml to {base[:12]}:audit.yaml, and "
        f"this run to {own[:12]}:audit.yaml; --policy {base} {REPLACED}\n",
    )
    assert ": closed, its check passed at " in good(orders, "findings", "close", index)
    # The reviewer says it by the commit.
    word = ("findings", "replace", "--policy", base, "--by", own, "--reason", "our own", "--who", "Grace")
    assert good(orders, *word).startswith(f"policy {own[:12]}:audit.yaml stands for {base[:12]}:audit.yaml, by Grace")
    orders.git("checkout", "-q", "--detach")
    (orders.path / "notes.txt").write_text("two\n")
    orders.commit()
    assert ": closed, its check passed at " in good(orders, "findings", "close", tls)


def weak(orders) -> None:
    """The check of the index passes by a document, which its row does not take."""
    suite = orders.path / "checks" / "test_orders.py"
    text = suite.read_text().replace('assert "INDEX"', 'assert "TABLE"')
    said = 'audit_evidence.document("docs/runbook.md", "Runbook")'
    suite.write_text(text.replace('audit_evidence.command("cat schema.sql", schema)', said))


def test_a_run_by_its_own_criteria_closes_nothing(orders) -> None:
    """Any evidence is good enough in one: a finding would close by weak evidence, as it was found."""
    weak(orders)
    orders.commit()
    audited(orders)
    good(orders, "file")
    number = numbers(orders)["test_index"]
    assert ledger(orders).find(number).finding.outcome == "weak"
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text() + "standard: none\n")
    orders.commit()
    done = command(orders, "findings", "close", number)
    assert (done.returncode, done.stderr) == (
        2,
        "backend-audit: nothing was closed: the run is by its own criteria; load the standard (audit.yaml: standard: "
        "bundled, or default) and commit\n",
    )
    assert ledger(orders).find(number).status is Status.OPEN


def test_a_standard_of_one_s_own_that_was_edited(orders) -> None:
    """Its row takes a document from now on: the finding closes, or goes, and it is said why."""
    shutil.copytree(DATA / DEFAULT, orders.path / "own")
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text() + "standard: own/standard.yaml\n")
    weak(orders)
    orders.commit()
    audited(orders)
    good(orders, "file")
    orders.commit()
    number = numbers(orders)["test_index"]
    rows = orders.path / "own" / "4.1.yaml"
    rows.write_text(rows.read_text().replace("scanned", "attested").replace("measured", "attested"))
    orders.commit()
    audited(orders)
    changed = "standard: another own/standard.yaml than then"
    before = (orders.path / "audits" / "orders" / "ledger.jsonl").read_bytes()
    said = " ".join(good(orders, "findings", "close", number).split())
    assert said.endswith(f"foreign-key-indexes; judged otherwise since it was filed: {changed}")
    (orders.path / "audits" / "orders" / "ledger.jsonl").write_bytes(before)
    assert f"note: {number} is gone, judged otherwise since: {changed}\n" in good(orders, "file")
    assert [(f.standard, len(f.standard_digest)) for f in ledger(orders).filings] == [("own/standard.yaml", 64)] * 2


def test_which_audit_yaml_are_there(orders) -> None:
    """Those of the audited commit; one in another repository may be."""
    there = there_at(orders.path, orders.git("rev-parse", "HEAD"))
    assert [there(name) for name in ("audit.yaml", "gone.yaml", "ops:audit.yaml")] == [True, False, True]


def test_an_audit_yaml_of_another_repository_that_was_moved(orders, tmp_path_factory) -> None:
    """Nobody can see that it is gone: until the reviewer says so, the findings stay, and the message tells how."""
    ops = tmp_path_factory.mktemp("ops")
    shutil.move(orders.path / "audit.yaml", ops / "audit.yaml")
    config = ops / "audit.yaml"
    config.write_text(config.read_text() + f"repository: {orders.path}\n")
    orders.commit()
    for command_line in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "ops")):
        orders.git("-C", str(ops), "-c", "user.name=K", "-c", "user.email=k@example.org", *command_line)
    audited(orders, f"--audit-config={config}")
    good(orders, "file")
    index = numbers(orders)["test_index"]
    assert ledger(orders).filings[0].config == "elsewhere:audit.yaml"
    (orders.path / "audit.yaml").write_text(config.read_text().replace(f"repository: {orders.path}\n", "") + STRICTER)
    mended(orders)
    done = command(orders, "findings", "close", index)
    assert (done.returncode, done.stdout) == (
        1,
        f"{index}: stays open: the audit {today(orders)} that has it judged by elsewhere:audit.yaml, and this run by "
        f"audit.yaml {REPLACED}\n",
    )
    moved = ("--config", "elsewhere:audit.yaml", "--by", "audit.yaml", "--reason", "it lies beside the code now")
    good(orders, "findings", "replace", *moved, "--who", "Grace")
    told = good(orders, "findings", "close", index)
    assert "; judged otherwise since it was filed: audit.yaml: audit.yaml, was elsewhere:audit.yaml; " in told


def test_an_environment_that_is_no_more(orders) -> None:
    """The message tells of its name before; and a name that no audit had is told of."""
    audited(orders, "--audit-policy=main")
    good(orders, "file")
    orders.commit()
    state(orders, "environments:\n  staging: {kind: stage}\n  prod: {kind: prod}\n")
    mended(orders)
    index = numbers(orders)["test_index"]
    done = command(orders, "findings", "close", index)
    assert (done.returncode, done.stderr) == (
        2,
        "backend-audit: nothing was closed: found in stage, and audit.yaml has the environments staging, prod: if one "
        "of them had that name before, state it (environments: NAME: formerly: stage); if it is audited no more, the "
        "reviewer says so: findings retire stage --reason TEXT\n",
    )
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace("kind: stage}", "kind: stage, formerly: stgae}"))
    orders.commit()
    orders.run("--audit-sha=HEAD", "--audit-env=staging")
    assert orders.record().inputs.notices[-1:] == (
        "audit.yaml: environments: staging: formerly: audits/orders has no audit of stgae; it has audits of stage",
    )
    config.write_text(config.read_text().replace("stgae", "stage"))
    orders.commit()
    assert ": closed, its check passed at " in good(orders, "findings", "close", index, "--env", "staging")


def test_a_check_that_was_taken_out_mends_nothing(orders) -> None:
    """Its finding goes, as nobody can show it any more; the filing says so, and the list."""
    audited(orders)
    good(orders, "file")
    number = numbers(orders)["test_index"]
    suite = orders.path / "checks" / "test_orders.py"
    before, _, after = suite.read_text().partition("@audit")
    suite.write_text(before + after[after.index("@pytest.mark.parametrize") :])
    orders.commit()
    audited(orders)
    said = good(orders, "file")
    assert f"note: {number} is gone unmended: its check is no longer part of the audit\n" in said
    listed = " ".join(good(orders, "findings", "list", "--all").split())
    assert "(its check is no longer part of the audit)" in listed
    why = "gone unmended: its check is no longer part of the audit"
    done = command(orders, "findings", "close", number)
    assert (done.returncode, done.stdout) == (
        1,
        f"{number}: is {why}; the next audit that is filed shows whether it is mended\n",
    )
    done = command(orders, "findings", "close", number, "--json")
    assert (done.returncode, json.loads(done.stdout)) == (1, [{"id": number, "closed": False, "reason": why}])


def test_a_ledger_that_is_gone(orders) -> None:
    """Nothing is filed beside cards whose findings have numbers that nobody knows."""
    audited(orders)
    good(orders, "file")
    orders.commit()
    (orders.path / "audits" / "orders" / "ledger.jsonl").unlink()
    orders.commit()
    result = orders.run("--audit-sha=HEAD")
    lost = f"audits/orders: {today(orders)}.json is there, and no ledger.jsonl, which has the numbers of their findings"
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert lost in " ".join(result.errlines)
    done = command(orders, "file")
    assert done.returncode == 1
    assert f"  - {lost}; restore it from git, or take away what a filing that was cut short has left\n" in done.stderr
    assert [p.name for p in (orders.path / "audits" / "orders").iterdir()].count("ledger.jsonl") == 0
    for ask in (("findings", "list"), ("compare", "audit-report")):
        done = command(orders, *ask)
        assert done.returncode == 2
        assert lost in " ".join(done.stderr.split()), ask


def test_the_nearest_audit_yaml_of_a_service(orders) -> None:
    """Not another service's, which lies at the top; the only one that git has of it, and none where there are two."""
    config = (orders.path / "audit.yaml").read_text()
    (orders.path / "audit.yaml").write_text(config.replace("service: orders", "service: gateway"))
    for name, found in (("apps", True), ("old", False)):
        (orders.path / name).mkdir()
        (orders.path / name / "audit.yaml").write_text(config)
        orders.commit()
        assert nearest(orders.path, "orders") == (orders.path / "apps" / "audit.yaml" if found else None)
    assert nearest(orders.path, "gateway") == orders.path / "audit.yaml"


def test_a_service_without_a_ledger(orders) -> None:
    """A name that is written wrongly is no service without findings."""
    audited(orders)
    good(orders, "file")
    done = command(orders, "findings", "list", "--service", "ordes")
    assert (done.returncode, done.stderr) == (
        2,
        "backend-audit: --service ordes: audits/ has no ledger of that service; it has orders\n",
    )


def test_an_environment_without_an_audit_yaml(orders) -> None:
    """Is a mistake, and not left out in silence."""
    (orders.path / "audit.yaml").unlink()
    orders.commit()
    result = orders.run("--audit-sha=HEAD", "--audit-env=stage")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert " ".join(result.errlines).strip() == (
        f"ERROR: --audit-env=stage: there is no audit.yaml in {orders.path}, and so no environment; name it: "
        "--audit-config=PATH, or audit_config in pytest's ini file"
    )


def test_what_a_merge_finds_is_where_its_check_ran(orders) -> None:
    """A check that may not run in prod has its finding in stage; what it could not run in prod goes with it."""
    state(orders, "environments:\n  prod: {kind: prod}\n  stage: {kind: stage}\n")
    suite = orders.path / "checks" / "test_orders.py"
    suite.write_text(
        suite.read_text().replace(
            '@audit(dimension="4.7", criterion="tls", level=3)',
            '@audit(dimension="4.7", criterion="tls", level=3, needs=("probes",))',
        )
    )
    orders.commit()
    audited(orders, "--audit-env=prod", "--audit-allow=probes")
    good(orders, "file")
    tls, index = numbers(orders)["test_tls"], numbers(orders)["test_index"]
    assert ledger(orders).find(tls).finding.outcome == "could-not-run"
    runs = [kept(orders, "audit-report-prod")]
    audited(orders, "--audit-env=stage", "--audit-allow=probes")
    good(orders, "merge", *runs, kept(orders, "audit-report-stage"), "-o", "audit-report-both")
    good(orders, "file", "audit-report-both")
    assert ledger(orders).find(tls).where == ("prod", "stage")
    assert [e.environment for _, e in ledger(orders).find(tls).history] == ["prod", "stage"]
    assert ledger(orders).find(index).where == ("prod", "stage")
    listed = " ".join(good(orders, "findings", "list").split())
    assert "key without an index (in prod, stage)" in listed
    mended(orders)
    runs = []
    for name in ("prod", "stage"):
        audited(orders, f"--audit-env={name}", "--audit-allow=probes")
        runs.append(kept(orders, f"audit-report-{name}-2"))
    good(orders, "merge", *runs, "-o", "audit-report-again")
    said = good(orders, "file", "audit-report-again")
    assert "0 new, 8 as before, 2 gone" in said
    assert "still open" not in said
    assert {ledger(orders).find(number).status for number in (index, tls)} == {Status.GONE}


def test_a_fleet_has_both_environments_of_a_kind(orders) -> None:
    """What is open in europe stays in sight when us is audited, and us has risen from nothing; so after a renaming."""
    state(orders, "environments:\n  europe: {kind: prod}\n  us: {kind: prod}\n")
    suite = orders.path / "checks" / "test_orders.py"
    text = suite.read_text().replace("def test_tls(audit_evidence, n)", "def test_tls(audit_evidence, n, audit_run)")
    suite.write_text(text.replace('Path("tls").exists()', 'audit_run.environment == "us"'))
    (orders.path / "schema.sql").write_text("CREATE INDEX i;\n")
    orders.commit()
    for environment in ("europe", "us"):
        audited(orders, f"--audit-env={environment}")
        good(orders, "file")
        orders.commit()
    fleet = json.loads(good(orders, "fleet", "audits", "--json"))
    assert [(s["environment"], s["environment_kind"], s["tracked"]) for s in fleet["services"]] == [
        ("europe", "prod", True),
        ("us", "prod", True),
    ]
    assert fleet["failing"] == [{"dimension": "4.7", "criterion": "tls", "failed": 1, "unproven": 0, "of": 2}]
    assert fleet["rose"] == []
    said = good(orders, "fleet", "audits")
    assert said.startswith("Fleet: 1 service (2 with their environments), 2 audits, ")
    assert [line[:24] for line in said.splitlines() if line.startswith("orders ")] == [
        "orders               eur",
        "orders               us ",
    ]
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace("europe: {kind: prod}", "eu: {kind: prod, formerly: europe}"))
    orders.commit()
    audited(orders, "--audit-env=eu")
    good(orders, "file")
    fleet = json.loads(good(orders, "fleet", "audits", "--json"))
    assert [(s["environment"], s["before"]) for s in fleet["services"]] == [("eu", today(orders)), ("us", None)]


def test_a_fleet_counts_a_merge_for_each_of_its_environments(orders) -> None:
    """Nobody asks for prod and passes over a merge that it has a part in; the ledger tells of which kind is what."""
    state(orders, "environments:\n  eu: {kind: prod}\n  lab: {kind: stage}\n")
    orders.commit()
    runs = []
    for name in ("eu", "lab"):
        audited(orders, f"--audit-env={name}")
        runs.append(kept(orders, f"audit-report-{name}"))
    good(orders, "file", runs[0])
    good(orders, "merge", *runs, "-o", "audit-report-both")
    good(orders, "file", "audit-report-both")
    for asked in ("prod", "eu", "stage", "lab"):
        gate = ("--environment", asked, "--min", "significant-technical-debt")
        done = command(orders, "fleet", "audits", "--json", *gate)
        (row,) = json.loads(done.stdout)["services"]
        assert (done.returncode, row["environment"], row["environment_kind"]) == (1, "eu, lab", "prod, stage")
    audited(orders, "--audit-env=lab")
    good(orders, "file")
    rows = {a: json.loads(good(orders, "fleet", "audits", "--json", "--environment", a)) for a in ("prod", "stage")}
    assert {a: [s["environment"] for s in found["services"]] for a, found in rows.items()} == {
        "prod": ["eu, lab"],
        "stage": ["lab"],
    }


def test_an_audit_yaml_that_was_moved_under_a_policy(orders) -> None:
    """The branch is the same policy; the file is found where it is, by closing as by the reviewer."""
    audited(orders, "--audit-policy=main")
    good(orders, "file")
    orders.commit()
    (orders.path / "ops").mkdir()
    orders.git("mv", "audit.yaml", "ops/audit.yaml")
    config = orders.path / "ops" / "audit.yaml"
    config.write_text(config.read_text() + STRICTER)
    mended(orders)
    index, tls = numbers(orders)["test_index"], numbers(orders)["test_tls"]
    told = good(orders, "findings", "close", index)
    assert "; policy: main:ops/audit.yaml, was main:audit.yaml; threshold " in told
    good(orders, "findings", "dispute", tls, "--reason", "it is off", "--who", "Bob")
    good(orders, "findings", "resolve", tls, "--dismissed", "--reason", "I looked", "--who", "Grace")
    moved = ("--policy", "main", "--by", "main:ops/audit.yaml", "--reason", "moved", "--who", "Grace")
    assert good(orders, "findings", "replace", *moved).startswith(
        "policy main:ops/audit.yaml stands for main:audit.yaml"
    )
    orders.git("branch", "-m", "main", "trunk")
    again = ("--policy", "main:ops/audit.yaml", "--by", "trunk", "--reason", "renamed", "--who", "Grace")
    good(orders, "findings", "replace", *again)
    assert ": closed, its check passed at " in good(orders, "findings", "close", tls)


def test_a_plain_file_is_the_same_policy_from_every_folder(orders) -> None:
    """By its path in the repository; a file of its name in another folder is another one."""
    (orders.path / "policy.yaml").write_text(STRICTER)
    (orders.path / "sub").mkdir()
    (orders.path / "sub" / "policy.yaml").write_text("thresholds: {cache-hit-ratio: 0.5}\n")
    orders.commit()
    audited(orders, "--audit-policy=policy.yaml")
    good(orders, "file")
    mended(orders)
    number = numbers(orders)["test_index"]
    below = ("findings", "close", number, "--repository", str(orders.path))
    done = backend_audit(*below, "--policy", "policy.yaml", "--config", "../audit.yaml", cwd=orders.path / "sub")
    assert done.stdout == (
        f"{number}: stays open: the audit {today(orders)} that has it held audit.yaml to policy.yaml, and this run to "
        f"sub/policy.yaml; --policy policy.yaml {REPLACED}\n"
    )
    assert ": closed, its check passed at " in good(orders, "findings", "close", number)

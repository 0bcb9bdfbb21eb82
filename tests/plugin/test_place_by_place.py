"""A finding is judged in each of its environments by itself: real runs and repositories, real commands."""

from __future__ import annotations

import json
import shutil

import pytest

from plugin._filing import (
    OWNERS,
    REPLACED,
    TWO,
    audited,
    command,
    good,
    kept,
    ledger,
    made_two,
    mended,
    merged,
    numbers,
    today,
)
from plugin.test_sign_off import STANDARD
from pytest_backend_audit.ledger import Status


@pytest.fixture
def orders(project):
    """A repository whose audit can be filed; two of its checks fail, by prod and by stage."""
    return made_two(project)


def tls(orders, body: str, level: int = 3) -> None:
    """Have the second check look at its environment."""
    suite = orders.path / "checks" / "test_orders.py"
    before, _, _ = suite.read_text().partition("@pytest.mark.parametrize")
    suite.write_text(
        f'{before}@pytest.mark.parametrize("n", [1, 2])\n@audit(dimension="4.7", criterion="tls", level={level})\n'
        f"def test_tls(audit_evidence, n, audit_run):\n{body}"
    )
    orders.commit()


ONLY_STAGE = """\
    audit_evidence.command("testssl", "TLS 1.3")
    assert audit_run.environment == "stage" or n == 1, "TLS 1.0 is on"
"""


def both_ways(orders, number: str, run: str) -> tuple[str, str]:
    """What closing by a run says of a finding, and what filing that run says, each by itself."""
    shutil.copytree(orders.path / "audits", orders.path / "audit-report-before")
    closed = command(orders, "findings", "close", number, "--run", run)
    shutil.rmtree(orders.path / "audits")
    shutil.copytree(orders.path / "audit-report-before", orders.path / "audits")
    filed = good(orders, "file", run)
    return closed.stdout, filed


@pytest.mark.parametrize(
    "narrowed",
    [("checks/test_orders.py::test_index", "checks/test_orders.py::test_tls[1]"), ("-k", "not tls or 1")],
    ids=["node ids", "keywords"],
)
def test_a_case_that_did_not_run_in_an_environment(orders, narrowed: tuple[str, ...]) -> None:
    """The whole run of another one shows nothing of it."""
    tls(orders, ONLY_STAGE)
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    number = numbers(orders)["test_tls"]
    audited(orders, "--audit-env=prod", *narrowed)
    runs = [kept(orders, "audit-report-prod")]
    audited(orders, "--audit-env=stage")
    runs.append(kept(orders, "audit-report-stage"))
    closed, filed = both_ways(orders, number, merged(orders, runs))
    assert closed == f"{number}: stays open: its check did not run in prod: --env prod\n"
    assert f"note: {number} stays open: its check did not run in prod\n" in filed
    assert ledger(orders).find(number).where == ("prod",)


def test_what_is_advised_in_one_of_several_environments_works_there(orders) -> None:
    """A whole audit to close by names the environment, and a need is allowed by the option of the command itself."""
    suite = orders.path / "checks" / "test_orders.py"
    asks = '@audit(dimension="4.7", criterion="tls", level=3'
    suite.write_text(suite.read_text().replace(asks, f'{asks}, needs=("writes",)'))
    orders.commit()
    audited(orders, "--audit-env=stage", "--audit-allow=writes")
    good(orders, "file")
    whole = next(t.number for t in ledger(orders).findings if t.finding.check == "coverage")
    done = command(orders, "findings", "close", whole)
    way = "a whole audit shows it: pytest --audit-sha=HEAD --audit-env=stage, then backend-audit findings close"
    assert f"{way} {whole} --run audit-report\n" in done.stdout
    number = numbers(orders)["test_tls"]
    done = command(orders, "findings", "close", number)
    assert done.stdout == (
        f"{number}: stays open: its check could not run: needs writes, which is not allowed: run with --allow writes\n"
    )
    (orders.path / "tls").touch()
    orders.commit()
    assert good(orders, "findings", "close", number, "--allow", "writes").startswith(f"{number}: closed, ")


HALF_DOWN = """\
    if audit_run.environment == "stage" and (n == 1 or Path("stdown").exists()):
        pytest.skip("down")
    audit_evidence.command("testssl", "TLS 1.3")
    assert audit_run.environment == "prod", "TLS 1.0 is on"
"""


def test_a_failure_that_a_lower_limit_hides(orders) -> None:
    """One case failed in stage, and another could not run: what the whole is called is no word that it never ran."""
    tls(orders, HALF_DOWN, level=4)
    audited(orders, "--audit-env=stage")
    good(orders, "file")
    number = numbers(orders)["test_tls"]
    (orders.path / "stdown").touch()
    runs = []
    for environment in ("stage", "prod"):
        audited(orders, f"--audit-env={environment}")
        runs.append(kept(orders, f"audit-report-{environment}"))
    closed, filed = both_ways(orders, number, merged(orders, runs))
    assert closed == f"{number}: stays open: its check did not run in stage: --env stage\n"
    assert f"note: {number} stays open: its check did not run in stage\n" in filed
    assert ledger(orders).find(number).where == ("stage",)


def test_each_environment_has_its_own_audit_yaml(orders) -> None:
    """A merge by that of one closes the finding there, and leaves it open in the other."""
    base = (orders.path / "audit.yaml").read_text()
    strict = base.replace(TWO, "environments: {prod: {kind: prod}}\n") + "thresholds: {cache-hit-ratio: 0.999}\n"
    (orders.path / "prod.yaml").write_text(strict)
    orders.commit()
    for options in ("--audit-env=stage", "--audit-config=prod.yaml"):
        audited(orders, options)
        good(orders, "file")
        orders.commit()
    number = numbers(orders)["test_index"]
    assert ledger(orders).find(number).where == ("prod", "stage")
    mended(orders)
    runs = []
    for environment in ("stage", "prod"):
        audited(orders, f"--audit-env={environment}")
        runs.append(kept(orders, f"audit-report-{environment}"))
    judged = f"the audit {today_of(orders)}-2 that has it judged by prod.yaml, and this run by audit.yaml {REPLACED}"
    done = command(orders, "findings", "close", number, "--run", "audit-report-prod")
    assert done.stdout == f"{number}: stays open: {judged}\n"
    closed, filed = both_ways(orders, number, merged(orders, runs))
    assert closed == f"{number}: stays open: closed here, and still open in prod\n"
    assert f"{number}, {numbers(orders)['test_tls']} stay open: in prod, {judged}\n" in filed
    assert ledger(orders).find(number).where == ("prod",)


def today_of(orders) -> str:
    """The day of the latest filing."""
    return ledger(orders).filings[-1].file[:10]


def test_an_environment_is_compared_with_itself_in_a_merge(orders) -> None:
    """What only stage could answer has not fallen in prod by an audit of prod alone."""
    config = orders.path / "audit.yaml"
    stated = config.read_text().replace(OWNERS, '"tls": Kim')
    config.write_text(stated + "standard: own.yaml\n")
    (orders.path / "own.yaml").write_text(OWN)
    suite = orders.path / "checks" / "test_orders.py"
    suite.write_text(
        "from pathlib import Path\n\nimport pytest\n\nfrom pytest_backend_audit import audit\n\n\n"
        '@audit(dimension="tls", criterion="version", level=3)\ndef test_tls(audit_evidence, audit_run):\n'
        '    if audit_run.environment == "prod":\n        pytest.skip("not here")\n'
        '    audit_evidence.command("testssl", "TLS 1.3")\n'
    )
    orders.commit()
    runs = []
    for environment in ("stage", "prod"):
        audited(orders, f"--audit-env={environment}")
        runs.append(kept(orders, f"audit-report-{environment}"))
    good(orders, "file", merged(orders, runs))
    orders.commit()
    (card,) = (orders.path / "audits" / "orders").glob("*.json")
    parts = json.loads(card.read_text())["parts"]
    levels = {place: {d["id"]: d["would_be"] for d in part["dimensions"]} for place, part in parts.items()}
    assert levels == {"prod": {"tls": 1}, "stage": {"tls": 3}}
    assert {place: len(part["sources"]) for place, part in parts.items()} == {"prod": 1, "stage": 1}
    audited(orders, "--audit-env=prod", "--audit-no-worse")
    assert orders.record().inputs.prior_levels == {"tls": 1}
    compared = command(orders, "compare", "audit-report", "--no-worse")
    assert compared.returncode == 0, compared.stdout
    assert "tls TLS  L1\n" in compared.stdout
    # By itself, not that of the merge.
    assert "Disposition  Not production-grade\n" in compared.stdout
    [changes] = json.loads(command(orders, "compare", "audit-report", "--json").stdout)["comparisons"]
    assert (changes["warnings"], changes["checks"], changes["findings"]) == ([], [], [])


def test_two_that_stood_side_by_side_are_never_one(orders) -> None:
    """Whatever audit.yaml says of them later."""
    tls(orders, ONLY_STAGE)
    for environment in ("prod", "stage"):
        audited(orders, f"--audit-env={environment}")
        good(orders, "file")
        orders.commit()
    number = numbers(orders)["test_tls"]
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace(TWO, "environments: {stage: {kind: prod, formerly: prod}}\n"))
    orders.commit()
    said = (
        "ERROR: audit.yaml: environments: stage: formerly: prod and stage stood side by side in the audit.yaml of "
        f"audits/orders/{today(orders)}-2, so that none of them is the other by a later name; leave it out, or give it "
        "a name of its own"
    )
    result = orders.run("--audit-sha=HEAD")
    assert (result.ret, result.errlines[0]) == (pytest.ExitCode.USAGE_ERROR, said)
    assert said in command(orders, "findings", "close", number, "--env", "stage").stderr
    assert ledger(orders).find(number).where == ("prod",)


def test_a_name_before_that_is_stated_late(orders) -> None:
    """Every command has one view of what is open from then on, whoever closed it by which name."""
    config = orders.path / "audit.yaml"
    text = config.read_text()
    config.write_text(text.replace(TWO, "environments: {prod: {kind: prod}}\n"))
    orders.commit()
    audited(orders)
    good(orders, "file")
    number = numbers(orders)["test_index"]
    config.write_text(text.replace(TWO, "environments: {europe: {kind: prod}}\n"))
    orders.commit()
    audited(orders)
    good(orders, "file")
    mended(orders)
    said = good_or_not(orders, "findings", "close", number, "--env", "europe")
    assert said == f"{number}: stays open: closed here, and still open in prod\n"
    config.write_text(text.replace(TWO, "environments: {europe: {kind: prod, formerly: prod}}\n"))
    orders.commit()
    assert good(orders, "findings", "close", number).startswith(f"{number}: is closed already: its check passed at ")
    assert number not in good(orders, "findings", "list")
    disputed = command(orders, "findings", "dispute", number, "--reason", "x")
    assert (disputed.returncode, "is closed" in disputed.stderr) == (2, True)


def good_or_not(orders, *arguments: str) -> str:
    """What a command says that leaves something open."""
    done = command(orders, *arguments)
    assert (done.returncode, done.stderr) == (1, "")
    return done.stdout


def test_two_names_that_changed_at_once(orders) -> None:
    """Findings of both are shown by their names now."""
    for environment in ("prod", "stage"):
        audited(orders, f"--audit-env={environment}")
        good(orders, "file")
        orders.commit()
    config = orders.path / "audit.yaml"
    renamed = "environments:\n  live: {kind: prod, formerly: prod}\n  trial: {kind: stage, formerly: stage}\n"
    config.write_text(config.read_text().replace(TWO, renamed))
    number = numbers(orders)["test_index"]
    told = json.loads(good(orders, "findings", "list", "--json"))["findings"]
    assert next(f["where"] for f in told if f["id"] == number) == ["live", "trial"]


def test_a_name_before_that_audits_refuse_is_believed_by_no_command(orders) -> None:
    """Neither committed nor before that: what is open in stage is no finding of prod."""
    tls(orders, "    audit_evidence.command('testssl', 'TLS 1.3')\n    assert Path('tls').exists(), 'TLS 1.0 is on'\n")
    for environment in ("prod", "stage"):
        audited(orders, f"--audit-env={environment}")
        good(orders, "file")
        orders.commit()
    number = numbers(orders)["test_tls"]
    mended(orders)
    said = f"{number}: stays open: closed here, and still open in stage\n"
    assert good_or_not(orders, "findings", "close", number, "--env", "prod") == said
    # A second time, by mistake: nothing suggests that the one is the other.
    said = f"{number}: stays open: it is open in stage, and this run was in prod: --env stage\n"
    assert good_or_not(orders, "findings", "close", number, "--env", "prod") == said
    config = orders.path / "audit.yaml"
    text = config.read_text()
    for stated in (
        TWO.replace("{kind: prod}", "{kind: prod, formerly: stage}"),
        "environments: {prod: {kind: prod, formerly: stage}}\n",
    ):
        config.write_text(text.replace(TWO, stated))
        assert number in good(orders, "findings", "list")
        orders.commit()
        assert number in good(orders, "findings", "list")


def test_an_audit_that_knows_an_environment_s_names_apart_is_not_filed_late(orders) -> None:
    """By the ledger they are one by then, and nothing could tell them apart any more."""
    config = orders.path / "audit.yaml"
    text = config.read_text()
    config.write_text(text.replace(TWO, "environments: {prod: {kind: prod}}\n"))
    orders.commit()
    audited(orders)
    good(orders, "file")
    config.write_text(text.replace(TWO, "environments: {prod: {kind: prod}, europe: {kind: prod}}\n"))
    orders.commit()
    audited(orders, "--audit-env=europe")
    late = kept(orders, "audit-report-late")
    config.write_text(text.replace(TWO, "environments: {europe: {kind: prod, formerly: prod}}\n"))
    orders.commit()
    audited(orders)
    good(orders, "file")
    done = command(orders, "file", late)
    assert (done.returncode, done.stderr) == (
        1,
        f"{late}: not filed\n  - its audit.yaml has prod and europe side by side, and by the ledger they are one; give "
        "one of them a name of its own, then audit again: pytest --audit-sha=HEAD --audit-env=NAME\n",
    )


OWN = (
    STANDARD.partition("dimensions:")[0]
    + """\
dimensions:
  - id: tls
    name: TLS
    scope: Whether it is on.
    folder: tls
    rows:
      - {criterion: version, level: 3, clause: TLS 1.3 is on., proof: measured}
"""
)


# What is taken out of an audit


def test_a_case_that_was_taken_out_before_it_passed(orders) -> None:
    """No run shows that it is mended: it closes nothing, and the next filing says so."""
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    number = numbers(orders)["test_tls"]
    suite = orders.path / "checks" / "test_orders.py"
    suite.write_text(suite.read_text().replace("[1, 2]", "[1]"))
    orders.commit()
    done = command(orders, "findings", "close", number)
    assert (done.returncode, done.stdout) == (
        1,
        f"{number}: stays open: [2] of its check did not pass, and is no longer part of it; the next audit that is "
        "filed takes note of that\n",
    )
    audited(orders, "--audit-env=prod")
    said = "is gone unmended: a case that did not pass is no longer part of its check"
    assert f"note: {number} {said}\n" in good(orders, "file")
    done = command(orders, "findings", "close", number)
    shown = "the next audit that is filed shows whether it is mended"
    assert (done.returncode, done.stdout) == (1, f"{number}: {said}; {shown}\n")
    orders.commit()
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    assert ledger(orders).find(number).unmended == "a case that did not pass is no longer part of its check"
    suite.write_text(suite.read_text().replace("[1]", "[1, 2]"))
    mended(orders)
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    assert (ledger(orders).find(number).unmended, ledger(orders).find(number).reason) == ("", "its check passed")


def test_a_case_that_was_taken_out_while_another_failed(orders) -> None:
    """It is remembered for as long as the finding is open."""
    suite = orders.path / "checks" / "test_orders.py"
    text = suite.read_text().replace('Path("tls").exists() or n == 1', 'Path("tls").exists()')
    for cases in ("[1, 2]", "[1]"):
        suite.write_text(text.replace("[1, 2]", cases))
        orders.commit()
        audited(orders, "--audit-env=prod")
        good(orders, "file")
    number = numbers(orders)["test_tls"]
    mended(orders)
    done = command(orders, "findings", "close", number)
    assert done.stdout.startswith(f"{number}: stays open: [2] of its check did not pass, and is no longer part of it;")


def test_a_case_without_a_name_of_its_own_that_was_taken_out(orders) -> None:
    """Pytest calls it by its place, which the next one has by then."""
    suite = orders.path / "checks" / "test_orders.py"
    text = suite.read_text().replace("n == 1,", 'n["n"] != 2,')
    suite.write_text(text.replace("[1, 2]", '[{"n": 1}, {"n": 2}, {"n": 3}]'))
    orders.commit()
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    number = numbers(orders)["test_tls"]
    suite.write_text(text.replace("[1, 2]", '[{"n": 1}, {"n": 3}]'))
    orders.commit()
    done = command(orders, "findings", "close", number)
    assert done.stdout.startswith(f"{number}: stays open: [n1] of its check did not pass, and is no longer part of it;")


def test_cases_that_an_environment_has_for_itself(orders) -> None:
    """In a merge each has its own to pass, and passes them by itself."""
    tls(
        orders,
        '    if audit_run.environment != ("prod" if n == 1 else "stage"):\n        pytest.skip("of the other one")\n'
        '    audit_evidence.command("testssl", "TLS 1.3")\n    assert Path("tls").exists(), "TLS 1.0 is on"\n',
    )
    for _ in range(2):
        runs = []
        for environment in ("stage", "prod"):
            audited(orders, f"--audit-env={environment}")
            runs.append(kept(orders, f"audit-report-{environment}"))
        run = merged(orders, runs)
        good(orders, "file", run)
        if not (orders.path / "tls").exists():
            number = numbers(orders)["test_tls"]
            told = [(e.environment, e.cases) for _, e in ledger(orders).find(number).history]
            assert told == [("prod", ("[1]",)), ("stage", ("[2]",))]
            for folder in (*runs, run):
                shutil.rmtree(orders.path / folder)
            mended(orders)
    assert (ledger(orders).find(number).status, ledger(orders).find(number).reason) == (Status.GONE, "its check passed")


def test_a_case_that_passed_is_remembered_no_more(orders) -> None:
    """Its finding was gone, and came back by another one."""
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    number = numbers(orders)["test_tls"]
    mended(orders)
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    suite = orders.path / "checks" / "test_orders.py"
    suite.write_text(suite.read_text().replace("[1, 2]", '["a", "b"]').replace("n == 1", 'n == "a"'))
    (orders.path / "tls").unlink()
    orders.commit()
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    assert ledger(orders).find(number).where == ("prod",)
    mended(orders)
    assert good(orders, "findings", "close", number).startswith(f"{number}: closed, its check passed at ")


def test_a_check_that_was_moved_keeps_its_finding(orders) -> None:
    """With its owner and its date, beside the one of the new name."""
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    number = numbers(orders)["test_index"]
    good(orders, "findings", "assign", number, "--owner", "Zoe", "--due", "2027-01-05")
    orders.git("mv", "checks/test_orders.py", "checks/test_shop.py")
    orders.commit()
    audited(orders, "--audit-env=prod")
    assert (
        f"note: {number} stays open: the audit has the same by another check, checks/test_shop.py::test_index: "
        "foreign-key-indexes L3 failed: 1 key without an index\n"
    ) in good(orders, "file")
    tracked = ledger(orders).find(number)
    assert (tracked.status, tracked.owner, tracked.due) == (Status.OPEN, "Zoe", "2027-01-05")


@pytest.mark.parametrize("filed_first", [True, False], ids=["filed once more before", "mended on the way"])
def test_a_check_that_was_moved_shows_that_its_finding_is_mended(orders, *, filed_first: bool) -> None:
    """Though what it found reads otherwise by then; by a run that closes, and by the next filing."""
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    number = numbers(orders)["test_index"]
    orders.git("mv", "checks/test_orders.py", "checks/test_shop.py")
    suite = orders.path / "checks" / "test_shop.py"
    suite.write_text(suite.read_text().replace("1 key without", "1 of 3 keys without"))
    orders.commit()
    if filed_first:
        audited(orders, "--audit-env=prod")
        assert (
            f"note: {number} stays open: the audit has the same by another check, checks/test_shop.py::test_index: "
            "foreign-key-indexes L3 failed: 1 of 3 keys without an index\n"
        ) in good(orders, "file")
    mended(orders)
    audited(orders, "--audit-env=prod")
    shutil.copytree(orders.path / "audits", orders.path / "audit-report-before")
    good(orders, "file")
    assert (ledger(orders).find(number).status, ledger(orders).find(number).reason) == (
        Status.GONE,
        "its check passed",
    )
    for run in (("--run", "audit-report"), ("--env", "prod")):
        shutil.rmtree(orders.path / "audits")
        shutil.copytree(orders.path / "audit-report-before", orders.path / "audits")
        closed = good(orders, "findings", "close", number, *run)
        assert closed.startswith(f"{number}: closed, its check passed at ")


def test_a_check_of_the_same_name_that_was_there_all_along_is_another(orders) -> None:
    """It has passed before: that it passes now says nothing of the one that was deleted."""
    suite = orders.path / "checks" / "test_orders.py"
    head, _, _ = suite.read_text().partition("@pytest.mark.parametrize")
    other = head.replace('"INDEX" in schema', "schema").replace("4.1", "4.1")
    (orders.path / "checks" / "test_billing.py").write_text(other)
    orders.commit()
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    number = numbers(orders)["test_index"]
    suite.write_text("")
    orders.commit()
    audited(orders, "--audit-env=prod")
    done = command(orders, "findings", "close", number, "--run", "audit-report")
    assert done.stdout.startswith(f"{number}: stays open: its check is no longer part of the audit: ")
    good(orders, "file")
    assert ledger(orders).find(number).reason == "its check is no longer part of the audit"


def test_a_check_that_was_moved_is_no_worse(orders) -> None:
    """What it finds is no news, to the audit and to a comparison."""
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    orders.git("mv", "checks/test_orders.py", "checks/test_shop.py")
    orders.commit()
    orders.run("--audit-sha=HEAD", "--audit-env=prod", "--audit-no-worse")
    assert orders.card()["verdict"]["reason"] == "no gate; the exit status is pytest's own, 1"
    [told] = json.loads(command(orders, "compare", "audit-report", "--json", "--no-worse").stdout)["comparisons"]
    assert (told["worse"], told["checks"], told["findings"]) == ([], [], [])


def test_what_nothing_proves_is_not_closed_by_a_run_that_has_it(orders) -> None:
    """Though its level is reached, as less is sought."""
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text() + 'standard: bundled\nsought: {"4.4": 1, "4.5": 1}\n')
    orders.commit()
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    proof = next(t for t in ledger(orders).findings if t.finding.check == "proof" and t.finding.dimension == "4.4")
    done = command(orders, "findings", "close", proof.number, "--run", "audit-report")
    assert done.stdout == f"{proof.number}: stays open: the run has it too: {proof.finding.title}\n"


# What is taken out of a ledger


def test_a_line_that_a_conflict_took_away(orders) -> None:
    """Each filing tells how many there were."""
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    path = orders.path / "audits" / "orders" / "ledger.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    done = command(orders, "findings", "list")
    assert (done.returncode, done.stderr) == (
        2,
        f"backend-audit: audits/orders/ledger.jsonl:1: {len(lines) - 1} lines of findings were filed with "
        f"{today(orders)}, and {len(lines) - 2} are there; restore what is missing from git\n",
    )


def test_an_emptied_ledger(orders) -> None:
    """It is not one that nothing was filed in yet: the numbers of its findings would be given anew."""
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    day = today(orders)
    (orders.path / "audits" / "orders" / "ledger.jsonl").write_text("")
    orders.commit()
    lost = (
        f"audits/orders: {day}.json is there, and no line of a filing in ledger.jsonl, which has the numbers of their "
        "findings; restore it from git, or take away what a filing that was cut short has left"
    )
    result = orders.run("--audit-sha=HEAD", "--audit-env=prod")
    assert (result.ret, result.errlines[0]) == (pytest.ExitCode.USAGE_ERROR, f"ERROR: {lost}")
    for asked in (("findings", "list"), ("compare", "audit-report"), ("file",)):
        done = command(orders, *asked)
        assert done.returncode != 0
        assert lost in done.stdout + done.stderr, asked


def test_a_filing_whose_lines_are_all_gone(orders) -> None:
    """As a conflict that was taken from one side leaves it: its card is there, and every command says so."""
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    before = (orders.path / "audits" / "orders" / "ledger.jsonl").read_text()
    mended(orders)
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    (orders.path / "audits" / "orders" / "ledger.jsonl").write_text(before)
    orders.commit()
    lost = (
        f"the ledger does not know {today(orders)}-2.json: a filing was cut short, or a line is lost; take the card "
        "away, or restore the line from git"
    )
    assert " ".join(command(orders, "findings", "list").stderr.split()) == f"note: {lost}"
    audited(orders, "--audit-env=prod")
    assert lost in orders.record().inputs.notices

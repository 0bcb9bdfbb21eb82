"""What a check comes to in each environment, whatever a merge, another branch or a late filing makes of it.

Real runs and repositories, real commands.
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from unit.cli.command import backend_audit

from plugin._filing import TWO, audited, command, good, kept, ledger, made, merged, numbers, state
from pytest_backend_audit.ledger import Status

CHECK = """
import json
from pathlib import Path

import pytest

from pytest_backend_audit import audit


@pytest.mark.parametrize("case", {cases})
@audit(dimension="4.7", criterion="tls", level={level})
def test_tls(audit_evidence, audit_run, case):
    said = json.loads(Path("said.json").read_text()).get(audit_run.environment, {{}}).get(case, "passes")
    if said == "can't":
        pytest.skip("not here")
    audit_evidence.command("testssl", "TLS 1.3")
    assert said == "passes", "TLS 1.0 is on"
"""


@pytest.fixture
def orders(project):
    """A repository with one check of two cases; what each comes to in an environment stands in a file."""
    orders = made(project)
    state(orders, TWO)
    return orders


def check(orders, cases: str = '["a", "b"]', level: int = 3) -> None:
    """Have the check, and commit it."""
    (orders.path / "checks" / "test_orders.py").write_text(CHECK.format(cases=cases, level=level))
    says(orders)


def says(orders, prod: str = "", stage: str = "") -> None:
    """What it comes to from now on where it does not pass: ``fails a, can't b``."""
    told = {
        place: {case: word for word, case in (part.rsplit(" ", 1) for part in text.split(", ") if text)}
        for place, text in (("prod", prod), ("stage", stage))
    }
    (orders.path / "said.json").write_text(json.dumps(told))
    orders.commit()


def run(orders, environment: str) -> str:
    """A run there, put aside."""
    audited(orders, f"--audit-env={environment}", "--audit-no-worse")
    shutil.rmtree(orders.path / f"audit-report-{environment}", ignore_errors=True)
    return kept(orders, f"audit-report-{environment}")


def both(orders) -> str:
    """A merge of a run of each."""
    runs = [run(orders, environment) for environment in ("prod", "stage")]
    shutil.rmtree(orders.path / "audit-report-both", ignore_errors=True)
    return merged(orders, runs)


def filed(orders, folder: str) -> str:
    """What filing says; the repository is as it is once that is committed."""
    said = good(orders, "file", folder)
    orders.commit()
    return said


def where(orders) -> tuple[str, ...]:
    """In which environments its finding is open."""
    return ledger(orders).find(numbers(orders)["test_tls"]).where


def test_a_failure_that_what_could_not_run_hides_is_open_where_it_failed(orders) -> None:
    """At L4, that a case could not run limits more than that another one failed."""
    check(orders, level=4)
    says(orders, prod="fails a, can't b", stage="fails a")
    filed(orders, both(orders))
    assert where(orders) == ("prod", "stage")
    says(orders, prod="fails a, can't b")
    filed(orders, both(orders))
    assert where(orders) == ("prod",)


def test_a_failure_that_is_filed_late_outlives_an_answer_elsewhere(orders) -> None:
    """That stage could not run it was made up for in prod; what stage had found before was not."""
    check(orders)
    says(orders, stage="can't a, can't b")
    filed(orders, run(orders, "stage"))
    says(orders, stage="fails a, fails b")
    late = run(orders, "stage")
    (orders.path / late).rename(orders.path / "audit-report-late")
    says(orders, stage="can't a, can't b")
    filed(orders, both(orders))
    assert where(orders) == ()
    filed(orders, "audit-report-late")
    assert where(orders) == ("stage",)


def test_a_failure_of_prod_is_none_of_stage_at_the_same_commit(orders) -> None:
    """So that what prod shows since answers for stage, which can't run the check."""
    check(orders, cases='["a"]')
    says(orders, prod="fails a", stage="can't a")
    for environment in ("prod", "stage"):
        filed(orders, run(orders, environment))
    tracked = ledger(orders).find(numbers(orders)["test_tls"])
    assert [(e.environment, e.outcome) for _, e in tracked.history] == [("prod", "failed"), ("stage", "could-not-run")]
    says(orders, stage="can't a")
    filed(orders, both(orders))
    assert where(orders) == ()


def test_what_is_new_in_prod_is_new_beside_an_old_one_of_stage(orders) -> None:
    """To the gate, and to a comparison, which takes each environment with its own audit."""
    check(orders)
    says(orders, stage="fails a")
    for environment in ("prod", "stage"):
        filed(orders, run(orders, environment))
    says(orders, prod="fails a", stage="fails a")
    folder = both(orders)
    gate = command(orders, "gate", folder, "--min", "conditional-production", "--no-worse", "--json")
    assert json.loads(gate.stdout)["reason"].partition("worse than the prior audit: ")[2] == (
        "in prod, 4.7 fell from L2 to L1 (and 1 more)"
    )
    compared = command(orders, "compare", folder, "--no-worse", "--json")
    apart = json.loads(compared.stdout)["comparisons"]
    assert [(c["now"]["environment"], c["prior"]["environment"], c["worse"]) for c in apart] == [
        ("prod", "prod", ["4.7 fell from L2 to L1", "new high finding tls L3 failed: TLS 1.0 is on"]),
        ("stage", "stage", []),
    ]
    assert compared.returncode == 1
    named = command(orders, "compare", folder, f"audits/orders/{ledger(orders).filings[-1].file}.json").stdout
    assert named.partition("\n")[0].endswith(" in stage")
    assert "Note         prod is not compared: name an audit of it, or of all, to compare" in named


def test_what_is_away_unmended_in_prod_is_not_closed_by_stage(orders) -> None:
    """In prod nothing has shown it to be mended, and that stays to be seen."""
    check(orders)
    says(orders, prod="fails a", stage="fails a")
    for environment in ("prod", "stage"):
        filed(orders, run(orders, environment))
    number = numbers(orders)["test_tls"]
    check(orders, cases='["b"]')
    assert f"{number} is gone unmended" in filed(orders, run(orders, "prod"))
    check(orders)
    done = command(orders, "findings", "close", number)
    why = "gone unmended elsewhere: a case that did not pass is no longer part of its check"
    assert (done.returncode, done.stdout) == (1, f"{number}: closed here, and {why}\n")
    assert ledger(orders).find(number).status is Status.GONE


def test_a_merge_closes_a_finding_where_it_passed(orders) -> None:
    """Though it fails in the other environment, where the ledger does not have it yet."""
    check(orders)
    says(orders, prod="fails a")
    filed(orders, run(orders, "prod"))
    says(orders, stage="fails b")
    number = numbers(orders)["test_tls"]
    assert good(orders, "findings", "close", number, "--run", both(orders)).startswith(f"{number}: closed, its check")


def test_a_merge_is_not_as_old_as_its_first_run(orders, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of prod was made before stage failed, and that of stage since: each pass is as old as its own run."""
    check(orders, cases='["a"]')
    suite = orders.path / "checks" / "test_orders.py"
    down = 'if os.environ.get("DOWN") == audit_run.environment:\n        said = "fails"\n    if said == "can'
    suite.write_text(
        suite.read_text().replace("import json\n", "import json\nimport os\n").replace('if said == "can', down)
    )
    orders.commit()
    runs = [run(orders, "prod")]
    monkeypatch.setenv("DOWN", "stage")
    # At this commit stage failed; what is filed of it changes no file that is audited.
    stage = run(orders, "stage")
    (orders.path / stage).rename(orders.path / "audit-report-down")
    monkeypatch.delenv("DOWN")
    runs.append(run(orders, "stage"))
    folder = merged(orders, runs)
    filed(orders, "audit-report-down")
    number = numbers(orders)["test_tls"]
    orders.git("reset", "-q", "--soft", "HEAD~1")
    said = good(orders, "findings", "close", number, "--run", folder)
    assert said.startswith(f"{number}: closed, its check passed at ")
    closed = [e for _, e in ledger(orders).find(number).history if e.type == "closed"]
    assert [e.environment for e in closed] == ["prod", "stage"]
    assert closed[0].instant < closed[1].instant


def test_a_merge_closes_no_moved_check_where_it_failed(orders) -> None:
    """Its file has another name since, and only stage is mended."""
    check(orders)
    says(orders, prod="fails a", stage="fails a")
    filed(orders, both(orders))
    number = numbers(orders)["test_tls"]
    orders.git("mv", "checks/test_orders.py", "checks/test_moved.py")
    says(orders, prod="fails a")
    done = command(orders, "findings", "close", number, "--run", both(orders))
    assert (done.returncode, done.stdout) == (
        1,
        f"{number}: stays open: closed here, and still open in prod\n",
    )


def test_a_moved_check_that_failed_again_is_not_said_not_to_have_run(orders) -> None:
    """It ran, under the name that its file has now."""
    check(orders)
    says(orders, prod="fails a", stage="fails a")
    filed(orders, both(orders))
    number = numbers(orders)["test_tls"]
    due = (datetime.now(UTC).date() + timedelta(300)).isoformat()
    good(orders, "findings", "assign", number, "--owner", "Lin", "--due", due)
    orders.git("mv", "checks/test_orders.py", "checks/test_moved.py")
    says(orders, prod="fails a", stage="fails a")
    said = " ".join(filed(orders, both(orders)).split())
    same = "the audit has the same by another check, checks/test_moved.py::test_tls: tls L3 failed: TLS 1.0 is on"
    assert f"note: {number} stays open: {same} " in said
    twins = [t for t in ledger(orders).findings if t.finding.check.endswith("::test_tls")]
    assert [(t.owner, t.due) for t in twins] == [("Lin", due)] * 2
    says(orders)
    filed(orders, both(orders))
    assert [t.where for t in ledger(orders).findings if t.finding.check.endswith("::test_tls")] == [(), ()]


def test_a_part_that_could_not_run_is_not_answered_by_the_others(orders) -> None:
    """Of a check with subtests: the one that failed in stage is skipped there, and passes in prod."""
    (orders.path / "checks" / "test_orders.py").write_text(
        CHECK.format(cases='["a"]', level=3)
        .replace("audit_evidence, audit_run, case)", "audit_evidence, audit_run, case, subtests)")
        .replace("    said = json", '    audit_evidence.command("testssl", "TLS 1.3")\n    said = json')
        .replace(
            '        pytest.skip("not here")', '        with subtests.test("it"):\n            pytest.skip("not here")'
        )
        .replace('    assert said == "passes"', '    with subtests.test("it"):\n        assert said != "fails"')
    )
    says(orders, stage="fails a")
    filed(orders, both(orders))
    assert where(orders) == ("stage",)
    says(orders, stage="can't a")
    filed(orders, both(orders))
    assert where(orders) == ("stage",)


def test_two_merges_are_compared_in_each_environment_too(orders) -> None:
    """What prod had, and stage has now, is new in stage."""
    check(orders)
    says(orders, prod="fails a")
    filed(orders, both(orders))
    says(orders, stage="fails a")
    done = command(orders, "compare", both(orders), "--no-worse", "--json")
    assert (done.returncode, [each["worse"] for each in json.loads(done.stdout)["comparisons"]]) == (
        1,
        [["in stage, 4.7 fell from L2 to L1", "in stage, new high finding tls L3 failed: TLS 1.0 is on"]],
    )


def since(orders, folder: str) -> str:
    """What a pull request's comment says of the prior audits."""
    comment = good(orders, "report", folder, "--format", "pr-comment")
    [line] = [line for line in comment.splitlines() if line.startswith("**Since")]
    return line.partition("**: ")[2]


def test_the_comment_counts_in_each_environment(orders) -> None:
    """What is mended in prod and new in stage is both, though the merge as a whole has it as before."""
    check(orders)
    says(orders, prod="fails a")
    folder = both(orders)
    assert "**Since" not in good(orders, "report", folder, "--format", "pr-comment")
    filed(orders, folder)
    says(orders, stage="fails a")
    assert since(orders, both(orders)) == (
        "in prod, 0 new findings, 1 check mended; in stage, 1 new finding, 0 checks mended"
    )
    says(orders, prod="fails b", stage="can't a")
    assert since(orders, both(orders)) == (
        "in prod, 0 new findings, 0 checks mended; in stage, 1 new finding, 0 checks mended"
    )


def test_the_comment_says_where_there_is_no_audit_before(orders) -> None:
    """An environment that is audited for the first time."""
    check(orders)
    says(orders, prod="fails a")
    filed(orders, run(orders, "prod"))
    says(orders, stage="fails a")
    assert since(orders, both(orders)) == "in prod, 0 new findings, 1 check mended; in stage, no audit before"


def test_an_environment_without_an_audit_before_is_told(orders) -> None:
    """Nobody can say of it that it is no worse."""
    check(orders)
    filed(orders, run(orders, "prod"))
    done = command(orders, "compare", both(orders), "--no-worse", "--json")
    note = "note: stage is not compared: no audit of it was filed before; name one, a run folder or a filed card: "
    assert (done.returncode, " ".join(done.stderr.split())) == (1, f"{note}backend-audit compare RUN PRIOR")
    told = json.loads(done.stdout)
    assert [each["now"]["environment"] for each in told["comparisons"]] == ["prod"]
    assert told["not_compared"] == ["stage"]


def worse(orders, folder: str) -> dict[str, list[str]]:
    """What a comparison with the audits before finds to be worse, by environment; as the gate has it."""
    compared = command(orders, "compare", folder, "--no-worse", "--json")
    told = {each["now"]["environment"]: each["worse"] for each in json.loads(compared.stdout)["comparisons"]}
    gate = command(orders, "gate", folder, "--min", "significant-technical-debt", "--no-worse", "--json")
    is_worse = "worse than the prior audit" in json.loads(gate.stdout)["reason"]
    assert (compared.returncode, is_worse) == ((1, True) if any(told.values()) else (0, False))
    return told


def test_an_audit_is_not_compared_with_itself(orders) -> None:
    """Its run of prod was filed by itself before it was merged."""
    check(orders)
    for environment in ("prod", "stage"):
        filed(orders, run(orders, environment))
    says(orders, prod="fails a")
    folder = both(orders)
    filed(orders, "audit-report-prod")
    fell = ["4.7 fell from L2 to L1", "new high finding tls L3 failed: TLS 1.0 is on"]
    assert worse(orders, folder) == {"prod": fell, "stage": []}


def test_a_fall_in_prod_is_not_made_up_for_in_stage(orders) -> None:
    """Both merges fail at the same level, each in another environment."""
    check(orders)
    says(orders, stage="fails a")
    filed(orders, both(orders))
    says(orders, prod="fails a")
    assert worse(orders, both(orders)) == {
        "prod, stage": [
            "in prod, 4.7 fell from L2 to L1",
            "in prod, new high finding tls L3 failed: TLS 1.0 is on",
        ]
    }


def test_a_merge_is_compared_with_what_came_last_in_each_environment(orders) -> None:
    """An audit of prod by itself has shown it to be mended since the merge before."""
    check(orders)
    says(orders, prod="fails a")
    filed(orders, both(orders))
    says(orders)
    filed(orders, run(orders, "prod"))
    says(orders, prod="fails a")
    fell = ["4.7 fell from L2 to L1", "new high finding tls L3 failed: TLS 1.0 is on"]
    assert worse(orders, both(orders)) == {"prod": fell, "stage": []}


def test_a_case_that_prod_lost_is_told_while_stage_fails(orders, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check as a whole did not pass; prod did, without the case that had failed."""
    check(orders)
    says(orders, prod="fails b", stage="fails a")
    filed(orders, both(orders))
    check(orders, cases='os.environ["TENANTS"].split()')
    suite = orders.path / "checks" / "test_orders.py"
    suite.write_text(suite.read_text().replace("import json\n", "import json\nimport os\n"))
    says(orders, stage="fails a")
    runs = []
    for environment, tenants in (("prod", "a"), ("stage", "a b")):
        monkeypatch.setenv("TENANTS", tenants)
        runs.append(run(orders, environment))
    shutil.rmtree(orders.path / "audit-report-both")
    lost = "in prod, 4.7 tls: [b] had not passed, and is no longer part of the check"
    assert worse(orders, merged(orders, runs)) == {"prod, stage": [lost]}


def test_an_audit_is_compared_from_outside_of_its_repository(orders, tmp_path_factory) -> None:
    """By the ledger of where it lies."""
    check(orders)
    filed(orders, run(orders, "prod"))
    folder = orders.path / run(orders, "prod")
    done = backend_audit("compare", str(folder), cwd=tmp_path_factory.mktemp("elsewhere"))
    assert (done.returncode, "compared with " in done.stdout) == (0, True), done.stderr


def test_an_audit_that_is_lost_is_not_said_to_be_none(orders) -> None:
    """That of prod was filed, and its card is not there."""
    check(orders)
    for environment in ("prod", "stage"):
        filed(orders, run(orders, environment))
    folder = both(orders)
    lost = orders.path / "audits" / "orders" / f"{ledger(orders).filings[0].file}.json"
    lost.unlink()
    done = command(orders, "compare", folder)
    assert done.returncode == 2
    assert lost.name in done.stderr


def test_each_environment_is_told_its_own_failure(orders) -> None:
    """A merge has one finding of both: where the check is weak, its evidence is; where it failed, its failure."""
    weak = CHECK.replace(
        '    audit_evidence.command("testssl", "TLS 1.3")\n',
        '    if said == "is weak":\n        return audit_evidence.verbal("we use TLS 1.3", "Kim")\n'
        '    audit_evidence.command("testssl", "TLS 1.3")\n',
    )
    (orders.path / "checks" / "test_orders.py").write_text(weak.format(cases='["a"]', level=3))
    says(orders, prod="is weak a", stage="fails a")
    filed(orders, both(orders))
    tracked = ledger(orders).find(numbers(orders)["test_tls"])
    assert {place: (told.severity.value, told.title) for place, told in tracked.told.items()} == {
        "prod": ("low", "tls L3 has weak evidence: passed, but all its evidence is verbal"),
        "stage": ("high", "tls L3 failed: TLS 1.0 is on"),
    }
    says(orders, prod="is weak a")
    filed(orders, run(orders, "stage"))
    tracked = ledger(orders).find(tracked.number)
    assert (tracked.where, tracked.finding.severity.value) == (("prod",), "low")

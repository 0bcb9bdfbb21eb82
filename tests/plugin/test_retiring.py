"""An environment that is given up: real runs and repositories, real commands."""

from __future__ import annotations

import json

import pytest

from plugin._filing import TWO, audited, command, good, kept, ledger, made, made_two, mended, merged, numbers, state
from pytest_backend_audit.ledger import Status

GRACE = ("--reason", "moved into prod", "--who", "Grace <grace@example.org>")


@pytest.fixture
def orders(project):
    """A repository with audits of stage and prod, of which stage is given up."""
    orders = made(project)
    state(orders, TWO)
    orders.commit()
    for environment in ("stage", "prod"):
        audited(orders, f"--audit-env={environment}")
        good(orders, "file")
        orders.commit()
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace(TWO, "environment: prod\n"))
    orders.commit()
    return orders


def test_the_reviewer_says_that_an_environment_is_audited_no_more(orders) -> None:
    """A filing asks for the word; with it, findings are gone there and stay open in the other."""
    number, other = numbers(orders)["test_index"], numbers(orders)["test_tls"]
    assert ledger(orders).find(number).where == ("prod", "stage")
    mended(orders)
    audited(orders)
    said = good(orders, "file")
    assert f"note: {number}, {other} are gone here, and still open in stage\n" in said
    assert (
        "note: 10 findings are open in stage, which audit.yaml no longer has: if it has another name, state it "
        "(environments: NAME: formerly: stage); if it is audited no more, the reviewer says so: backend-audit findings "
        "retire stage --reason TEXT\n"
    ) in said
    assert good(orders, "findings", "retire", "stage", *GRACE) == (
        "stage is audited no more: 10 findings are gone there, 8 of them still open elsewhere\n"
    )
    found = ledger(orders).find(number)
    assert (found.status, found.reason) == (
        Status.GONE,
        "stage is audited no more (Grace <grace@example.org>): moved into prod",
    )
    orders.commit()
    audited(orders)
    assert "stage" not in good(orders, "file")
    told = json.loads(good(orders, "findings", "retire", "stage", *GRACE, "--json"))
    assert told == {
        "environment": "stage",
        "by": "Grace <grace@example.org>",
        "reason": "moved into prod",
        "gone": [],
    }


def test_a_fleet_is_without_an_environment_that_is_audited_no_more(orders) -> None:
    """Its last audit stands for ever, and is nobody's to mend; before the word it counts, as on a day before it."""
    asked = ("fleet", ".", "--json", "--environment", "stage")
    assert json.loads(good(orders, *asked))["counts"]["latest"] == 1
    good(orders, "findings", "retire", "stage", *GRACE)
    done = command(orders, "fleet", ".", "--json")
    assert [s["environment"] for s in json.loads(done.stdout)["services"]] == ["prod"]
    assert done.stderr == "note: 1 audit of environments that are audited no more left out\n"
    assert command(orders, *asked).returncode == 2


def both(orders) -> None:
    """A merge of a run of each environment, filed; then stage is taken out of audit.yaml."""
    for environment in ("prod", "stage"):
        audited(orders, f"--audit-env={environment}")
        kept(orders, f"audit-report-{environment}")
    good(orders, "file", merged(orders, ["audit-report-prod", "audit-report-stage"]))
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace(TWO, "environment: prod\n"))
    orders.commit()


def test_a_merge_counts_in_a_fleet_for_the_environments_that_are_left_to_it(project) -> None:
    """Until each of them was audited again: what was given up is nobody's to audit."""
    orders = made_two(project)
    both(orders)
    fleet = ("fleet", ".", "--json")
    audited(orders)
    good(orders, "file")
    orders.commit()
    assert [s["environment"] for s in json.loads(good(orders, *fleet))["services"]] == ["prod", "prod, stage"]
    good(orders, "findings", "retire", "stage", *GRACE)
    assert [s["environment"] for s in json.loads(good(orders, *fleet))["services"]] == ["prod"]


def test_a_merge_stays_in_a_fleet_until_what_is_left_of_it_was_audited_again(project) -> None:
    """It is the last word on prod."""
    orders = made_two(project)
    both(orders)
    good(orders, "findings", "retire", "stage", *GRACE)
    done = command(orders, "fleet", ".", "--json")
    # By itself, and what stage lacked is none of prod's.
    assert ([s["environment"] for s in json.loads(done.stdout)["services"]], done.stderr) == (["prod"], "")
    good(orders, "fleet", ".", "--json", "--environment", "prod")
    assert command(orders, "fleet", ".", "--json", "--environment", "stage").returncode == 2


def test_what_only_the_retired_environment_lacked_counts_no_more(project) -> None:
    """The merge stood at L1 for stage alone."""
    orders = made_two(project)
    suite = orders.path / "checks" / "test_orders.py"
    suite.write_text(
        suite.read_text()
        .replace("(audit_evidence):", "(audit_evidence, audit_run):")
        .replace('assert "INDEX" in schema', 'assert audit_run.environment == "prod"')
    )
    (orders.path / "tls").write_text("on")
    orders.commit()
    both(orders)
    levels = [json.loads(good(orders, "fleet", ".", "--json"))["services"][0]["levels"]["4.1"]["level"]]
    good(orders, "findings", "retire", "stage", *GRACE)
    levels.append(json.loads(good(orders, "fleet", ".", "--json"))["services"][0]["levels"]["4.1"]["level"])
    assert levels == [1, 2]


def test_what_is_retired_already(orders) -> None:
    """Nothing is written, and who said so is told; once an audit of it was filed since, the word is a new one."""
    path = orders.path / "audits" / "orders" / "ledger.jsonl"
    good(orders, "findings", "retire", "stage", *GRACE)
    before = path.read_bytes()
    day = json.loads(before.splitlines()[-1])["at"][:10]
    assert good(orders, "findings", "retire", "stage", "--reason", "again", "--who", "Grace") == (
        f"stage is audited no more already, since {day} (Grace <grace@example.org>: moved into prod); nothing was "
        "written\n"
    )
    assert path.read_bytes() == before
    orders.commit()
    orders.git("revert", "--no-edit", "HEAD~1")
    audited(orders, "--audit-env=stage")
    good(orders, "file")
    orders.commit()
    orders.git("revert", "--no-edit", "HEAD~1")
    assert good(orders, "findings", "retire", "stage", *GRACE) == (
        "stage is audited no more: 10 findings are gone there, 10 of them still open elsewhere\n"
    )


def test_what_it_refuses(orders) -> None:
    """Who is no reviewer, an environment that is there, and one of which no audit was filed."""
    assert [
        (done.returncode, done.stderr.partition("\n")[0])
        for done in (
            command(orders, "findings", "retire", "stage", "--reason", "x", "--who", "Ada"),
            command(orders, "findings", "retire", "prod", *GRACE),
            command(orders, "findings", "retire", "canary", *GRACE),
        )
    ] == [
        (2, "backend-audit: Ada led one of these audits; somebody else says so: --who NAME"),
        (2, "backend-audit: prod: audit.yaml still has it; take it out there first, or audit it"),
        (2, "backend-audit: canary: no audit was filed of it; audits are of prod, stage"),
    ]


def test_a_later_audit_of_it_opens_its_findings_anew(orders) -> None:
    """What was seen before the word stays gone, whenever it is filed; what is seen after it is open."""
    number = numbers(orders)["test_index"]
    orders.git("revert", "--no-edit", "HEAD")
    audited(orders, "--audit-env=stage")
    (orders.path / "audit-report").rename(orders.path / "audit-report-late")
    orders.git("revert", "--no-edit", "HEAD")
    good(orders, "findings", "retire", "stage", *GRACE)
    orders.commit()
    orders.git("revert", "--no-edit", "HEAD~1")
    good(orders, "file", "audit-report-late")
    assert ledger(orders).find(number).where == ("prod",)
    orders.commit()
    audited(orders, "--audit-env=stage")
    good(orders, "file")
    assert ledger(orders).find(number).where == ("prod", "stage")

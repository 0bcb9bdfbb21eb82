"""SARIF: valid by OASIS' own schema, every state with its kind, and nothing green that was not looked at."""

from __future__ import annotations

import gzip
import json
import random
import string
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.reports.cards import FULL, HOSTILE
from unit.reports.machine import MACHINE_CARDS, NOT_GREEN, SCORED, hidden, sarif_problems, sarif_schema
from unit.scoring.scoring_cases import SEALED, broken, check, failed, inputs, passed, skipped

from pytest_backend_audit import filed, history
from pytest_backend_audit.model import Attempt, Card, Outcome, PriorCheck
from pytest_backend_audit.reports import render, sarif, sarif_failures
from pytest_backend_audit.scoring import score

PROFILES = ["sarif", "sarif-failures"]


def run_of(card: Card, profile: str = "sarif") -> dict[str, Any]:
    """The one run of the file."""
    (run,) = json.loads(render(card, profile))["runs"]
    found: dict[str, Any] = run
    return found


def of_rule(run: dict[str, Any], rule: str) -> dict[str, Any]:
    """The first result of a rule."""
    found: dict[str, Any] = next(r for r in run["results"] if r["ruleId"] == rule)
    return found


def test_the_schema_is_the_one_that_the_files_name() -> None:
    """OASIS' errata 01; it refuses what it doesn't know."""
    assert sarif_schema()["id"] == sarif.SCHEMA
    log = json.loads(render(FULL, "sarif"))
    log["runs"][0]["results"][0]["severity"] = "high"
    assert sarif_problems(log) == [
        "runs/0/results/0: Additional properties are not allowed ('severity' was unexpected)"
    ]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", MACHINE_CARDS)
def test_every_card_is_valid(name: str, profile: str) -> None:
    """By the schema, formats of texts included; and the same card gives the same bytes."""
    text = render(MACHINE_CARDS[name], profile)
    assert sarif_problems(json.loads(text)) == []
    assert render(MACHINE_CARDS[name], profile) == text


@pytest.mark.parametrize("name", MACHINE_CARDS)
def test_results_refer_to_what_is_there(name: str) -> None:
    """Rules by index and id, taxa and notifications: what a schema can't see."""
    run = run_of(MACHINE_CARDS[name])
    driver = run["tool"]["driver"]
    taxa = {taxon["id"] for taxon in run["taxonomies"][0]["taxa"]}
    for result in run["results"]:
        if "ruleIndex" in result:
            assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert {taxon["id"] for taxon in result.get("taxa", [])} <= taxa
        assert (result["kind"] == "fail") is (result["level"] != "none")
    known = {descriptor["id"] for descriptor in driver["notifications"]}
    (invocation,) = run["invocations"]
    told = [*invocation["toolExecutionNotifications"], *invocation["toolConfigurationNotifications"]]
    assert {notification["descriptor"]["id"] for notification in told} <= known
    assert run["taxonomies"][0]["guid"] == driver["supportedTaxonomies"][0]["guid"]


def test_each_state_has_its_kind() -> None:
    """What could not run is open, what a person has to weigh is for review; none of them is a pass or a fail."""
    run = run_of(SCORED)
    found = {
        rule: (of_rule(run, rule)["kind"], of_rule(run, rule)["level"], of_rule(run, rule)["message"]["text"])
        for rule in (
            "4.1/foreign-key-indexes/L3",
            "4.1/query-logging/L2",
            "4.2/pooler/L4",
            "4.2/pool-formula/L3",
            "4.6/dr-drill/L5",
            "4.3/negative-caching/L5",
            "4.6/partition/L5",
        )
    }
    assert found == {
        "4.1/foreign-key-indexes/L3": ("fail", "error", "failed: 3 foreign keys without an index"),
        "4.1/query-logging/L2": ("pass", "none", "passed"),
        "4.2/pooler/L4": ("open", "none", "could not run: targets.pgbouncer is not configured (audit.yaml)"),
        "4.2/pool-formula/L3": (
            "open",
            "none",
            "could not run: no server\nit could not run this time, and failed in prior audit 2026-08-01 of 1a2b3c4",
        ),
        "4.6/dr-drill/L5": (
            "review",
            "none",
            "passed: on attestations alone; a second reviewer has not signed yet",
        ),
        "4.3/negative-caching/L5": (
            "notApplicable",
            "none",
            "not applicable: no misses (declared by Ada, until 2026-12-01)",
        ),
        "4.6/partition/L5": ("open", "none", "could not run: no check addresses this row"),
    }
    assert {r["kind"] for r in run["results"] if r["ruleId"].startswith("4.8/") and r["ruleId"][-1] in "45"} == {
        "informational"
    }


def test_a_signature_settles_what_waits_for_a_person() -> None:
    """Attested rows pass, and exceptions are accepted; until then they are under review."""
    before, after = run_of(SCORED), run_of(MACHINE_CARDS["signed"])
    exempt = "4.3/negative-caching/L5"
    assert [s["status"] for s in of_rule(before, exempt)["suppressions"]] == ["underReview"]
    assert of_rule(after, exempt)["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "not applicable: no misses (declared by Ada, until 2026-12-01)",
        }
    ]
    assert of_rule(after, "4.6/dr-drill/L5")["kind"] == "pass"


def test_an_acknowledged_item_is_a_suppressed_failure_of_its_own() -> None:
    """So that it suppresses nothing else that its check found."""
    results = [r for r in run_of(FULL)["results"] if r["ruleId"] == "4.1/foreign-key-indexes/L3"]
    assert [(r["message"]["text"], "suppressions" in r) for r in results] == [
        (
            "failed: 2 foreign keys without an index: orders.customer_id, order_items.product_id (limit 0, standard)",
            False,
        ),
        ("acknowledged: foreign-key-indexes:public.legacy.owner_id", True),
    ]
    assert results[1]["suppressions"][0]["justification"] == (
        "table goes away (acknowledged by Grace Hopper, ORD-7, until 2026-12-01)"
    )


def test_an_executed_failure_stands_against_a_declaration() -> None:
    """The exception of a criterion in which a check failed is rejected."""
    plan = [check("a::test_a", 5, "4.3", "negative-caching")]
    policy = SCORED.inputs.policy
    card = score(inputs(plan, policy=policy), [failed("a::test_a", "misses are not cached")], SEALED)
    (result,) = run_of(card)["results"][:1]
    assert (result["kind"], [s["status"] for s in result["suppressions"]]) == ("fail", ["rejected"])


def test_the_baseline_is_the_prior_audit() -> None:
    """New, unchanged and updated; a check that failed then and is none of this audit is absent, and open."""
    run = run_of(SCORED)
    states = {r["ruleId"]: r["baselineState"] for r in run["results"] if "baselineState" in r}
    assert states == {
        "4.1/foreign-key-indexes/L3": "unchanged",
        "4.1/query-logging/L2": "updated",
        "4.2/pooler/L4": "new",
        "4.2/pool-formula/L3": "updated",
        "4.6/dr-drill/L5": "new",
        "4.3/negative-caching/L5": "new",
        "backend-audit/absent": "absent",
    }
    absent = of_rule(run, "backend-audit/absent")
    assert absent["kind"] == "open"
    assert absent["message"]["text"] == (
        "audits/test_gone.py::test_gone failed in the prior audit 2026-08-01 of 1a2b3c4, and is no check of this one"
    )
    assert not any("baselineState" in r for r in run_of(FULL)["results"])


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", MACHINE_CARDS)
def test_only_a_whole_formal_run_is_successful(name: str, profile: str) -> None:
    """A rehearsal, a partial run and a broken check say so, as an error of the run or a warning."""
    run = run_of(MACHINE_CARDS[name], profile)
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is (name not in NOT_GREEN and name != "located")
    if name in NOT_GREEN:
        assert invocation["toolExecutionNotifications"][-1 if name == "nothing" else 0] is not None
        assert any(
            n["descriptor"]["id"] == "run" and n["level"] in {"error", "warning"}
            for n in invocation["toolExecutionNotifications"]
        )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "partial",
            "the run is partial: only dimension 4.1 was asked for (--audit-dimension); could not run: 1 check: "
            "targets.pgbouncer is not configured (audit.yaml); 6 of 8 rows were looked at",
        ),
        ("rehearsal", "a rehearsal, not a formal audit"),
        (
            "cut short",
            "the record was cut short; could not run: 1 check: targets.pgbouncer is not configured (audit.yaml); "
            "6 of 8 rows were looked at",
        ),
        ("nothing", "the record was cut short"),
    ],
)
def test_a_run_that_says_nothing_final_is_an_alert(name: str, why: str) -> None:
    """Else code scanning would close every alert that such a run lacks, as fixed."""
    first = run_of(MACHINE_CARDS[name], "sarif-failures")["results"][0]
    assert (first["ruleId"], first["level"]) == ("backend-audit/incomplete", "error")
    assert first["message"]["text"] == f"{why}. What this run does not report is not thereby fixed."


def test_code_scanning_gets_failures_only() -> None:
    """What failed, now or before; one alert for all that could not run; a green run has none."""
    run = run_of(SCORED, "sarif-failures")
    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [
        ("backend-audit/incomplete", "warning"),
        ("4.1/foreign-key-indexes/L3", "error"),
        ("4.2/pool-formula/L3", "error"),
    ]
    assert run["results"][1]["message"]["text"] == (
        "failed: 3 foreign keys without an index\nowner: Grace Hopper, due: not stated"
    )
    assert all(set(r) <= {"ruleId", "level", "message", "locations", "partialFingerprints"} for r in run["results"])
    assert run_of(MACHINE_CARDS["green"], "sarif-failures")["results"] == []


def kept(*attempts: Attempt, level: int = 4, outcome: Outcome = Outcome.FAILED, **fields: Any) -> list[tuple[str, str]]:
    """Rule and level of the alerts about checks, where ``a::test_a`` of that level had that outcome before."""
    limit = max(level - 1, 1) if outcome is Outcome.FAILED else 1
    plan = [check("a::test_a", level), check("a::test_b", 2, "4.2")]
    told = inputs(plan, prior={"a::test_a": PriorCheck(outcome, limit, "prior audit 2026-08-01")}, **fields)
    results = run_of(score(told, attempts, SEALED), "sarif-failures")["results"]
    return [(r["ruleId"], r["level"]) for r in results if r["ruleId"] != sarif.INCOMPLETE]


@pytest.mark.parametrize(("level", "severity"), [(2, "error"), (3, "error"), (4, "warning"), (5, "note")])
@pytest.mark.parametrize("now", [skipped("a::test_a"), broken("a::test_a")], ids=["could not run", "broken"])
def test_an_alert_stays_until_its_check_answers(now: Attempt, level: int, severity: str) -> None:
    """At every level, and as grave: what failed and gave no answer since would else be closed as fixed."""
    other = passed("a::test_b")
    assert kept(now, other, level=level) == [(f"4.1/a::test_a/L{level}", severity)]
    assert kept(passed("a::test_a"), other, level=level) == []
    assert kept(now, other, level=level, outcome=Outcome.COULD_NOT_RUN) == []


@pytest.mark.parametrize("level", [2, 3, 4, 5])
@pytest.mark.parametrize("blind", [skipped("a::test_a"), broken("a::test_a")], ids=["could not run", "broken"])
def test_an_alert_outlives_filed_audits_that_give_no_answer(blind: Attempt, level: int, tmp_path: Path) -> None:
    """Each audit knows the one that was filed last, and no other."""
    plan, file = [check("a::test_a", level), check("a::test_b", 2, "4.2")], tmp_path / "2026-08-31.json"
    told: dict[str, PriorCheck] = {}
    counts = []
    for attempt in (failed("a::test_a"), blind, blind, blind, passed("a::test_a"), blind):
        card = score(inputs(plan, prior=told), [attempt, passed("a::test_b")], SEALED)
        results = run_of(card, "sarif-failures")["results"]
        counts.append(sum(r["ruleId"] == f"4.1/a::test_a/L{level}" for r in results))
        file.write_text(filed.text(replace(filed.filed(card, numbers={}, sources=()), service="orders")), "utf-8")
        told = dict(history.load_prior(file).checks)
    assert counts == [1, 1, 1, 1, 0, 0]


def test_an_alert_stays_in_a_run_that_left_its_check_out() -> None:
    """A shard, or one check run by hand, closes no alert of the others; it has the fingerprint that it had."""
    partial = {"selected": ("a::test_b",), "narrowing": ("--audit-dimension=4.2",)}
    assert kept(passed("a::test_b"), **partial) == [("4.1/a::test_a/L4", "warning")]
    assert kept(passed("a::test_b"), policy={"sought": {"4.1": 3}}, **partial) == []
    told = {"prior": {"a::test_a": PriorCheck(Outcome.FAILED, 3, "prior audit 2026-08-01")}}
    plan = [check("a::test_a", 4), check("a::test_b", 2, "4.2")]
    before = score(inputs(plan, **told), [failed("a::test_a"), passed("a::test_b")], SEALED)
    now = score(inputs(plan, **told, **partial), [passed("a::test_b")], SEALED)
    one, other = (of_rule(run_of(card, "sarif-failures"), "4.1/a::test_a/L4") for card in (before, now))
    assert one["partialFingerprints"] == other["partialFingerprints"]
    assert one["locations"] == other["locations"]
    assert other["message"]["text"] == (
        "did not run: this run was narrowed, and left it out\n"
        "it failed in the prior audit 2026-08-01, and gave no answer since"
    )


def test_alerts_have_what_code_scanning_reads() -> None:
    """Texts of the rule, a line of a file in the repository, and the fingerprint by which an alert stays the same."""
    run = run_of(SCORED, "sarif-failures")
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    for result in run["results"]:
        rule = rules[result["ruleId"]]
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"]
    failed_result = run["results"][1]
    assert failed_result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "audits/test_a.py", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 12},
    }
    marks = [r["partialFingerprints"]["primaryLocationLineHash"] for r in run["results"]]
    assert len(set(marks)) == 3
    later = replace(SCORED, inputs=replace(SCORED.inputs, instant="2026-09-30T10:00:00Z", run_number=4))
    assert marks == [
        r["partialFingerprints"]["primaryLocationLineHash"] for r in run_of(later, "sarif-failures")["results"]
    ]


def test_a_bundled_check_is_shown_at_audit_yaml() -> None:
    """Its file is no file of the repository."""
    result = of_rule(run_of(FULL, "sarif-failures"), "4.7/authentication/L2")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "audit.yaml"
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == (
        "pytest_backend_audit/suites/authentication.py::test_authentication"
    )


@pytest.mark.parametrize("place", ["../../etc/passwd:3", "/etc/passwd:3", "C:/x.py:3", "\\\\host\\x:3", ":3", ""])
def test_a_place_outside_of_the_repository_is_not_named(place: str) -> None:
    """The location falls back to audit.yaml."""
    plan = [check("a::test_a", 3, location=place)]
    card = score(inputs(plan, config_path="conf/audit.yaml"), [failed("a::test_a")], SEALED)
    (result,) = run_of(card, "sarif-failures")["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "conf/audit.yaml"


def test_only_security_makes_security_alerts() -> None:
    """``security-severity`` is a text, in 4.7 alone, and follows the finding's severity."""
    for profile in PROFILES:
        rules = run_of(FULL, profile)["tool"]["driver"]["rules"]
        scores = {
            r["id"]: r["properties"]["security-severity"] for r in rules if "security-severity" in r["properties"]
        }
        assert scores == {"4.7/authentication/L2": "9.5"}
        assert [r["id"] for r in rules if "security" in r["properties"]["tags"]] == ["4.7/authentication/L2"]


def test_where_the_commit_is_kept() -> None:
    """Repository and commit, if the repository has an address; what stands before the last slash is the category."""
    run = run_of(MACHINE_CARDS["located"])
    assert run["versionControlProvenance"] == [
        {
            "repositoryUri": "https://git.example.org/orders",
            "revisionId": FULL.inputs.document.commit,
            "mappedTo": {"uriBaseId": "SRCROOT"},
        }
    ]
    assert "versionControlProvenance" not in run_of(FULL)
    assert run["automationDetails"]["id"] == "backend-audit/orders/stage/2026-11-24T08:00:00Z.2"


@pytest.mark.parametrize("profile", PROFILES)
def test_hostile_texts_do_nothing(profile: str) -> None:
    """No control or bidirectional character, no link and no placeholder of a message."""
    log = json.loads(render(HOSTILE, profile))
    assert hidden(log) == set()
    said = [r["message"]["text"] for r in log["runs"][0]["results"]]
    assert any("\\x1b[31mred" in text for text in said)
    assert not any("](" in text for text in _messages(log))
    assert sarif.plain("{0} {x} [a](javascript:b)") == "{{0}} {{x}} [a] (javascript:b)"


def _messages(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for inner in value for text in _messages(inner)]
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for inner in value.values() for text in _messages(inner)]
    return []


def test_what_is_beyond_the_limits_is_left_out_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least severe go first, and the invocation says how many."""
    monkeypatch.setattr(sarif_failures, "RESULTS", 2)
    run = run_of(FULL, "sarif-failures")
    assert [r["ruleId"] for r in run["results"]] == ["backend-audit/incomplete", "4.7/authentication/L2"]
    assert run["invocations"][0]["toolExecutionNotifications"][-1] == {
        "descriptor": {"id": "left-out"},
        "level": "warning",
        "message": {"text": "2 results are left out, the least severe: code scanning takes 2 results, and 10 MB"},
    }


def test_a_file_of_endless_failures_stays_below_ten_megabytes() -> None:
    """Even of texts that no compression makes smaller."""
    noise = random.Random(7)
    letters = string.ascii_letters + string.digits
    plan = [check(f"a::test_{n}", 3) for n in range(6_000)]
    attempts = [failed(c.id, "".join(noise.choices(letters, k=2_000))) for c in plan]
    text = render(score(inputs(plan), attempts, SEALED), "sarif-failures").encode()
    assert len(gzip.compress(text)) < 10_000_000
    (run,) = json.loads(text)["runs"]
    left = run["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"]
    assert left == (
        f"{6_000 - len(run['results'])} results are left out, the least severe: "
        "code scanning takes 25000 results, and 10 MB"
    )
    assert 3_000 < len(run["results"]) < 6_000

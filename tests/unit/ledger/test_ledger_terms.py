"""By which audit.yaml and policy a finding was found, and what may close it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.ledger.ledgers import closed, filed, found
from unit.scoring.scoring_cases import inputs

from pytest_backend_audit.ledger import standards, terms
from pytest_backend_audit.ledger.events import Event, Filed, Replaced
from pytest_backend_audit.ledger.folding import fold, known_as
from pytest_backend_audit.ledger.places import Places
from pytest_backend_audit.ledger.replacements import What
from pytest_backend_audit.ledger.state import State
from pytest_backend_audit.model import Document, Inputs, Protected


def audit(minute: int, config: str = "audit.yaml", policy: str = "", environment: str = "prod") -> tuple[Event, Event]:
    """An audit of that minute that has the finding: its filing, and what it tells."""
    name = f"2026-08-31-{minute + 2}"
    line = filed(
        minute,
        name,
        config=config,
        policy=policy,
        policy_given=policy.partition(":")[0],
        policy_digest="old" if policy else "",
        environment=environment,
        heads=(f"{minute:02}" * 32,),
    )
    told = replace(found("F-0001", minute=minute, environment=environment), file=name)
    return line, told


def ledger(*audits: tuple[Event, ...]) -> State:
    """In the order in which they were filed."""
    return fold(enumerate((event for one in audits for event in one), 1))


def of(state: State, *where: str) -> terms.Terms | None:
    """The terms of the one finding."""
    (tracked,) = state.findings
    return terms.of(tracked, state, where or ("prod",))


def still(*configs: str) -> terms.There:
    """Which audit.yaml are still there."""
    return configs.__contains__


def word(what: What, before: str, after: str) -> Replaced:
    """Grace's, that something has come in the place of something."""
    return Replaced("2026-08-31T10:50:00.000Z", "Grace", what, before, after, after.partition(":")[0], "renamed")


def run(config: str = "audit.yaml", policy: str = "", digest: str = "new", revision: str = "9a" * 20) -> Inputs:
    """What a run judged by."""
    held = Protected(given=policy.partition(":")[0], revision=revision, name=policy, digest=digest) if policy else None
    return inputs([], config_path=config, protected=held, document=Document(environment="prod", commit="1a" * 20))


def test_the_audit_yaml_that_opened_it_counts() -> None:
    """Not one that saw it later; once the file is gone, the one that comes next. Of another environment it is none."""
    state = ledger(audit(1), audit(2, "ops/audit.yaml"), audit(3, "other.yaml", environment="stage"))
    known = of(state)
    assert known is not None
    assert known.asks(still("audit.yaml", "ops/audit.yaml")).config == "audit.yaml"
    assert known.asks(still("ops/audit.yaml")).config == "ops/audit.yaml"
    assert (known.asks(still()).config, known.latest.config) == ("ops/audit.yaml", "ops/audit.yaml")
    assert of(state, "canary") is None


@pytest.mark.parametrize(
    ("config", "policy", "why"),
    [
        ("audit.yaml", "main:audit.yaml", ""),
        ("audit.yaml", "", "held audit.yaml to main:audit.yaml, and this run to nothing; --audit-policy=main"),
        (
            "audit.yaml",
            "HEAD:audit.yaml",
            "held audit.yaml to main:audit.yaml, and this run to HEAD:audit.yaml; --audit-policy=main",
        ),
        ("checks:audit.yaml", "main:audit.yaml", "judged by audit.yaml, and this run by checks:audit.yaml"),
        ("", "main:audit.yaml", "judged by audit.yaml, and this run by no audit.yaml"),
    ],
)
@pytest.mark.parametrize("renamed", [False, True], ids=["by its name", "renamed"])
def test_a_policy_is_asked_for_from_then_on(config: str, policy: str, why: str, *, renamed: bool) -> None:
    """Though a later audit was held to none, and though the environment has another name by now."""
    state = ledger(audit(1, policy="main:audit.yaml"), audit(2))
    if renamed:
        state = known_as(state, {"live": "prod"})
    known = of(state, "live" if renamed else "prod")
    said = terms.unlike(run(config, policy), known, still("audit.yaml"))
    assert said == (f"the audit 2026-08-31-3 that has it {why} {terms.REPLACED}" if why else "")


def test_the_same_text_of_a_policy_is_the_same() -> None:
    """Whatever its branch is called by now; another text of another name is another policy."""
    known = of(ledger(audit(1, policy="main:audit.yaml")))
    assert terms.unlike(run(policy="trunk:audit.yaml", digest="old"), known, still("audit.yaml")) == ""
    assert terms.unlike(run(policy="trunk:audit.yaml", digest="new"), known, still("audit.yaml")) != ""
    assert terms.unlike(run(policy="1a2b3c4d5e6f:audit.yaml", digest="new"), known, still("audit.yaml")) != ""


def test_a_branch_is_the_same_policy_wherever_its_file_lies() -> None:
    """It was moved there and here; a path that was named is that path."""
    known = of(ledger(audit(1, policy="main:audit.yaml")))
    moved = Protected(given="main", revision="9a" * 20, name="main:ops/audit.yaml", digest="new")
    assert terms.unlike(replace(run(), protected=moved), known, still("audit.yaml")) == ""
    named = replace(moved, given="main:ops/audit.yaml")
    assert terms.unlike(replace(run(), protected=named), known, still("audit.yaml")) != ""


def test_a_policy_that_has_come_in_its_place() -> None:
    """By the reviewer's word, however often; the one before does not do any more."""
    one, two = word("policy", "main:audit.yaml", "trunk:audit.yaml"), word("policy", "trunk:audit.yaml", "live:a.yaml")
    known = of(ledger(audit(1, policy="main:audit.yaml"), (one,)))
    assert terms.unlike(run(policy="trunk:audit.yaml"), known, still("audit.yaml")) == ""
    assert terms.unlike(run(policy="main:audit.yaml"), known, still("audit.yaml")) == (
        "the audit 2026-08-31-3 that has it held audit.yaml to main:audit.yaml, for which trunk:audit.yaml stands now, "
        f"and this run to main:audit.yaml; --audit-policy=trunk {terms.REPLACED}"
    )
    known = of(ledger(audit(1, policy="main:audit.yaml"), (one,), (two,)))
    assert terms.unlike(run(policy="live:a.yaml"), known, still("audit.yaml")) == ""


def test_an_audit_yaml_that_has_come_in_its_place() -> None:
    """As one in another repository, which nobody can see to be gone."""
    state = ledger(audit(1, "ops:audit.yaml"), (word("audit.yaml", "ops:audit.yaml", "audit.yaml"),))
    here = still("audit.yaml", "ops:audit.yaml", "lax.yaml")
    assert terms.unlike(run(), of(state), here) == ""
    assert terms.unlike(run("lax.yaml"), of(state), here).startswith(
        "the audit 2026-08-31-3 that has it judged by audit.yaml, and this run by lax.yaml"
    )


def test_what_comes_back_stands_for_itself() -> None:
    """So that no chain of words ends where it began."""
    there, back = word("policy", "main:a.yaml", "trunk:a.yaml"), word("policy", "trunk:a.yaml", "main:a.yaml")
    state = ledger((there,), (back,))
    assert state.replaced.now("policy", "main:a.yaml") == "main:a.yaml"
    assert state.replaced.now("policy", "trunk:a.yaml") == "main:a.yaml"
    assert state.replaced.now("audit.yaml", "trunk:a.yaml") == "trunk:a.yaml"


def test_the_first_policy_is_asked_for() -> None:
    """An audit that was held to another one meanwhile changes nothing, while the first is there."""
    state = ledger(audit(1, policy="main:audit.yaml"), audit(2, policy="HEAD:audit.yaml"))
    known = of(state)
    assert terms.unlike(run(policy="HEAD:audit.yaml"), known, still("audit.yaml")) != ""
    assert terms.unlike(run(policy="main:audit.yaml"), known, still("audit.yaml")) == ""


def test_the_same_text_of_an_audit_yaml_is_the_same() -> None:
    """Whatever its repository is called here."""
    (line, told) = audit(1, "elsewhere:audit.yaml")
    assert isinstance(line, Filed)
    known = of(ledger((replace(line, config_digest="d1"), told)))
    here = still("elsewhere:audit.yaml")
    assert terms.unlike(replace(run("ops:audit.yaml"), config_digest="d1"), known, here) == ""
    assert terms.unlike(replace(run("ops:audit.yaml"), config_digest="d2"), known, here) != ""


def test_a_name_that_two_branches_gave_is_the_line_s_before() -> None:
    """A union of branches keeps the lines of each together."""
    first, told = audit(1)
    other = replace(first, config="lax.yaml", heads=("ff" * 32,))
    known = of(ledger((first, told), (other,)))
    assert known is not None
    assert known.latest.config == "audit.yaml"


def test_a_branch_that_is_older_than_the_word() -> None:
    """Has the file before, which counts there; no other one does."""
    state = ledger(audit(1, "audit.yaml"), (word("audit.yaml", "audit.yaml", "ops/audit.yaml"),))
    before = still("audit.yaml", "lax.yaml")
    assert terms.unlike(run(), of(state), before) == ""
    assert terms.unlike(run("lax.yaml"), of(state), before) != ""
    assert terms.unlike(run("ops/audit.yaml"), of(state), still("audit.yaml", "ops/audit.yaml")) == ""


def test_a_policy_that_was_replaced_is_not_kept_by_its_text() -> None:
    """The reviewer's word is about what it says now."""
    replaced = word("policy", "main:audit.yaml", "trunk:audit.yaml")
    known = of(ledger(audit(1, policy="main:audit.yaml"), (replaced,)))
    assert terms.unlike(run(policy="copy:audit.yaml", digest="old"), known, still("audit.yaml")) != ""


def test_a_plain_file_is_a_policy_by_its_name_alone() -> None:
    """What is typed for it is another file in another folder."""
    line, told = audit(1, policy="policy.yaml")
    assert isinstance(line, Filed)
    known = of(ledger((replace(line, policy_given="policy.yaml"), told)))
    sub = Protected(given="policy.yaml", revision="", name="sub/policy.yaml", digest="new")
    assert terms.unlike(replace(run(), protected=sub), known, still("audit.yaml")) != ""


@pytest.mark.parametrize("revision", ["HEAD", "HEAD^", "HEAD~2", "main~1", "main@{1}", "@", "@{u}", "FETCH_HEAD"])
def test_a_revision_that_goes_with_head_is_no_policy_s_name(revision: str) -> None:
    """Lines of older versions have it as it was typed: on another branch it is a commit of that one."""
    line, told = audit(1, policy=f"{revision}:audit.yaml")
    known = of(ledger((line, told)))
    same = replace(run(policy=f"{revision}:audit.yaml"), config_path="audit.yaml")
    assert terms.unlike(same, known, still("audit.yaml")) == (
        f"the audit 2026-08-31-3 that has it held audit.yaml to {revision}:audit.yaml, and this run to "
        f"{revision}:audit.yaml; {terms.MOVING} {terms.REPLACED}"
    )
    assert terms.unlike(run(policy="1a2b3c4d5e6f:audit.yaml", digest="old"), known, still("audit.yaml")) == ""
    by_word = of(ledger((line, told), (word("policy", f"{revision}:audit.yaml", "main:audit.yaml"),)))
    assert terms.unlike(run(policy="main:audit.yaml"), by_word, still("audit.yaml")) == ""


def test_terms_begin_anew_where_a_finding_comes_back() -> None:
    """The audit.yaml by which it was found again counts; a policy is asked for all the same, the first of all."""
    line, told = audit(4, "other.yaml")
    again = replace(told, type="reopened")
    held = audit(2, policy="late:audit.yaml"), audit(1, policy="main:audit.yaml")
    state = ledger(*held, (closed(minute=3),), (line, again))
    known = of(state)
    assert known is not None
    assert known.asks(still("audit.yaml", "other.yaml")).config == "other.yaml"
    assert known.policy is not None
    assert known.policy.policy == "main:audit.yaml"


def test_a_line_of_an_older_version_asks_for_nothing() -> None:
    """It tells of neither."""
    assert terms.unlike(run("any.yaml"), of(ledger(audit(1, ""))), terms.everything) == ""
    assert terms.unlike(run(), None, terms.everything) == ""


OWN = {"id": "own", "rows": [{"criterion": "a", "proof": "measured"}]}
EDITED = {"id": "own", "rows": [{"criterion": "a", "proof": "attested"}]}


def judged(named: str | None, data: dict[str, Any], policy: str | None = None) -> Inputs:
    """A run by a standard: as audit.yaml names it, and the policy if there is one."""
    held = Protected("main", "9a" * 20, "main:audit.yaml", "new", {"standard": policy}) if policy else None
    return replace(run(), config={"standard": named} if named else {}, standard=data, protected=held)


@pytest.mark.parametrize(
    ("then", "now", "line"),
    [
        (judged("own.yaml", OWN), judged("own.yaml", OWN), ""),
        (judged("own.yaml", OWN), judged("moved.yaml", OWN), ""),
        (judged("own.yaml", OWN), judged("own.yaml", EDITED), "standard: another own.yaml than then"),
        (judged("own.yaml", OWN), judged("lax.yaml", EDITED), "standard: lax.yaml, was own.yaml"),
        (judged("own.yaml", OWN), judged("default", EDITED), "standard: default, was own.yaml"),
        (judged(None, OWN), judged("own.yaml", EDITED), "standard: own.yaml, was default"),
        # A release of this tool changes its own.
        (judged(None, OWN), judged(None, EDITED), ""),
        (judged("bundled", OWN), judged("default", EDITED), ""),
        # What a policy names counts.
        (judged("default", OWN, "own.yaml"), judged("lax.yaml", OWN, "own.yaml"), ""),
        (judged("own.yaml", OWN), judged("own.yaml", EDITED, "default"), "standard: default, was own.yaml"),
    ],
)
def test_a_standard_of_one_s_own_is_known_by_its_text(then: Inputs, now: Inputs, line: str) -> None:
    """Not by its name or its id, which it keeps when it is edited; one that comes with this tool is by its name."""
    filing = filed(standard=standards.named(then), standard_digest=standards.digest(then))
    assert standards.changed(now, filing) == line
    assert standards.changed(now, filed()) == "", "a line of an older version tells of none"


def test_an_environment_by_all_of_its_names() -> None:
    """Whatever the order of the lines: one filed late, or joined in from another branch, is of the same environment."""
    renamed = filed(5, "2026-09-01", environment="live", formerly={"live": "prod"}, heads=("99" * 32,))
    for lines in ([audit(1), (renamed,)], [(renamed,), audit(1)]):
        state = ledger(*lines)
        assert [t.where for t in state.findings] == [("live",)]
        assert state.latest("prod") == state.latest("live") == renamed
    late = ledger((renamed,), audit(1), (closed("F-0001", minute=6, environment="prod"),))
    assert [t.status.value for t in late.findings] == ["closed"]


def test_an_environment_that_gets_its_old_name_back() -> None:
    """Has one name, the one that was told of last."""
    there = filed(5, "2026-09-01", environment="live", formerly={"live": "prod"}, heads=("98" * 32,))
    back = filed(6, "2026-09-02", environment="prod", formerly={"prod": "live"}, heads=("99" * 32,))
    state = ledger(audit(1), (there,), (back,))
    assert [t.where for t in state.findings] == [("prod",)]
    assert state.latest("live") == back


def test_names_that_are_joined_late() -> None:
    """Two that were renamed apart are one once a line says so."""
    places = Places.told([{"b": "a"}, {"d": "c"}, {"d": "b"}])
    assert {places.one(name) for name in "abcd"} == {"d"}
    assert places.of("a, c, e") == ("d", "e")

"""Joining formal runs of one commit, one audit.yaml and one standard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.scoring.scoring_cases import (
    NAMES,
    SEALED,
    all_at,
    attempt,
    broken,
    check,
    failed,
    inputs,
    passed,
    skipped,
    standard,
)

from pytest_backend_audit import scoring
from pytest_backend_audit.model import Acknowledged, Mode, Outcome, PriorCheck, Seal
from pytest_backend_audit.scoring.merge import combine

PLAN = [check("a", 2), check("b", 3), check("c", 3, "4.2")]


def run(attempts, *, kind="prod", selected=None, seal=SEALED, plan=PLAN, **fields):
    """What the journal of one run holds."""
    chosen = tuple(c.id for c in plan) if selected is None else selected
    narrowing = () if len(chosen) == len(plan) else ("--audit-dimension",)
    made = inputs(plan, kind=kind, rules=standard(ids=("4.1", "4.2")), **{"narrowing": narrowing, **fields})
    return (replace(made, selected=chosen), tuple(attempts), seal)


def results(card):
    """Outcome, limit and environments of each check."""
    return {r.check.id: (r.outcome.value, r.limit, r.environments) for r in card.checks}


def test_shards_of_one_audit_make_it_whole():
    """Each dimension ran in a run of its own; together each planned check was run."""
    one = run([passed("a"), passed("b")], selected=("a", "b"))
    two = run([failed("c")], selected=("c",), seal=Seal("2026-08-31T11:00:00Z", 1))
    card = scoring.score_merged([one, two])
    assert card.partial == ()
    assert [(d.id, d.would_be) for d in card.dimensions] == [("4.1", 3), ("4.2", 1)]
    assert (card.total, card.seal.ended, card.seal.exit_status) == (4, "2026-08-31T11:00:00Z", 1)


def test_a_check_that_no_run_ran_leaves_the_merged_card_partial():
    """Levels only, and the check is named."""
    card = scoring.score_merged([run([passed("a")], selected=("a",)), run([passed("c")], selected=("c",))])
    assert card.partial == ("1 planned check was run in none of the runs: b",)
    assert (card.total, card.disposition) == (None, None)


@pytest.mark.parametrize(
    "hid",
    [
        "--ignore=checks/b.py",
        "node id checks/a.py::a",
        "node id a.py::a[1 check deselected by -k]",
        "--ignore=checks deselected by hand",
        "checks could not be collected",
    ],
)
def test_what_no_plan_knows_of_leaves_the_merged_card_partial(hid):
    """A file that no run looked into is in no plan, so nothing else would show that it is missing."""
    one = run([passed("a")], selected=("a",), narrowing=("--audit-dimension=4.1", hid))
    two = run([passed("b"), passed("c")], selected=("b", "c"), narrowing=(hid, "--lf"))
    card = scoring.score_merged([one, two])
    assert card.partial == (hid, "--lf")
    assert (card.total, card.disposition) == (None, None)


def test_an_instance_that_could_not_run_is_not_made_up_for_by_a_run_that_left_it_out():
    """Else who deselects what can't be reached would raise the card; a run that answered it does make up for it."""
    good, bad = passed("b", instance="b[good]"), skipped("b", instance="b[bad]")
    both = run([passed("a"), good, bad, passed("c")])
    one = run([good], selected=("b",), left={"b": ("b[bad]",)})
    card = scoring.score_merged([both, one])
    assert results(card)["b"][:2] == ("could-not-run", 2)
    other = run([passed("b", instance="b[bad]")], selected=("b",), left={"b": ("b[good]",)})
    assert results(scoring.score_merged([both, other]))["b"][:2] == ("passed", 5)
    whole = run([good, passed("b", instance="b[bad]")], selected=("b",))
    assert results(scoring.score_merged([both, whole, one]))["b"][:2] == ("passed", 5)


def test_what_each_of_two_runs_lost_is_made_up_for_by_name():
    """Two runs that were cut short: what neither of them executed has not passed, however much they did together."""
    lost = [skipped("b", instance=f"b[{n}]", reason="never reported") for n in range(4)]
    done = [passed("b", instance=f"b[{n}]") for n in range(4)]
    one = run([done[0], lost[1], done[2], lost[3]], selected=("b",))
    two = run([lost[0], done[1], lost[2], lost[3]], selected=("b",), instant="2026-08-31T12:00:00Z")
    assert results(scoring.score_merged([one, two]))["b"][:2] == ("could-not-run", 2)
    three = run([*lost[:3], done[3]], selected=("b",), instant="2026-08-31T13:00:00Z")
    assert results(scoring.score_merged([one, two, three]))["b"][:2] == ("passed", 5)


def test_a_run_that_never_had_an_instance_does_not_make_up_for_it():
    """Where they have names in common; where parameters come from the environment, none says anything of another."""
    production = run([passed("b", instance="b[a]"), skipped("b", instance="b[b]")])
    fewer = run([passed("b", instance="b[a]")], kind="stage")
    assert results(scoring.score_merged([production, fewer]))["b"][:2] == ("could-not-run", 2)
    other = run([passed("b", instance="b[x]")], kind="stage")
    assert results(scoring.score_merged([production, other]))["b"][:2] == ("passed", 5)


@pytest.mark.parametrize("part", [" subtest 1", " part 2", " teardown", "@group", "@group subtest 12"])
def test_a_part_belongs_to_its_instance(part):
    """Subtests that pass leave no attempt of their own, so that the whole one answers for them."""
    one = run([passed("b", instance="b[a]"), skipped("b", instance=f"b[a]{part}")], selected=("b",))
    two = run([passed("b", instance="b[a]")], selected=("b",), instant="2026-08-31T12:00:00Z")
    assert results(scoring.score_merged([one, two]))["b"][:2] == ("passed", 5)


def test_a_case_of_which_a_part_could_not_run_did_not_pass():
    """Unless another run there answered it; and a failed part is a failure, whatever limits more."""

    def cases(*runs, level=3):
        plan = [check("b", level)]
        made = [run(own, plan=plan, instant=f"2026-08-31T1{n}:00:00Z") for n, own in enumerate(runs)]
        [result] = scoring.score_merged(made).checks
        return result.cases["prod"]["[a]"].value

    whole, part = passed("b", instance="m.py::b[a]"), "m.py::b[a] subtest 1"
    assert cases([whole, skipped("b", instance=part)]) == "could-not-run"
    assert cases([whole, skipped("b", instance=part)], [whole]) == "passed"
    assert cases([whole, skipped("b", instance=part), failed("b", instance="m.py::b[a] part 2")], level=4) == "failed"


def test_a_run_that_rests_on_what_has_lapsed_is_refused():
    """Its card would be of the latest instant, at which nobody accepts the item any more."""
    known = Acknowledged("fk:public.orders", "vendor's table", "Ada", "OPS-1", "2026-08-31")
    used = passed("a", acknowledged=("fk:public.orders",))
    early = run([used], selected=("a",), policy={"acknowledged": (known,)}, instant="2026-08-31T23:00:00Z")
    same = run([passed("b")], selected=("b",), policy={"acknowledged": (known,)}, instant="2026-08-31T23:59:59Z")
    assert scoring.score_merged([early, same]).merged
    late = run([passed("b")], selected=("b",), policy={"acknowledged": (known,)}, instant="2026-09-01T00:00:00Z")
    with pytest.raises(ValueError, match="acknowledged until") as caught:
        scoring.score_merged([early, late])
    assert str(caught.value) == (
        "the run of 2026-08-31T23:00:00Z rests on fk:public.orders, acknowledged until 2026-08-31, and the latest run "
        "is of 2026-09-01T00:00:00Z; audit that part again"
    )


@pytest.mark.parametrize("seen", [(), ("--audit-dimension=4.2",), ("2 checks deselected by -k, such as a",)])
def test_one_run_that_looked_everywhere_makes_up_for_the_others(seen):
    """Its plan holds what another one hid; what it deselected after planning, the other one ran."""
    narrowed = run([passed("a"), passed("b")], selected=("a", "b"), narrowing=("--ignore=checks/c.py",))
    whole = run([passed("c")], selected=("c",), narrowing=seen)
    assert scoring.score_merged([narrowed, whole]).partial == ()


def test_an_instance_that_every_run_deselected_leaves_the_merged_card_partial():
    """A check is run when each of its instances was: leaving out the one that fails must not make a card whole."""
    cut = "1 check deselected by --deselect, such as b[2]"
    some = [passed("a"), passed("b", instance="b[1]"), passed("c")]
    one = run(some, narrowing=(cut,), left={"b": ("b[2]",)})
    two = run(some, narrowing=(cut,), left={"b": ("b[2]",)}, instant="2026-08-31T12:00:00Z")
    card = scoring.score_merged([one, two])
    assert card.partial == ("1 planned check was run in none of the runs: b[2]",)
    assert scoring.missing([one, two]) == ("b[2]",)


@pytest.mark.parametrize("name", ["b[2]", "b[2]@group"])
def test_an_instance_that_another_run_executed_is_not_missing(name):
    """Shards may part the instances of a check, also where xdist puts a group behind their names."""
    one = run([passed("a"), passed("b", instance="b[1]")], selected=("a", "b"), left={"b": ("b[2]",)})
    two = run([passed("b", instance=name), passed("c")], selected=("b", "c"), left={"b": ("b[1]",)})
    assert scoring.score_merged([one, two]).partial == ()


def test_a_check_above_what_is_sought_need_not_run():
    """What nobody seeks is not lacking."""
    policy = {"sought": {"4.2": 2}}
    one = run([passed("a")], selected=("a",), policy=policy, not_sought=("c",))
    two = run([passed("b")], selected=("b",), policy=policy, not_sought=("c",))
    assert scoring.score_merged([one, two]).partial == ()


@pytest.mark.parametrize(
    ("prod", "stage", "outcome", "limit", "where"),
    [
        ([skipped("b")], [passed("b")], "passed", 5, ("stage",)),
        ([skipped("b")], [failed("b")], "failed", 2, ("stage",)),
        ([passed("b")], [failed("b")], "failed", 2, ("prod", "stage")),
        ([passed("b")], [attempt("b")], "unsupported", 1, ("prod", "stage")),
        ([broken("b")], [passed("b")], "broken", 2, ("prod", "stage")),
        ([skipped("b")], [broken("b")], "broken", 2, ("stage",)),
        ([skipped("b")], [skipped("b")], "could-not-run", 2, ()),
        ([], [passed("b")], "passed", 5, ("stage",)),
        ([failed("b", instance="b[1]"), skipped("b", instance="b[2]")], [passed("b")], "failed", 2,
         ("prod", "stage")),
        ([passed("b", instance="b[1]"), skipped("b", instance="b[2]")], [skipped("b")], "could-not-run", 2,
         ("prod",)),
    ],
)  # fmt: skip
def test_an_answer_satisfies_what_could_not_run_and_failures_stand(prod, stage, outcome, limit, where):
    """Per check the lowest limit among executed outcomes counts, and it says where it was answered."""
    others = [passed("a"), passed("c")]
    card = scoring.score_merged([run([*prod, *others]), run([*stage, *others], kind="stage")])
    assert results(card)["b"] == (outcome, limit, where)


def test_a_criterion_says_where_it_was_proven_and_the_card_that_it_was_outside_prod():
    """Passes of prod and of stage are told apart beside the disposition."""
    one = run([passed("a"), passed("c")], selected=("a", "c"))
    two = run([passed("b")], selected=("b",), kind="stage")
    card = scoring.score_merged([one, two])
    assert {c.id: c.proven_in for d in card.dimensions for c in d.criteria} == {
        "a": ("prod",),
        "b": ("stage",),
        "c": ("prod",),
    }
    assert card.disposition.qualifier == "own criteria, the standard is not loaded; partly proven outside prod (stage)"
    assert (card.inputs.document.environment, card.inputs.document.environment_kind) == ("prod, stage", "prod, stage")


def test_an_interrupted_run_is_made_good_by_another():
    """What one left and another ran is whole; a run without a seal likewise."""
    cut = run([passed("a")], seal=Seal("", 2, interrupted="SIGTERM"))
    killed = run([passed("b")], seal=None)
    rest = run([passed("c"), passed("b")], selected=("b", "c"))
    card = scoring.score_merged([cut, killed, rest])
    assert (card.partial, card.total, card.seal.interrupted) == ((), 6, "")


def test_what_broke_in_a_run_stays_broken():
    """Broken modules, a crash of pytest and an invalid run are not mended by merging."""
    plain = run([passed("a"), passed("b"), passed("c")])
    spoiled = run([passed("a")], seal=Seal("", 3, broken=("tests/x.py",)), instant="2026-08-31T12:00:00Z")
    card = scoring.score_merged([plain, spoiled])
    assert card.seal.broken == ("tests/x.py", "the run of 2026-08-31T12:00:00Z ended with pytest's status 3")
    invalid = run([passed("a")], seal=Seal("", 0, invalid="the build changed"))
    assert scoring.score_merged([plain, invalid]).no_disposition == "the run is invalid: the build changed"


def test_the_latest_instant_is_the_one_that_counts():
    """Windows and expiries compare with the last of the runs."""
    early = run([passed("a")], selected=("a",))
    late = run([passed("b"), passed("c")], selected=("b", "c"), instant="2026-09-30T10:00:00Z")
    card = scoring.score_merged([late, early])
    assert card.inputs.instant == "2026-09-30T10:00:00Z"


def test_the_lowest_prior_limit_is_carried_unless_a_run_answered():
    """A failure that one run knows of is kept if no run could look, and dropped if one did."""
    prior = {"b": PriorCheck(Outcome.FAILED, 1, "prior audit")}
    others = [passed("a"), passed("c")]
    blind = scoring.score_merged(
        [run([*others, skipped("b")], prior=prior), run([*others, skipped("b")], kind="stage")]
    )
    seeing = scoring.score_merged(
        [run([*others, skipped("b")], prior=prior), run([*others, passed("b")], kind="stage")]
    )
    assert results(blind)["b"][:2] == ("could-not-run", 1)
    assert results(seeing)["b"][:2] == ("passed", 5)


def test_a_prior_failure_outweighs_what_could_not_run():
    """Its limit is the higher one, and yet it is what stands."""
    priors = [
        PriorCheck(outcome, limit, "prior audit")
        for outcome, limit in ((Outcome.COULD_NOT_RUN, 2), (Outcome.FAILED, 3))
    ]
    others = [passed("a"), passed("c"), skipped("b")]
    runs = [run(others, prior={"b": prior}, kind=kind) for prior, kind in zip(priors, ("prod", "stage"), strict=True)]
    for order in (runs, runs[::-1]):
        assert scoring.score_merged(order).inputs.prior == {
            "b": PriorCheck(Outcome.FAILED, 3, "prior audit", in_prior=True)
        }


def test_levels_of_prior_audits_and_many_missing_checks_are_joined():
    """The highest prior level of each dimension is kept; three missing checks are named, the rest are counted."""
    plan = [check(f"t{n}", 2) for n in range(6)]
    one = run([passed("t0")], plan=plan, selected=("t0",), prior_levels={"4.1": 3, "4.2": 2})
    two = run([passed("t1")], plan=plan, selected=("t1",), prior_levels={"4.1": 4}, options={"no_worse": True})
    card = scoring.score_merged([one, two])
    assert card.inputs.prior_levels == {"4.1": 4, "4.2": 2}
    assert card.inputs.options == {}
    assert card.partial == ("4 planned checks were run in none of the runs: t2, t3, t4 and 1 more",)


def test_what_is_new_in_one_environment_is_new():
    """Though it is old in the other one; where one has no prior audit, what another's knew of is no news."""
    plan, asked = [check("a", 2), check("b", 3)], {"no_worse": True}

    def fails(kind, outcome):
        prior = {} if outcome is None else {"b": PriorCheck(outcome, 2, "prior audit 2026-08-01")}
        return run([passed("a"), failed("b")], plan=plan, kind=kind, prior=prior, options=asked)

    def said(prod, stage):
        return scoring.score_merged([fails("prod", prod), fails("stage", stage)]).no_worse.reason

    new = "new high finding b L3 failed: 3 foreign keys without an index"
    assert said(Outcome.PASSED, Outcome.FAILED) == f"in prod, {new}"
    assert said(Outcome.PASSED, Outcome.PASSED) == f"in prod and stage, {new}"
    assert new not in said(Outcome.FAILED, Outcome.FAILED)
    assert new not in said(Outcome.FAILED, None)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"commit": "9f9f9f9f"}, "differ in their commit: 1a2b3c4d and 9f9f9f9f; "),
        ({"config_digest": "feed"}, "differ in their audit.yaml digest: none and feed; "),
        ({"loaded": True}, "differ in their standard digest: "),
        ({"policy": {"sought": {"4.1": 3}}}, "differ in their policy (sought); "),
        ({"mode": Mode.REHEARSAL}, "the run of 2026-08-31T12:00:00Z is a rehearsal; only formal runs"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(other, message):
    """Another commit, audit.yaml, standard or policy, or a rehearsal, is named with both values."""
    one, two = run([passed("a")]), run([passed("a")], instant="2026-08-31T12:00:00Z", **other)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at below
        scoring.score_merged([one, two])
    assert message in str(caught.value)


def test_the_strictest_gate_of_the_runs_is_asked_of_the_merged_card():
    """Narrowed runs have no gate; whole ones may have had different ones."""
    whole = [passed("a"), passed("b"), passed("c")]
    gates = ["significant-technical-debt", None, "conditional-production"]
    records = [run(whole, policy={"gate": gate}, instant=f"2026-08-31T1{n}:00:00Z") for n, gate in enumerate(gates)]
    verdict = scoring.score_merged(records).verdict
    assert (verdict.gate, verdict.passed, verdict.exit_status) == ("conditional-production", False, 1)


def test_nothing_to_merge_is_refused():
    """An empty list is a mistake of the caller."""
    with pytest.raises(ValueError, match=r"^nothing to merge: name at least one run$"):
        scoring.score_merged([])


def test_merging_one_run_is_scoring_it():
    """Alone, a run keeps its levels, its total and its reasons for being partial."""
    made, attempts = all_at(dict.fromkeys(NAMES, 3), narrowing=("-k x",))
    alone, merged = scoring.score(made, attempts, SEALED), scoring.score_merged([(made, attempts, SEALED)])
    assert [d.level for d in merged.dimensions] == [d.level for d in alone.dimensions]
    assert (merged.partial, merged.total, merged.seal) == (alone.partial, alone.total, alone.seal)


ATTEMPTS = {"pass": passed, "fail": failed, "skip": skipped, "break": broken, "bare": attempt}


@st.composite
def runs(draw):
    """One run with any outcomes of any selection of the plan."""
    selected = draw(st.sets(st.sampled_from("abc")))
    tried = []
    for id_ in sorted(selected):
        kinds = draw(st.lists(st.sampled_from(sorted(ATTEMPTS)), max_size=2))
        tried += [ATTEMPTS[kind](id_, instance=f"{id_}[{place}]") for place, kind in enumerate(kinds)]
    return run(
        tried,
        selected=tuple(sorted(selected)),
        kind=draw(st.sampled_from(["prod", "stage", "local"])),
        instant=draw(st.sampled_from(["2026-08-31T10:00:00Z", "2026-09-01T10:00:00Z"])),
        seal=draw(st.sampled_from([SEALED, Seal("", 1), None])),
    )


@settings(max_examples=60, deadline=None)
@given(runs(), runs(), runs())
def test_merging_is_associative_commutative_and_idempotent(one, two, three):
    """Any order and grouping of runs, also with repetitions, gives the same card."""
    card = scoring.score_merged([one, two, three])
    assert scoring.score_merged([three, one, two]) == card
    assert scoring.score_merged(combine(combine([one], [two]), [three])) == card
    assert scoring.score_merged(combine([one], combine([two], [three]))) == card
    assert scoring.score_merged([one, two, three, two, one]) == card


@settings(max_examples=60, deadline=None)
@given(runs(), runs())
def test_merging_never_hides_a_failure(one, two):
    """What failed in a run limits the merged check at least as much."""
    merged = {r.check.id: r.limit for r in scoring.score_merged([one, two]).checks}
    for inputs_, attempts, seal in (one, two):
        for result in scoring.score(inputs_, attempts, seal).checks:
            if result.outcome is Outcome.FAILED:
                assert merged[result.check.id] <= result.limit

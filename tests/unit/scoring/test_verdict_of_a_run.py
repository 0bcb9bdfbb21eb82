"""One verdict: gate, exit status, reason."""

from __future__ import annotations

import pytest
from unit.scoring.scoring_cases import DISPOSITIONS, NAMES, SEALED, all_at, broken, check, failed, inputs

from pytest_backend_audit import scoring
from pytest_backend_audit.model import Mode, Outcome, PriorCheck, Seal, Verdict
from pytest_backend_audit.reports.facts import no_worse_words
from pytest_backend_audit.scoring.verdict import regate

CONDITIONAL = "conditional-production"
DEBT = "significant-technical-debt"


def ended(status, **fields):
    """A seal with pytest's own status."""
    return Seal("2026-08-31T10:05:00Z", status, **fields)


def verdict_of(levels=3, seal=SEALED, *, gate=None, spoil=None, mode=Mode.FORMAL, **fields):
    """The verdict of a run with passes up to these levels, one attempt of which may be replaced."""
    made, attempts = all_at(levels, mode=mode, policy={"gate": gate}, **fields)
    if spoil is not None:
        attempts = [spoil if a.check == spoil.check else a for a in attempts]
    return scoring.score(made, attempts, seal).verdict


@pytest.mark.parametrize("status", [0, 1, 2, 3, 4, 5])
def test_without_a_gate_the_status_is_pytests_own(status):
    """No gate, no opinion."""
    expected = Verdict(None, None, f"no gate; the exit status is pytest's own, {status}", status)
    assert verdict_of(seal=ended(status)) == expected


@pytest.mark.parametrize(
    ("levels", "gate", "passes", "reason"),
    [
        (3, CONDITIONAL, True, "gate Conditional production: passed, the disposition is Conditional production"),
        (3, DEBT, True, "gate Significant technical debt: passed, the disposition is Conditional production"),
        (2, DEBT, True, "gate Significant technical debt: passed, the disposition is Significant technical debt"),
        (2, CONDITIONAL, False,
         "gate Conditional production: not passed, the disposition is Significant technical debt"),
        (1, DEBT, False, "gate Significant technical debt: not passed, the disposition is Not production-grade"),
        (5, "production-ready", False,
         "gate Production-ready: not passed, the disposition is Conditional production"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [0, 1])
def test_a_gate_compares_dispositions(levels, gate, passes, reason, status):
    """At least the gate is 0, below it is 1; pytest's own 0 or 1 decides nothing."""
    assert verdict_of(levels, ended(status), gate=gate) == Verdict(gate, passes, reason, 0 if passes else 1)


@pytest.mark.parametrize(
    ("seal", "fields", "status", "reason"),
    [
        (ended(2, interrupted="SIGINT"), {}, 2, "the run was interrupted: SIGINT"),
        (ended(0, interrupted="stopped: 1 failure"), {}, 1, "the run was interrupted: stopped: 1 failure"),
        (ended(1, interrupted="-x"), {}, 1, "the run was interrupted: -x"),
        (ended(2), {}, 2, "pytest ended with status 2"),
        (ended(3), {}, 3, "pytest ended with status 3"),
        (ended(4), {}, 4, "pytest ended with status 4"),
        (ended(5), {}, 5, "nothing was collected"),
        (ended(0, broken=("tests/a.py: ImportError", "b")), {}, 1,
         "something outside the checks broke: tests/a.py: ImportError (and 1 more)"),
        (ended(0, invalid="the build changed"), {}, 1, "the run is invalid: the build changed"),
        (None, {}, 1, "the run did not end"),
        (ended(0), {"narrowing": ("tests/a.py skipped itself",)}, 1, "the run is partial: tests/a.py skipped itself"),
        (ended(0), {"spoil": broken("4.1-3")}, 1, "a check is broken: 4.1-3"),
    ],
)  # fmt: skip
def test_nothing_that_broke_or_stopped_the_run_passes_a_gate(seal, fields, status, reason):
    """Each fails a gate that the levels alone would pass, and pytest's statuses above 1 keep their meaning."""
    found = verdict_of(3, seal, gate=DEBT, **fields)
    assert found == Verdict(DEBT, False, f"gate Significant technical debt: not passed, {reason}", status)


def test_a_broken_instance_under_a_failed_label_still_fails_the_gate():
    """The label is failed, and one instance was broken: no gate hides that."""
    made, attempts = all_at(5, policy={"gate": DEBT})
    more = [failed("4.1-5", instance="4.1-5[1]"), broken("4.1-5", instance="4.1-5[2]")]
    attempts = [a for a in attempts if a.check != "4.1-5"] + more
    card = scoring.score(made, attempts, SEALED)
    assert card.verdict.reason == "gate Significant technical debt: not passed, a check is broken: 4.1-5"


def test_failing_checks_alone_do_not_fail_a_run_with_a_gate():
    """Where pytest says 1 because a check failed, and the gate is met, the run says 0."""
    assert verdict_of(4, ended(1), gate=CONDITIONAL, spoil=failed("4.1-4")).exit_status == 0


@pytest.mark.parametrize(
    ("seal", "status", "reason"),
    [
        (ended(0, invalid="the build changed"), 1, "the run is invalid: the build changed"),
        (ended(2, invalid="the build changed"), 2, "no gate; the exit status is pytest's own, 2"),
        (None, 1, "the run did not end"),
    ],
)
def test_a_run_that_proves_nothing_is_never_0(seal, status, reason):
    """Without a gate too, an invalid or unfinished run is no success."""
    assert verdict_of(seal=seal) == Verdict(None, None, reason, status)


def test_a_rehearsal_has_no_gate():
    """A gate of audit.yaml is for formal runs."""
    assert verdict_of(1, gate=CONDITIONAL, mode=Mode.REHEARSAL).gate is None


def test_an_option_goes_before_the_policy():
    """A gate among the options is the one that counts."""
    assert verdict_of(2, gate=CONDITIONAL, options={"gate": DEBT}).passed is True


def test_an_unknown_gate_names_those_that_exist():
    """A gate that the standard's matrix lacks is refused with the list."""
    with pytest.raises(
        ValueError, match=r"^gate 'silver' is not a disposition of the standard; it has production-ready"
    ):
        verdict_of(gate="silver")


def test_a_hole_in_the_matrix_passes_no_gate():
    """Where the standard has no disposition for a total, the gate isn't met."""
    whole = inputs([]).standard
    holed = {**whole, "dispositions": whole["dispositions"][:1]}
    card = scoring.score(inputs([], standard=holed, policy={"gate": "production-ready"}), [], SEALED)
    reason = "gate Production-ready: not passed, no row of the matrix takes a total of 8 with a minimum of L1"
    assert card.verdict == Verdict("production-ready", False, reason, 1)


def worse(levels, prior_levels, *, gate=None, status=0, **fields):
    """The verdict of a run that was asked to be no worse than the prior audit."""
    return verdict_of(levels, ended(status), gate=gate, options={"no_worse": True}, prior_levels=prior_levels, **fields)


@pytest.mark.parametrize(
    ("prior", "status", "reason"),
    [
        ({}, 0, "no gate; the exit status is pytest's own, 0; no prior audit to be worse than: nothing was compared"),
        ({"4.1": 3, "4.2": 2}, 0, "no gate; the exit status is pytest's own, 0"),
        ({"4.1": 4}, 1, "worse than the prior audit: 4.1 fell from L4 to L3"),
    ],
)
def test_no_worse_fails_where_a_dimension_fell(prior, status, reason):
    """A level before the cap that is lower than in the prior audit is exit 1."""
    assert worse(3, prior) == Verdict(None, None, reason, status)


def test_no_worse_compares_levels_before_the_reviewers_cap():
    """An unsigned 5 is recorded as 3 and has not fallen from 5."""
    assert worse(5, dict.fromkeys(NAMES, 5)).exit_status == 0


def test_no_worse_fails_a_gate_that_is_met():
    """The gate is met, and the run is worse: not passed."""
    assert worse(3, {"4.1": 4}, gate=CONDITIONAL) == Verdict(
        CONDITIONAL,
        False,
        "gate Conditional production: not passed, worse than the prior audit: 4.1 fell from L4 to L3",
        1,
    )


def test_a_gate_that_is_missed_by_a_run_that_is_worse_too_tells_both():
    """Mending one of the two would not open it."""
    assert worse(2, {"4.1": 4}, gate=CONDITIONAL) == Verdict(
        CONDITIONAL,
        False,
        "gate Conditional production: not passed, the disposition is Significant technical debt; "
        "worse than the prior audit: 4.1 fell from L4 to L2",
        1,
    )


@pytest.mark.parametrize(
    ("prior", "status"),
    [
        ({"4.1-3": PriorCheck(Outcome.PASSED, 5, "prior audit 2026-08-01")}, 1),
        ({"4.1-3": PriorCheck(Outcome.WEAK, 2, "prior audit 2026-08-01")}, 1),
        ({"4.1-3": PriorCheck(Outcome.FAILED, 2, "prior audit 2026-08-01")}, 0),
        ({"4.1-2": PriorCheck(Outcome.PASSED, 5, "prior audit 2026-08-01")}, 1),
        ({}, 0),
    ],
    ids=["passed before", "passed on weak evidence before", "failed before", "not there before", "no prior audit"],
)
def test_no_worse_fails_for_a_new_high_finding(prior, status):
    """A failed L3 check that had not failed before is new; without a prior audit there is nothing to compare."""
    assert worse(3, {}, spoil=failed("4.1-3"), prior=prior).exit_status == status


@pytest.mark.parametrize(
    ("prior", "told"),
    [
        ({}, "; no prior audit to be worse than: nothing was compared"),
        (
            {"9.1": 3},
            "; prior audit 2026-08-01 has none of these dimensions, or checks of them that are left out now: no level "
            "was compared",
        ),
        ({"4.1": 3}, ""),
    ],
)
def test_a_comparison_that_was_none_is_told(prior, told):
    """A gate may be passed without a prior audit, as the first one is, but not as if there had been one."""
    made, attempts = all_at(3, prior_levels=prior, prior_source="prior audit 2026-08-01")
    card = scoring.score(made, attempts, SEALED)
    passed = "gate Significant technical debt: passed, the disposition is Conditional production"
    assert regate(card, DISPOSITIONS, "significant-technical-debt", no_worse=True).reason == passed + told
    assert regate(card, DISPOSITIONS, "significant-technical-debt").reason == passed


MISSING = "audits/orders has audits of stage, none of prod"


def test_no_worse_fails_where_other_audits_can_not_be_compared_with():
    """An environment with another name makes no audit the first one; without any audit it is the first."""
    told = f"nothing was compared: {MISSING}"
    assert worse(3, {}, prior_missing=MISSING) == Verdict(None, None, told, 1)
    assert worse(3, {}, gate=CONDITIONAL, prior_missing=MISSING).reason == (
        f"gate Conditional production: not passed, {told}"
    )
    assert worse(3, {"4.1": 3}, prior_missing=MISSING).exit_status == 0
    assert worse(3, {}, prior_missing=MISSING, mode=Mode.REHEARSAL).exit_status == 0
    made, attempts = all_at(3, prior_missing=MISSING)
    card = scoring.score(made, attempts, SEALED)
    assert regate(card, DISPOSITIONS, CONDITIONAL).passed
    assert not regate(card, DISPOSITIONS, CONDITIONAL, no_worse=True).passed


SINCE = "since the prior audit 2026-08-01 of 1a2b3c4"
WELL = f"passed: nothing fell, no new high finding {SINCE}"
FIRST = "no prior audit to be worse than: nothing was compared"


@pytest.mark.parametrize(
    ("prior", "fields", "told"),
    [
        ({}, {"prior_missing": MISSING}, f"not passed: nothing was compared: {MISSING}"),
        ({}, {}, FIRST),
        ({"4.1": 4}, {}, "not passed: 4.1 fell from L4 to L3"),
        ({"4.1": 4, "4.2": 5, "4.3": 4}, {}, "not passed: 4.1 fell from L4 to L3 (and 2 more)"),
        ({"4.1": 3, "4.2": 2}, {}, WELL),
        (
            {"4.1": 3},
            {"narrowing": ("--lf",)},
            f"passed: of what was looked at, nothing fell, no new high finding {SINCE}",
        ),
    ],
)
def test_what_is_said_of_no_worse(prior, fields, told):
    """Whether it was passed, and what gave the exit status; nothing where nobody asked."""
    source = SINCE.removeprefix("since the ")
    made, attempts = all_at(3, options={"no_worse": True}, prior_levels=prior, prior_source=source, **fields)
    card = scoring.score(made, attempts, SEALED)
    assert no_worse_words(card) == told
    assert card.verdict.exit_status == int(told.startswith("not passed"))
    made, attempts = all_at(3, prior_levels=prior, **fields)
    assert scoring.score(made, attempts, SEALED).no_worse is None


@pytest.mark.parametrize(
    ("seal", "told"),
    [
        (None, "not passed: the run did not end"),
        (ended(5), "not passed: nothing was collected"),
        (ended(3), "not passed: pytest ended with status 3"),
        (ended(2, interrupted="SIGTERM"), "not passed: SIGTERM"),
        (ended(0, invalid="the build changed"), "not passed: the run is invalid: the build changed"),
        (ended(1), WELL),
    ],
)
def test_a_run_that_proves_nothing_has_not_passed_no_worse(seal, told):
    """Checks that fail do not matter, as long as they failed before."""
    source = SINCE.removeprefix("since the ")
    made, attempts = all_at(3, options={"no_worse": True}, prior_levels={"4.1": 3}, prior_source=source)
    assert no_worse_words(scoring.score(made, attempts, seal)) == told


@pytest.mark.parametrize(
    ("level", "prior", "told"),
    [
        (3, {"4.1": 3}, WELL),
        (2, {"4.1": 2}, WELL),
        # The gate's own sentence has the rest.
        (3, {"4.1": 4}, ""),
        (3, {}, ""),
    ],
)
def test_what_is_said_of_no_worse_beside_a_gate(level, prior, told):
    """That it was passed, and nothing twice."""
    asked = {"no_worse": True, "gate": CONDITIONAL}
    source = SINCE.removeprefix("since the ")
    made, attempts = all_at(level, options=asked, prior_levels=prior, prior_source=source)
    assert no_worse_words(scoring.score(made, attempts, SEALED)) == told


def test_a_partial_run_compares_only_what_it_looked_at():
    """A shard of one dimension has not lost the other seven."""
    made, attempts = all_at(
        {"4.1": 3}, narrowing=("--audit-dimension=4.1",), options={"no_worse": True}, prior_levels={"4.1": 3, "4.2": 3}
    )
    assert scoring.score(made, attempts, SEALED).verdict.exit_status == 0


def test_the_card_shows_the_prior_levels():
    """Beside those of the dimensions that the run looked at; a shard shows none for the others."""
    prior = {"4.1": 2, "4.2": 4}
    made, attempts = all_at(3, prior_levels=prior)
    assert [d.prior for d in scoring.score(made, attempts, SEALED).dimensions] == [2, 4, *[None] * 6]
    made, attempts = all_at({"4.1": 3}, narrowing=("--audit-dimension=4.1",), prior_levels=prior)
    assert [d.prior for d in scoring.score(made, attempts, SEALED).dimensions] == [2, *[None] * 7]


def test_a_finished_card_can_be_held_against_another_gate():
    """`backend-audit gate` asks a signed card for more than a run may be asked."""
    made, attempts = all_at(5)
    unsigned = scoring.score(made, attempts, ended(1))
    signed = scoring.score(made, attempts, ended(1), signed_off=True)
    assert regate(unsigned, DISPOSITIONS, "production-ready").exit_status == 1
    assert regate(signed, DISPOSITIONS, "production-ready") == Verdict(
        "production-ready", True, "gate Production-ready: passed, the disposition is Production-ready", 0
    )


def test_a_finished_card_can_be_asked_to_be_no_worse():
    """The comparison is made on demand, also if the run was not asked for it."""
    made, attempts = all_at(3, prior_levels={"4.8": 5})
    card = scoring.score(made, attempts, SEALED)
    assert card.verdict.exit_status == 0
    assert (
        regate(card, DISPOSITIONS, None, no_worse=True).reason == "worse than the prior audit: 4.8 fell from L5 to L3"
    )


@pytest.mark.parametrize(
    ("plan_of", "attempt", "message"),
    [
        ("9.9", None, "check x: dimension '9.9' is not one of 4.1, 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4.8"),
        ("4.1", "y", "y: check 'y' is not in the plan of this run"),
    ],
)
def test_inputs_that_contradict_themselves_are_refused(plan_of, attempt, message):
    """An unknown dimension, or an attempt of a check that is not planned, is no card."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared below
        scoring.score(inputs([check("x", 2, plan_of)]), [failed(attempt)] if attempt else [], SEALED)
    assert str(caught.value) == message

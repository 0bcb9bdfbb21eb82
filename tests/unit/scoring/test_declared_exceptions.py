"""Not applicable, acknowledged, and limits carried over from an earlier failure."""

from __future__ import annotations

import pytest
from unit.scoring.scoring_cases import (
    SEALED,
    attempt,
    broken,
    check,
    failed,
    inputs,
    passed,
    row,
    skipped,
    standard,
)

from pytest_backend_audit import scoring
from pytest_backend_audit.model import Acknowledged, NotApplicable, Outcome, PriorCheck

PLANS = standard(row("4.1", "plans", 3), row("4.1", "logging", 2), row("4.1", "logging", 3), ids=("4.1",))


def away(criterion, expires="2026-12-31", since="2026-08-01"):
    """A declaration that a criterion does not apply."""
    return NotApplicable(criterion, "no pooler here", "Ada", since, expires, "audit.yaml:40")


def known(item, expires="2026-12-31"):
    """An acknowledged item."""
    return Acknowledged(item, "vendor's table", "Ada", "OPS-1", expires, "audit.yaml:50")


def scored(plan, attempts, *, rules=None, **policy):
    """The card with these exceptions; the standard is loaded if rules are given."""
    return scoring.score(inputs(plan, rules=rules, loaded=rules is not None, policy=policy), attempts, SEALED)


@pytest.mark.parametrize(
    ("tried", "limit", "level"),
    [
        (passed("b"), 5, 3),
        (failed("b"), 3, 3),
        (skipped("b"), 5, 3),
        (broken("b"), 5, 3),
        (attempt("b"), 5, 3),
        (failed("b", instance="b[1]"), 3, 3),
    ],
)
def test_what_does_not_apply_sets_no_limit_and_proves_nothing_but_a_failure_stands(tried, limit, level):
    """The L4 check of a criterion that doesn't apply counts only if it failed, and its pass doesn't prove L4."""
    plan = [check("a", 3), check("b", 4, criterion="pooler")]
    dimension = scored(plan, [passed("a"), tried], not_applicable=(away("pooler"),)).dimensions[0]
    assert (dimension.criteria[1].limit, dimension.would_be, dimension.criteria[1].proven) == (limit, level, 0)
    assert dimension.criteria[1].not_applicable == away("pooler")


def test_a_failed_instance_stands_although_another_could_not_run():
    """Where a criterion doesn't apply, an instance that failed limits even if a skipped one gave the label."""
    plan = [check("a", 5, criterion="pooler")]
    tried = [failed("a", instance="a[1]"), skipped("a", instance="a[2]")]
    criterion = scored(plan, tried, not_applicable=(away("pooler"),)).dimensions[0].criteria[0]
    assert (criterion.checks[0].outcome, criterion.limit) == (Outcome.COULD_NOT_RUN, 4)


def test_a_dimension_left_without_a_pass_is_level_one():
    """Declaring everything away proves nothing."""
    card = scored([check("a", 3, criterion="pooler")], [skipped("a")], not_applicable=(away("pooler"),))
    assert card.dimensions[0].would_be == 1


def test_rows_that_do_not_apply_are_not_counted():
    """They are neither uncovered nor part of "assessed n of m"."""
    plan = [check("a", 3, criterion="logging")]
    card = scored(plan, [passed("a")], rules=PLANS, not_applicable=(away("plans"),))
    assert [r.state.value for r in card.dimensions[0].criteria[0].rows] == ["not-applicable"]
    assert (card.coverage.assessed, card.coverage.of, card.dimensions[0].would_be) == (2, 2, 3)


@pytest.mark.parametrize(
    ("expires", "since", "limit"),
    [("2026-08-31", "2026-08-01", 5), ("2026-08-30", "2026-08-01", 2), ("2026-12-31", "2026-09-01", 2)],
    ids=["its last day", "the day after", "not begun"],
)
def test_a_declaration_is_valid_through_its_last_day(expires, since, limit):
    """At 2026-08-31T10:00Z one that expires on that day holds; an expired one excuses nothing: could not run."""
    card = scored([check("a", 4, criterion="pooler")], [skipped("a")], not_applicable=(away("pooler", expires, since),))
    assert card.dimensions[0].criteria[0].limit == limit


@pytest.mark.parametrize("first", ["2026-08-01", "2026-12-31"])
def test_a_renewed_declaration_counts_beside_its_expired_one(first):
    """Of two for one criterion the one in force counts, whichever stands first."""
    last = "2026-12-31" if first == "2026-08-01" else "2026-08-01"
    both = (away("pooler", first), away("pooler", last))
    card = scored([check("a", 4, criterion="pooler")], [skipped("a")], not_applicable=both)
    assert card.dimensions[0].criteria[0].limit == 5


def test_an_expired_declaration_is_told_and_its_row_could_not_run():
    """The card names the day; the row without a check limits to 2."""
    card = scored([], [], rules=PLANS, not_applicable=(away("plans", "2026-08-30"),))
    assert card.exceptions_expired == ("not applicable plans expired on 2026-08-30 (audit.yaml:40)",)
    assert [r.state.value for r in card.dimensions[0].criteria[0].rows] == ["uncovered"]


@pytest.mark.parametrize(("dimension", "level"), [("4.6", 1), ("4.7", 1), ("4.1", 2)])
def test_the_fixed_levels_of_a_dimension_cannot_be_declared_away(dimension, level):
    """An L2 failure-to-look in Reliability or Security still counts; elsewhere the declaration holds."""
    rules = standard(row(dimension, "authentication", 2), row(dimension, "authentication", 3))
    plan = [check("own", 2, dimension), check("a", 2, dimension, "authentication")]
    tried = [passed("own"), attempt("a")]
    card = scored(plan, tried, rules=rules, not_applicable=(away("authentication"),))
    result = next(d for d in card.dimensions if d.id == dimension)
    assert result.would_be == level
    refused = "authentication L2 can't be declared not applicable; it counts"
    assert (refused in card.notices) is (dimension != "4.1")


def test_a_finding_is_made_of_a_refused_declaration_but_not_of_one_that_holds():
    """An unsupported L2 check of Security is a finding although declared away; its L3 check is none."""
    plan = [check("a", 2, "4.7", "tls"), check("b", 3, "4.7", "tls")]
    card = scored(plan, [attempt("a"), skipped("b")], not_applicable=(away("tls"),))
    assert [f.check for f in card.findings if f.dimension == "4.7"] == ["a"]


def test_unused_exceptions_are_flagged_and_used_ones_are_not():
    """What took nothing out of a check that looked is flagged; what could not be tried is not."""
    plan = [check("a", 3, criterion="fk"), check("b", 3, criterion="hygiene")]
    tried = [passed("a", acknowledged=("fk:public.orders",)), skipped("b")]
    card = scored(
        plan,
        tried,
        acknowledged=(
            known("fk:public.orders"),
            known("fk:public.gone"),
            known("hygiene:public.x"),
            known("nothing:y"),
            known("fk:public.old", "2026-08-30"),
        ),
        not_applicable=(away("kafka"), away("fk")),
    )
    assert card.exceptions_unused == (
        "acknowledged fk:public.gone took nothing out (audit.yaml:50)",
        "acknowledged nothing:y took nothing out (audit.yaml:50)",
        "not applicable kafka names no criterion of this audit (audit.yaml:40)",
    )
    assert card.exceptions_expired == ("acknowledged fk:public.old expired on 2026-08-30 (audit.yaml:50)",)
    assert card.dimensions[0].criteria[0].checks[0].acknowledged == ("fk:public.orders",)


def test_a_partial_run_calls_no_exception_unused():
    """What was left out may have used it: another level of its criterion, or a check that its paths don't have."""
    plan = [check("a", 3, criterion="fk"), check("b", 4, criterion="fk")]
    excused = {
        "acknowledged": (known("fk:public.orders"), known("of-another-file:x")),
        "not_applicable": (away("kafka"),),
    }
    narrowed = inputs(plan, loaded=False, policy=excused, narrowing=("-k a",), selected=("a",))
    card = scoring.score(narrowed, [passed("a")], SEALED)
    assert card.exceptions_unused == ()
    whole = scored(plan, [passed("a"), passed("b")], **excused)
    assert len(whole.exceptions_unused) == 3


def test_an_item_of_a_check_without_a_criterion_is_found_by_its_id():
    """A check's own id has colons, and is still recognised in front of the item."""
    id_ = "tests/test_db.py::test_fk"
    card = scored([check(id_, 3)], [passed(id_)], acknowledged=(known(f"{id_}:public.t"),))
    assert card.exceptions_unused == (f"acknowledged {id_}:public.t took nothing out (audit.yaml:50)",)


def test_exceptions_that_lapse_within_fourteen_days_are_announced():
    """From the day of the audit to the fourteenth day after it, the soonest first."""
    card = scored(
        [],
        [],
        acknowledged=(known("fk:a", "2026-09-14"), known("fk:b", "2026-09-15"), known("fk:c", "2026-08-30")),
        not_applicable=(away("waf", "2026-08-31"),),
    )
    assert card.exceptions_told == (
        ("expired", "acknowledged fk:c expired on 2026-08-30 (audit.yaml:50)"),
        ("lapses soon", "not applicable waf lapses on 2026-08-31"),
        ("lapses soon", "acknowledged fk:a lapses on 2026-09-14"),
        ("unused", "acknowledged fk:a took nothing out (audit.yaml:50)"),
        ("unused", "acknowledged fk:b took nothing out (audit.yaml:50)"),
        ("unused", "not applicable waf names no criterion of this audit (audit.yaml:40)"),
    )
    assert card.exceptions_lapsing == (
        "not applicable waf lapses on 2026-08-31",
        "acknowledged fk:a lapses on 2026-09-14",
    )


@pytest.mark.parametrize(
    ("tried", "prior", "limit", "carried"),
    [
        (skipped("a"), PriorCheck(Outcome.FAILED, 1, "prior audit 2026-05-01"), 1, "prior audit 2026-05-01"),
        (skipped("a"), PriorCheck(Outcome.FAILED, 3, "prior audit 2026-05-01"), 2, ""),
        (skipped("a"), PriorCheck(Outcome.BROKEN, 1, "prior audit 2026-05-01"), 2, ""),
        (passed("a"), PriorCheck(Outcome.FAILED, 1, "prior audit 2026-05-01"), 5, ""),
        (broken("a"), PriorCheck(Outcome.FAILED, 1, "prior audit 2026-05-01"), 1, ""),
    ],
)
def test_a_check_that_could_not_run_keeps_its_lower_failed_limit(tried, prior, limit, carried):
    """Only a failure is carried, only where it is lower, and only by a check that could not run."""
    card = scoring.score(inputs([check("a", 2)], prior={"a": prior}), [tried], SEALED)
    result = card.checks[0]
    assert (result.limit, result.carried) == (limit, carried)

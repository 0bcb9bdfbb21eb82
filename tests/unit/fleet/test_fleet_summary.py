"""The numbers of a small fleet, each counted by hand; and that the order of the files does not matter."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.fleet.fleet_cards import DAY, ORDER, asked, audit, fleet
from unit.scoring.scoring_cases import NAMES

from pytest_backend_audit.fleet.audits import Audit, Reducer, State
from pytest_backend_audit.fleet.summary import AUDIT_AGAIN, Dimension, Failing, Fleet, Level, below, summarise
from pytest_backend_audit.fleet.trends import Period
from pytest_backend_audit.model import Action, FiledCard, FiledCheck, Outcome, Severity


def reduced(*cards: FiledCard) -> list[Audit]:
    """The audits, each from a file of its own."""
    reducer = Reducer()
    return [reducer.reduce(card, f"{number}.json") for number, card in enumerate(cards)]


def small(**fields: object) -> Fleet:
    """The numbers of the small fleet."""
    return summarise(reduced(*fleet()), asked(**fields))


def named(found: Fleet) -> list[tuple[str, str]]:
    """Services and kinds of environment, in their order."""
    return [(s.service, s.kind) for s in found.services]


def test_the_latest_audit_of_each_service_and_environment() -> None:
    """Worst first; what is counted is said."""
    found = small()
    assert [(s.service, s.kind, str(s.audited), s.total, s.disposition) for s in found.services] == [
        ("billing", "prod", "2026-06-15", 16, "significant-technical-debt"),
        ("search", "prod", "2026-10-05", 22, "conditional-production"),
        ("orders", "prod", "2026-08-31", 23, "conditional-production"),
        ("orders", "stage", "2026-08-01", 24, "conditional-production"),
    ]
    assert (found.names, found.audits, found.twice, found.later) == (3, 5, 0, 0)
    assert [s.age for s in found.services] == [167, 55, 90, 120]
    assert not any(s.signed for s in found.services)


def test_levels_and_their_change_without_the_reviewers_cap() -> None:
    """4.1 rose from 2 to an unsigned 4, which is recorded as 3; the total from 16 to 23, which would be 24."""
    orders = small().services[2]
    assert orders.levels == {
        **dict.fromkeys(NAMES, Level(3, 1)),
        "4.1": Level(3, 2),
        "4.3": Level(2, 0),
    }
    assert (orders.change, orders.before) == (8, date(2026, 3, 2))
    assert [s.change for s in small().services] == [None, None, 8, None]


def test_services_by_disposition() -> None:
    """Best first, in the standard's order."""
    tiers = small().dispositions
    assert [(t.id, t.name, [(s.service, s.kind) for s in t.services]) for t in tiers] == [
        (
            "conditional-production",
            "Conditional production",
            [("search", "prod"), ("orders", "prod"), ("orders", "stage")],
        ),
        ("significant-technical-debt", "Significant technical debt", [("billing", "prod")]),
    ]


def test_dispositions_of_other_standards_follow_and_none_is_last() -> None:
    """A matrix of one's own has ids of its own."""
    card = audit("orders", "2026-08-31")
    cards = [
        replace(card, service=name, sources=(), disposition=id_, disposition_name=id_.title())
        for name, id_ in (("a", ""), ("b", "zeta"), ("c", "alpha"), ("d", ORDER[2]))
    ]
    tiers = summarise(reduced(*cards), asked()).dispositions
    assert [(t.id, [s.service for s in t.services]) for t in tiers] == [
        (ORDER[2], ["d"]),
        ("alpha", ["c"]),
        ("zeta", ["b"]),
        ("", ["a"]),
    ]


def test_how_many_services_stand_at_which_level() -> None:
    """Of each dimension, and their mean."""
    dimensions = {d.id: d for d in small().dimensions}
    assert list(dimensions) == list(NAMES)
    assert dimensions["4.1"] == Dimension("4.1", "Query Performance", (0, 1, 3, 0, 0))
    assert dimensions["4.3"].counts == (0, 3, 1, 0, 0)
    assert dimensions["4.7"].counts == (0, 2, 2, 0, 0)
    assert [dimensions[id_].mean for id_ in ("4.1", "4.3", "4.7")] == [2.75, 2.25, 2.5]


def test_the_commonest_failing_criteria() -> None:
    """Failed ones first, with the number of services that were checked for them."""
    assert small().failing == (
        Failing("4.3", "hit-rate", failed=2, unproven=0, of=2),
        Failing("4.7", "secrets-manager", failed=0, unproven=2, of=2),
    )


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        (["passed", "passed"], State.HELD),
        (["passed", "weak"], State.UNPROVEN),
        (["unsupported", "passed"], State.UNPROVEN),
        (["could-not-run"], State.UNPROVEN),
        (["carried"], State.FAILED),
        (["failed", "passed", "could-not-run"], State.FAILED),
        (["broken"], State.FAILED),
    ],
)
def test_a_criterion_is_as_good_as_its_worst_check(outcomes: list[str], state: State) -> None:
    """What could not run and kept the limit of a failure counts as one."""
    checks = tuple(
        FiledCheck(
            f"a::test_{n}", "4.1", "bare", 3, Outcome("could-not-run" if o == "carried" else o), 2, o == "carried"
        )
        for n, o in enumerate(outcomes)
    )
    (one,) = reduced(replace(audit("orders", "2026-08-31"), checks=checks))
    assert [(c.dimension, c.id, c.state) for c in one.criteria] == [("4.1", "bare", state)]


def test_audits_that_are_due_again() -> None:
    """Billing's was due 60 days after it; the day itself is not past."""
    assert [(o.service.service, str(o.due), o.days, o.text) for o in small().lapsed] == [
        ("billing", "2026-08-14", 107, "Audit again")
    ]
    assert [o.days for o in small(as_of=date(2026, 8, 15), services=("billing",)).lapsed] == [1]
    assert small(as_of=date(2026, 8, 14), services=("billing",)).lapsed == ()


def test_a_later_audit_answers_what_was_due() -> None:
    """Orders' audit of March wanted another by May; that of August is one."""
    found = small(as_of=date(2026, 8, 30))
    assert [(o.service.service, str(o.due)) for o in found.lapsed] == [
        ("orders", "2026-05-01"),
        ("billing", "2026-08-14"),
    ]
    assert [o.service.service for o in small(as_of=date(2026, 8, 31)).lapsed] == ["billing"]


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("Audit again.", True),
        ("Re-audit in 60 days", True),
        ("Keep improving; audit again", True),
        ("Reaudit", True),
        ("Hand in a remediation plan", False),
        ("Tell the unaudited teams", False),
    ],
)
def test_which_actions_are_about_the_next_audit(text: str, about: bool) -> None:
    """The word decides, as an action has no more than a text and a date."""
    assert bool(AUDIT_AGAIN.search(text)) is about


def test_an_action_without_a_proper_date_is_not_past() -> None:
    """Nor does it stop anything."""
    actions = tuple(Action("Audit again", due) for due in ("", "soon", "2026-13-01", "2026-11-28"))
    found = summarise(reduced(replace(audit("orders", "2026-08-31"), actions=actions)), asked())
    assert [str(o.due) for o in found.lapsed] == ["2026-11-28"]


def test_findings_past_their_date() -> None:
    """Billing's, of which all have the date of its plan."""
    found = small()
    assert found.overdue == {Severity.CRITICAL: 0, Severity.HIGH: 0, Severity.MEDIUM: 1, Severity.LOW: 7}
    assert [s.overdue for s in found.services] == [8, 0, 0, 0]


def test_the_mean_level_of_each_quarter() -> None:
    """Each service by its latest audit until the quarter's end, from the first audit's quarter on."""
    assert small().periods == (
        Period("2026-Q1", audits=1, services=1, mean=2.0),
        Period("2026-Q2", audits=1, services=2, mean=2.0),
        Period("2026-Q3", audits=2, services=3, mean=round((16 + 23 + 24) / 24, 2)),
        Period("2026-Q4", audits=1, services=4, mean=round((16 + 22 + 23 + 24) / 32, 2)),
    )


def test_quarters_are_bounded_and_reach_the_ends_of_time() -> None:
    """The last twelve."""
    old = summarise(reduced(audit("orders", "1999-12-31")), asked(as_of=date(9999, 12, 31)))
    assert [p.name for p in old.periods] == [f"{year}-Q{n}" for year in (9997, 9998, 9999) for n in (1, 2, 3, 4)]
    first = summarise(reduced(audit("orders", "0001-01-01")), asked(as_of=date(1, 4, 1)))
    assert [p.name for p in first.periods] == ["1-Q1", "1-Q2"]


def test_who_fell_and_who_rose() -> None:
    """The most moved first; who did not is in neither."""
    moves = {"a": (3, 2), "b": (2, 3), "c": ({**dict.fromkeys(NAMES, 3), "4.1": 2}, 3), "d": (2, 2)}
    cards = [
        audit(name, day, levels)
        for name, pair in moves.items()
        for day, levels in zip(("2026-01-01", "2026-02-01"), pair, strict=True)
    ]
    found = summarise(reduced(*cards), asked())
    assert [(s.service, s.change) for s in found.fell] == [("a", -8)]
    assert [(s.service, s.change) for s in found.rose] == [("b", 8), ("c", 1)]


def test_an_environment_of_the_same_kind_hides_no_other() -> None:
    """A later audit in us is no rise of europe: europe has a row of its own, with what fails there."""
    europe, us = (
        replace(audit("orders", day, level, fails=fails), environment=name, sources=(name,))
        for name, day, level, fails in (("europe", "2026-08-01", 2, "hit-rate"), ("us", "2026-08-02", 3, ""))
    )
    found = summarise(reduced(europe, us), asked())
    assert [(s.called, s.total, s.change) for s in found.services] == [("europe", 16, None), ("us", 24, None)]
    assert found.failing == (Failing("4.3", "hit-rate", failed=1, unproven=0, of=1),)
    assert (found.rose, found.names, found.mixed) == ((), 1, True)
    assert [(s.called, s.environment) for s in summarise(reduced(us), asked()).services] == [("prod", "us")]


def test_totals_of_different_maxima_do_not_compare() -> None:
    """A standard that gained a dimension makes no rise."""
    first, second = audit("orders", "2026-01-01"), audit("orders", "2026-02-01", 3)
    (found,) = summarise(reduced(replace(first, maximum=35), second), asked()).services
    assert (found.change, found.before, found.levels["4.1"].change) == (None, date(2026, 1, 1), 1)


def test_audits_after_the_day_are_left_out() -> None:
    """And counted: the numbers are those of that day."""
    found = small(as_of=date(2026, 8, 30))
    assert [(s.service, s.kind, str(s.audited)) for s in found.services] == [
        ("billing", "prod", "2026-06-15"),
        ("orders", "prod", "2026-03-02"),
        ("orders", "stage", "2026-08-01"),
    ]
    assert found.later == 2


def test_the_filters() -> None:
    """By pattern of the name, by name or kind of the environment."""
    assert named(small(services=("ord*",))) == [("orders", "prod"), ("orders", "stage")]
    assert named(small(services=("billing", "s?arch"))) == [("billing", "prod"), ("search", "prod")]
    assert named(small(environments=("stage",))) == [("orders", "stage")]
    assert named(small(environments=("prod-eu",))) == [("billing", "prod"), ("search", "prod"), ("orders", "prod")]
    assert named(small(services=("Orders",))) == []


def test_an_owner_sees_their_dimensions() -> None:
    """Levels, criteria, findings and the mean are of theirs; total and disposition stay the service's."""
    found = small(owner="DATA team")
    assert [d.id for d in found.dimensions] == ["4.1", "4.3"]
    assert found.services[2].levels == {"4.1": Level(3, 2), "4.3": Level(2, 0)}
    assert found.services[2].total == 23
    assert [f.criterion for f in found.failing] == ["hit-rate"]
    assert sum(found.overdue.values()) == 2
    assert found.periods[-1].mean == round((4 + 5 + 5 + 6) / 8, 2)
    assert named(small(owner="nobody")) == []


def test_an_audit_of_two_files_counts_once() -> None:
    """The signed card counts, as it says more; files that contradict each other are named."""
    card = audit("orders", "2026-08-31", 3)
    signed = replace(card, second_reviewer="kim@example.org", total=25)
    found = summarise(reduced(card, signed, card), asked())
    assert (found.audits, found.twice, found.at_odds) == (1, 2, ())
    assert (found.services[0].signed, found.services[0].total) == (True, 25)
    contradicting = summarise(reduced(card, replace(card, total=25)), asked())
    assert contradicting.at_odds == (("0.json", "1.json"),)


def test_the_order_of_merged_runs_makes_no_other_audit() -> None:
    """A merge of the same runs the other way round is the same audit."""
    one = replace(audit("orders", "2026-08-31"), sources=("aa", "bb"))
    assert summarise(reduced(one, replace(one, sources=("bb", "aa"))), asked()).twice == 1
    assert summarise(reduced(one, replace(one, sources=("bb", "cc"))), asked()).twice == 0


def test_without_journals_place_and_time_tell_audits_apart() -> None:
    """Cards whose sources are not known."""
    card = replace(audit("orders", "2026-08-31"), sources=())
    other = replace(card, instant="2026-09-01T10:00:00Z")
    assert summarise(reduced(card, card, other), asked()).twice == 1


def test_who_is_below_a_minimum() -> None:
    """One that has no disposition is, and one of a matrix that the order does not know."""
    found = small()
    assert [s.service for s in below(found, "conditional-production")] == ["billing"]
    assert below(found, "significant-technical-debt") == ()
    assert len(below(found, "production-ready")) == 4
    cards = [replace(audit("orders", "2026-08-31"), service=n, sources=(), disposition=n) for n in ("own", "x")]
    none = [replace(cards[0], service="none", disposition="", disposition_name="")]
    assert len(below(summarise(reduced(*cards, *none), asked()), "significant-technical-debt")) == 3


def test_dimensions_are_in_the_order_of_their_numbers() -> None:
    """4.10 after 4.9; those of few services last."""
    card = audit("orders", "2026-08-31")
    dimension = card.dimensions[0]
    ids = ("4.10", "4.9", "x")
    many = [
        replace(
            card, service=n, sources=(), dimensions=tuple(replace(dimension, id=i) for i in ids), maximum=15, total=6
        )
        for n in "ab"
    ]
    few = replace(many[0], service="c", dimensions=(replace(dimension, id="1"),), maximum=5, total=2)
    assert [d.id for d in summarise(reduced(*many, few), asked()).dimensions] == ["4.9", "4.10", "x", "1"]


AUDITS = st.builds(
    lambda service, day, level, kind, fails, head: (
        service,
        f"2026-{day // 28 + 1:02}-{day % 28 + 1:02}",
        level,
        kind,
        fails,
        head,
    ),
    st.sampled_from(["a", "b", "ü"]),
    st.integers(0, 300),
    st.integers(1, 3),
    st.sampled_from(["prod", "stage"]),
    st.sampled_from(["", "hit-rate"]),
    st.sampled_from(["", "same"]),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(AUDITS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_any_fleet_adds_up_in_any_order(
    wanted: list[tuple[str, str, int, str, str, str]], chance: random.Random
) -> None:
    """Shuffled files give the same numbers; every audit is counted, a duplicate, or later than the day."""
    cards = [audit(s, day, level, kind=kind, fails=fails, head=head) for s, day, level, kind, fails, head in wanted]
    audits = reduced(*cards)
    found = summarise(audits, asked(as_of=date(2026, 7, 1)))
    shuffled = list(audits)
    chance.shuffle(shuffled)
    assert summarise(shuffled, asked(as_of=date(2026, 7, 1))) == found
    assert found.audits + found.twice + found.later == len(audits)
    assert sum(len(t.services) for t in found.dispositions) == len(found.services)
    for dimension in found.dimensions:
        levels = [s.levels[dimension.id].level for s in found.services]
        assert sum(dimension.counts) == len(levels)
        assert dimension.mean == round(float(Fraction(sum(levels), len(levels))), 2)
    assert all(f.failed + f.unproven <= f.of <= len(found.services) for f in found.failing)
    assert len(found.services) == len({(s.service, s.environment) for s in found.services})
    assert max((s.audited for s in found.services), default=date.min) < DAY

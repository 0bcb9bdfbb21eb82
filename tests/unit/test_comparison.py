"""What changed from one audit to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from unit.scoring.scoring_cases import SEALED, VERBAL, all_at, broken, check, failed, inputs, passed, skipped

from pytest_backend_audit import filed
from pytest_backend_audit.comparison import (
    CheckChange,
    Comparison,
    NotComparableError,
    SettingChange,
    Side,
    Trend,
    compare,
)
from pytest_backend_audit.model import Attempt, Failure, FiledCard, NotApplicable, Outcome, PriorCheck
from pytest_backend_audit.scoring import score
from pytest_backend_audit.scoring.verdict import regate

BEFORE = {"instant": "2026-06-01T10:00:00Z"}


def audit(levels: Mapping[str, int] | int, spoil: Attempt | None = None, **fields: Any) -> FiledCard:
    """An audit in which each dimension has passes up to a level, one of them replaced."""
    made, attempts = all_at(levels, **fields)
    if spoil:
        attempts = [spoil if a.check == spoil.check else a for a in attempts]
    return filed.filed(score(made, attempts, SEALED), numbers={}, sources=("ab" * 32,))


def compared(now: FiledCard, prior: FiledCard) -> Comparison:
    """Two whole audits of which the prior has another record."""
    return compare(Side(now), Side(replace(prior, sources=("cd" * 32,))))


def test_nothing_changed() -> None:
    """Neither levels nor anything else; nothing is worse, and nothing is warned of."""
    found = compared(audit(3), audit(3, **BEFORE))
    assert [(c.id, c.before, c.now) for c in found.levels] == [(f"4.{n}", 3, 3) for n in range(1, 9)]
    assert (found.checks, found.findings, found.settings, found.warnings, found.worse) == ((), (), (), (), ())


def test_a_dimension_that_fell_and_one_that_rose() -> None:
    """What failed where it had passed is a fall, a new finding and a changed check; only the fall is worse."""
    found = compared(audit({"4.1": 3, "4.2": 3}, failed("4.1-3")), audit({"4.1": 3, "4.2": 2}, **BEFORE))
    assert [(c.id, c.before, c.now, c.fell, c.rose) for c in found.levels[:2]] == [
        ("4.1", 3, 2, True, False),
        ("4.2", 2, 3, False, True),
    ]
    assert found.checks == (
        CheckChange("4.1-3", "4.1", "4.1-3", 3, Outcome.PASSED, Outcome.FAILED, 5, 2),
        CheckChange("4.2-3", "4.2", "4.2-3", 3, None, Outcome.PASSED, None, 5),
    )
    new = [(f.trend, f.check) for f in found.findings if f.trend is Trend.NEW]
    assert new == [(Trend.NEW, "4.1-3")]
    assert found.worse == (
        "4.1 fell from L3 to L2",
        "new high finding 4.1-3 L3 failed: 3 foreign keys without an index",
    )


def merge(whole: FiledCard, **parts: FiledCard) -> FiledCard:
    """A merge of environments, each with what it was by itself."""
    names = {place: replace(part, environment=place) for place, part in parts.items()}
    return replace(whole, environment=", ".join(names), parts=names)


def test_an_environment_is_compared_with_itself_in_a_merge() -> None:
    """By the name that it had then as well; a merge is compared with a merge."""
    merged = merge(audit(3, **BEFORE), prod=audit(2, **BEFORE), stage=audit(3, **BEFORE))
    for now in (replace(audit(2), environment="prod"), replace(audit(2), environment="eu", formerly={"eu": "prod"})):
        found = compared(now, merged)
        assert [(c.before, c.now) for c in found.levels] == [(2, 2)] * 8
        assert (found.worse, found.total_before) == ((), 16)
    both = merge(audit(2), prod=audit(2), stage=audit(3))
    assert compared(both, merged).worse == tuple(f"4.{n} fell from L3 to L2" for n in range(1, 9))
    assert len(compared(replace(audit(2), environment="stage"), merged).worse) == 8


def test_the_names_of_others_say_nothing_of_an_environment() -> None:
    """All of them were renamed: each is held against what it was called itself."""
    merged = merge(audit(3, **BEFORE), live=audit(3, **BEFORE), pre=audit(2, **BEFORE))
    renamed = {"prod": "live", "stage": "pre"}
    both = merge(audit(3), prod=audit(3), stage=audit(2))
    parts = {place: replace(card, formerly={place: renamed[place]}) for place, card in both.parts.items()}
    assert compared(replace(both, parts=parts, formerly=renamed), merged).worse == ()
    for place, level in (("prod", 3), ("stage", 2)):
        assert [c.before for c in compared(parts[place], merged).levels] == [level] * 8


def test_what_fell_in_one_environment_is_not_made_up_for_by_another() -> None:
    """Together they stand as before: prod fell, and stage rose."""
    before = merge(audit(3, **BEFORE), prod=audit({"4.1": 4}, **BEFORE), stage=audit({"4.1": 3}, **BEFORE))
    now = merge(audit(3), prod=audit({"4.1": 3}), stage=audit({"4.1": 4}))
    assert compared(now, before).worse == ("in prod, 4.1 fell from L4 to L3",)


def test_what_fell_in_all_environments_is_said_once() -> None:
    """With those that fell; what the whole says is not said again."""
    before = merge(audit(4, **BEFORE), prod=audit({"4.1": 4}, **BEFORE), stage=audit({"4.1": 4}, **BEFORE))
    now = merge(audit({"4.1": 4, "4.2": 3}), prod=audit({"4.1": 2}), stage=audit({"4.1": 2}))
    assert compared(now, before).worse == (
        "4.2 fell from L4 to L3",
        *(f"4.{n} fell from L4 to L1" for n in range(3, 9)),
        "in prod and stage, 4.1 fell from L4 to L2",
    )


def test_checks_and_findings_of_an_environment_in_a_merge_are_its_own() -> None:
    """What failed in stage alone is none of prod's, and what stage answered for prod is no change there."""
    prod, stage = audit(3, skipped("4.1-3"), **BEFORE), audit(3, failed("4.2-3"), **BEFORE)
    merged = merge(audit(3, failed("4.2-3"), **BEFORE), prod=prod, stage=stage)
    found = compared(replace(audit(3, skipped("4.1-3")), environment="prod"), merged)
    assert (found.checks, found.findings, found.worse) == ((), (), ())
    assert (found.total_before, found.total_now) == (23, 23)


def test_what_a_narrowed_part_did_not_look_at_is_not_compared() -> None:
    """As of one environment's shard: it has no word on the other dimensions, and on checks that it left out."""
    whole = audit(3, **BEFORE)
    one = replace(
        whole,
        dimensions=whole.dimensions[:1],
        checks=tuple(c for c in whole.checks if c.dimension == "4.1"),
        partial=True,
    )
    merged = merge(whole, prod=one, stage=whole)
    found = compared(replace(audit(2, failed("4.2-2")), environment="prod"), merged)
    assert [(c.id, c.before, c.now) for c in found.levels if c.before is not None] == [("4.1", 3, 2)]
    assert [c.id for c in found.checks] == ["4.1-3"]
    assert found.worse == ("4.1 fell from L3 to L2",)


def test_a_case_is_taken_out_where_it_was() -> None:
    """Of a merge beside an audit of prod, what stage has lost says nothing."""
    lost = audit(3)
    lost = replace(lost, checks=tuple(replace(c, taken_out=("[b]",)) for c in lost.checks if c.id == "4.1-3"))
    merged = merge(lost, prod=audit(3), stage=lost)
    assert compared(merged, replace(audit(3, **BEFORE), environment="prod")).worse == ()
    assert compared(merged, replace(audit(3, **BEFORE), environment="stage")).worse[0] == (
        "4.1 4.1-3: [b] had not passed, and is no longer part of the check"
    )


def test_levels_are_those_before_the_reviewers_cap() -> None:
    """An unsigned L5 is recorded as L3, and has not fallen from a signed one."""
    made, attempts = all_at(5)
    signed = filed.filed(score(made, attempts, SEALED, signed_off=True), numbers={}, sources=())
    found = compared(audit(5), replace(signed, instant="2026-06-01T10:00:00Z"))
    one = found.levels[0]
    assert (one.before, one.now, one.recorded_before, one.recorded_now) == (5, 5, 5, 3)
    assert found.worse == ()


def test_a_failure_that_could_not_be_looked_at_again_keeps_its_level() -> None:
    """By itself a check that could not run would lift the dimension from L1 to L2."""
    prior = audit({"4.1": 2, "4.2": 3}, failed("4.1-2"), **BEFORE)
    now = audit({"4.1": 2, "4.2": 3}, skipped("4.1-2"))
    assert [c.outcome for c in now.checks if c.id == "4.1-2"] == [Outcome.COULD_NOT_RUN]
    found = compared(now, prior)
    assert found.checks == (
        CheckChange("4.1-2", "4.1", "4.1-2", 2, Outcome.FAILED, Outcome.COULD_NOT_RUN, 1, 1, carried=True),
    )
    assert (found.levels[0].before, found.levels[0].now) == (1, 1)
    assert found.worse == ()
    # An audit later it is no change any more, and holds the level all the same.
    kept = replace(now, checks=tuple(replace(c, carried=True, limit=1) if c.id == "4.1-2" else c for c in now.checks))
    later = compared(now, replace(kept, instant="2026-07-01T10:00:00Z"))
    assert (later.checks, later.levels[0].now) == ((), 1)


def test_a_failure_that_stands_keeps_its_level_later_on() -> None:
    """The audit in between gave no answer either: there the check was broken."""
    prior = audit({"4.1": 2, "4.2": 3}, broken("4.1-2"), **BEFORE)
    stands = tuple(replace(c, stands=Failure(Outcome.FAILED, 1)) if c.id == "4.1-2" else c for c in prior.checks)
    now = audit({"4.1": 2, "4.2": 3}, skipped("4.1-2"))
    change = CheckChange("4.1-2", "4.1", "4.1-2", 2, Outcome.BROKEN, Outcome.COULD_NOT_RUN, 1, 1, carried=True)
    assert compared(now, replace(prior, checks=stands)).checks == (change,)
    assert compared(now, prior).checks == (replace(change, limit_now=2, carried=False),)


@pytest.mark.parametrize(
    ("before", "now", "trend", "what"),
    [
        (skipped("a"), failed("a"), Trend.WORSE, ("severity", "limit", "title")),
        (failed("a", "3 of 9"), failed("a", "4 of 9"), Trend.CHANGED, ("title",)),
        (failed("a"), skipped("a"), Trend.CHANGED, ("severity", "title")),
    ],
    ids=["graver", "another number", "could not run now"],
)
def test_a_finding_that_goes_on(before: Attempt, now: Attempt, trend: Trend, what: tuple[str, ...]) -> None:
    """Worse where its severity rose or its limit fell; else changed, and it is said in what."""
    cards = [
        filed.filed(score(inputs([check("a", 2)], instant=instant), [attempt], SEALED), numbers={}, sources=())
        for attempt, instant in ((now, "2026-08-31T10:00:00Z"), (before, "2026-06-01T10:00:00Z"))
    ]
    change = next(f for f in compared(*cards).findings if f.check == "a")
    assert (change.trend, change.what) == (trend, what)


def test_a_finding_whose_limit_stands_in_another_line_of_audit_yaml_is_no_other() -> None:
    """Somebody has put a line above it."""
    before, now = (
        filed.filed(
            score(inputs([check("a", 2)], instant=instant), [failed("a", said)], SEALED), numbers={}, sources=()
        )
        for said, instant in (
            ("0.4; the limit is 0.3 (audit.yaml:26)", "2026-06-01T10:00:00Z"),
            ("0.4; the limit is 0.3 (audit.yaml:27)", "2026-08-31T10:00:00Z"),
        )
    )
    assert [f.title for f in before.findings if f.check == "a"] != [f.title for f in now.findings if f.check == "a"]
    assert compared(now, before).findings == ()


def test_a_finding_that_is_gone_keeps_its_number() -> None:
    """It is named as it stood."""
    prior = audit(3, failed("4.1-3"), **BEFORE)
    numbered = tuple(replace(f, id="F-0001") if f.check == "4.1-3" else f for f in prior.findings)
    found = compared(audit(3), replace(prior, findings=numbered))
    gone = next(f for f in found.findings if f.trend is Trend.GONE)
    assert (gone.check, gone.id_before, gone.id_now) == ("4.1-3", "F-0001", "")


def test_settings_that_changed() -> None:
    """Thresholds, exceptions with their date and reason, sought levels and weights; what is unset is empty."""

    def excepted(expires: str) -> NotApplicable:
        return NotApplicable("replicas", "one node", "Kim", "2026-05-01", expires)

    prior = audit(
        3,
        policy={
            "thresholds": {"hit-rate": 0.95, "gone": 1, "same": True},
            "not_applicable": (excepted("2026-07-31"),),
            "leave_out": {"hit-rate": "our own"},
        },
        **BEFORE,
    )
    now = audit(
        3,
        policy={
            "thresholds": {"hit-rate": 0.9, "same": True},
            "not_applicable": (excepted("2026-10-31"),),
            "sought": {"4.6": 4},
            "weights": {"4.1": "2"},
        },
    )
    assert compared(now, prior).settings == (
        SettingChange("threshold", "hit-rate", "0.95", "0.9"),
        SettingChange("threshold", "gone", "1", ""),
        SettingChange("exception", "not applicable replicas", "2026-07-31: one node", "2026-10-31: one node"),
        SettingChange("exception", "left out hit-rate", "our own", ""),
        SettingChange("sought", "4.6", "L5", "L4"),
        SettingChange("weight", "4.1", "1", "2"),
    )


def test_a_partial_audit_says_nothing_of_what_it_did_not_look_at() -> None:
    """A shard of one dimension has lost neither the other seven nor their checks and findings."""
    prior = audit(3, failed("4.2-3"), **BEFORE)
    made, attempts = all_at({"4.1": 3}, narrowing=("--audit-dimension=4.1",))
    now = filed.filed(score(made, attempts, SEALED), numbers={}, sources=())
    found = compare(Side(now, partial=True), Side(prior))
    assert [c.id for c in found.levels if c.now is not None] == ["4.1"]
    assert (found.checks, found.worse) == ((), ())
    assert [f.trend for f in found.findings] == []
    assert found.warnings == (
        "this audit is partial: dimensions that it has no check of, or of which it left out one of the other's, are "
        "not compared",
    )
    # The other way round: nothing of what the shard did not look at is new.
    turned = compare(Side(replace(prior, instant="2026-12-01T10:00:00Z")), Side(now, partial=True))
    assert (turned.checks, turned.worse) == ((), ())


def test_two_parts_without_anything_in_common() -> None:
    """Nothing would be compared, which must not look like nothing that got worse."""
    sides = []
    for dimension in ("4.1", "4.2"):
        made, attempts = all_at({dimension: 3}, narrowing=(f"--audit-dimension={dimension}",))
        card = filed.filed(score(made, attempts, SEALED), numbers={}, sources=())
        sides.append(
            Side(replace(card, checks=tuple(c for c in card.checks if c.dimension == dimension)), partial=True)
        )
    with pytest.raises(
        NotComparableError, match=r"^there is no dimension that both looked at, so nothing would be compared"
    ):
        compare(*sides)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"service": "billing"}, "one is an audit of orders, the other of billing; name two audits of one service"),
        ({"standard": "ours"}, "the standard is another one: backend-systems, and ours before; a level means"),
        ({"basis": "own criteria"}, "the basis is another one: "),
    ],
)
def test_audits_that_can_not_be_compared(fields: dict[str, str], message: str) -> None:
    """Another service, or another measure."""
    with pytest.raises(NotComparableError) as caught:
        compared(audit(3), replace(audit(3), **fields))  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        (
            {"environment_kind": "stage", "environment": "stage"},
            "the environment is of another kind: prod now, stage before; what differs may come from there",
        ),
        ({"environment": "prod-eu"}, "the environment is another one: prod now, prod-eu before"),
        (
            {"instant": "2026-12-01T00:00:00Z"},
            "the prior audit is the later one (2026-12-01T00:00:00Z, and 2026-08-31T10:00:00Z): were they named the "
            "wrong way?",
        ),
        ({"standard_version": "2"}, "the standard is of another version: 1 now, 2 before"),
        ({"rows": 7}, "rows sought and applicable: 0 now, 7 before"),
    ],
)
def test_what_is_warned_of(fields: dict[str, Any], warning: str) -> None:
    """A difference may come from elsewhere than the service."""
    assert compared(audit(3), replace(audit(3, **BEFORE), **fields)).warnings == (warning,)


def test_the_same_audit_is_said_to_be_the_same() -> None:
    """By the journals that it was made from."""
    assert compare(Side(audit(3)), Side(audit(3))).warnings == ("both are the same audit",)


@pytest.mark.parametrize("spoil", [None, failed("4.1-3"), failed("4.7-2"), skipped("4.2-2")])
@pytest.mark.parametrize("before", [None, failed("4.1-3"), failed("4.3-2"), passed("4.1-3", VERBAL)])
def test_what_is_worse_is_what_the_gate_says(spoil: Attempt | None, before: Attempt | None) -> None:
    """Comparing two filed cards and a run's own comparison with its prior audit can't disagree."""
    prior = audit(3, before, **BEFORE)
    made, attempts = all_at(3)
    attempts = [spoil if spoil and a.check == spoil.check else a for a in attempts]
    source = "prior audit 2026-06-01"
    known = {c.id: PriorCheck(c.outcome, c.limit, source) for c in prior.checks}
    card = score(
        replace(made, prior=known, prior_levels={d.id: d.would_be for d in prior.dimensions}), attempts, SEALED
    )
    found = compared(filed.filed(card, numbers={}, sources=("ab" * 32,)), prior)
    said = regate(card, (), None, no_worse=True).reason
    alone = "no gate; the exit status is pytest's own, 0"
    more = f" (and {len(found.worse) - 1} more)" if len(found.worse) > 1 else ""
    assert said == (f"worse than the prior audit: {found.worse[0]}{more}" if found.worse else alone)


def test_an_environment_by_its_name_before_is_no_other() -> None:
    """It is said what it was called, also of a merge; a name that nobody stated is another one's."""
    prior = replace(audit(3, **BEFORE), environment="prod, stage")
    named = {"live": "prod"}
    now = replace(audit(3), environment="live, stage", formerly=named)
    assert compared(now, prior).warnings == (
        "the environment was called prod and stage before, and is live and stage now",
    )
    assert compared(replace(now, formerly={}), prior).warnings == (
        "the environment is another one: live and stage now, prod and stage before",
    )

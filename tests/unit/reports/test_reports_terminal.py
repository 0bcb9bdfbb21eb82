"""The terminal section: what it says, within 80 columns and 25 lines."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from unit.reports.cards import CARDS, DIMENSIONS, FULL, HOSTILE, NOTHING, PARTIAL

from pytest_backend_audit.model import (
    Card,
    Difference,
    NoWorse,
    Outcome,
    Protected,
    Raise,
    Seal,
    SignOff,
    Status,
)
from pytest_backend_audit.reports import render
from pytest_backend_audit.reports.terminal import section
from pytest_backend_audit.reports.text import columns

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def test_full_card_line_by_line() -> None:
    """A formal audit's section shows every part, each in its place."""
    assert section(FULL, folder="audit-report/") == [
        "orders  stage  9f2c4e1  2026-11-24  formal audit, run 2",
        "assessed 6 of 8, 131 not in this edition · audit.yaml",
        "Backend Systems Audit Scorecard 1",
        "",
        "  4.1 Query Performance     ██░░░ L2  was L3; foreign-key-indexes",
        "  4.2 Connection Management ██░░░ L2  pooler",
        "  4.3 Caching               ███░░ L3  L4 once signed",
        "  4.4 API Latency SLOs      ██░░░ L2  latency-tracked",
        "  4.5 Observability         █░░░░ L1  red-metrics",
        "  4.6 Reliability           ███░░ L3  seeks L4; nothing proves L4",
        "  4.7 Security              █░░░░ L1  authentication",
        "  4.8 Scalability           ██░░░ L2  test_own_check",
        "",
        "Total        15 of 40, lowest L1: 4.5, 4.7",
        "Disposition  Not production-grade, proven outside prod",
        "             one tier down: L1 in Security (4.7); P0 INC-12 is open",
        "Gate         Conditional production: not passed, the disposition is Not product…",
        "Raise        pass test_authentication in 4.7 Security: disposition to Significa…",
        "Broken       1 check is wrong itself: test_own_check: KeyError: 'pod_id'",
        "Not run      1 check: targets.pgbouncer is not configured (audit.yaml)",
        "Unproven     2 checks: test_latency_tracked: all its evidence is verbal",
        "Findings     1 critical, 2 high, 1 medium, 1 low",
        "Exceptions   1 lapsing, 1 unused: foreign-key-indexes:public.legacy.owner_id la…",
        "Notice       the build is not verifiable by more tha… (and 1 more in the report)",
        "Report       audit-report/scorecard.html",
    ]


def test_the_whole_is_cut_nowhere() -> None:
    """Where the lines don't count, as when somebody asks for the card of a run again."""
    short = section(FULL, folder="audit-report/")
    whole = section(FULL, folder="audit-report/", whole=True)
    start = whole.index("Gate         Conditional production: not passed, the disposition is Not")
    assert whole[:start] == short[: short.index("Total        15 of 40, lowest L1: 4.5, 4.7") + 3]
    assert whole[start:] == [
        "Gate         Conditional production: not passed, the disposition is Not",
        "             production-grade",
        "Raise        pass test_authentication in 4.7 Security: disposition to",
        "             Significant technical debt",
        "Broken       1 check is wrong itself: test_own_check: KeyError: 'pod_id'",
        "Not run      1 check: targets.pgbouncer is not configured (audit.yaml)",
        "Unproven     2 checks: test_latency_tracked: all its evidence is verbal",
        "Findings     1 critical, 2 high, 1 medium, 1 low",
        "Exceptions   1 lapsing, 1 unused: foreign-key-indexes:public.legacy.owner_id",
        "             lapses on 2026-12-01; hit-rate:sessions",
        "Notice       the build is not verifiable by more than 7 digits",
        "Notice       earlier: 001-9f2c4e1: total 12, significant-technical-debt",
        "Report       audit-report/scorecard.html",
    ]


def test_the_whole_names_all_that_holds_a_level() -> None:
    """On as many lines as that takes, below each other."""
    names = tuple(f"a-criterion-with-a-long-name-{n}" for n in range(4))
    card = replace(FULL, dimensions=(replace(DIMENSIONS[0], limited_by=names, prior=None),))
    assert [line for line in section(card, whole=True) if "a-criterion" in line] == [
        "  4.1 Query Performance ██░░░ L2  a-criterion-with-a-long-name-0,",
        "                                  a-criterion-with-a-long-name-1,",
        "                                  a-criterion-with-a-long-name-2,",
        "                                  a-criterion-with-a-long-name-3",
    ]


def test_partial_card_says_why_there_is_no_disposition() -> None:
    """Without a disposition the reason stands in its place, and no total is shown."""
    assert section(PARTIAL)[4:] == [
        "  4.1 Query Performance     ██░░░ L2  was L3; foreign-key-indexes",
        "  4.2 Connection Management ██░░░ L2  pooler",
        "",
        "Disposition  none: a rehearsal has no disposition; run with --audit-sha=HEAD",
        "Not run      1 check: targets.pgbouncer is not configured (audit.yaml)",
        "Findings     1 high",
    ]


def test_a_dimension_that_a_narrowed_run_left_out_has_no_level() -> None:
    """Level 1 would pass for a verdict; in a whole run, where nobody wrote a check, it is one."""
    first, second = PARTIAL.dimensions
    bare = replace(second, criteria=())
    narrowed = replace(PARTIAL, dimensions=(first, bare))
    assert narrowed.partial
    assert section(narrowed)[5] == "  4.2 Connection Management not part of this run"
    assert section(replace(narrowed, partial=()))[5] == "  4.2 Connection Management ██░░░ L2  pooler"


def test_what_makes_the_service_better_comes_before_seeking_less() -> None:
    """Which takes no check, and therefore is the cheapest way."""
    modest = Raise("4.2", 3, (), "total 15 to 16", "seek 3 instead of 5 in 4.2 Connection Management")
    ways = {True: (modest, *FULL.raises), False: (modest,)}
    shown = {k: next(x for x in section(replace(FULL, raises=v)) if x.startswith("Raise")) for k, v in ways.items()}
    assert shown[True].startswith("Raise        pass test_authentication in 4.7 Security")
    assert shown[False].startswith("Raise        seek 3 instead of 5 in 4.2 Connection Management: total 15")


def test_nothing_assessed_is_not_silent() -> None:
    """A card without a check says so, and that its record has no end."""
    assert section(NOTHING) == [
        "service not stated  environment not…  no commit  2026-11-24  rehearsal, run 1",
        "assessed 0 of 0 · no audit.yaml",
        "own criteria, the standard is not loaded",
        "",
        "  no check was collected",
        "",
        "Disposition  none: nothing was collected",
        "Findings     none",
        "Notice       the record was cut short",
    ]


def test_first_action_is_shown_where_no_override_needs_the_room() -> None:
    """Without overrides, the first required action follows the disposition, with its date."""
    assert FULL.disposition is not None
    disposition = replace(FULL.disposition, actions=FULL.disposition.actions[::-1])
    lines = section(replace(FULL, overrides=(), disposition=disposition))
    assert lines[15] == "             2027-01-23: Re-audit. (and 1 more)"


def test_broken_parts_of_the_run_are_the_first_notice() -> None:
    """What belongs to no check, and fails a gate, is not pushed out by other notices."""
    card = replace(FULL, seal=Seal("2026-11-24T08:03:00Z", 1, broken=("audits/test_x.py: SyntaxError",)))
    assert section(card, folder="audit-report")[-2] == (
        "Notice       broken: audits/test_x.py: SyntaxError (and 2 more in the report)"
    )


def test_a_broken_module_is_told_once() -> None:
    """What broke and is a notice of the card too takes one line, not two."""
    broken = "audits/test_x.py could not be collected"
    seal = Seal("2026-11-24T08:03:00Z", 2, broken=(broken,))
    assert [line for line in section(replace(PARTIAL, seal=seal, notices=(broken,))) if broken in line] == [
        f"Notice       broken: {broken}"
    ]


def test_a_long_disposition_goes_on_below_itself() -> None:
    """What qualifies a disposition is read to its end."""
    assert FULL.disposition is not None
    qualifier = "on 15 of 148 rows; proven outside prod (local), merged of 2 runs"
    card = replace(FULL, disposition=replace(FULL.disposition, qualifier=qualifier))
    assert section(card)[14:17] == [
        "Disposition  Not production-grade, on 15 of 148 rows; proven outside prod",
        "             (local), merged of 2 runs",
        "             one tier down: L1 in Security (4.7); P0 INC-12 is open",
    ]


def test_an_override_below_the_lowest_disposition() -> None:
    """There it changes nothing, and is not said to."""
    assert FULL.disposition is not None
    card = replace(FULL, disposition=replace(FULL.disposition, matrix_id=FULL.disposition.id))
    assert section(card)[15:17] == [
        "             one tier down, were there a lower one: L1 in Security (4.7); P0",
        "             INC-12 is open",
    ]


def test_overrides_of_one_rule_are_told_together() -> None:
    """A rule that applies to two dimensions is worded once."""
    rule = "A blocking dimension stands at L1"
    card = replace(FULL, overrides=(f"{rule}: 4.6 Reliability", f"{rule}: 4.7 Security", "P0 INC-12 is open"))
    assert section(card)[15:17] == [
        "             one tier down: A blocking dimension stands at L1: 4.6 Reliability,",
        "             4.7 Security; P0 INC-12 is open",
    ]


def test_names_that_hold_a_level_are_whole_or_counted() -> None:
    """Of names that don't fit, as many as do are shown whole, and the others counted."""
    names = ("foreign-key-indexes", "index-hygiene", "nothing proves L3")
    card = replace(FULL, dimensions=(replace(DIMENSIONS[0], prior=None, limited_by=names), *DIMENSIONS[1:]))
    assert section(card)[4] == "  4.1 Query Performance     ██░░░ L2  foreign-key-indexes, index-hygiene +1 more"
    lone = replace(DIMENSIONS[0], prior=None, limited_by=("x" * 50, "y"))
    assert section(replace(card, dimensions=(lone, *DIMENSIONS[1:])))[4] == (
        f"  4.1 Query Performance     ██░░░ L2  {'x' * 41}…"
    )


def test_broken_checks_are_told_apart_from_the_service() -> None:
    """Whatever label a lower limit gave the check: the first of them with what it said, each once."""
    [own] = [c for c in FULL.checks if c.check.criterion is None]
    tried = own.attempts[0]
    passed, again = replace(tried, status=Status.PASSED, reason=""), replace(tried, reason="TypeError: None")
    other = replace(own, check=replace(own.check, id="b.py::test_b"), outcome=Outcome.FAILED, attempts=(passed, again))
    for checks, said in (
        (
            (replace(own, attempts=(passed, tried, again)),),
            "1 check is wrong itself: test_own_check: KeyError: 'pod_id'",
        ),
        ((other, own), "2 checks are wrong themselves: test_b: TypeError: None"),
    ):
        dimension = replace(DIMENSIONS[7], criteria=(replace(DIMENSIONS[7].criteria[0], checks=checks),))
        card = replace(FULL, dimensions=(*DIMENSIONS[:7], dimension))
        assert f"Broken       {said}" in section(card)
        assert not [line for line in section(replace(card, dimensions=DIMENSIONS[:7])) if line.startswith("Broken")]


def test_why_checks_could_not_run() -> None:
    """The reason that most of them have is named, the others are counted."""
    reasons = ["targets.redis is not configured", "targets.http is not configured", "targets.redis is not configured"]
    criterion = next(c for d in DIMENSIONS for c in d.criteria if c.id == "pooler")
    checks = tuple(replace(criterion.checks[0], reason=reason) for reason in reasons)
    dimension = replace(DIMENSIONS[1], criteria=(replace(criterion, checks=checks),))
    card = replace(FULL, dimensions=(DIMENSIONS[0], dimension, *DIMENSIONS[2:]))
    assert section(card)[20] == "Not run      3 checks for 2 reasons, 2 of them: targets.redis is not configured"


WELL = NoWorse(True, "nothing fell, no new high finding since the prior audit 2026-08-01 of 1a2b3c4 (audits/o/x.md)")


def test_that_it_is_no_worse_has_a_line() -> None:
    """With a gate and without one, in the colour of what became of it; nothing where the gate's line has it already."""
    ungated = replace(PARTIAL, no_worse=WELL)
    assert [line for line in section(ungated, width=132, color=True) if "No worse" in line] == [
        "No worse     \x1b[32mpassed: nothing fell, no new high finding since the prior audit 2026-08-01 of 1a2b3c4 "
        "(audits/o/x.md)\x1b[0m"
    ]
    gated = section(replace(ungated, verdict=FULL.verdict))
    assert [line[:45] for line in gated if line.startswith(("Gate", "No worse"))] == [
        "Gate         Conditional production: not pass",
        "No worse     passed: nothing fell, no new hig",
    ]
    fell = NoWorse(False, "4.1 fell from L3 to L2")
    [line] = [line for line in section(replace(PARTIAL, no_worse=fell), color=True) if "No worse" in line]
    assert line == "No worse     \x1b[31mnot passed: 4.1 fell from L3 to L2\x1b[0m"
    said = replace(FULL.verdict, reason=f"gate X: not passed, worse than the prior audit: {fell.reason}")
    assert [line for line in section(replace(PARTIAL, no_worse=fell, verdict=said)) if "No worse" in line] == []
    none = NoWorse(None, "no prior audit to be worse than: nothing was compared")
    [line] = [line for line in section(replace(PARTIAL, no_worse=none), color=True) if "No worse" in line]
    assert line == f"No worse     \x1b[33m{none.reason}\x1b[0m"


SIGNED = SignOff("grace@example.org", "SHA256:x", "2026-11-24T09:00:00Z", ("4.3",))
HELD = Protected(
    "main", "", "main.yaml", "d" * 64, {}, (Difference("gate", "none", "audit.yaml:3", "x", "main:3", "x"),)
)
HELD_TO = replace(FULL.inputs, protected=HELD)


@pytest.mark.parametrize(
    ("more", "spared", "last"),
    [
        ({}, ["Exceptions"], "Notice       the build is not verifiable by more tha… (and 2 more in the report)"),
        (
            {"inputs": HELD_TO, "sign_off": SIGNED},
            ["Exceptions", "Policy", "Unproven"],
            "Notice       the build is not verifiable by more tha… (and 4 more in the report)",
        ),
        (
            {"inputs": replace(HELD_TO, earlier=()), "notices": ()},
            ["Exceptions", "Policy"],
            "Notice       exceptions: 1 lapsing, 1 unused: foreig… (and 1 more in the report)",
        ),
    ],
)
def test_more_than_there_are_lines_for(more: dict[str, Any], spared: list[str], last: str) -> None:
    """What the report has is left to it, and counted among the notices; no verdict is, and the whole has it all."""
    card = replace(FULL, no_worse=WELL, **more)
    lines = section(card, folder="audit-report")
    assert (len(lines), lines[-2]) == (25, last)
    labels = [line.split("  ")[0] for line in section(card, folder="audit-report", whole=True)[13:]]
    labels = list(dict.fromkeys(label for label in labels if label not in {"", "Notice"}))
    shown = [line.split("  ")[0] for line in lines[13:] if not line.startswith(" ")]
    assert [label for label in shown if label != "Notice"] == [label for label in labels if label not in spared]
    assert set(spared) < set(labels)


def test_the_path_of_the_report_stays_whole() -> None:
    """A path that is cut or broken can't be copied; the terminal breaks it as it likes."""
    folder = "/srv/" + "deep/" * 20 + "audit-report"
    assert section(FULL, folder=folder)[-1] == f"Report       {folder}/scorecard.html"


@pytest.mark.parametrize("width", [40, 60, 80, 132])
@pytest.mark.parametrize("name", CARDS)
def test_fits(name: str, width: int) -> None:
    """No card, hostile ones included, breaks the bounds or puts a control character on the terminal."""
    lines = section(CARDS[name], width=width, folder="report")
    assert len(lines) <= 25
    assert [line for line in lines if columns(line) > width] == []
    assert [line for line in lines if not line.isprintable()] == []


def test_long_standard_shows_the_lowest_dimensions() -> None:
    """Of more dimensions than there are lines for, the lowest stay and the rest are counted."""
    many = tuple(replace(DIMENSIONS[2], id=f"X{n}", level=5 - n // 10, would_be=5) for n in range(30))
    card = replace(FULL, dimensions=many)
    lines = section(card, folder="audit-report")
    assert len(lines) == 25
    assert [line.split()[0] for line in lines[4:11]] == [f"X{n}" for n in range(20, 27)]
    assert lines[11] == "  and 23 more, none of them lower"


@pytest.mark.parametrize("name", CARDS)
def test_ascii_terminal(name: str) -> None:
    """Without Unicode every character is ASCII, and the bars stay readable."""
    lines = section(CARDS[name], unicode=False)
    assert [line for line in lines if not line.isascii() or columns(line) > 80] == []
    if name == "full":
        assert lines[4] == "  4.1 Query Performance     ##... L2  was L3; foreign-key-indexes"


def test_colors_change_no_text() -> None:
    """Colours are added around the same text."""
    colored = section(HOSTILE, color=True)
    assert [_ANSI.sub("", line) for line in colored] == section(HOSTILE)
    assert colored != section(HOSTILE)


def test_registered_as_a_format() -> None:
    """The registry gives the section as one text."""
    card: Card = FULL
    assert render(card, "terminal") == "".join(f"{line}\n" for line in section(card))


def test_many_earlier_runs_are_one_notice() -> None:
    """They don't push out what else is to be said; the latest is told."""
    runs = tuple(f"run {n:03}-9f2c4e1, 2026-03-0{n}T00:00:00Z, rehearsal: partial" for n in range(1, 7))
    lines = section(replace(PARTIAL, inputs=replace(PARTIAL.inputs, earlier=runs)))
    assert [line for line in lines if "earlier" in line] == [
        "Notice       earlier: 6 runs of this commit, the latest: 006-9f2c4e1,"
    ]

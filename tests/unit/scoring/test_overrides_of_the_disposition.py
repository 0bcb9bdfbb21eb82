"""What moves a disposition one tier down, once."""

from __future__ import annotations

import pytest
from unit.scoring.scoring_cases import NAMES, SEALED, VERBAL, all_at, attempt, inputs, passed, standard

from pytest_backend_audit import scoring
from pytest_backend_audit.model import Incident


def card_at(levels, *, signed_off=True, also=(), **fields):
    """The card of a service with passes up to these levels."""
    made, attempts = all_at(levels, **fields)
    return scoring.score(made, [*attempts, *also], SEALED, signed_off=signed_off)


def incident(opened, resolved=None, severity="P0", dimensions=("4.5",)):
    """An incident of audit.yaml."""
    return Incident("INC-7", severity, opened, resolved, dimensions)


def test_level_one_in_a_blocking_dimension_downgrades():
    """Security at L1 among fives: the matrix says significant technical debt, the card one tier below."""
    card = card_at({**dict.fromkeys(NAMES, 5), "4.7": 1})
    assert (card.total, card.disposition.matrix_id) == (36, "significant-technical-debt")
    assert card.disposition.id == "not-production-grade"
    assert card.overrides == ("L1 where it blocks: 4.7 Security",)
    assert card.blocking == ("4.7",)


def test_level_one_elsewhere_does_not():
    """Caching at L1 is no override."""
    card = card_at({**dict.fromkeys(NAMES, 5), "4.3": 1})
    assert (card.disposition.id, card.overrides) == ("significant-technical-debt", ())


def test_several_overrides_count_once_and_are_all_listed():
    """Reliability and Security at L1 and an open P0 move it down by one tier together."""
    card = card_at({**dict.fromkeys(NAMES, 5), "4.6": 1, "4.7": 1}, policy={"incidents": (incident("2026-08-20"),)})
    assert (card.disposition.matrix_id, card.disposition.id) == ("significant-technical-debt", "not-production-grade")
    assert card.overrides == (
        "L1 where it blocks: 4.6 Reliability",
        "L1 where it blocks: 4.7 Security",
        "an open P0: INC-7 (opened in the last 30 days, 2026-08-20) in 4.5 Observability at L5",
    )


def test_below_the_last_tier_there_is_nothing():
    """A service at the bottom stays there."""
    card = card_at(1)
    assert (card.disposition.matrix_id, card.disposition.id) == ("not-production-grade", "not-production-grade")
    assert len(card.overrides) == 2


@pytest.mark.parametrize(
    ("tried", "applies"),
    [
        ([passed("4.3-2", VERBAL)], True),
        ([passed("4.3-2", VERBAL), attempt("4.3-3")], True),
        ([passed("4.3-2", VERBAL), passed("4.3-3")], False),
        ([attempt("4.3-2")], False),
        ([], False),
    ],
    ids=["verbal", "verbal and unsupported", "verbal and measured", "unsupported", "nothing"],
)
def test_a_dimension_with_passes_that_are_all_verbal_downgrades(tried, applies):
    """There must be a pass, and all passes with evidence must rest on words alone."""
    made, attempts = all_at(3)
    others = [a for a in attempts if not a.check.startswith("4.3")]
    card = scoring.score(made, [*others, *tried], SEALED)
    assert (card.overrides == ("words alone: 4.3 Caching",)) is applies


@pytest.mark.parametrize(
    ("given", "age"),
    [
        (incident("2026-08-01"), "opened in the last 30 days"),
        (incident("2026-07-31"), "older than 30 days and still open"),
        (incident("2026-08-31T09:59:00Z", severity="p0"), "opened in the last 30 days"),
        (incident("2026-08-20", resolved="2026-09-01"), "opened in the last 30 days"),
        (incident("2026-08-20", resolved="2026-08-31T10:00:01Z"), "opened in the last 30 days"),
        (incident("2026-08-20", resolved="2026-08-31"), None),
        (incident("2026-08-20", resolved="2026-08-31T10:00:00Z"), None),
        (incident("2026-09-01"), None),
        (incident("2026-08-20", severity="P1"), None),
        (incident("2026-08-20", dimensions=("4.4",)), None),
        (incident("2026-08-20", dimensions=()), None),
    ],
)
def test_an_unresolved_p0_contradicts_a_dimension_from_level_four(given, age):
    """Open at 2026-08-31T10:00Z and mapped to a dimension at L4 or above; 4.4 stands at L3 here."""
    card = card_at({**dict.fromkeys(NAMES, 4), "4.4": 3}, policy={"incidents": (given,)})
    assert [line.partition("(")[2].partition(",")[0] for line in card.overrides] == ([age] if age else [])


def test_a_p0_looks_at_the_level_before_the_reviewers_cap():
    """Unsigned fives are recorded as threes, and the incident still contradicts them."""
    card = card_at(5, signed_off=False, policy={"incidents": (incident("2026-08-20"),)})
    assert (card.disposition.matrix_id, card.disposition.id) == ("conditional-production", "significant-technical-debt")


def test_incidents_that_are_not_stated_are_no_override_but_are_told():
    """An absent list is not an empty one: the card says that nothing was looked for."""
    card = card_at(5, policy={"incidents": None})
    assert card.overrides == ()
    assert card.notices == (
        "incidents are not stated (audit.yaml: incidents), so no override for an open P0 was looked for",
    )
    assert card_at(5).notices == ()


def test_a_standard_without_a_rule_has_no_such_override():
    """Another instrument may know none of the three rules."""
    card = scoring.score(inputs([], rules=standard(overrides={})), [], SEALED)
    assert card.overrides == ()

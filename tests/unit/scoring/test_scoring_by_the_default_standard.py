"""The default standard's rows, dimensions and rules, from its data to a card."""

from __future__ import annotations

from dataclasses import replace

from unit.scoring.scoring_cases import DOCUMENT, OUTPUT, SEALED, check, inputs, passed

from pytest_backend_audit import scoring
from pytest_backend_audit.model import Card
from pytest_backend_audit.standard import edition, load, to_data

STANDARD = load()
WHOLE = replace(STANDARD, pending=())


def card_of(rules, *, evidence=(OUTPUT,), **fields) -> Card:
    """The card of a service that passes one check for each row."""
    plan = [check(row.name, row.level, row.dimension, row.criterion) for row in rules.rows]
    made = inputs(plan, standard=to_data(rules), loaded=True, **fields)
    return scoring.score(made, [passed(c.id, *evidence) for c in plan], SEALED, signed_off=True)


def test_a_service_that_passes_every_row_has_all_forty_points():
    """Each dimension reaches L5: the standard has a row at each level from 3 up in every dimension."""
    card = card_of(WHOLE)
    assert [d.would_be for d in card.dimensions] == [5] * 8
    assert (card.total, card.disposition.id, card.findings) == (40, "production-ready", ())
    assert card.coverage.assessed == card.coverage.of == len(STANDARD.rows)


def test_documents_alone_do_not_carry_rows_that_can_be_measured():
    """With nothing but documents every dimension falls to 2, as measured rows don't accept them."""
    card = card_of(WHOLE, evidence=(DOCUMENT,))
    assert [d.would_be for d in card.dimensions] == [2] * 8


def test_an_audit_without_checks_is_at_the_bottom():
    """All rows uncovered, all dimensions L1, one finding for each, and the override for both blocking ones."""
    card = scoring.score(inputs([], standard=to_data(WHOLE), loaded=True), [], SEALED)
    assert (card.total, card.disposition.id, card.blocking) == (8, "not-production-grade", ("4.6", "4.7"))
    assert card.overrides == (
        "A blocking dimension (Reliability, Security) stands at L1: 4.6 Reliability",
        "A blocking dimension (Reliability, Security) stands at L1: 4.7 Security",
    )
    assert [f.check for f in card.findings] == ["coverage"] * 8
    assert (card.coverage.assessed, card.coverage.of) == (0, len(STANDARD.rows))


def test_the_edition_leaves_out_the_rows_without_a_bundled_check():
    """The whole standard asks for all of them; its edition counts them apart."""
    full = scoring.score(inputs([], standard=to_data(STANDARD), loaded=True), [], SEALED)
    short = scoring.score(inputs([], standard=to_data(edition(STANDARD)), loaded=True), [], SEALED)
    assert (full.coverage.of, full.coverage.pending) == (len(STANDARD.rows), 0)
    assert (short.coverage.of, short.coverage.pending) == (
        len(STANDARD.rows) - len(STANDARD.pending),
        len(STANDARD.pending),
    )

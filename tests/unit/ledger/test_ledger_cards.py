"""Which card is whose, where two branches gave one name to two."""

from __future__ import annotations

from unit.ledger.ledgers import filed

from pytest_backend_audit.ledger.cards import Cards, digests_of

ONE, OTHER = ("ab" * 32,), ("cd" * 32, "ef" * 32)
PROD = filed(card="a" * 64, content="b" * 64, heads=ONE)
STAGE = filed(card="c" * 64, environment="stage", heads=OTHER)
DAY = PROD.file


def test_digests_of_filings() -> None:
    """Of the file, and of what it says; an older line tells one of them, or none."""
    assert digests_of([PROD, STAGE]) == {"a" * 64, "b" * 64, "c" * 64}
    assert digests_of([filed()]) == {""}
    assert (Cards([filed()]).tells, Cards([filed(), PROD]).tells) == (False, True)


def test_a_card_is_its_own_filing_s() -> None:
    """By its journals in any order; one that names none, or others, may be any of that name."""
    cards = Cards([PROD, STAGE])
    assert cards.of(DAY, ONE) == (PROD,)
    assert cards.of(DAY, OTHER[::-1]) == (STAGE,)
    assert cards.of(DAY, ()) == cards.of(DAY, ("00" * 32,)) == (PROD, STAGE)
    assert cards.of("2026-09-01", ONE) == ()
    assert (cards.is_shared(DAY), Cards([PROD, PROD]).is_shared(DAY), cards.is_shared("x")) == (True, False, False)


def test_what_is_lost_to_another() -> None:
    """The filing whose card is not there, whichever it is; none where it lies by another name, or was filed again."""
    cards = Cards([PROD, STAGE])
    owners, [lost] = cards.settled({DAY: OTHER})
    assert (owners, lost.filing, lost.there, lost.free) == ({DAY: (STAGE,)}, PROD, STAGE, f"{DAY}-2")
    assert lost.text == (
        "the ledger tells of the audit in prod at 1a2b3c4 (2026-08-31T10:00Z), and it is not there: 2026-08-31.json is "
        "the card of the audit in stage at 1a2b3c4 (2026-08-31T10:00Z); restore it from git under a free name, such as "
        "2026-08-31-2.json, or file its run again"
    )
    assert [one.filing for one in cards.settled({DAY: ONE})[1]] == [STAGE]
    beside = {DAY: (STAGE,), "beside": (PROD,), "twice": ()}
    assert cards.settled({DAY: OTHER, "twice": ONE, "beside": ONE}) == (beside, [])
    assert cards.settled({DAY: OTHER, "beside": OTHER})[0]["beside"] == ()
    again = filed(file=f"{DAY}-2", heads=ONE)
    [still] = Cards([PROD, STAGE, again]).settled({DAY: OTHER})[1]
    assert still.free == f"{DAY}-3"
    assert Cards([PROD, STAGE, again]).settled({DAY: OTHER, f"{DAY}-2": ONE})[1] == []
    # A run that was filed before it was signed: that card is not the signed one.
    assert len(Cards([again, PROD, STAGE]).settled({DAY: OTHER, f"{DAY}-2": ONE})[1]) == 1


def test_nothing_is_lost_that_nobody_took_the_name_of() -> None:
    """Two lines of one run, as a union of branches has them; and a card that is missing is told of elsewhere."""
    again = filed(card="d" * 64, heads=ONE)
    assert Cards([PROD, again]).settled({DAY: ONE}) == ({DAY: (PROD, again)}, [])
    assert Cards([PROD, STAGE]).settled({}) == ({}, [])
    assert Cards([PROD, STAGE]).settled({DAY: ("00" * 32,)})[1] == []

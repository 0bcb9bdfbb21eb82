"""fleet.html: what it shows, that it reaches for nothing outside, that hostile texts stay texts, how large it gets."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from unit.fleet.fleet_cards import EVIL, asked, audit, fleet
from unit.reports.html_page import REFERENCES, Page

from pytest_backend_audit.fleet import page
from pytest_backend_audit.fleet.audits import Reducer, Unread
from pytest_backend_audit.fleet.summary import Fleet, summarise
from pytest_backend_audit.model import Action, FiledCard
from pytest_backend_audit.reports.text import clean


def numbers(*cards: FiledCard, unread: tuple[Unread, ...] = (), **fields: object) -> Fleet:
    """The numbers of these cards."""
    reducer = Reducer()
    return summarise([reducer.reduce(c, f"{n}.json") for n, c in enumerate(cards)], asked(**fields), unread)


def hostile() -> Fleet:
    """Every text that a card brings is somebody's attempt."""
    card = audit("orders", "2026-08-31", 3, fails="hit-rate")
    card = replace(
        card,
        service=EVIL,
        environment_kind=EVIL,
        disposition=EVIL,
        disposition_name=EVIL,
        dimensions=tuple(replace(d, id=f"{EVIL}{d.id}", name=EVIL, owner=EVIL) for d in card.dimensions),
        checks=tuple(replace(c, criterion=EVIL, dimension=f"{EVIL}{c.dimension}") for c in card.checks),
        actions=(Action(f"Audit again {EVIL}", "2026-01-01"),),
    )
    before = replace(card, instant="2026-01-01T00:00:00Z", sources=("x",), total=9)
    return numbers(before, card, replace(card, total=1), unread=(Unread(EVIL, EVIL),), owner=EVIL)


def small(**fields: object) -> Fleet:
    """The small fleet."""
    return numbers(*fleet(), **fields)


def regions() -> Fleet:
    """A service in three environments of one kind, whose names are long, or somebody's attempt."""
    card = audit("orders", "2026-08-31", 3, fails="hit-rate")
    names = ("production-eu-west-1", f"{EVIL}{EVIL}", "地域" * 20)
    return numbers(*(replace(card, environment=name, sources=(name,)) for name in names))


FLEETS = {
    "small": small(),
    "one": numbers(audit("orders", "2026-08-31")),
    "hostile": hostile(),
    "regions": regions(),
}


def made(found: Fleet) -> str:
    """The page."""
    return "".join(page.chunks(found))


@pytest.mark.parametrize("name", FLEETS)
def test_page_is_well_formed_and_stands_alone(name: str) -> None:
    """Tags nest; no frame, no picture from elsewhere, no reference but to a place in the page, no handler or style."""
    text = made(FLEETS[name])
    read = Page(text)
    assert set(read.tags).isdisjoint({"iframe", "img", "link", "object", "embed", "form", "base"})
    references = {value for _, attribute, value in read.attributes if attribute in REFERENCES}
    ids = {f"#{value}" for _, attribute, value in read.attributes if attribute == "id"}
    assert references - ids == set()
    assert [a for _, a, _ in read.attributes if a.startswith("on") or a == "style"] == []
    assert (read.tags["script"], read.tags["style"]) == (1, 1)
    assert re.findall(r"https?://|url\(|@import", text) == []


@pytest.mark.parametrize("name", FLEETS)
def test_policy_allows_our_style_and_script_by_their_hashes_and_nothing_else(name: str) -> None:
    """The hashes in the policy are those of the elements' texts, whatever the cards hold."""
    text = made(FLEETS[name])
    hashes = []
    for tag in ("style", "script"):
        found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert found is not None
        hashes.append(base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode())
    style, script = hashes
    policy = (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in text


@pytest.mark.parametrize("name", FLEETS)
def test_a_page_is_known_by_its_head(name: str) -> None:
    """Whatever is in it, and with the line ends of another system; nothing before it, nor a part of it, is one."""
    head = made(FLEETS[name]).encode()[: page.HEAD]
    assert page.is_page(head)
    assert page.is_page(head.replace(b"\n", b"\r\n"))
    assert not page.is_page(b" " + head)
    assert not page.is_page(head[: head.index(b"<title>")])


def test_hostile_texts_are_shown_as_texts() -> None:
    """A reader sees them, with hidden characters as their numbers."""
    text = made(FLEETS["hostile"])
    assert "<script>alert" not in text
    assert {c for c in text if not c.isprintable()} == {"\n"}
    assert clean(" ".join(EVIL.split()))[:30] in Page(text).text


def test_what_the_page_shows() -> None:
    """The numbers of the small fleet."""
    text = Page(made(small())).text
    for part in (
        "Fleet 3 services (4 with their environments), 5 audits as of 2026-11-29",
        "Conditional production 3 search prod , orders prod , orders stage",
        "Significant technical debt 1 billing prod",
        "Audits that are due again (1 service)",
        "2026-08-14, 107 days ago billing prod Audit again",
        "4.3 Caching 2.25 3 at L2, 1 at L3",
        "orders prod 23/40 +8 3 +2 3 +1 2 3 +1 3 +1 3 +1 3 +1 3 +1 2026-08-31 Conditional production",
        "billing prod 16/40 2 2 2 2 2 2 2 2 8 2026-06-15 Significant technical debt",
        "4.3 hit-rate 2 0 2 4.7 secrets-manager 0 2 2",
        "0 critical, 0 high, 1 medium, 7 low (as filed: a card does not know what was closed since)",
        "2026-Q3: 2.62.",
        "Rose (1) Service Total Change Audits compared orders prod 23/40 +8 2026-03-02, 2026-08-31",
    ):
        assert part in text
    assert "as of 2026-11-29: audits after that day are left out, and what is due is compared with it." in text
    assert "Not counted" not in text
    assert "Fell" not in text


def test_filters_and_what_was_not_counted_are_said() -> None:
    """So that nobody takes a part for the whole."""
    card = audit("orders", "2026-08-31")
    found = numbers(
        card,
        replace(card, total=17),
        audit("orders", "2026-12-24"),
        unread=(Unread("a/b.json", "not JSON"),),
        owner="data team",
        services=("o*", "p*"),
        environments=("prod",),
    )
    text = Page(made(found)).text
    for part in (
        "only dimensions owned by data team only service o* or p* only environment prod",
        "Not counted 1 audit after 2026-11-29 1 file of audits that another file has too "
        "1 of these files differs from the counted",
        "Counted Differs, of the same audit 0.json 1.json",
        "Cards that can't be read (1) File Reason a/b.json not JSON",
    ):
        assert part in text


def test_the_size_is_bounded() -> None:
    """Of 2,500 services the table has the 2,000 with the lowest totals, and the other tables have their bounds."""
    card = audit("orders", "2026-01-01", 3, fails="hit-rate")
    cards = [
        replace(
            card, service=f"service-{n:04}" * 30, sources=(), total=n % 25, actions=(Action("Audit", "2026-02-01"),)
        )
        for n in range(2500)
    ]
    text = made(numbers(*cards, unread=tuple(Unread("x" * 5000, "y" * 5000) for _ in range(500))))
    assert len(text) < 2_000_000
    shown = Page(text).text
    for part in (
        "and 500 more with higher totals; --service, --owner and --environment narrow the page.",
        "and 2,450 more (backend-audit fleet --json).",
        "and 450 more (backend-audit fleet --json).",
        "and 2,492 more",
    ):
        assert part in shown

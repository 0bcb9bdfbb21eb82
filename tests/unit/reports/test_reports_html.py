"""scorecard.html: what it shows, that it reaches for nothing outside, that hostile texts stay texts."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from importlib import resources

import pytest
from unit.reports.cards import (
    CARDS,
    DIMENSIONS,
    EVIL,
    FOREIGN_KEYS,
    FULL,
    HOSTILE,
    NOTHING,
    QUERY_LOGGING,
    criterion,
    dimension,
)
from unit.reports.html_page import REFERENCES, Page

from pytest_backend_audit.model import Attempt, NoWorse, Status
from pytest_backend_audit.reports import chunks, render
from pytest_backend_audit.reports.chart import Chart
from pytest_backend_audit.reports.page import Bounds
from pytest_backend_audit.reports.text import clean


@pytest.mark.parametrize("name", CARDS)
def test_page_is_well_formed_and_stands_alone(name: str) -> None:
    """Tags nest; there is no script, no frame, no reference but to a place in the page, and no handler or style."""
    page = Page(render(CARDS[name], "html"))
    assert set(page.tags).isdisjoint({"script", "iframe", "img", "link", "object", "embed", "form", "base"})
    references = {value for _, attribute, value in page.attributes if attribute in REFERENCES}
    ids = {f"#{value}" for _, attribute, value in page.attributes if attribute == "id"}
    assert references - ids == set()
    assert [a for _, a, _ in page.attributes if a.startswith("on") or a == "style"] == []


def test_policy_allows_the_style_sheet_by_its_hash_and_nothing_else() -> None:
    """The hash in the policy is that of the style element's text."""
    text = render(FULL, "html")
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in text


@pytest.mark.parametrize("name", CARDS)
def test_hidden_characters_are_shown_as_numbers(name: str) -> None:
    """Nothing in the page acts on a terminal or turns the reading direction."""
    text = render(CARDS[name], "html")
    assert [c for c in set(text) if not c.isprintable() and c != "\n"] == []


def test_hostile_text_is_shown_as_text() -> None:
    """A reader sees exactly what was recorded, with hidden characters as numbers."""
    page = Page(render(HOSTILE, "html"))
    assert " ".join(clean(EVIL).split()) in page.text


def test_full_card_shows_every_part() -> None:
    """Each part of the card stands in the page."""
    text = Page(render(FULL, "html")).text
    for part in (
        "15 / 40",
        "Not production-grade proven outside prod One tier down, because of: L1 in Security (4.7) P0 INC-12 is open",
        "Gate Conditional production: not passed, the disposition is Not production-grade.",
        "now Stop customer-facing rollout. 2027-01-23 Re-audit.",
        "4.3 Caching L3 L4 once signed",
        "pass test_authentication in 4.7 Security: disposition to Significant technical debt",
        "Critical (1) L1 authentication failed F-0001",
        "Owner Grace Hopper",
        "Commit SHA 9f2c4e1ab37d5c6e8f90a1b2c3d4e5f60718293a",
        "6 of 8 rows that are sought and applicable were assessed by an executed check.",
        "pooler L4 could not run targets.pgbouncer is not configured (audit.yaml)",
        "Lapses soon : foreign-key-indexes:public.legacy.owner_id lapses on 2026-12-01 Unused : hit-rate:sessions",
        "L3 failed Claim of foreign_key_indexes: 2 foreign keys without an index",
        "Command output or query result · postgres 127.0.0.1:5432/orders · 2026-11-24T08:01:02.345Z · 12.0 ms · rows 2",
        "orders | orders_customer_id_fkey",
        "With exception: foreign-key-indexes:public.legacy.owner_id",
        "Note: stale xfail",
        "L4 Tuned Sized by measured load.",
        "earlier: 001-9f2c4e1: total 12, significant-technical-debt",
        "Each check shows the first 10 pieces of its evidence, with up to 4000 characters of each answer.",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("count", "shown"),
    [(6, "c1, c2, c3, c4, c5, c6"), (7, "c1, c2, c3, c4, c5, and 2 more")],
)
def test_a_few_of_what_holds_a_level_are_named(count: int, shown: str) -> None:
    """The dimension's own part names each; a column of seventeen would be a ribbon."""
    first = replace(FULL.dimensions[0], limited_by=tuple(f"c{n}" for n in range(1, count + 1)))
    assert f"{shown}</td>" in render(replace(FULL, dimensions=(first, *FULL.dimensions[1:])), "html")


def test_card_without_disposition_says_why() -> None:
    """The reason stands where the disposition would; an empty card says that nothing was collected."""
    text = Page(render(NOTHING, "html")).text
    assert "No disposition nothing was collected" in text
    assert "No check was collected." in text
    assert "Incidents: not stated." in text


@pytest.mark.parametrize(("passed", "look"), [(True, "good"), (False, "bad"), (None, "soft")])
def test_that_it_is_no_worse_is_told(passed: bool | None, look: str) -> None:
    """In the look of what became of it."""
    text = render(replace(FULL, no_worse=NoWorse(passed, "nothing <fell>")), "html")
    lead = {True: "passed: ", False: "not passed: ", None: ""}[passed]
    assert f'<p class="{look}">No worse than before: {lead}nothing &lt;fell&gt;.</p>' in text
    assert "No worse" not in render(FULL, "html")


def test_picture_has_a_text_for_those_who_do_not_see_it() -> None:
    """The picture names each dimension's level, and says what its marks mean."""
    page = Page(render(FULL, "html"))
    assert "4.1 L2. 4.2 L2. 4.3 L3. 4.4 L2. 4.5 L1. 4.6 L3. 4.7 L1. 4.8 L2. The table has the same" in page.text
    assert page.tags["rect"] == 8 * 5 + 1
    assert page.tags["line"] == 1
    chart = Chart.of(DIMENSIONS)
    assert chart.words == "Dashed: recorded once a second reviewer has signed; line: not sought above it"
    assert Chart.of(DIMENSIONS[:2]).words == ""


def _variables(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6})", css))


def _luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, two: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_colors_can_be_read(scheme: int) -> None:
    """Texts reach WCAG AA's 4.5 on what they stand on, in each scheme."""
    css = resources.files("pytest_backend_audit.reports").joinpath("templates/scorecard.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(blocks) == 3
    colors = _variables(blocks[scheme])
    levels = [f"l{n}" for n in range(1, 6)]
    pairs = [
        *((text, ground) for text in ("ink", "soft", "link", "l1", "l2", "l4") for ground in ("paper", "sheet")),
        *(("onlevel", level) for level in levels),
    ]
    assert [(a, b) for a, b in pairs if _contrast(colors[a], colors[b]) < 4.5] == []


def test_many_attempts_show_those_that_did_not_pass() -> None:
    """Of a check's many parameters, the page lists those that failed, within bounds, and counts the rest."""
    attempts = tuple(
        Attempt("c", f"c[{n}]", Status.FAILED if n % 2 else Status.PASSED, reason=f"reason {n}") for n in range(60)
    )
    card = replace(FULL, dimensions=(dimension("4.1", 2, criterion("x", replace(FOREIGN_KEYS, attempts=attempts))),))
    text = Page(render(card, "html")).text
    assert "failed c[39] : reason 39" in text
    assert "c[41]" not in text
    assert "c[2]" not in text
    assert "and 10 more attempts" in text


def _large(checks: int) -> str:
    many = tuple(
        replace(QUERY_LOGGING if n % 100 else FOREIGN_KEYS, check=replace(QUERY_LOGGING.check, id=f"a.py::test_{n}"))
        for n in range(checks)
    )
    card = replace(FULL, dimensions=(dimension("4.1", 2, criterion("x", *many)),))
    return render(card, "html")


def test_large_page_folds_what_passed() -> None:
    """Beyond 1,000 checks, a passed one takes one line and names how much is in the journal; the page says so."""
    text = _large(1001)
    page = Page(text)
    assert text.count('<div class="line"') == 990
    assert "There are many checks: a passed one takes one line. Each other check shows the first 3 pieces" in page.text
    assert "passed Claim of query_logging. 1 in the journal" in page.text
    assert "orders | orders_customer_id_fkey" in page.text


def test_bounds_get_narrower_with_the_number_of_checks() -> None:
    """Beyond 10,000 checks, the first piece and 300 characters of it are shown."""
    many = (QUERY_LOGGING,) * 10_001
    card = replace(FULL, dimensions=(dimension("4.1", 2, criterion("x", *many)),))
    bounds = Bounds.of(card)
    assert (bounds.pieces, bounds.body, bounds.fold_passed) == (1, 300, True)
    assert Bounds.of(FULL).pieces == 10


def test_page_comes_in_pieces() -> None:
    """No piece grows with the number of checks, so that a large page never stands in memory as a whole."""
    assert max(map(len, chunks(FULL, "html"))) < 20_000

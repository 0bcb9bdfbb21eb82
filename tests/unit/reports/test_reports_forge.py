"""Markdown for forges, as GitHub's own parser reads it: what is said is seen, does nothing, and has room."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from unit.reports.cards import FULL, HOSTILE
from unit.reports.machine import MACHINE_CARDS, NOT_GREEN, SCORED, hidden
from unit.scoring.scoring_cases import SEALED, check, failed, inputs

from pytest_backend_audit.model import Card, NoWorse, Verdict
from pytest_backend_audit.reports import forge, github_summary, pr_comment, render
from pytest_backend_audit.scoring import score

PAGES = ["github-summary", "pr-comment"]
LOUD = (
    "@octocat and @org/team: see #12, shop/orders#34, GH-56, !78, &90, ~bug, $11, %v2 at https://evil.example/?a=1&b=2 "
    "www.evil.example ![p](https://evil.example/p.png) <img src=x onerror=alert(1)> <!-- x --> `a` | b * c _d_ "
    '[l](javascript:x) isn\'t "so" :tada: $x^2$ \u202egnal\u202c \x1b[31m\x07 ada@example.org'
)


class Read(HTMLParser):
    """Tags with their attributes, and the text outside of code, in pieces as a forge's filters meet them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._code = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append((tag, dict(attrs)))
        self._code += tag in {"code", "pre"}

    def handle_endtag(self, tag: str) -> None:
        """Leave code."""
        self._code -= tag in {"code", "pre"}

    def handle_data(self, data: str) -> None:
        """Text."""
        if not self._code:
            self.text += data


def read(markdown: str) -> Read:
    """The page as GitHub's parser makes it, before anything is filtered from it."""
    return Read(cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE))


def loud() -> Card:
    """A card in which everything that can be, is a text that wants to do something."""
    finding = replace(
        FULL.findings[0], title=LOUD, evidence=f"{LOUD}\n```\n{LOUD}", impact=LOUD, remediation=LOUD, owner=LOUD
    )
    return replace(
        FULL,
        inputs=replace(FULL.inputs, document=replace(FULL.inputs.document, service=LOUD, environment=LOUD)),
        dimensions=tuple(replace(d, name=LOUD, limited_by=(LOUD,)) for d in FULL.dimensions),
        findings=(finding,),
        overrides=(LOUD,),
        notices=(LOUD,),
        exceptions_unused=(LOUD,),
        verdict=Verdict("conditional-production", False, LOUD, 1),
    )


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", [*MACHINE_CARDS, "loud"])
def test_texts_of_others_make_no_markup(name: str, page: str) -> None:
    """Only our own tags, no link and no picture, no notification and no reference."""
    text = render(loud() if name == "loud" else MACHINE_CARDS[name], page)
    found = read(text)
    assert {tag for tag, _ in found.tags} <= {
        *("h2", "h3", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"),
        *("code", "pre", "details", "summary"),
    }
    assert {attribute for _, attributes in found.tags for attribute in attributes} <= {"lang"}
    assert re.findall(r"(?<![\w/])@\w+|(?:\w|\s|^)[#!~]\w+|\bGH-\d+|://|\bwww\.", found.text) == []
    assert hidden(text.replace("&#8203;", "")) == set()


def test_what_is_said_is_seen() -> None:
    """The words are all there; what was broken up is broken by nothing that one sees."""
    shown = read(forge.plain(LOUD, 1000)).text.replace("\u200b", "").strip()
    assert shown == LOUD.replace("\u202e", "\\u202e").replace("\u202c", "\\u202c").replace("\x1b", "\\x1b").replace(
        "\x07", "\\x07"
    )
    assert (
        read(f"<details><summary>{forge.in_html(LOUD, 1000)}</summary>\n\n</details>")
        .text.replace("\u200b", "")
        .strip()
        == shown
    )


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", MACHINE_CARDS)
def test_a_run_that_says_nothing_final_is_not_green(name: str, page: str) -> None:
    """A warning stands on top, and a gate is not shown as passed."""
    well, gate = NoWorse(True, "nothing fell"), Verdict("conditional-production", True, "gate X: passed", 0)
    card = replace(MACHINE_CARDS[name], verdict=gate, no_worse=well)
    text = render(card, page)
    inconclusive = name in NOT_GREEN or name == "located"
    assert ("⚠️ **This run says nothing final**" in text) is inconclusive
    assert text.count("✅") == (0 if inconclusive else 2)
    assert "No worse than before: passed: nothing fell.\n" in text
    assert render(card, page) == text


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("found", "line"),
    [
        (NoWorse(True, "nothing fell"), "✅ No worse than before: passed: nothing fell."),
        (NoWorse(False, "4.1 fell"), "❌ No worse than before: not passed: 4.1 fell."),
        (NoWorse(None, "there is none"), "No worse than before: there is none."),
    ],
)
def test_that_it_is_no_worse_has_a_line(found: NoWorse, line: str, page: str) -> None:
    """Where it was asked."""
    text = render(replace(MACHINE_CARDS["green"], no_worse=found), page)
    assert line in text.splitlines()
    assert "No worse" not in render(MACHINE_CARDS["green"], page)


@pytest.mark.parametrize("page", PAGES)
def test_what_could_not_run_is_neither(page: str) -> None:
    """Counted apart, with the reasons."""
    text = render(SCORED, page)
    assert "**Checks**: 3 passed, 1 failed, 2 could not run; 131 rows of the standard without a check\n" in text
    assert (
        "Could not run, which is neither a pass nor a failure:\n\n"
        "- 1: no server\n"
        "- 1: targets.pgbouncer is not configured (audit.yaml)\n"
    ) in text
    assert "**Since prior audit 2026-08-01 of 1a2b3c4**: 1 new finding, 1 check mended\n" in text


@pytest.mark.parametrize("page", PAGES)
def test_a_policy_that_was_held_to_is_told(page: str) -> None:
    """How much of audit.yaml it overruled, and in what."""
    said = "Policy: 2 differences from origin/main:audit.yaml at 0f0f0f0; the stricter counts: sought, gate\n"
    assert said in render(MACHINE_CARDS["held"], page).replace("&#8203;", "")
    assert "Policy" not in render(SCORED, page)


def test_the_comments_first_line_finds_it_again() -> None:
    """It is not seen, the same for each run of a service and environment, and can't be left early."""
    assert render(FULL, "pr-comment").splitlines()[0] == "<!-- backend-audit: orders/stage -->"
    for card in (HOSTILE, loud()):
        first = render(card, "pr-comment").splitlines()[0]
        assert first.startswith("<!-- backend-audit: ")
        assert first.count("--") == 2
        assert len(first) < 160
    # Of two services of one repository neither replaces the other's.
    names = ["orders-eu", "orders_eu", "заказы", "корзина", "x" * 70, "x" * 71]
    document = FULL.inputs.document
    cards = [replace(FULL, inputs=replace(FULL.inputs, document=replace(document, service=n))) for n in names]
    assert len({render(card, "pr-comment").splitlines()[0] for card in cards}) == 6


def crowded() -> Card:
    """Two thousand failures, each with as much hostile text as it may have."""
    plan = [check(f"a::test_{n}", 3) for n in range(2_000)]
    return score(inputs(plan), [failed(c.id, f"{n} &@&@&@ 漢😀" + "&<|" * 2_000) for n, c in enumerate(plan)], SEALED)


@pytest.mark.parametrize(
    ("page", "measure", "limit", "left"),
    [
        ("github-summary", forge.in_bytes, github_summary.LIMIT, r"and (\d+) more findings, in `scorecard.md`"),
        ("pr-comment", forge.in_units, pr_comment.LIMIT, r"and (\d+) more, in the report"),
    ],
)
def test_what_has_no_room_is_counted(page: str, measure: Any, limit: int, left: str) -> None:
    """The page stays below the forge's limit, and says what it lacks."""
    text = render(crowded(), page)
    assert measure(text) < limit
    rows = re.findall(r"^\| (?:critical|high|medium|low) \|", text, re.MULTILINE)
    found = re.search(left, text)
    total = len(crowded().findings)
    assert found is not None
    assert 40 < len(rows) < total
    assert len(rows) + int(found.group(1)) == total


@pytest.mark.parametrize(
    ("page", "limit"), [("github-summary", github_summary.LIMIT), ("pr-comment", pr_comment.LIMIT)]
)
def test_no_text_alone_takes_the_room(page: str, limit: int) -> None:
    """However long names, reasons and exceptions are, and however many."""
    endless = "&@" * 200_000
    card = replace(
        FULL,
        inputs=replace(FULL.inputs, document=replace(FULL.inputs.document, service=endless, environment=endless)),
        dimensions=tuple(replace(d, name=endless, limited_by=(endless,)) for d in FULL.dimensions * 20),
        findings=(replace(FULL.findings[0], title=endless, owner=endless, evidence=endless, check=endless),),
        overrides=(endless,) * 50,
        notices=(endless,) * 50,
        exceptions_unused=(endless,) * 500,
        no_disposition=endless,
        verdict=Verdict("conditional-production", False, endless, 1),
    )
    text = render(card, page)
    assert forge.in_bytes(text) < limit
    assert "This run says nothing final" in text


@pytest.mark.parametrize("page", PAGES)
def test_a_title_says_how_many_more_cases_did_not_pass(page: str) -> None:
    """It names the first alone; a check of which one case failed has nothing behind it."""
    plan = [check("t.py::two", 3), check("t.py::one", 3)]
    tried = [replace(failed("t.py::two"), instance=f"t.py::two[{n}]") for n in range(2)] + [failed("t.py::one")]
    rows = [row for row in render(score(inputs(plan), tried, SEALED), page).splitlines() if "L3 failed" in row]
    assert [row.split(" | ")[1].partition(" failed: ")[2] for row in rows if row.startswith("| ")] == [
        "3 foreign keys without an index (and 1 more case)",
        "3 foreign keys without an index",
    ]

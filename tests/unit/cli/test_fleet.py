"""``backend-audit fleet``: as a user runs it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from unit.cli.command import backend_audit, without_reader
from unit.fleet.fleet_cards import audit, write, write_all
from unit.fleet.test_fleet_table import SMALL

from pytest_backend_audit.cli import main

AS_OF = ("--as-of", "2026-11-29")
ALLOWED = "allowed are production-ready, production-with-watchlist, conditional-production, significant-technical-debt"

UNHELD = "\nHeld to no ledger: 5 cards in folders where no ledger lies: one that was changed\ncounts as it is\n"
"""Of the small fleet, which has cards alone."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that holds the small fleet."""
    monkeypatch.chdir(tmp_path)
    return write_all(tmp_path / "services")


def test_the_table(here: Path) -> None:
    """In a process of its own, which writes no file."""
    done = backend_audit("fleet", "services", *AS_OF, cwd=here.parent)
    assert (done.returncode, done.stdout, done.stderr) == (0, SMALL + UNHELD, "")
    assert [p.name for p in here.parent.iterdir()] == ["services"]


def test_a_reader_that_goes_away_ends_it_quietly(here: Path) -> None:
    """As `backend-audit fleet ... | head -1`, like any other command."""
    assert without_reader("fleet", "services", *AS_OF, cwd=here.parent) == (141, b"")


def test_the_page(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Is written where it is wanted; the same cards, day and filters give the same bytes, in whatever order."""
    assert main(["fleet", "services", *AS_OF, "-o", "fleet.html"]) == 0
    assert capsys.readouterr().out == f"{SMALL}{UNHELD}\nPage fleet.html\n"
    folders = sorted((str(p) for p in here.iterdir()), reverse=True)
    assert main(["fleet", *folders, *AS_OF, "-o", "other.html"]) == 0
    assert Path("fleet.html").read_bytes() == Path("other.html").read_bytes()


def test_a_page_takes_the_place_of_no_other_file(capsys: pytest.CaptureFixture[str]) -> None:
    """An earlier page, by whatever version, and an empty file do; whatever else is there stays, behind a link too."""
    page = Path("fleet.html")
    page.touch()
    assert main(["fleet", "services", *AS_OF, "-o", "fleet.html"]) == 0
    text = page.read_text("utf-8")
    page.write_text(re.sub('content="pytest-backend-audit [^"]*"', 'content="pytest-backend-audit 99"', text), "utf-8")
    assert main(["fleet", "services", *AS_OF, "-o", "fleet.html"]) == 0
    assert page.read_text("utf-8") == text
    card = text.replace("<title>Backend audits of 3 services,", "<title>orders: backend audit")
    for name, kept in (("audit.yaml", "version: 1\n"), ("scorecard.html", card), ("notes.html", f"\n{text}")):
        Path(name).write_text(kept, "utf-8")
        Path("link.html").unlink(missing_ok=True)
        Path("link.html").symlink_to(name)
        for given in (name, "link.html"):
            capsys.readouterr()
            assert main(["fleet", "services", *AS_OF, "-o", given]) == 2
            assert capsys.readouterr() == (
                "",
                f"backend-audit: -o {given}: is there already, and is no page of a fleet; name a new file, nothing "
                "else is ever overwritten\n",
            )
        assert Path(name).read_text("utf-8") == kept
    assert main(["fleet", "services", *AS_OF, "-o", "services"]) == 2
    assert capsys.readouterr().err == "backend-audit: -o services: that is no file; name a new one\n"


def test_the_numbers_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The same as in the table."""
    assert main(["fleet", "services", *AS_OF, "--json", "--min", "conditional-production"]) == 1
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert list(found) == [
        "schema_version",
        "as_of",
        "filters",
        "counts",
        "dispositions",
        "dimensions",
        "services",
        "failing",
        "lapsed",
        "overdue",
        "quarters",
        "fell",
        "rose",
        "at_odds",
        "unread",
        "gate",
    ]
    assert found["counts"] == {
        "services": 3,
        "latest": 4,
        "audits": 5,
        "twice": 0,
        "later": 0,
        "unread": 0,
        "at_urls": 0,
        "without_ledger": 5,
    }
    assert found["dispositions"] == [
        {"id": "conditional-production", "name": "Conditional production", "count": 3},
        {"id": "significant-technical-debt", "name": "Significant technical debt", "count": 1},
    ]
    assert found["dimensions"][2] == {
        "id": "4.3",
        "name": "Caching",
        "mean": 2.25,
        "services_at_level": [0, 3, 1, 0, 0],
    }
    orders = found["services"][2]
    assert (orders["service"], orders["total"], orders["change"], orders["before"]) == ("orders", 23, 8, "2026-03-02")
    assert orders["levels"]["4.1"] == {"level": 3, "change": 2}
    assert orders["place"] == "services/orders-prod/audits/orders/2026-08-31.json"
    assert found["failing"][0] == {"dimension": "4.3", "criterion": "hit-rate", "failed": 2, "unproven": 0, "of": 2}
    assert found["lapsed"] == [
        {
            "service": "billing",
            "environment_kind": "prod",
            "environment": "prod-eu",
            "due": "2026-08-14",
            "days": 107,
            "action": "Audit again",
        }
    ]
    assert found["overdue"] == {"critical": 0, "high": 0, "medium": 1, "low": 7}
    assert found["quarters"][-1] == {"name": "2026-Q4", "audits": 1, "services": 4, "mean": 2.66}
    assert found["gate"] == {"min": "conditional-production", "passed": False, "below": ["billing"]}


@pytest.mark.parametrize(
    ("minimum", "more", "status", "said"),
    [
        ("significant-technical-debt", [], 0, "passed"),
        ("conditional-production", [], 1, "not passed, 1 service is below it"),
        ("production-ready", [], 1, "not passed, 4 services are below it"),
        ("conditional-production", ["--service", "orders"], 0, "passed"),
    ],
)
def test_a_minimum(minimum: str, more: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1 if a service that the filters leave is below it."""
    assert main(["fleet", "services", *AS_OF, "--min", minimum, *more]) == status
    assert capsys.readouterr().out.splitlines()[-1] == f"--min {minimum}: {said}"


def test_a_card_that_cannot_be_read_lets_no_minimum_pass(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It might be the one that is below; without a minimum it is listed and no more."""
    broken = write(here, audit("search", "2026-11-01", 3))
    broken.write_text("{")
    assert main(["fleet", "services", *AS_OF]) == 0
    assert capsys.readouterr().out.endswith(
        "\n\nCan't be read: 1 file\n  services/audits/search/2026-11-01.json\n"
        "    not JSON; restore it from the repository's history\n" + UNHELD
    )
    assert main(["fleet", "services", *AS_OF, "--min", "significant-technical-debt"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == (
        "--min significant-technical-debt: not passed, 1 card can't be read"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        (
            ["services", "--min", "conditional"],
            f"--min=conditional: no such disposition, did you mean conditional-production? {ALLOWED}",
        ),
        (
            ["services", "--min", "not-production-grade"],
            f"--min=not-production-grade: every audit reaches the last disposition; {ALLOWED}",
        ),
        (
            ["services", "--service", "biling"],
            "the filters leave none of 5 audits; --service biling: there are billing and 2 more",
        ),
        (
            ["services", "--owner", "Soren", "--environment", "dev"],
            "the filters leave none of 5 audits; --owner Soren: there are Søren and 2 more; "
            "--environment dev: there are prod, prod-eu, stage and 1 more",
        ),
        (
            ["services", "--as-of", "2026-01-01"],
            "no audit on or before 2026-01-01; the first is of 2026-03-02 (--as-of)",
        ),
        (["services", "-o", "no/such/fleet.html"], "no/such/fleet.html can't be written: No such file or directory"),
    ],
)
def test_what_is_no_question(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence with the way out."""
    assert main(["fleet", *arguments]) == 2
    assert capsys.readouterr().err == f"backend-audit: {said}\n"


def test_a_date_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Is a usage error."""
    with pytest.raises(SystemExit) as caught:
        main(["fleet", "services", "--as-of", "yesterday"])
    assert caught.value.code == 2
    assert "'yesterday' is no date, as 2026-08-31 is one" in capsys.readouterr().err


def test_today_is_the_default(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By UTC."""
    assert main(["fleet", str(write(here / "old", audit("old", "2020-01-01"))), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["as_of"] == f"{datetime.now(UTC):%Y-%m-%d}"

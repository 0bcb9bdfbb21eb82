"""A merge of several environments in a fleet: which one is of which kind, and whom it counts for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from unit.fleet.fleet_cards import asked, audit
from unit.ledger.ledgers import filed

from pytest_backend_audit import filed as cards
from pytest_backend_audit.cli import main
from pytest_backend_audit.fleet.audits import Audit, Reducer
from pytest_backend_audit.fleet.filings import Told
from pytest_backend_audit.fleet.namesakes import apart
from pytest_backend_audit.fleet.places import placed
from pytest_backend_audit.fleet.summary import summarise
from pytest_backend_audit.ledger.events import Filed, encode
from pytest_backend_audit.model import FiledCard

AT = datetime(2026, 8, 31, 10, tzinfo=UTC)
MINIMUM = ("--min", "conditional-production")


def made(day: str, level: int, environment: str, kind: str) -> FiledCard:
    """An audit of orders: at level 2 below the minimum, at 3 not."""
    card = audit("orders", day, level, head=f"{day} {environment}")
    return replace(card, environment=environment, environment_kind=kind)


def repository(top: Path, *audits: FiledCard, events: Iterable[Filed] = ()) -> Path:
    """Where these were filed, with a ledger of these events, if there are any."""
    folder = top / "audits" / "orders"
    folder.mkdir(parents=True, exist_ok=True)
    for card in audits:
        (folder / f"{card.instant[:10]}.json").write_text(cards.text(card), "utf-8")
    if lines := "".join(f"{encode(event)}\n" for event in events):
        (folder / "ledger.jsonl").write_text(lines, "utf-8")
    return top


def line(card: FiledCard, **fields: object) -> Filed:
    """What the ledger has of its filing."""
    facts = {"environment": card.environment, "environment_kind": card.environment_kind, "instant": card.instant}
    return filed(file=card.instant[:10], heads=card.sources, **{**facts, **fields})


def asks(top: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[tuple[str, str]]]:
    """Exit status, and the rows of the fleet: environment and day."""
    status = main(["fleet", str(top), "--as-of", "2026-11-29", "--json", *arguments])
    rows = json.loads(capsys.readouterr().out)["services"]
    return status, [(row["environment"], row["date"]) for row in rows]


GOOD = made("2026-08-01", 3, "eu", "prod")
BOTH = made("2026-08-05", 2, "eu, staging", "prod, stage")
AGAIN = made("2026-08-09", 3, "eu", "prod")
ROW = [("eu, staging", "2026-08-05")]


@pytest.mark.parametrize("environment", ["prod", "eu", "stage", "staging"])
def test_a_merge_counts_for_each_of_its_environments(
    environment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its name and by its kind: a service that is below the minimum by it does not pass."""
    repository(tmp_path, BOTH, events=[line(BOTH, kinds={"eu": "prod", "staging": "stage"})])
    assert asks(tmp_path, capsys, "--environment", environment, *MINIMUM) == (1, ROW)


def test_the_latest_audit_of_an_environment_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Be it of prod alone or a merge; what prod has been audited for since says nothing of stage."""
    prod, stage = ("--environment", "prod", *MINIMUM), ("--environment", "stage", *MINIMUM)
    kinds = {"eu": "prod", "staging": "stage"}
    repository(tmp_path, GOOD, BOTH, events=[line(GOOD), line(BOTH, kinds=kinds)])
    assert asks(tmp_path, capsys, *prod) == (1, ROW)
    assert asks(tmp_path, capsys) == (0, ROW)
    repository(tmp_path, AGAIN, events=[line(GOOD), line(BOTH, kinds=kinds), line(AGAIN)])
    assert asks(tmp_path, capsys, *prod) == (0, [("eu", "2026-08-09")])
    assert asks(tmp_path, capsys, *stage) == (1, ROW)
    assert asks(tmp_path, capsys) == (0, [*ROW, ("eu", "2026-08-09")])


def test_a_merge_that_is_later_by_another_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its run in prod is older than an audit of prod alone, as the ledger tells: that one has the last word of prod."""
    bad = made("2026-08-03", 2, "eu", "prod")
    late = made("2026-08-05", 3, "eu, staging", "prod, stage")
    instants = {"eu": "2026-08-01T10:00:00Z", "staging": "2026-08-05T10:00:00Z"}
    told = line(late, kinds={"eu": "prod", "staging": "stage"}, instants=instants)
    repository(tmp_path, bad, late, events=[line(bad), told])
    assert asks(tmp_path, capsys, "--environment", "prod", *MINIMUM) == (1, [("eu", "2026-08-03")])
    assert asks(tmp_path, capsys, "--environment", "stage", *MINIMUM) == (0, [("eu, staging", "2026-08-05")])


@pytest.mark.parametrize("name", ["prod-eu", "eu", "europe"])
def test_a_name_that_an_environment_had(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By each of them it is asked for, even where one card alone is read."""
    events = [line(GOOD, formerly={"eu": "prod-eu"}), line(BOTH, kinds={"eu": "prod", "staging": "stage"})]
    late = made("2026-08-20", 2, "europe", "prod")
    repository(tmp_path, GOOD, BOTH, late, events=[*events, line(late, formerly={"europe": "eu"})])
    assert asks(tmp_path, capsys, "--environment", name) == (0, [("europe", "2026-08-20")])
    alone = tmp_path / "audits" / "orders" / "2026-08-20.json"
    assert asks(alone, capsys, "--environment", name) == (0, [("europe", "2026-08-20")])


def test_a_name_that_an_environment_had_by_its_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a ledger, as at a URL, the cards tell: no audit by the former name passes for the latest."""
    late = replace(made("2026-08-20", 2, "europe", "prod"), formerly={"europe": "eu"})
    repository(tmp_path, GOOD, late)
    for name in ("eu", "europe"):
        assert asks(tmp_path, capsys, "--environment", name, *MINIMUM) == (1, [("europe", "2026-08-20")])
    # A ledger that tells of no other name has the last word.
    repository(tmp_path, events=[line(GOOD), line(late)])
    assert asks(tmp_path, capsys, "--environment", "eu") == (0, [("eu", "2026-08-01")])


def test_a_filter_that_leaves_none_names_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Environments one by one, of what the other filters leave: never the one that was asked for."""
    other = tmp_path / "audits" / "bills"
    other.mkdir(parents=True)
    (other / "2026-08-01.json").write_text(cards.text(replace(audit("bills", "2026-08-01"), environment="us")), "utf-8")
    late = made("2026-10-01", 3, "dev", "local")
    repository(tmp_path, BOTH, late, events=[line(BOTH, kinds={"eu": "prod", "staging": "stage"}), line(late)])

    def said(*arguments: str) -> str:
        assert main(["fleet", str(tmp_path), *arguments]) == 2
        return capsys.readouterr().err.removeprefix("backend-audit: the filters leave none of 3 audits; ")

    assert said("--environment", "canary") == "--environment canary: there are dev, eu, local and 4 more\n"
    assert said("--service", "bills", "--environment", "stage") == (
        "--service bills --environment stage: there are prod, us\n"
    )
    assert said("--service", "bills", "--owner", "Ada") == (
        "--service bills --owner Ada: there are Data Team, Søren, data team\n"
    )
    assert said("--environment", "dev", "--as-of", "2026-09-01") == (
        "--environment dev: there are eu, prod, stage and 2 more; 1 audit after 2026-09-01 left out\n"
    )


@pytest.mark.parametrize(
    ("environment", "known", "kinds"),
    [
        ("eu, us", {"eu": ["prod"], "us": ["stage"]}, ["prod", "stage"]),
        ("prod, us", {}, ["prod", "stage"]),
        ("eu, us", {"us": ["stage"]}, ["prod", "stage"]),
        ("eu, us", {}, ["prod, stage", "prod, stage"]),
        ("eu, us, asia", {"us": ["stage"]}, ["prod, stage", "stage", "prod, stage"]),
        ("eu, us", {"eu": ["canary"]}, ["prod, stage", "prod, stage"]),
        ("eu, us", {"eu": ["prod"], "us": ["prod"]}, ["prod, stage", "prod, stage"]),
        ("prod, us", {"prod": ["stage"], "us": ["prod"]}, ["stage", "prod"]),
        ("", {}, ["prod, stage"]),
    ],
)
def test_of_which_kind_each_is(environment: str, known: dict[str, list[str]], kinds: list[str]) -> None:
    """By what is known of it, its name, or what is left for it; else it counts for each that it may be of."""
    assert [p.kind for p in placed(environment, "prod, stage", AT, kinds=known)] == kinds


def test_what_other_audits_of_the_service_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a ledger an audit of eu alone shows its kind, so that the other one is stage."""
    repository(tmp_path, BOTH)
    assert asks(tmp_path, capsys, "--environment", "prod") == (0, ROW)
    repository(tmp_path, AGAIN)
    assert asks(tmp_path, capsys, "--environment", "prod") == (0, [("eu", "2026-08-09")])
    assert asks(tmp_path, capsys, "--environment", "stage") == (0, ROW)


@pytest.mark.parametrize(
    "filing",
    [
        {},
        {"kinds": 1, "formerly": ["eu"], "instants": {"eu": "yesterday"}, "heads": 3},
        {"environment": 1, "environment_kind": "prod"},
        {"kinds": {"eu": 1}, "instants": {"eu": 1}, "heads": [["x"]]},
    ],
)
def test_a_filing_that_nobody_wrote_tells_nothing(filing: dict[str, object]) -> None:
    """Nor does it stop anything."""
    one = Reducer().reduce(AGAIN, "1.json")
    assert Told([filing], [one]).placed(one) is one


def test_changes_are_those_of_the_same_environments() -> None:
    """A merge with a stage that is worse is no fall of prod; prod alone, and the next merge, compare with their own."""

    def changes(*audits: FiledCard) -> list[tuple[str, int | None, str]]:
        found = summarise([Reducer().reduce(card, card.instant) for card in audits], asked())
        return [(s.environment, s.change, str(s.before or "")) for s in found.services]

    first, both = made("2026-08-01", 3, "prod", "prod"), made("2026-08-05", 2, "prod, stage", "prod, stage")
    later = made("2026-08-09", 3, "prod, stage", "prod, stage")
    assert changes(first, both) == [("prod, stage", None, "")]
    assert changes(first, both, later) == [("prod, stage", 8, "2026-08-05")]
    again = made("2026-08-20", 4, "prod", "prod")
    assert changes(first, both, again)[1] == ("prod", 8, "2026-08-01")


def test_quarters_have_what_a_merge_followed() -> None:
    """At the end of the first quarter prod and stage were two, whatever was merged later."""
    audits = [
        made("2026-02-01", 4, "prod", "prod"),
        made("2026-03-01", 2, "stage", "stage"),
        made("2026-05-01", 3, "prod, stage", "prod, stage"),
        made("2026-08-01", 2, "prod", "prod"),
        made("2026-08-02", 2, "stage", "stage"),
    ]
    found = summarise([Reducer().reduce(card, card.instant) for card in audits], asked())
    levels = [sum(d.level for d in card.dimensions) for card in audits]
    assert [(p.name, p.audits, p.services, p.mean) for p in found.periods] == [
        ("2026-Q1", 2, 2, round((levels[0] + levels[1]) / 16, 2)),
        ("2026-Q2", 1, 1, round(levels[2] / 8, 2)),
        ("2026-Q3", 2, 2, 2.0),
        ("2026-Q4", 0, 2, 2.0),
    ]


def test_a_namesake_with_a_merge_is_apart() -> None:
    """Both have prod: neither follows the other."""

    def at(place: str, card: FiledCard) -> Audit:
        return Reducer().reduce(card, place)

    found = apart([at("a/audits/orders/1.json", BOTH), at("b/audits/orders/1.json", AGAIN)])
    assert [one.name for one in found] == ["orders (a)", "orders (b)"]

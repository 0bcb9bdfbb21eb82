"""The fleet in the terminal: its lines, their bounds, and that hostile names do nothing to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.fleet.fleet_cards import audit, fleet
from unit.fleet.test_fleet_page import FLEETS, numbers

from pytest_backend_audit.fleet.audits import Unread
from pytest_backend_audit.fleet.summary import Fleet
from pytest_backend_audit.fleet.table import Look, lines
from pytest_backend_audit.model import Action
from pytest_backend_audit.reports.text import columns

SMALL = """\
Fleet: 3 services (4 with their environments), 5 audits, as of 2026-11-29

Conditional production           3  search (prod), orders (prod), orders (stage)
Significant technical debt       1  billing (prod)

Audits that are due again and were not made: 1 service
2026-08-14    107 d  billing (prod)                Audit again

Worst first          Env    Audited    Total +/- 4.1 4.2 4.3 4.4 4.5 4.6 4.7 4.8
billing              prod   2026-06-15 16/40     2   2   2   2   2   2   2   2
search               prod   2026-10-05 22/40     3   3   2   3   3   3   2   3
orders               prod   2026-08-31 23/40  +8 3   3   2   3   3   3   3   3
orders               stage  2026-08-01 24/40     3   3   3   3   3   3   3   3
Mean level                                       2.8 2.8 2.2 2.8 2.8 2.8 2.5 2.8

Criterion, most often failed first                      failed  unproven    of
4.3 hit-rate                                                 2         0     2
4.7 secrets-manager                                          0         2     2

Findings past their date: 1 medium, 7 low in 1 service
(as filed: a card does not know what was closed since)

Mean level at the end of a quarter: 2026-Q1 2.00, 2026-Q2 2.00, 2026-Q3 2.62,
2026-Q4 2.66
Rose: 1; orders (prod) +8
"""


def large() -> Fleet:
    """A thousand services that fell, each with much to say."""
    before = [audit(f"service-{n}", "2026-01-01", 3) for n in range(5)]
    after = audit("x", "2026-03-01", 2, fails="hit-rate")
    cards = [replace(b, service=f"service-{n:04}", sources=()) for n in range(1000) for b in before[:1]]
    failed = next(c for c in after.checks if c.criterion == "hit-rate")
    criteria = tuple(replace(failed, criterion=f"criterion-{n}") for n in range(100))
    for n in range(1000):
        actions = (Action("Audit again", "2026-02-01"),)
        cards.append(replace(after, service=f"service-{n:04}", sources=(), checks=criteria, actions=actions))
    return numbers(*cards, unread=tuple(Unread(f"{n}.json", "not JSON") for n in range(50)))


def test_the_small_fleet() -> None:
    """Every line."""
    assert "\n".join(lines(numbers(*fleet()), Look())) + "\n" == SMALL


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("name", [*FLEETS, "large"])
def test_lines_fit_80_columns_and_do_nothing_to_a_terminal(name: str, unicode: bool) -> None:
    """But for a path, which stays whole."""
    found = large() if name == "large" else FLEETS[name]
    printed = list(lines(found, Look(unicode=unicode)))
    assert [line for line in printed if columns(line) > 80 and not line.startswith("  ")] == []
    assert [line for line in printed if not line.isprintable()] == []
    assert unicode or all(line.isascii() for line in printed)


def test_the_number_of_lines_is_bounded_unless_all_are_wanted() -> None:
    """Every cut says how many are left."""
    found = large()
    printed = list(lines(found, Look()))
    assert len(printed) == 66
    for line in (
        "and 985 more (--all)",
        "and 90 more (--all)",
        "and 992 more (--all)",
        "and 45 more (--all)",
        "Fell: 1,000; service-0000 -8, service-0001 -8, service-0002 -8 and 997 more",
    ):
        assert line in printed
    everything = list(lines(found, Look(everything=True)))
    assert not any("(--all)" in line for line in everything)
    assert sum(line.startswith("service-") for line in everything) == 1000


def merges(*names: str, environment: str = "prod, stage") -> list[str]:
    """The lines of services of these names, each with a merge of these environments."""
    card = replace(audit("orders", "2026-08-31"), environment=environment, environment_kind=environment)
    found = numbers(*(replace(card, service=name, sources=(name,)) for name in names))
    return [line for line in lines(found, Look()) if line.startswith(names)]


def test_a_merge_of_two_environments_is_readable_in_80_columns() -> None:
    """Beside all dimensions, whatever the names of services; of more environments as much as those leave."""
    levels = "2026-08-31 16/40     2   2   2   2   2   2   2   2"
    assert merges("orders") == [f"orders          prod, stage {levels}"]
    assert merges("recommendations") == [f"recommendations prod, stage {levels}"]
    assert merges("rec", "recommendations-of-the-shop")[0] == f"rec             prod, stage {levels}"
    assert merges("orders", environment="canary, stage") == [f"orders        canary, stage {levels}"]
    assert merges("recommendations", environment="canary, prod, stage") == [f"recommendations cana… stage {levels}"]


def test_a_wide_terminal_shows_more_of_an_environment() -> None:
    """Up to a bound, which leaves the names their columns."""
    card = replace(
        audit("orders", "2026-08-31"), environment="canary, prod, stage", environment_kind="canary, prod, stage"
    )
    (line,) = (line for line in lines(numbers(card), Look(width=120)) if line.startswith("orders "))
    assert line.startswith("orders  ")
    assert " canary, prod, stage 2026-08-31 " in line
    assert columns(line) <= 120


def test_colours_take_no_columns() -> None:
    """Without them the lines are the same."""
    plain = "\n".join(lines(FLEETS["small"], Look()))
    painted = "\n".join(lines(FLEETS["small"], Look(color=True)))
    assert painted != plain
    for code in ("0", "1", "1;32", "31", "32", "33", "36"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert [line.rstrip() for line in painted.splitlines()] == plain.splitlines()


def test_more_dimensions_than_there_is_room_for() -> None:
    """Those of most services are shown, and how many are not is said."""
    card = audit("orders", "2026-08-31", 3)
    dimensions = tuple(replace(card.dimensions[0], id=f"own.{n}") for n in range(1, 13))
    printed = list(lines(numbers(replace(card, dimensions=dimensions, maximum=60)), Look()))
    assert printed[4] == "Worst first            Env    Audited    Total +/- own.1 own.2 own.3 own.4 own.5"
    assert "and 7 more dimensions; --json has them" in printed

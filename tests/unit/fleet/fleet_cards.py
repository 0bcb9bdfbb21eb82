"""A small fleet of filed cards, each made by scoring a run and filing its card."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from unit.scoring.scoring_cases import DISPOSITIONS, NAMES, SEALED, all_at, check, failed, skipped

from pytest_backend_audit import filed
from pytest_backend_audit.fleet.summary import Asked
from pytest_backend_audit.model import FiledCard
from pytest_backend_audit.scoring import score

ORDER = tuple(d.id for d in DISPOSITIONS)
DAY = date(2026, 11, 29)
OWNERS = {"4.1": "data team", "4.3": "Data Team", "4.7": "Søren"}
EVIL = "<script>alert(1)</script>\x1b[2J\u202e\n& \"'"


def audit(
    service: str,
    day: str,
    levels: dict[str, int] | int = 2,
    *,
    kind: str = "prod",
    fails: str = "",
    could_not_run: str = "",
    head: str = "",
) -> FiledCard:
    """The filed card of an unsigned run.

    Args:
        service: Its name.
        day: Of the audit.
        levels: That each dimension's passes reach, or all of them.
        kind: Of the environment.
        fails: A criterion of 4.3 with a failed check of L3.
        could_not_run: A criterion of 4.7 with a check of L2 that could not run.
        head: Last hash of the journal; one of its own, if not given.
    """
    wanted = {**dict.fromkeys(NAMES, 2), **levels} if isinstance(levels, dict) else levels
    inputs, attempts = all_at(wanted, kind=kind, policy={"owners": OWNERS})
    more = [check("c::test_it", 3, "4.3", fails)] if fails else []
    more += [check("s::test_it", 2, "4.7", could_not_run)] if could_not_run else []
    attempts += [failed("c::test_it")] if fails else []
    attempts += [skipped("s::test_it")] if could_not_run else []
    plan = (*inputs.plan, *more)
    inputs = replace(
        inputs,
        instant=f"{day}T10:00:00Z",
        document=replace(inputs.document, service=service, environment=f"{kind}-eu"),
        plan=plan,
        selected=tuple(c.id for c in plan),
    )
    card = score(inputs, attempts, SEALED)
    return filed.filed(card, numbers={}, sources=(head or f"{service} {kind} {day}",))


def fleet() -> list[FiledCard]:
    """Three services, one of them audited twice in prod and once in stage."""
    return [
        audit("orders", "2026-03-02", 2),
        audit("orders", "2026-08-31", {**dict.fromkeys(NAMES, 3), "4.1": 4}, fails="hit-rate"),
        audit("orders", "2026-08-01", 3, kind="stage"),
        audit("billing", "2026-06-15", 2, could_not_run="secrets-manager"),
        audit("search", "2026-10-05", 3, fails="hit-rate", could_not_run="secrets-manager"),
    ]


def write(folder: Path, card: FiledCard, name: str = "") -> Path:
    """The card where `backend-audit file` puts it."""
    path = folder / "audits" / card.service / f"{name or card.instant[:10]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(filed.text(card), "utf-8")
    return path


def write_all(folder: Path) -> Path:
    """The small fleet; of two environments of a service each in a repository of its own."""
    for card in fleet():
        write(folder / f"{card.service}-{card.environment_kind}", card)
    return folder


def asked(**fields: object) -> Asked:
    """What a test asks about."""
    return Asked(**{"as_of": DAY, "order": ORDER, **fields})  # type: ignore[arg-type]

"""What the table and the page both say, said in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_backend_audit.reports.text import NOT_STATED

if TYPE_CHECKING:
    from pytest_backend_audit.fleet.summary import Fleet, Service

AS_FILED = "as filed: a card does not know what was closed since"
"""Of findings."""
BY_LEDGERS = "by the ledgers, less what was closed since"


def whose_findings(fleet: Fleet) -> str:
    """Whether findings are counted as they were filed, or as their ledgers have them."""
    if not fleet.tracked:
        return AS_FILED
    left = len(fleet.services) - fleet.tracked
    return BY_LEDGERS if not left else f"{BY_LEDGERS}; as filed for {several(left, 'service')}"


def number(count: int) -> str:
    """With a comma between thousands."""
    return f"{count:,}"


def several(count: int, one: str, many: str = "") -> str:
    """The number and the word that goes with it."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def head(fleet: Fleet) -> str:
    """How many services and audits."""
    said = several(fleet.names, "service")
    if len(fleet.services) > fleet.names:
        said += f" ({len(fleet.services):,} with their environments)"
    return f"{said}, {several(fleet.audits, 'audit')}"


def unheld(fleet: Fleet) -> str:
    """What is not known of cards at URLs, and of those without a ledger; empty without any."""
    said = [f"{several(fleet.at_urls, 'card')} at URLs, where no ledger is read"] if fleet.at_urls else []
    if fleet.without_ledger:
        said.append(f"{several(fleet.without_ledger, 'card')} in folders where no ledger lies")
    return f"{', and '.join(said)}: one that was changed counts as it is" if said else ""


def filters(fleet: Fleet) -> tuple[str, ...]:
    """What was left out at the user's word."""
    asked = fleet.asked
    said = [f"dimensions owned by {asked.owner}"] if asked.owner else []
    said += [f"service {' or '.join(asked.services)}"] if asked.services else []
    said += [f"environment {' or '.join(asked.environments)}"] if asked.environments else []
    return tuple(said)


def total(service: Service) -> str:
    """Such as 24/40, or a dash."""
    return "-" if service.total is None else f"{service.total}/{service.maximum}"


def change(value: int | None) -> str:
    """With its sign; empty for none."""
    return f"{value:+d}" if value else ""


def disposition(name: str) -> str:
    """Its name."""
    return name or "No disposition"


def named(service: Service, fleet: Fleet) -> str:
    """The service, and its environment where the fleet has several."""
    return f"{service.service} ({service.called or NOT_STATED})" if fleet.mixed else service.service


def left_out(fleet: Fleet) -> tuple[str, ...]:
    """What was found and not counted, but for the unread files."""
    said = []
    if fleet.later:
        said.append(f"{several(fleet.later, 'audit')} after {fleet.asked.as_of}")
    if fleet.twice:
        said.append(f"{several(fleet.twice, 'file')} of audits that another file has too")
    if fleet.at_odds:
        said.append(
            f"{several(len(fleet.at_odds), 'of these files differs', 'of these files differ')} from the counted"
        )
    return tuple(said)

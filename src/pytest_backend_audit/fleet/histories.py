"""Which audits follow each other: those of one service in the same environments. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pytest_backend_audit.fleet.audits import Audit


def histories(audits: Iterable[Audit]) -> list[list[Audit]]:
    """The audits of each service and environment, in the order in which they were made.

    Two environments of one kind are apart, as what holds in one may fail in the other. A merge of both follows the
    audits of each, and is followed once each was audited again: what comes after is later word of all that it tells.

    Args:
        audits: In any order, each once.
    """
    found: dict[tuple[str, str], list[list[Audit]]] = defaultdict(list)
    for audit in sorted(audits, key=_order):
        later, kept, followed = audit.places, list[list[Audit]](), list[list[Audit]]()
        for history in reversed(found[audit.subject]):
            (followed if history[-1].places <= later else kept).append(history)
            later |= history[-1].places
        # Mostly that is one, whose audits are in their order.
        joined = followed[0] if len(followed) == 1 else sorted((a for h in followed for a in h), key=_order)
        joined.append(audit)
        found[audit.subject] = [*reversed(kept), joined]
    return [history for of_kind in found.values() for history in of_kind]


def _order(audit: Audit) -> tuple[object, ...]:
    return audit.at, audit.place

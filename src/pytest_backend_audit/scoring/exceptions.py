"""Declared exceptions: criteria that don't apply, and items that are known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pytest_backend_audit.model import Acknowledged, CheckResult, NotApplicable, Policy
from pytest_backend_audit.scoring.dates import day

ANNOUNCED = timedelta(days=14)
"""Exceptions that lapse within this time are announced (design 3)."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """A declaration that a criterion does not apply, as it stands on the day of the audit."""

    declared: NotApplicable
    expired: bool


def exemptions(policy: Policy, today: date) -> dict[str, Exemption]:
    """Criterion -> its declaration. One that begins later is left out; one in force wins over an expired one."""
    found: dict[str, Exemption] = {}
    for declared in policy.not_applicable:
        if declared.since and day(declared.since) > today:
            continue
        expired = day(declared.expires) < today
        known = found.get(declared.criterion)
        if known is None or (known.expired and not expired):
            found[declared.criterion] = Exemption(declared, expired)
    return found


def unused(policy: Policy, results: Collection[CheckResult], known: Collection[str], today: date) -> tuple[str, ...]:
    """Exceptions in force that took nothing out, one sentence each.

    An acknowledged item counts as unused only if a check of its criterion looked, or there is none that could.

    Args:
        policy: The declared exceptions.
        results: Every judged check.
        known: Criteria of the standard and of the plan.
        today: The day of the audit.
    """
    used = {item for r in results for item in r.acknowledged}
    looked = {r.check.ladder for r in results if r.executed}
    lines = []
    for entry in policy.acknowledged:
        if entry.item in used or day(entry.expires) < today:
            continue
        place = f" ({entry.origin})" if entry.origin else ""
        if _owner(entry.item, looked) or not _owner(entry.item, known):
            lines.append(f"acknowledged {entry.item} took nothing out{place}")
    for declared in policy.not_applicable:
        if declared.criterion not in known:
            place = f" ({declared.origin})" if declared.origin else ""
            lines.append(f"not applicable {declared.criterion} names no criterion of this audit{place}")
    return tuple(lines)


def expired(policy: Policy, exempt: Mapping[str, Exemption], today: date) -> tuple[str, ...]:
    """Exceptions that excuse nothing any more, one sentence each.

    Args:
        policy: The declared exceptions.
        exempt: Of those of criteria, the ones that count.
        today: The day of the audit.
    """
    entries: list[tuple[str, Acknowledged | NotApplicable]] = [
        *((f"acknowledged {a.item}", a) for a in policy.acknowledged if day(a.expires) < today),
        *((f"not applicable {e.declared.criterion}", e.declared) for e in exempt.values() if e.expired),
    ]
    return tuple(f"{name} expired on {e.expires}{f' ({e.origin})' if e.origin else ''}" for name, e in entries)


def lapsing(policy: Policy, today: date) -> tuple[str, ...]:
    """Exceptions in force that lapse within 14 days, one sentence each, the soonest first."""
    named: Iterable[tuple[str, Acknowledged | NotApplicable]] = [
        *((f"acknowledged {a.item}", a) for a in policy.acknowledged),
        *((f"not applicable {n.criterion}", n) for n in policy.not_applicable),
    ]
    soon = [
        (day(entry.expires), f"{name} lapses on {entry.expires}")
        for name, entry in named
        if today <= day(entry.expires) <= today + ANNOUNCED
    ]
    return tuple(line for _, line in sorted(soon))


def refused(exempt: Mapping[str, Exemption], fixed: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """Declarations that don't reach a level at which the standard allows none, one sentence each.

    Args:
        exempt: Declarations by criterion.
        fixed: Criterion and level of rows and checks that can't be declared away.
    """
    hits = dict.fromkeys((c, level) for c, level in fixed if c in exempt)
    return tuple(f"{c} L{level} can't be declared not applicable; it counts" for c, level in hits)


def _owner(item: str, ladders: Collection[str]) -> bool:
    """Whether some ladder is what stands before one of the item's colons (a check's own id has colons too)."""
    end = item.find(":")
    while end != -1:
        if item[:end] in ladders:
            return True
        end = item.find(":", end + 1)
    return False

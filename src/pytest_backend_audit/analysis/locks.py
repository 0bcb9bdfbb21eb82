"""Who waits on a lock, for how long, and for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.analysis.text import listed


@dataclass(frozen=True, slots=True)
class Wait:
    """One session that waits."""

    item: str
    """What names it in audit.yaml: the lock's kind, and the table or else who waits: ``advisory:worker``."""
    said: str

    def __str__(self) -> str:
        return self.said


def waits(rows: Iterable[Any], at_least: float) -> list[Wait]:
    """Sessions that have waited for so long, the longest first.

    Args:
        rows: With ``pid``, ``role``, ``application``, ``kind`` (of lock), ``relation`` or None, ``seconds``,
            ``statement`` without literals, and ``holders``, texts for those who are in the way.
        at_least: Seconds.
    """
    return [_wait(row) for row in rows if row.seconds >= at_least]


def _wait(row: Any) -> Wait:
    who = row.application or row.role
    what = f"{row.kind} lock" + (f" on {row.relation}" if row.relation else "")
    held = f"held by {listed(row.holders, 3)}" if row.holders else "whose holder has just gone"
    said = f"pid {row.pid} ({who}) has waited {row.seconds:.1f} s for a {what}, {held}: {row.statement}"
    return Wait(f"{row.kind}:{row.relation or who}", said)

"""Telling other plugins what becomes of findings, outside of pytest."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import State, Tracked
    from pytest_backend_audit.ledger.events import Event

HOOK = "pytest_audit_finding_event"


def tell(events: Sequence[Event], after: State) -> None:
    """Call the hook of every installed plugin of pytest for each event. An error of theirs is told, and costs nothing.

    Plugins are found as pytest finds them, by the entry points ``pytest11``; conftest files are not read.

    Args:
        events: Of findings, as they were written.
        after: The ledger, with them.
    """
    import pytest  # noqa: PLC0415 - heavy

    from pytest_backend_audit import hookspecs  # noqa: PLC0415 - heavy
    from pytest_backend_audit.hooks import failure  # noqa: PLC0415 - heavy

    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    try:
        manager.load_setuptools_entrypoints("pytest11")
    except Exception as error:  # noqa: BLE001 - somebody else's code
        sys.stderr.write(f"backend-audit: plugins were not told: {failure(HOOK, error)}\n")
        return
    hook = getattr(manager.hook, HOOK)
    for event, finding in _told(events, after) if hook.get_hookimpls() else ():
        try:
            hook(event=event, finding=finding)
        except Exception as error:  # noqa: BLE001 - somebody else's code
            sys.stderr.write(f"backend-audit: {failure(HOOK, error)}\n")
            return


def _told(events: Sequence[Event], after: State) -> Iterator[tuple[Event, Tracked | None]]:
    """Each event with its finding; one about an environment with each of the findings that it changed."""
    for event in events:
        mark = getattr(event, "fingerprint", None)
        if mark is not None:
            yield event, after.of(mark)
        else:
            yield from ((event, t) for t in after.findings if any(e is event or e == event for _, e in t.history))

"""Telling other plugins what an audit found. An error of theirs costs neither the record nor the card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_backend_audit.hooks import failure

if TYPE_CHECKING:
    import pytest

    from pytest_backend_audit.redaction import Redactor


class Telling:
    """Calls hooks whose answer nobody waits for, and keeps what went wrong in them."""

    def __init__(self, config: pytest.Config, redactor: Redactor) -> None:
        """Tell the plugins of this configuration."""
        self._config = config
        self._redactor = redactor
        self._failed: list[str] = []

    def heard_by_anybody(self, hook: str) -> bool:
        """Whether some plugin implements the hook."""
        return bool(getattr(self._config.hook, hook).get_hookimpls())

    def tell(self, hook: str, **arguments: object) -> None:
        """Call a hook."""
        try:
            getattr(self._config.hook, hook)(**arguments)
        except Exception as error:  # noqa: BLE001 - somebody else's code
            said = self._redactor.redact(failure(hook, error))
            if said not in self._failed:
                self._failed.append(said)

    def take(self) -> tuple[str, ...]:
        """What went wrong since the last time, one line each, without secrets."""
        failed = tuple(self._failed)
        self._failed.clear()
        return failed

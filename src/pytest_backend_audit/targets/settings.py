"""Thresholds: from the standard, or from audit.yaml, each with its origin and its direction."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pytest_backend_audit.standard.model import Stricter

if TYPE_CHECKING:
    from pytest_backend_audit.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Threshold:
    """One setting. As text it says its value, unit and origin: ``0.99 (standard)``, ``yes (audit.yaml:9)``."""

    name: str
    value: float | int | str | bool
    unit: str
    stricter: Stricter
    """Which way it is stricter."""
    origin: str
    """``standard``, or ``audit.yaml:LINE``."""
    meaning: str = ""

    @property
    def number(self) -> float:
        """The value as a number.

        Raises:
            ValueError: It is none.
        """
        return float(self.value)

    def __str__(self) -> str:
        if isinstance(self.value, bool):
            return f"{'yes' if self.value else 'no'} ({self.origin})"
        shown = f"{self.value:g}" if isinstance(self.value, float) else str(self.value)
        unit = "" if self.unit in {"", "ratio", "factor"} else f" {self.unit}"
        return f"{shown}{unit} ({self.origin})"


class Settings:
    """Reads thresholds: ``audit_settings.value("cache-hit-ratio")``."""

    def __init__(self, runtime: Runtime) -> None:
        self._config = runtime.config
        self._known = runtime.standard.settings()

    def value(self, name: str) -> Threshold:
        """A setting as it holds in this audit.

        Args:
            name: Its name in the standard.

        Raises:
            LookupError: The standard has no such setting.
        """
        setting = self._known.get(name)
        if setting is None:
            near = get_close_matches(name, self._known, 1)
            raise LookupError(
                f"the standard has no setting {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
        stated = self._config.threshold(name) if self._config is not None else None
        value, origin = stated if stated is not None else (setting.default, "standard")
        return Threshold(name, value, setting.unit, setting.stricter, origin, setting.meaning)

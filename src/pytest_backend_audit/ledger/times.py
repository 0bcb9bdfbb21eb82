"""When the runs of a card were made. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ran:
    """One of the runs that a card was made from."""

    environment: str
    instant: str
    checks: frozenset[str]
    """Ids of those that it ran."""
    kind: str = ""
    """Of the environment."""


class Times:
    """When the runs of a card were made, by environment and check; all of them at once where it is no merge."""

    def __init__(self, instant: str, runs: Sequence[Ran]) -> None:
        self._instant = instant
        self._runs = runs if len({run.instant for run in runs}) > 1 else ()

    def told(self) -> dict[str, str]:
        """Environment -> instant of its latest run, where they differ."""
        return {run.environment: run.instant for run in sorted(self._runs, key=lambda run: run.instant)}

    def of(self, environment: str, check: str) -> list[str]:
        """Instants of the runs there that ran a check, else of all of them there, the earliest first; never empty.

        A sighting is as late as the last of them, and that something is away only as late as the first.
        """
        here = [run for run in self._runs if run.environment == environment]
        tried = [run for run in here if check in run.checks] or here
        return sorted(run.instant for run in tried) or [self._instant]

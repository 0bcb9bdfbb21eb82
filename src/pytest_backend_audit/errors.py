"""The exceptions of this package, in one tree.

::

    pytest.skip.Exception
      CouldNotRun          a check could not look: no server, no right, no tool, no traffic, not allowed
    AuditUsageError        pytest's own UsageError: what the user asked for makes no sense; one message, exit status 4
    ValueError
      AuditError           base of what can be wrong with files that we read
        ConfigError        audit.yaml, with every problem at once
        StandardError      a standard's data, likewise
        JournalError       a run folder's journal or evidence
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.outcomes import Skipped
else:
    # The public name of the same class; type checkers can't take it as a base.
    Skipped = pytest.skip.Exception


class CouldNotRun(Skipped):
    """Raise it in a check, or in a fixture of a check, when the question could not be asked.

    The check's criterion is then capped at L2, and the message stands on the card as the reason. Say what is missing
    and how to provide it.
    """


AuditUsageError = pytest.UsageError
"""What was asked for makes no sense: pytest prints the message as ``ERROR: ...`` and exits with 4."""


def text_of(error: BaseException) -> str:
    """What an exception says; of one that can't say anything, what Python's own tracebacks show of it."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - somebody else's code, which must not cost the record of a run
        return "<exception str() failed>"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file, in the form that editors jump to."""

    path: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class AuditError(ValueError):
    """Something is wrong with a file that we read; `problems` names each place."""

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        self.problems: tuple[Problem, ...] = () if isinstance(problems, str) else tuple(problems)
        super().__init__(problems if isinstance(problems, str) else "\n".join(str(p) for p in self.problems))


class ConfigError(AuditError):
    """audit.yaml can't be used."""


class StandardError(AuditError):
    """A standard's data can't be used."""


class NoSuchStandardError(StandardError):
    """A standard is named that isn't there, by no known name and by no path."""


class JournalError(AuditError):
    """A run folder can't be read: not one, another version, torn or altered."""

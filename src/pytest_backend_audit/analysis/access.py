"""Whether operations let callers in who should stay out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

REFUSED = frozenset({401, 403})
OPEN = frozenset(range(200, 400))
"""Statuses of a door that opens; anything else may refuse everybody for reasons of its own."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1) and that an audit may always send."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one operation answered."""

    operation: str
    status: int

    @property
    def refused(self) -> bool:
        """Whether the caller was turned away for want of credentials."""
        return self.status in REFUSED

    def __str__(self) -> str:
        return f"{self.operation} answered {self.status}"


NOBODYS = "0"
"""An id that nothing has: numbers of rows begin at 1, and it is no UUID and no name."""


def nobodys(path: str) -> str:
    """The path template with an id that nothing has in the place of every parameter."""
    return re.sub(r"\{[^}]*\}", NOBODYS, path)


def opened(answers: Sequence[Answer]) -> list[Answer]:
    """Answers to a caller without credentials that are no refusal.

    Anything else than 401 and 403 says that the request got past the door: 404 and 422 too, which tell a stranger what
    exists and what is valid.
    """
    return [answer for answer in answers if not answer.refused]

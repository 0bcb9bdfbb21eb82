"""A literal `audit_postgres`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.testing.running import StandIn, recorder


class _LiteralCursor:
    def __init__(self, found: Sequence[tuple[Any, ...]]) -> None:
        self._left = list(found)
        self.rowcount = len(found)

    def fetchall(self) -> list[tuple[Any, ...]]:
        left, self._left = self._left, []
        return left

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._left.pop(0) if self._left else None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())


class LiteralPostgres(StandIn):
    """Stands in for `audit_postgres`: answers each statement with the rows it was made with, and records that.

    Args:
        answers: A part of a statement -> rows; the first part found in the statement counts.
        otherwise: Rows for any other statement; None makes it an error.
    """

    def __init__(
        self,
        answers: Mapping[str, Sequence[tuple[Any, ...]]] | None = None,
        otherwise: Sequence[tuple[Any, ...]] | None = None,
    ) -> None:
        self.recorder = recorder()
        self._answers = dict(answers or {})
        self._otherwise = otherwise

    def execute(self, query: str, params: Any = None, **_options: Any) -> _LiteralCursor:  # noqa: ARG002 - psycopg's signature
        """The rows for this statement.

        Raises:
            LookupError: None were given for it.
        """
        found = next((r for part, r in self._answers.items() if part in query), self._otherwise)
        if found is None:
            raise LookupError(f"no literal rows for the statement {query!r}")
        body = "\n".join(" | ".join(str(v) for v in row) for row in found)
        self.recorder.record(EvidenceKind.OUTPUT, query, body, target="literal", facts={"rows": len(found)})
        return _LiteralCursor(found)


def rows(*found: tuple[Any, ...]) -> LiteralPostgres:
    """A stand-in for `audit_postgres` that answers every statement with these rows."""
    return LiteralPostgres(otherwise=found)

"""For authors of checks: run a check on literal evidence, without a server and without pytest around it.

::

    from pytest_backend_audit.testing import literal_settings, rows, run_check

    def test_a_bare_foreign_key_is_named():
        ran = run_check(test_every_foreign_key_leads_an_index, audit_postgres=rows(("public.orders.customer_id",)))
        assert ran.status == "failed"
        assert "public.orders.customer_id" in ran.reason
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_backend_audit.model import Check, Document, Evidence, EvidenceKind, Need, Status
from pytest_backend_audit.recorder import Recorder
from pytest_backend_audit.redaction import Redactor
from pytest_backend_audit.runtime import Runtime
from pytest_backend_audit.targets.classify import classify

__all__ = ["LiteralPostgres", "Ran", "recorder", "rows", "run_check", "runtime_for"]

INSTANT = "2026-01-15T12:00:00.000Z"
"""The instant of the audit that `runtime_for` pretends."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a check ended on the evidence that it was given."""

    status: Status
    reason: str
    evidence: tuple[Evidence, ...]
    acknowledged: tuple[str, ...]
    notes: tuple[str, ...]


def run_check(function: Callable[..., object], /, *, on: Recorder | None = None, **fixtures: Any) -> Ran:
    """Run a check with literal values in place of its fixtures.

    Args:
        function: The check, as it stands in its module.
        on: The recorder that the stand-ins record into, where they record.
        fixtures: A value for each of its arguments.

    Raises:
        TypeError: An argument has no value, or a value no argument.
    """
    wanted = set(inspect.signature(function).parameters)
    if wanted != set(fixtures):
        missing, unknown = sorted(wanted - set(fixtures)), sorted(set(fixtures) - wanted)
        raise TypeError(
            f"{function.__name__}: no value for {missing or 'nothing'}, no argument for {unknown or 'nothing'}"
        )
    used = on or next((f.recorder for f in fixtures.values() if isinstance(f, LiteralPostgres)), None) or recorder()
    status, reason = Status.PASSED, ""
    with used.open() as buffer:
        try:
            function(**fixtures)
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            status, reason = classify(error, used)
    return Ran(status, reason, tuple(buffer.evidence), tuple(buffer.acknowledged), tuple(buffer.notes))


def recorder() -> Recorder:
    """A recorder with a clock that stands still."""
    return Recorder(Redactor().redact, clock=lambda: INSTANT)


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


class LiteralPostgres:
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


def runtime_for(
    config: str | None = None,
    *,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    check: Check | None = None,
    allowed: frozenset[Need] = frozenset(),
    commit: str = "",
) -> Runtime:
    """An audit's surroundings, for tests of fixtures and targets.

    Args:
        config: Text of an audit.yaml; None for none.
        folder: Where it is written, and the audited repository.
        environ: Variables that it refers to.
        check: The check that is running.
        allowed: Needs that are allowed.
        commit: The audited commit.

    Raises:
        ConfigError: The text is not a valid audit.yaml.
    """
    from pytest_backend_audit import config as configuration  # noqa: PLC0415 - pydantic loads with it
    from pytest_backend_audit import standard  # noqa: PLC0415 - the standard's data loads with it

    loaded = None
    if config is not None:
        path = folder / "audit.yaml"
        path.write_text(config, encoding="utf-8")
        loaded = configuration.load(path, environ=dict(environ or {}), formal=False)
    redactor = Redactor.for_config(loaded)
    return Runtime(
        recorder=Recorder(redactor.redact, clock=lambda: INSTANT),
        redactor=redactor,
        standard=standard.load("default"),
        standard_loaded=loaded is not None,
        config=loaded,
        repository=folder,
        commit=commit,
        instant=INSTANT,
        document=Document(),
        allowed=allowed,
        run_key=b"k" * 32,
        check=check,
    )

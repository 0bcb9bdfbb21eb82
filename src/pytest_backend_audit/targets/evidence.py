"""Evidence by hand, for what no fixture of ours can see; and the read-only view of the run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.recorder import KEPT
from pytest_backend_audit.redaction.forms import MARK
from pytest_backend_audit.redaction.patterns import names_secret
from pytest_backend_audit.targets.rows import Shape, table
from pytest_backend_audit.targets.source import Source

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_backend_audit.model import Document
    from pytest_backend_audit.runtime import Runtime


class ByHand:
    """Records what a check saw by its own means. Texts are redacted like all others."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._record = runtime.recorder.record

    def command(self, command: str, output: str, exit_code: int = 0) -> None:
        """A command line with its output."""
        self._record(EvidenceKind.OUTPUT, command, output, facts={"exit_code": exit_code})

    def query(self, statement: str, rows: Iterable[Sequence[Any] | Mapping[str, Any]]) -> None:
        """A query with its rows."""
        found = [_shown(r) if isinstance(r, Mapping) else tuple(r) for r in rows]
        body = table(Shape((), len(found)), [[None if v is None else str(v) for v in r] for r in found])
        self._record(EvidenceKind.OUTPUT, statement, body.lstrip("\n"), facts={"rows": len(found)})

    def dashboard(self, image_or_url: str, taken_at: str, commit: str) -> None:
        """A picture of a dashboard, or a link to it.

        Args:
            image_or_url: Path in the tree, or URL.
            taken_at: When, RFC 3339: ``2026-03-01T12:00:00Z``.
            commit: The commit that it is filtered to.

        Raises:
            ValueError: `taken_at` is no instant with its zone, or `commit` is not the audited one.
        """
        instant = datetime.fromisoformat(taken_at)
        if instant.tzinfo is None:
            raise ValueError(f"taken_at {taken_at!r} has no zone: write 2026-03-01T12:00:00Z")
        audited = self._runtime.commit
        if audited and (len(commit) < 7 or not audited.startswith(commit.lower())):
            raise ValueError(f"the dashboard is filtered to {commit!r}, the audited commit is {audited[:12]}")
        self._record(EvidenceKind.DASHBOARD, image_or_url, "not fetched", taken_at=taken_at, facts={"commit": commit})

    def postmortem(self, reference: str, date: str, shows: str) -> None:
        """A postmortem.

        Args:
            reference: Where it is.
            date: Day of the incident, ``YYYY-MM-DD``.
            shows: What it shows about the criterion.

        Raises:
            ValueError: `date` is no day.
        """
        _day(date)
        self._record(EvidenceKind.POSTMORTEM, reference, shows, facts={"date": date})

    def load(self, method: str, result: str) -> None:
        """The result of a load or chaos test, with its method."""
        self._record(EvidenceKind.LOAD, method, result)

    def code(self, reference: str) -> None:
        """A line of the tree: ``path/file.py:123``.

        Raises:
            ValueError: It is not of that form.
            FileNotFoundError: The audited commit has no such file.
            IndexError: The file has no such line.
        """
        path, _, line = reference.rpartition(":")
        if not path or not line.isdigit():
            raise ValueError(f"{reference!r} is no code reference: write path/file.py:123")
        Source(self._runtime).reference(path, int(line))

    def document(self, reference: str, title: str) -> None:
        """A runbook or design document: a path in the tree, or an URL.

        Raises:
            FileNotFoundError: A path that the audited commit doesn't have.
        """
        label = "not fetched"
        if "://" not in reference:
            source = Source(self._runtime)
            if not source.exists(reference.partition("#")[0]):
                raise FileNotFoundError(f"{reference} does not exist at {source.commit[:7]}")
            label = f"exists at {source.commit[:7]}"
        self._record(EvidenceKind.DOCUMENT, reference, f"{title}\n{label}")

    def keep(self, name: str, value: Any) -> None:
        """A measured value that the next audit of this check finds in ``audit_baseline.kept[name]``.

        Args:
            name: Of the value; what is kept under the same name later in the check takes its place.
            value: What JSON has a form for. With 64 KiB of JSON or more, or a secret in it, it is lost.

        Raises:
            TypeError: It holds something that JSON has no form for.
            ValueError: It holds a NaN or an infinity.
        """
        body = json.dumps(value, allow_nan=False, ensure_ascii=False)
        self._record(EvidenceKind.OUTPUT, name, body, facts={KEPT: True})

    def verbal(self, statement: str, who: str | None = None) -> None:
        """What somebody said. Alone it carries a criterion to level 2 at most."""
        self._record(EvidenceKind.VERBAL, statement, f"by {who}" if who else "", facts={"who": who})


@dataclass(frozen=True, slots=True)
class RunView:
    """The run as a check may know it."""

    document: Document
    commit: str
    """Full SHA; empty in a rehearsal outside git."""
    instant: str
    """Instant of the audit; windows and expiries compare with it, never with now."""
    environment: str
    environment_kind: str
    """prod, stage, canary or local; empty without an audit.yaml."""
    repository: Path
    allowed: frozenset[str]

    @property
    def today(self) -> date:
        """Day of the audit, UTC."""
        return date.fromisoformat(self.instant[:10])


def run_view(runtime: Runtime) -> RunView:
    """What `audit_run` hands out."""
    config = runtime.config
    return RunView(
        document=runtime.document,
        commit=runtime.commit,
        instant=runtime.instant,
        environment=config.environment_name if config is not None else "",
        environment_kind=config.environment_kind if config is not None else "",
        repository=runtime.repository,
        allowed=frozenset(str(n) for n in runtime.allowed),
    )


def _shown(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The row's values; those in a column of a secret's name are hidden, where they are texts."""
    return tuple(MARK if isinstance(v, str) and v and names_secret(str(name)) else v for name, v in row.items())


def _day(text: str) -> date:
    return date.fromisoformat(text)

"""What fixtures and targets need to know of the audit they run in. One object a process, reached by `runtime()`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_backend_audit.baseline import Baselines
    from pytest_backend_audit.config import AuditConfig
    from pytest_backend_audit.model import Check, Document, Need
    from pytest_backend_audit.recorder import Recorder
    from pytest_backend_audit.redaction import Redactor
    from pytest_backend_audit.standard.model import Standard


@dataclass(slots=True)
class Runtime:
    """One process's view of the audit: the controller's, or a worker's."""

    recorder: Recorder
    redactor: Redactor
    standard: Standard
    standard_loaded: bool
    config: AuditConfig | None
    """None when there is no audit.yaml."""
    repository: Path
    """Top of the audited repository; rootdir where there is no git."""
    commit: str
    """Full SHA; empty in a rehearsal outside git."""
    instant: str
    """Instant of the audit, RFC 3339 in UTC."""
    document: Document
    allowed: frozenset[Need]
    run_key: bytes
    """Random, a run: keys the digests that stand in for personal data."""
    checks: tuple[Check, ...] = ()
    """Those of the function whose set-up, call or teardown is running in this process: one for each of its marks."""
    baselines: Baselines | None = None
    """What the prior audit recorded; None outside of an audit's own processes, as in tests of a check."""
    opened: dict[str, tuple[float, dict[str, float]]] = field(default_factory=dict)
    """First readings of windows that checks to come close; they hold as long as bundled ones of that phase run."""
    closers: list[object] = field(default_factory=list)
    """Things with a ``close()`` that live as long as the process's part of the run."""

    @property
    def check(self) -> Check | None:
        """The first of them: what they record is the same."""
        return self.checks[0] if self.checks else None

    @property
    def needs(self) -> frozenset[Need]:
        """What any of them asks for."""
        return frozenset(need for check in self.checks for need in check.needs)

    def not_allowed(self, need: Need) -> str:
        """Why checks may not do something, and the way out; empty if they may."""
        if need in self.allowed:
            return ""
        config = self.config
        if config is not None and config.environment_kind in {"prod", "canary"} and need not in config.allow:
            where = config.environment_name or config.environment_kind
            return (
                f"needs {need}, which audit.yaml does not allow in {where}: state allow: [{need}] there, and run with "
                f"--audit-allow={need}"
            )
        return f"needs {need}, which is not allowed: run with --audit-allow={need}"


RUNTIME = pytest.StashKey[Runtime]()


def runtime(config: pytest.Config) -> Runtime:
    """The audit that this pytest process is part of.

    Raises:
        KeyError: No audit is on. Fixtures never see this: tests that ask for one are skipped then.
    """
    return config.stash[RUNTIME]

"""An audit's surroundings without an audit: what audit.yaml gives to a check, from a few lines of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_backend_audit.model import Check, Document, Need
from pytest_backend_audit.recorder import Recorder
from pytest_backend_audit.redaction import Redactor
from pytest_backend_audit.runtime import Runtime
from pytest_backend_audit.targets.acknowledged import Acknowledging
from pytest_backend_audit.targets.declared import Declared
from pytest_backend_audit.targets.settings import Settings
from pytest_backend_audit.testing.running import INSTANT, StandIn

HEAD = "version: 1\nenvironment: local\n"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an audit.yaml gives to a check, for `run_check`."""

    runtime: Runtime

    @property
    def settings(self) -> Settings:
        """For ``audit_settings``."""
        return Settings(self.runtime)

    @property
    def declared(self) -> Declared:
        """For ``audit_declared``."""
        return Declared(self.runtime)

    @property
    def acknowledged(self) -> Acknowledging:
        """For ``audit_acknowledged``: under `run_check` it knows the check's criterion by its mark."""
        return _LiteralAcknowledging(self.runtime)


class _LiteralAcknowledging(Acknowledging, StandIn):
    def begin(self, recorder: Recorder, check: Check | None) -> None:
        self._runtime.recorder = recorder
        self._runtime.checks = (check,) if check is not None else self._runtime.checks


def surroundings(
    more: str = "", *, folder: Path | None = None, environ: Mapping[str, str] | None = None
) -> Surroundings:
    """The real things, as an audit.yaml with these lines makes them, over the default standard.

    ::

        around = surroundings("thresholds: {hit-rate-tuned: 0.9}")
        ran = run_check(test_the_cache_is_tuned, seen=Lookups(8, 2), audit_settings=around.settings)

    Args:
        more: Lines of an audit.yaml, less ``version`` and ``environment``.
        folder: Where it is written; without one, in a folder that is gone when this returns.
        environ: Variables that it refers to.

    Raises:
        ConfigError: The lines are no valid audit.yaml.
    """
    if folder is not None:
        return Surroundings(runtime_for(HEAD + more, folder=folder, environ=environ))
    with TemporaryDirectory(prefix="surroundings-") as passing:
        return Surroundings(runtime_for(HEAD + more, folder=Path(passing), environ=environ))


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
        checks=(check,) if check is not None else (),
    )

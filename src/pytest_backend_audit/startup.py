"""Beginning an audit: options, audit.yaml, standard, commit and targets become a `Runtime` and our hooks."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_backend_audit import __version__, asked, document, genuine, heading, past, returning, standard
from pytest_backend_audit.asked import Setting
from pytest_backend_audit.baseline import Baselines, for_workers
from pytest_backend_audit.collect import Choice, Collected, Collector
from pytest_backend_audit.errors import AuditUsageError, ConfigError, StandardError
from pytest_backend_audit.jsonable import from_builtins, to_builtins
from pytest_backend_audit.model import Check, Document, Inputs, Mode
from pytest_backend_audit.narrowing import by_folder, by_options, hidden_instances, left_out
from pytest_backend_audit.observe import Observer
from pytest_backend_audit.options import runs_nothing
from pytest_backend_audit.plot import Plot
from pytest_backend_audit.priors import joined
from pytest_backend_audit.recorder import Recorder, utc_now
from pytest_backend_audit.redaction import Redactor
from pytest_backend_audit.redaction.values import redact_value
from pytest_backend_audit.reported import with_reported
from pytest_backend_audit.runtime import RUNTIME, Runtime
from pytest_backend_audit.session import SESSION, Session
from pytest_backend_audit.shown import Shown

NO_CONFIG = "there is no audit.yaml, so that no target is known: `backend-audit init` writes one"


def begin(config: pytest.Config) -> None:
    """Start an audit in this process.

    Raises:
        AuditUsageError: Something asked for makes no sense, or the commit can't be pinned.
        ConfigError: audit.yaml can't be used.
    """
    if sys.flags.optimize:
        raise AuditUsageError(
            "Python leaves out assertions (-O, or the variable PYTHONOPTIMIZE): what no test file but a helper of it "
            "asserts could not fail; run the audit without"
        )
    if not config.pluginmanager.has_plugin("skipping"):
        raise AuditUsageError(
            "-p no:skipping takes away what keeps checks from doing more than they are allowed to; leave it out"
        )
    pytest.register_assert_rewrite("pytest_backend_audit.suites")
    config.addinivalue_line("markers", "enable_socket: on bundled checks, for pytest-socket: they reach the service")
    try:
        setting = asked.read(config)
    except (ConfigError, StandardError) as error:
        raise AuditUsageError(str(error)) from None
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None:
        _begin_controller(config, setting)
    else:
        _begin_worker(config, setting, worker)


def _begin_controller(config: pytest.Config, setting: Setting) -> None:
    mode = Mode.FORMAL if config.option.audit_sha else Mode.REHEARSAL
    gate = asked.gate(config, setting, mode)
    folder = asked.report_folder(config)
    config_file = setting.config.path if setting.config else None
    try:
        _refuse_open_faults(folder)
    except OSError as error:
        raise AuditUsageError(_unreadable(folder, error)) from None
    pinned = document.pin(
        setting.repository,
        config.option.audit_sha,
        rootdir=config.rootpath,
        report_dir=folder,
        audit_paths=asked.scope(config, setting),
        config_path=config_file,
        formal=mode is Mode.FORMAL,
        named=setting.config.named_files if setting.config else (),
    )
    if mode is Mode.FORMAL and (told := genuine.replaced_clock()):
        raise AuditUsageError(
            f"{told}, not Python's own: a formal audit needs the true time; stop the clock in a fixture of your tests"
        )
    if mode is Mode.FORMAL:
        asked.held(config, setting)
    instant = utc_now()
    runtime = _runtime(config, setting, pinned.commit, instant, secrets.token_bytes(32))
    redact = runtime.redactor.redact
    try:
        runtime.document = redact_value(heading.document_control(setting, pinned.commit, instant, config), redact)
    except AuditUsageError as error:
        raise AuditUsageError(redact(str(error))) from None
    narrowing = [
        *by_options(config, setting.audit_paths),
        *by_folder(config.rootpath, config_file, setting.audit_paths),
    ]
    if config.option.audit_gate and narrowing:
        raise AuditUsageError(f"--audit-gate needs a whole run, and this one is narrowed: {'; '.join(narrowing)}")
    control = runtime.document
    subject = _subject(config, setting, control)
    try:
        before = past.known(
            folder,
            pinned.commit,
            asked=config.option.audit_prior,
            subject=subject,
            formal=mode is Mode.FORMAL,
        )
    except OSError as error:
        raise AuditUsageError(_unreadable(folder, error)) from None
    earlier, prior = before.earlier, before.prior
    # Where nobody named one, it is the ledger's latest, whose kept values lie beside its card.
    of_ledger = str(setting.repository / before.reference) if before.reference else ""
    compared = str(config.option.audit_prior or of_ledger)
    runtime.baselines = Baselines.at(compared or None, folder)
    runtime.document = replace(control, prior_audit=_prior_audit(control.prior_audit, before.reference))
    policy = setting.policy
    remarks = setting.config.terms.notices if setting.config else (NO_CONFIG,)
    if not runs_nothing(config):
        known = setting.standard if setting.loaded else None
        policy, doubles = with_reported(policy, config, runtime.document.service, known)
        remarks += doubles
    choice = asked.choice(config, setting, mode)

    def inputs(collected: Collected, reasons: tuple[str, ...], number: int) -> Inputs:
        # audit.yaml's gate is for whole runs; one that its user narrowed has none, one that became partial by itself
        # keeps it, so that a module that skips itself opens no gate.
        narrowed = bool(narrowing or collected.narrowing)
        return Inputs(
            plugin_version=__version__,
            mode=mode,
            instant=instant,
            document=runtime.document,
            policy=redact_value(replace(policy, gate=None if narrowed else gate), redact),
            standard=standard.to_data(setting.standard),
            standard_loaded=runtime.standard_loaded,
            plan=_clean(collected.plan.checks, redact),
            selected=collected.selected,
            not_sought=collected.not_sought,
            narrowing=redact_value(reasons, redact),
            left=redact_value(collected.left(), redact),
            hidden=redact_value(hidden_instances(config), redact),
            by_place=collected.plan.by_place,
            scope=asked.scope(config, setting),
            config_path=_config_path(config, setting),
            config_digest=setting.config.digest if setting.config else "",
            config=redact_value(setting.config.raw, redact) if setting.config else {},
            suites=choice.dimensions,
            options={"no_worse": bool(config.option.audit_no_worse), "allow": sorted(runtime.allowed)},
            prior=joined(prior.checks, earlier.checks),
            yet_to_pass=redact_value(before.yet_to_pass, redact),
            prior_levels=prior.levels,
            prior_whole=prior.whole,
            prior_whole_open=prior.whole_open,
            prior_places=prior.places,
            prior_source=prior.source,
            prior_missing=before.missing,
            formerly={subject.environment: subject.formerly} if subject.formerly else {},
            earlier=earlier.lines,
            run_number=number,
            notices=redact_value((*pinned.notices, *before.notices, *remarks, *left_out(collected.hidden)), redact),
            protected=redact_value(setting.protected, redact),
        )

    plot = Plot(
        folder=folder,
        inputs=inputs,
        claim=lambda: document.rotate(folder),
        narrowing=tuple(narrowing),
        gate_asked=bool(config.option.audit_gate),
        gated=gate is not None,
        head=heading.head(config, setting, mode, runtime, earlier=earlier.lines, prior=prior.source),
        at_end=lambda: heading.mismatch(config, setting, pinned.commit),
    )
    session = Session(config, plot, runtime.redactor)
    _add(config, session, SESSION)
    _add(config, Shown(config, runtime.redactor), "backend_audit_shown")
    if config.pluginmanager.has_plugin("dsession") or getattr(config.option, "tx", None):
        _begin_distribution(config, runtime, session, setting, compared)
    _register(config, runtime, choice, raise_problems=True)


def _config_path(config: pytest.Config, setting: Setting) -> str:
    """Which audit.yaml it is, as a filing has it; empty without one."""
    if setting.config is None:
        return ""
    return document.config_name(setting.config.path, setting.repository, config.rootpath)


def _subject(config: pytest.Config, setting: Setting, control: Document) -> past.Subject:
    """What is audited, as the ledger knows it."""
    blocks = (setting.config.file.environments or {}) if setting.config else {}
    block = blocks.get(control.environment)
    return past.Subject(
        repository=setting.repository,
        service=control.service if setting.config else "",
        environment=control.environment,
        kind=control.environment_kind,
        formerly=(block.formerly or "") if block else "",
        named=frozenset(blocks),
        config=_config_path(config, setting),
    )


def _prior_audit(stated: str, filed: str) -> str:
    """The audit before: as audit.yaml states it, else the one that is filed; a `none` was for the first audit only."""
    first = stated.strip().casefold() == "none"
    return filed or stated if first else stated or filed


def _unreadable(folder: Path, error: OSError) -> str:
    return f"the report folder {folder} can't be read: {error.strerror}; give another one with --audit-report=DIR"


def _refuse_open_faults(folder: Path) -> None:
    """No audit starts on a system in which an earlier one has left a fault."""
    if not (folder / "faults.jsonl").exists() and not any(folder.glob("earlier/*/faults.jsonl")):
        return
    from pytest_backend_audit.targets.faults.records import open_below  # noqa: PLC0415 - only where there were faults

    try:
        left = open_below(folder)
    except ValueError as error:
        raise AuditUsageError(str(error)) from None
    if left:
        raise AuditUsageError(
            f"an earlier run left a fault behind: {left[0].what} ({left[0].place}); "
            f"`backend-audit revert {left[0].file.parent}` undoes it"
        )


def _begin_worker(config: pytest.Config, setting: Setting, workerinput: dict[str, Any]) -> None:
    from pytest_backend_audit.distributed.handover import Worker  # noqa: PLC0415 - under xdist only

    told = workerinput["backend_audit"]
    runtime = _runtime(config, setting, told["commit"], told["instant"], bytes.fromhex(told["run_key"]))
    runtime.baselines = Baselines.at(told["prior"] or None, asked.report_folder(config))
    runtime.document = from_builtins(Document, told["document"])
    mode = Mode.FORMAL if config.option.audit_sha else Mode.REHEARSAL
    _register(
        config, runtime, asked.choice(config, setting, mode), worker=workerinput["workerid"], raise_problems=False
    )
    _add(config, Worker(workerinput), "backend_audit_worker")
    # A worker writes to the controller's stderr. What ends it is the controller's affair, hence the other name.
    _add(config, Shown(config, runtime.redactor), "backend_audit_shown_by_worker")


def _begin_distribution(
    config: pytest.Config, runtime: Runtime, session: Session, setting: Setting, prior: str
) -> None:
    from pytest_backend_audit.distributed.controller import Controller  # noqa: PLC0415 - under xdist only

    if config.option.dist == "each":
        raise AuditUsageError("--dist=each runs every check in every worker; an audit runs each once: use -n alone")
    if config.args_source is pytest.Config.ArgsSource.ARGS and not config.option.pyargs:
        # Workers collect, and xdist passes on nothing of what they can't find.
        missing = [a for a in config.args if not (config.invocation_params.dir / a.partition("::")[0]).exists()]
        if missing:
            raise AuditUsageError(f"file or directory not found: {missing[0]}")
    folder = Path(tempfile.mkdtemp(prefix="backend-audit-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    prior = for_workers(prior, asked.report_folder(config), folder / "prior")
    told = {
        "folder": str(folder),
        "commit": runtime.commit,
        "instant": runtime.instant,
        "policy_revision": setting.protected.revision if setting.protected else "",
        "run_key": runtime.run_key.hex(),
        "prior": prior,
        "document": to_builtins(runtime.document),
    }
    _add(config, Controller(folder, told, session), "backend_audit_distribution")


def _add(config: pytest.Config, part: object, name: str) -> None:
    """Register a part of ours; without one of them an audit would be something else."""
    if config.pluginmanager.is_blocked(name):
        raise AuditUsageError(f"-p no:{name} takes away a part of the audit; leave it out, or run without --audit")
    config.pluginmanager.register(part, name)


def _register(
    config: pytest.Config, runtime: Runtime, choice: Choice, *, worker: str = "", raise_problems: bool
) -> None:
    from pytest_backend_audit.fixtures import Fixtures  # noqa: PLC0415 - a plugin of its own

    config.stash[RUNTIME] = runtime
    _add(config, Fixtures.of(config), "backend_audit_fixtures")
    _add(config, genuine, "backend_audit_genuine")
    _add(config, returning, "backend_audit_returning")
    collector = Collector(runtime, choice, raise_problems=raise_problems)
    _add(config, collector, "backend_audit_collector")
    _add(config, collector.uncollected, "backend_audit_uncollected")
    brief = getattr(config.option, "tbstyle", "auto") == "auto"  # nobody asked for more; without a terminal nobody can
    _add(config, Observer(runtime, asked.timeout(config), worker, brief=brief), "backend_audit_observer")
    config.add_cleanup(lambda: _close(runtime))


def _clean(checks: tuple[Check, ...], redact: Callable[[str], str]) -> tuple[Check, ...]:
    """The checks without secrets in what their docstrings say; checks of one file share most of it."""
    pages = {page: redact_value(page, redact) for page in {c.page for c in checks}}
    return tuple(c if (page := pages[c.page]) is c.page else replace(c, page=page) for c in checks)


def _close(runtime: Runtime) -> None:
    while runtime.closers:
        closer: Any = runtime.closers.pop()
        closer.close()


def _runtime(config: pytest.Config, setting: Setting, commit: str, instant: str, run_key: bytes) -> Runtime:
    hook = config.hook.pytest_audit_redact
    redactor = Redactor.for_config(
        setting.config,
        extra=hook if hook.get_hookimpls() else None,
        keys={r.criterion for r in setting.standard.rows},
    )
    return Runtime(
        recorder=Recorder(redactor.redact),
        redactor=redactor,
        standard=setting.standard,
        standard_loaded=setting.loaded,
        config=setting.config,
        repository=setting.repository,
        commit=commit,
        instant=instant,
        document=Document(),
        allowed=asked.allowed_needs(config, setting.config),
        run_key=run_key,
    )

"""Beginning an audit: options, audit.yaml, standard, commit and targets become a `Runtime` and our hooks."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_backend_audit import __version__, build, document, standard
from pytest_backend_audit.collect import Choice, Collected, Collector
from pytest_backend_audit.config import AuditConfig
from pytest_backend_audit.config import load as load_config
from pytest_backend_audit.errors import AuditUsageError, ConfigError, StandardError
from pytest_backend_audit.jsonable import from_builtins, to_builtins
from pytest_backend_audit.model import Document, Inputs, Mode, Need, Policy
from pytest_backend_audit.narrowing import by_options
from pytest_backend_audit.observe import Observer
from pytest_backend_audit.options import DEFAULT_REPORT
from pytest_backend_audit.recorder import Recorder, utc_now
from pytest_backend_audit.redaction import Redactor
from pytest_backend_audit.runtime import RUNTIME, Runtime
from pytest_backend_audit.session import SESSION, Plot, Session
from pytest_backend_audit.standard.model import Standard


@dataclass(frozen=True, slots=True)
class _Setting:
    """What both controller and workers need to begin."""

    config: AuditConfig | None
    standard: Standard
    repository: Path
    audit_paths: tuple[str, ...]
    loaded: bool
    """Whether the standard's rows count."""


def begin(config: pytest.Config) -> None:
    """Start an audit in this process.

    Raises:
        AuditUsageError: Something asked for makes no sense, or the commit can't be pinned.
        ConfigError: audit.yaml can't be used.
    """
    pytest.register_assert_rewrite("pytest_backend_audit.suites")
    try:
        setting = _setting(config)
    except (ConfigError, StandardError) as error:
        raise AuditUsageError(str(error)) from None
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None:
        _begin_controller(config, setting)
    else:
        _begin_worker(config, setting, worker)


def _begin_controller(config: pytest.Config, setting: _Setting) -> None:
    mode = Mode.FORMAL if config.option.audit_sha else Mode.REHEARSAL
    gate = _gate(config, setting, mode)
    folder = _report_folder(config)
    pinned = document.pin(
        setting.repository,
        config.option.audit_sha,
        rootdir=config.rootpath,
        report_dir=folder,
        audit_paths=_scope(config, setting),
        config_path=setting.config.path if setting.config else None,
        formal=mode is Mode.FORMAL,
    )
    instant = utc_now()
    runtime = _runtime(config, setting, pinned.commit, instant, secrets.token_bytes(32))
    runtime.document = _document(setting, pinned.commit, instant, config)
    narrowing = by_options(config, setting.audit_paths)
    if config.option.audit_gate and narrowing:
        raise AuditUsageError(f"--audit-gate needs a whole run, and this one is narrowed: {'; '.join(narrowing)}")
    if not config.option.collectonly:
        earlier = document.earlier(folder, pinned.commit)
        number = document.rotate(folder)
    else:
        earlier, number = document.Earlier(), 1
    prior = document.load_prior(config.option.audit_prior) if config.option.audit_prior else document.Prior()
    policy = setting.config.policy() if setting.config else Policy()
    choice = _choice(config, setting, mode)

    def inputs(collected: Collected, reasons: tuple[str, ...]) -> Inputs:
        # audit.yaml's gate is for whole runs; one that its user narrowed has none, one that became partial by itself
        # keeps it, so that a module that skips itself opens no gate.
        narrowed = bool(narrowing or collected.narrowing)
        return Inputs(
            plugin_version=__version__,
            mode=mode,
            instant=instant,
            document=runtime.document,
            policy=replace(policy, gate=None if narrowed else gate),
            standard=standard.to_data(setting.standard),
            standard_loaded=runtime.standard_loaded,
            plan=collected.plan.checks,
            selected=collected.selected,
            not_sought=collected.not_sought,
            narrowing=reasons,
            scope=_scope(config, setting),
            config_path=_relative(setting.config.path, config.rootpath) if setting.config else "",
            config_digest=setting.config.digest if setting.config else "",
            config=setting.config.raw if setting.config else {},
            suites=choice.dimensions,
            options={"no_worse": bool(config.option.audit_no_worse), "allow": sorted(runtime.allowed)},
            prior=document.joined(prior.checks, earlier.checks),
            prior_levels=prior.levels,
            prior_source=prior.source,
            earlier=earlier.lines,
            run_number=number,
            notices=pinned.notices,
        )

    plot = Plot(
        folder=folder,
        inputs=inputs,
        narrowing=tuple(narrowing),
        gate_asked=bool(config.option.audit_gate),
        head=_head(config, setting, mode, runtime, earlier.lines, prior.source),
        at_end=lambda: _built(setting, pinned.commit).mismatch,
    )
    session = Session(config, plot, runtime.redactor)
    config.pluginmanager.register(session, SESSION)
    if config.pluginmanager.has_plugin("dsession") or getattr(config.option, "tx", None):
        _begin_distribution(config, runtime, session)
    _register(config, runtime, choice, raise_problems=True)


def _begin_worker(config: pytest.Config, setting: _Setting, workerinput: dict[str, Any]) -> None:
    from pytest_backend_audit.distributed.handover import Worker  # noqa: PLC0415 - under xdist only

    told = workerinput["backend_audit"]
    runtime = _runtime(config, setting, told["commit"], told["instant"], bytes.fromhex(told["run_key"]))
    runtime.document = from_builtins(Document, told["document"])
    mode = Mode.FORMAL if config.option.audit_sha else Mode.REHEARSAL
    _register(config, runtime, _choice(config, setting, mode), worker=workerinput["workerid"], raise_problems=False)
    config.pluginmanager.register(Worker(workerinput), "backend_audit_worker")


def _begin_distribution(config: pytest.Config, runtime: Runtime, session: Session) -> None:
    from pytest_backend_audit.distributed.controller import Controller  # noqa: PLC0415 - under xdist only

    if config.option.dist == "each":
        raise AuditUsageError("--dist=each runs every check in every worker; an audit runs each once: use -n alone")
    folder = Path(tempfile.mkdtemp(prefix="backend-audit-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    told = {
        "folder": str(folder),
        "commit": runtime.commit,
        "instant": runtime.instant,
        "run_key": runtime.run_key.hex(),
        "document": to_builtins(runtime.document),
    }
    config.pluginmanager.register(Controller(folder, told, session), "backend_audit_distribution")


def _register(
    config: pytest.Config, runtime: Runtime, choice: Choice, *, worker: str = "", raise_problems: bool
) -> None:
    from pytest_backend_audit import fixtures  # noqa: PLC0415 - a plugin of its own

    config.stash[RUNTIME] = runtime
    manager = config.pluginmanager
    manager.register(fixtures, "backend_audit_fixtures")
    manager.register(Collector(runtime, choice, raise_problems=raise_problems), "backend_audit_collector")
    manager.register(Observer(runtime, _timeout(config), worker), "backend_audit_observer")
    config.add_cleanup(lambda: _close(runtime))


def _close(runtime: Runtime) -> None:
    while runtime.closers:
        closer: Any = runtime.closers.pop()
        closer.close()


# What the user asked for


def _setting(config: pytest.Config) -> _Setting:
    top = document.find_repository(config.rootpath)
    path = _config_path(config, top)
    audit_paths = tuple(config.getini("audit_paths"))
    if audit_paths and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(config.rootpath / p) for p in audit_paths]
    default = standard.load("default")
    if path is None:
        return _Setting(None, default, top or config.rootpath, audit_paths, loaded=False)
    names = {k: v for more in config.hook.pytest_audit_standards() for k, v in more.items()}
    found: list[Standard] = []

    def find(key: str) -> Standard | None:
        if key == "none":
            return None
        found.append(default if key == "default" else standard.load(key, names=names))
        return found[-1]

    audit = load_config(
        path,
        environment=config.option.audit_env,
        environ=os.environ,
        formal=bool(config.option.audit_sha),
        standard=find,
        registered={name for more in config.hook.pytest_audit_targets() for name in more},
        name=_relative(path, config.rootpath),
    )
    repository = document.find_repository(audit.repository) or audit.repository
    return _Setting(audit, found[0] if found else default, repository, audit_paths, loaded=bool(found))


def _config_path(config: pytest.Config, top: Path | None) -> Path | None:
    given = config.option.audit_config or config.getini("audit_config")
    if given:
        base = config.invocation_params.dir if config.option.audit_config else config.rootpath
        path: Path = base / given
        if not path.is_file():
            raise AuditUsageError(f"--audit-config={given}: there is no such file; `backend-audit init` writes one")
        return path
    for folder in (config.rootpath, top):
        if folder is not None and (folder / "audit.yaml").is_file():
            return folder / "audit.yaml"
    return None


def _gate(config: pytest.Config, setting: _Setting, mode: Mode) -> str | None:
    asked = config.option.audit_gate
    if asked is None:
        in_file = setting.config.gate if setting.config else None
        return in_file if mode is Mode.FORMAL else None
    matrix = {d.id: d for d in setting.standard.dispositions}
    allowed = ", ".join(d.id for d in matrix.values() if not d.needs_sign_off and d.floor is not None)
    if asked not in matrix:
        raise AuditUsageError(f"--audit-gate={asked}: unknown disposition; allowed are {allowed}")
    chosen = matrix[asked]
    if chosen.needs_sign_off:
        raise AuditUsageError(
            f"--audit-gate={asked} needs a second reviewer's sign-off, which a run can't have: "
            f"run, sign, then `backend-audit gate {config.option.audit_report or DEFAULT_REPORT} --min {asked}`"
        )
    if chosen.floor is None:
        raise AuditUsageError(f"--audit-gate={asked} can't fail; allowed are {allowed}")
    if mode is Mode.REHEARSAL:
        raise AuditUsageError("--audit-gate needs a formal audit: give --audit-sha=HEAD instead of --audit")
    if setting.config is None:
        raise AuditUsageError("--audit-gate needs an audit.yaml; `backend-audit init` writes one")
    if config.option.collectonly:
        raise AuditUsageError("--audit-gate with --collect-only: nothing would run")
    return str(asked)


def _choice(config: pytest.Config, setting: _Setting, mode: Mode) -> Choice:
    known = [d.id for d in setting.standard.dimensions]
    asked = config.option.audit_suite
    in_file = setting.config.suites if setting.config else "none"
    if asked is not None:
        suites = _dimensions(asked, known, "--audit-suite")
    elif mode is Mode.REHEARSAL and config.args_source is pytest.Config.ArgsSource.ARGS:
        suites = ()
    else:
        suites = _in_file(in_file, known)
    only = tuple(d for given in config.option.audit_dimension for d in _dimensions(given, known, "--audit-dimension"))
    policy = setting.config.policy() if setting.config else Policy()
    roots = [Path(p) for paths in config.hook.pytest_audit_suites() for p in paths]
    return Choice(
        dimensions=suites,
        only=only,
        extra_roots=tuple(roots) if suites else (),
        leave_out=frozenset(policy.leave_out),
        sought=dict(policy.sought),
        declared=tuple(setting.config.criteria) if setting.config else (),
    )


def _in_file(suites: str | tuple[str, ...], known: Sequence[str]) -> tuple[str, ...]:
    if isinstance(suites, str):
        return tuple(known) if suites == "all" else ()
    return suites


def _dimensions(text: str, known: Sequence[str], option: str) -> tuple[str, ...]:
    if option == "--audit-suite" and text in {"all", "none"}:
        return tuple(known) if text == "all" else ()
    names = tuple(n.strip() for n in text.split(",") if n.strip())
    for name in names:
        if name not in known:
            allowed = ", ".join([*(["all", "none"] if option == "--audit-suite" else []), *known])
            raise AuditUsageError(f"{option}={text}: no dimension {name!r}; allowed are {allowed}")
    return names


def allowed_needs(config: pytest.Config, audit_config: AuditConfig | None) -> frozenset[Need]:
    """Needs allowed on the command line itself (never by addopts), and in prod and canary by audit.yaml as well."""
    given: set[str] = set()
    arguments = [str(a) for a in config.invocation_params.args]
    for n, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--audit-allow":
            text = value if equals else "".join(arguments[n + 1 : n + 2])
            given.update(part.strip() for part in text.split(",") if part.strip())
    unknown = sorted(given.difference(Need))
    if unknown:
        raise AuditUsageError(f"--audit-allow: unknown {unknown[0]!r}; allowed are {', '.join(Need)}")
    if config.option.audit_allow and not given:
        raise AuditUsageError("--audit-allow counts on the command line only; take it out of addopts")
    needs = {Need(g) for g in given}
    if audit_config is not None and audit_config.environment_kind in {"prod", "canary"}:
        needs &= {Need(a) for a in audit_config.allow}
    return frozenset(needs)


def _runtime(config: pytest.Config, setting: _Setting, commit: str, instant: str, run_key: bytes) -> Runtime:
    redactor = Redactor.for_config(setting.config, extra=config.hook.pytest_audit_redact)
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
        allowed=allowed_needs(config, setting.config),
        run_key=run_key,
    )


def _built(setting: _Setting, commit: str) -> build.Build:
    config = setting.config
    if config is None or config.build is None:
        return build.Build(trouble="audit.yaml names no build")
    if not commit:
        return build.Build(trouble="no commit to compare with")
    http = config.target("http")
    return build.ask(http.base_url if http else "", config.build.url, config.build.pointer, config.build.samples, commit)


def _document(setting: _Setting, commit: str, instant: str, config: pytest.Config) -> Document:
    audit = setting.config
    told = config.hook.pytest_audit_build(config=config)
    if told is not None:
        if commit and not document.build_matches(told, commit):
            raise AuditUsageError(f"pytest_audit_build says {told!r}, the audited commit is {commit}")
        said = str(told)
    else:
        answer = build.Build(trouble="not asked") if config.option.collectonly else _built(setting, commit)
        if answer.mismatch and config.option.audit_sha:
            raise AuditUsageError(f"{answer.mismatch}: deploy that commit, or audit the one that runs")
        said = answer.mismatch or answer.said()
    if audit is None:
        return Document(service=setting.repository.name, commit=commit, build=said, audited_at=instant)
    return Document(
        service=audit.service,
        environment=audit.environment_name,
        environment_kind=audit.environment_kind,
        commit=commit,
        build=said,
        audited_at=instant,
        lead_auditor=audit.lead_auditor,
        second_reviewer=audit.second_reviewer,
        prior_audit=audit.prior_audit,
        distribution=audit.distribution,
        runbook=audit.runbook,
    )


def _head(
    config: pytest.Config,
    setting: _Setting,
    mode: Mode,
    runtime: Runtime,
    earlier: Sequence[str],
    prior: str,
) -> tuple[str, ...]:
    told = runtime.document
    where = _relative(setting.config.path, config.rootpath) if setting.config else "none: own criteria"
    lines = [
        f"audit: {mode} of {told.service} at {told.commit[:12] or 'no commit'}"
        + (f", {told.environment} ({told.environment_kind})" if told.environment else ""),
        f"audit: config {where}; scope {', '.join(_scope(config, setting))}; build {told.build}",
    ]
    if runtime.allowed:
        lines.append(f"audit: allowed {', '.join(sorted(runtime.allowed))}")
    if prior:
        lines.append(f"audit: compared with {prior}")
    lines.extend(f"audit: earlier {line}" for line in earlier)
    if config.option.capture == "no" or config.option.usepdb or config.getini("log_cli") or config.option.log_cli_level:
        lines.append("audit: -s, --pdb or live logs: what tests print goes past the redaction")
    return tuple(runtime.redactor.redact(line) for line in lines)


def _scope(config: pytest.Config, setting: _Setting) -> tuple[str, ...]:
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        return tuple(config.args)
    return setting.audit_paths or tuple(config.getini("testpaths")) or (".",)


def _report_folder(config: pytest.Config) -> Path:
    return (config.invocation_params.dir if config.option.audit_report else config.rootpath) / (
        config.option.audit_report or DEFAULT_REPORT
    )


def _timeout(config: pytest.Config) -> float:
    text = str(config.getini("audit_timeout"))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise AuditUsageError(f"ini value audit_timeout is {text!r}; it is a number of seconds, 0 for no deadline")
    return seconds


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


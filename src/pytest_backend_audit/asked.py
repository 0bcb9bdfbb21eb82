"""What the user asked for: options, ini values and audit.yaml, checked against each other."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_backend_audit import document, standard
from pytest_backend_audit.collect import Choice
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.hooks import asking
from pytest_backend_audit.model import Mode, Need, Policy, Protected
from pytest_backend_audit.options import DEFAULT_REPORT, runs_nothing
from pytest_backend_audit.standard.model import NEEDS_SIGN_OFF, Standard
from pytest_backend_audit.yamlnodes import nearest

if TYPE_CHECKING:
    from pytest_backend_audit.config import AuditConfig
    from pytest_backend_audit.holding import Holding


@dataclass(frozen=True, slots=True)
class Setting:
    """What both controller and workers need to begin."""

    config: AuditConfig | None
    """None without an audit.yaml."""
    standard: Standard
    repository: Path
    audit_paths: tuple[str, ...]
    loaded: bool
    """Whether the standard's rows count."""
    protected: Protected | None = None
    """What audit.yaml is held to; None without ``--audit-policy``."""

    @property
    def policy(self) -> Policy:
        """What counts of the score's rules."""
        return self.config.policy() if self.config else Policy()


def read(config: pytest.Config) -> Setting:
    """Read what both controller and workers need.

    Raises:
        AuditUsageError: A named file is not there.
        ConfigError: audit.yaml can't be used.
        StandardError: The standard that it names can't be used.
    """
    top = document.find_repository(config.rootpath)
    path = _config_path(config, top)
    audit_paths = tuple(config.getini("audit_paths"))
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        # Whatever folder pytest was started in: of itself it would collect from there.
        config.args = [str(config.rootpath / p) for p in _default_scope(config, audit_paths)]
    default = standard.load("default")
    if path is None:
        if config.option.audit_policy is not None:
            from pytest_backend_audit.holding import missing  # noqa: PLC0415 - where there is a protected policy

            raise missing(config.option.audit_policy)
        return Setting(None, default, top or config.rootpath, audit_paths, loaded=False)
    with asking("pytest_audit_standards"):
        names = {k: v for more in config.hook.pytest_audit_standards() for k, v in more.items()}
    with asking("pytest_audit_targets"):
        registered = {name for more in config.hook.pytest_audit_targets() for name in more}
    found: list[Standard] = []
    holding = _holding(config, path, names)

    def named(key: str) -> Standard | None:
        ours = {"default": default, "bundled": standard.edition(default)}
        return None if key == "none" else ours.get(key) or standard.load(key, names=names)

    def find(key: str) -> Standard | None:
        chosen = named(key) if holding is None else holding.choose(key, named)
        found.extend([] if chosen is None else [chosen])
        return chosen

    from pytest_backend_audit.config import load as load_config  # noqa: PLC0415 - its models take a fifth of a second

    audit = load_config(
        path,
        environment=config.option.audit_env,
        environ=os.environ,
        formal=bool(config.option.audit_sha),
        standard=find,
        registered=registered,
        name=relative(path, config.rootpath),
        within=document.find_repository(path.parent),
    )
    protected = None
    if holding is not None:
        audit, protected = holding.apply(audit, found[0] if found else None, default)
    repository = document.find_repository(audit.repository) or audit.repository
    return Setting(
        audit, found[0] if found else default, repository, audit_paths, loaded=bool(found), protected=protected
    )


def _holding(config: pytest.Config, path: Path, names: Mapping[str, Path]) -> Holding | None:
    given = config.option.audit_policy
    if given is None:  # an empty text is a variable that nobody has set, and no leave to do without a policy
        return None
    from pytest_backend_audit.holding import Holding  # noqa: PLC0415 - where there is a protected policy

    # A branch may move on while workers start: all of them read what the controller read.
    told = getattr(config, "workerinput", {}).get("backend_audit", {})
    base = config.invocation_params.dir
    source = document.source(given, path, base=base, revision=told.get("policy_revision", ""))
    return Holding.to(source, names)


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
    if config.option.audit_env:
        raise AuditUsageError(
            f"--audit-env={config.option.audit_env}: there is no audit.yaml in {config.rootpath}, and so no "
            "environment; name it: --audit-config=PATH, or audit_config in pytest's ini file"
        )
    return None


def gate(config: pytest.Config, setting: Setting, mode: Mode) -> str | None:
    """The gate that the run is to be held to; None for none.

    Raises:
        AuditUsageError: It can't be asked of this run.
    """
    asked = config.option.audit_gate
    if asked is None:
        in_file = setting.config.gate if setting.config and mode is Mode.FORMAL else None
        if in_file is not None and runs_nothing(config):
            raise AuditUsageError(
                f"the gate {in_file} of audit.yaml with --collect-only or its like: nothing would run; "
                "list the checks by `backend-audit plan`, or by --audit instead of --audit-sha"
            )
        return in_file
    matrix = {d.id: d for d in setting.standard.dispositions}
    allowed = ", ".join(d.id for d in matrix.values() if not d.needs_sign_off and d.floor is not None)
    if asked not in matrix:
        near = nearest(asked, [d.id for d in matrix.values() if not d.needs_sign_off and d.floor is not None])
        raise AuditUsageError(f"--audit-gate={asked}: unknown disposition; allowed are {allowed}{near}")
    chosen = matrix[asked]
    if chosen.needs_sign_off:
        raise AuditUsageError(f"--audit-gate={asked} {NEEDS_SIGN_OFF}; allowed are {allowed}")
    if chosen.floor is None:
        raise AuditUsageError(f"--audit-gate={asked} can't fail; allowed are {allowed}")
    if mode is Mode.REHEARSAL:
        raise AuditUsageError("--audit-gate needs a formal audit: give --audit-sha=HEAD instead of --audit")
    if setting.config is None:
        raise AuditUsageError("--audit-gate needs an audit.yaml; `backend-audit init` writes one")
    if runs_nothing(config):
        raise AuditUsageError("--audit-gate with --collect-only or its like: nothing would run")
    order = list(matrix)
    # A policy is there to be kept: the command line can ask for more, not for less.
    kept = setting.config.gate if setting.protected is not None else None
    return kept if kept in matrix and order.index(kept) < order.index(asked) else str(asked)


def choice(config: pytest.Config, setting: Setting, mode: Mode) -> Choice:
    """Which bundled suites to add, and what to narrow the run to."""
    known = [d.id for d in setting.standard.dimensions]
    asked = config.option.audit_suite
    in_file = setting.config.suites if setting.config else "none"
    if asked is not None:
        named = _dimensions(asked, known, "--audit-suite")
        # A formal audit always has what audit.yaml asks for: the option adds to it and takes nothing away.
        wanted = _in_file(in_file, known) if mode is Mode.FORMAL else ()
        suites = tuple(d for d in known if d in named or d in wanted)
    elif mode is Mode.REHEARSAL and config.args_source is pytest.Config.ArgsSource.ARGS:
        suites = ()
    else:
        suites = _in_file(in_file, known)
    only = tuple(d for given in config.option.audit_dimension for d in _dimensions(given, known, "--audit-dimension"))
    policy = setting.policy
    with asking("pytest_audit_suites"):
        roots = [Path(p) for paths in config.hook.pytest_audit_suites() for p in paths]
    return Choice(
        dimensions=suites,
        only=only,
        extra_roots=tuple(roots) if suites else (),
        leave_out=frozenset(policy.leave_out),
        inside=homes(config, setting) if mode is Mode.FORMAL else (),
        sought=dict(policy.sought),
        declared=tuple(setting.config.criteria) if setting.config else (),
    )


def homes(config: pytest.Config, setting: Setting) -> tuple[Path, ...]:
    """Folders that a formal audit's files lie in: the audited repository, and that of the checks."""
    checks = document.find_repository(config.rootpath) or config.rootpath
    return tuple(dict.fromkeys((setting.repository.resolve(), checks.resolve())))


def held(config: pytest.Config, setting: Setting) -> None:
    """Hold a formal audit to an ini file that its commit holds.

    Raises:
        AuditUsageError: ``-c`` names one elsewhere.
    """
    path = config.inipath.resolve() if config.inipath is not None else None
    if path is not None and not any(path.is_relative_to(home) for home in homes(config, setting)):
        raise AuditUsageError(
            f"{path} is no part of the audited commit, and it decides what pytest collects; take -c away, or rehearse "
            "with --audit"
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


def scope(config: pytest.Config, setting: Setting) -> tuple[str, ...]:
    """Paths that are collected."""
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        return tuple(config.args)
    return _default_scope(config, setting.audit_paths)


def _default_scope(config: pytest.Config, audit_paths: tuple[str, ...]) -> tuple[str, ...]:
    if audit_paths:
        return audit_paths
    given = config.getini("testpaths")
    # As pytest reads them: a folder, a file, or a pattern of them.
    found = [sorted(glob.iglob(p, root_dir=config.rootpath, recursive=True)) for p in given]  # noqa: PTH207
    return tuple(path for paths in found for path in paths) or (".",)


def report_folder(config: pytest.Config) -> Path:
    """Where the report goes."""
    return (config.invocation_params.dir if config.option.audit_report else config.rootpath) / (
        config.option.audit_report or DEFAULT_REPORT
    )


def timeout(config: pytest.Config) -> float:
    """Deadline of one check, seconds."""
    text = str(config.getini("audit_timeout"))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise AuditUsageError(f"ini value audit_timeout is {text!r}; it is a number of seconds, 0 for no deadline")
    return seconds


def relative(path: Path, root: Path) -> str:
    """A path as it is shown: from `root` where it lies below, else its name."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name

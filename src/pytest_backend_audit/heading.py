"""Document control and the lines that open a run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import pytest

from pytest_backend_audit import build, document
from pytest_backend_audit.asked import Setting, relative, scope
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.hooks import asking
from pytest_backend_audit.model import Document, Mode, Protected
from pytest_backend_audit.options import runs_nothing
from pytest_backend_audit.runtime import Runtime

WIDTH = 80
"""Columns of a terminal that nobody has widened."""


def built(setting: Setting, commit: str) -> build.Build:
    """What the service tells of its build, asked now."""
    config = setting.config
    if config is None or config.build is None:
        return build.Build(trouble="audit.yaml names no build")
    if not commit:
        return build.Build(trouble="no commit to compare with")
    http, asks = config.target("http"), config.build
    return build.ask(http.base_url if http else "", asks.url, asks.pointer, asks.samples, commit)


def mismatch(config: pytest.Config, setting: Setting, commit: str) -> str:
    """Why what runs now is not what was audited, asked at the end; empty if nothing speaks against it."""
    try:
        with asking("pytest_audit_build"):
            told = config.hook.pytest_audit_build(config=config)
    except AuditUsageError as error:
        return str(error)
    if told is None:
        return built(setting, commit).mismatch
    if commit and not document.build_matches(str(told), commit):
        return f"pytest_audit_build says {told!r}, the audited commit is {commit}"
    return ""


def document_control(setting: Setting, commit: str, instant: str, config: pytest.Config) -> Document:
    """The standard's document control.

    Raises:
        AuditUsageError: The service runs another commit than the audited one.
    """
    audit = setting.config
    with asking("pytest_audit_build"):
        told = config.hook.pytest_audit_build(config=config)
    if told is not None:
        if commit and not document.build_matches(str(told), commit):
            raise AuditUsageError(f"pytest_audit_build says {told!r}, the audited commit is {commit}")
        said = str(told)
    else:
        answer = build.Build(trouble="not asked") if runs_nothing(config) else built(setting, commit)
        if answer.mismatch and config.option.audit_sha:
            raise AuditUsageError(f"{answer.mismatch}: deploy that commit, or audit the one that runs")
        said = answer.mismatch or answer.said()
    if audit is None:
        return Document(
            service=setting.repository.name,
            commit=commit,
            build=said,
            audited_at=instant,
            repository=document.origin_url(setting.repository),
        )
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
        repository=document.origin_url(setting.repository),
    )


_GROUPING = frozenset({"loadfile", "loadgroup", "loadscope"})
"""Ways of xdist to keep tests together on one worker."""


def head(
    config: pytest.Config, setting: Setting, mode: Mode, runtime: Runtime, *, earlier: Sequence[str], prior: str
) -> tuple[str, ...]:
    """What is audited, and under which rules."""
    told = runtime.document
    where = relative(setting.config.path, config.rootpath) if setting.config else "none: own criteria"
    lines = [
        f"audit: {mode} of {told.service} at {told.commit[:12] or 'no commit'}"
        + (f", {told.environment} ({told.environment_kind})" if told.environment else ""),
        f"audit: config {where}; scope {', '.join(scope(config, setting))}",
        f"audit: build {told.build}",
    ]
    if setting.protected is not None:
        lines.append(f"audit: policy {_policy(setting.protected)}")
    if runtime.allowed:
        lines.append(f"audit: allowed {', '.join(sorted(runtime.allowed))}")
    if prior:
        lines.append(f"audit: compared with {prior}")
    lines.extend(f"audit: earlier {line}" for line in earlier)
    if past := _past_redaction(config):
        lines.append(f"audit: {', '.join(past)}: what tests print or log there goes past the redaction")
    if (grouping := getattr(config.option, "dist", "no")) in _GROUPING:
        lines.append(f"audit: --dist={grouping} has no effect: an audit gives its checks to workers phase by phase")
    # Redacted first: a line break inside a secret would hide it from the redaction.
    return tuple(part for line in lines for part in wrapped(runtime.redactor.redact(line)))


def _policy(protected: Protected) -> str:
    """Where policy was read from as well, and the keys that differ there."""
    at = f" at {protected.revision[:12]}" if protected.revision else ""
    if not protected.differences:
        return f"{protected.name}{at}: no difference"
    return f"{protected.name}{at}: the stricter counts of {protected.differing}"


def _past_redaction(config: pytest.Config) -> list[str]:
    """Options by which pytest shows or stores what tests print, log or set up, without a report in between."""
    # Each of pytest's parts that has an option can be switched off, and its options and ini values are then unknown.
    known = vars(config.option)
    logs = "log_file" in known
    ways = {
        "-s": known.get("capture") == "no",
        "-p no:capture": "capture" not in known,
        "--capture=tee-sys": known.get("capture") == "tee-sys",
        "--pdb": known.get("usepdb"),
        "--trace": known.get("trace"),
        "--setup-show": known.get("setupshow"),
        "--log-file": logs and (known["log_file"] or config.getini("log_file")),
        "live logs": logs and (config.getini("log_cli") or known["log_cli_level"]),
        "--debug": known.get("debug"),
    }
    return [name for name, given in ways.items() if given]


def wrapped(line: str) -> Iterator[str]:
    """A line in parts that fit a terminal; paths and options stay whole, so that they can be copied."""
    yield from textwrap.wrap(
        line, WIDTH, subsequent_indent=" " * len("audit: "), break_long_words=False, break_on_hyphens=False
    )

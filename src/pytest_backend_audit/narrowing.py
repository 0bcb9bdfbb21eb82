"""Why a run is partial: everything by which a user, wherever it was set, leaves out part of an audit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

COLLECTION_INI = frozenset(
    (
        "addopts",
        "audit_paths",
        "collect_imported_tests",
        "norecursedirs",
        "python_classes",
        "python_files",
        "python_functions",
        "testpaths",
    )
)
"""Ini values that decide what is collected: given with ``-o``, they are not those of the commit."""


def by_options(config: pytest.Config, audit_paths: Sequence[str]) -> list[str]:
    """Narrowing that shows in options and arguments alone.

    Args:
        config: pytest's configuration.
        audit_paths: The ini value, empty where it isn't set.
    """
    reasons: list[str] = []
    option = config.option
    given = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    reasons.extend(f"node id {a.rpartition('/')[2]}" for a in given if "::" in a)
    if audit_paths and given:
        wanted = [(config.rootpath / p).resolve() for p in audit_paths]
        have = [(config.invocation_params.dir / a.partition("::")[0]).resolve() for a in given]
        left = [p for p, full in zip(audit_paths, wanted, strict=True) if not any(full.is_relative_to(h) for h in have)]
        reasons.extend(f"paths leave out {p} of audit_paths" for p in left)
    if getattr(option, "lf", False):
        reasons.append("--lf")
    if getattr(option, "stepwise", False):
        reasons.append("--stepwise")
    if getattr(option, "stepwise_skip", False):
        reasons.append("--stepwise-skip")
    overrides = option.override_ini or ()
    reasons.extend(f"-o {o}" for o in overrides if o.partition("=")[0].strip() in COLLECTION_INI)
    reasons.extend(f"--ignore={_short(p)}" for p in option.ignore or ())
    reasons.extend(f"--ignore-glob={_short(p)}" for p in option.ignore_glob or ())
    return reasons


def by_items(config: pytest.Config, missing: Sequence[str], only: Sequence[str]) -> list[str]:
    """Narrowing that shows once others have deselected.

    Args:
        config: pytest's configuration.
        missing: Node ids of checks that were collected and then deselected by somebody else.
        only: Dimensions of ``--audit-dimension``.
    """
    reasons = [f"--audit-dimension={d}" for d in only]
    if missing:
        how = [
            name
            for name, value in (
                ("-k", config.option.keyword),
                ("-m", config.option.markexpr),
                ("--deselect", config.option.deselect),
            )
            if value
        ]
        reasons.append(taken_away(missing, ", ".join(how)))
    return reasons


def taken_away(missing: Sequence[str], how: str = "") -> str:
    """Narrowing by who takes checks out of those that were collected.

    Args:
        missing: Their node ids, one or more.
        how: Options that do so; empty for a plugin or a conftest.
    """
    return f"{len(missing)} checks deselected by {how or 'a plugin'}, such as {missing[0]}"


def by_collector(nodeid: str, outcome: str) -> str:
    """Narrowing by a collector that failed or skipped itself."""
    verb = "could not be collected" if outcome == "failed" else "skipped itself"
    return f"{nodeid or 'the session'} {verb}"


def _short(path: object) -> str:
    return Path(str(path)).name

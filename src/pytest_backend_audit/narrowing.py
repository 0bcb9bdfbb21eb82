"""Why a run is partial: everything by which a user, wherever it was set, leaves out part of an audit."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from _pytest.pathlib import fnmatch_ex  # pytest's own way with its patterns

from pytest_backend_audit.model import ALL

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

NAMED = 3
"""Hidden files and folders that a notice names."""


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
    if option.noconftest:
        reasons.append("--noconftest")  # one may collect checks
    overrides = option.override_ini or ()
    reasons.extend(f"-o {o}" for o in overrides if o.partition("=")[0].strip() in COLLECTION_INI)
    reasons.extend(f"--ignore={_short(p)}" for p in option.ignore or ())
    reasons.extend(f"--ignore-glob={_short(p)}" for p in option.ignore_glob or ())
    return reasons


def hidden_instances(config: pytest.Config) -> tuple[str, ...]:
    """Functions of which options have single instances collected, by their qualified names; `ALL` if any may be.

    Whoever narrows a run to folders, files or functions keeps no instance of a check from it that it collects; what is
    deselected later is known.
    """
    option = config.option
    if getattr(option, "lf", False) or option.noconftest:  # one may parametrize checks
        return (ALL,)
    given = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    names = (arg.partition("[")[0].partition("::")[2] for arg in given if "[" in arg)
    return tuple(dict.fromkeys(name for name in names if name))


def by_folder(rootdir: Path, config_file: Path | None, audit_paths: Sequence[str]) -> list[str]:
    """Narrowing by where pytest was started: without an ini file on the way up, its rootdir is that very folder.

    An audit.yaml further up is found from there as well, and the checks beside it are not: nobody chose to leave them
    out, and no option shows it. An ini file with audit_paths says where the checks are, so it may lie below.

    Args:
        rootdir: pytest's.
        config_file: The audit.yaml in use, if there is one.
        audit_paths: The ini value, empty where it isn't set.
    """
    if config_file is None or audit_paths:
        return []
    home, here = config_file.parent.resolve(), rootdir.resolve()
    if here == home or not here.is_relative_to(home):
        return []
    below = here.relative_to(home).as_posix()
    return [f"rootdir is {below}, below {config_file.name}: start in that file's folder, or set audit_paths in {below}"]


def by_items(config: pytest.Config, missing: Sequence[str], only: Sequence[str]) -> list[str]:
    """Narrowing that shows once others have deselected.

    Args:
        config: pytest's configuration.
        missing: Node ids of checks that were collected and then deselected by somebody else.
        only: Dimensions of ``--audit-dimension``.
    """
    reasons = [f"--audit-dimension={','.join(only)}"] if only else []
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
    count = "1 check" if len(missing) == 1 else f"{len(missing)} checks"
    return f"{count} deselected by {how or 'a plugin'}, such as {missing[0]}"


def by_collector(nodeid: str, outcome: str) -> str:
    """Narrowing by a collector that failed or skipped itself."""
    verb = "could not be collected" if outcome == "failed" else "skipped itself"
    return f"{nodeid or 'the session'} {verb}"


def by_name(nodeid: str) -> str:
    """Narrowing by what bears our mark and is no test to pytest."""
    return f"{nodeid} is marked, and pytest makes no test of it"


def hidden(path: Path, config: pytest.Config) -> bool:
    """Whether a path that pytest ignores holds tests, and neither options nor ini values say that it is to be ignored.

    What is left is the ``collect_ignore`` of a conftest or a hook, which may go by the environment.
    """
    if path.is_dir():
        usual = path.name == "__pycache__" or (path / "pyvenv.cfg").is_file() or (path / "conda-meta").is_dir()
        return not usual and not _fits(path, config.getini("norecursedirs")) and not _by_option(path, config)
    return _fits(path, config.getini("python_files")) and not _by_option(path, config)


def left_out(paths: Sequence[str]) -> tuple[str, ...]:
    """What is told of files and folders that are hidden; nothing if there are none."""
    if not paths:
        return ()
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    names = ", ".join(paths[:NAMED])
    return (f"a conftest or a plugin leaves out {names}{more} (collect_ignore or pytest_ignore_collect)",)


def withheld(paths: Iterable[Path], config: pytest.Config) -> tuple[str, ...]:
    """Why a run is narrowed by hidden files: those below ``audit_paths``, where nothing but checks is to be.

    Args:
        paths: Of which `hidden` says that they are.
        config: pytest's.
    """
    places = [config.rootpath / given for given in config.getini("audit_paths")]
    found = [p for p in dict.fromkeys(paths) if any(p.is_relative_to(place) for place in places)]
    names = [os.path.relpath(path, config.rootpath) for path in found]
    return tuple(f"a conftest or a plugin leaves out {name} of audit_paths" for name in names)


def _fits(path: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatch_ex(pattern, path) for pattern in patterns)


def _by_option(path: Path, config: pytest.Config) -> bool:
    here = config.invocation_params.dir
    exact = [(here / given).resolve() for given in config.option.ignore or ()]
    globs = [str(here / given) for given in config.option.ignore_glob or ()]
    return path.resolve() in exact or any(fnmatch.fnmatch(str(path), pattern) for pattern in globs)


def _short(path: object) -> str:
    return Path(str(path)).name

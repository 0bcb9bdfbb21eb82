"""Bundled suites: finding their files, and keeping the user's configuration away from them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_backend_audit.genuine import FIXTURE

if TYPE_CHECKING:
    from types import ModuleType

SUITES = "pytest_backend_audit.suites"


def suites_root() -> Path:
    """Folder of the bundled suites: in the wheel, or linked to the clone's top level."""
    return Path(next(iter(importlib.import_module(SUITES).__path__)))


class SuiteModule(pytest.Module):
    """A file of a bundled suite.

    It is imported under its package name and has its own naming rules, so that neither ``python_files`` nor
    ``python_functions`` of the user's ini can hide a check, and two files of one name can't collide.
    """

    module_name: str

    @classmethod
    def at(cls, session: pytest.Session, path: Path, module_name: str) -> SuiteModule:
        """The collector for one file."""
        node: SuiteModule = cls.from_parent(session, path=path, nodeid=module_name.replace(".", "/") + ".py")
        node.module_name = module_name
        return node

    def _getobj(self) -> ModuleType:
        try:
            if self.module_name.startswith("pytest_backend_audit."):
                return importlib.import_module(self.module_name)
            return _import_file(self.path, self.module_name)
        except Exception as error:
            raise self.CollectError(f"bundled suite {self.module_name} can't be imported: {error!r}") from error

    def funcnamefilter(self, name: str) -> bool:
        """Checks are the functions named ``test_*``."""
        return name.startswith("test_")

    def classnamefilter(self, name: str) -> bool:  # noqa: ARG002 - the signature is pytest's
        """Bundled suites hold no test classes."""
        return False


def _import_file(path: Path, module_name: str) -> ModuleType:
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"not a Python file: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module


def suite_files(root: Path) -> Iterator[Path]:
    """The criterion files of a suite root, in a stable order."""
    yield from sorted(p for p in root.rglob("*.py") if not p.name.startswith("_") and p.name != "conftest.py")


def isolated(items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
    """Bundled checks without what the user's conftest would do to them.

    Autouse fixtures of conftest files and other plugins are not for them, of whatever scope, nor are overrides of our
    fixtures, and a project that turns warnings into errors doesn't mean our drivers'. What such a fixture replaced for
    a test before, and for the whole session, is still replaced: `genuine` looks for that.
    """
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("default"))
        # pytest-socket blocks in a hook, and lets through who bears this mark.
        item.add_marker(pytest.mark.enable_socket)
        info = getattr(item, "_fixtureinfo", None)
        if info is not None:
            for name, definitions in list(info.name2fixturedefs.items()):
                kept = [d for d in definitions if _may_reach_bundled(d.func.__module__)]
                if kept:
                    info.name2fixturedefs[name] = kept
                else:
                    del info.name2fixturedefs[name]
            reachable = _closure(info)
            info.names_closure[:] = [FIXTURE, *(n for n in info.names_closure if n in reachable)]
        yield item


def _closure(info: object) -> set[str]:
    """Names that the check asks for, and what those ask for in turn."""
    definitions = info.name2fixturedefs  # type: ignore[attr-defined]
    todo = [*info.argnames, *(n for n, d in definitions.items() if _is_ours(d[-1].func.__module__))]  # type: ignore[attr-defined]
    reachable: set[str] = set()
    while todo:
        name = todo.pop()
        if name in reachable:
            continue
        reachable.add(name)
        if name in definitions:
            todo.extend(definitions[name][-1].argnames)
    return reachable


def _is_ours(module: str) -> bool:
    return module.startswith("pytest_backend_audit.")


def _may_reach_bundled(module: str) -> bool:
    return _is_ours(module) or module.startswith("_pytest.") or module == "pytest_subtests.plugin"

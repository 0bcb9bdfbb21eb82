"""Collecting checks: the bundled suites beside the user's own, what is left out, and the order of the walk."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_backend_audit import plan as planning
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.marker import is_ours, read_page
from pytest_backend_audit.narrowing import by_items
from pytest_backend_audit.plugin import FIXTURES

if TYPE_CHECKING:
    from types import ModuleType

    from pytest_backend_audit.runtime import Runtime

SUITES = "pytest_backend_audit.suites"
PLAN = pytest.StashKey["Collected"]()


@dataclass(frozen=True, slots=True)
class Choice:
    """What to collect, as options and audit.yaml have it."""

    dimensions: tuple[str, ...] = ()
    """Bundled suites to add."""
    only: tuple[str, ...] = ()
    """Dimensions that the run is narrowed to; empty for all."""
    extra_roots: tuple[Path, ...] = ()
    """Suite folders of other plugins."""
    leave_out: frozenset[str] = frozenset()
    """Criteria whose bundled check is left out."""
    sought: dict[str, int] = field(default_factory=dict)
    declared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collected:
    """What collection came to: the plan, and what of it this run executes."""

    plan: planning.Plan
    selected: tuple[str, ...] = ()
    not_sought: tuple[str, ...] = ()
    narrowing: tuple[str, ...] = ()
    left_out: int = 0
    """Unmarked tests that were deselected."""

    def line(self) -> str:
        """One line for the terminal."""
        parts = [f"{len(self.selected)} checks of {len(self.plan.checks)}"]
        if self.left_out:
            parts.append(f"{self.left_out} unmarked tests left out")
        if self.not_sought:
            parts.append(f"{len(self.not_sought)} not sought")
        return "audit: " + ", ".join(parts)


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


class Collector:
    """Hooks of collection; registered in every process that collects."""

    def __init__(self, runtime: Runtime, choice: Choice, *, raise_problems: bool) -> None:
        """Take the choice.

        Args:
            runtime: The audit.
            choice: What to collect.
            raise_problems: Whether mistakes end the run here; an xdist worker hands them to the controller instead.
        """
        self._runtime = runtime
        self._choice = choice
        self._raise = raise_problems

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Add bundled checks, plan, let others deselect, then select and order."""
        bundled = list(self._bundled(session))
        have = {(i.path.resolve(), i.name) for i in bundled}
        items[:] = [i for i in items if (i.path.resolve(), i.name) not in have] + bundled
        redact_ids(items, self._runtime)
        ours = [(item, test) for item in items if (test := self._marked(item, config)) is not None]
        plan = planning.build(
            (test for _, test in ours),
            self._runtime.standard,
            loaded=self._runtime.standard_loaded,
            declared=self._choice.declared,
        )
        marked = {item.nodeid for item, _ in ours}
        plan = replace(plan, problems=(*plan.problems, *_unmarked_with_fixtures(items, marked)))
        if plan.problems:
            config.stash[PLAN] = Collected(plan)
            if self._raise:
                raise AuditUsageError("\n".join(plan.problems))
            items.clear()
            return (yield)
        result = yield
        config.stash[PLAN] = self._select(config, items, plan, marked)
        return result

    def _bundled(self, session: pytest.Session) -> Iterator[pytest.Item]:
        standard = self._runtime.standard
        suites = importlib.import_module(SUITES)
        root = Path(next(iter(suites.__path__)))
        for dimension in standard.dimensions:
            if dimension.id not in self._choice.dimensions:
                continue
            for path in suite_files(root / dimension.folder):
                if path.stem.replace("_", "-") in self._choice.leave_out:
                    continue
                module = SuiteModule.at(session, path, f"{SUITES}.{dimension.folder}.{path.stem}")
                yield from _isolated(session.genitems(module))
        for extra in self._choice.extra_roots:
            for path in suite_files(extra):
                name = f"{extra.name}_suites.{'.'.join(path.relative_to(extra).with_suffix('').parts)}"
                yield from _isolated(session.genitems(SuiteModule.at(session, path, name)))

    def _marked(self, item: pytest.Item, config: pytest.Config) -> planning.Marked | None:
        own, of_parameters = closest_marks(item)
        if not own and not of_parameters:
            return None
        bundled = item.getparent(SuiteModule)
        function = getattr(item, "function", None) or getattr(item, "obj", None)
        path, line, _ = item.location
        names = [n.name for n in item.listchain() if isinstance(n, pytest.Class)]
        name = getattr(item, "originalname", None) or item.name
        home = bundled.module_name if bundled else self._home(item.path, config)
        return planning.Marked(
            nodeid=item.nodeid,
            base="::".join([home, *names, name]),
            location=f"{path if bundled is None else home}:{(line or 0) + 1}",
            page=read_page(inspect.getdoc(function), _module_doc(item)),
            bundled=bundled is not None,
            marks=tuple((m.args, m.kwargs) for m in own),
            parameter_marks=tuple((m.args, m.kwargs) for m in of_parameters),
        )

    def _home(self, path: Path, config: pytest.Config) -> str:
        for root in (self._runtime.repository, config.rootpath):
            if path.is_relative_to(root):
                return path.relative_to(root).as_posix()
        return path.name

    def _select(
        self, config: pytest.Config, items: list[pytest.Item], plan: planning.Plan, marked: set[str]
    ) -> Collected:
        narrowing = by_items(config, [n for n in plan.of_node if n not in {i.nodeid for i in items}], self._choice.only)
        checks = {c.id: c for c in plan.checks}
        sought = self._choice.sought
        above = {c.id for c in plan.checks if c.level > sought.get(c.dimension, 5)}
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        unmarked = 0
        for item in items:
            ids = plan.of_node.get(item.nodeid, ()) if item.nodeid in marked else ()
            wanted = [
                i for i in ids if i not in above and (not self._choice.only or checks[i].dimension in self._choice.only)
            ]
            unmarked += not ids
            (kept if wanted else dropped).append(item)
        order = {c.id: n for n, c in enumerate(plan.checks)}
        kept.sort(
            key=lambda i: (any(checks[c].needs for c in plan.of_node[i.nodeid]), order[plan.of_node[i.nodeid][0]])
        )
        items[:] = kept
        if dropped:
            config.hook.pytest_deselected(items=dropped)
        chosen = {c for i in kept for c in plan.of_node[i.nodeid] if c not in above}
        if self._choice.only:
            chosen = {c for c in chosen if checks[c].dimension in self._choice.only}
        return Collected(
            plan,
            tuple(c.id for c in plan.checks if c.id in chosen),
            tuple(c.id for c in plan.checks if c.id in above),
            tuple(narrowing),
            unmarked,
        )


def closest_marks(item: pytest.Item) -> tuple[list[pytest.Mark], list[pytest.Mark]]:
    """Our marks of the closest node that has any (it wins whole), and those of the item's parameter set."""
    callspec = getattr(item, "callspec", None)
    of_parameters = [m for m in getattr(callspec, "marks", ()) if m.name == "audit" and is_ours(m)]
    for node in reversed(item.listchain()):
        found = [m for m in node.own_markers if m.name == "audit" and is_ours(m) and m not in of_parameters]
        if found:
            return found, of_parameters
    return [], of_parameters


def redact_ids(items: Sequence[pytest.Item], runtime: Runtime) -> None:
    """Take secrets out of parameter ids before anything shows or stores a node id."""
    seen: dict[str, int] = {}
    for item in items:
        if "[" not in item.name:
            continue
        clean = runtime.redactor.redact(item.nodeid)
        if clean == item.nodeid:
            continue
        count = seen[clean] = seen.get(clean, 0) + 1
        if count > 1:
            clean = clean.removesuffix("]") + f"-{count}]"
        item.name = clean.rpartition("::")[2]
        if hasattr(item, "_id"):  # pytest 9.2 and later keep a structured id
            item._id = type(item._id).parse(clean)
        else:
            item._nodeid = clean  # type: ignore[attr-defined]


def _isolated(items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
    """Bundled checks without what the user's conftest would do to them.

    Autouse fixtures of conftest files and other plugins are not for them, nor are overrides of our fixtures, and a
    project that turns warnings into errors doesn't mean our drivers'.
    """
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("default"))
        info = getattr(item, "_fixtureinfo", None)
        if info is not None:
            for name, definitions in list(info.name2fixturedefs.items()):
                kept = [d for d in definitions if _may_reach_bundled(d.func.__module__)]
                if kept:
                    info.name2fixturedefs[name] = kept
                else:
                    del info.name2fixturedefs[name]
            reachable = _closure(info)
            info.names_closure[:] = [n for n in info.names_closure if n in reachable]
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


def _module_doc(item: pytest.Item) -> str | None:
    module = item.getparent(pytest.Module)
    return getattr(module.obj, "__doc__", None) if module is not None else None


def _unmarked_with_fixtures(items: Sequence[pytest.Item], marked: set[str]) -> list[str]:
    problems = []
    for item in items:
        if item.nodeid in marked:
            continue
        asked = sorted(FIXTURES.intersection(getattr(item, "fixturenames", ())))
        if asked:
            path, line, _ = item.location
            problems.append(
                f"{path}:{(line or 0) + 1}: {item.name} asks for {asked[0]} but has no audit mark; "
                "add @audit(dimension=..., level=...)"
            )
    return problems

"""Collecting checks: the bundled suites beside the user's own, what is left out, and the order of the walk."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit import garbage
from pytest_backend_audit import plan as planning
from pytest_backend_audit.bundled import SUITES, SuiteModule, isolated, suite_files, suites_root
from pytest_backend_audit.document import GitError, uncommitted
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.marker import is_ours, read_page
from pytest_backend_audit.model import Need
from pytest_backend_audit.narrowing import by_items, hidden, taken_away, withheld
from pytest_backend_audit.options import asked_of_us
from pytest_backend_audit.uncollected import Uncollected

if TYPE_CHECKING:
    from pytest_backend_audit.runtime import Runtime

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
    inside: tuple[Path, ...] = ()
    """Folders that checks must lie in, links followed: a formal audit runs none that its commit doesn't hold."""
    sought: dict[str, int] = field(default_factory=dict)
    declared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collected:
    """What collection came to: the plan, and what of it this run executes."""

    plan: planning.Plan
    selected: tuple[str, ...] = ()
    not_sought: tuple[str, ...] = ()
    narrowing: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    """Node ids of the tests that this run executes."""
    left_out: int = 0
    """Unmarked tests that were deselected."""
    hidden: tuple[str, ...] = ()
    """Files and folders with tests that a conftest or a plugin had pytest ignore, from rootdir."""
    uncollected: tuple[str, ...] = ()
    """Where our mark stands on what became no test."""

    def without(self, gone: Sequence[str]) -> Collected:
        """The same, once these tests were taken away by somebody else: narrowed."""
        without = set(gone)
        nodes = tuple(n for n in self.nodes if n not in without)
        left = {check for n in nodes for check in self.plan.of_node[n]}
        return replace(
            self,
            nodes=nodes,
            selected=tuple(c for c in self.selected if c in left),
            narrowing=(*self.narrowing, taken_away(gone)),
        )

    def left(self) -> dict[str, tuple[str, ...]]:
        """Check id -> its instances that this run does not execute; of sought checks with several."""
        instances: dict[str, list[str]] = {}
        for node, checks in self.plan.of_node.items():
            for check in checks:
                instances.setdefault(check, []).append(node)
        executed, above = set(self.nodes), set(self.not_sought)
        found = {
            check: tuple(n for n in nodes if n not in executed)
            for check, nodes in instances.items()
            if len(nodes) > 1 and check not in above
        }
        return {check: nodes for check, nodes in found.items() if nodes}

    def line(self) -> str:
        """One line for the terminal."""
        found = len(self.selected)
        parts = [f"{found} {'check' if found == 1 else 'checks'} of {len(self.plan.checks)}"]
        if self.left_out:
            parts.append(f"{self.left_out} unmarked tests left out")
        if self.not_sought:
            parts.append(f"{len(self.not_sought)} not sought")
        return "audit: " + ", ".join(parts)


@dataclass(frozen=True, slots=True)
class _Place:
    """What the tests of one module or class have in common."""

    prefix: str
    """Of check ids: module or path, and classes."""
    module: str
    """Name of a bundled module; empty for the user's own."""
    doc: str | None


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
        self.uncollected = Uncollected()
        """To be registered beside."""
        self._places: dict[pytest.Collector | pytest.Item | None, _Place] = {}
        self._found: list[pytest.Item] = []
        """As pytest found them, before any hook could take one away."""
        self._hidden: list[Path] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Keep Python's garbage collector from what pytest makes here: it stays to the end."""
        with garbage.seldom():
            return (yield)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Take note of a test."""
        self._found.append(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path, config: pytest.Config) -> Generator[None, bool, bool]:
        """Take note of what a conftest hides, perhaps by the environment: the commit would not tell."""
        ignored = yield
        if ignored and hidden(collection_path, config):
            self._hidden.append(collection_path)
        return ignored

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Add bundled checks, plan, let others deselect, then select and order."""
        taken = self._taken(items)
        bundled = list(self._bundled(session))
        if bundled:
            # A clone's own path to a suite, given on the command line, is not a second one.
            have = {(i.path.resolve(), i.name) for i in bundled}
            items[:] = [i for i in items if (i.path.resolve(), i.name) not in have] + bundled
            taken = [i for i in taken if (i.path.resolve(), i.name) not in have]
        self._found.clear()
        everything = [*items, *taken]
        redact_ids(everything, self._runtime)
        ours = [(item, test) for item in everything if (test := self._marked(item, config)) is not None]
        plan = planning.build(
            (test for _, test in ours),
            self._runtime.standard,
            loaded=self._runtime.standard_loaded,
            declared=self._choice.declared,
        )
        # By object: other plugins may rename items, as xdist's loadgroup does.
        marked = {id(item): item.nodeid for item, _ in ours}
        unmarked = [i for i in items if id(i) not in marked]
        strangers = _strangers([item for item, test in ours if not test.bundled], config, self._choice.inside)
        plan = replace(plan, problems=(*plan.problems, *_with_fixtures(unmarked), *strangers))
        if plan.problems:
            config.stash[PLAN] = Collected(plan)
            if self._raise:
                raise AuditUsageError("\n".join(plan.problems))
            items.clear()
            return (yield)
        result = yield
        config.stash[PLAN] = self._select(config, items, plan, marked)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> Generator[None]:
        """See whether a hook outside of ours took checks away after the choice, before anybody reads the plan."""
        collected = session.config.stash.get(PLAN, None)
        if collected is not None:
            left = {item.nodeid for item in session.items}
            if gone := [n for n in collected.nodes if n not in left]:
                session.config.stash[PLAN] = collected.without(gone)
        return (yield)

    def _taken(self, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        """Tests that a hook outside of ours has taken away already; a plugin may put another object in one's place."""
        here = {id(i) for i in items}
        gone = [i for i in self._found if id(i) not in here]
        names = {i.nodeid for i in items} if gone else set()
        return [i for i in gone if i.nodeid not in names]

    def _bundled(self, session: pytest.Session) -> Iterator[pytest.Item]:
        standard = self._runtime.standard
        root = suites_root()
        for dimension in standard.dimensions:
            if dimension.id not in self._choice.dimensions:
                continue
            for path in suite_files(root / dimension.folder):
                if path.stem.replace("_", "-") in self._choice.leave_out:
                    continue
                module = SuiteModule.at(session, path, f"{SUITES}.{dimension.folder}.{path.stem}")
                yield from isolated(session.genitems(module))
        for extra in self._choice.extra_roots:
            for path in suite_files(extra):
                name = f"{extra.name}_suites.{'.'.join(path.relative_to(extra).with_suffix('').parts)}"
                yield from isolated(session.genitems(SuiteModule.at(session, path, name)))

    def _marked(self, item: pytest.Item, config: pytest.Config) -> planning.Marked | None:
        own, of_parameters = closest_marks(item)
        if not own and not of_parameters:
            return None
        place = self._place(item, config)
        function = getattr(item, "function", None) or getattr(item, "obj", None)
        path, line, _ = item.location
        name = getattr(item, "originalname", None) or item.name
        return planning.Marked(
            nodeid=item.nodeid,
            base=f"{place.prefix}::{name}",
            location=f"{place.module or path}:{(line or 0) + 1}",
            page=read_page(getattr(function, "__doc__", None), place.doc),
            bundled=bool(place.module),
            marks=tuple((m.args, m.kwargs) for m in own),
            parameter_marks=tuple((m.args, m.kwargs) for m in of_parameters),
            shipped=place.module.startswith(f"{SUITES}."),
            watches="audit_window" in getattr(item, "fixturenames", ()),
            by_place=_goes_by_place(item),
        )

    def _place(self, item: pytest.Item, config: pytest.Config) -> _Place:
        parent = item.parent
        place = self._places.get(parent)
        if place is None:
            bundled, module = item.getparent(SuiteModule), item.getparent(pytest.Module)
            home = bundled.module_name if bundled else self._home(item.path, config)
            classes = [n.name for n in item.listchain() if isinstance(n, pytest.Class)]
            place = self._places[parent] = _Place(
                "::".join([home, *classes]),
                bundled.module_name if bundled else "",
                getattr(module.obj, "__doc__", None) if module is not None else None,
            )
        return place

    def _home(self, path: Path, config: pytest.Config) -> str:
        roots = (self._runtime.repository, config.rootpath)
        inside = next((r for r in roots if path.is_relative_to(r)), path.parent)
        return path.relative_to(inside).as_posix()

    def _select(
        self, config: pytest.Config, items: list[pytest.Item], plan: planning.Plan, marked: Mapping[int, str]
    ) -> Collected:
        now = {marked[id(i)]: i.nodeid for i in items if id(i) in marked}
        narrowing = by_items(config, [n for n in plan.of_node if n not in now], self._choice.only)
        plan = replace(
            plan,
            of_node={now.get(n, n): ids for n, ids in plan.of_node.items()},
            phases={now.get(n, n): phase for n, phase in plan.phases.items()},
        )
        checks = {c.id: c for c in plan.checks}
        sought = self._choice.sought
        above = {c.id for c in plan.checks if c.level > sought.get(c.dimension, 5)}
        disturbing = {c.id for c in plan.checks if c.needs}
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            ids = plan.of_node[item.nodeid] if id(item) in marked else ()
            wanted = [
                i for i in ids if i not in above and (not self._choice.only or checks[i].dimension in self._choice.only)
            ]
            (kept if wanted else dropped).append(item)
            for i in ids:
                if i in disturbing:
                    self._permit(item, checks[i].needs)
            for i in wanted:
                # For pytest's own --junitxml.
                check = checks[i]
                properties = [("dimension", check.dimension), ("level", check.level), ("criterion", check.ladder)]
                item.user_properties.extend(properties)
        unmarked = sum(id(i) not in marked for i in items)
        order = {c.id: n for n, c in enumerate(plan.checks)}

        def turn(item: pytest.Item) -> tuple[int, bool, int]:
            node = item.nodeid
            ids = plan.of_node[node]
            return plan.phases[node], not disturbing.isdisjoint(ids), order[ids[0]]

        kept.sort(key=turn)
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
            (*narrowing, *withheld(self._hidden, config)),
            tuple(i.nodeid for i in kept),
            unmarked,
            tuple(dict.fromkeys(self._home(path, config) for path in self._hidden)),
            self.uncollected.found(),
        )

    def _permit(self, item: pytest.Item, needs: Sequence[Need]) -> None:
        for need in needs:
            if reason := self._runtime.not_allowed(need):
                item.add_marker(pytest.mark.skip(reason=reason))


_NAMED = (str, bytes, int, float, complex, bool, type(None), re.Pattern, Enum)
"""Values that pytest calls by what they are; besides, it does so with what has a ``__name__``."""


def _goes_by_place(item: pytest.Item) -> bool:
    """Whether an instance's name has a parameter's place in it, as ``order2``: pytest had nothing else to call it."""
    callspec = getattr(item, "callspec", None)
    return callspec is not None and any(
        not isinstance(value, _NAMED)
        and not isinstance(getattr(value, "__name__", None), str)
        and re.search(rf"(?:^|-){re.escape(name)}\d+(?:-|$)", callspec.id)
        for name, value in callspec.params.items()
    )


def closest_marks(item: pytest.Item) -> tuple[list[pytest.Mark], list[pytest.Mark]]:
    """Our marks of the closest node that has any (it wins whole), and those of the item's parameter set."""
    callspec = getattr(item, "callspec", None)
    of_parameters = [m for m in callspec.marks if m.name == "audit" and is_ours(m)] if callspec is not None else []
    node: pytest.Item | pytest.Collector | None = item
    while node is not None:
        if node.own_markers:
            found = [m for m in node.own_markers if m.name == "audit" and is_ours(m)]
            if node is item:
                found = _without(found, of_parameters)
            elif isinstance(node, pytest.Class) and len(found) > 1:
                found = _of_closest_class(node.obj, found)
            if found:
                return found, of_parameters
        node = node.parent
    return [], of_parameters


def _without(found: list[pytest.Mark], of_parameters: Sequence[pytest.Mark]) -> list[pytest.Mark]:
    """The function's own, which come first: one that says the same as its parameter's stays."""
    left = found[::-1]
    for mark in of_parameters:
        if mark in left:  # a conftest may have taken it from there
            left.remove(mark)
    return left[::-1]


def _of_closest_class(cls: type, found: list[pytest.Mark]) -> list[pytest.Mark]:
    """Those of the class itself, or of the first of its bases that has any: pytest gives a class its bases' as well."""
    for each in cls.__mro__:
        own = each.__dict__.get("pytestmark", ())
        own = own if isinstance(own, list | tuple) else [own]
        if marks := [m for m in found if any(m == getattr(o, "mark", o) for o in own)]:
            return marks
    return found


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
        _forget_raw(item, runtime.redactor.redact)
        if hasattr(item, "_id"):  # pytest 9.2 and later keep a structured id
            item._id = type(item._id).parse(clean)
        else:
            item._nodeid = clean  # type: ignore[attr-defined]


def _forget_raw(item: pytest.Item, redact: Callable[[str], str]) -> None:
    """Forget the old name and id where they were copied to: a report shows its item's keywords, and where that is."""
    names: dict[str, Any] = getattr(item.keywords, "_markers", {})
    for name in list(names):
        if (clean := redact(name)) != name:
            names[clean] = names.pop(name)
    vars(item).pop("location", None)  # worked out at the first question, which may have come before ours


def _strangers(items: Iterable[pytest.Item], config: pytest.Config, inside: Sequence[Path]) -> list[str]:
    """What a formal audit would run though the commit does not hold it, whatever the ini calls a test file."""
    if not inside:
        return []
    files = dict.fromkeys(item.path for item in items)
    plugins = (getattr(plugin, "__file__", None) for plugin in config.pluginmanager.get_plugins())
    conftests = [path for name in plugins if name and (path := Path(name)).name == "conftest.py"]
    outside = [path for path in files if not any(path.resolve().is_relative_to(folder) for folder in inside)]
    problems = [
        f"{path}: its checks lie outside of what the audited commit holds (in {path.resolve()}); move them into "
        f"{inside[0]}, or rehearse with --audit"
        for path in outside
    ]
    try:
        strays = uncommitted([*(path for path in files if path not in outside), *conftests], inside)
    except GitError as error:
        return [*problems, f"whether the commit holds {', '.join(map(str, files))}: {error}"]
    return problems + [
        f"{path}: git ignores it, or what it leads to, and a formal audit runs what its commit holds; "
        f"git add -f {path.resolve()} and commit, or rehearse with --audit"
        for path in strays
    ]


def _with_fixtures(unmarked: Sequence[pytest.Item]) -> list[str]:
    problems = []
    for item in unmarked:
        asked = asked_of_us(item)
        if asked:
            path, line, _ = item.location
            problems.append(
                f"{path}:{(line or 0) + 1}: {item.name} asks for {asked[0]} but has no audit mark; "
                "add @audit(dimension=..., level=...)"
            )
    return problems

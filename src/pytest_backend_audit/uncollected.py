"""What bears our mark and becomes no test: pytest passes over it in silence, or with a warning that is soon overlooked.

A class with a constructor, a function or a class whose name pytest does not go by, ``__test__ = False``, a case of
unittest's under ``-p no:unittest``.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Generator, Iterable, Iterator
from types import FunctionType
from typing import Any

import pytest

from pytest_backend_audit.marker import is_ours


class Uncollected:
    """Hooks of collection; registered in every process that collects."""

    def __init__(self) -> None:
        self._doubtful: list[tuple[str, object]] = []
        """Node ids, or what would be one, of marked things that became no test where they were found."""
        self._made: set[int] = set()
        """Functions and classes that became tests, there or elsewhere; a class in those derived from it."""

    def found(self) -> tuple[str, ...]:
        """Where the mark stands without effect, in the order of collection."""
        return tuple(dict.fromkeys(name for name, thing in self._doubtful if id(thing) not in self._made))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pycollect_makeitem(
        self, collector: pytest.Module | pytest.Class, name: str, obj: object
    ) -> Generator[None, object, object]:
        """See what becomes of a name in a module or class."""
        made = yield
        # By its type: what imports or builds itself on first use is left alone.
        thing: Any = obj.__func__ if type(obj) in {staticmethod, classmethod} else obj  # type: ignore[attr-defined]
        if made:
            if issubclass(type(thing), type):
                self._made.update(map(id, thing.__mro__[1:]))
            else:
                self._made.add(id(thing))
        elif _is_meant(thing, name, collector):
            self._doubtful.append((f"{collector.nodeid}::{name}", thing))
        return made

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """See what becomes of a class."""
        report = yield
        if not isinstance(collector, pytest.Class) or not report.passed:
            return report
        cls: type = collector.obj
        if not report.result:
            if _holds_marked(cls) or (_in_marked(collector) and _has_tests(cls, collector)):
                self._doubtful.append((collector.nodeid, cls))
            return report
        self._made.update(map(id, cls.__mro__))
        if _is_case(cls):  # unittest's own loader goes by names
            names = {node.name for node in report.result}
            lost = ((n, f) for n, f in _functions(cls) if n not in names and _marked((f,)))
            self._doubtful.extend((f"{collector.nodeid}::{n}", f) for n, f in lost)
        return report


def _is_meant(thing: Any, name: str, collector: pytest.Module | pytest.Class) -> bool:
    """Whether our mark is on something of which pytest makes nothing."""
    if type(thing) is FunctionType:
        return _marked((thing,))
    if issubclass(type(thing), type):
        if _holds_marked(thing):
            return True
        return _is_case(thing) and _in_marked(collector) and _has_tests(thing, collector)
    if not collector.funcnamefilter(name):
        return False
    # What a decorator made of a function; its own way to answer for attributes is not asked. Where it has no name, the
    # mark takes it for an argument of its own and stands in its place.
    return _ours(thing if type(thing) is pytest.MarkDecorator else inspect.getattr_static(thing, "pytestmark", None))


def _holds_marked(cls: type) -> bool:
    return _marked(cls.__mro__) or _marked(f for _, f in _functions(cls))


def _in_marked(collector: pytest.Collector) -> bool:
    """Whether a mark of ours on the module, or on a class around, is meant for all tests in it."""
    return any(is_ours(mark) for mark in collector.iter_markers("audit"))


def _has_tests(cls: type, collector: pytest.Module | pytest.Class) -> bool:
    return any(collector.funcnamefilter(name) for name, _ in _functions(cls))


def _is_case(cls: type) -> bool:
    unittest = sys.modules.get("unittest")
    return unittest is not None and unittest.TestCase in cls.__mro__


def _functions(cls: type) -> Iterator[tuple[str, object]]:
    return ((n, f) for base in cls.__mro__ for n, f in vars(base).items() if isinstance(f, FunctionType))


def _marked(things: Iterable[Any]) -> bool:
    return any(_ours(vars(thing).get("pytestmark")) for thing in things)


def _ours(marks: object) -> bool:
    if not marks:
        return False
    given = marks if isinstance(marks, (list, tuple)) else (marks,)
    found = (getattr(mark, "mark", mark) for mark in given)  # a decorator holds its mark
    return any(isinstance(mark, pytest.Mark) and mark.name == "audit" and is_ours(mark) for mark in found)

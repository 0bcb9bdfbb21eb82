"""A check's function returns nothing, and is run: what it returns instead of asserting it could never fail."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest
from _pytest.unittest import TestCaseFunction  # pytest's own way to tell unittest's tests

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.judging import Phase, leaves

_Body: TypeAlias = Callable[..., Any]


@dataclass(slots=True)
class _Seen:
    """What became of a test's body while the test was called."""

    ran: bool = False
    raised: list[BaseException] = field(default_factory=list)
    """By the body, or for what it returned."""
    goes_on: bool = False
    """Whether it left something that is waited for, and may raise later on, as under Twisted."""


_SEEN = pytest.StashKey[_Seen]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Put something in the place of the function that sees what it returns, for as long as it is called.

    pytest only warns of a test that returns a value, for functions alone, and a filter may hide that. Outermost, so
    that whoever runs async tests runs ours.
    """
    __tracebackhide__ = True
    if not isinstance(item, pytest.Function):
        return (yield)
    body: _Body = item.obj
    if inspect.isasyncgenfunction(body) and not isinstance(item, TestCaseFunction):
        return (yield)  # which pytest itself fails
    seen = item.stash[_SEEN] = _Seen()
    item.obj = instead = _watched(body, item, seen)
    handle: Any = getattr(body, "hypothesis", None)
    inner: Any = getattr(handle, "inner_test", None)
    drawn = inner is not None and inspect.iscoroutinefunction(inner)  # hypothesis looks at the others itself
    if drawn:
        handle.inner_test = _watched(inner, item, seen)
    own = isinstance(item, TestCaseFunction) and inspect.iscoroutinefunction(instead)
    if own:
        setattr(item.instance, item.name, instead)  # pytest leaves those to unittest
    try:
        result = yield
    finally:
        item.obj = body
        if own:
            vars(item.instance).pop(item.name, None)
        if drawn:
            handle.inner_test = inner
    if not seen.ran and (not isinstance(item, TestCaseFunction) or _seems_to_pass(item)):
        vars(item).pop("_excinfo", None)
        said = "nobody ran its body: a plugin or a conftest answered in its place"
        if own:
            said = "an async test that nobody runs: derive its class from unittest.IsolatedAsyncioTestCase"
        raise CouldNotRun(said, _use_item_location=True)
    return result


def phase_of(item: pytest.Item, error: BaseException) -> Phase:
    """The phase of a test in which its call ended: unittest calls ``setUp``, ``tearDown`` and clean-ups in there."""
    seen = item.stash.get(_SEEN, None)
    if seen is None or not isinstance(item, TestCaseFunction) or isinstance(error, pytest.skip.Exception):
        return "call"
    if not seen.ran:
        return "setup"
    # What pytest raises in the place of another error is none of a clean-up's.
    bodys = seen.goes_on or isinstance(error, pytest.fail.Exception)
    return "call" if bodys or any(leaf is raised for leaf in leaves(error) for raised in seen.raised) else "teardown"


def _watched(body: _Body, item: pytest.Function, seen: _Seen) -> _Body:
    """The same function, to pytest and its plugins, that raises on a result, and notes what became of it."""
    if inspect.iscoroutinefunction(body):

        @functools.wraps(body)
        async def awaited(*args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            seen.ran = True
            try:
                result = await body(*args, **kwargs)
            except BaseException as error:
                seen.raised.append(error)
                raise
            if result is not None:
                raise _returned(result, item, seen)

        return awaited

    @functools.wraps(body)
    def called(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        seen.ran = True
        try:
            result = body(*args, **kwargs)
        except BaseException as error:
            seen.raised.append(error)
            raise
        if result is not None and not (hasattr(result, "__await__") and _is_waited_for(item)):
            raise _returned(result, item, seen)
        seen.goes_on = result is not None
        return result

    return called


def _returned(result: object, item: pytest.Item, seen: _Seen) -> Exception:
    kind = type(result)
    hint = "Did you mean to use `assert` instead of `return`?"
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        hint = "A function with `yield` is a generator: nothing in it was run."
    error = pytest.PytestReturnNotNoneWarning(
        f"Test functions should return None, but {item.nodeid} returned {kind!r}.\n{hint}"
    )
    seen.raised.append(error)
    return error


def _is_waited_for(item: pytest.Function) -> bool:
    """Whether somebody sees to what a function gives to be awaited: pytest itself, or Twisted's own cases."""
    if not isinstance(item, TestCaseFunction):
        return True  # pytest fails it where no plugin runs it
    return any(c.__module__.startswith("twisted.") for c in type(item.instance).__mro__)


def _seems_to_pass(item: pytest.Function) -> bool:
    """Whether unittest has nothing against it, or wonders that it passes."""
    errors = getattr(item, "_excinfo", None) or ()
    return all(str(e.value).startswith("Unexpected success") for e in errors)

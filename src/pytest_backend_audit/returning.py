"""A check's function returns nothing, and is run: what it returns instead of asserting it could never fail."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from typing import Any, TypeAlias

import pytest
from _pytest.unittest import TestCaseFunction  # pytest's own way to tell unittest's tests

from pytest_backend_audit.errors import CouldNotRun

_Body: TypeAlias = Callable[..., Any]


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
    left = list[bool]()
    item.obj = instead = _watched(body, item, left)
    handle: Any = getattr(body, "hypothesis", None)
    inner: Any = getattr(handle, "inner_test", None)
    drawn = inner is not None and inspect.iscoroutinefunction(inner)  # hypothesis looks at the others itself
    if drawn:
        handle.inner_test = _watched(inner, item, left)
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
    if not left and (not isinstance(item, TestCaseFunction) or _seems_to_pass(item)):
        vars(item).pop("_excinfo", None)
        said = "nobody ran its body: a plugin or a conftest answered in its place"
        if own:
            said = "an async test that nobody runs: derive its class from unittest.IsolatedAsyncioTestCase"
        raise CouldNotRun(said, _use_item_location=True)
    return result


def _watched(body: _Body, item: pytest.Function, left: list[bool]) -> _Body:
    """The same function, to pytest and its plugins, that raises on a result; ``left`` is filled once it has run."""
    if inspect.iscoroutinefunction(body):

        @functools.wraps(body)
        async def awaited(*args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            try:
                result = await body(*args, **kwargs)
            finally:
                left.append(True)
            if result is not None:
                raise _returned(result, item)

        return awaited

    @functools.wraps(body)
    def called(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            result = body(*args, **kwargs)
        finally:
            left.append(True)
        if result is not None and not (hasattr(result, "__await__") and _is_waited_for(item)):
            raise _returned(result, item)
        return result

    return called


def _returned(result: object, item: pytest.Item) -> Exception:
    kind = type(result)
    hint = "Did you mean to use `assert` instead of `return`?"
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        hint = "A function with `yield` is a generator: nothing in it was run."
    return pytest.PytestReturnNotNoneWarning(
        f"Test functions should return None, but {item.nodeid} returned {kind!r}.\n{hint}"
    )


def _is_waited_for(item: pytest.Function) -> bool:
    """Whether somebody sees to what a function gives to be awaited: pytest itself, or Twisted's own cases."""
    if not isinstance(item, TestCaseFunction):
        return True  # pytest fails it where no plugin runs it
    return any(c.__module__.startswith("twisted.") for c in type(item.instance).__mro__)


def _seems_to_pass(item: pytest.Function) -> bool:
    """Whether unittest has nothing against it, or wonders that it passes."""
    errors = getattr(item, "_excinfo", None) or ()
    return all(str(e.value).startswith("Unexpected success") for e in errors)

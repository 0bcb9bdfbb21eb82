"""What bounds a number of statements in a function of a Python test, and what is under that bound."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_backend_audit.analysis.python_tests import Function, PythonTest, called, leaves, never
from pytest_backend_audit.analysis.sent_requests import ASKING, METHODS, Request, requests
from pytest_backend_audit.analysis.source_scopes import Scope, assigned, cases

_BOUNDING = re.compile(
    r"(?:django_)?assert_?(?:max_?|fewer_?|less_?|exact_?)*(?:num|number_?of|max)?_?(?:sql_?)?(?:quer(?:y|ies)|statements)"
    r"(?:_?(?:count|less_?than|max|num|at_?most))*",
    re.IGNORECASE,
)
COUNTING = {"CaptureQueriesContext", "audit_query_budget", "count_queries", "QueryCounter", "capture_queries"}
_INTERCEPTS = re.compile(
    r"\b(?:before_cursor_execute|after_cursor_execute|execute_wrapper|queries_log|pg_stat_statements|add_query_logger)\b"
)
_EQUALS = {"assertEqual", "assertEquals", "assertListEqual", "assertIn"}
_AT_MOST = {"assertLess", "assertLessEqual"}
_AT_LEAST = {"assertGreater", "assertGreaterEqual"}
MOST = 1_000
"""Statements from which on a number written into a test bounds nothing: no request may cost that many."""
_SWALLOWED = {"AssertionError", "Exception", "BaseException", "Failed"}


@dataclass
class Helpers:
    """Names of the tests' own functions and classes."""

    counting: set[str] = field(default_factory=lambda: set(COUNTING))
    bounding: set[str] = field(default_factory=set)

    def bounds(self, name: str) -> bool:
        """Whether what bears this name fails by itself when there are too many."""
        return name in self.bounding or bool(_BOUNDING.fullmatch(name))


class Reader:
    """Reads one function for bounds, and for what is asked for under them."""

    def __init__(self, helpers: Helpers) -> None:
        self._helpers = helpers
        self.bounded: list[Sequence[ast.AST]] = []
        """Blocks under a bound."""
        self.why = ""
        """What there is instead of a bound."""
        self._used: set[str] = set()
        """Names of functions inside that are called, or handed on."""

    def read(self, test: PythonTest, scope: Callable[[], Scope]) -> set[Request] | None:
        """What a test asks for under a bound; None where it has no bound.

        Args:
            test: The test.
            scope: What names stand for around it; asked for where there is a bound.
        """
        counts = self.counted(test.function)
        self.function(test.function)
        if not self.bounded:
            self.why = self.why or (f"what {', '.join(counts)} counts is compared with nothing" if counts else "")
            return None
        around, blocks = scope(), [node for block in self.bounded for node in block]
        inside = around.within(test.function)
        return {r for case in cases(test.function, around) for r in requests(blocks, inside.having(case))}

    def function(self, function: Function) -> dict[str, Sequence[ast.AST]]:
        """Read a whole function; gives the names of what is counted in it."""
        counts = self.counted(function)
        self._used = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
        self.block(function.body, counts)
        return counts

    def counted(self, function: Function) -> dict[str, Sequence[ast.AST]]:
        """What counts while the whole function runs: fixtures, and where it is told of statements itself, its lists."""
        given = [a.arg for a in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]]
        names = [name for name in given if name in self._helpers.counting]
        if intercepts(function):
            names += [name for name, values in assigned([function]).items() if any(map(_empty, values))]
        return dict.fromkeys(names, function.body)

    def hands_out(self, function: Function) -> bool:
        """Whether a helper gives what it has counted to its caller."""
        counts = self.function(function)
        given = [n.value for n in ast.walk(function) if isinstance(n, ast.Return | ast.Yield) and n.value is not None]
        return any(names(value) & (counts.keys() | self._helpers.counting) for value in given)

    def block(self, body: Sequence[ast.stmt], counts: dict[str, Sequence[ast.AST]]) -> None:
        """Read the statements of a block, as far as they are reached.

        Args:
            body: The statements.
            counts: Names of what has been counted so far -> the block in which it was; grows.
        """
        for statement in body:
            self._statement(statement, counts)
            if leaves(statement):
                return

    def _statement(self, statement: ast.stmt, counts: dict[str, Sequence[ast.AST]]) -> None:
        if isinstance(statement, ast.With | ast.AsyncWith):
            self._with(statement, counts)
        elif isinstance(statement, ast.If):
            if not never(statement.test):
                self.block(statement.body, counts)
            self.block(statement.orelse, counts)
        elif isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            self.block(statement.body, counts)
            self.block(statement.orelse, counts)
        elif isinstance(statement, ast.Try):
            if any(_swallows(handler) for handler in statement.handlers):
                self.why = f"what fails on line {statement.lineno} is caught"
            else:
                self.block(statement.body, counts)
            self.block([*statement.orelse, *statement.finalbody], counts)
        elif isinstance(statement, ast.Assert):
            self._judge(statement.test, counts)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            if statement.name in self._used:
                self.block(statement.body, counts)
        else:
            self._simple(statement, counts)

    def _with(self, statement: ast.With | ast.AsyncWith, counts: dict[str, Sequence[ast.AST]]) -> None:
        calls = [i.context_expr for i in statement.items if isinstance(i.context_expr, ast.Call)]
        caught = [c for c in calls if called(c) in {"suppress", "raises", "assertRaises"} and _SWALLOWED & names(c)]
        if caught:
            self.why = f"what fails on line {statement.lineno} is caught"
            return
        for item in statement.items:
            name = called(item.context_expr)
            limited = name != "audit_query_budget" or _has_limit(item.context_expr)
            if (self._helpers.bounds(name) or name == "audit_query_budget") and limited:
                if _boundless(item.context_expr):
                    self.why = f"the limit on line {statement.lineno} is none that could be exceeded"
                else:
                    self.bounded.append(statement.body)
            elif name in self._helpers.counting or name in counts:
                target = item.optional_vars
                bound = target.id if isinstance(target, ast.Name) else name
                counts[bound] = statement.body
                self.why = f"what is counted on line {statement.lineno} is compared with nothing"
        self.block(statement.body, counts)

    def _simple(self, statement: ast.stmt, counts: dict[str, Sequence[ast.AST]]) -> None:
        for node in ast.walk(statement):
            if not isinstance(node, ast.Call):
                continue
            name = called(node)
            if self._helpers.bounds(name):
                if name in self._helpers.bounding or len(node.args) > 1:
                    self.bounded.append([node])
                elif isinstance(statement, ast.Expr):
                    self.why = f"{name}() on line {node.lineno} is neither entered by `with` nor given what to call"
            elif name in _EQUALS | _AT_MOST | _AT_LEAST and len(node.args) > 1 and _can_fail(*node.args[:2]):
                left, right = (bool(names(a) & counts.keys()) for a in node.args[:2])
                if (left and name in _EQUALS | _AT_MOST) or (right and name in _EQUALS | _AT_LEAST):
                    self._found(node, counts)
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign) and statement.value is not None:
            if _answers(statement.value):
                return
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            used = [counts[n] for n in sorted(names(statement.value) & counts.keys())]
            if not used and names(statement.value) & self._helpers.counting:
                used = [[]]
            for target in (t for outer in targets for t in ast.walk(outer) if isinstance(t, ast.Name) and used):
                counts[target.id] = [node for block in used for node in block]

    def _judge(self, condition: ast.expr, counts: dict[str, Sequence[ast.AST]]) -> None:
        """Take an assertion for a bound if what was counted can't be more where it holds."""
        if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And):
            for value in condition.values:
                self._judge(value, counts)
        elif isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not):
            if names(condition.operand) & counts.keys():
                self._found(condition, counts)
        elif isinstance(condition, ast.Compare):
            sides = [condition.left, *condition.comparators]
            for left, operator, right in zip(sides, condition.ops, sides[1:], strict=False):
                low, high = bool(names(left) & counts.keys()), bool(names(right) & counts.keys())
                equal = isinstance(operator, ast.Eq | ast.In | ast.Is)
                above = low and (equal or isinstance(operator, ast.Lt | ast.LtE))
                below = high and (equal or isinstance(operator, ast.Gt | ast.GtE))
                if (above or below) and _can_fail(left, right):
                    self._found(condition, counts)
                    return

    def _found(self, node: ast.AST, counts: Mapping[str, Sequence[ast.AST]]) -> None:
        self.bounded += [counts[name] for name in sorted(names(node) & counts.keys())]


def _can_fail(left: ast.expr, right: ast.expr) -> bool:
    """Whether a comparison says anything: not of a thing with itself, nor with a number that nobody comes to."""
    return ast.dump(left) != ast.dump(right) and not (_unlimited(left) or _unlimited(right))


def _unlimited(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return value.value is None or (isinstance(value.value, int | float) and value.value > MOST)
    if isinstance(value, ast.Call) and called(value) == "range":
        return any(map(_unlimited, value.args))
    if isinstance(value, ast.Call) and called(value) == "float":
        return any(isinstance(a, ast.Constant) and "inf" in str(a.value).lower() for a in value.args)
    if isinstance(value, ast.BinOp):
        return _unlimited(value.left) or _unlimited(value.right) or isinstance(value.op, ast.Pow)
    return isinstance(value, ast.Attribute) and value.attr == "inf"


def _boundless(node: ast.expr) -> bool:
    """Whether a block's limit is written as none, or as one that nobody comes to."""
    if not isinstance(node, ast.Call):
        return False
    limits = [*node.args[:1], *(k.value for k in node.keywords if k.arg in {"num", "limit", "max_num", "count"})]
    return bool(limits) and all(map(_unlimited, limits))


def _swallows(handler: ast.ExceptHandler) -> bool:
    caught = handler.type is None or bool(_SWALLOWED & names(handler.type))
    return caught and not any(
        isinstance(n, ast.Raise) or (isinstance(n, ast.Call) and called(n) == "fail") for n in ast.walk(handler)
    )


def _answers(value: ast.expr) -> bool:
    """Whether it is a request: what that gives is an answer, and no count, whoever sends it."""
    inner = value.value if isinstance(value, ast.Await) else value
    return isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and called(inner) in METHODS | ASKING


def _empty(value: ast.expr) -> bool:
    """Whether it is something to count in: an empty list, a zero."""
    if isinstance(value, ast.Call):
        return called(value) in {"list", "deque", "Counter", "count"} and not value.args
    return (isinstance(value, ast.List) and not value.elts) or (isinstance(value, ast.Constant) and value.value == 0)


def _has_limit(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    given = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "limit")]
    return any(not (isinstance(value, ast.Constant) and value.value is None) for value in given)


def intercepts(node: Function | ast.ClassDef) -> bool:
    """Whether it is told of every statement: by an event, a log, or an execute() of its own."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and _INTERCEPTS.search(inner.value):
            return True
        if isinstance(inner, ast.Attribute) and _INTERCEPTS.fullmatch(inner.attr):
            return True
        if isinstance(inner, ast.Attribute) and inner.attr == "queries" and called(inner.value).startswith("conn"):
            return True
        if isinstance(inner, ast.Call) and called(inner) in {"setattr", "object", "patch"} and _patches(inner):
            return True
        if isinstance(inner, ast.ClassDef) and any("Cursor" in called(base) for base in inner.bases):
            return any(getattr(s, "name", "") in {"execute", "_execute"} for s in inner.body)
    return False


def _patches(call: ast.Call) -> bool:
    named = [str(a.value) for a in call.args if isinstance(a, ast.Constant)]
    owners = [called(a) for a in call.args if isinstance(a, ast.Name | ast.Attribute)]
    if any(re.search(r"(?:Cursor|Connection)\w*\.execute$", name) for name in named):
        return True
    return "execute" in named and any("Cursor" in owner or "Connection" in owner for owner in owners)


def names(node: ast.AST) -> set[str]:
    """Everything that is named in it, its parameters among them: they are fixtures."""
    found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    found |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    return found | {a.arg for n in ast.walk(node) if isinstance(n, ast.arguments) for a in [*n.posonlyargs, *n.args]}

"""Tests as pytest and unittest find them in Python sources: their names, marks, and why one never counts."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SKIPS = {"skip", "skipif", "skipIf", "skipUnless", "xfail", "expectedFailure"}
_LEAVES = {"skip", "skipTest", "xfail", "importorskip", "exit"}


@dataclass(frozen=True)
class PythonTest:
    """One test function or method."""

    path: str
    name: str
    """``Class::test``, as in a node id."""
    function: Function
    within: ast.ClassDef | None
    marks: frozenset[str]
    """Of pytest, its class's and module's among them, and tags of Django."""
    unittest: bool
    """Whether it is a method of a TestCase, which unittest and Django's runner find too."""
    idle: str
    """Why a failure of it is seen by nobody; empty if it is."""

    @property
    def audited(self) -> bool:
        """Whether it is a check of this package, or asks for a fixture of it: it runs in audits, and only there."""
        given = [a.arg for a in [*self.function.args.args, *self.function.args.kwonlyargs]]
        return "audit" in self.marks or any(name.startswith("audit_") for name in given)

    @property
    def place(self) -> str:
        """``tests/test_orders.py:12 test_list``."""
        return f"{self.path}:{self.function.lineno} {self.name}"


def collected(path: str, module: ast.Module) -> Iterator[PythonTest]:
    """The tests of a module, in its order.

    Args:
        path: Of its file.
        module: Parsed.
    """
    idle = _module_idle(module)
    marks = _assigned_marks(module.body)
    yield from _of_body(path, module.body, None, marks, idle or _idle_by(marks))


def called(node: ast.expr) -> str:
    """Last part of what a call, or a decorator, names: ``skip`` of ``pytest.mark.skip(...)``."""
    target = node.func if isinstance(node, ast.Call) else node
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""


def dotted(node: ast.expr) -> str:
    """The whole of it: ``pytest.mark.skip``."""
    target = node.func if isinstance(node, ast.Call) else node
    parts = []
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    return ".".join([*([target.id] if isinstance(target, ast.Name) else []), *reversed(parts)])


def idle_mark(node: ast.expr) -> str:
    """Why a test with this decorator or mark is idle; empty if it isn't."""
    name = called(node)
    if name not in _SKIPS or not dotted(node).startswith(("pytest.", "unittest.", "mark.", *_SKIPS)):
        return ""
    if name in {"xfail", "expectedFailure"}:
        return "is expected to fail"
    condition = node.args[0] if isinstance(node, ast.Call) and node.args else None
    if name == "skip":
        return "is skipped"
    # A condition that only the machine knows may well be false where CI runs.
    constant = isinstance(condition, ast.Constant)
    always = constant and bool(condition.value) is not (name == "skipUnless")  # type: ignore[union-attr]
    return "is skipped" if always and not isinstance(condition.value, str) else ""  # type: ignore[union-attr]


def leaves(statement: ast.stmt) -> bool:
    """Whether what follows this statement in its block is never reached."""
    if isinstance(statement, ast.Return | ast.Raise):
        return True
    value = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(value, ast.Await):
        value = value.value
    return isinstance(value, ast.Call) and called(value) in _LEAVES - {"importorskip"}


def never(condition: ast.expr) -> bool:
    """Whether a condition is false whatever happens."""
    if isinstance(condition, ast.Constant):
        return not condition.value
    return called(condition) == "TYPE_CHECKING"


def _of_body(
    path: str, body: Sequence[ast.stmt], within: ast.ClassDef | None, marks: Sequence[ast.expr], idle: str
) -> Iterator[PythonTest]:
    last = {s.name: s for s in body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    for statement in body:
        if isinstance(statement, ast.If):  # versions of one test, or of none
            inner = [] if never(statement.test) else statement.body
            yield from _of_body(path, [*inner, *statement.orelse], within, marks, idle)
        elif isinstance(statement, ast.ClassDef):
            yield from _of_class(path, statement, marks, idle)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name.startswith("test"):
            all_marks = [*marks, *statement.decorator_list]
            again = last[statement.name]
            why = idle or _idle_by(statement.decorator_list)
            if again is not statement:
                why = why or f"is defined again on line {again.lineno}"
            yield PythonTest(
                path=path,
                name=f"{within.name}::{statement.name}" if within else statement.name,
                function=statement,
                within=within,
                marks=frozenset(_names(all_marks)),
                unittest=within is not None and _is_case(within),
                idle=why,
            )


def _of_class(path: str, node: ast.ClassDef, marks: Sequence[ast.expr], idle: str) -> Iterator[PythonTest]:
    own = [*node.decorator_list, *_assigned_marks(node.body)]
    why = idle or _idle_by(own)
    if not why and not node.name.startswith("Test") and not _is_case(node):
        why = f"is in a class, {node.name}, in which nobody looks for tests"
    if not why and any(isinstance(s, ast.Assign) and _targets(s) == {"__test__"} for s in node.body):
        why = "is in a class with __test__"
    yield from _of_body(path, node.body, node, [*marks, *own], why)


def _is_case(node: ast.ClassDef) -> bool:
    return any("Test" in called(base) or called(base).endswith("Case") for base in node.bases)


def _module_idle(module: ast.Module) -> str:
    for statement in module.body:
        if isinstance(statement, ast.Expr) and leaves(statement):
            return f"is in a module that skips itself on line {statement.lineno}"
    return ""


def _assigned_marks(body: Sequence[ast.stmt]) -> list[ast.expr]:
    found: list[ast.expr] = []
    for statement in body:
        if isinstance(statement, ast.Assign) and "pytestmark" in _targets(statement):
            value = statement.value
            found += value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    return found


def _targets(statement: ast.Assign) -> set[str]:
    return {target.id for target in statement.targets if isinstance(target, ast.Name)}


def _idle_by(marks: Sequence[ast.expr]) -> str:
    return next((why for mark in marks if (why := idle_mark(mark))), "")


def _names(marks: Sequence[ast.expr]) -> Iterator[str]:
    for mark in marks:
        yield called(mark)
        if called(mark) == "tag" and isinstance(mark, ast.Call):
            yield from (a.value for a in mark.args if isinstance(a, ast.Constant) and isinstance(a.value, str))

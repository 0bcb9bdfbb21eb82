"""Which targets the bundled checks ask for, as far as their source tells: for who looks around and collects nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_backend_audit.runtime import Runtime

TARGET_OF = {
    "audit_postgres": "postgres",
    "audit_postgres_connect": "postgres",
    "audit_query_budget": "postgres",
    "audit_pgbouncer": "pgbouncer",
    "audit_redis": "redis",
    "audit_http": "http",
    "audit_identity": "http",
    "audit_endpoints": "http",
    "audit_load": "http",
    "audit_prometheus": "prometheus",
    "audit_faults": "faults",
    "audit_downstream": "downstream",
    "audit_queues": "queues",
}
"""Fixture -> the target that it can't do without."""


def wanted(audit: Runtime) -> dict[str, tuple[str, ...]]:
    """Target -> the dimensions that have a bundled check which asks for it, of those that this audit would run."""
    from pytest_backend_audit.bundled import suite_files, suites_root  # noqa: PLC0415 - heavy

    if audit.config is None:
        return {}
    policy, suites, root = audit.config.policy(), audit.config.suites, suites_root()
    found: dict[str, list[str]] = {}
    for dimension in audit.standard.dimensions:
        if suites == "all" or (suites != "none" and dimension.id in suites):
            files = [
                p for p in suite_files(root / dimension.folder) if p.stem.replace("_", "-") not in policy.leave_out
            ]
            texts = (path.read_text("utf-8") for path in files)
            for target in targets_in(texts, policy.sought.get(dimension.id, 5)):
                found.setdefault(target, []).append(dimension.id)
    return {target: tuple(dimensions) for target, dimensions in found.items()}


def targets_in(sources: Iterable[str], sought: int) -> set[str]:
    """The targets that checks ask for, themselves or by a fixture of their file.

    Args:
        sources: Texts of suite files.
        sought: The highest level that is sought: checks above it don't run.
    """
    return {TARGET_OF[name] for text in sources for name in _asked(ast.parse(text), sought) if name in TARGET_OF}


def _asked(tree: ast.Module, sought: int) -> Iterator[str]:
    functions = {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)}
    todo = [name for name, f in functions.items() if name.startswith("test_") and _lowest(f) <= sought]
    seen: set[str] = set()
    while todo:
        if (name := todo.pop()) not in seen:
            seen.add(name)
            yield name
            todo += _arguments(functions[name]) if name in functions else []


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def _lowest(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lowest level of a check's marks."""
    marks: Iterable[Mapping[str, object]] = (
        {k.arg: k.value.value for k in mark.keywords if k.arg and isinstance(k.value, ast.Constant)}
        for mark in function.decorator_list
        if isinstance(mark, ast.Call)
    )
    return min((level for mark in marks if isinstance(level := mark.get("level"), int)), default=1)

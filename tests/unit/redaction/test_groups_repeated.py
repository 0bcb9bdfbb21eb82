"""No pattern of ours repeats a group possessively: Python before 3.11.5 doesn't match what it should by one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("src", "audit_suites", "demo", "examples", "docs/_ext")

_QUANTIFIER = r"(?:[*+?]|\{\d*,?\d*\})\+"
_ON_GROUP = re.compile(rf"(?<!\\)(?:\\\\)*(\){_QUANTIFIER})")
_ON_INSERTED = re.compile(_QUANTIFIER)


def repeated_groups(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each possessive quantifier on a group, or on what an f-string inserts, in a module's texts."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in docstrings:
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            yield from ((node.lineno, found[1]) for found in _ON_GROUP.finditer(text))
        if isinstance(node, ast.JoinedStr):
            for before, after in zip(node.values, node.values[1:], strict=False):
                inserted = isinstance(before, ast.FormattedValue) and isinstance(after, ast.Constant)
                if inserted and (found := _ON_INSERTED.match(str(after.value))):
                    yield node.lineno, "{...}" + found[0]


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        (r're.compile(r"(?:ab|c)*+d")', [(1, ")*+")]),
        (r're.compile(rb"x(ab)++")', [(1, ")++")]),
        (r're.compile(r"x(ab)?+")', [(1, ")?+")]),
        (r're.compile(r"x(ab){2,3}+")', [(1, "){2,3}+")]),
        (r're.compile(r"(ab\\)*+")', [(1, ")*+")]),
        (r're.compile(rf"a{WORDS}*+")', [(1, "{...}*+")]),
        (r're.compile(r"[^)]*+(?>(?:ab)*)[ab]++")', []),
        (r're.compile(r"\(a\)*+")', []),
    ],
)
def test_the_search_tells_groups_from_characters(source: str, seen: list[tuple[int, str]]) -> None:
    """A class of characters, or an escaped bracket, may be repeated possessively: that works everywhere."""
    assert list(repeated_groups(source)) == seen


def test_no_group_is_repeated_possessively() -> None:
    """Atomic groups say the same: ``(?>(?:...)*)``."""
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 100
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in files
        for line, text in repeated_groups(path.read_text("utf-8"))
    ]
    assert found == []

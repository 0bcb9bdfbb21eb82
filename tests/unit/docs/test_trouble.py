"""The page of troubles names every usage error there is, and none that there isn't."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from pytest_backend_audit.standard.model import NEEDS_SIGN_OFF

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "src" / "pytest_backend_audit"
ERRORS = {"AuditUsageError", "UsageError", "GitError", "NoGitError", "NoRepositoryError"}
GAP = "\N{HORIZONTAL ELLIPSIS}"
"""Stands for what a message fills in."""
NAMED = {"NEEDS_SIGN_OFF": NEEDS_SIGN_OFF}
"""Constants that several messages share."""


def parsed() -> Iterator[ast.AST]:
    """Every node of the package's own code."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if not {"suites", "demo", "cli"} & set(path.relative_to(PACKAGE).parts):
            yield from ast.walk(ast.parse(path.read_text("utf-8")))


def piece(node: ast.expr) -> str:
    """A part of an f-string: its words, a constant's, or a gap."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    name = node.value.id if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name) else ""
    return NAMED.get(name, GAP)


def text_of(node: ast.expr) -> str:
    """A text of the source, with gaps where it fills something in; empty if it has no words of its own."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return " ".join(node.value.replace("`", "").split())
    if isinstance(node, ast.JoinedStr):
        return " ".join("".join(map(piece, node.values)).replace("`", "").split())
    return ""


def errors() -> list[str]:
    """Texts of all usage errors that have words of their own: others pass on what is checked elsewhere."""
    calls = (n for n in parsed() if isinstance(n, ast.Call) and n.args)
    names = ((n, getattr(n.func, "id", getattr(n.func, "attr", ""))) for n in calls)
    texts = (text_of(call.args[0]) for call, name in names if name in ERRORS)
    return sorted({t for t in texts if len(re.findall(r"[a-z]{3,}", t)) >= 3})


def rows() -> list[list[str]]:
    """Messages of the page, each as the pieces between its dots."""
    page = (ROOT / "docs" / "trouble.md").read_text("utf-8")
    cells = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    return [[" ".join(p.split()) for p in cell.split("...") if p.strip()] for cell in cells]


def tells(row: list[str], text: str) -> bool:
    """Whether a message of the page is this text: its pieces stand there, in order."""
    for piece in row:
        _, found, text = text.partition(piece.strip())
        if not found:
            return False
    return True


def test_every_usage_error_is_on_the_page() -> None:
    """A new one needs a row, with the way out."""
    assert len(errors()) > 30
    assert [text for text in errors() if not any(tells(row, text) for row in rows() if len("".join(row)) > 12)] == []


def test_every_message_on_the_page_is_one_of_ours() -> None:
    """Word for word, so that a search finds it."""
    texts = {t for n in parsed() if isinstance(n, ast.Constant | ast.JoinedStr) if (t := text_of(n))}
    assert [row for row in rows() if not any(tells(row, text) for text in texts)] == []

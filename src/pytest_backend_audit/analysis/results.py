"""What statements give back: how many rows a call, and whether all columns of a wide table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_HIDDEN = re.compile(
    r"--[^\n]*|/\*(?>(?:[^*]|\*(?!/))*)\*/|[eEbBxXnN]?'(?>(?:[^'\\]|''|\\.)*)'"
    r"|(?P<tag>\$[A-Za-z_]*\$)(?>(?:(?!(?P=tag))[\s\S])*)(?P=tag)"
)
_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
# What follows FROM, JOIN or a comma between tables; ONLY and the alias are no part of the name.
_TABLE = re.compile(
    rf"(?:\b(?:FROM|JOIN)\b|,)\s+(?:ONLY\s+)?({_NAME}(?:\s*\.\s*{_NAME})?)(?:\s+(?:AS\s+)?({_NAME}))?", re.IGNORECASE
)
# Of a SELECT list, of all tables or of one; not that of count(*), nor a product.
_STAR = re.compile(rf"(?:\bSELECT|\bDISTINCT|\bALL|,)\s+(?:({_NAME}(?:\s*\.\s*{_NAME})?)\s*\.\s*)?\*", re.IGNORECASE)
_NO_ALIAS = {
    "where", "join", "inner", "left", "right", "full", "cross", "natural", "on", "using", "group", "order", "limit",
    "offset", "fetch", "for", "union", "intersect", "except", "having", "window", "tablesample", "returning", "set",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as the server counted it."""

    id: str
    text: str
    calls: int
    rows: int

    @property
    def per_call(self) -> float:
        """Rows that a call gives, on average."""
        return self.rows / self.calls if self.calls else 0.0

    @property
    def shown(self) -> str:
        """On one line, of bounded length."""
        line = " ".join(self.text.split())
        return line if len(line) <= 160 else line[:157] + "..."


def many(statements: Iterable[Statement], most: float) -> dict[str, str]:
    """Statements that give more rows a call, by a name for each, with what is wrong."""
    return {
        f"statement {s.id}": f"{s.per_call:.0f} rows a call, in {s.calls} calls: {s.shown}"
        for s in statements
        if s.per_call > most
    }


def wide_reads(statements: Iterable[Statement], wide: Mapping[str, int]) -> dict[str, str]:
    """Statements that read all columns of a wide table by a star, by a name for each, with what is wrong.

    Args:
        statements: Any.
        wide: Wide tables, as ``schema.table`` with quotes where SQL needs them, and how many columns each has.
    """
    by_name: dict[str, str] = {}
    for table in wide:
        by_name[_plain(table)] = by_name[_plain(table).rpartition(".")[2]] = table
    found = {}
    for statement in statements:
        tables = _starred(statement.text)
        if known := next((by_name[t] for t in tables if t in by_name), None):
            found[f"statement {statement.id}"] = f"* of {known}, which has {wide[known]} columns: {statement.shown}"
    return found


def _starred(text: str) -> list[str]:
    """Tables of which a statement reads all columns; names without quotes in lower case, as the server takes them."""
    bare = _HIDDEN.sub(" ", text)
    stars = [_plain(star) if star else None for star in (m[1] for m in _STAR.finditer(bare))]
    if not stars:
        return []
    tables: list[str] = []
    for match in _TABLE.finditer(bare):
        name, alias = _plain(match[1]), _plain(match[2] or "")
        called = {name, name.rpartition(".")[2]} if not alias or alias in _NO_ALIAS else {alias}
        if None in stars or called & set(stars):
            tables.append(name)
    return tables


def _plain(name: str) -> str:
    parts = re.findall(_NAME, name)
    return ".".join(p[1:-1].replace('""', '"') if p.startswith('"') else p.lower() for p in parts)

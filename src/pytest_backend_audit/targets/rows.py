"""Statements and rows as evidence: what is kept of them, and in which form. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_backend_audit.redaction.forms import MARK
from pytest_backend_audit.redaction.patterns import names_secret

ROWS_LIMIT = 1000
"""Rows of one result that evidence keeps."""
CELL_LIMIT = 2000
"""Characters of one value that evidence keeps; EXPLAIN's single column is kept whole."""

_LITERALS = re.compile(
    r"--[^\n]*+|/\*(?>(?:[^*]|\*(?!/))*)\*/"  # comments stay
    r'|"(?>(?:[^"]|"")*)"'  # quoted identifiers stay
    r"|(?P<string>[eEbBxXnN]?'(?>(?:[^'\\]|''|\\.)*)'|(?P<tag>\$[A-Za-z_]*\$)(?>(?:(?!(?P=tag))[\s\S])*)(?P=tag))"
    r"|(?P<number>(?<![\w$.%])\d[\d_]*+(?:\.\d++)?(?:[eE][+-]?\d++)?(?!\w))"
)


def normalised(statement: str) -> str:
    """The statement with ``?`` for each string and number in it; names, comments and placeholders stay."""
    return _LITERALS.sub(lambda m: "?" if m["string"] or m["number"] else m[0], statement)


def tidy(statement: str) -> str:
    """Without common indentation and blank edges, as evidence shows it."""
    lines = statement.strip().splitlines()
    return "\n".join(
        line.strip() if n == 0 else re.sub(r"^\s{4,}", "    ", line.rstrip()) for n, line in enumerate(lines)
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """What a result was, whatever of it is kept."""

    columns: tuple[str, ...]
    count: int


def table(shape: Shape, rows: Iterable[Sequence[str | None]]) -> str:
    """Rows as text: a line of column names, a line a row; a single column without its frame."""
    lines = [] if len(shape.columns) == 1 and shape.count == 1 else [" | ".join(shape.columns)]
    single = len(shape.columns) == 1
    lines.extend(_cell(row[0], whole=True) if single else " | ".join(_cell(v) for v in row) for row in rows)
    if shape.count > ROWS_LIMIT:
        lines.append(f"... {shape.count - ROWS_LIMIT} more rows")
    return "\n".join(lines)


def digest(shape: Shape, rows: Iterable[Sequence[str | None]], key: bytes) -> str:
    """Shape, count and keyed digest, in place of rows that may hold personal data.

    Args:
        shape: Columns and number of rows.
        rows: The rows.
        key: The run's, so that equal results of one run can be told, and nothing can be guessed from outside it.
    """
    made = hmac.new(key, digestmod=hashlib.sha256)
    for row in rows:
        for value in row:
            made.update(b"\0" if value is None else b"\1" + value.encode("utf-8", "surrogatepass") + b"\2")
        made.update(b"\3")
    return f"columns: {', '.join(shape.columns)}\nrows: {shape.count}\nkeyed digest: {made.hexdigest()[:32]}"


def without_secrets(
    shape: Shape, rows: Iterable[Sequence[str | None]], texts: Sequence[bool] = ()
) -> Iterator[Sequence[str | None]]:
    """The rows with a mark in place of each value that stands in a column of a secret's name.

    Args:
        shape: Columns and number of rows.
        rows: The rows.
        texts: Which columns hold texts: a number, a date or a truth of such a name, as ``has_password``, is none.
            All of them, if not given.
    """
    hidden = {n for n, c in enumerate(shape.columns) if names_secret(c) and (not texts or texts[n])}
    if not hidden:
        yield from rows
        return
    for row in rows:
        yield [MARK if value and n in hidden else value for n, value in enumerate(row)]


def _cell(value: str | None, *, whole: bool = False) -> str:
    if value is None or whole:
        return "NULL" if value is None else value
    text = value if len(value) <= CELL_LIMIT else value[:CELL_LIMIT] + "..."
    return text.replace("\n", "\\n").replace("|", "\\|")

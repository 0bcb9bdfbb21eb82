"""Small pieces of Markdown, and docstrings as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def page(*parts: str) -> str:
    """Parts with an empty line between them."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(c) for c in line) + " |" for line in lines)


def cell(text: str) -> str:
    """A text as it may stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")


def fenced(text: str, language: str = "text") -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def entry(term: str, *paragraphs: str) -> str:
    """An entry of a definition list."""
    body = "\n\n".join(p.strip() for p in paragraphs if p.strip())
    indented = body.replace("\n", "\n  ")
    return f"{term}\n: {indented}"


def of_docstring(doc: str) -> str:
    """A docstring: literal blocks fenced, double backticks single, arguments as a list."""
    lines: list[str] = []
    inside = False
    for line in doc.splitlines():
        if inside and line and not line.startswith(" "):
            _close(lines)
            inside = False
        if line.rstrip() == "::":
            lines.append("```python")
            inside = True
        elif not (inside and not line and lines[-1] == "```python"):
            lines.append(line.removeprefix("    ") if inside else _prose(line))
    if inside:
        _close(lines)
    return "\n".join(lines).strip("\n")


def _close(lines: list[str]) -> None:
    while not lines[-1].strip():
        lines.pop()
    lines += ["```", ""]


def _prose(line: str) -> str:
    head = re.match(r"(Args|Returns|Raises|Yields):$", line)
    listed = f"\n**{head.group(1)}**\n" if head else re.sub(r"^    (\w[\w, ]*):", r"- `\1`:", line)
    return listed.replace("``", "`")

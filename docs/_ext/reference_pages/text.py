"""Small pieces of Markdown, and docstrings as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def page(*parts: str) -> str:
    """Parts with an empty line between them."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, in which names in backticks are not broken."""
    lines = [head, ["---"] * len(head), *rows]
    return "{.names}\n" + "\n".join("| " + " | ".join(cell(c) for c in line) + " |" for line in lines)


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


SECTION = re.compile(r"(Args|Returns|Raises|Yields):$")


def of_docstring(doc: str) -> str:
    """A docstring: literal blocks fenced, double backticks single, arguments as a list."""
    lines: list[str] = []
    inside = ""
    for line in doc.splitlines():
        if inside and line and not line.startswith(" "):
            _close(lines, inside)
            inside = ""
        if line.rstrip() == "::":
            lines.append("```python")
            inside = "block"
        elif section := SECTION.match(line):
            lines += [f"**{section.group(1)}**", ""]
            inside = "section"
        elif inside == "block":
            # Sphinx and we want the code itself, without the empty line before it.
            lines += [line.removeprefix("    ")] if line or lines[-1] != "```python" else []
        else:
            lines.append((_item(line) if inside else line).replace("``", "`"))
    if inside:
        _close(lines, inside)
    return "\n".join(lines).strip("\n")


def _close(lines: list[str], inside: str) -> None:
    while not lines[-1].strip():
        lines.pop()
    lines += ["```", ""] if inside == "block" else [""]


def _item(line: str) -> str:
    """A line of a section: the first of an argument begins a list item, the others go on with it."""
    text = line.removeprefix("    ")
    named = re.match(r"(\*{0,2}\w+): ", text)
    return (
        f"- `{named.group(1)}`: {text[named.end() :]}"
        if named
        else f"  {text.strip()}"
        if text != text.strip()
        else text
    )

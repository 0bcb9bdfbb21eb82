"""YAML text as plain values, with the line of each and the text it was written as.

What people write by hand is read here once and strictly, for audit.yaml and for a standard's data alike. Scalars follow
the core schema of YAML 1.2, so that ``no`` and ``2026-11-24`` stay texts and ``012`` is twelve; keys are always texts,
so that ``4.6: 4`` names dimension 4.6. Aliases, tags, duplicate keys and anything large or deep are refused.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from pytest_backend_audit.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path as FilePath

MAX_BYTES = 1 << 20
"""Size of the largest file that is read. Bytes; a standard of 150 rows takes about 80,000."""
MAX_DEPTH = 40
"""Mappings and lists inside each other."""
MAX_NODES = 20_000
"""Keys and values in one file."""

Path = tuple[str | int, ...]
"""Keys and list positions that lead from the root to a value."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,100}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")
_NUMERIC = frozenset("+-.0123456789")
"""How a number begins."""
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class YamlError(ValueError):
    """The text is not YAML of the kind that we read; `problems` names each place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A file's values, and where each stands."""

    path: str
    """The file as messages name it."""
    data: Any
    """Mappings with text keys, lists, texts, integers, floats, booleans and None; None for an empty file."""
    lines: Mapping[Path, int]
    """Line of each key, or of each item of a list, counted from 1. The root's path is ``()``."""
    scalars: Mapping[Path, str]
    """Each scalar as written, without quotes: the exact source of a number."""

    def line(self, path: Path) -> int:
        """Line of the value at `path`, or of the nearest value around it that exists."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def problem(self, path: Path, message: str) -> Problem:
        """A problem with the value at `path`."""
        return Problem(self.path, self.line(path), dotted(path), message)


def dotted(path: Path) -> str:
    """The path as a person would write it: ``endpoints[0].path``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{shown(step)}" if text else shown(step)
    return text


def shown(text: str) -> str:
    """A text as messages show it: at most 80 characters, with what a terminal might obey escaped."""
    short = text if len(text) <= 80 else f"{text[:79]}…"
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in short)


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean "x"?`` with the nearest of the known names, or an empty text."""
    names = list(known)
    found = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    # What was cut short, or written out: "conditional" for a disposition, "production" for prod.
    found = found or [n for n in names if min(len(n), len(word)) > 3 and (n.startswith(word) or word.startswith(n))]
    return f'; did you mean "{found[0]}"?' if found else ""


def allowed(word: str, known: Iterable[str]) -> str:
    """The nearest of the known names as `nearest` says it, else all of them: ``; allowed are a, b``."""
    names = list(known)
    return nearest(word, names) or f"; allowed are {', '.join(names)}"


def read(file: FilePath, path: str | None = None) -> YamlDocument:
    """Read a file.

    Args:
        file: Where it is.
        path: How messages name it; by default as `file` is written.

    Raises:
        YamlError: It can't be read, or is not YAML of the kind that we read.
    """
    name = path if path is not None else str(file)
    try:
        if not file.is_file():
            reason = "is a folder, not a file" if file.is_dir() else "there is no such file"
            raise YamlError([Problem(name, None, "", reason)])
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise YamlError([Problem(name, None, "", f"can't be read: {reason}")]) from error
    return parse(raw, name)


def parse(text: str | bytes, path: str) -> YamlDocument:
    """Read YAML text.

    Args:
        text: The file's content; bytes must be UTF-8.
        path: How messages name the file.

    Raises:
        YamlError: With every duplicate key, alias and tag at once; what stops the reading stands alone.
    """
    clean = _decoded(text, path)
    try:
        return _Builder(path).build(yaml.parse(clean, Loader=_FAST))
    except yaml.YAMLError:
        # The C parser words its errors in its own way; the Python one decides what users read everywhere.
        try:
            return _Builder(path).build(yaml.parse(clean, Loader=yaml.SafeLoader))
        except yaml.YAMLError as error:
            raise YamlError([_syntax_problem(error, clean, path)]) from error


_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _decoded(text: str | bytes, path: str) -> str:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BYTES:
        raise YamlError([Problem(path, None, "", f"larger than {MAX_BYTES:,} bytes, the most that is read")])
    try:
        clean = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise YamlError([Problem(path, line, "", message)]) from error
    clean = clean.removeprefix("\ufeff")
    if found := yaml.reader.Reader.NON_PRINTABLE.search(clean):
        line = clean.count("\n", 0, found.start()) + 1
        message = f"character U+{ord(found[0]):04X} is not allowed in YAML"
        raise YamlError([Problem(path, line, "", message)])
    return clean


def _syntax_problem(error: yaml.YAMLError, text: str, path: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or str(error)
    if mark is None:
        return Problem(path, None, "", f"not YAML: {what}")
    lines = text.split("\n")
    source = lines[mark.line] if mark.line < len(lines) else ""
    indent = source[: len(source) - len(source.lstrip())]
    if "\t" in indent or "'\\t'" in what:
        return Problem(path, mark.line + 1, "", "a tab where YAML wants spaces; indent with spaces")
    return Problem(path, mark.line + 1, "", f"not YAML: {what}")


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    path: Path
    value: dict[str, Any] | list[Any]
    key: str | None = None
    """The key that waits for its value."""
    dropped: bool = False
    """Whether `key` is a repeated one, whose value is read and left out."""
    first: dict[str, int] = field(default_factory=dict)
    """Line of each key."""


class _Builder:
    """Builds the values from the parser's events, so that no limit is passed before it is seen."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines: dict[Path, int] = {}
        self.scalars: dict[Path, str] = {}
        self.problems: list[Problem] = []
        self.stack: list[_Open] = []
        self.root: Any = None
        self.documents = 0
        self.nodes = 0

    def build(self, events: Iterator[Any]) -> YamlDocument:
        for event in events:
            self._take(event)
        if self.problems:
            raise YamlError(self.problems)
        self.lines.setdefault((), 1)
        return YamlDocument(self.path, self.root, self.lines, self.scalars)

    def _take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._stop(line, "a second document starts here; one file holds one document")
        elif isinstance(event, yaml.NodeEvent):
            self._count(line)
            if isinstance(event, yaml.AliasEvent):
                self._refuse(line, f'alias "*{event.anchor}" is not allowed; write the value out')
                self._scalar("", line, plain=True)
            else:
                self._node(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()

    def _node(self, event: Any, line: int) -> None:
        if event.anchor is not None:
            self._refuse(line, f'anchor "&{event.anchor}" is not allowed; write each value out')
        if event.tag is not None:
            self._refuse(line, f'tag "{_short_tag(event.tag)}" is not allowed; write the value without it')
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event.value, line, plain=not event.style)
        else:
            self._open({} if isinstance(event, yaml.MappingStartEvent) else [], line)

    def _count(self, line: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._stop(line, f"more than {MAX_NODES:,} keys and values, the most that is read")

    def _open(self, value: dict[str, Any] | list[Any], line: int) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self._stop(line, f"nested more than {MAX_DEPTH} deep")
        if self._wants_key():
            self._stop(line, "a list or mapping can't be a key; keys are texts")
        self.stack.append(_Open(self._place(value, line), value))

    def _scalar(self, source: str, line: int, *, plain: bool) -> None:
        if self._wants_key():
            self._key(source, line)
            return
        path = self._place(_resolved(source) if plain else source, line)
        self.scalars[path] = source

    def _wants_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def _key(self, name: str, line: int) -> None:
        top = self.stack[-1]
        top.key = name
        top.dropped = name in top.first
        if top.dropped:
            message = f"duplicate key, first on line {top.first[name]}; keep one of the two"
            self.problems.append(Problem(self.path, line, dotted((*top.path, name)), message))
        else:
            top.first[name] = line

    def _place(self, value: Any, line: int) -> Path:
        """Hang a value where it belongs, and return its path."""
        if not self.stack:
            self.root = value
            self.lines[()] = line
            return ()
        top = self.stack[-1]
        if isinstance(top.value, list):
            path: Path = (*top.path, len(top.value))
            top.value.append(value)
        else:
            key = top.key or ""
            path = (*top.path, key)
            line = top.first[key]
            if not top.dropped:
                top.value[key] = value
            top.key = None
        self.lines.setdefault(path, line)
        return path

    def _refuse(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.path, line, self._here(), message))

    def _stop(self, line: int, message: str) -> None:
        raise YamlError([*self.problems, Problem(self.path, line, "", message)])

    def _here(self) -> str:
        if not self.stack:
            return ""
        top = self.stack[-1]
        if isinstance(top.value, list):
            return dotted((*top.path, len(top.value)))
        return dotted(top.path if top.key is None else (*top.path, top.key))


def _resolved(source: str) -> Any:
    """The value of an unquoted scalar."""
    if source in _NULLS:
        return None
    if source in _BOOLEANS:
        return _BOOLEANS[source]
    if source[0] not in _NUMERIC:
        return source
    if _INTEGER.fullmatch(source):
        return int(source)
    if _FLOAT.fullmatch(source) and math.isfinite(number := float(source)):
        return number
    return source


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!", 1)

"""What a tree's sqlc configuration names, what sqlc says of its queries, and whether CI asks it."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from pytest_backend_audit.analysis.ci_files import Command
from pytest_backend_audit.analysis.ci_tasks import bounded

_CONFIG = re.compile(r"(?:.+/)?sqlc\.(?:ya?ml|json)")
_OTHERS = re.compile(r"(?:^|/)(?:vendor|node_modules|third_party|testdata)/")
_KEPT = ("engine", "schema", "queries", "strict_function_checks", "strict_order_by", "name", "path")
"""Keys that say what the queries are and mean; the others generate code, run programs, or reach databases."""
_GO_KEPT = re.compile(r"emit_|sql_|output_|query_|json_|omit_|overrides|rename|inflection|initialisms|build_tags")
_QUERY = re.compile(r"^\s*(?:--|/\*|#)\s*name:\s*(\w+)\s+:\w+", re.MULTILINE)
_ERROR = re.compile(r"^(\S.*?):(\d+):(\d+): (.+)$")
_VERSION = re.compile(r"^//\s+sqlc (v\S+)$", re.MULTILINE)
# sqlc itself, go run or go tool of it, its image, its hook; options may stand before the word that says what to do.
_ASKED = re.compile(
    r"(?:^|[\s/\"'])sqlc(?:[:@][\w.-]+)?[\"']?(?:\s+(?:-f|--file)(?:\s+|=)(?P<file>\S+)|\s+--?(?:no-)?remote)*"
    r"(?:\s+|(?<=^sqlc)-)(?P<what>compile|diff|vet|generate|verify)\b(?P<rest>.*)"
)
_FILE = re.compile(r"(?:-f|--file)(?:\s+|=)(\S+)")
GENERATES = re.compile(r"go generate\b")
"""A command of CI that runs what `DIRECTIVE` finds in Go's sources."""
DIRECTIVE = r"^//go:generate\s.*\bsqlc\b.*\b(?:generate|compile|diff|vet)\b"
_INTO = re.compile(r"^(?:cd|pushd)\s+[\"']?([^\s\"']+)")


@dataclass(frozen=True, slots=True)
class Configuration:
    """One sqlc.yaml."""

    path: str
    inputs: tuple[str, ...]
    """Files, folders or globs of schemas and queries, from the top of the tree."""
    queries: tuple[str, ...]
    """Of these, the queries."""
    outputs: tuple[str, ...]
    """Folders of generated Go code."""
    compiles: str
    """The same configuration as JSON, for ``sqlc compile`` alone: it runs no plugin and reaches no database."""
    compares: str
    """Of it what generates Go code, for ``sqlc diff``; empty if there is none."""

    @property
    def folder(self) -> str:
        """In which it stands."""
        return posixpath.dirname(self.path)


@dataclass(frozen=True, slots=True)
class Fault:
    """What sqlc holds against a query, or a schema."""

    path: str
    line: int
    query: str
    """Its name; empty where it is no query's."""
    text: str

    @property
    def item(self) -> str:
        """What names it: file and query."""
        return f"{self.path}:{self.query}" if self.query else self.path

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {f'{self.query}: ' if self.query else ''}{self.text}"


def configurations(paths: Iterable[str]) -> list[str]:
    """Files that configure sqlc, but for other people's."""
    return sorted(path for path in paths if _CONFIG.fullmatch(path) and not _OTHERS.search(path))


def configuration(path: str, text: str) -> Configuration:
    """Reads one.

    Raises:
        ValueError: It has no packages, or is none of sqlc's.
    """
    try:
        bounded(text)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is too large, or repeats itself, to be a configuration") from None
    blocks = (data.get("sql") or data.get("packages") or []) if isinstance(data, dict) else []
    if not isinstance(blocks, list) or not blocks or not all(isinstance(b, dict) for b in blocks):
        raise ValueError(f"{path} configures no queries (sql, or packages in version 1)")
    folder = posixpath.dirname(path)
    schemas = [p for b in blocks for p in _paths(folder, b.get("schema"))]
    queries = [p for b in blocks for p in _paths(folder, b.get("queries"))]
    if away := [p for p in (*schemas, *queries) if _outside(p)]:
        raise ValueError(f"{path} names files outside the tree: {away[0]}")
    second = "packages" not in data
    go = [_go(b) if second else b for b in blocks]
    made = [_paths(folder, b.get("out" if second else "path")) for b in go]
    go = [b if out and not any(map(_outside, out)) else {} for b, out in zip(go, made, strict=True)]
    outputs = [p for b, out in zip(go, made, strict=True) if b for p in out]
    return Configuration(
        path=path,
        inputs=tuple(dict.fromkeys([*schemas, *queries])),
        queries=tuple(dict.fromkeys(queries)),
        outputs=tuple(dict.fromkeys(outputs)),
        compiles=_reduced(data, blocks, generated=False),
        compares=_reduced(data, [b for b, out in zip(blocks, go, strict=True) if out], generated=True),
    )


def _paths(folder: str, value: Any) -> list[str]:
    found = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [posixpath.normpath(posixpath.join(folder, str(path))) for path in found]


def _outside(path: str) -> bool:
    return path.startswith(("../", "/")) or path == ".."


def _go(block: Mapping[str, Any]) -> Mapping[str, Any]:
    found = block["gen"].get("go") if isinstance(block.get("gen"), dict) else None
    return found if isinstance(found, dict) else {}


def _reduced(data: Mapping[str, Any], blocks: list[Any], *, generated: bool) -> str:
    if not blocks:
        return ""
    if "packages" in data:
        kept = [{k: v for k, v in b.items() if k in _KEPT or _GO_KEPT.match(k)} for b in blocks]
        made = {"version": "1", "packages": kept}
    else:
        kept = [{k: v for k, v in b.items() if k in _KEPT} for b in blocks]
        # Without anything to generate, sqlc looks at nothing, and calls it good.
        for block, given in zip(kept, blocks, strict=True):
            block["gen"] = {"go": _go(given)} if generated else {"json": {"out": "."}}
        made = {"version": "2", "sql": kept}
    more = {k: v for k, v in data.items() if k in {"overrides", "rename"}} if generated or "packages" in data else {}
    return json.dumps({**made, **more}, indent=1)


def named(wanted: Iterable[str], paths: Collection[str], ending: str = ".sql") -> list[str]:
    """Files of the tree that are named: themselves, by a glob, or by a folder that they stand in and their ending."""
    found: set[str] = set()
    for name in wanted:
        folder = "" if name == "." else name
        glob = re.compile("".join({"*": "[^/]*", "?": "[^/]"}.get(c, re.escape(c)) for c in name))
        for path in paths:
            inside = path.endswith(ending) and posixpath.dirname(path) == folder
            if inside or glob.fullmatch(path):
                found.add(path)
    return sorted(found)


def query_names(text: str) -> list[tuple[int, str]]:
    """Line and name of each query in a file of queries."""
    return [(text.count("\n", 0, m.start(1)) + 1, m[1]) for m in _QUERY.finditer(text)]


def faults(output: str, folder: str, texts: Mapping[str, str]) -> list[Fault]:
    """What ``sqlc compile`` holds against queries and schemas.

    Args:
        output: What it wrote to standard error.
        folder: Of the configuration; it names files from there.
        texts: Files of queries -> text.
    """
    found: dict[Fault, None] = {}
    for line in output.splitlines():
        if match := _ERROR.match(line):
            path = posixpath.normpath(posixpath.join(folder, match[1]))
            name = ""
            for at, query in query_names(texts.get(path, "")):
                name = query if at <= int(match[2]) else name
            found[Fault(path, int(match[2]), name, match[4])] = None
    return list(found)


def made_by(texts: Iterable[str]) -> str:
    """The version of sqlc that generated some files, if it is one and the same."""
    versions = {match[1] for text in texts if (match := _VERSION.search(text))}
    return versions.pop() if len(versions) == 1 else ""


def asks(commands: Iterable[Command], config: Configuration, alone: bool) -> Iterator[Command]:
    """Commands of CI that have sqlc look at the queries of a configuration.

    Args:
        commands: All of CI's.
        config: The configuration.
        alone: Whether the tree has no other one; then any of these commands is about it.
    """
    place, into = "", ""
    for command in commands:
        if place != f"{command.path} {command.job}":
            place, into = f"{command.path} {command.job}", ""
        if move := _INTO.match(command.text):
            into = posixpath.join(into, move[1])
        match = _ASKED.search(command.text)
        if match is None or re.search(r"\b(?:install|--help)\b", command.text):
            continue
        file = match["file"] or (_FILE.search(match["rest"]) or [None, ""])[1]
        unsure = alone or "$" in f"{file}{into}"
        where = posixpath.normpath(posixpath.join(command.folder, into, file or "sqlc"))
        if unsure or (where == config.path if file else posixpath.dirname(where) == config.folder):
            yield command

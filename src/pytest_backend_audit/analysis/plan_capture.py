"""Whether what CI runs captures plans, by a command of its own or by a file of the repository that one runs."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pytest_backend_audit.analysis.ci_files import Command
from pytest_backend_audit.analysis.own_audits import is_audit, lacks

_OPTIONS = "analyze|analyse|verbose|costs|settings|generic_plan|buffers|wal|timing|summary|format"
_VERBS = "analyze|analyse|verbose|select|with|insert|update|delete|merge|execute|values|table"
_CAPTURES = re.compile(
    rf"\bauto_explain\b|\bEXPLAIN\s*[({{%$]|(?i:\bexplain\s*\(\s*(?:{_OPTIONS})\b)|(?i:\bexplain\s+(?:{_VERBS})\b)"
)
# Django's, which other things have a method's name in common with: it stands by what holds the statement.
_EXPLAINS = re.compile(r"\.explain\(")
_QUERIES = re.compile(r"objects\b|query_?set|\bqs\b|\bquery\b|connection\b|\bwhere\(", re.IGNORECASE)
BESIDE = 5
"""Lines before a call, in which the rest of it may stand."""
DIMENSION = "4.1"
"""An audit by this package that has it puts the plans of the top statements into its evidence."""
_COMMENT = re.compile(r"\s*(?:#|//|-- |\*|<!--)")
# They look at files, and run nothing of what these say.
_LOOKERS = re.compile(
    r"(?:python3? -m )?(?:ruff|black|mypy|flake8|pylint|eslint|prettier|shellcheck|sqlfluff|cp|mv|rm|ls|git|tar"
    r"|[ef]?grep|rg|ag|sed|[gm]?awk|cat|find|diff)\b"
)
# What runs what another command looks up or writes out.
_FEEDS = re.compile(r"\b(?:psql|xargs)\b|\s-exec(?:dir)?\s")
_TESTS = re.compile(r"\b(?:pytest|py\.test|unittest|rspec|nose2|phpunit|jest|mocha|vitest|go test)\b")
_NAMES = re.compile(r"[\w./-]+")
_RUNS = (".py", ".sql", ".rb", ".js", ".ts", ".go", ".php", ".ini", ".toml", ".yml", ".yaml", ".sh")
"""Ends of the names of files in which a run's statements or settings stand."""
_ASLEEP = ("runs only on", "when: ", "if: false", "no other workflow", "no job extends")
"""Words of `ci_files` for what does not run by itself; that a failure is ignored stops no plan from being captured."""
DEEP = 3
"""Files that name one another."""
MOST_FILES = 200
"""Files of one command that are read."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A command of CI that captures plans, and the line that does."""

    command: Command
    path: str
    line: int
    audit: bool = False
    """Whether it is an audit by this package, which captures plans of what audit.yaml declares only."""
    lacks: str = ""
    """Why such an audit captures none; empty where it may."""

    @property
    def asleep(self) -> str:
        """Why it does not capture by itself; empty where it does."""
        return self.command.ignored if self.command.ignored.startswith(_ASLEEP) else self.lacks

    @property
    def begun(self) -> tuple[str, int]:
        """Where CI's own file has what leads here."""
        path, _, line = (self.command.through or f"{self.command.path}:{self.command.line}").rpartition(":")
        return path, int(line)

    def __str__(self) -> str:
        path, line = self.begun
        by = f" by {self.path}:{self.line}" if (path, line) != (self.path, self.line) else ""
        return f"job {self.command.job or 'without a name'} ({path}:{line}){by}"


@dataclass(slots=True)
class _Tree:
    """The repository's files, and those that were looked at."""

    paths: Collection[str]
    read: Callable[[str], str]
    looked: set[str] = field(default_factory=set)

    def below(self, folder: str) -> list[str]:
        """Files in a folder and its folders."""
        return sorted(path for path in self.paths if path.startswith(f"{folder}/"))


def capturing(
    commands: Sequence[Command],
    paths: Collection[str],
    read: Callable[[str], str],
    suites: str | Collection[str] = "all",
) -> list[Capture]:
    """The commands that capture plans, of each job the first; whether they run by themselves or not.

    Args:
        commands: All that CI runs.
        paths: The repository's files.
        read: Gives the text of one.
        suites: The bundled checks that audit.yaml asks for: all, none, or dimensions.
    """
    there = frozenset(paths)
    found: dict[tuple[str, str, str, bool], Capture] = {}
    for command, after in pairwise([*commands, None]):
        if command is None:
            continue
        beside = after.text if after and (after.path, after.line) == (command.path, command.line) else ""
        fed = _FEEDS.search(f"{command.text}\n{beside}") is not None
        if is_audit(command.text):
            why = lacks(command.text, DIMENSION, suites)
            capture = Capture(command, command.path, command.line, audit=True, lacks=why)
        elif place := _place(command, _Tree(there, read), fed):
            capture = Capture(command, *place)
        else:
            continue
        found.setdefault((capture.begun[0], command.job, capture.asleep, capture.audit), capture)
    return list(found.values())


def _place(command: Command, tree: _Tree, fed: bool) -> tuple[str, int] | None:
    if not fed and _LOOKERS.match(command.text):
        return None
    explains = _EXPLAINS.search(command.text) and _QUERIES.search(command.text)
    if explains or _CAPTURES.search(command.text):
        return command.path, command.line
    return _first(_named(command.text, command.folder, tree), command.folder, tree, DEEP)


def _first(names: Iterator[str], folder: str, tree: _Tree, left: int) -> tuple[str, int] | None:
    """Where the first of these files captures plans, or one that it names."""
    for name in names:
        if name in tree.looked or len(tree.looked) >= MOST_FILES:
            continue
        tree.looked.add(name)
        whole = tree.read(name)
        told = _docstrings(whole) if name.endswith(".py") else frozenset()
        written = whole.splitlines()
        lines = [(n, t) for n, t in enumerate(written, 1) if n not in told and not _COMMENT.match(t)]
        for number, text in lines:
            near = "\n".join(written[max(number - 1 - BESIDE, 0) : number])
            if _CAPTURES.search(text) or (_EXPLAINS.search(text) and _QUERIES.search(near)):
                return name, number
        inner = (found for _, text in lines for found in _named(text, folder, tree))
        if left > 1 and (place := _first(inner, folder, tree, left - 1)):
            return place
    return None


def _docstrings(text: str) -> frozenset[int]:
    """Lines of a program in Python that only describe it; none if it can't be read."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found: set[int] = set()
    for node in nodes:
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                found.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return frozenset(found)


def _named(text: str, folder: str, tree: _Tree) -> Iterator[str]:
    """Files that a command names and so runs; where it runs tests, also those of the folders that it names."""
    words = _NAMES.findall(text)
    for module in re.findall(r"-m\s+([\w.]+)", text):
        stem = module.replace(".", "/")
        words += [f"{root}{stem}{end}" for root in ("", "src/") for end in (".py", "/__main__.py")]
    tests = _TESTS.search(text) is not None
    found = []
    for word in words:
        for path in dict.fromkeys(posixpath.normpath(posixpath.join(at, word)) for at in (folder, "")):
            if path in tree.paths:
                found.append(path)
            elif tests and path != ".":
                found += tree.below(path)
    if tests and not found:
        found = [p for name in ("tests", "test") for p in tree.below(posixpath.normpath(posixpath.join(folder, name)))]
    yield from (path for path in found if path.endswith(_RUNS))

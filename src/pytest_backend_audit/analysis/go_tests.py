"""Tests in Go that bound how many statements a request costs, and the commands of CI that run them.

A bound is a mocked database (sqlmock, pgxmock), which refuses statements that the test does not expect, where the test
looks at the answer; or a comparison of what a tracer or driver of the tests' own has counted.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pytest_backend_audit.analysis.budget_tests import Budgeted
from pytest_backend_audit.analysis.ci_files import Command
from pytest_backend_audit.analysis.runs_of_tests import within
from pytest_backend_audit.analysis.sent_requests import UNKNOWN, Request

TOKENS = (
    r"\.Expect(?:Query|Exec|Prepare)\(|TraceQueryStart|QueryerContext|ExecerContext|sqlhooks|BeforeQuery"
    r"|(?i:quer(?:y|ies)|statements?|stmts?)\w*\s*(?:>|!=)|(?:assert|require)\.\w+\([^\n]*(?i:quer(?:y|ies)|statements?)"
)
"""Regular expression of what stands in a test file in which statements are bounded, or a helper counts them."""
_LITERAL = r"\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`"
_PIECES = re.compile(rf"(?P<comment>//[^\n]*|/\*.*?\*/)|{_LITERAL}|'(?:[^'\\\n]|\\.)+'|(?P<brace>[{{}}])", re.DOTALL)
_FUNCTION = re.compile(r"^func (?:\([^)]*\) )?(\w+)\(", re.MULTILINE)
_BUILD = re.compile(r"^//go:build (\w+)\s*$", re.MULTILINE)
_MOCKED = re.compile(r"\.Expect(?:Query|Exec|Prepare)\(")
_LOOKED_AT = re.compile(r"\.(?:Code|StatusCode)\b|\bNoError\(|\berr != nil")
_COUNTED = r"[^\n{]*(?i:quer(?:y|ies)|statement|stmt|round_?trip)\w*[^\n{]*"
_COMPARED = re.compile(
    rf"\bif {_COUNTED}(?:>=?|!=)[^\n{{]*\{{\s*[^}}]*?\bt\.(?:Error|Fatal|Fail)"
    rf"|\b(?:assert|require)\.(?:Equal|EqualValues|Len|Less|LessOrEqual|Exactly)f?\(t,{_COUNTED}"
)
_METHOD = re.compile(
    r"\.Method(Get|Post|Put|Patch|Delete)\b|\"(GET|POST|PUT|PATCH|DELETE)\"|\.(Get|Post|Put|Patch|Delete)\("
)
_ADDED = re.compile(rf"\s*\+\s*({_LITERAL}|[\w.]+(?:\([^()\n]*\))?)")
_VERB = re.compile(r"%[-+# 0-9.]*[a-zA-Z]")
_VALUES = {
    "-run",
    "-skip",
    "-tags",
    "-count",
    "-timeout",
    "-coverprofile",
    "-covermode",
    "-coverpkg",
    "-p",
    "-parallel",
}


@dataclass(frozen=True)
class GoTest:
    """One test function."""

    path: str
    name: str
    line: int
    marks: frozenset[str]
    """Its file's build tag, and ``-short`` if it leaves itself out of short runs."""
    idle: str

    @property
    def place(self) -> str:
        """``orders/orders_test.go:12 TestList``."""
        return f"{self.path}:{self.line} {self.name}"


@dataclass(frozen=True)
class GoRun:
    """One command that runs tests in Go."""

    command: Command
    packages: tuple[str, ...] = (".",)
    """Folders from that of the command; with ``...`` those below, too."""
    only: str = ""
    without: str = ""
    short: bool = False
    tags: frozenset[str] = frozenset()

    def leaves_out(self, test: object) -> str:
        """Why it does not run a test; empty if it does."""
        if not isinstance(test, GoTest):
            return "runs tests in Go"
        folder = posixpath.dirname(test.path)
        if not any(self._holds(package, folder) for package in self.packages):
            return "looks elsewhere"
        if self.only and not re.search(self.only.partition("/")[0], test.name):
            return f"-run {shlex.quote(self.only)}"
        if self.without and re.search(self.without, test.name):
            return f"-skip {shlex.quote(self.without)}"
        if self.short and "-short" in test.marks:
            return "-short"
        missing = sorted(test.marks - {"-short"} - self.tags)
        return f"lacks -tags {','.join(missing)}" if missing else ""

    def _holds(self, package: str, folder: str) -> bool:
        if not package.startswith("."):  # by the module's name
            return True
        place = posixpath.normpath(posixpath.join(self.command.folder, package.removesuffix("...")))
        place = "" if place == "." else place
        return within(folder, place) if package.endswith("...") else folder == place


def runs(commands: Iterable[Command]) -> list[GoRun]:
    """Those of CI's commands that run tests in Go."""
    found = []
    for command in commands:
        try:
            words = shlex.split(command.text)
        except ValueError:
            words = command.text.split()
        names = [posixpath.basename(word) for word in words]
        at = next((n for n, name in enumerate(names) if name == "go" and names[n + 1 : n + 2] == ["test"]), None)
        if at is not None:
            found.append(_run(command, words[at + 2 :], "."))
        elif "gotestsum" in names and "install" not in names:
            rest = words[names.index("gotestsum") + 1 :]
            found.append(_run(command, rest[rest.index("--") + 1 :] if "--" in rest else [], "./..."))
    return found


def read(sources: Mapping[str, str]) -> list[Budgeted]:
    """The tests with a bound in these sources.

    Args:
        sources: Path -> text, of files named ``*_test.go``.
    """
    files = {path: list(_functions(text)) for path, text in sources.items()}
    packages: dict[str, dict[str, str]] = {}
    for path, functions in files.items():
        helpers = packages.setdefault(posixpath.dirname(path), {})
        helpers.update({name: body for name, _, body in functions if not name.startswith("Test")})
    found = []
    for path, functions in files.items():
        tag = _BUILD.search(sources[path])
        for name, line, body in functions:
            if not re.match(r"Test(?![a-z])", name):
                continue
            whole = _with_helpers(body, packages[posixpath.dirname(path)])
            if not ((_MOCKED.search(whole) and _LOOKED_AT.search(whole)) or _COMPARED.search(whole)):
                continue
            marks = {tag[1]} if tag else set()
            if re.search(r"testing\.Short\(\)", body):
                marks.add("-short")
            idle = "is skipped" if re.search(r"^\tt\.Skip(?:f|Now)?\(", body, re.MULTILINE) else ""
            found.append(Budgeted(GoTest(path, name, line, frozenset(marks), idle), frozenset(_requests(whole))))
    return found


def _run(command: Command, words: list[str], all_of_them: str) -> GoRun:
    options: dict[str, str] = {}
    packages: list[str] = []
    left = list(words)
    while left:
        name, equals, value = left.pop(0).partition("=")
        name = name.replace("--", "-") if name.startswith("--") else name
        if not name.startswith("-"):
            packages.append(name)
        else:
            options[name] = value if equals or name not in _VALUES or not left else left.pop(0)
    return GoRun(
        command,
        tuple(packages) or (all_of_them,),
        options.get("-run", ""),
        options.get("-skip", ""),
        short="-short" in options and options["-short"] != "false",
        tags=frozenset(filter(None, options.get("-tags", "").split(","))),
    )


def _functions(text: str) -> Iterator[tuple[str, int, str]]:
    """Name, line and body of each function, without comments."""
    plain = _PIECES.sub(lambda m: re.sub(r"[^\n]", " ", m[0]) if m["comment"] else m[0], text)
    for match in _FUNCTION.finditer(plain):
        depth, begin = 0, match.end()
        for piece in _PIECES.finditer(plain, match.end()):
            if piece["brace"] == "{":
                begin, depth = (piece.end(), 1) if depth == 0 else (begin, depth + 1)
            elif piece["brace"]:
                depth -= 1
                if depth == 0:
                    yield match[1], plain.count("\n", 0, match.start()) + 1, plain[begin : piece.start()]
                    break


def _with_helpers(body: str, helpers: Mapping[str, str]) -> str:
    """A body, and those of the tests' own functions that it calls."""
    called = dict.fromkeys(name for name in re.findall(r"\b(\w+)\(", body) if name in helpers)
    return "\n".join([body, *(helpers[name] for name in called)])


def _requests(body: str) -> Iterator[Request]:
    taken = 0
    for match in re.finditer(_LITERAL, body):
        path = re.sub(r"^https?://[^/]*", "", match[0][1:-1])
        if match.start() < taken or not path.startswith("/"):
            continue
        taken = match.end()
        while more := _ADDED.match(body, taken):
            path += more[1][1:-1] if more[1][0] in '"`' else UNKNOWN
            taken = more.end()
        before = body[body.rfind("\n", 0, match.start()) + 1 : match.start()]
        methods = [next(filter(None, groups)).upper() for groups in _METHOD.findall(before)]
        yield Request(methods[-1] if methods else "", _VERB.sub(UNKNOWN, path.partition("?")[0]))

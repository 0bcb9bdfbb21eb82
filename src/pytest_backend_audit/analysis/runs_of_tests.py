"""Which tests a command of CI runs: pytest, unittest, Django's runner, tox and nox with what they are told."""

from __future__ import annotations

import ast
import configparser
import fnmatch
import posixpath
import re
import shlex
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_backend_audit.analysis.ci_files import Command
from pytest_backend_audit.analysis.python_tests import PythonTest, called

_INSTALLS = {"install", "add", "download", "lock", "sync", "which", "uninstall", "show", "type", "cache"}
_NO_RUN = {
    "--collect-only", "--co", "--version", "-V", "--help", "-h", "--fixtures", "--markers", "--setup-only",
    "--setup-plan",
}  # fmt: skip
"""Options with which pytest runs no test."""
_AUDITS = {"--audit", "--audit-sha"}
_WITH_VALUE = {
    "-k", "-m", "-n", "-p", "-c", "-o", "-W", "-r", "--ignore", "--deselect", "--tb", "--maxfail", "--rootdir", "--cov",
    "--cov-report", "--cov-config", "--junitxml", "--junit-xml", "--durations", "--timeout", "--dist", "--ds",
    "--color", "--settings", "--tag", "--exclude-tag", "--reruns", "--splits", "--group", "--parallel", "--ignore-glob",
    "--override-ini", "--numprocesses", "--basetemp", "--pattern",
}  # fmt: skip
_PYTEST, _UNITTEST, _DJANGO = "pytest", "unittest", "Django's runner"


@dataclass(frozen=True)
class Run:
    """One command that runs tests."""

    command: Command
    runner: str
    folder: str
    """In which it looks."""
    paths: tuple[str, ...] = ()
    """Files and folders, from the top of the tree, that it is narrowed to; empty for all in its folder."""
    nodes: tuple[str, ...] = ()
    """Beginnings of node ids that it is narrowed to."""
    left_out: tuple[str, ...] = ()
    """Paths, patterns of paths, and node ids that it leaves out."""
    keyword: str = ""
    marks: str = ""
    patterns: tuple[str, ...] = ("test_*.py", "*_test.py")
    """Of names of files in which tests are looked for."""
    audits: bool = False
    """Whether it is an audit by this package, which runs checks and no other tests."""
    tags: tuple[str, ...] = ()
    excluded_tags: tuple[str, ...] = ()

    def leaves_out(self, test: object) -> str:
        """Why it does not run a test; empty if it does."""
        if not isinstance(test, PythonTest):
            return "runs tests in Python"
        return self._by_place(test) or self._by_name(test)

    def _by_place(self, test: PythonTest) -> str:
        places = self.paths or ((self.folder,) if not self.nodes else ())
        node = f"{test.path}::{test.name}"
        if not any(within(test.path, place) for place in places) and not any(node.startswith(n) for n in self.nodes):
            return "looks elsewhere"
        named = test.path in self.paths and self.runner == _PYTEST
        if not named and not any(fnmatch.fnmatch(posixpath.basename(test.path), p) for p in self.patterns):
            return f"looks for files named {' or '.join(self.patterns)}"
        if any(within(test.path, p) or fnmatch.fnmatch(test.path, p) or node.startswith(p) for p in self.left_out):
            return "leaves it out"
        return ""

    def _by_name(self, test: PythonTest) -> str:
        if test.audited is not self.audits:
            return "is no audit" if test.audited else "is an audit"
        if self.runner != _PYTEST and not test.unittest:
            return f"{self.runner} finds tests in a TestCase only"
        words = [test.name.lower(), test.path.lower(), *(m.lower() for m in test.marks)]
        if self.keyword and not _holds(self.keyword, lambda name: any(name.lower() in word for word in words)):
            return f"-k {shlex.quote(self.keyword)}"
        if self.marks and not _holds(self.marks, lambda name: name in test.marks):
            return f"-m {shlex.quote(self.marks)}"
        if (self.tags and not test.marks & set(self.tags)) or test.marks & set(self.excluded_tags):
            return "its tags"
        return ""


def runs(commands: Iterable[Command], there: Collection[str], read: Callable[[str], str]) -> list[Run]:
    """Those of CI's commands that run tests, with what they look at.

    Args:
        commands: All of CI's; those whose failure stops nothing among them.
        there: All files of the tree.
        read: The text of one of them.
    """
    found = []
    for command in commands:
        for words in _through(command, there, read):
            run = _run(command, words, there, read)
            if run is not None:
                found.append(run)
    return found


def within(path: str, place: str) -> bool:
    """Whether a file is this one, or in this folder; the top of the tree is empty."""
    return place in {"", ".", path} or path.startswith(place.rstrip("/") + "/")


def _through(command: Command, there: Collection[str], read: Callable[[str], str]) -> Iterator[list[str]]:
    """The command's words; of tox and nox those of the commands that their files have."""
    words = _words(command.text)
    program = next((posixpath.basename(w) for w in words if posixpath.basename(w) in {"tox", "nox"}), "")
    if not program or set(words) & _INSTALLS:
        yield words
        return
    for name in ("tox.ini", "tox.toml", "pyproject.toml", "setup.cfg") if program == "tox" else ("noxfile.py",):
        path = posixpath.normpath(posixpath.join(command.folder, name))
        if path in there:
            yield from _session_words(read(path)) if program == "nox" else _tox_words(read(path))


def _tox_words(text: str) -> Iterator[list[str]]:
    """Of lines with commands, of an ini file or, in lists of texts, of a TOML file."""
    for line in text.splitlines():
        if re.search(r"\b(?:pytest|unittest|manage\.py)\b", line) and not re.match(r"\s*(?:#|deps\b|\[\w)", line):
            command = re.sub(r"^\s*commands\w*\s*=|\{[^{}]*\}", "", line)
            yield re.findall(r'"([^"]*)"', command) if "[" in command else _words(command)


def _session_words(text: str) -> Iterator[list[str]]:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node) == "run":
            yield [str(a.value) for a in node.args if isinstance(a, ast.Constant)]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _run(command: Command, words: Sequence[str], there: Collection[str], read: Callable[[str], str]) -> Run | None:
    for at, word in enumerate(words):
        before, after = words[:at], list(words[at + 1 :])
        name = posixpath.basename(word)
        if set(before) & _INSTALLS or name in _INSTALLS:
            return None
        if name in {"pytest", "py.test"}:
            return _pytest(command, after, there, read)
        if name in {"manage.py", "django-admin"}:
            folder = _joined(command.folder, posixpath.dirname(word))
            return _django(command, after[1:], folder, there) if after[:1] == ["test"] else None
        if name.endswith(".py") and (runner := _script(_joined(command.folder, word), there, read)):
            kind = ("test*.py",) if runner != _PYTEST else ("test_*.py", "*_test.py")
            return Run(command, runner, command.folder, patterns=kind)
        if name == "unittest" and before[-1:] == ["-m"]:
            return _narrowed(Run(command, _UNITTEST, command.folder, patterns=("test*.py",)), after, there)
    return None


def _script(path: str, there: Collection[str], read: Callable[[str], str]) -> str:
    """Which runner a program of the tree starts, such as a library's runtests.py; empty for none."""
    text = read(path) if path in there else ""
    starts = {
        _PYTEST: r"\bpytest\.main\(",
        _DJANGO: r"[\"']test[\"'](?s:.)*execute_from_command_line\(|call_command\(\s*[\"']test[\"']|\bget_runner\(",
        _UNITTEST: r"\bunittest\.main\(|\bTextTestRunner\(",
    }
    return next((runner for runner, pattern in starts.items() if re.search(pattern, text)), "")


def _pytest(command: Command, words: list[str], there: Collection[str], read: Callable[[str], str]) -> Run | None:
    ini = _ini(command.folder, there, read)
    words = [*_words(str(ini.get("addopts", ""))), *words]
    given = {word.partition("=")[0] for word in words}
    if given & _NO_RUN:
        return None
    run = Run(command, _PYTEST, command.folder, audits=bool(given & _AUDITS))
    if ini.get("python_files"):
        run = replace(run, patterns=tuple(_listed(ini["python_files"])))
    run = _narrowed(run, words, there)
    if not run.paths and not run.nodes and ini.get("testpaths"):
        run = replace(run, paths=tuple(_joined(command.folder, place) for place in _listed(ini["testpaths"])))
    return run


def _django(command: Command, words: list[str], folder: str, there: Collection[str]) -> Run:
    run = _narrowed(Run(command, _DJANGO, folder, patterns=("test*.py",)), words, there)
    for option, value in _options(words):
        if option == "--tag":
            run = replace(run, tags=(*run.tags, value))
        elif option == "--exclude-tag":
            run = replace(run, excluded_tags=(*run.excluded_tags, value))
        elif not option and re.fullmatch(r"[\w.]+", value):  # shop.tests.OrdersTests
            labels = [_joined(folder, "/".join(value.split(".")[:n])) for n in range(value.count(".") + 1, 0, -1)]
            known = next((p for p in labels if f"{p}.py" in there or any(t.startswith(p + "/") for t in there)), "")
            if known:
                run = replace(run, paths=(*run.paths, f"{known}.py" if f"{known}.py" in there else known))
    return run


def _narrowed(run: Run, words: Sequence[str], there: Collection[str]) -> Run:
    for option, value in _options(words):
        place = _joined(run.folder, value.partition("::")[0])
        if option in {"--ignore", "--deselect", "--ignore-glob"}:
            rest = f"::{value.partition('::')[2]}" if "::" in value else ""
            run = replace(run, left_out=(*run.left_out, place + rest))
        elif option == "-k":
            run = replace(run, keyword=value)
        elif option == "-m":
            run = replace(run, marks=value)
        elif not option and (place in there or any(path.startswith(place + "/") for path in there)):
            if "::" in value:
                run = replace(run, nodes=(*run.nodes, f"{place}::{value.partition('::')[2].partition('[')[0]}"))
            else:
                run = replace(run, paths=(*run.paths, place))
        elif not option and value == ".":
            run = replace(run, paths=(*run.paths, run.folder))
    return run


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options with their values, and arguments under an empty name."""
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            yield "", word
        elif equals:
            yield name, value
        elif word[:2] in {"-k", "-m"} and len(word) > 2 and not word.startswith("--"):
            yield word[:2], word[2:]
        elif word in _WITH_VALUE and left:
            yield word, left.pop(0)
        else:
            yield word, ""


def _joined(folder: str, place: str) -> str:
    joined = posixpath.normpath(posixpath.join(folder, place))
    return "" if joined == "." else joined


def _ini(folder: str, there: Collection[str], read: Callable[[str], str]) -> dict[str, Any]:
    """The settings that pytest finds in a folder, or at the top."""
    for place in dict.fromkeys([folder, ""]):
        for name in ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
            path = _joined(place, name)
            if path in there and (found := _settings(name, read(path))) is not None:
                return found
    return {}


def _settings(name: str, text: str) -> dict[str, Any] | None:
    try:
        if name.endswith(".toml"):
            tool = tomllib.loads(text).get("tool", {}).get("pytest", {})
            found = tool.get("ini_options", tool)
            return {k: shlex.join(v) if k == "addopts" and isinstance(v, list) else v for k, v in found.items()} or None
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
    except (tomllib.TOMLDecodeError, configparser.Error, AttributeError):
        return None
    section = "tool:pytest" if name == "setup.cfg" else "pytest"
    return dict(parser[section]) if section in parser else None


def _listed(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else str(value).split()


def _holds(expression: str, known: Callable[[str], bool]) -> bool:
    """Whether an expression of -k or -m is true; one that can't be read leaves nothing out."""
    try:
        tree = ast.parse(re.sub(r"[^\w\s().]", "_", expression), mode="eval").body
    except (SyntaxError, ValueError):
        return True

    def value(node: ast.expr) -> bool:
        if isinstance(node, ast.BoolOp):
            return (all if isinstance(node.op, ast.And) else any)(value(v) for v in node.values)
        if isinstance(node, ast.UnaryOp):
            return not value(node.operand)
        return known(ast.unparse(node))

    return value(tree)

"""Shell texts as CI has them: their simple commands, and what of the tree those call."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Collection, Iterator

_PIECE = re.compile(
    r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|(?P<comment>(?:^|(?<=\s))\#.*)|(?P<operator>\|\||&&|;;?|\|&?|(?<![>&<])&(?![>&])|[()])"""
)
"""Texts, in which nothing counts; a comment; what stands between commands."""
_AROUND = {"if", "then", "elif", "else", "fi", "do", "done", "while", "until", "!", "{", "}", "time", "exec", "sudo"}
_SAYING = {"echo", "printf", ":", "true", "false"}
_SET = re.compile(r"[A-Za-z_]\w*=")
_SHELLS = {"bash", "sh", "dash", "zsh", "source", "."}
_SHEBANG = re.compile(r"#!.*\b(?:ba|da|z)?sh\b")
_RULE = re.compile(r"^@?([A-Za-z0-9][\w./ -]*?)(?:\s+[^:=]*?)?:(?![=:])\s*(.*)$")
_PACKAGE_RUNNERS = {"npm", "yarn", "pnpm"}

Simple = tuple[int, str, str]
"""Line, command, and why its failure is ignored."""


def simple_commands(text: str, begin: int) -> Iterator[Simple]:
    """The simple commands of a script: no comments, nothing that is only said, continued lines in one.

    Args:
        text: The script.
        begin: Line of its file on which it begins.
    """
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        first, whole = at, lines[at]
        while whole.endswith("\\") and at + 1 < len(lines):
            at += 1
            whole = whole[:-1] + " " + lines[at]
        at += 1
        for command, ignored in _split(whole):
            yield begin + first, command, ignored


def _split(line: str) -> Iterator[tuple[str, str]]:
    parts, operators, begin = [], [], 0
    for match in _PIECE.finditer(line):
        if operator := match["operator"] or (match["comment"] and "#"):
            parts.append(line[begin : match.start()])
            operators.append(operator)
            begin = match.end()
    parts.append(line[begin:])
    for number, part in enumerate(parts):
        words = _bare(part.split())
        if not words or words[0] in _SAYING:
            continue
        after = parts[number + 1].strip() if operators[number : number + 1] == ["||"] else ""
        loose = _bare(after.split())[:1] in ([":"], ["true"], ["echo"])
        yield " ".join(words), f"|| {after}" if loose else ""


def _bare(words: list[str]) -> list[str]:
    """Without the shell's own words and assignments before a command."""
    at = 0
    while at < len(words) and (words[at] in _AROUND or _SET.match(words[at])):
        at += 1
    return words[at:]


def called_files(command: str, folder: str, there: Collection[str]) -> Iterator[str]:
    """Shell scripts of the tree that a command runs.

    Args:
        command: A simple command.
        folder: In which it is run.
        there: All files of the tree.
    """
    words = command.split()
    program = words[0] if words else ""
    named = next((w for w in words[1:] if not w.startswith("-")), "") if program in _SHELLS else program
    path = posixpath.normpath(posixpath.join(folder, named.strip("\"'")))
    if path in there and not path.endswith((".py", ".js", ".ts", ".rb", ".go")):
        yield path


def recipes(
    command: str, folder: str, there: Collection[str], read: Callable[[str], str]
) -> Iterator[tuple[str, int, str, str]]:
    """What a target of a Makefile or justfile, or a script of a package.json, runs: path, line, text, why ignored.

    Args:
        command: A simple command, such as ``make check``.
        folder: In which it is run.
        there: All files of the tree.
        read: The text of one of them.
    """
    words = command.split()
    program, rest = words[0] if words else "", words[1:]
    if program in {"make", "gmake", "just"}:
        names = ["justfile", "Justfile", ".justfile"] if program == "just" else ["GNUmakefile", "makefile", "Makefile"]
        if "-C" in rest[:-1]:
            at = rest.index("-C")
            folder, rest = posixpath.join(folder, rest[at + 1]), [*rest[:at], *rest[at + 2 :]]
        path = _first(folder, names, there)
        if path:
            targets = [w for w in rest if not w.startswith("-") and "=" not in w]
            for line, text in _rules(read(path), targets):
                yield path, line, text.lstrip("@+-"), "make goes on after it" if text.startswith(("-", "@-")) else ""
    elif program in _PACKAGE_RUNNERS and (path := _first(folder, ["package.json"], there)):
        name = next((w for w in rest if not w.startswith("-") and w not in {"run", "run-script"}), "")
        text = read(path)
        try:
            script = json.loads(text).get("scripts", {}).get(name)
        except (ValueError, AttributeError):
            return
        if isinstance(script, str):
            place = text.find(json.dumps(name))
            yield path, text.count("\n", 0, max(place, 0)) + 1, script, ""


def _first(folder: str, names: list[str], there: Collection[str]) -> str:
    paths = (posixpath.normpath(posixpath.join(folder, name)) for name in names)
    return next((path for path in paths if path in there), "")


def _rules(text: str, targets: list[str]) -> Iterator[tuple[int, str]]:
    """Recipe lines of these targets (else of the first), those of what they depend on before them."""
    bodies: dict[str, list[tuple[int, str]]] = {}
    needs: dict[str, list[str]] = {}
    current: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] in {"\t", " "}:
            for name in current:
                bodies[name].append((number, line.strip()))
        elif (rule := _RULE.match(line)) and not line.startswith("#"):
            current = rule[1].split()
            for name in current:
                bodies.setdefault(name, [])
                needs.setdefault(name, []).extend(rule[2].partition("#")[0].split())
        elif line.strip():
            current = []
    seen: set[str] = set()

    def of(name: str) -> Iterator[tuple[int, str]]:
        if name in seen or name not in bodies:
            return
        seen.add(name)
        for need in needs[name]:
            yield from of(need)
        yield from (item for item in bodies[name] if item[1])

    for target in targets or list(bodies)[:1]:
        yield from of(target)

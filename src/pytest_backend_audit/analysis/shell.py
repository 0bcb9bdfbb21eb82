"""Shell texts as CI has them: their simple commands, and the scripts of the tree that those call."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator

_PIECE = re.compile(
    r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|(?P<comment>(?:^|(?<=\s))\#.*)|(?P<operator>\|\||&&|;;?|\|&?|(?<![>&<])&(?![>&])|[()])"""
)
"""Texts, in which nothing counts; a comment; what stands between commands."""
_AROUND = {"if", "then", "elif", "else", "fi", "do", "done", "while", "until", "!", "{", "}", "time", "exec", "sudo"}
_SAYING = {"echo", "printf", ":", "true", "false"}
_SET = re.compile(r"[A-Za-z_]\w*=")
_SHELLS = {"bash", "sh", "dash", "zsh", "source", "."}
_NO_SHELL = re.compile(r"#!(?!.*\b(?:ba|da|z)?sh\b)")

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


def is_shell(text: str) -> bool:
    """Whether a script's first line names no other language."""
    return not _NO_SHELL.match(text)


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

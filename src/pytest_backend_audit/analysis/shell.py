"""Shell texts as CI has them: their simple commands, and the scripts of the tree that those call."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from itertools import islice
from typing import NamedTuple

_PIECE = re.compile(
    r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|(?P<comment>(?:^|(?<=\s))\#.*)|(?P<operator>\|\||&&|;;?|\|&?|(?<![>&<])&(?![>&])|[()])"""
)
"""Texts, in which nothing counts; a comment; what stands between commands."""
_AROUND = {"if", "then", "elif", "else", "fi", "do", "done", "while", "until", "!", "{", "}", "time", "exec", "sudo"}
_SAYING = {"echo", "printf", ":", "true", "false"}
_SET = re.compile(r"[A-Za-z_]\w*=")
_SHELLS = {"bash", "sh", "dash", "zsh", "source", "."}
_GIVEN = re.compile(
    r"""(?:^|[\s/])(?:ba|da|z)?sh\s+(?:[-+]o\s+\w+\s+|--?[\w-]+\s+)*-\w*c\s+(?:'([^']*)'|"((?:\\.|[^"\\])*)")"""
)
"""A shell, and the script that it is given in quotes."""
_STATUS = re.compile(r"\$(?:\?|\{?PIPESTATUS)")
_NO_SHELL = re.compile(r"#!(?!.*\b(?:ba|da|z)?sh\b)")


class _Part(NamedTuple):
    """What stands between two operators."""

    line: int
    text: str
    before: str
    after: str


Simple = tuple[int, str, str]
"""Line, command, and why its failure is ignored."""


def simple_commands(text: str, begin: int) -> Iterator[Simple]:
    """The simple commands of a script: no comments, nothing that is only said, continued lines in one.

    What a shell is given after ``-c`` is a script of its own, and stands in the place of the shell's command.

    Args:
        text: The script.
        begin: Line of its file on which it begins.
    """
    parts = list(_parts(text, begin))
    goes_on, outside = False, []
    for at, part in enumerate(parts):
        if part.before == "(":
            outside.append(goes_on)
        elif part.before == ")" and outside:
            goes_on = outside.pop()
        words = _bare(part.text.split())
        if words[:1] == ["set"]:
            goes_on = _goes_on(words, goes_on)
        if not words or words[0] in _SAYING:
            continue
        loose = _loose(parts, at) or ("set +e" if goes_on and _unasked(parts, at) else "")
        if given := _GIVEN.search(part.text):
            inner = given[1] if given[1] is not None else re.sub(r"\\([\\\"$`])", r"\1", given[2])
            yield from ((part.line, command, loose or ignored) for _, command, ignored in simple_commands(inner, 1))
        else:
            yield part.line, " ".join(words), loose


def _parts(text: str, begin: int) -> Iterator[_Part]:
    """What stands between the shell's operators, line by line."""
    lines = text.splitlines()
    at, before = 0, ""
    while at < len(lines):
        first, whole = at, lines[at]
        while whole.endswith("\\") and at + 1 < len(lines):
            at += 1
            whole = whole[:-1] + " " + lines[at]
        at += 1
        start = 0
        for match in _PIECE.finditer(whole):
            if match["comment"]:
                whole = whole[: match.start()]
                break
            if match["operator"]:
                yield _Part(begin + first, whole[start : match.start()].strip(), before, match["operator"])
                start, before = match.end(), match["operator"]
        rest = whole[start:].strip()
        if rest or before not in {"||", "&&", "|"}:  # a command may go on after these on the next line
            yield _Part(begin + first, rest, before, "\n")
            before = "\n"


def _goes_on(words: list[str], before: bool) -> bool:
    """Whether a script goes on after a failure, once it has set this."""
    for word, value in zip(words[1:], [*words[2:], ""], strict=True):
        if re.fullmatch(r"[+-]\w*e\w*", word) or (word[:1] in "+-" and word.endswith("o") and value == "errexit"):
            before = word.startswith("+")
    return before


def _unasked(parts: list[_Part], at: int) -> bool:
    """Whether something follows a command, and does not begin with what became of it."""
    part = parts[at]
    after = next((later.text for later in islice(parts, at + 1, None) if later.text), "")
    asked = part.after in {"&&", "||"} or part.text.split()[0] in {"if", "elif", "while", "until"}
    return after != "" and not asked and not _STATUS.search(after)


def _loose(parts: list[_Part], at: int) -> str:
    """Why the shell goes on after a command that failed; empty if it does not, or if it is not certain."""
    part = parts[at]
    if part.text.split()[:1] == ["!"] and part.after != "&&":
        return "! before it"
    if part.after not in {"&", "||"}:
        return ""
    after = parts[at + 1 :]
    if part.after == "&":
        waited = any(re.match(r"wait\s+\S", " ".join(_bare(p.text.split()))) for p in after)
        return "" if waited else "& after it"
    if not after:
        return ""
    if after[0].text.split()[:1] == ["{"]:
        return "" if any(map(_fails, _block(after))) else f"|| {after[0].text}"
    words = _bare(after[0].text.split())
    goes_on = words[:1] in ([":"], ["true"], ["echo"], ["printf"]) or words == ["exit", "0"]
    ends = after[0].after == "&&" and after[1:] and _fails(after[1].text)
    return f"|| {after[0].text}" if goes_on and not ends else ""


def _block(parts: list[_Part]) -> Iterator[str]:
    """The commands between a brace, with which the first one begins, and its partner."""
    depth = 0
    for part in parts:
        words = part.text.split()
        depth += words[:1] == ["{"]
        depth -= words[:1] == ["}"]
        if depth <= 0:
            return
        yield part.text


def _fails(text: str) -> bool:
    """Whether this ends a script with a failure, or keeps one in a variable for later."""
    words = _bare(text.split())
    if not words:
        return _SET.search(text) is not None
    return words[0] == "false" or (words[0] in {"exit", "return"} and words[1:2] not in ([], ["0"]))


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

"""What a layout has torn apart: no piece of the text is a secret any more, and all of them together still tell it.

pytest colours the values of a comparison token by token, writes a long one as several literals on several lines, and
leaves out how far two texts are equal, so that they begin in the middle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_COLOUR = re.compile(r"\x1b\[[0-9;]{0,16}m")
_MARGIN = r"[ \t]*+(?:E[ \t]++)?"
_LINE = re.compile(rf"""{_MARGIN}(?:([-+])[ \t]++)?(b?['"])?""")
_LITERAL = re.compile(rf"""^({_MARGIN}(?:[-+][ \t]++)?[^\n'"]{{0,200}}b?)(['"])[^\n]*\2(?=[)\]}},]*+$)""", re.MULTILINE)
_SIDES = tuple(re.compile(rf"^{_MARGIN}[{other}?][ \t][^\n]*\n?", re.MULTILINE) for other in "+-")
_SIGNED = re.compile(rf"{_MARGIN}[-+] ")
_SKIPPED = " characters in diff"
_EDGE = 10
"""Characters that pytest leaves of what is equal."""
_LEAST = 4
"""Fewer of a secret's characters tell nothing."""


def uncoloured(text: str) -> str:
    """The text without colours."""
    return _COLOUR.sub("", text) if "\x1b[" in text else text


def joined(text: str, *, one_side: bool = False) -> str:
    """The text with each literal of several lines on one; the text itself where there is none.

    pprint breaks a text at its blanks, and bytes anywhere.

    Args:
        text: Without colours.
        one_side: Whether it is one of the two texts of a difference, where a line that both have bears no sign.
    """
    if "'\n" not in text and '"\n' not in text:
        return text
    pieces: list[str] = []
    sign, some = None, False
    for line in text.split("\n"):
        begun = _LINE.match(line)
        if pieces and begun and begun[2] and (one_side or begun[1] == sign) and pieces[-1].endswith(("'", '"')):
            pieces[-1] = pieces[-1][:-1]
            pieces.append(line[begun.end() :])
            some = True
        else:
            pieces += ["\n", line] if pieces else [line]
            sign = begun[1] if begun else None
    return "".join(pieces) if some else text


def sides(text: str) -> Iterator[str]:
    """The two texts of a difference whose lines take turns, each joined; none where no literal is on several lines."""
    if "- " not in text or "+ " not in text or ("'\n" not in text and '"\n' not in text):
        return
    for other in _SIDES:
        side = other.sub("", text)
        if (whole := joined(side, one_side=True)) != side:
            yield whole


def without_literals(text: str, mark: str) -> str:
    """The text with the mark for the literal at the end of each line."""
    return _LITERAL.sub(rf"\1\2{mark}\2", text)


def without_edges(text: str, secrets: Iterable[str], mark: str) -> str:
    """The text of a difference that begins or ends in the middle of two equal texts, without parts of secrets there."""
    if _SKIPPED not in text:
        return text
    known = tuple(secrets)
    return "\n".join(_without_edges(line, known, mark) for line in text.split("\n"))


def _without_edges(line: str, secrets: tuple[str, ...], mark: str) -> str:
    signed = _SIGNED.match(line)
    if signed is None:
        return line
    margin, rest = signed[0], line[signed.end() :]
    for secret in secrets:
        for size in range(min(_EDGE, len(secret) - 1), _LEAST - 1, -1):
            if rest.startswith(secret[-size:]):
                rest = mark + rest[size:]
            if rest.endswith(secret[:size]):
                rest = rest[:-size] + mark
    return margin + rest

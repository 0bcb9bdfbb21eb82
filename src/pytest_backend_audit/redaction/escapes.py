"""A known secret under escapes of any kind and depth, and one of which a cut has left a part."""

from __future__ import annotations

import re

_ENTITIES = {'"': "quot|#34|#x22", "'": "apos|#39|#x27", "<": "lt|#60|#x3c", ">": "gt|#62|#x3e"}
_LETTERS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_BACKSLASH = r"%5[cC]|\\++u005[cC]"
"""A backslash that is percent-encoded, or written as a code."""
_LEAST = 4
"""Characters of a secret that must stand beside a cut to be taken for a part of it."""
CUT = "..."
"""How pytest, reprlib and we ourselves show that something was left out."""


def escaped_pattern(secret: str) -> str:
    """Matches each character as it is, percent-encoded, or escaped for JSON, Python or HTML, however often over.

    A JSON text in a JSON text in a repr has four backslashes where the first had one, so their number is left open. No
    character matches in two ways: it can't backtrack.
    """
    # Backslashes of the secret's own and of an escape behind them are one run, and the first of them takes all of it.
    pattern = "".join(_behind(before, c) for before, c in zip(" " + secret, secret, strict=False))
    # A run of backslashes is looked at from its beginning only: from each of them would cost the square of its length.
    return rf"(?<!\\){pattern}" if secret and "\\" in _character(secret[0]) else pattern


def _behind(before: str, char: str) -> str:
    if before != "\\":
        return _character(char)
    if char == "\\":
        # The first one has taken the run; percent-encoded, or as a code, each stands for itself.
        return f"(?>(?:{_BACKSLASH})?)"
    return _character(char).replace(r"\\++", r"\\*+")


def needs_escapes(secret: str) -> bool:
    """Whether JSON, Python or HTML would write the secret in another way."""
    return not all(c.isalnum() and c.isascii() for c in secret)


def _character(char: str) -> str:
    raw = char.encode("utf-8", "surrogatepass")
    percent = _hex("".join(f"%{b:02x}" for b in raw))
    if char.isalnum() and char.isascii():
        return f"(?:{char}|{percent})"
    if char == "%":
        return f"(?:{percent}|%)"
    ways = [percent]
    ways += [rf"\\++u{_hex(unit)}" for unit in (_units(char),)]
    ways.append(r"\\++" + r"\\++".join(f"x{_hex(f'{b:02x}')}" for b in raw))
    if ord(char) < 256 and len(raw) > 1:
        ways.append(rf"\\++x{_hex(f'{ord(char):02x}')}")
    if ord(char) > 0xFFFF:
        ways.append(rf"\\++U{_hex(f'{ord(char):08x}')}")
    if char in _LETTERS:
        ways.append(rf"\\++{_LETTERS[char]}")
    if char == "\\":
        # The last way: what follows it may be an `n` or `x` of the secret's own.
        return rf"(?:{_BACKSLASH}|\\++)"
    if char == "&":
        return "(?:" + "|".join([*ways, "&(?>(?:amp;|#38;|#x26;)*)"]) + ")"
    if char in _ENTITIES:
        ways.append(f"&(?>(?:amp;)*)(?:{_ENTITIES[char]});")
    elif not char.isascii():
        ways.append(f"&(?>(?:amp;)*)#(?:{ord(char)}|x{_hex(f'{ord(char):x}')});")
    plain = r"(?:\ |\+)" if char == " " else rf"\\*+{re.escape(char)}"
    return "(?:" + "|".join([*ways, plain]) + ")"


def _units(char: str) -> str:
    raw = char.encode("utf-16-be", "surrogatepass")
    return r"\\++u".join(raw[n : n + 2].hex() for n in range(0, len(raw), 2))


def _hex(digits: str) -> str:
    """The digits in either case; what stands between them stays."""
    return re.sub(r"(?<!\\)[a-f]", lambda m: f"[{m[0]}{m[0].upper()}]", digits)


def hide_parts(text: str, secrets: tuple[str, ...], mark: str) -> str:
    """Hide the beginning of a secret before a cut, and its end behind one.

    Args:
        text: With a cut in it; whole secrets are hidden already.
        secrets: As they are.
        mark: What to put in the place of a part.
    """
    for secret in secrets:
        text = _heads(text, secret, mark)
        # The end of a secret behind a cut is, read backwards, a beginning before one.
        text = _heads(text[::-1], secret[::-1], mark[::-1])[::-1]
    return text


def _heads(text: str, secret: str, mark: str) -> str:
    pieces: list[str] = []
    head, done = secret[:_LEAST], 0
    at = text.find(head)
    while at >= 0:
        end = at + _common(text[at : at + len(secret)], secret)
        if text.startswith(CUT, end):
            pieces += [text[done:at], mark]
            done = end
        at = text.find(head, end)
    return "".join([*pieces, text[done:]]) if pieces else text


def _common(text: str, wanted: str) -> int:
    """How many characters both begin with."""
    for n, (a, b) in enumerate(zip(text, wanted, strict=False)):
        if a != b:
            return n
    return min(len(text), len(wanted))

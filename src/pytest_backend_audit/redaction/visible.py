"""Control characters made visible, so that what an audited system answers can't drive the terminal that shows it."""

from __future__ import annotations

import re

# Colours stay: pytest's own differences have them. Hidden text (8), cursor movements and titles do not.
_COLOUR = r"\[(?:(?:0{0,2}|0?[1-4]|2[1-4]|3[0-7]|39|49|9[0-7]);?)*m"
_UNSAFE = re.compile(
    rf"\x1b(?!{_COLOUR})|\r(?!\n)"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def visible(text: str) -> str:
    r"""The text with each control or direction character as Python writes it, such as ``\x1b`` or ``\u202e``."""
    return text if text.isprintable() else _UNSAFE.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"

"""A known secret in each of the forms in which it comes again."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from pytest_backend_audit.redaction.escapes import CUT, escaped_pattern, hide_parts, needs_escapes
from pytest_backend_audit.redaction.torn import without_edges

MARK = "[redacted]"

_BASE64 = "A-Za-z0-9+/_-"
_GRAM, _STRIDE = 4, 5
_LONG = 4096
_BETWEEN = " \t\r\nE>|+?-"
"""What pytest and differences put between two lines of a text: breaks, indentation, and the marks of a margin."""
_GAP = f"[{_BETWEEN}]{{1,80}}"
_ARMOUR = re.compile(r"-{3,}\s?(?:BEGIN|END) [A-Z0-9 ]+-{3,}")
"""Characters from which on searching for each form costs less than looking at its parts."""


def plain_forms(secret: str) -> Iterator[str]:
    """The secret itself, escaped for JSON (once and twice), Python, HTML, and in hexadecimal."""
    yield secret
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield once.replace("/", "\\/")
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    yield repr(secret)[1:-1]
    yield repr(secret.encode("utf-8", "surrogatepass"))[2:-1]
    yield html.escape(secret)
    yield html.escape(secret).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    yield html.escape(secret, quote=False)
    digits = secret.encode("utf-8", "surrogatepass").hex()
    yield digits
    yield digits.upper()


def base64_cores(secret: str) -> Iterator[str]:
    """The characters of base64 that depend on the secret alone, at each of the three alignments, in both alphabets."""
    raw = secret.encode("utf-8", "surrogatepass")
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        # A character that mixes in bits of a neighbouring byte differs with the neighbour, so it's left out.
        first = (0, 2, 3)[before]
        last = len(encoded) - (0, 3, 2)[(before + len(raw)) % 3]
        core = encoded[first:last]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def url_forms(secret: str) -> Iterator[str]:
    """Percent-encoded as the usual libraries do it."""
    for safe in ("", "/", "!'()*", ";,/?:@&=+$-_.!~*'()#"):
        yield quote(secret, safe=safe, errors="surrogatepass")
    yield quote_plus(secret, errors="surrogatepass")


def lines_of(secret: str) -> tuple[str, ...]:
    """The lines of a secret, as each may be shown alone; without what armours every such key.

    Nothing where the secret is one line without blanks around it.
    """
    lines = [line.strip() for line in secret.splitlines()]
    return () if lines == [secret] else tuple(line for line in lines if line and not _ARMOUR.fullmatch(line))


def spread_pattern(secret: str) -> str:
    """Matches a secret of several lines also with a margin before each of them, its short lines included.

    A line made of nothing but the characters of a margin is taken for one: so no text can be matched in many ways.
    """
    lines = [line.strip() for line in secret.splitlines()]
    return _GAP.join(re.escape(line) for line in lines if line.strip(_BETWEEN))


class Forms:
    """Finds a set of secrets in a text, in every form, at next to no cost when there is none.

    Each form has eight characters or more. So whoever looks at four characters in every five meets four that lie in the
    form's first eight: a text in which none of these is one of ours holds no secret, and that is settled by a fifth as
    many look-ups as it has characters. Only what is left is searched.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        secrets = tuple(secrets)
        # As it is it goes first: a pattern of lines knows none at the end that could be a margin.
        self._spread = tuple(
            (max(lines, key=len), re.compile(f"{re.escape(s.strip())}|{spread_pattern(s)}"))
            for s in secrets
            if len(lines := lines_of(s)) > 1
        )
        plain: dict[str, None] = {}
        cores: dict[str, None] = {}
        encoded: list[str] = []
        escaped: list[str] = []
        self._secrets = tuple(sorted(set(secrets), key=len, reverse=True))
        for secret in self._secrets:
            plain |= dict.fromkeys(plain_forms(secret))
            cores |= dict.fromkeys(base64_cores(secret))
            (escaped if needs_escapes(secret) else encoded).append(escaped_pattern(secret))
        encoded += [re.escape(quote(form, safe="")) for form in cores if "+" in form or "/" in form]
        self._all = (*plain, *cores)
        self._grams = frozenset(form[n : n + _GRAM] for form in self._all for n in range(_STRIDE))
        self._plain_pattern = re.compile(_joined(plain))
        self._core_pattern = re.compile(f"[{_BASE64}]{{0,2}}(?:{_joined(cores)})[{_BASE64}]{{0,2}}={{0,2}}")
        self._encoded_patterns = tuple(re.compile(p) for p in encoded)
        self._escaped_patterns = tuple(re.compile(p) for p in escaped)

    def replace(self, text: str) -> str:
        """The text with the mark in place of each form of each secret."""
        if not self._all:
            return text
        for line, pattern in self._spread:
            if line in text:
                text = pattern.sub(MARK, text)
        if self._may_hold(text) and any(form in text for form in self._all):
            text = self._plain_pattern.sub(MARK, text)
            text = self._core_pattern.sub(MARK, text)
        if "%" in text:
            for pattern in self._encoded_patterns:
                text = pattern.sub(MARK, text)
        if self._escaped_patterns and ("%" in text or "\\" in text or "&" in text):
            for pattern in self._escaped_patterns:
                text = pattern.sub(MARK, text)
        if CUT in text:
            text = hide_parts(text, self._secrets, MARK)
        return without_edges(text, self._secrets, MARK)

    def _may_hold(self, text: str) -> bool:
        if len(text) > _LONG:
            return True
        return not self._grams.isdisjoint([text[n : n + _GRAM] for n in range(0, len(text), _STRIDE)])


def _joined(forms: Iterable[str]) -> str:
    return "|".join(re.escape(f) for f in sorted(forms, key=len, reverse=True))

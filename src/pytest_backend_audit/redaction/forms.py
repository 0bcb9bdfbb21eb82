"""A known secret in each of the forms in which it comes again, and where a connection string holds its secrets."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

MARK = "[redacted]"

_SECRET_KEY = re.compile(r"pass|pwd|secret|token|key|auth|sig|credential", re.IGNORECASE)
_CONNINFO = re.compile(r"\s*([a-z_]+)\s*=\s*('(?:[^'\\]|\\.)*+'|[^\s']*+)", re.IGNORECASE)
_CONNINFO_KEYS = frozenset(
    {"host", "hostaddr", "port", "dbname", "user", "password", "passfile", "service", "sslpassword"}
)
_NAME_KEYS = frozenset({"host", "hostaddr", "port", "dbname", "user"})
_BASE64 = "A-Za-z0-9+/_-"


@dataclass(frozen=True, slots=True)
class ConnectionParts:
    """What a URL or DSN holds: its secrets, and the words beside them that are none."""

    secrets: tuple[str, ...]
    names: tuple[str, ...]


def split_connection(value: str) -> ConnectionParts | None:
    """Tell the secrets of a URL or ``key=value`` DSN from its names.

    Args:
        value: ``postgresql://u:p@h/db``, ``host=h password=p``, ``https://h/?token=t``, or anything else.

    Returns:
        None when `value` is neither a URL nor a DSN, and so is a secret as a whole.
    """
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]{0,30}://", value):
        return _split_url(value)
    pairs = {m[1].lower(): _unquoted(m[2]) for m in _CONNINFO.finditer(value)}
    if not pairs.keys() & _CONNINFO_KEYS or _CONNINFO.sub("", value).strip():
        return None
    secrets = tuple(v for k, v in pairs.items() if v and _SECRET_KEY.search(k) and k != "passfile")
    return ConnectionParts(secrets, tuple(v for k, v in pairs.items() if k in _NAME_KEYS and v))


def _split_url(value: str) -> ConnectionParts:
    # By hand rather than by urlsplit alone: it refuses a password with a stray bracket, which is hidden all the same.
    rest = value.split("://", 1)[1]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    userinfo, _, hosts = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    names = [unquote(user), *(p for host in hosts.split(",") for p in host.rsplit(":", 1))]
    secrets = [password, unquote(password)] if password else []
    try:
        parts = urlsplit(value)
    except ValueError:
        return ConnectionParts(tuple(dict.fromkeys(secrets)), tuple(names))
    names += [unquote(p) for p in parts.path.split("/") if p]
    for key, text in parse_qsl(parts.query):
        if _SECRET_KEY.search(key):
            secrets += [text]
        elif key.lower() in _NAME_KEYS:
            names.append(text)
    return ConnectionParts(tuple(dict.fromkeys(s for s in secrets if s)), tuple(n for n in names if n))


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith("'") else text


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


def _percent_pattern(secret: str) -> str:
    """Any mixture of plain and percent-encoded characters. No character matches in two ways: it can't backtrack."""
    parts = []
    for char in secret:
        encoded = "".join(f"%{b:02x}" for b in char.encode("utf-8", "surrogatepass"))
        hex_pattern = re.sub(r"[a-f]", lambda m: f"[{m[0]}{m[0].upper()}]", encoded)
        plain = r"(?:\ |\+)" if char == " " else re.escape(char)
        parts.append(f"(?:{plain}|{hex_pattern})" if char != "%" else f"(?:{hex_pattern}|%)")
    return "".join(parts)


class Forms:
    """Finds a set of secrets in a text, in every form, at the cost of a few substring searches when there is none.

    Substring searches are what makes clean texts cheap; the regular expressions run only once one has hit.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        plain: dict[str, None] = {}
        escaped: dict[str, None] = {}
        percent: list[str] = []
        cores: dict[str, None] = {}
        ordered = sorted(set(secrets), key=len, reverse=True)
        for secret in ordered:
            for form in plain_forms(secret):
                (escaped if form != secret and ("\\" in form or "&" in form) else plain)[form] = None
            for form in base64_cores(secret):
                cores[form] = None
                if "+" in form or "/" in form:
                    escaped_form = quote(form, safe="")
                    percent.append(re.escape(escaped_form))
            percent.append(_percent_pattern(secret))
        self._always = (*plain, *cores)
        self._escaped = tuple(escaped)
        self._plain_pattern = _alternation((*plain, *escaped))
        self._core_pattern = (
            re.compile(f"[{_BASE64}]{{0,2}}(?:{_joined(cores)})[{_BASE64}]{{0,2}}={{0,2}}") if cores else None
        )
        self._percent_patterns = tuple(re.compile(p) for p in percent)

    def replace(self, text: str) -> str:
        """The text with the mark in place of each form of each secret."""
        if not self._always:
            return text
        found = any(form in text for form in self._always)
        if not found and self._escaped and ("\\" in text or "&" in text):
            found = any(form in text for form in self._escaped)
        if found and self._plain_pattern is not None and self._core_pattern is not None:
            text = self._plain_pattern.sub(MARK, text)
            text = self._core_pattern.sub(MARK, text)
        if "%" in text:
            for pattern in self._percent_patterns:
                text = pattern.sub(MARK, text)
        return text


def _joined(forms: Iterable[str]) -> str:
    return "|".join(re.escape(f) for f in sorted(forms, key=len, reverse=True))


def _alternation(forms: Iterable[str]) -> re.Pattern[str] | None:
    joined = _joined(forms)
    return re.compile(joined) if joined else None

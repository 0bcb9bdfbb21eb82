"""Which parts of what the environment gave are secret, and which are names that everybody may read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PAIR = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))")
_CONNINFO_KEYS = frozenset({"host", "hostaddr", "port", "dbname", "user", "password", "service", "sslmode"})
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|token|secret|signature|^sig$|api_?key|^key$|credential|^auth", re.IGNORECASE
)


class SecretKind(StrEnum):
    """What a secret is a part of."""

    PASSWORD = "password"  # noqa: S105 - the kind's name
    QUERY = "query"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that must not be stored or shown."""

    value: str
    place: str
    """Where audit.yaml holds it: ``targets.postgres.dsn``."""
    kind: SecretKind


@dataclass(frozen=True, slots=True)
class Parts:
    """A connection string, taken apart."""

    passwords: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    """Values of parameters that bear a secret's name."""
    names: tuple[str, ...] = ()
    """Host, port, user and database names."""


def take_apart(text: str) -> Parts | None:
    """The parts of a URL or a libpq connection string; None when `text` is neither."""
    if _SCHEME.match(text):
        return _url(text)
    pairs = [(m[1], re.sub(r"\\(.)", r"\1", m[2] if m[2] is not None else m[3])) for m in _PAIR.finditer(text)]
    if not any(key in _CONNINFO_KEYS for key, _ in pairs):
        return None
    return Parts(
        passwords=tuple(v for k, v in pairs if v and _SECRET_KEY.search(k)),
        names=tuple(v for k, v in pairs if v and k in {"host", "hostaddr", "port", "dbname", "user"}),
    )


def secrets_of(text: str, place: str) -> tuple[Secret, ...]:
    """What is secret in a value that the environment gave: of a URL or DSN its secret parts, else all of it.

    Args:
        text: The value.
        place: Where audit.yaml holds it.
    """
    parts = take_apart(text)
    if parts is None:
        return (Secret(text, place, SecretKind.VALUE),)
    return tuple(_of_parts(parts, place))


def parts_of(text: str, place: str) -> tuple[Secret, ...]:
    """What is secret in a URL or DSN that is written in the file; nothing in any other text.

    Args:
        text: The value.
        place: Where audit.yaml holds it.
    """
    parts = take_apart(text)
    return () if parts is None else tuple(_of_parts(parts, place))


def _of_parts(parts: Parts, place: str) -> Iterator[Secret]:
    yield from (Secret(v, place, SecretKind.PASSWORD) for v in parts.passwords)
    yield from (Secret(v, place, SecretKind.QUERY) for v in parts.query)


def _url(text: str) -> Parts:
    try:
        split = urlsplit(text)
        host, port = split.hostname or "", split.port
    except ValueError:
        return Parts(passwords=(text,))
    user, password = _userinfo(split)
    # A user without a password, as in https://TOKEN@host, is a token there; databases know users without one.
    alone = user if user and not password and split.scheme in {"http", "https"} else ""
    secrets = [v for v in dict.fromkeys((password, unquote(password), alone, unquote(alone))) if v]
    database = "" if split.scheme in {"http", "https"} else unquote(split.path.strip("/"))
    plain = (host, str(port or ""), "" if alone else unquote(user), database)
    found = [(k, v) for k, v in parse_qsl(split.query) if v]
    return Parts(
        passwords=tuple(secrets),
        query=tuple(v for k, v in found if _SECRET_KEY.search(k)),
        names=tuple(dict.fromkeys(n for n in plain if n)),
    )


def _userinfo(split: SplitResult) -> tuple[str, str]:
    userinfo, at, _ = split.netloc.rpartition("@")
    if not at:
        return "", ""
    user, _, password = userinfo.partition(":")
    return user, password

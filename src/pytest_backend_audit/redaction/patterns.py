"""The places where a secret usually stands.

Each pattern is linear by construction: possessive quantifiers (``*+``) and atomic groups give nothing back, and a
look-behind lets a run of characters be read from its start only. So a megabyte of hostile text costs as little, a
character, as a line. A group is repeated in an atomic group, ``(?>(?:...)*)``, never as ``(?:...)*+``: Python before
3.11.5 (Debian 12 has 3.11.2) doesn't find what the latter should match.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from functools import cache

from pytest_backend_audit.redaction.forms import MARK

Rule = tuple[tuple[str, ...], str, Callable[[re.Match[str]], str] | str]

_WORDS = (
    r"(?:password|passwd|passphrase|passwort|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key"
    r"|credentials?|requirepass|masterauth)"
)
_NAMED = re.compile(rf"{_WORDS}(?:_?(?:hash(?:ed)?|digest|encrypted|plain|text|value))?\Z", re.IGNORECASE)
_WORD_GATES = ("passw", "passphrase", "pwd", "secret", "token", "key", "credential", "requirepass", "masterauth")
_QUOTED = r""""(?>(?:[^"\\]|\\.)*)"|'(?>(?:[^'\\]|\\.|'')*)'|\\"(?>(?:[^"\\]|\\[^"])*)\\\""""
_BARE = r"""[^\s,;&"'<>(){}\[\]\\]++"""
_HEADERS = (
    r"(?:proxy-authorization|authorization|set-cookie|cookie|x-api-key|x-auth-token|x-amz-security-token"
    r"|x-csrf-token|x-xsrf-token)"
)
_HEADER_GATES = (
    "authorization",
    "cookie",
    "x-api-key",
    "x-auth-token",
    "x-amz-security-token",
    "csrf-token",
    "xsrf-token",
)


def _keep_first(match: re.Match[str]) -> str:
    return f"{match[1]}{MARK}"


def _keep_quotes(match: re.Match[str]) -> str:
    """``key = "value"`` keeps its quotes, so that JSON stays JSON."""
    value = match[2]
    for mark in ('\\"', '"', "'"):
        if value.startswith(mark) and value.endswith(mark) and len(value) >= 2 * len(mark):
            return f"{match[1]}{mark}{MARK}{mark}" if len(value) > 2 * len(mark) else match[0]
    if value.startswith(MARK[:-1]):
        return match[0]
    return f"{match[1]}{MARK}"


def _bearer(match: re.Match[str]) -> str:
    token = match[2]
    looks_like_a_word = token.isalpha() and (token.islower() or token.istitle()) and len(token) < 24
    return match[0] if looks_like_a_word else f"{match[1]}{MARK}"


def _basic(match: re.Match[str]) -> str:
    try:
        known = b":" in base64.b64decode(match[2] + "=" * (-len(match[2]) % 4), altchars=b"-_", validate=False)
    except (binascii.Error, ValueError):
        known = False
    return f"{match[1]}{MARK}" if known else match[0]


# Gates are looked for in the lower-cased text: one of them must be there, else the pattern isn't tried.
RULES: tuple[Rule, ...] = (
    (
        ("-----begin",),
        (
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?>(?:(?!-----(?:BEGIN|END) )[\s\S])*)"
            r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
        MARK,
    ),
    (
        ("://",),
        r"""(://[^\s:/?#@"'<>]*+:)(?>(?:[^\s/@"'<>]*+@)+)""",
        lambda m: f"{m[1]}{MARK}@",
    ),
    (
        _HEADER_GATES,
        # Header as a quoted key, a tuple or a JSON member: its value is the quoted text that follows.
        rf"""(?i)((?<![\w-])(?:{_HEADERS})(?:\\?["'])[ \t]{{0,4}}[:,=][ \t]{{0,4}}\[?b?)({_QUOTED})""",
        _keep_quotes,
    ),
    (
        _HEADER_GATES,
        rf"""(?i)((?<=["'])(?:{_HEADERS})[ \t]{{0,4}}:[ \t]{{0,4}})[^\r\n"'\\]++""",
        _keep_first,
    ),
    (
        _HEADER_GATES,
        rf"""(?i)((?<![\w"'-])(?:{_HEADERS})[ \t]{{0,16}}[:=][ \t]{{0,16}})[^\r\n\s][^\r\n]*+""",
        _keep_first,
    ),
    (
        ("bearer",),
        r"(?i)(\bbearer[ \t]{1,4}|\bbearer%20)([A-Za-z0-9._~+/=-]{8,}+)",
        _bearer,
    ),
    (
        ("basic",),
        r"(?i)(\bbasic[ \t]{1,4}|\bbasic%20)([A-Za-z0-9+/=_-]{4,}+)",
        _basic,
    ),
    (
        ("eyj",),
        (
            r"((?<![A-Za-z0-9_-])(?>(?:(?!eyJ)[A-Za-z0-9_-])*))"
            r"eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]{5,}+(?>(?:\.[A-Za-z0-9_-]*+)+)"
        ),
        _keep_first,
    ),
    (
        ("akia", "asia"),
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        MARK,
    ),
    (
        (
            "ghp_",
            "gho_",
            "ghu_",
            "ghs_",
            "ghr_",
            "github_pat_",
            "xox",
            "k_live_",
            "k_test_",
            "aiza",
            "sk-",
            "glpat-",
            "npm_",
        ),
        (
            r"gh[pousr]_[A-Za-z0-9]{20,}+|github_pat_\w{20,}+|xox[abeoprs]-[A-Za-z0-9-]{10,}+|[rs]k_(?:live|test)_[A-Za-z0-9]{10,}+"
            r"|AIza[0-9A-Za-z_-]{30,}+|\bsk-[A-Za-z0-9_-]{20,}+|glpat-[\w-]{20,}+|\bnpm_[A-Za-z0-9]{30,}+"
        ),
        MARK,
    ),
    (
        ("scram-sha-",),
        r"SCRAM-SHA-256\$\d{1,9}:[A-Za-z0-9+/=]{1,200}+\$[A-Za-z0-9+/=:]{1,400}+",
        MARK,
    ),
    (
        ("--",),
        rf"(?i)((?<![\w-])--[\w-]{{0,20}}{_WORDS}[\w-]{{0,20}}[ \t]{{1,4}})([^\s-]\S*+)",
        _keep_quotes,
    ),
    (
        ("curl",),
        r"(\s(?:-u|--user)[ =]{1,4}['\"]?[^\s:'\"]{0,200}+:)[^\s'\"]++",
        _keep_first,
    ),
    (
        ("sig=", "signature="),
        # A presigned URL.
        r"(?i)((?:[?&;]|&amp;)(?:[\w-]{0,32}signature|sig)=)([^\s&;\"'<>]++)",
        _keep_quotes,
    ),
    (
        ("passw",),
        # SQL: ALTER ROLE app PASSWORD 'x'.
        r"(?i)(\bpassword\s{1,8})('(?>(?:[^']|'')*)')",
        _keep_quotes,
    ),
    (
        _WORD_GATES,
        (
            rf"""(?i)({_WORDS}[\w-]{{0,32}}+(?:\\?["']|%22)?\]?[ \t]{{0,32}}(?:[:=](?![:=])|%3D)[ \t]{{0,32}}b?)"""
            rf"""({_QUOTED}|{_BARE}(?:\][^\s,;&"'<>]*+)?)"""
        ),
        _keep_quotes,
    ),
)


_ALL_GATES = tuple(
    gate
    for gate in sorted({g for gates, _, _ in RULES for g in gates})
    if not any(other != gate and other in gate for gates, _, _ in RULES for other in gates)
)
"""Without those that contain another one: where none of these is, no pattern needs to be tried."""


def names_secret(name: str) -> bool:
    """Whether a column of this name holds secrets: ``api_token`` and ``password_hash``, but not ``token_lifetime``."""
    return _NAMED.search(name) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Made when a text first asks for it: a run needs few of them, and all together take a hundredth of a second."""
    return re.compile(pattern)


def redact_patterns(text: str) -> str:
    """The text with the mark in each place where a secret usually stands."""
    lowered = text.lower()
    for gate in _ALL_GATES:
        if gate in lowered:
            break
    else:
        return text
    for gates, pattern, replacement in RULES:
        for gate in gates:
            if gate in lowered:
                text = _compiled(pattern).sub(replacement, text)
                break
    return text

"""The six security headers, and whether their values protect anybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

SOUND_REFERRERS = frozenset({"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"})
REFERRERS = SOUND_REFERRERS | {"origin", "origin-when-cross-origin", "no-referrer-when-downgrade", "unsafe-url"}
"""Tokens of the Referrer Policy specification; browsers skip others, and the last known one counts."""
_OPEN_SOURCES = frozenset({"*", "http:", "https:", "data:", "'unsafe-eval'"})
_POWERFUL = ("camera", "microphone", "geolocation", "payment", "usb")


def faults(headers: Iterable[tuple[str, str]], hsts_max_age: float) -> list[str]:
    """What is wrong with the security headers of one answer: one sentence for each header.

    Args:
        headers: Names and values, repeated ones included.
        hsts_max_age: Least max-age of Strict-Transport-Security, seconds.
    """
    given: dict[str, list[str]] = {}
    for name, value in headers:
        given.setdefault(name.lower(), []).append(value.strip())
    judges: Mapping[str, Callable[[str], str]] = {
        "Strict-Transport-Security": lambda value: _transport(value, hsts_max_age),
        "Content-Security-Policy": _content,
        "X-Frame-Options": _frames,
        "X-Content-Type-Options": _sniffing,
        "Referrer-Policy": _referrer,
        "Permissions-Policy": _permissions,
    }
    found = []
    for name, judge in judges.items():
        values = given.get(name.lower(), [])
        # Several policies all hold, and several lists are one; of the others browsers take the first, or none.
        joined = ", ".join(values) if name in {"Permissions-Policy", "Referrer-Policy"} else "\n".join(values)
        said = "is missing" if not values else judge(joined)
        if said:
            found.append(f"{name} {said}")
    return found


def _transport(value: str, least: float) -> str:
    if "\n" in value:
        return "is sent more than once"
    directives = [part.strip().lower() for part in value.split(";")]
    ages = [part.partition("=")[2].strip().strip('"') for part in directives if part.startswith("max-age")]
    if len(ages) != 1 or not ages[0].isdigit():
        return f"has no valid max-age: {value!r}"
    return f"has max-age {ages[0]}, less than {least:.0f}" if int(ages[0]) < least else ""


def _content(value: str) -> str:
    """The verdict of the strictest policy: a browser applies all of them."""
    verdicts = [_one_policy(policy) for policy in re.split(r"[\n,]", value)]
    return "" if "" in verdicts else verdicts[0]


def _one_policy(policy: str) -> str:
    directives: dict[str, list[str]] = {}
    for part in policy.lower().split(";"):
        name, *allowed = part.split() or [""]
        directives.setdefault(name, allowed)  # the first of two equal directives counts
    sources = directives.get("script-src", directives.get("default-src"))
    if sources is None:
        return "restricts no scripts: neither script-src nor default-src is set"
    guarded = any(s.startswith(("'nonce-", "'sha256-", "'sha384-", "'sha512-")) for s in sources)
    if "'unsafe-inline'" in sources and not guarded:
        return "lets inline scripts run: 'unsafe-inline'"
    # With 'strict-dynamic' hosts and schemes are ignored.
    dynamic = guarded and "'strict-dynamic'" in sources
    wide = [s for s in sources if s in _OPEN_SOURCES and (not dynamic or s == "'unsafe-eval'")]
    return f"lets scripts in from anywhere: {' '.join(wide)}" if wide else ""


def _frames(value: str) -> str:
    return "" if value.upper() in {"DENY", "SAMEORIGIN"} else f"is {value!r}, not DENY or SAMEORIGIN"


def _sniffing(value: str) -> str:
    return "" if value.lower() == "nosniff" else f"is {value!r}, not nosniff"


def _referrer(value: str) -> str:
    known = [token for part in value.split(",") if (token := part.strip().lower()) in REFERRERS]
    if not known:
        return f"has no valid value: {value!r}"
    return "" if known[-1] in SOUND_REFERRERS else f"is {known[-1]}, which tells other sites where users come from"


def _permissions(value: str) -> str:
    entries = [entry.strip() for entry in re.split(r",(?![^()]*\))", value) if entry.strip()]
    features = {name.strip(): allowed.strip() for name, sign, allowed in (e.partition("=") for e in entries) if sign}
    if not features:
        return f"has no valid value: {value!r}"
    wide = [
        name for name in _POWERFUL if features.get(name) == "*" or "*" in features.get(name, "").strip("()").split()
    ]
    return f"lets any site use {', '.join(wide)}" if wide else ""

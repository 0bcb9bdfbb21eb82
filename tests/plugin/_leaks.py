"""Looking for secrets in everything that an audit leaves behind, in every form in which they come again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

TAIL = '/ü+"3&'
"""Ends each secret: a character for each encoding that would change it."""


def secret(channel: str) -> str:
    """A secret of its own for each channel, so that a leak names where it came from."""
    # What goes into a header has to be ASCII.
    tail = TAIL.replace("ü", "u") if channel == "header" else TAIL
    return f"Zq9{channel.replace('_', 'X')}Kw{tail}"


def forms(value: str) -> Iterator[bytes]:
    """The value as it is, escaped for JSON, HTML and URLs, and in base64 at each alignment."""
    yield value.encode()
    yield json.dumps(value)[1:-1].encode()
    yield json.dumps(json.dumps(value)[1:-1])[1:-1].encode()
    yield repr(value.encode())[2:-1].encode()
    yield value.replace("&", "&amp;").replace('"', "&quot;").encode()
    yield value.replace("&", "&amp;").replace('"', "&#34;").encode()
    yield value.replace("&", "&amp;").encode()
    for encode in (quote, quote_plus):
        yield encode(value).encode()
    yield quote(value, safe="").encode()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + value.encode())
        # The first and the last group may hold bits of what stands beside the secret.
        core = whole[4:-4]
        yield core
        yield core.replace(b"+", b"-").replace(b"/", b"_")
    yield value.encode().hex().encode()
    # Half of it is too much as well.
    yield value.partition("/")[0].encode()


def everything(result: pytest.RunResult, *places: Path) -> dict[str, bytes]:
    """What a run printed, and each file below the places: name -> bytes."""
    found = {"stdout": result.stdout.str().encode(), "stderr": result.stderr.str().encode()}
    for place in places:
        for path in [place, *place.rglob("*")]:
            if path.is_file():
                found[path.name] = found.get(path.name, b"") + path.read_bytes()
    return found


def leaks(texts: Mapping[str, bytes], secrets: Mapping[str, str]) -> list[str]:
    """Where a secret came out: channel, place and surroundings."""
    return [
        f"{channel} in {place}: {text[max(0, at - 60) : at + 60]!r}"
        for channel, value in secrets.items()
        for place, text in texts.items()
        if (at := next((text.find(f) for f in forms(value) if len(f) > 4 and f in text), -1)) >= 0
    ]

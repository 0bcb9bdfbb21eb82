"""What form a stored value has: told by its bytes, which are never loaded and never leave here."""

from __future__ import annotations

import base64
import binascii
import bz2
import codecs
import json
import lzma
import pickletools
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

PREFIX = 4096
"""Bytes of a value from which its form can be told."""
UNPACKED = 64 * 1024
"""Bytes that are unpacked of a compressed value, at most."""
MEMORY = 128 * 2**20
"""Bytes that unpacking may need: a value says itself how many that are; the highest preset of xz asks for 65 MiB."""
OPERATIONS = 20
"""Operations of a pickle that make sense in a row only where it is one."""
PICKLE = "pickle"
"""What the form of every pickle begins with."""
SEALED = ", not unpacked"
"""What the form of what can't be looked into ends with."""

_PROTOCOL = re.compile(rb"\x80[\x02-\x05]")
_BASE64 = re.compile(rb"gA[IJKLMNOPQRSTUVWX][A-Za-z0-9+/_-]+={0,2}")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
# Without a header, a pickle has to begin with what one begins with, and to hold what text doesn't.
_OLD_BEGINNINGS = frozenset(b"(}])cIVSLFilX")
_OLD_TELLING = frozenset({"PUT", "BINPUT", "GLOBAL", "INST", "INT", "UNICODE", "STRING", "LONG", "FLOAT", "REDUCE"})
_MARKS = (
    (b"\xac\xed\x00\x05", "Java serialization"),
    (b"\x04\x08", "Ruby Marshal"),
    (b"\x00\x01\x00\x00\x00\xff\xff\xff\xff", ".NET BinaryFormatter"),
    (b"\x28\xb5\x2f\xfd", f"Zstandard{SEALED}"),
    (b"\x04\x22\x4d\x18", f"LZ4{SEALED}"),
    (b"\xfd7zXZ\x00", f"xz{SEALED}"),
    *((b"BZh%d1AY&SY" % size, f"bzip2{SEALED}") for size in range(1, 10)),  # unpacked by blocks of that many 100 kB
)


@dataclass(slots=True)
class Values:
    """Values of one kind of key, by form."""

    kind: str
    forms: Counter[str] = field(default_factory=Counter)

    @property
    def pickles(self) -> int:
        """How many of them are pickles, in whatever wrapping."""
        return sum(count for form, count in self.forms.items() if form.startswith(PICKLE))

    @property
    def sealed(self) -> dict[str, int]:
        """How many of them hold nobody knows what, by form: a pickle, maybe."""
        return {form: count for form, count in self.forms.items() if form.endswith(SEALED)}

    def __str__(self) -> str:
        told = ", ".join(f"{count} {form}" for form, count in self.forms.most_common() if form.startswith(PICKLE))
        return f"{self.kind}: {self.pickles} of {self.forms.total()} values ({told})"


def by_kind(found: Iterable[tuple[str, str]]) -> list[Values]:
    """The forms of values, by kind of key, and by name.

    Args:
        found: Kind of key, and form, of each value.
    """
    kinds: dict[str, Values] = {}
    for kind, form in found:
        kinds.setdefault(kind, Values(kind)).forms[form] += 1
    return [kinds[kind] for kind in sorted(kinds)]


def form_of(data: bytes, *, whole: bool = True) -> str:
    """The form of a value: ``JSON``, ``pickle``, ``pickle (zlib)``, ``text`` ...

    Args:
        data: The value, or its beginning.
        whole: Whether it is all of it.
    """
    if _is_pickle(data, whole=whole):
        return PICKLE
    if unpacked := _unpacked(data):
        inner, name, complete = unpacked
        form = form_of(inner, whole=complete)
        return form if "(" in form else f"{form} ({name})"
    text = data.strip(b'"')
    if _BASE64.match(text):
        try:
            decoded = base64.b64decode(text[: len(text) // 4 * 4].translate(bytes.maketrans(b"-_", b"+/")))
        except binascii.Error:
            decoded = b""
        if _is_pickle(decoded, whole=False):
            return f"{PICKLE} (base64)"
    return _harmless(data, whole=whole)


def _harmless(data: bytes, *, whole: bool) -> str:
    if mark := next((name for mark, name in _MARKS if data.startswith(mark)), ""):
        return mark
    try:
        # The last character of a beginning may be cut.
        text = codecs.getincrementaldecoder("utf-8")().decode(data, final=whole)
    except UnicodeDecodeError:
        return "binary"
    if _NUMBER.fullmatch(text):
        return "number"
    if not whole:
        return "JSON, by its beginning" if text[:1] in {"{", "["} else "text"
    return "JSON" if _is_json(text) else "text"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_pickle(data: bytes, *, whole: bool) -> bool:
    # cachelib puts a "!" before it, dogpile.cache its own JSON and a "|".
    begins = {0, 1 if data[:1] == b"!" else 0, data.find(b"|") + 1 if data[:1] == b"{" else 0}
    if any(_PROTOCOL.match(data, begin) and _makes_sense(data[begin:]) for begin in begins):
        return True
    if not whole or not data.endswith(b".") or data[0] not in _OLD_BEGINNINGS:
        return False
    names = _operations(data, len(data))
    return bool(names) and names[-1] == "STOP" and len(names) > 1 and not _OLD_TELLING.isdisjoint(names)


def _makes_sense(data: bytes) -> bool:
    names = _operations(data, OPERATIONS)
    return len(names) >= OPERATIONS or names[1:2] == ["FRAME"] or names[-1:] == ["STOP"]


def _operations(data: bytes, most: int) -> list[str]:
    """Names of a pickle's first operations, read without carrying any out, up to the first that is none."""
    names: list[str] = []
    with suppress(ValueError, OverflowError):
        names.extend(operation.name for operation, _, _ in islice(pickletools.genops(data), most))
    return names


def _unpacked(data: bytes) -> tuple[bytes, str, bool] | None:
    """What a compressed value holds, by which method it was, and whether that is all of it."""
    unpacking: Any
    if data[:2] == b"\x1f\x8b":
        unpacking, name = zlib.decompressobj(31), "gzip"
    elif data[:1] == b"\x78" and len(data) > 2 and int.from_bytes(data[:2], "big") % 31 == 0:
        unpacking, name = zlib.decompressobj(15), "zlib"
    elif data[:6] == b"\xfd7zXZ\x00":
        unpacking, name = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY), "xz"
    elif data[:3] == b"BZh":
        unpacking, name = bz2.BZ2Decompressor(), "bzip2"
    else:
        return None
    try:
        found = unpacking.decompress(data, UNPACKED)
    except (zlib.error, lzma.LZMAError, OSError):
        return None
    return (found, name, unpacking.eof) if found else None

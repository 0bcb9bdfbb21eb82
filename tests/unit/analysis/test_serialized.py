"""What form a stored value has: pickles in every wrapping, and what only looks like one."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import pickle
import random
import zlib
from datetime import UTC, datetime

import pytest

from pytest_backend_audit.analysis.serialized import PREFIX, by_kind, form_of

ORDER = {"id": 7, "status": "paid", "lines": [1, 2.5], "at": datetime(2026, 1, 1, tzinfo=UTC)}
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.mark.parametrize("value", [ORDER, ["a"], "text", 3.2, True, b"bytes"], ids=str)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pickle_is_known_by_its_operations(protocol: int, value: object) -> None:
    """Of every protocol; without a header, where it holds more than a number."""
    told = form_of(pickle.dumps(value, protocol))
    assert told == ("binary" if (protocol, value) == (1, 3.2) else "pickle")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_compressed_pickles_are_known(protocol: int) -> None:
    """By zlib, as RQ's jobs are, by gzip, and as django-redis does it if told so."""
    data = pickle.dumps(ORDER, protocol)
    assert (form_of(zlib.compress(data)), form_of(gzip.compress(data))) == ("pickle (zlib)", "pickle (gzip)")
    assert (form_of(lzma.compress(data, preset=4)), form_of(bz2.compress(data))) == ("pickle (xz)", "pickle (bzip2)")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_wrapped_pickles_are_known(protocol: int) -> None:
    """As base64, alone or as a JSON text, and behind what cachelib and dogpile.cache put first."""
    data = pickle.dumps(ORDER, protocol)
    text = base64.b64encode(data)
    assert form_of(text) == form_of(b'"' + text + b'"') == form_of(base64.urlsafe_b64encode(data)) == "pickle (base64)"
    assert form_of(b"!" + data) == form_of(b'{"ct": 1767225600.0, "v": 2}|' + data) == "pickle"


@pytest.mark.parametrize("value", [["x" * 50] * 1000, "y" * 9000, [{"id": n} for n in range(2000)]])
@pytest.mark.parametrize("wrapped", [lambda data: data, zlib.compress, base64.b64encode])
def test_the_beginning_of_a_long_one_is_enough(value: object, wrapped) -> None:
    """Protocol 4 and later tell the length of a frame first."""
    data = wrapped(pickle.dumps(value, 4))
    assert form_of(data[:PREFIX], whole=len(data) <= PREFIX).startswith("pickle")


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"", "text"),
        (b"42", "number"),
        (b"-1.5", "number"),
        (b"I am here.", "text"),  # INT, LIST and STOP are letters
        (b"(see above).", "text"),
        (b"120.", "text"),
        (b"S'hello'.", "text"),
        (b"Visit us\nand p1\n.", "text"),
        (json.dumps(ORDER, default=str).encode(), "JSON"),
        (b"[1, 2", "text"),
        ("h\u00e9".encode(), "text"),
        (b"\x80\x04 is no pickle", "binary"),
        (b"\x82\xa2id\x07\xa6status\xa4paid", "binary"),  # MessagePack
        (b"\x80", "binary"),  # MessagePack's empty map
        (b"\x78\x9c is not compressed", "binary"),
        (b"\xfd7zXZ\x00 is damaged", "xz, not unpacked"),
        (bz2.compress(random.Random(7).randbytes(9000))[:PREFIX], "bzip2, not unpacked"),
        (b"BZh9 is not compressed", "text"),
        (zlib.compress(b'{"id": 7}'), "JSON (zlib)"),
        (base64.b64encode(b"\x80\x02"), "text"),
        (b"gAAAAABlZmVybmV0IHRva2Vu", "text"),  # Fernet
        (b"\xac\xed\x00\x05sr\x00", "Java serialization"),
        (b"\x04\x08{\x06:\x07idi\x0c", "Ruby Marshal"),
        (b"\x28\xb5\x2f\xfd\x00", "Zstandard, not unpacked"),
    ],
)
def test_other_forms_are_none(data: bytes, form: str) -> None:
    """Though some of their bytes are operations of a pickle."""
    assert form_of(data) == form


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b'{"id": "' + b"x" * 5000, "JSON, by its beginning"),
        ("\u00e9".encode() * 3000, "text"),
        (b"\xff" * 5000, "binary"),
    ],
)
def test_the_beginning_of_others_tells_them_too(data: bytes, form: str) -> None:
    """A character may be cut."""
    assert form_of(data[: PREFIX - 1], whole=False) == form


def test_a_bomb_is_unpacked_in_part() -> None:
    """A hundred megabytes of zeros that came as a hundred kilobytes."""
    assert form_of(zlib.compress(bytes(100 * 2**20))[:PREFIX], whole=False) == "text (zlib)"


def test_forms_are_counted_by_kind() -> None:
    """A kind says how many of its values are pickles, and of what wrapping."""
    a, b = by_kind([("b:*", "JSON"), ("a:*", "pickle"), ("a:*", "pickle (zlib)"), ("a:*", "pickle"), ("a:*", "text")])
    assert (str(a), a.pickles, b.pickles) == ("a:*: 3 of 4 values (2 pickle, 1 pickle (zlib))", 3, 0)

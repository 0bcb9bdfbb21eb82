"""The kinds of single value that audit.yaml is made of. What pydantic can't say by itself is checked here."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from pytest_backend_audit.config.incidents import begins, ends

T = TypeVar("T")

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})")
_SEVERITY = re.compile(r"[Pp][0-5]")
_NUMBER = re.compile(r"\d{1,3}(\.\d{1,12})?")
_CONNINFO = re.compile(r"\s*\w+\s*=")


def wrong(allowed: str) -> PydanticCustomError:
    """An error that says what may stand in a place; what was found there is added where the file is known.

    Args:
        allowed: What may stand there instead.
    """
    return PydanticCustomError("audit_allowed", "{allowed}", {"allowed": allowed})


def senseless(why: str) -> PydanticCustomError:
    """An error that is a sentence of its own.

    Args:
        why: The sentence.
    """
    return PydanticCustomError("audit_senseless", "{why}", {"why": why})


class Strict(BaseModel):
    """A mapping that knows all its keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True)


def _as_date(text: Any) -> str:
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise wrong("a day as YYYY-MM-DD, without time or zone (it counts through that day, UTC)")
    try:
        date.fromisoformat(text)
    except ValueError:
        raise wrong("a day of the calendar, as YYYY-MM-DD") from None
    return text


def _as_moment(text: Any) -> str:
    if not isinstance(text, str) or not (_DATE.fullmatch(text) or _INSTANT.fullmatch(text)):
        raise wrong("a day as YYYY-MM-DD (UTC), or an instant with its zone as 2026-11-20T08:30:00Z")
    try:
        begins(text), ends(text)  # outside of the calendar, in UTC, are some instants of the first and the last year
    except (ValueError, OverflowError):
        raise wrong("a day or an instant of the calendar") from None
    return text


def _as_severity(text: Any) -> str:
    if not isinstance(text, str) or not _SEVERITY.fullmatch(text):
        raise wrong("P0 (the gravest) to P5; write yours on that scale")
    return text.upper()


def _as_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise wrong("http://HOST... or https://HOST...")
    return text


def _as_redis_url(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise wrong("redis://..., rediss://... or unix://...")
    return text


def _as_dsn(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")) and not _CONNINFO.match(text):
        raise wrong('postgresql://USER@HOST:PORT/DATABASE, or "host=... port=... dbname=... user=..."')
    return text


def _as_path(text: str) -> str:
    if not text.startswith("/"):
        raise wrong("a path that starts with /")
    return text


def _as_location(text: str) -> str:
    if text.startswith("/"):
        return text
    try:
        return _as_url(text)
    except PydanticCustomError:
        raise wrong("a path that starts with /, or a URL") from None


def _as_host_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise wrong("HOST:PORT")
    return text


def _as_pointer(text: str) -> str:
    if text and not text.startswith("/"):
        raise wrong("a JSON pointer such as /sha, or an empty text for the whole answer")
    return text


def _as_weight(value: Any) -> str:
    # The loader hands over the text as it was written, so that 0.1 stays one tenth.
    if not isinstance(value, str) or not _NUMBER.fullmatch(value) or not 0 < float(value) <= 100:
        raise wrong("a number above 0 and at most 100, written plainly as 2 or 1.5")
    return value


def _as_regex(text: str) -> str:
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise wrong(f"a regular expression; this is none: {error}") from None
    if compiled.match(""):
        raise wrong("a regular expression that does not match the empty text")
    return text


def _as_level(number: int) -> int:
    if not 1 <= number <= 5:
        raise wrong("a whole number from 1 to 5")
    return number


def _not_blank(text: str) -> str:
    if not text.strip():
        raise wrong("a text that says something")
    return text


def _as_scalar(value: Any) -> str | int | float | bool:
    if not isinstance(value, str | int | float | bool):
        raise wrong("a number, a text, true or false")
    return value


def _as_suites(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return tuple(value)
    if isinstance(value, str) and value in {"all", "none"}:
        return value
    raise wrong('all, none, or a list of dimensions, each in quotes, such as ["4.1", "4.3"]')


def _as_key_pattern(text: str) -> str:
    if not text.strip("*? \t"):
        raise wrong("a pattern that names a kind of key, such as orders:*:price:*")
    return text


def _as_tree_path(text: str) -> str:
    parts = text.split("/")
    if not text.isprintable() or any(p.strip() in {"", ".", ".."} for p in parts):
        raise wrong("the path of a file from the repository's top, such as audits/allowed_signers")
    return text


def _as_item(text: str) -> str:
    criterion, _, item = text.partition(":")
    if not criterion.strip() or not item.strip():
        raise wrong("criterion:item, as the failure message prints it")
    return text


def _hex(least: int, most: int, what: str) -> AfterValidator:
    form = re.compile(f"[0-9a-f]{{{least},{most}}}")

    def check(text: str) -> str:
        if not form.fullmatch(text):
            raise wrong(what)
        return text

    return AfterValidator(check)


Items = Annotated[tuple[T, ...], Field(strict=False)]
"""A list of YAML, kept as a tuple."""
Text = Annotated[str, AfterValidator(_not_blank), Field(json_schema_extra={"minLength": 1})]
Day = Annotated[str, BeforeValidator(_as_date), Field(json_schema_extra={"pattern": r"^\d{4}-\d{2}-\d{2}$"})]
Moment = Annotated[
    str,
    BeforeValidator(_as_moment),
    Field(json_schema_extra={"pattern": r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?$"}),
]
"""A day, which counts in UTC, or an instant with its zone."""
Severity = Annotated[str, BeforeValidator(_as_severity), Field(json_schema_extra={"pattern": "^[Pp][0-5]$"})]
Url = Annotated[str, AfterValidator(_as_url)]
RedisUrl = Annotated[str, AfterValidator(_as_redis_url)]
Dsn = Annotated[str, AfterValidator(_as_dsn)]
HostPort = Annotated[str, AfterValidator(_as_host_port), Field(json_schema_extra={"pattern": ":[0-9]+$"})]
TreePath = Annotated[str, AfterValidator(_as_tree_path)]
"""A file in the repository's tree, from its top, with slashes."""
UrlPath = Annotated[str, AfterValidator(_as_path)]
Location = Annotated[str, AfterValidator(_as_location)]
"""A path below ``targets.http.base_url``, or a URL."""
Pointer = Annotated[str, AfterValidator(_as_pointer)]
Weight = Annotated[
    str,
    BeforeValidator(_as_weight),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 100}),
]
Regex = Annotated[str, AfterValidator(_as_regex), Field(json_schema_extra={"format": "regex"})]
Scalar = Annotated[Any, AfterValidator(_as_scalar), WithJsonSchema({"type": ["number", "string", "boolean"]})]
Suites = Annotated[
    Any,
    AfterValidator(_as_suites),
    WithJsonSchema(
        {"anyOf": [{"enum": ["all", "none"]}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]}
    ),
]
"""``all``, ``none``, or a tuple of dimensions."""
KeyPattern = Annotated[str, AfterValidator(_as_key_pattern)]
"""Keys of a cache, with ``*`` and ``?``; one that matches every key would choose nothing."""
Item = Annotated[str, AfterValidator(_as_item), Field(json_schema_extra={"pattern": "^[^:]+:."})]
Sha256 = Annotated[str, _hex(64, 64, "64 hex digits in lower case")]
Commit = Annotated[str, _hex(7, 64, "7 or more hex digits of a commit, in lower case")]
LevelNumber = Annotated[int, AfterValidator(_as_level), Field(json_schema_extra={"minimum": 1, "maximum": 5})]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Lifetime = Annotated[float, Field(gt=0, le=10 * 366 * 86_400)]
"""Seconds, up to ten years."""
Milliseconds = Annotated[float, Field(gt=0, le=600_000)]

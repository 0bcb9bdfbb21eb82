"""Endpoints that list things: the parameter that sets a page's size, and how many things an answer holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_PAGE_SIZE = re.compile(
    r"\$?(?:limit|top|take|first|count|size|rows|per_?page|page_?size|page_?limit|max_?(?:results|items|page_?size))"
    r"|page\[(?:size|limit)\]",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"next(?:_?(?:page|url|link|cursor|token|page_?token))?|has_?(?:more|next(?:_?page)?)|more", re.IGNORECASE
)
_TOTAL = re.compile(r"total(?:_?(?:count|items|results|elements|size))?|count", re.IGNORECASE)
_DEEPEST = 3
"""Objects within objects in which an answer's list is looked for: ``{"data": {"orders": {"edges": [...]}}}``."""


@dataclass(frozen=True, slots=True)
class PageSize:
    """The query parameter by which a caller sets how many things come back."""

    name: str
    maximum: int | None = None
    """Most that the document allows; None where it allows any number."""

    def page(self, wanted: int, factor: int) -> int:
        """The smaller of two page sizes, so that the larger one, this times `factor`, is allowed still."""
        return wanted if self.maximum is None else max(1, min(wanted, self.maximum // factor))


def page_size(parameters: Iterable[Any], declared: Mapping[str, Any]) -> PageSize | None:
    """The parameter that sets a page's size; None where there is none.

    Args:
        parameters: Those of the operation in the OpenAPI document (3.x or Swagger 2.0).
        declared: Query parameters of an ordinary request, from audit.yaml.
    """
    for parameter in parameters:
        if not isinstance(parameter, Mapping) or parameter.get("in") != "query":
            continue
        if (integer := _integer(parameter.get("schema", parameter))) is not None and _is_size(parameter.get("name")):
            most = integer.get("maximum")
            return PageSize(str(parameter["name"]), int(most) if isinstance(most, int | float) else None)
    name = next((name for name, value in declared.items() if _is_size(name) and isinstance(value, int)), None)
    return PageSize(name) if name is not None else None


def things(answer: Any) -> int | None:
    """How many things an answer lists: the length of its longest list, those inside of things left aside.

    None where it holds no list.
    """
    return max(map(len, _found(answer, _DEEPEST)), default=None)


def more_follow(answer: Any) -> bool:
    """Whether an answer says that it isn't all: it names a next page, or a total above what it lists."""
    here = things(answer) or 0
    return any(
        (_MORE.fullmatch(name) and bool(value))
        or (_TOTAL.fullmatch(name) and isinstance(value, int) and not isinstance(value, bool) and value > here)
        for name, value in _members(answer, _DEEPEST)
    )


def _is_size(name: object) -> bool:
    return isinstance(name, str) and _PAGE_SIZE.fullmatch(name) is not None


def _integer(schema: Any) -> Mapping[str, Any] | None:
    """The part of a parameter's schema that is a whole number; it may be one of several that are allowed."""
    if not isinstance(schema, Mapping):
        return None
    kind = schema.get("type")
    if kind == "integer" or (isinstance(kind, Sequence) and not isinstance(kind, str) and "integer" in kind):
        return schema
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    return next((found for choice in choices if (found := _integer(choice)) is not None), None)


def _found(value: Any, deep: int) -> list[Sequence[Any]]:
    if isinstance(value, list):
        return [value]
    if isinstance(value, Mapping) and deep:
        return [found for inner in value.values() for found in _found(inner, deep - 1)]
    return []


def _members(value: Any, deep: int) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping) and deep:
        for name, inner in value.items():
            yield str(name), inner
            yield from _members(inner, deep - 1)

"""The ``audit`` marker: from keywords on a test function to a `Check`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Required, TypedDict, Unpack

import pytest

from pytest_backend_audit.model import Need, Page

KEYWORDS = ("dimension", "level", "criterion", "needs")


class AuditKeywords(TypedDict, total=False):
    """Keywords of the marker."""

    dimension: Required[str]
    level: Required[int]
    criterion: str | None
    needs: Collection[str]


def audit(**keywords: Unpack[AuditKeywords]) -> pytest.MarkDecorator:
    """Mark a test as a check of one sub-criterion; the same as ``pytest.mark.audit(...)``.

    Wrong values are reported when the test is collected, with file and line, so that all of a suite's mistakes show
    at once.

    Args:
        **keywords: ``dimension`` ("4.2"), ``level`` (1 to 5), ``criterion`` (the ladder it counts in; without one the
            check is its own criterion, outside the standard), ``needs`` (of "load", "writes", "faults", "probes").

    Returns:
        The decorator.
    """
    return pytest.mark.audit(**keywords)


def is_ours(mark: pytest.Mark) -> bool:
    """Whether an ``audit`` mark is meant for us; another plugin or team may use the same name for its own purposes."""
    return any(k in KEYWORDS or difflib.get_close_matches(k, KEYWORDS, 1, 0.75) for k in mark.kwargs)


class MarkValues(TypedDict):
    """A mark's arguments once they are known to be right."""

    dimension: str
    level: int
    criterion: str | None
    needs: tuple[Need, ...]


def read_mark(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[MarkValues | None, list[str]]:
    """Check a mark's arguments.

    Args:
        args: Positional arguments; there may be none.
        kwargs: Keyword arguments.

    Returns:
        The values, or None, and what is wrong: one sentence each, with what was found and what is allowed.
    """
    problems: list[str] = []
    if args:
        problems.append(f"takes keywords only, found {args[0]!r}; write audit(dimension=..., level=...)")
    for name in kwargs:
        if name not in KEYWORDS:
            near = difflib.get_close_matches(name, KEYWORDS, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; allowed are {', '.join(KEYWORDS)}"
            problems.append(f"unknown keyword {name!r}{hint}")
    dimension, level, criterion = kwargs.get("dimension"), kwargs.get("level"), kwargs.get("criterion")
    if not isinstance(dimension, str) or not dimension:
        found = "is missing" if "dimension" not in kwargs else f"is {dimension!r}"
        problems.append(f"dimension {found}; it is a text such as '4.2'")
    if isinstance(level, bool) or not isinstance(level, int) or not 1 <= level <= 5:
        found = "is missing" if "level" not in kwargs else f"is {level!r}"
        problems.append(f"level {found}; it is a whole number from 1 to 5")
    if criterion is not None and (not isinstance(criterion, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", criterion)):
        problems.append(f"criterion is {criterion!r}; it is a name such as 'hit-rate' (lower case, digits, dashes)")
    needs = kwargs.get("needs", ())
    wanted: list[Need] = []
    if isinstance(needs, str) or not isinstance(needs, Collection):
        problems.append(f"needs is {needs!r}; it is a tuple such as ('load',)")
    else:
        for need in needs:
            if need in tuple(Need):
                wanted.append(Need(need))
            else:
                problems.append(f"needs holds {need!r}; allowed are {', '.join(Need)}")
    if problems or not isinstance(dimension, str) or not isinstance(level, int):
        return None, problems
    ordered = tuple(n for n in Need if n in wanted) if wanted else ()
    return {"dimension": dimension, "level": level, "criterion": criterion, "needs": ordered}, []


_EFFORT = re.compile(r"(S|M|L|small|medium|large)\b", re.IGNORECASE)
_SECTION = re.compile(r"(?:^|(?<=[.!?][ ]))(Impact|Remediation|Verification|Effort):[ \t]*", re.MULTILINE)
"""At the beginning of a line, or of a sentence."""


@cache
def read_page(function_doc: str | None, module_doc: str | None) -> Page:
    """What a check says of itself.

    A docstring's first paragraph is the claim; ``Impact:``, ``Remediation:``, ``Verification:`` and ``Effort:`` open
    the other parts. The function's own parts win over the module's, so that a file with a ladder of checks states
    what they share once.
    """
    merged: dict[str, str] = {}
    for doc in (module_doc, function_doc):
        merged.update(_parts(doc or ""))
    return Page(
        claim=merged.get("claim", ""),
        impact=merged.get("impact", ""),
        remediation=merged.get("remediation", ""),
        verification=merged.get("verification", ""),
        effort=size[1][0].upper() if (size := _EFFORT.match(merged.get("effort", ""))) else "",
    )


def _parts(doc: str) -> dict[str, str]:
    import inspect  # noqa: PLC0415 - only an audit reads docstrings

    text = inspect.cleandoc(doc)
    pieces = _SECTION.split(text)
    parts = {"claim": pieces[0].split("\n\n")[0]}
    for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
        parts[name.lower()] = body
    return {name: " ".join(body.split()) for name, body in parts.items() if body.strip()}

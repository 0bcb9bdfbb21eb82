"""Rules of Prometheus: which series an expression asks for, and what it compares.

PromQL is read as far as that takes, not parsed: names, selectors, and the comparisons and set operators outside of all
brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)"""
    r"""|(?P<number>\d[\w.]*|\.\d+)|(?P<name>[a-zA-Z_:][\w:]*)|(?P<compare>==|!=|>=|<=|=~|!~|>|<)|(?P<sign>.)""",
    re.DOTALL,
)
_LABEL_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_CALLS = {"(", "by", "without"}
"""What stands behind a function or an aggregation."""
_SETS = {"and", "or", "unless"}
_WORDS = _LABEL_LISTS | _SETS | {"bool", "offset", "inf", "nan", "atan2", "start", "end"}
_COMPARE = {"==", "!=", ">=", "<=", ">", "<"}
_DEPTH = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_DEEPEST = 5
"""Recording rules within recording rules that are followed."""


@dataclass(frozen=True, slots=True)
class Selector:
    """What an expression asks for."""

    name: str
    """The metric; empty where only labels tell it."""
    text: str
    """As it can be asked for by itself: ``up{job="orders"}``."""

    @property
    def labels(self) -> dict[str, str]:
        """The labels that have to be equal to a value."""
        return dict(re.findall(r"""(\w+)\s*=\s*["']([^"']*)["']""", self.text.partition("{")[2]))


def selectors(expression: str) -> list[Selector]:
    """The selectors of an expression, each once, in their order."""
    found: dict[str, Selector] = {}
    tokens = list(_tokens(expression))
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if kind == "name" and text.lower() in _LABEL_LISTS and following == "(":
            at = _after(tokens, at + 1)
        elif text == "[":
            at = _after(tokens, at)
        elif text == "{" or (kind == "name" and text.lower() not in _WORDS and following not in _CALLS):
            name = "" if text == "{" else text
            opens = at if text == "{" else at + 1
            end = _after(tokens, opens) if opens < len(tokens) and tokens[opens][1] == "{" else at + 1
            whole = "".join(t for _, t in tokens[at:end])
            found.setdefault(whole, Selector(name, whole))
            at = end
        else:
            at += 1
    return list(found.values())


def compared(expression: str) -> list[str]:
    """The left sides of an expression's comparisons: what it gives, whether it alerts or not.

    Each part between ``and``, ``or`` and ``unless`` is one; a part that compares nothing is whole.
    """
    parts: list[list[str]] = [[]]
    depth, right = 0, False
    for kind, text in _tokens(expression):
        depth += _DEPTH.get(text, 0) if kind == "sign" else 0
        if depth == 0 and kind == "name" and text.lower() in _SETS:
            parts.append([])
            right = False
        elif depth == 0 and kind == "compare" and text in _COMPARE:
            right = True
        elif not right:
            parts[-1].append(text)
    whole = [" ".join(part) for part in parts if part]
    if len(whole) == 1 and (inner := _unwrapped(whole[0])) is not None and inner != whole[0]:
        return compared(inner)
    return whole


def alerting(rules: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the rules that alert."""
    return [rule for rule in rules if rule.get("type") == "alerting"]


def asked(rule: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> list[Selector]:
    """The selectors of a rule, and those of the recording rules that it builds upon."""
    recorded = {r["name"]: r["query"] for r in rules if r.get("type") == "recording"}
    found = selectors(rule["query"])
    fresh = found
    for _ in range(_DEEPEST):
        fresh = [inner for s in fresh if s.name in recorded for inner in selectors(recorded[s.name])]
        found = found + [s for s in fresh if s not in found]
    return found


def _tokens(expression: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(expression):
        if match.lastgroup != "space":
            yield str(match.lastgroup), match[0]


def _after(tokens: Sequence[tuple[str, str]], opens: int) -> int:
    """Where the bracket that opens at a token has been closed."""
    depth = 0
    for at in range(opens, len(tokens)):
        kind, text = tokens[at]
        depth += _DEPTH.get(text, 0) if kind == "sign" else 0
        if depth == 0:
            return at + 1
    return len(tokens)


def _unwrapped(expression: str) -> str | None:
    tokens = list(_tokens(expression))
    if tokens and tokens[0][1] == "(" and _after(tokens, 0) == len(tokens):
        return " ".join(text for _, text in tokens[1:-1])
    return None

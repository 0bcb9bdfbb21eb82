"""Plans as EXPLAIN (VERBOSE, FORMAT JSON) tells them, and the conditions in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
CONDITIONS = ("Index Cond", "Recheck Cond", "Filter", "Join Filter", "Hash Cond", "Merge Cond")


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a plan."""

    facts: Mapping[str, Any]
    """What EXPLAIN tells of it, by EXPLAIN's own names."""
    children: tuple[Node, ...]

    @property
    def kind(self) -> str:
        """Such as ``Seq Scan``."""
        return str(self.facts["Node Type"])

    @property
    def rows(self) -> float:
        """Rows that the planner expects it to give, each time."""
        return float(self.facts.get("Plan Rows", 0))

    @property
    def cost(self) -> float:
        """What the planner expects all its rows to cost."""
        return float(self.facts.get("Total Cost", 0))

    @property
    def table(self) -> str:
        """Table that it scans, with its schema, quoted where need be; empty for other steps."""
        name = self.facts.get("Relation Name")
        return f"{quoted(str(self.facts.get('Schema', '')))}.{quoted(str(name))}" if name else ""

    @property
    def index(self) -> str:
        """Name of the index that it reads, unquoted; empty if it reads none."""
        return str(self.facts.get("Index Name", ""))

    @property
    def alias(self) -> str:
        """What conditions call its table."""
        return quoted(str(self.facts.get("Alias", "")))

    @property
    def reads_nothing(self) -> bool:
        """Whether the planner knows, before it looks at any row, that this step has none to give."""
        return self.facts.get("One-Time Filter") == "false"

    def condition(self, *names: str) -> str:
        """Its conditions of these kinds, joined by AND; of all kinds without names."""
        return " AND ".join(str(self.facts[n]) for n in names or CONDITIONS if n in self.facts)

    def calls(self, function: str) -> bool:
        """Whether it, or a step below it, calls a function, which it names without quotes."""
        call = re.compile(rf"(?<![\w$]){re.escape(function)}\"?\(")
        return any(call.search(str(fact)) for node in self.walk() for fact in node.facts.values())

    def walk(self) -> Iterator[Node]:
        """It and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def paths(self, above: tuple[Node, ...] = ()) -> Iterator[tuple[Node, tuple[Node, ...]]]:
        """It and all below it, each with those above, the nearest last."""
        yield self, above
        for child in self.children:
            yield from child.paths((*above, self))


def read(explained: Sequence[Mapping[str, Any]]) -> Node:
    """The plan in EXPLAIN's JSON."""
    return _node(explained[0]["Plan"])


def quoted(name: str) -> str:
    """An identifier as SQL writes it; a key word that need not be quoted as a column's name isn't told from others."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) else '"' + name.replace('"', '""') + '"'


def columns(condition: str, alias: str) -> list[str]:
    """Columns of a table that a condition names, in their order, each once."""
    return list(dict.fromkeys(re.findall(rf"(?<![\w\"]){re.escape(alias)}\.({_NAME})", condition)))


def is_column(text: str, alias: str) -> bool:
    """Whether this is a column of a table, and nothing more."""
    return re.fullmatch(rf"{re.escape(alias)}\.{_NAME}", text) is not None


def alternatives(condition: str) -> list[list[str]]:
    """Each OR in a condition, wherever it stands: its alternatives."""
    found = []
    parts = _split(condition, " OR ")
    if len(parts) > 1:
        found.append(parts)
    elif len(parts := _split(condition, " AND ")) == 1:
        inner = re.fullmatch(r"(?:NOT )?\((.*)\)", condition, re.DOTALL)
        return alternatives(inner[1]) if inner else []
    for part in parts:
        found += alternatives(part)
    return found


def conjuncts(condition: str) -> list[str]:
    """What a condition joins by AND."""
    parts = _split(condition, " AND ")
    return parts if len(parts) == 1 else [c for part in parts for c in conjuncts(part)]


def compared(condition: str, alias: str, texts: Collection[str] | None = None) -> tuple[list[str], list[str]]:
    """Columns of a table that a condition compares with something for equality, and those it compares otherwise.

    Those inside of an expression, or of an OR, are neither: an index of the column would not serve it. Nor would it
    where the column is cast, or where one value is left out.

    Args:
        condition: As `Node.condition` has it.
        alias: What it calls the table.
        texts: Columns that are cast to text in name only, as those of type varchar are; None where nobody knows.
    """
    found = comparisons(condition, alias, texts)
    equal = list(dict.fromkeys(name for name, operator in found if operator == "="))
    return equal, [c for c in dict.fromkeys(name for name, operator in found if operator != "<>") if c not in equal]


def comparisons(condition: str, alias: str, texts: Collection[str] | None = None) -> list[tuple[str, str]]:
    """Columns that a condition compares with something, each with the operator; arguments as for `compared`."""
    bare = re.compile(rf"\(*{re.escape(alias)}\.({_NAME})\)*(?:::([\w ]+))?\)*")
    found: list[tuple[str, str]] = []
    for part in conjuncts(condition):
        sides = re.split(r" (=|<>|<|>|<=|>=|~~|~~\*|\^@|&&|@>|<@|IS) ", part, maxsplit=1)
        named = [match for side in sides[::2] if (match := bare.fullmatch(side.strip()))]
        named = [m for m in named if m[2] is None or (m[2] == "text" and (texts is None or m[1] in texts))]
        if len(named) == 1 and not alternatives(part):
            found.append((named[0][1], sides[1] if len(sides) > 1 else "="))
    return found


def _node(facts: Mapping[str, Any]) -> Node:
    return Node(facts, tuple(_node(child) for child in facts.get("Plans", ())))


def _split(condition: str, word: str) -> list[str]:
    """A condition at this word where it stands outside of parentheses and literals, less those around the whole."""
    condition = condition.strip()
    while (end := _closing(condition)) == len(condition) - 1 and end > 0:
        condition = condition[1:-1].strip()
    parts, depth, begin, place = [], 0, 0, 0
    while place < len(condition):
        char = condition[place]
        if char in "'\"":
            place = condition.find(char, place + 1)
            if place < 0:
                break
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif depth == 0 and condition.startswith(word, place):
            parts.append(condition[begin:place])
            begin = place = place + len(word)
            continue
        place += 1
    return [*parts, condition[begin:]]


def _closing(condition: str) -> int:
    """Where the parenthesis ends that a condition begins with; -1 if it begins with none."""
    if not condition.startswith("("):
        return -1
    depth, quote = 0, ""
    for place, char in enumerate(condition):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            depth += (char == "(") - (char == ")")
            if depth == 0:
                return place
    return -1


def parameter_columns(plan: Node) -> dict[int, tuple[str, str]]:
    """For each parameter that a scan compares a column with: the table, and that column."""
    found: dict[int, tuple[str, str]] = {}
    for node, above in plan.paths():
        heap = node if node.table else next((n for n in reversed(above) if n.kind == "Bitmap Heap Scan"), None)
        if heap is None:
            continue
        for part in _atoms(node.condition()):
            named, numbers = columns(part, heap.alias), re.findall(r"\$(\d+)", part)
            if len(named) == 1 and len(numbers) == 1:
                found.setdefault(int(numbers[0]), (heap.table, named[0]))
    return found


def _atoms(condition: str) -> Iterator[str]:
    for part in conjuncts(condition):
        inner = alternatives(part)
        if not inner:
            yield part
        for sides in inner:
            for side in sides:
                yield from _atoms(side)

"""What of a plan has to stay the same from one audit to the next: how large tables are reached, joined and sorted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pytest_backend_audit.analysis.plans import Node
from pytest_backend_audit.analysis.statements import shortened

_JOINS = {"Nested Loop", "Hash Join", "Merge Join"}
_SORTS = {"Sort", "Incremental Sort"}
_OF_PARTITIONED = re.compile(r'(CREATE (?:UNIQUE )?INDEX (?:"(?:[^"]|"")+"|[^\s"]+) ON )ONLY ')
_SYSTEM = ("pg_catalog.", "information_schema.", "pg_toast.")
"""Schemas of the server's own tables: how these are read is not the service's matter."""
SCANNED = "from beginning to end"
ALONG = "along all of"
BY = "by"
"""An index leads to the rows."""


class Step(NamedTuple):
    """A join, a sort, or a table that is read."""

    depth: int
    """Joins and sorts above it."""
    kind: str
    """Of a join or a sort; empty for a table."""
    table: str = ""
    """With its schema; of a partition the partitioned table."""
    access: str = ""
    """How its rows are found."""
    indexes: tuple[str, ...] = ()
    """By which indexes, with their schema."""

    def __str__(self) -> str:
        return self.kind or f"{self.table} {self.access} {' and '.join(self.indexes)}".rstrip()


@dataclass(frozen=True, slots=True)
class Kept:
    """A statement and its plan, as one audit leaves them to the next."""

    statement: str
    """Without literals and comments."""
    steps: tuple[Step, ...]
    search_path: str | None = None
    indexes: Mapping[str, str] = field(default_factory=dict)
    """Index, with its schema -> the statement that makes it."""
    since: str = ""
    """Instant of the audit that saw the plan first."""
    known: tuple[str, ...] | None = None
    """Indexes that its tables had, each as `known` tells it, used or not; None where nobody noted them."""

    @property
    def key(self) -> str:
        """What tells the statement from others, whatever the values and the length of its lists."""
        return key(self.statement)

    def data(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "statement": self.statement,
            "search_path": self.search_path,
            "steps": [[*step[:4], list(step.indexes)] for step in self.steps],
            "indexes": dict(self.indexes),
            "since": self.since,
            "known": None if self.known is None else list(self.known),
        }

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Kept:
        """What `data` gave.

        Raises:
            ValueError: It is something else.
        """
        try:
            return cls(
                str(data["statement"]),
                tuple(
                    Step(int(depth), str(kind), str(table), str(access), tuple(map(str, names)))
                    for depth, kind, table, access, names in data["steps"]
                ),
                None if data["search_path"] is None else str(data["search_path"]),
                {str(name): str(made) for name, made in data["indexes"].items()},
                str(data["since"]),
                None if data.get("known") is None else tuple(map(str, data["known"])),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no plan: {error!r}") from None


@dataclass(frozen=True, slots=True)
class Flip:
    """A statement whose plan is another one than it was."""

    before: Kept
    now: Kept
    gone: tuple[str, ...] = ()
    """Statements that make the indexes that the plan had and that are no more."""

    @property
    def item(self) -> str:
        """What names it in audit.yaml: this statement with this very plan."""
        return f"{self.now.key}.{_digest(repr([tuple(step) for step in self.now.steps]), 6)}"

    def __str__(self) -> str:
        cure = "".join(f"\n  an index of it is gone: {made}" for made in self.gone)
        return (
            f"{shortened(self.now.statement, 240)}\n  since {self.before.since[:10]}: {_told(self.before.steps)}\n"
            f"  now: {_told(self.now.steps)}{cure}"
        )


def key(statement: str) -> str:
    """Twelve digits that name a statement.

    Args:
        statement: As `statements.as_read` gives it.
    """
    bare = re.sub(r"\$\d+", "?", statement.replace("::text", ""))
    return _digest(re.sub(r"\?(?: , \?)+", "? ...", bare), 12)


def indexes_of(plan: Node) -> set[tuple[str, str]]:
    """Schema and name of each index that a plan reads."""
    return {
        (str(heap.facts.get("Schema", "")), node.index)
        for heap in plan.walk()
        if heap.table
        for node in (heap, *_bitmaps(heap))
        if node.index
    }


def making(definition: str) -> str:
    """The statement that makes an index again, on all partitions of a table and without holding up writes if it can.

    Args:
        definition: As pg_get_indexdef has it. Of a partitioned table's index it says ON ONLY, which would leave the
            partitions without it, and the server makes none of these CONCURRENTLY.
    """
    if partitioned := _OF_PARTITIONED.match(definition):
        return f"{partitioned[1]}{definition[partitioned.end() :]};"
    return definition.replace("INDEX ", "INDEX CONCURRENTLY ", 1) + ";"


def known(table: str, made: str) -> str:
    """How an index that a table has is noted, whatever its name.

    Args:
        table: With its schema; of a partition the partitioned table.
        made: The statement that makes the index.
    """
    return f"{table} {_alike(made)}"


def steps(plan: Node, tables: Mapping[str, str], indexes: Mapping[tuple[str, str], str]) -> tuple[Step, ...]:
    """What has to stay the same of a plan.

    How rows are counted, cut and handed on is left out, and whether several processes do it: that follows from sizes.
    Partitions that are reached alike are one step, so that a new month is no change.

    Args:
        plan: As EXPLAIN (VERBOSE, FORMAT JSON) has it.
        tables: Table of a plan -> the one that it is a partition of, or itself.
        indexes: Schema and name of an index -> the index that it is a part of, or itself, with its schema.
    """
    found: list[Step] = []
    for step in _steps(plan, 0, tables, indexes):
        if step not in found[-1:]:
            found.append(step)
    return tuple(found)


def changed(before: Kept, now: Kept, small: Collection[str]) -> bool:
    """Whether a plan is another one, leaving out how small tables are read, and what indexes are called.

    The server's own tables count as small.

    Args:
        before: The one.
        now: The other.
        small: Tables that are small now: the planner may read them in whatever way.
    """
    return _large(before, small) != _large(now, small)


def improved(before: Kept, now: Kept, small: Collection[str]) -> bool:
    """Whether a plan that has changed is certainly better, and in nothing worse.

    So it is where all that differs is that an index which was not there before leads to rows of a table, and that was
    read from beginning to end before, or along all of another index; or where the sort of a table's rows is gone, and
    the index leads to them by the columns of the one before, and by more. All else may be the work of wrong statistics:
    an index that was there before, one that is now read from its beginning for its order alone, another join.

    Args:
        before: The one.
        now: The other.
        small: As for `changed`.
    """
    if before.known is None:
        return False
    pairs = _pairs(_large(before, small), _large(now, small))
    made = {_alike(definition) for definition in now.indexes.values()}
    return pairs is not None and all(
        (one == other and not was_sorted) or _better(one, other, before.known, made, was_sorted=was_sorted)
        for one, other, was_sorted in pairs
    )


def _pairs(before: Sequence[Step], now: Sequence[Step]) -> list[tuple[Step, Step, bool]] | None:
    """Each step with what it has become, and whether a sort of its rows is gone; None where that is unclear."""
    found, left = [], list(before)
    for step in now:
        if len(left) > 1 and left[0].kind in _SORTS and not step.kind and not left[1].kind:
            sort, table = left[:2]
            found.append((table._replace(depth=sort.depth), step, True))
            del left[:2]
        elif left:
            found.append((left.pop(0), step, False))
        else:
            return None
    return None if left else found


def _better(one: Step, other: Step, had: Collection[str], made: Collection[str], *, was_sorted: bool) -> bool:
    if (one.depth, one.kind, one.table) != (other.depth, other.kind, other.table) or other.access != BY:
        return False
    new = [index for index in other.indexes if f"{other.table} {index}" not in had]
    if not new or not set(other.indexes) <= set(made):
        return False
    if one.access in (SCANNED, ALONG):
        return True
    narrower = len(one.indexes) == len(other.indexes) == 1 and one.access == BY
    return was_sorted and narrower and new[0].startswith(f"{one.indexes[0].removesuffix(')')}, ")


def _alike(made: str) -> str:
    """What an index is, whatever it is called."""
    return re.sub(r"^.*? USING ", "", made.removesuffix(";"))


def _large(kept: Kept, small: Collection[str]) -> list[Step]:
    def free(step: Step) -> bool:
        return step.table in small or step.table.startswith(_SYSTEM)

    if all(free(step) for step in kept.steps if step.table):
        return []
    alike = {name: _alike(made) for name, made in kept.indexes.items()}

    def bare(step: Step) -> Step:
        if free(step):
            return step._replace(access="", indexes=())
        return step._replace(indexes=tuple(sorted(alike.get(name, name) for name in step.indexes)))

    return [bare(step) for step in kept.steps]


def _steps(node: Node, depth: int, tables: Mapping[str, str], indexes: Mapping[tuple[str, str], str]) -> Iterator[Step]:
    if node.kind in _JOINS | _SORTS:
        yield Step(depth, "Sort" if node.kind in _SORTS else node.kind)
        depth += 1
    elif node.table:
        yield Step(depth, "", tables.get(node.table, node.table), *_access(node, indexes))
    for child in node.children:
        if not child.kind.startswith("Bitmap") or child.table:
            yield from _steps(child, depth, tables, indexes)


def _access(node: Node, indexes: Mapping[tuple[str, str], str]) -> tuple[str, tuple[str, ...]]:
    if node.kind == "Seq Scan":
        return SCANNED, ()
    schema = str(node.facts.get("Schema", ""))
    names = {indexes.get((schema, n.index), n.index) for n in (node, *_bitmaps(node)) if n.index}
    if not names:
        return f"by {node.kind}", ()
    whole = node.index and "Index Cond" not in node.facts
    return ALONG if whole else BY, tuple(sorted(names))


def _bitmaps(node: Node) -> list[Node]:
    """The scans of indexes that tell a Bitmap Heap Scan its rows."""
    if node.kind != "Bitmap Heap Scan":
        return []
    return [inner for child in node.children for inner in child.walk() if inner.kind == "Bitmap Index Scan"]


def _told(all_steps: Sequence[Step]) -> str:
    return "; ".join(map(str, all_steps)) or "no table is read"


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]

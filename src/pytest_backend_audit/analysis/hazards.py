"""What is dangerous in plans: conditions, orders and joins on large tables that no index serves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_backend_audit.analysis.plans import (
    Node,
    alternatives,
    columns,
    compared,
    comparisons,
    conjuncts,
    is_column,
    quoted,
)
from pytest_backend_audit.analysis.text import listed

_STREAMING = {"Gather", "Gather Merge", "Append", "Merge Append", "Subquery Scan", "Result", "Nested Loop"}
"""Steps that hand rows on as they come, so that a LIMIT above them ends what is below."""


_SELECTIVE = 0.1
"""Share of the rows tried that a condition leaves at most where an index for it would save most of the work."""
_RANGE, _UNKNOWN = 1 / 3, 0.005
"""What the planner itself takes for the share of rows that a comparison with an unknown value leaves."""


_ORDERED = {"=", "<", ">", "<=", ">="}
"""Operators that an index in order serves."""
_ELSEWHERE = 0.25
"""Share of a table's blocks; calls that read less on average don't read all of it, as their generic plan would. It is
not one half, as the table may have grown since they were counted first."""


class Kind(StrEnum):
    """What is dangerous."""

    FILTER = "filter"
    SORT = "sort"
    ORDER = "column order"
    FEW_VALUES = "few values"
    DISJUNCTION = "disjunction"
    NESTED_LOOP = "nested loop"


@dataclass(frozen=True, slots=True)
class Index:
    """What is known of an index."""

    columns: tuple[str | None, ...]
    """Key columns in order, quoted where need be; None for an expression."""
    blocks: float
    predicate: tuple[str, ...] = ()
    """Columns of the condition that its rows meet, if it is a partial one, and its key's."""
    compares: bool = False
    """Whether it has all rows in the order of its first column, as that column's own type and collation compare."""


@dataclass(frozen=True, slots=True)
class Table:
    """What is known of a table that a plan reads."""

    name: str
    """With its schema; of a partition the partitioned table's."""
    rows: float
    """Of all partitions."""
    distinct: Mapping[str, float] = field(default_factory=dict)
    """Column -> how many different values it has, where that can be seen."""
    indexes: Mapping[str, Index] = field(default_factory=dict)
    """By their names, unquoted."""
    own: float | None = None
    """Rows of the partition itself; as many as `rows` where nothing is said."""
    blocks: float = 0
    """Of all partitions, indexes left aside; 0 where that is unknown."""
    partitioned: bool = False
    """Whether it is one, whose rows are in its partitions."""
    texts: Collection[str] | None = None
    """Columns whose cast to text is none, so that their index serves it; None where nobody knows."""

    def might_use(self, named: Collection[str]) -> bool:
        """Whether an index is there that serves a condition on these columns for some values, if not for all.

        It begins with one of them, or has but the rows for which another holds.
        """
        return any(index.columns[0] in named or set(index.predicate) & set(named) for index in self.indexes.values())


@dataclass(frozen=True, slots=True)
class Hazard:
    """One of them."""

    kind: Kind
    table: str
    columns: tuple[str, ...]
    said: str
    cure: str

    @property
    def item(self) -> str:
        """What names it in audit.yaml: ``public.orders.tenant+created_at``."""
        return f"{self.table}.{'+'.join(self.columns)}" if self.columns else self.table

    def __str__(self) -> str:
        return f"{self.table}: {self.said}: {self.cure}"


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where on something counts."""

    large: float
    """Rows from which a table is large."""
    few: float = 0
    """Different values up to which a condition on a column selects too little."""
    returned: float | None = None
    """Rows that the statement gave on average: what a LIMIT came to, which a generic plan doesn't know."""
    blocks: float | None = None
    """Blocks that the statement read on average, from the cache or not; None where that is unknown."""


def hazards(plan: Node, tables: Mapping[str, Table], bounds: Bounds) -> list[Hazard]:
    """What is dangerous in a plan, each once.

    Args:
        plan: The plan.
        tables: By name, as `Node.table` tells it; a table that isn't there is none to worry about.
        bounds: From where on something counts.
    """
    found: dict[tuple[Kind, str], Hazard] = {}
    sorted_away: set[int] = set()
    scanned = _scanned(plan, tables)
    for node, above in plan.paths():
        if node.kind == "Sort" and (hazard := _sort(node, above, tables, bounds)):
            found.setdefault((hazard.kind, hazard.item), hazard)
            sorted_away.update(id(below) for below in node.walk())
    for node, above in plan.paths():
        table = tables.get(node.table) or _table_above(above, tables)
        if table is None or table.rows <= bounds.large:
            continue
        for hazard in _scan(node, above, table, bounds, scanned.get(table.name, table.rows)):
            # An index for the order serves the condition too, if that is no disjunction.
            if id(node) not in sorted_away or hazard.kind in {Kind.DISJUNCTION, Kind.NESTED_LOOP}:
                found.setdefault((hazard.kind, hazard.item), hazard)
    return list(found.values())


def _scanned(plan: Node, tables: Mapping[str, Table]) -> dict[str, float]:
    """Rows of each table that is scanned from end to end: of one in partitions, of those that are.

    The planner scans an empty partition, though all have an index.
    """
    found: dict[str, float] = {}
    for node in plan.walk():
        if node.kind == "Seq Scan" and (table := tables.get(node.table)):
            own = table.rows if table.own is None else table.own
            found[table.name] = min(table.rows, found.get(table.name, 0.0) + own)
    return found


def create_index(table: Table, names: Sequence[str], method: str = "") -> str:
    """The statement that makes an index, without stopping writes if it can."""
    what = f"{table.name} {f'USING {method} ' if method else ''}({', '.join(names)});"
    if table.partitioned:
        # The server makes none of a partitioned table CONCURRENTLY.
        return (
            f"CREATE INDEX ON {what} (it stops writes; one ON ONLY it, one CONCURRENTLY on each partition, and ALTER "
            "INDEX ... ATTACH PARTITION do not)"
        )
    return f"CREATE INDEX CONCURRENTLY ON {what}"


def _table_above(above: Sequence[Node], tables: Mapping[str, Table]) -> Table | None:
    # The scan of an index for a bitmap does not tell the table; the one that reads it does.
    for node in reversed(above):
        if node.kind == "Bitmap Heap Scan":
            return tables.get(node.table)
        if node.kind not in {"BitmapOr", "BitmapAnd"}:
            return None
    return None


def _scan(node: Node, above: Sequence[Node], table: Table, bounds: Bounds, scanned: float) -> Iterator[Hazard]:
    by_index = node.kind in {"Index Scan", "Index Only Scan"}
    whole = node.kind == "Seq Scan" or (by_index and "Index Cond" not in node.facts)
    if whole and (loop := _loop((*above, node))):
        yield _nested_loop(node, *loop, table)
    if node.index in table.indexes and "Index Cond" in node.facts:
        yield from _column_order(node, above, table)
    if not (whole or by_index or node.kind == "Bitmap Heap Scan"):
        return
    share = _share(node, above, bounds.returned)
    everything = columns(node.condition("Index Cond", "Recheck Cond", "Filter"), node.alias)
    if node.kind == "Seq Scan" and _otherwise(table, everything, share, bounds):
        return
    if node.rows * share > bounds.large and (few := _few(everything, table, bounds.few)):
        yield few
    elif (condition := node.condition("Filter")) and _tried(node, table, scanned) * share > bounds.large:
        if named := _disjunction(condition, node.alias):
            yield _of_disjunction(table, named)
        elif node.kind == "Seq Scan" or node.rows <= _SELECTIVE * _tried(node, table, scanned):
            few = _few(columns(condition, node.alias), table, bounds.few) if node.kind == "Seq Scan" else None
            if few or node.kind != "Seq Scan" or not _passed_over(node, table):
                yield few or _filter(node, condition, table, _tried(node, table, scanned) * share)


def _otherwise(table: Table, named: Collection[str], share: float, bounds: Bounds) -> bool:
    """Whether the calls evidently did not read all of a table, as the generic plan does that reads it.

    With values known the planner may take an index that it can't take for all values: a partial one, or one on a column
    of which some values are rare.
    """
    few = bounds.blocks is not None and bounds.blocks < _ELSEWHERE * table.blocks * share
    return few and table.might_use(named)


def _tried(node: Node, table: Table, scanned: float) -> float:
    """Rows on which a scan tries its filter, without a LIMIT; of a Seq Scan, on all partitions that are scanned."""
    if node.kind == "Seq Scan":
        return scanned
    if node.kind == "Bitmap Heap Scan":
        return max((child.rows for child in node.children), default=0.0)
    share = 1.0
    condition = node.condition("Index Cond")
    equal, other = compared(condition, node.alias, table.texts)
    for name in equal:
        share *= 1 / table.distinct[name] if table.distinct.get(name) else _UNKNOWN
    return table.rows * share * _RANGE ** len(other)


def _share(node: Node, above: Sequence[Node], returned: float | None) -> float:
    """Share of its rows that a scan reads before a LIMIT ends it; all of them without one."""
    for other in reversed(above):
        if other.kind == "Limit":
            wanted = other.rows if returned is None else returned
            return min(1.0, max(wanted, 1.0) / max(node.rows, 1.0))
        if other.kind not in _STREAMING:
            break
    return 1.0


def _few(named: Sequence[str], table: Table, few: float) -> Hazard | None:
    """The hazard of a condition on nothing but columns with few different values; None where there is more to it."""
    known = [table.distinct.get(name) for name in named]
    if not named or not all(count is not None and count <= few for count in known):
        return None
    counts = listed(f"{name} has {count:.0f}" for name, count in zip(named, known, strict=True))
    said = f"a large part is read for a condition on {listed(named)}, and of different values {counts}"
    return Hazard(Kind.FEW_VALUES, table.name, tuple(named), said, "no index helps; ask for less, or keep the result")


def _filter(node: Node, condition: str, table: Table, tried: float) -> Hazard:
    equal, other = compared(node.condition("Filter", "Index Cond", "Recheck Cond"), node.alias, table.texts)
    named = tuple(columns(condition, node.alias))
    said = f"{tried:.0f} of its {table.rows:.0f} rows are tried for a condition on {listed(named) or 'an expression'}"
    cure = _index_for(table, _wanted(equal, other, table))
    if not equal and other and (other[0], "~~") in comparisons(condition, node.alias, table.texts):
        cure = f"CREATE EXTENSION IF NOT EXISTS pg_trgm; {create_index(table, [f'{other[0]} gin_trgm_ops'], 'gin')}"
    return Hazard(Kind.FILTER, table.name, named, said + _near(table, equal), cure)


def _wanted(equal: Sequence[str], other: Sequence[str], table: Table) -> list[str]:
    """Columns of an index that would serve these conditions."""
    return [*_selective_first(equal, table), *other[:1]]


def _passed_over(node: Node, table: Table) -> bool:
    """Whether an index for the whole condition is there, so that all is read since much of it is asked for."""
    condition = node.condition("Filter")
    found = comparisons(condition, node.alias, table.texts)
    named = {name for name, _ in found}
    if len(named) != 1 or len(found) != len(conjuncts(condition)) or not {op for _, op in found} <= _ORDERED:
        return False
    return any(index.compares and index.columns[0] in named for index in table.indexes.values())


def _selective_first(names: Sequence[str], table: Table) -> list[str]:
    return sorted(names, key=lambda name: (-table.distinct.get(name, 0.0), name))


def _near(table: Table, equal: Sequence[str]) -> str:
    """A remark on an index that has such a column, behind one that the condition doesn't have."""
    for name, index in sorted(table.indexes.items()):
        behind = next((c for c in index.columns[1:] if c in equal), None)
        if behind and index.columns[0] not in equal:
            return f" ({quoted(name)} has {behind}, but begins with {index.columns[0] or 'an expression'})"
    return ""


def _of_disjunction(table: Table, named: tuple[str, ...]) -> Hazard:
    said = f"conditions on {' or '.join(named)} are joined by an OR that no index serves"
    cure = "ask for each by itself (UNION ALL), or send only the conditions that were chosen; index each column"
    return Hazard(Kind.DISJUNCTION, table.name, named, said, cure)


def _sort(node: Node, above: Sequence[Node], tables: Mapping[str, Table], bounds: Bounds) -> Hazard | None:
    if above and above[-1].kind in {"Merge Join", "Sort"}:
        return None
    scan = node
    while scan.children and not scan.table:
        if scan.kind in {"Aggregate", "Group", "SetOp", "Unique", "Limit", "WindowAgg"}:
            return None
        scan = max(scan.children, key=lambda child: child.rows)
    table = tables.get(scan.table)
    # Below a Gather Merge a plan tells the rows of one worker.
    rows = above[-1].rows if above and above[-1].kind == "Gather Merge" else node.rows
    if table is None or table.rows <= bounds.large or rows <= bounds.large:
        return None
    named = columns(scan.condition("Filter", "Recheck Cond", "Index Cond"), scan.alias)
    share = 1.0 if scan.kind == "Seq Scan" else min(1.0, rows / max(table.blocks, 1.0))
    if scan.kind in {"Seq Scan", "Bitmap Heap Scan"} and _otherwise(table, named, share, bounds):
        return None
    told = [str(key) for key in node.facts.get("Sort Key", ())]
    keys = [_key(key, scan.alias) for key in told]
    said = f"{rows:.0f} rows are sorted by {', '.join(keys)}"
    equal, _ = compared(scan.condition("Filter", "Index Cond", "Recheck Cond"), scan.alias, table.texts)
    plain = list(dict.fromkeys(name for key in told for name in columns(key, scan.alias)))
    usable = all(is_column(key.partition(" ")[0], scan.alias) for key in told)
    cure = _index_for(table, [*(c for c in equal if c not in plain), *keys] if usable else [])
    return Hazard(Kind.SORT, table.name, tuple(plain), said, cure)


def _column_order(node: Node, above: Sequence[Node], table: Table) -> Iterator[Hazard]:
    index = table.indexes[node.index]
    first = index.columns[0]
    heap = node if node.table else next(n for n in reversed(above) if n.table)
    named = columns(node.condition("Index Cond"), heap.alias)
    # From 18 on the server can skip over the values of a first column that has few; that costs less than all of it.
    if first is None or first in named or not named or node.cost < index.blocks:
        return
    equal, other = compared(heap.condition("Index Cond", "Filter", "Recheck Cond"), heap.alias, table.texts)
    said = f"all of {quoted(node.index)} is read for {listed(named)}, since it begins with {first}"
    yield Hazard(
        Kind.ORDER,
        table.name,
        tuple(named),
        said,
        _index_for(table, _wanted(equal, other, table) or named),
    )


def _nested_loop(node: Node, loop: Node, other: Node, table: Table) -> Hazard:
    condition = " AND ".join(filter(None, (loop.condition("Join Filter"), node.condition("Filter"))))
    equal, compared_otherwise = compared(condition, node.alias, table.texts)
    said = f"each of its {table.rows:.0f} rows is tried with each of {other.rows:.0f} rows by a nested loop"
    named = tuple(columns(condition, node.alias))
    return Hazard(
        Kind.NESTED_LOOP, table.name, named, said, _index_for(table, [*equal, *(compared_otherwise or named)[:1]])
    )


def _index_for(table: Table, names: Sequence[str]) -> str:
    return create_index(table, names) if names else "index the expression, or rewrite the condition"


def _disjunction(condition: str, alias: str) -> tuple[str, ...]:
    """Columns that an OR joins conditions on, where it joins different ones; else nothing."""
    for parts in alternatives(condition):
        named = [tuple(columns(part, alias)) for part in parts]
        different = [n for n in dict.fromkeys(tuple(sorted(n)) for n in named) if n]
        if len(different) > 1:
            return tuple(dict.fromkeys(name for n in named for name in n))
    return ()


def _loop(path: Sequence[Node]) -> tuple[Node, Node] | None:
    """The nested loop that tries all that the last step of a path reads, and its other side; None without one."""
    for below, node in zip(reversed(path), reversed(path[:-1]), strict=False):
        if node.kind == "Nested Loop":
            outer, inner = node.children[0], node.children[-1]
            if below is inner:
                return node, outer
            return (node, inner) if "Join Filter" in node.facts else None
        if node.kind not in {"Materialize", "Memoize", "Gather"}:
            return None
    return None


def _key(key: str, alias: str) -> str:
    return key.replace(f"{alias}.", "", 1) if key.startswith(f"{alias}.") else key

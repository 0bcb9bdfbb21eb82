"""What is wrong with tables as vacuum and the planner see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.analysis.text import listed, percent

ON = "ALTER SYSTEM SET {0} = on; SELECT pg_reload_conf();"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, with the statement that mends it."""

    item: str
    """The table with its schema, or the server's setting: what names it in audit.yaml."""
    said: str
    cure: str
    is_table: bool = True

    def __str__(self) -> str:
        return f"{self.item}: {self.said}: {self.cure}" if self.is_table else f"{self.said}: {self.cure}"


def server_faults(server: Any) -> list[Fault]:
    """Settings without which nothing is vacuumed or counted.

    Args:
        server: With ``autovacuum`` and ``track_counts``, as SHOW answers.
    """
    return [
        Fault(name, f"{name} is off: {without}", ON.format(name), is_table=False)
        for name, value, without in (
            ("autovacuum", server.autovacuum, "no table is vacuumed or analysed by itself"),
            ("track_counts", server.track_counts, "autovacuum does not know what changed"),
        )
        if value == "off"
    ]


def faults(tables: Sequence[Any], server: Any, dead: float, stale: float) -> list[Fault]:
    """What is wrong with each table.

    A table that autovacuum has just been to may have what came since: it comes every naptime. Unless something holds
    vacuum back, dead tuples never stay longer than that.

    Args:
        tables: Rows of the check's statement.
        server: With ``autovacuum`` as SHOW answers, ``holders`` (who holds vacuum back) and
            ``counting_since``, when the server began to count.
        dead: Largest share of dead tuples.
        stale: Largest share of rows changed since the last ANALYZE.
    """
    return [fault for table in tables if not table.busy for fault in _faults(table, server, dead, stale)]


def doubts(tables: Sequence[Any]) -> list[Doubt]:
    """Columns and expressions of indexes whose statistics the audit's role may not see, and tables like that."""
    return [
        Doubt(table.table, tuple(table.unseen) or ("its columns",))
        for table in tables
        if (table.unseen or _hidden(table)) and _matters(table) and not table.busy
    ]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A table of which not all can be seen."""

    item: str
    unseen: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.item}: {listed(self.unseen, 3)}"


def _faults(table: Any, server: Any, dead: float, stale: float) -> Iterator[Fault]:
    by_itself = server.autovacuum == "on" and table.autovacuum
    if not table.autovacuum:
        yield Fault(table.table, "autovacuum is off for it", f"ALTER TABLE {table.table} RESET (autovacuum_enabled);")
    # As the server itself reckons: so many at least, and a share of the rows.
    bloated = table.dead > table.vacuum_threshold + dead * (table.live + table.dead)
    bloated = bloated and not (by_itself and table.just_vacuumed and not server.holders)
    if bloated:
        share = percent(table.dead / (table.live + table.dead))
        said = f"{share} of {table.live + table.dead} tuples are dead, last vacuumed {table.vacuumed}"
        yield Fault(table.table, said, f"VACUUM (ANALYZE) {table.table};")
    if table.unfrozen:
        said = "it is past autovacuum_freeze_max_age and nobody freezes it"
        yield Fault(table.table, said, f"VACUUM (FREEZE) {table.table};")
    if (said := _statistics(table, server, stale)) and not bloated:
        yield Fault(table.table, said, f"ANALYZE {table.table};")


def _statistics(table: Any, server: Any, stale: float) -> str:
    """What is wrong with the planner's statistics of a table; empty if nothing is."""
    if not _matters(table):
        return ""
    if not table.known and not table.analysed and not _hidden(table):
        return f"the planner has no statistics: it was not analysed since {server.counting_since}"
    if table.missing:
        return f"the planner has no statistics of {listed(table.missing)}, which an index holds"
    # A partitioned table counts no changes of its own: how many rows its partitions have by now tells of them.
    # Nor does autovacuum analyse it.
    grown = table.partitioned and table.estimated >= 0
    if server.autovacuum == "on" and table.autovacuum and table.just_analysed and not table.partitioned:
        return ""
    changed = abs(table.rows - table.estimated) if grown else table.modified
    if changed > table.analyze_threshold + stale * table.rows:
        return f"{changed:.0f} of {table.rows:.0f} rows changed since it was last analysed"
    return ""


def _hidden(table: Any) -> bool:
    """Whether the table may have statistics that the audit's role can't see.

    When it was analysed is forgotten in a crash and by a failover; that it was vacuumed or analysed once, is not.
    """
    return bool(not table.analysed and not table.known and not table.readable and table.estimated >= 0)


def _matters(table: Any) -> bool:
    # Without an estimate nor counts the blocks tell: the server forgot its counts in a crash before it analysed.
    unknown = table.estimated < 0 and table.rows == 0 and table.has_blocks
    return bool(unknown or table.rows > table.analyze_threshold)

"""Over a window with traffic nearly all block reads come from the server's cache.

Looked at are the blocks of tables, their indexes and TOAST tables that anybody asked for while the window was open; the
system's own, which every statement of this check reads, are left out. What the server doesn't find in its shared
buffers it asks the operating system for: whether that has it in memory can't be seen from here. After a start each
block is missed once; where too many were, a window of ten seconds, with ten times as many reads, follows and decides.

Impact: Each block that isn't in the cache is a system call at least, and a read of the disk where memory is short;
statements take ten to a thousand times as long, and longer the more of them run at once.

Remediation: Look first at the tables that the message names: a scan that reads all of one needs an index, not memory.
Then raise shared_buffers, to a quarter of the machine's memory to begin with, and restart the server.

Verification: Read pg_statio_user_tables twice, with a busy minute in between: hits / (hits + reads) of the difference.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.reads import Blocks, by_table, in_all, reading
from pytest_backend_audit.analysis.text import lines, percent

# By the functions below the views, which join what isn't needed. Temporary tables live in buffers of their own.
BLOCKS = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(t.relname) AS table,
    sum(pg_stat_get_blocks_fetched(c.oid))::bigint AS wanted,
    sum(pg_stat_get_blocks_hit(c.oid))::bigint AS found
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class toasted ON toasted.reltoastrelid = coalesce(i.indrelid, c.oid)
JOIN pg_catalog.pg_class t ON t.oid = coalesce(toasted.oid, i.indrelid, c.oid)
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE c.relkind IN ('r', 'm', 'i', 't') AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
GROUP BY 1
HAVING sum(pg_stat_get_blocks_fetched(c.oid)) > 0
"""
LONGER = 10
"""Times as many reads, in the window that decides."""
LONGEST = 60.0
"""Seconds in which they must come."""
DECIDING = 10.0
"""Seconds, at least, of the window that decides: what is not in the cache is missed in clumps, by some requests."""
BUFFERS = "SELECT current_setting('shared_buffers') AS has"


@audit(dimension="4.1", criterion="cache-hit-ratio", level=3)
def test_nearly_all_blocks_come_from_the_cache(audit_postgres: Any, audit_window: Any, audit_settings: Any) -> None:
    """Over a window with traffic nearly all block reads come from the server's cache."""
    least, enough = audit_settings.value("cache-hit-ratio"), audit_settings.value("cache-hit-blocks")
    buffers = audit_postgres.execute(BUFFERS).fetchone().has

    def watch(reads: float, within: float, lasting: float = 0.0) -> tuple[Blocks, Any]:
        with audit_window(
            lambda: reading(audit_postgres.execute(BLOCKS).fetchall()),
            traffic=["blocks wanted"],
            at_least=reads,
            within=within,
            lasting=lasting,
            what="blocks of tables and indexes",
        ) as window:
            pass
        return in_all(window.delta), window

    seen, _ = watch(enough.number, LONGEST / 2)
    if seen.ratio > least.number:
        return
    seen, window = watch(LONGER * enough.number, LONGEST, DECIDING)
    assert seen.ratio > least.number, (
        f"{percent(seen.ratio)} of {seen.wanted:g} blocks came from the cache in {window.seconds:.0f} s; it should be "
        f"more than {least}; shared_buffers is {buffers}{lines(by_table(window.delta))}"
    )

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
from pytest_backend_audit.analysis.reads import Blocks, by_table, in_all
from pytest_backend_audit.analysis.text import lines, percent
from pytest_backend_audit.suites.query_performance._counters import blocks_read

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
            lambda: blocks_read(audit_postgres),
            traffic=["blocks wanted"],
            at_least=reads,
            within=within,
            lasting=lasting,
            what="blocks of tables and indexes",
            opened="cache-hit-ratio",
            rising=["blocks found"],
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

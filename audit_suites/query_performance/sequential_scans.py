"""No large table is read mostly by sequential scans, unless somebody reviewed it and gave the reason.

Looked at is every large table and materialised view of the database that is not an extension's or the system's, over a
window of some seconds, or until enough rows of each are read: what the counters held before may be of another year.
Partitions count for their table. Rows that an index gave without the table count as read by index. A large table that
nobody read in the window is not judged; the evidence says how many were.

Impact: Such a scan costs the more the more rows there are: statements get slower by themselves, and each of them drives
what others need out of the cache.

Remediation: Find the statements (sort-filter-indexes names those among the top ones) and give them an index. A report
that has to read everything belongs on a replica, or is acknowledged in audit.yaml with its reason.

Verification: Read pg_stat_user_tables twice, a busy minute apart: how far seq_tup_read rose, against idx_tup_fetch.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.reads import all_read, rows_by_table
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites.query_performance._counters import large_tables, open_windows, rows_read


@audit(dimension="4.1", criterion="sequential-scans", level=3)
def test_large_tables_are_read_by_index(
    audit_postgres: Any, audit_window: Any, audit_settings: Any, audit_acknowledged: Any
) -> None:
    """No large table is read mostly by sequential scans, unless somebody reviewed it and gave the reason."""
    large, most = audit_settings.value("large-table-rows"), audit_settings.value("sequential-read-share")
    enough, lasting = audit_settings.value("sequential-window-rows"), audit_settings.value("sequential-window")
    tables = large_tables(audit_postgres, large.number)
    if not tables:
        raise CouldNotRun(f"no table has more than {large}: nothing to look at")
    open_windows(audit_postgres, audit_window)
    with audit_window(
        lambda: rows_read(audit_postgres, large.number),
        traffic=["rows read"],
        at_least=enough.number,
        lasting=lasting.number,
        complete=lambda delta: all_read(delta, len(tables), enough.number),
        what=f"rows read of {len(tables)} large tables",
    ) as window:
        pass
    read = rows_by_table(window.delta)
    left = audit_acknowledged([r for r in read if r.share > most.number], key="table")
    assert not left, (
        f"{len(left)} of {len(read)} large tables that were read in {window.seconds:.0f} s, mostly by sequential scans "
        f"(large: more than {large}; mostly: more than {most} of the rows read):{lines(left)}\n"
        f"to acknowledge: {left.names}"
    )

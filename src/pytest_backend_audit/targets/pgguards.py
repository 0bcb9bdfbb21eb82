"""Guards of a PostgreSQL connection: rights beyond reading, a bound on time and memory, reasons in plain words."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.targets.common import one_line

MEMORY_LIMIT = 256 * 1024 * 1024
"""Bytes by which one result may raise the process's peak memory."""
GRACE = 2.0
"""Seconds after the server's own statement_timeout, for it to say so first."""

# One statement for all of them: a round trip each would be felt with every connection.
RIGHTS = """
SELECT what FROM (
    SELECT 1, 'superuser' FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper
    UNION ALL
    SELECT 2, 'member of ' || rolname FROM pg_catalog.pg_roles
    WHERE rolname IN ('pg_signal_backend', 'pg_write_all_data', 'pg_write_server_files',
                      'pg_execute_server_program', 'pg_maintain', 'pg_signal_autovacuum_worker')
      AND pg_catalog.pg_has_role(current_user, oid, 'MEMBER')
    UNION ALL
    SELECT 3, upper(right_) || ' on ' || nspname || '.' || relname || more
    FROM (
        SELECT n.nspname, c.relname, min(p.right_) AS right_,
               CASE WHEN count(*) OVER () > 1 THEN ' and ' || count(*) OVER () - 1 || ' more tables' ELSE '' END AS more
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN (VALUES ('insert'), ('update'), ('delete'), ('truncate')) AS p (right_)
        WHERE c.relkind IN ('r', 'p')
          AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
          AND pg_catalog.has_table_privilege(c.oid, p.right_)
        GROUP BY n.nspname, c.relname
        ORDER BY n.nspname, c.relname
        LIMIT 1
    ) AS writable
) AS rights (rank, what) ORDER BY rank, what
"""

_CURES = (
    ("connection refused", "is it running?"),
    ("could not translate host name", "check the host name"),
    ("name or service not known", "check the host name"),
    ("password authentication failed", "check user and password in the DSN"),
    ("no password supplied", "the DSN has no password"),
    ("does not support ssl", "the server speaks no TLS: set sslmode in the DSN, or turn TLS on"),
    ("certificate", "check sslrootcert and the server's certificate"),
    ("no pg_hba.conf entry", "let the audit's address in by pg_hba.conf"),
    ("unsupported startup parameter", "this is a pooler: point the DSN at the server itself"),
    ("too many", "the server has no connection left"),
    ("connection slots", "the server has no connection left"),
    ("starting up", "the server is still starting"),
)


def excess_rights(connection: Any) -> list[str]:
    """Rights of the role beyond reading, superuser first; empty for a monitoring role."""
    rights = [str(row[0]) for row in connection.execute(RIGHTS).fetchall()]
    return rights[:1] if rights[:1] == ["superuser"] else rights


def connect_reason(error: BaseException, seconds: float) -> str:
    """Why a connection failed, on one line, with what to do where that is known.

    Args:
        error: What psycopg raised.
        seconds: The connect timeout.
    """
    said = one_line(error)
    lowered = said.lower()
    if "timeout expired" in lowered or type(error).__name__ == "ConnectionTimeout":
        return f"no answer within {seconds:g} s: {said}"
    if "invalid response" in lowered or "but received" in lowered:
        return f"what answers there does not speak PostgreSQL's protocol: {said}"
    cure = next((c for words, c in _CURES if words in lowered), "")
    return f"{said} - {cure}" if cure else said


@dataclass(slots=True)
class Guard:
    """Bounds one answer: psycopg asks while it waits."""

    seconds: float
    """The server's statement_timeout; a server that is gone can't keep it, so we do, a little later."""
    begun: float = 0.0
    peak: int = 0

    def begin(self) -> None:
        """A new statement."""
        self.begun = time.monotonic()
        self.peak = _peak_memory()

    def trouble(self) -> str:
        """Why to stop listening, or nothing."""
        if time.monotonic() - self.begun > self.seconds + GRACE:
            return f"no answer within {self.seconds + GRACE:g} s, and the server did not stop the statement itself"
        if _peak_memory() - self.peak > MEMORY_LIMIT:
            return f"the answer is larger than {MEMORY_LIMIT // 2**20} MiB; nothing of it was kept"
        return ""


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

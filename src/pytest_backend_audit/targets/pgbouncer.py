"""PgBouncer's console: it speaks only the simple protocol, prepares nothing and knows no transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_backend_audit.targets.common import connections
from pytest_backend_audit.targets.postgres import RecordingClientCursor, RecordingConnection, dial, healthy

if TYPE_CHECKING:
    import psycopg

    from pytest_backend_audit.config.targets import Pgbouncer
    from pytest_backend_audit.runtime import Runtime


def open_pgbouncer(runtime: Runtime, settings: Pgbouncer) -> psycopg.Connection[Any]:
    """The kept connection to the console.

    Raises:
        CouldNotRun: It could not be opened.
    """

    def connect() -> RecordingConnection:
        return dial(
            runtime,
            "pgbouncer",
            settings.dsn,
            console=True,
            cursor_class=RecordingClientCursor,
            prepare_threshold=None,
        )

    return connections(runtime).get("pgbouncer", connect, healthy)

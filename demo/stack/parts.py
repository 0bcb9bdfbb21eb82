"""How defects are switched on and off in the parts that keep running: database, cache, and their connections."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import psycopg

from pytest_backend_audit.demo.defects import Defect
from pytest_backend_audit.demo.stack.postgres import MAX_CONNECTIONS, Postgres
from pytest_backend_audit.demo.stack.process import StackError

HELD_CONNECTIONS = 65
"""Of 80: just over four fifths, and the rest is enough for the service and the audit."""


class DatabaseDefects:
    """What is wrong in the database at the moment."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._held: list[psycopg.Connection[tuple[object, ...]]] = []

    def bring_about(self, defect: Defect) -> None:
        """Switch a defect on."""
        self._run(defect.sql, failing=defect.name == "index-hygiene-invalid")
        for name, (value, shown, _) in defect.settings.items():
            self._server.configure(name, value, shown)
        if defect.name == "headroom":
            self._hold()

    def put_right(self, defect: Defect) -> None:
        """Switch a defect off."""
        self._run(defect.undo)
        for name, (_, _, sound) in defect.settings.items():
            self._server.configure(name, "DEFAULT", sound)
        if defect.name == "headroom":
            self.release()

    def release(self) -> None:
        """Close the connections that were held."""
        for connection in self._held:
            connection.close()
        self._held.clear()

    def _hold(self) -> None:
        assert HELD_CONNECTIONS > 0.8 * MAX_CONNECTIONS
        dsn = self._server.admin_dsn
        for _ in range(HELD_CONNECTIONS):
            self._held.append(psycopg.connect(dsn, autocommit=True, application_name="batch-import"))

    def _run(self, statements: Iterable[str], *, failing: bool = False) -> None:
        with self._server.connect() as connection:
            for statement in statements:
                if not failing:
                    connection.execute(statement.encode())
                    continue
                with contextlib.suppress(psycopg.errors.UniqueViolation):
                    connection.execute(statement.encode())
                    raise StackError(f"this should have failed and didn't: {statement}")

"""An exporter of the database's counters of tables, under the names that postgres_exporter gives them.

Run as ``python -m pytest_backend_audit.demo.stack.exporter PORT``, with ``EXPORTER_DSN`` of a monitoring role.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import psycopg

from pytest_backend_audit.demo.stack.process import Process, free_port, python, wait_for

COUNTERS = ("seq_scan", "seq_tup_read", "idx_scan")
TABLES = f"""
SELECT current_database(), schemaname, relname, {", ".join(f"coalesce({name}, 0)" for name in COUNTERS)}
FROM pg_catalog.pg_stat_user_tables ORDER BY 2, 3
"""  # noqa: S608 - constants


class Tables:
    """The counters, over one connection that is opened anew when it broke."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def page(self) -> str:
        """Prometheus' text format.

        Raises:
            psycopg.Error: The database can't be asked.
        """
        rows = self._rows()
        lines = []
        for place, counter in enumerate(COUNTERS, 3):
            name = f"pg_stat_user_tables_{counter}"
            lines.append(f"# TYPE {name} counter")
            lines += [f'{name}{{datname="{r[0]}",schemaname="{r[1]}",relname="{r[2]}"}} {r[place]}' for r in rows]
        return "\n".join(lines) + "\n"

    def _rows(self) -> list[tuple[object, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._dsn, autocommit=True, application_name="postgres-exporter")
        try:
            return self._connection.execute(TABLES.encode()).fetchall()
        except psycopg.OperationalError:
            self._connection.close()
            raise


@dataclass(slots=True)
class Exporter:
    """The running exporter."""

    process: Process
    address: str

    @classmethod
    def start(cls, folder: Path, dsn: str) -> Exporter:
        """Start it, and wait until it tells of tables.

        Raises:
            StackError: It does not.
        """
        port = free_port()
        argv = python("pytest_backend_audit.demo.stack.exporter", port)
        process = Process("postgres-exporter", argv, folder / "exporter.log", env={"EXPORTER_DSN": dsn})
        made = cls(process, f"127.0.0.1:{port}")
        try:
            wait_for(made._tells, "the exporter to tell of tables", process=process)
        except BaseException:
            process.stop()
            raise
        return made

    def stop(self) -> None:
        """Stop it."""
        self.process.stop()

    def _tells(self) -> bool:
        answer = httpx.get(f"http://{self.address}/metrics", timeout=2, trust_env=False)
        return "pg_stat_user_tables_seq_scan{" in answer.text


def _handler(tables: Tables) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """The page; 503 while the database is away."""
            status, body = 503, b""
            with contextlib.suppress(psycopg.Error):
                status, body = 200, tables.page().encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing of each scrape."""

    return Handler


def main(argv: Sequence[str]) -> int:
    """Serve until told to stop."""
    HTTPServer(("127.0.0.1", int(argv[0])), _handler(Tables(os.environ["EXPORTER_DSN"]))).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

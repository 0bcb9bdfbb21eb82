"""Statements that this very process sends, as Django or SQLAlchemy see them; neither is a dependency of ours."""

# ruff: noqa: PLC0415 - a library is loaded only once something of it has been handed in

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.errors import CouldNotRun

_MANY = re.compile(r"(\d+) times: ")
"""How Django's log marks a statement that was sent for several sets of parameters."""

Count = Callable[[str, int], None]
"""Takes a statement, and how often it was sent."""


@dataclass(frozen=True, slots=True)
class InProcess:
    """Something of this process that sends statements."""

    by: str
    """For evidence: ``Django, connection default``."""
    watched: Callable[[Count], AbstractContextManager[None]]
    """Counts while its block runs."""


def in_process(source: Any) -> InProcess:
    """How to count what `source` sends.

    Args:
        source: Django's ``connection``, one of its ``connections``, or all of them (``django.db.connections``); a
            SQLAlchemy engine or connection, asynchronous or not, or the class ``sqlalchemy.Engine`` for every engine.

    Raises:
        TypeError: It is none of these.
    """
    kinds = source.__mro__ if isinstance(source, type) else type(source).__mro__
    packages = {kind.__module__.partition(".")[0] for kind in kinds}
    found = _django(source) if "django" in packages else _sqlalchemy(source) if "sqlalchemy" in packages else None
    if found is None:
        raise TypeError(
            f"of={source!r}: statements can be counted of django.db.connection or connections, and of a SQLAlchemy "
            "Engine or Connection (of a session: session.get_bind()); without `of` the server counts"
        )
    return found


def _django(source: Any) -> InProcess | None:
    from django.db.utils import ConnectionHandler

    connections = source.all() if isinstance(source, ConnectionHandler) else [source]
    if not all(hasattr(connection, "queries_log") for connection in connections):
        return None
    names = ", ".join(connection.alias for connection in connections)
    plural = "s" if len(connections) > 1 else ""
    return InProcess(f"Django, connection{plural} {names}", lambda count: _captured(connections, count))


@contextmanager
def _captured(connections: list[Any], count: Count) -> Iterator[None]:
    from django.db import OperationalError
    from django.test.utils import CaptureQueriesContext

    with ExitStack() as captures:
        captured = []
        for connection in connections:
            try:
                captured.append(captures.enter_context(CaptureQueriesContext(connection)))
            except OperationalError as error:
                told = " ".join(str(error).split())
                raise CouldNotRun(f"Django's connection {connection.alias} can't be opened: {told}") from None
        yield
    for connection, seen in zip(connections, captured, strict=True):
        log = connection.queries_log
        if len(log) == log.maxlen:
            raise CouldNotRun(
                f"Django's connection {connection.alias} keeps its last {log.maxlen} statements, and has dropped some: "
                "call django.db.reset_queries() before the block"
            )
        for query in seen.captured_queries:
            many = _MANY.match(query["sql"])
            count(query["sql"][many.end() :] if many else query["sql"], int(many[1]) if many else 1)


def _sqlalchemy(source: Any) -> InProcess | None:
    from sqlalchemy import Connection, Engine

    if source is Engine:
        return InProcess("SQLAlchemy, all engines", lambda count: _listened(Engine, count))
    # The asynchronous ones stand before a synchronous one, whose events they have; a connection knows its engine, too.
    if hasattr(source, "sync_connection"):
        target = source.sync_connection
        if target is None:
            raise CouldNotRun("the asynchronous connection of SQLAlchemy is not open yet: `await` it before the block")
    else:
        target = getattr(source, "sync_engine", source)
    if not isinstance(target, Engine | Connection):
        return None
    url = target.engine.url
    return InProcess(f"SQLAlchemy, {url.host or url.drivername}/{url.database}", lambda count: _listened(target, count))


@contextmanager
def _listened(target: Any, count: Count) -> Iterator[None]:
    from sqlalchemy import event

    def before(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, executemany: bool) -> None:
        count(statement, len(parameters) if executemany else 1)

    event.listen(target, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(target, "before_cursor_execute", before)

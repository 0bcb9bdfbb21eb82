"""PostgreSQL: psycopg connections that record what they are asked and told, opened as the monitoring role."""

from __future__ import annotations

import select
import time
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import generators
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import EvidenceKind, Need
from pytest_backend_audit.targets.common import (
    connections,
    guarded,
    one_line,
    origin_of,
    require,
    settings_of,
    timeouts_of,
)
from pytest_backend_audit.targets.pgguards import Guard, connect_reason, excess_rights
from pytest_backend_audit.targets.rows import ROWS_LIMIT, Shape, digest, normalised, table, tidy, without_secrets

if TYPE_CHECKING:
    from pytest_backend_audit.config.targets import Postgres
    from pytest_backend_audit.runtime import Runtime

APPLICATION_NAME = "backend-audit"
_PLAIN = frozenset({16, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1186, 1266, 1700})
"""Types (pg_type.oid) of truths, numbers and times: such a value is no secret, whatever its column's name."""
_READS = ("select", "show", "explain", "with", "table", "values")


class Recording:
    """What a connection needs to know to record."""

    def __init__(self, runtime: Runtime, target: str, guard: Guard) -> None:
        self.runtime = runtime
        self.target = target
        self.guard = guard
        self.changed = False
        """Whether something was run that may have changed the session's settings."""
        self.remark = ""
        """Said once, beside the first statement."""

    def wants(self) -> bool:
        """Whether anybody listens."""
        return self.runtime.recorder.recording

    def statement(self, query: str) -> str:
        """The statement as evidence shows it: without its literals, unless a bundled suite ships it."""
        shipped = self._bundled() and not query.lstrip().lower().startswith("explain")
        return tidy(query if shipped else normalised(query))

    def keep_rows(self) -> bool:
        """Whether rows are kept as they are."""
        config = self.runtime.config
        return self._bundled() or config is None or config.keep_rows

    def record(self, query: str, body: str, duration: float, **facts: str | int) -> None:
        """Keep one statement and its answer."""
        if self.remark:
            self.runtime.recorder.note(self.remark)
            self.remark = ""
        self.runtime.recorder.record(
            EvidenceKind.OUTPUT, self.statement(query), body, target=self.target, duration=duration, facts=facts
        )

    def _bundled(self) -> bool:
        check = self.runtime.check
        return check is not None and check.bundled


class _Recorded:
    """Mixed into psycopg's cursors: records each statement with what came back."""

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """Run the statement as psycopg does, and record it."""
        cursor: Any = self
        recording: Recording | None = getattr(cursor.connection, "recording", None)
        if recording is None:
            return super().execute(query, *args, **kwargs)  # type: ignore[misc]
        text = _text(query, cursor)
        if not text.lstrip().lower().startswith(_READS) or "set_config" in text:
            recording.changed = True
        begun = time.perf_counter()
        try:
            result = super().execute(query, *args, **kwargs)  # type: ignore[misc]
        except psycopg.Error as error:
            if error.sqlstate and recording.wants():
                answer = f"ERROR {error.sqlstate}: {one_line(error.diag.message_primary or error)}"
                recording.record(text, answer, time.perf_counter() - begun, sqlstate=error.sqlstate)
            raise
        if recording.wants():
            _record_result(cursor, recording, text, time.perf_counter() - begun)
        return result

    def stream(self, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Stream rows as psycopg does; what is recorded is their number."""
        cursor: Any = self
        recording: Recording | None = getattr(cursor.connection, "recording", None)
        begun, count = time.perf_counter(), 0
        for row in super().stream(query, *args, **kwargs):  # type: ignore[misc]
            count += 1
            yield row
        if recording is not None and recording.wants():
            recording.record(_text(query, cursor), f"{count} rows streamed", time.perf_counter() - begun, rows=count)


class RecordingCursor(_Recorded, psycopg.Cursor[Any]):
    """psycopg's cursor, recording."""


class RecordingClientCursor(_Recorded, psycopg.ClientCursor[Any]):
    """psycopg's client-side cursor, recording."""


class RecordingConnection(psycopg.Connection[Any]):
    """psycopg's connection, recording, with a bound on how long and how much it listens."""

    recording: Recording | None = None

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Wait as psycopg does, inside the deadline and the memory bound of the target."""
        recording = self.recording
        return super().wait(gen if recording is None else self._bounded(gen, recording.guard), *args, **kwargs)

    def _bounded(self, gen: Any, guard: Guard) -> Generator[Any, Any, Any]:
        guard.begin()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                trouble = guard.trouble()
                if trouble:
                    self.pgconn.finish()
                    raise CouldNotRun(f"{self.recording.target if self.recording else 'postgres'}: {trouble}")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


def open_postgres(runtime: Runtime, settings: Postgres) -> psycopg.Connection[Any]:
    """The kept connection to targets.postgres."""
    return _kept(runtime, "postgres", settings)


def open_replica(runtime: Runtime, settings: Postgres) -> psycopg.Connection[Any]:
    """The kept connection to targets.replica."""
    return _kept(runtime, "replica", settings)


def connect(
    runtime: Runtime, target: str = "postgres", *, read_only: bool = True, **kwargs: Any
) -> psycopg.Connection[Any]:
    """A new connection of the check's own; the caller closes it.

    Args:
        runtime: The audit.
        target: ``postgres``, ``replica``, or another target of audit.yaml with a ``dsn``.
        read_only: False asks for the need ``writes``.
        kwargs: As for psycopg.connect.

    Raises:
        CouldNotRun: It could not be opened.
    """
    if not read_only:
        require(runtime, Need.WRITES)
    settings = settings_of(runtime, target)
    dsn = settings["dsn"] if isinstance(settings, dict) else settings.dsn
    return dial(runtime, target, dsn, read_only=read_only, **kwargs)


def dial(
    runtime: Runtime,
    target: str,
    dsn: str,
    *,
    read_only: bool = True,
    cursor_class: type[Any] = RecordingCursor,
    console: bool = False,
    **kwargs: Any,
) -> RecordingConnection:
    """Connect, set the seat belts, look at the role.

    Args:
        runtime: The audit.
        target: Name in audit.yaml.
        dsn: Connection string.
        read_only: Whether transactions are read-only by default.
        cursor_class: What `Connection.cursor` makes.
        console: PgBouncer's console: no options, no settings, no role to look at.
        kwargs: As for psycopg.connect.

    Raises:
        CouldNotRun: With the driver's reason, the place in audit.yaml and the way out.
    """
    limits = timeouts_of(runtime)
    place = f"targets.{target}"
    origin = origin_of(runtime, "targets", target)
    kwargs.setdefault("autocommit", True)
    kwargs.setdefault("row_factory", namedtuple_row)
    if not console:
        # From a database in SQL_ASCII the driver hands out bytes otherwise, which no text ever equals.
        kwargs.setdefault("client_encoding", "utf8")
    try:
        given = conninfo_to_dict(dsn)
        if not console:
            kwargs["options"] = _options(
                str(kwargs.get("options") or given.get("options") or ""), limits, read_only=read_only
            )
        kwargs.setdefault("application_name", APPLICATION_NAME)
        kwargs.setdefault("connect_timeout", max(1, round(limits.connect)))
        with runtime.recorder.paused():
            made: RecordingConnection = RecordingConnection.connect(make_conninfo(dsn), **kwargs)
    except psycopg.Error as error:
        raise CouldNotRun(f"{place}: {connect_reason(error, limits.connect)} ({origin})") from None
    made.cursor_factory = cursor_class
    info = made.info
    shown = f"{target} {info.host or info.hostaddr or 'local'}:{info.port}/{info.dbname}"
    made.recording = Recording(runtime, shown, Guard(limits.statement))
    if not console:
        _set_idle_timeout(made, round(2000 * limits.statement), place, origin)
        _look_at_role(runtime, made, place, origin)
    return made


def _set_idle_timeout(made: RecordingConnection, milliseconds: int, place: str, origin: str) -> None:
    """Not as an option of the connection: pg_settings.reset_val then still says what everybody else gets."""
    try:
        # Outside a transaction, as a rollback would undo it, and waited for with our deadline.
        made.pgconn.send_query(b"SET idle_in_transaction_session_timeout = %d" % milliseconds)
        made.wait(generators.execute(made.pgconn))
    except psycopg.Error as error:
        made.close()
        raise CouldNotRun(f"{place}: the session can't be set up: {one_line(error)} ({origin})") from None


def _look_at_role(runtime: Runtime, made: RecordingConnection, place: str, origin: str) -> None:
    try:
        with runtime.recorder.paused():
            rights = excess_rights(made)
    except psycopg.Error as error:
        made.close()
        raise CouldNotRun(f"{place}: the role's rights can't be read: {one_line(error)} ({origin})") from None
    if not rights:
        return
    told = f"{place}: the role {made.info.user} has more than reading rights: {'; '.join(rights)}"
    if guarded(runtime):
        made.close()
        raise CouldNotRun(
            f"{told}; refused in prod and canary: use the role that `backend-audit init` writes ({origin})"
        )
    if made.recording is not None:
        made.recording.remark = f"{told}; fine here, refused in prod and canary"


def _options(given: str, limits: Any, *, read_only: bool) -> str:
    milliseconds = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
    }
    belts = [f"-c {name}={round(seconds * 1000)}" for name, seconds in milliseconds.items()]
    if read_only:
        belts.append("-c default_transaction_read_only=on")
    return " ".join([given, *belts]).strip()


def _kept(runtime: Runtime, name: str, settings: Postgres) -> psycopg.Connection[Any]:
    return connections(runtime).get(name, lambda: dial(runtime, name, settings.dsn), healthy)


def healthy(connection: RecordingConnection) -> bool:
    """Whether a kept connection can be handed to another check as if it were new."""
    recording = connection.recording
    idle = connection.info.transaction_status is TransactionStatus.IDLE
    if connection.closed or connection.broken or not idle or recording is None or recording.changed:
        return False
    # What an idle session is told without having asked is that its server goes away.
    heard = select.poll()
    heard.register(connection.pgconn.socket, select.POLLIN)
    if heard.poll(0):
        return False
    connection.row_factory = namedtuple_row
    return bool(connection.autocommit)


def _text(query: Any, cursor: Any) -> str:
    if isinstance(query, str):
        return query
    if isinstance(query, bytes):
        return query.decode("utf-8", "replace")
    as_string = getattr(query, "as_string", None)
    return str(as_string(cursor)) if as_string is not None else str(query)


def _record_result(cursor: Any, recording: Recording, query: str, duration: float) -> None:
    result = cursor.pgresult
    if result is None or not result.nfields:
        recording.record(query, cursor.statusmessage or "", duration, rows=max(cursor.rowcount, 0))
        return
    shape = Shape(
        tuple((result.fname(n) or b"").decode("utf-8", "replace") for n in range(result.nfields)), result.ntuples
    )
    if recording.keep_rows():
        texts = [result.ftype(n) not in _PLAIN for n in range(result.nfields)]
        body = table(shape, without_secrets(shape, _rows(result, min(result.ntuples, ROWS_LIMIT)), texts))
    else:
        body = digest(shape, _rows(result, result.ntuples), recording.runtime.run_key)
    recording.record(query, body, duration, rows=result.ntuples)


def _rows(result: Any, count: int) -> Iterator[Sequence[str | None]]:
    # As the server wrote them: loading them again could fail, and must not touch the check's own cursor.
    for row in range(count):
        yield [_value(result, row, column) for column in range(result.nfields)]


def _value(result: Any, row: int, column: int) -> str | None:
    raw = result.get_value(row, column)
    if raw is None:
        return None
    if result.fformat(column):
        return "\\x" + bytes(raw).hex()
    return bytes(raw).decode("utf-8", "replace")

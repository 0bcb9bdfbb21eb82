"""Redis and Valkey: a redis.Redis that sends reads only, and records them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.connection import Connection, ConnectionPool, parse_url
from redis.retry import Retry

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import EvidenceKind, Need
from pytest_backend_audit.targets.common import connections, guarded, one_line, origin_of, timeouts_of
from pytest_backend_audit.targets.rediscommands import (
    granted_beyond_reading,
    name_of,
    refusal,
    shown_pipeline,
)

if TYPE_CHECKING:
    from pytest_backend_audit.config.targets import Redis
    from pytest_backend_audit.runtime import Runtime

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of one answer that are read."""


class RefusedCommandError(PermissionError):
    """A check sent a command that is not a read. The check is wrong, not the service."""


class RecordingRedis(redis.Redis):
    """redis-py's client, recording, with the allow-list of design section 5.

    Attributes:
        audit: The audit that it records for.
        target: Host, port and database, for evidence.
    """

    audit: Runtime
    target: str
    remark: str
    _flags: dict[str, frozenset[str]]

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command as redis-py does, when it is a read, and record it.

        Raises:
            RefusedCommandError: It is not a read.
        """
        self.check_allowed(args)
        begun = time.perf_counter()
        reply = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        self.record([(args, reply)], time.perf_counter() - begun)
        return reply

    def check_allowed(self, args: tuple[Any, ...]) -> None:
        """Look whether a command may be sent.

        Raises:
            RefusedCommandError: It may not.
        """
        name = name_of(args)
        why = refusal(name, (), writes=False)
        if why:
            why = refusal(name, self._flags_of(name), writes=self._may_write())
        if why:
            raise RefusedCommandError(f"audit_redis refuses this: {why}")

    def record(self, sent: Sequence[tuple[tuple[Any, ...], Any]], duration: float) -> None:
        """Keep commands that were sent together, each with its reply."""
        recorder = self.audit.recorder
        if not recorder.recording:
            return
        if self.remark:
            recorder.note(self.remark)
            self.remark = ""
        for title, body in shown_pipeline(sent, mask=guarded(self.audit)):
            recorder.record(EvidenceKind.OUTPUT, title, body, target=self.target, duration=duration)

    def pipeline(self, transaction: bool = False, shard_hint: Any = None) -> Pipeline:  # noqa: ARG002 - redis-py's signature
        """A pipeline that records; never a transaction, which would be a write to the server's eyes."""
        made = RecordingPipeline(self.connection_pool, self.response_callbacks, False, shard_hint)
        made.owner = self
        return made

    def pubsub(self, **_kwargs: Any) -> Any:
        """Refused: it holds a connection open and reads other people's messages."""
        raise RefusedCommandError("audit_redis refuses this: SUBSCRIBE is not among the reads that an audit may send")

    def monitor(self) -> Any:
        """Refused: it slows the server down for everybody."""
        raise RefusedCommandError("audit_redis refuses this: MONITOR slows the server down for everybody")

    def _may_write(self) -> bool:
        return Need.WRITES in self.audit.allowed & self.audit.needs

    def _flags_of(self, name: str) -> frozenset[str]:
        if name not in self._flags:
            found: frozenset[str] = frozenset()
            with self.audit.recorder.paused():
                for asked in dict.fromkeys((name.replace(" ", "|").lower(), name.partition(" ")[0].lower())):
                    found = found or _parse_flags(super().execute_command("COMMAND INFO", asked))  # type: ignore[no-untyped-call]
            self._flags[name] = found
        return self._flags[name]


class RecordingPipeline(Pipeline):
    """redis-py's pipeline, recording, with the same allow-list."""

    owner: RecordingRedis

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Queue a command when it is a read."""
        self.owner.check_allowed(args)
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def execute(self, raise_on_error: bool = True) -> Any:
        """Send what is queued and record it with its replies."""
        queued = [tuple(c[0]) if isinstance(c, tuple) else tuple(c.args) for c in self.command_stack]
        begun = time.perf_counter()
        replies = super().execute(raise_on_error)
        self.owner.record(list(zip(queued, replies, strict=False)), time.perf_counter() - begun)
        return replies

    def annotate_exception(self, exception: Exception, number: int, command: Sequence[Any]) -> None:
        """Say which command an error is of, without its arguments: a key may hold a session's id or a name."""
        exception.args = (f"command {number} of a pipeline, {command[0]}: {exception.args[0]}", *exception.args[1:])


class _BoundedSocket:
    """A socket that stops listening when one answer is too large or takes too long in all."""

    def __init__(self, sock: Any, seconds: float) -> None:
        self._sock = sock
        self._seconds = seconds
        self._received = 0
        self._asked = time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: Any, *args: Any) -> None:
        self._received, self._asked = 0, time.monotonic()
        self._sock.sendall(data, *args)

    def recv(self, *args: Any) -> bytes:
        data: bytes = self._sock.recv(*args)
        self._count(len(data))
        return data

    def recv_into(self, *args: Any) -> int:
        count: int = self._sock.recv_into(*args)
        self._count(count)
        return count

    def _count(self, count: int) -> None:
        self._received += count
        if self._received > ANSWER_LIMIT:
            raise redis.ConnectionError(
                f"the answer is larger than {ANSWER_LIMIT // 2**20} MiB; nothing of it was kept"
            )
        if time.monotonic() - self._asked > self._seconds:
            raise redis.TimeoutError(f"the answer took more than {self._seconds:g} s")


@cache
def _bounded(base: type[Connection]) -> type[Connection]:
    def _connect(self: Any) -> Any:
        return _BoundedSocket(base._connect(self), self.socket_timeout or 30.0)  # type: ignore[no-untyped-call]

    return cast("type[Connection]", type(f"Bounded{base.__name__}", (base,), {"_connect": _connect}))


def open_redis(runtime: Runtime, settings: Redis) -> RecordingRedis:
    """The kept client of targets.redis.

    Raises:
        CouldNotRun: It could not be reached.
    """
    return connections(runtime).get("redis", lambda: _connect(runtime, "redis", settings.url), lambda _: True)


def _connect(runtime: Runtime, name: str, url: str) -> RecordingRedis:
    limits = timeouts_of(runtime)
    place, origin = f"targets.{name}", origin_of(runtime, "targets", name)
    try:
        options = parse_url(url)  # type: ignore[no-untyped-call]
        base = options.pop("connection_class", Connection)
        options = {
            "socket_timeout": limits.statement,
            "socket_connect_timeout": limits.connect,
            "client_name": "backend-audit",
            # A retry would hide from a check of a failover what it is there to see.
            "retry": Retry(NoBackoff(), 0),
            **options,
        }
        client = RecordingRedis(connection_pool=ConnectionPool(connection_class=_bounded(base), **options))
        client.audit, client.remark, client._flags = runtime, "", {}
        client.target = (
            f"{name} {options.get('host') or options.get('path')}:{options.get('port', '')}/{options.get('db', 0)}"
        )
        with runtime.recorder.paused():
            client.ping()
            rights = _rights(client)
    except (redis.RedisError, OSError, ValueError) as error:
        raise CouldNotRun(f"{place}: {_reason(error, limits.connect)} ({origin})") from None
    if rights:
        told = f"{place}: the audit's user may {', '.join(rights)}"
        if guarded(runtime):
            client.close()
            raise CouldNotRun(
                f"{told}; refused in prod and canary: use the ACL that `backend-audit init` writes ({origin})"
            )
        client.remark = f"{told}; fine here, refused in prod and canary"
    return client


def _rights(client: RecordingRedis) -> list[str]:
    try:
        user = redis.Redis.execute_command(client, "ACL WHOAMI")  # type: ignore[no-untyped-call]
        told = redis.Redis.execute_command(client, "ACL", "GETUSER", user)  # type: ignore[no-untyped-call]
    except redis.ResponseError:
        # Redis before 6 has no ACL: whoever is connected may do everything.
        return ["everything (the server has no ACL, or the user may not read it)"] if _older_than_6(client) else []
    if isinstance(told, dict):
        rules = told.get(b"commands", told.get("commands", b""))
    else:
        rules = dict(zip(told[::2], told[1::2], strict=False)).get(b"commands", b"")
    return granted_beyond_reading(rules.decode() if isinstance(rules, bytes) else str(rules))


def _older_than_6(client: RecordingRedis) -> bool:
    try:
        return int(str(client.info("server").get("redis_version", "0")).split(".")[0]) < 6
    except redis.RedisError:
        return False


_CURES = (
    (("wrongpass", "noauth", "username-password", "without any password"), "check user and password in the URL"),
    (("noperm", "no permissions"), "use the ACL that `backend-audit init` writes"),
    (("refused",), "is it running?"),
    (("ssl", "certificate"), "rediss:// asks for TLS: check the URL and the server's certificate"),
    (("name or service not known", "getaddrinfo"), "check the host name"),
)


def _reason(error: BaseException, seconds: float) -> str:
    said = one_line(error) or type(error).__name__
    cure = next((c for words, c in _CURES if any(w in said.lower() for w in words)), "")
    if cure:
        return f"{said} - {cure}"
    if isinstance(error, redis.TimeoutError):
        return f"no answer within {seconds:g} s: {said}"
    if isinstance(error, (redis.exceptions.InvalidResponse, redis.ResponseError)) or "protocol" in said.lower():
        return f"what answers there does not speak Redis's protocol: {said}"
    return said


def _parse_flags(reply: Any) -> frozenset[str]:
    """Flags and ACL categories in a reply of COMMAND INFO for one command; empty for an unknown command."""
    entry = reply[0] if reply else None
    if not entry:
        return frozenset()
    words = [*entry[2], *(entry[6] if len(entry) > 6 else ())]
    return frozenset((w.decode() if isinstance(w, bytes) else str(w)).lstrip("@") for w in words)

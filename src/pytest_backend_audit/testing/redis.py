"""A literal `audit_redis`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import redis
from redis.client import Pipeline

from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.targets.rediscommands import name_of, shown_pipeline
from pytest_backend_audit.testing.running import StandIn, recorder

_UNSET: Any = object()
GONE, LASTING = -2, -1
"""What TTL answers of a key that isn't there, and of one that never expires."""


class LiteralRedis(redis.Redis, StandIn):
    """Stands in for `audit_redis`: redis-py's own client, that answers from what it was made with, and records that.

    It answers SCAN, TTL, PTTL, EXISTS and DBSIZE from its keys; the rest from `answers`.

    ::

        LiteralRedis({"INFO memory": {"maxmemory": 0, "maxmemory_policy": "noeviction"}}, keys={"cart:9": 600})

    Args:
        answers: Command with its arguments, or without -> reply, as redis-py's methods return it; the longer wins.
        keys: Key -> seconds that it still lives; None for one that never expires.
        expired: Keys that SCAN still tells, and that are gone when one looks at them.
    """

    def __init__(
        self,
        answers: Mapping[str, Any] | None = None,
        *,
        keys: Mapping[str, float | None] | None = None,
        expired: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.recorder = recorder()
        self._answers = dict(answers or {})
        self._keys = {key.encode(): ttl for key, ttl in (keys or {}).items()}
        self._expired = tuple(key.encode() for key in expired)

    def execute_command(self, *args: Any, **_options: Any) -> Any:
        """The reply to a command.

        Raises:
            LookupError: None was given for it.
        """
        reply = self.reply_to(args)
        self.record([(args, reply)])
        return reply

    def record(self, sent: Sequence[tuple[tuple[Any, ...], Any]]) -> None:
        """Keep commands that were sent together, as `audit_redis` does."""
        for title, body in shown_pipeline(sent, mask=False):
            self.recorder.record(EvidenceKind.OUTPUT, title, body, target="literal")

    def pipeline(self, transaction: bool = False, shard_hint: Any = None) -> Pipeline:  # noqa: ARG002 - redis-py's signature
        """A pipeline that is answered alike."""
        made = _LiteralPipeline(self.connection_pool, self.response_callbacks, False, None)
        made.owner = self
        return made

    def reply_to(self, args: tuple[Any, ...]) -> Any:
        """The reply to a command, unrecorded."""
        name = name_of(args)
        whole = " ".join(a.decode() if isinstance(a, bytes) else str(a) for a in args)
        for asked in (whole, name):
            if (reply := self._answers.get(asked, _UNSET)) is not _UNSET:
                return reply
        if name == "SCAN":
            return self._scan(int(args[1]), [a.decode() if isinstance(a, bytes) else str(a) for a in args[2:]])
        if name == "DBSIZE":
            return len(self._keys)
        if name in {"TTL", "PTTL", "EXISTS"}:
            key = args[1] if isinstance(args[1], bytes) else str(args[1]).encode()
            if name == "EXISTS":
                return int(key in self._keys)
            ttl = self._keys.get(key, GONE)
            scale = 1000 if name == "PTTL" and ttl != GONE else 1
            return LASTING if ttl is None else round(ttl * scale)
        raise LookupError(f"no literal reply to the command {whole!r}")

    def _scan(self, cursor: int, options: list[str]) -> tuple[int, list[bytes]]:
        given = dict(zip((o.upper() for o in options[::2]), options[1::2], strict=True))
        keys = [*self._keys, *self._expired]
        end = cursor + int(given.get("COUNT", 10))
        pattern = given.get("MATCH", "*")
        page = [key for key in keys[cursor:end] if fnmatchcase(key.decode(), pattern)]
        return (end if end < len(keys) else 0), page


class _LiteralPipeline(Pipeline):
    owner: LiteralRedis

    def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: ARG002 - redis-py's signature
        queued = [tuple(c[0]) if isinstance(c, tuple) else tuple(c.args) for c in self.command_stack]
        self.command_stack = []
        replies = [self.owner.reply_to(args) for args in queued]
        self.owner.record(list(zip(queued, replies, strict=True)))
        return replies

r"""No cached value is a pickle.

A bounded scan takes keys, and of the value of each its first bytes; of hashes, lists, sets and streams those of a few
members. They tell what form a value has, also inside of base64, zlib, gzip, bzip2 or xz. What is packed in another way
may hold a pickle: then nothing is proven until somebody has acknowledged it. Nothing is ever loaded, and of the values
nothing is kept but their forms.

Impact: Whoever can write to the cache runs code in each service that reads it: loading a pickle carries out what it
says.

Remediation: Store JSON, MessagePack or Protobuf, which hold data and nothing else, and raise the version in the keys,
so that no reader finds entries of the old form. Django's RedisCache, django-redis and cachelib pickle unless they are
given another serializer.

Verification: redis-cli GETRANGE KEY 0 3 of some keys: none begins with "\x80\x04" or "\x80\x05".

Effort: M
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.lifetimes import Naming
from pytest_backend_audit.analysis.serialized import PREFIX, by_kind, form_of
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites.caching._asking import is_refusal, key_text, must_be_seen, sampled_keys

LIFETIMES = "targets.redis.declared.lifetimes"
BATCH = 100
"""Keys whose values are asked for in one go: less than half a megabyte."""
LARGE = 2**20
"""Bytes from which on the members of a hash, list, set or stream are left alone: one of them may be all of it."""
FEW = 5
MEMBERS: dict[str, list[tuple[Any, ...]]] = {
    "hash": [("HSCAN", "{key}", 0, "COUNT", FEW)],
    "list": [("LINDEX", "{key}", place) for place in range(FEW)],
    "set": [("SRANDMEMBER", "{key}", FEW)],
    "zset": [("ZSCAN", "{key}", 0, "COUNT", FEW)],
    "stream": [("XRANGE", "{key}", "-", "+", "COUNT", FEW)],
}
"""How to get some members, by type: by commands that services hardly use, so that they can be told from theirs."""


@audit(dimension="4.3", criterion="safe-serialization", level=3)
def test_no_value_is_a_pickle(
    audit_redis: Any, audit_declared: Any, audit_settings: Any, audit_acknowledged: Any, audit_evidence: Any
) -> None:
    """No cached value is a pickle."""
    sample = audit_settings.value("key-sample")
    keys = sampled_keys(audit_redis, int(sample.number))
    named = Naming(audit_declared(LIFETIMES, default={}))
    found, refused = [], set[Any]()
    for begin in range(0, len(keys), BATCH):
        for key, values in _values(audit_redis, keys[begin : begin + BATCH]):
            refused.update([key] if values is None else [])
            found += [(named.kind(key_text(key)), form_of(value, whole=len(value) < PREFIX)) for value in values or ()]
    if not found:
        must_be_seen(len(refused), len(keys))
        raise CouldNotRun("the cache holds no values: audit while the service is used")
    kinds = by_kind(found)
    told = "\n".join(f"{k.kind}: {', '.join(f'{n} {form}' for form, n in k.forms.most_common())}" for k in kinds)
    audit_evidence.command(f"forms of {len(found)} values of {len(keys)} keys", told)
    left = audit_acknowledged([kind for kind in kinds if kind.pickles], key="kind")
    assert not left, (
        f"{len(left)} of {len(kinds)} kinds of key hold pickles{lines(left)}\n"
        f"looked at: {len(found)} values of {len(keys)} keys, at most {sample}; to acknowledge: {left.names}"
    )
    must_be_seen(len(refused), len(keys))
    sealed = audit_acknowledged([kind for kind in kinds if kind.sealed], key="kind")
    if sealed:
        told = "; ".join(f"{k.kind}: {', '.join(f'{n} {form}' for form, n in k.sealed.items())}" for k in sealed)
        raise CouldNotRun(f"values that can't be looked into may be pickles: {told}; to acknowledge: {sealed.names}")


def _values(client: Any, keys: list[Any]) -> Iterator[tuple[Any, list[bytes] | None]]:
    """Each key with beginnings of what it holds; None where the audit may not read it."""
    types = _replies(client, [("TYPE", key) for key in keys])
    sizes = _replies(client, [("MEMORY USAGE", key) for key in keys])
    asked: list[tuple[Any, tuple[Any, ...]]] = []
    for key, told, size in zip(keys, types, sizes, strict=True):
        kind = key_text(told)
        if is_refusal(told):
            yield key, None
        elif kind == "string":
            asked.append((key, ("GETRANGE", key, 0, PREFIX - 1)))
        elif kind in MEMBERS and not (isinstance(size, int) and size > LARGE):
            asked += [(key, tuple(key if word == "{key}" else word for word in command)) for command in MEMBERS[kind]]
    replies = _replies(client, [command for _, command in asked])
    for (key, _), reply in zip(asked, replies, strict=True):
        yield key, None if is_refusal(reply) else [v[:PREFIX] for v in _flat(reply) if v]


def _replies(client: Any, commands: list[tuple[Any, ...]]) -> list[Any]:
    asking = client.pipeline()
    for command in commands:
        asking.execute_command(*command)
    return list(asking.execute(raise_on_error=False)) if commands else []


def _flat(reply: Any) -> Iterator[bytes]:
    if isinstance(reply, (bytes, str)):
        yield reply.encode() if isinstance(reply, str) else reply
    elif isinstance(reply, dict):
        yield from _flat(list(reply.values()))
    elif isinstance(reply, (list, tuple)) and len(reply) == 2 and isinstance(reply[1], dict):
        yield from _flat(reply[1])  # a cursor, or the number of a stream's entry, and then what is stored
    elif isinstance(reply, (list, tuple, set, frozenset)):
        for inner in reply:
            yield from _flat(inner)

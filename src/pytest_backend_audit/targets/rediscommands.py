"""Which Redis commands an audit may send, and what evidence keeps of them. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_backend_audit.redaction.forms import MARK

ADMINISTRATIVE_READS = frozenset(
    {
        "PING", "HELLO", "AUTH", "SELECT", "CLIENT SETNAME", "CLIENT SETINFO", "CLIENT LIST", "INFO", "CONFIG GET",
        "SLOWLOG GET", "SLOWLOG LEN", "LATENCY LATEST", "LATENCY HISTORY", "LATENCY HISTOGRAM", "LATENCY DOCTOR",
        "LATENCY GRAPH", "COMMAND", "COMMAND INFO", "COMMAND COUNT", "COMMAND DOCS", "COMMAND LIST", "ROLE",
        "ACL WHOAMI", "ACL GETUSER", "CLUSTER INFO", "MEMORY USAGE",
    }
)  # fmt: skip
"""Reads that the server doesn't flag ``readonly``."""
NEVER = frozenset({"KEYS", "SORT", "SORT_RO", "EVAL_RO", "EVALSHA_RO", "FCALL_RO"})
"""Flagged ``readonly``, but one of them can hold up a large server for seconds."""
CONTAINERS = frozenset(
    {"ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "LATENCY", "MEMORY", "OBJECT", "SLOWLOG", "XINFO", "PUBSUB",
     "SCRIPT", "FUNCTION", "MODULE", "DEBUG", "XGROUP"}
)  # fmt: skip
"""Commands whose second word is a part of the name."""
PIPELINE_PIECES = 20
"""Commands of a pipeline up to which each is a piece of evidence by itself."""

# Replies about keys, not of what is in them.
_ABOUT_KEYS = frozenset(
    {"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "TYPE", "EXISTS", "DBSIZE", "STRLEN", "LLEN", "HLEN", "SCARD", "ZCARD",
     "XLEN", "OBJECT ENCODING", "OBJECT IDLETIME", "OBJECT FREQ", "OBJECT REFCOUNT"}
)  # fmt: skip
_SECRET_SETTING = re.compile(r"pass|auth$|secret|user$", re.IGNORECASE)
_VARIABLE_PART = re.compile(r"[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*|\d+|[^:/\s]+@[^:/\s]+")


def name_of(args: Sequence[Any]) -> str:
    """The command's full name in capitals: ``CONFIG GET`` for ``("config", "get", "maxmemory")``."""
    words = _text(args[0]).upper().split()
    if len(words) == 1 and words[0] in CONTAINERS and len(args) > 1:
        words.append(_text(args[1]).upper())
    return " ".join(words)


def refusal(name: str, flags: Iterable[str], *, writes: bool) -> str:
    """Why a command may not be sent, or nothing.

    Args:
        name: Its full name.
        flags: What the server says of it (COMMAND INFO).
        writes: Whether the running check may write.
    """
    if name in ADMINISTRATIVE_READS:
        return ""
    flags = set(flags)
    if name in NEVER or name.partition(" ")[0] in NEVER:
        return f"{name} can hold up the server for everybody: use SCAN and reads of single keys"
    if "blocking" in flags:
        return f"{name} blocks"
    if "readonly" in flags or (writes and "write" in flags and "dangerous" not in flags and "admin" not in flags):
        return ""
    if "write" in flags:
        return f'{name} writes: mark the check with needs=("writes",)'
    return f"{name} is not among the reads that an audit may send"


def shown_command(name: str, args: Sequence[Any], *, mask: bool) -> str:
    """The command as evidence shows it: its key, never its values.

    Args:
        name: Its full name.
        args: All of it.
        mask: Whether the variable parts of keys are left out (prod, canary).
    """
    rest = list(args[len(name.split()) if len(_text(args[0]).split()) == 1 else 1 :])
    if name in ADMINISTRATIVE_READS and name not in {"AUTH", "HELLO", "MEMORY USAGE"}:
        return " ".join([name, *(_text(a) for a in rest)])
    if name in {"SCAN", "MEMORY USAGE", *_ABOUT_KEYS}:
        return " ".join([name, *(_masked(_text(a)) if mask else _text(a) for a in rest)])
    if name in {"AUTH", "HELLO"}:
        return name
    key = [_masked(_text(rest[0])) if mask else _text(rest[0])] if rest else []
    return " ".join([name, *key, *(["..."] if len(rest) > 1 else [])])


def shown_reply(name: str, reply: Any, *, mask: bool) -> str:
    """The reply as evidence shows it; of stored values only their kind and size.

    Args:
        name: The command's full name.
        reply: As redis-py gives it.
        mask: Whether the variable parts of keys are left out (prod, canary).
    """
    if isinstance(reply, Exception):
        return f"{type(reply).__name__}: {reply}"
    if name in {"CONFIG GET", "ACL GETUSER"} and isinstance(reply, Mapping):
        return _lines({k: MARK if _SECRET_SETTING.search(_text(k)) and v else v for k, v in reply.items()})
    if name == "SLOWLOG GET" and isinstance(reply, Sequence):
        return "\n".join(_slow_entry(e, mask=mask) for e in reply if isinstance(e, Mapping)) or "(empty)"
    if name in ADMINISTRATIVE_READS or name in _ABOUT_KEYS:
        return _lines(reply)
    if name == "SCAN" and isinstance(reply, Sequence) and len(reply) == 2:
        keys = [_masked(_text(k)) if mask else _text(k) for k in reply[1]]
        return f"cursor {_text(reply[0])}, {len(keys)} keys\n" + "\n".join(sorted(keys)[:50])
    return _kind(reply)


def shown_pipeline(sent: Sequence[tuple[Sequence[Any], Any]], *, mask: bool) -> list[tuple[str, str]]:
    """Titles and bodies of the evidence that a pipeline leaves: a piece a command, of a long one a single piece.

    Args:
        sent: Commands, each with its reply.
        mask: Whether the variable parts of keys are left out (prod, canary).
    """
    shown = [
        (shown_command(name_of(args), args, mask=mask), shown_reply(name_of(args), reply, mask=mask))
        for args, reply in sent
    ]
    if len(sent) <= PIPELINE_PIECES:
        return shown
    counts = Counter(name_of(args) for args, _ in sent)
    title = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    return [(f"pipeline of {title}", "\n".join(f"{command}: {reply}" for command, reply in shown))]


def granted_beyond_reading(rules: str) -> list[str]:
    """Commands that change data or the server, and that an ACL rule lets through.

    Args:
        rules: The ``commands`` of ACL GETUSER: ``-@all +@read +info``.
    """
    return [command for command, categories in _TELLING.items() if _allows(rules, command, categories)]


_TELLING: Mapping[str, frozenset[str]] = {
    "set": frozenset({"write", "string", "slow"}),
    "del": frozenset({"write", "keyspace", "slow"}),
    "flushall": frozenset({"write", "keyspace", "slow", "dangerous"}),
    "config|set": frozenset({"admin", "slow", "dangerous"}),
    "client|kill": frozenset({"admin", "slow", "dangerous", "connection"}),
    "shutdown": frozenset({"admin", "slow", "dangerous"}),
    "eval": frozenset({"scripting", "slow"}),
}
"""Commands that stand for all that go beyond reading, with their ACL categories."""


def _allows(rules: str, command: str, categories: frozenset[str]) -> bool:
    allowed = False
    for rule in rules.lower().split():
        sign, what = rule[:1], rule[1:]
        if rule in {"allcommands", "nocommands"}:
            allowed = rule == "allcommands"
        elif sign not in "+-":
            continue
        elif what.startswith("@"):
            if what == "@all" or what[1:] in categories:
                allowed = sign == "+"
        elif what == command or what == command.partition("|")[0]:
            allowed = sign == "+"
    return allowed


def _slow_entry(entry: Mapping[Any, Any], *, mask: bool) -> str:
    words = _text(entry.get("command", "")).split()
    command = " ".join(
        [*words[:1], *(_masked(w) if mask else w for w in words[1:2]), *(["..."] if len(words) > 2 else [])]
    )
    return f"{entry.get('duration')} us: {command}"


def _lines(reply: Any) -> str:
    if isinstance(reply, Mapping):
        return "\n".join(f"{_text(k)}: {_inline(v)}" for k, v in reply.items()) or "(empty)"
    if isinstance(reply, (list, tuple, set, frozenset)):
        return "\n".join(_inline(v) for v in reply) or "(empty)"
    return _inline(reply)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{_text(k)}={_inline(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(_inline(v) for v in value)
    return "nil" if value is None else _text(value)


def _kind(reply: Any) -> str:
    if reply is None:
        return "nil"
    if isinstance(reply, bool) or (isinstance(reply, str) and reply == "OK"):
        return str(reply)
    if isinstance(reply, (bytes, str)):
        return f"a string of {len(reply)} bytes" if isinstance(reply, bytes) else f"a string of {len(reply)} characters"
    if isinstance(reply, (Mapping, list, tuple, set, frozenset)):
        return f"{len(reply)} entries"
    return f"a {type(reply).__name__}"


def _masked(key: str) -> str:
    return _VARIABLE_PART.sub("*", key)


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)

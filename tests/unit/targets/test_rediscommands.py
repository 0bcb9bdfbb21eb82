"""Which Redis commands pass, and what of them is shown."""

import pytest

from pytest_backend_audit.redaction import MARK
from pytest_backend_audit.targets.rediscommands import (
    granted_beyond_reading,
    name_of,
    refusal,
    shown_command,
    shown_pipeline,
    shown_reply,
)


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (("get", "a"), "GET"),
        (("CONFIG GET", "maxmemory"), "CONFIG GET"),
        (("config", b"get", "maxmemory"), "CONFIG GET"),
        ((b"OBJECT", "IDLETIME", "k"), "OBJECT IDLETIME"),
        (("MEMORY USAGE", "k"), "MEMORY USAGE"),
    ],
)
def test_a_command_has_one_name_however_it_is_given(args, name):
    """Redis-py gives two words in one text, a check may give them apart."""
    assert name_of(args) == name


@pytest.mark.parametrize(
    ("name", "flags", "writes", "why"),
    [
        ("GET", {"readonly", "fast"}, False, ""),
        ("INFO", set(), False, ""),
        ("KEYS", {"readonly"}, True, "KEYS can hold up the server for everybody: use SCAN and reads of single keys"),
        ("XREAD", {"readonly", "blocking"}, True, "XREAD blocks"),
        ("SET", {"write"}, False, 'SET writes: mark the check with needs=("writes",)'),
        ("SET", {"write"}, True, ""),
        ("FLUSHALL", {"write", "dangerous"}, True, 'FLUSHALL writes: mark the check with needs=("writes",)'),
        ("CONFIG SET", {"admin"}, True, "CONFIG SET is not among the reads that an audit may send"),
        ("MADE UP", set(), False, "MADE UP is not among the reads that an audit may send"),
    ],
)
def test_the_servers_flags_decide(name, flags, writes, why):
    """Beside a fixed list of administrative reads."""
    assert refusal(name, flags, writes=writes) == why


@pytest.mark.parametrize(
    ("args", "mask", "shown"),
    [
        (("SET", "session:17", "Ada"), False, "SET session:17 ..."),
        (("SET", "session:17", "Ada"), True, "SET session:* ..."),
        (("GET", "user:ada@example.org:cart"), True, "GET user:*:cart"),
        (("GET", "job:123e4567-e89b-12d3-a456-426614174000"), True, "GET job:*"),
        (("AUTH", "auditor", "hunter2"), False, "AUTH"),
        (("CONFIG GET", "maxmemory*"), True, "CONFIG GET maxmemory*"),
        (("SCAN", 0, "MATCH", "a:*"), False, "SCAN 0 MATCH a:*"),
        (("DBSIZE",), False, "DBSIZE"),
    ],
)
def test_a_command_is_shown_by_its_key_never_its_values(args, mask, shown):
    """In prod and canary the key loses its variable parts."""
    assert shown_command(name_of(args), args, mask=mask) == shown


@pytest.mark.parametrize(
    ("name", "reply", "shown"),
    [
        ("GET", b"Ada", "a string of 3 bytes"),
        ("GET", "größe", "a string of 5 characters"),
        ("GET", None, "nil"),
        ("LRANGE", [b"a", b"b"], "2 entries"),
        ("SET", True, "True"),
        ("TTL", -1, "-1"),
        ("TYPE", b"hash", "hash"),
        ("CONFIG GET", {"requirepass": "x", "masterauth": "", "maxmemory": "0"},
         f"requirepass: {MARK}\nmasterauth: \nmaxmemory: 0"),
        ("ACL GETUSER", {"flags": ["on"], "passwords": ["5e88"], "commands": "+@read"},
         f"flags: on\npasswords: {MARK}\ncommands: +@read"),
        ("SLOWLOG GET", [{"duration": 12000, "command": b"SET session:1 Ada"}], "12000 us: SET session:1 ..."),
        ("SLOWLOG GET", [], "(empty)"),
        ("INFO", {"db0": {"keys": 3, "expires": 1}, "loading": 0}, "db0: keys=3,expires=1\nloading: 0"),
        ("SCAN", (7, [b"b", b"a"]), "cursor 7, 2 keys\na\nb"),
        ("GET", ValueError("WRONGTYPE"), "ValueError: WRONGTYPE"),
    ],
)  # fmt: skip
def test_of_stored_values_kind_and_size_are_shown(name, reply, shown):
    """And of settings what is no secret."""
    assert shown_reply(name, reply, mask=False) == shown


@pytest.mark.parametrize(
    ("rules", "granted"),
    [
        ("-@all +@read +info +config|get", []),
        ("+@all", ["set", "del", "flushall", "config|set", "client|kill", "shutdown", "eval"]),
        ("allcommands", ["set", "del", "flushall", "config|set", "client|kill", "shutdown", "eval"]),
        ("+@all -@dangerous", ["set", "del", "eval"]),
        ("-@all +@read +set", ["set"]),
        ("-@all +config", ["config|set"]),
        ("-@all +config -config|set", []),
        ("-@all +@connection -client|kill", []),
        ("+@all nocommands +@read", []),
    ],
)
def test_rights_follow_from_the_rules_in_their_order(rules, granted):
    """A later rule overrules an earlier one."""
    assert granted_beyond_reading(rules) == granted


def test_a_long_pipeline_is_one_piece_of_evidence():
    """Up to twenty commands are a piece each; thousands would crowd out everything else."""
    sent = [(("TTL", f"order:{n}"), n) for n in range(20)]
    assert shown_pipeline(sent, mask=False)[:2] == [("TTL order:0", "0"), ("TTL order:1", "1")]
    assert len(shown_pipeline(sent, mask=False)) == 20
    [(title, body)] = shown_pipeline([*sent, (("GET", b"order:20"), b"its value")], mask=True)
    assert title == "pipeline of 20 TTL, 1 GET"
    assert body.splitlines()[19:] == ["TTL order:*: 19", "GET order:*: a string of 9 bytes"]

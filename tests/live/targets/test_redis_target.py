"""Valkey, on a real server: which commands pass, and what is kept of their replies."""

import pickle

import pytest
import redis

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Check, Need
from pytest_backend_audit.redaction import MARK
from pytest_backend_audit.targets.common import connections, settings_of
from pytest_backend_audit.targets.redis import RefusedCommandError, open_redis
from pytest_backend_audit.testing import runtime_for

AUDITOR = ("auditor", "look-but-do-not-touch")


def audit_of(tmp_path, server, user=AUDITOR, kind="stage", **more):
    """An audit of this server."""
    text = f"version: 1\nservice: orders\nenvironment: {kind}\ntargets:\n  redis: {{url: '${{URL}}'}}\n"
    return runtime_for(text, folder=tmp_path, environ={"URL": server.url(*user)}, **more)


@pytest.fixture
def filled(valkey_server):
    """The server with a few keys."""
    client = redis.Redis.from_url(valkey_server.url())
    client.flushall()
    client.set("tenant:1:order:7", pickle.dumps({"name": "Ada"}))
    client.set("session:ada@example.org", "a secret life", ex=600)
    client.hset("cart:9", mapping={"apples": 3})
    yield valkey_server
    client.flushall()
    client.close()


@pytest.fixture
def audit(tmp_path, filled):
    """An audit of the filled server in stage."""
    made = audit_of(tmp_path, filled)
    yield made
    connections(made).close()


def seen(audit, ask):
    """What recording kept of one question."""
    client = open_redis(audit, settings_of(audit, "redis"))
    with audit.recorder.open() as buffer:
        ask(client)
    return [(e.title, e.body) for e in buffer.evidence]


def test_reads_return_what_redis_py_returns_and_values_stay_out(audit):
    """Of a stored value only its kind and size is kept."""
    client = open_redis(audit, settings_of(audit, "redis"))
    with audit.recorder.open() as buffer:
        assert pickle.loads(client.get("tenant:1:order:7")) == {"name": "Ada"}
        assert client.hgetall("cart:9") == {b"apples": b"3"}
        assert client.pttl("cart:9") == -1
        assert client.get("nothing") is None
    size = len(pickle.dumps({"name": "Ada"}))
    assert [(e.title, e.body) for e in buffer.evidence] == [
        ("GET tenant:1:order:7", f"a string of {size} bytes"),
        ("HGETALL cart:9", "1 entries"),
        ("PTTL cart:9", "-1"),
        ("GET nothing", "nil"),
    ]


def test_keys_lose_their_variable_parts_in_prod(tmp_path, filled):
    """A key may name a person."""
    audit = audit_of(tmp_path, filled, kind="prod")
    [scan, ttl] = seen(audit, lambda c: (c.scan(count=100), c.strlen("session:ada@example.org")))
    connections(audit).close()
    assert scan == ("SCAN * COUNT *", "cursor 0, 3 keys\ncart:*\nsession:*\ntenant:*:order:*")
    assert ttl == ("STRLEN session:*", "13")


def test_settings_are_kept_and_passwords_among_them_are_not(audit):
    """CONFIG GET is evidence; requirepass never is."""
    server = redis.Redis.from_url(audit.config.target("redis").url.replace("auditor:look-but-do-not-touch@", ""))
    server.config_set("masterauth", "hunter2")
    try:
        [one, two] = seen(audit, lambda c: (c.config_get("maxmemory-policy"), c.config_get("masterauth")))
    finally:
        server.config_set("masterauth", "")
        server.close()
    assert one == ("CONFIG GET maxmemory-policy", "maxmemory-policy: noeviction")
    assert two == ("CONFIG GET masterauth", f"masterauth: {MARK}")


def test_info_is_kept(audit):
    """With the target that told it."""
    [(title, body)] = seen(audit, lambda c: c.info("server"))
    assert title == "INFO server"
    assert "server_name: valkey" in body


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda c: c.keys("*"), "KEYS can hold up the server for everybody"),
        (lambda c: c.set("a", "b"), "SET writes"),
        (lambda c: c.flushall(), "FLUSHALL writes"),
        (lambda c: c.config_set("maxmemory", "1mb"), "CONFIG SET is not among the reads"),
        (lambda c: c.xread({"s": "$"}, block=1), "XREAD blocks"),
        (lambda c: c.eval("return 1", 0), "EVAL is not among the reads"),
        (lambda c: c.sort("cart:9"), "SORT can hold up the server"),
        (lambda c: c.pubsub(), "SUBSCRIBE is not among the reads"),
        (lambda c: c.monitor(), "MONITOR slows the server down"),
        (lambda c: c.client_kill("127.0.0.1:1"), "CLIENT KILL is not among the reads"),
        (lambda c: c.pipeline().set("a", "b"), "SET writes"),
        (lambda c: c.execute_command("no such command"), "NO SUCH COMMAND is not among the reads"),
    ],
)
def test_what_is_not_a_read_is_refused_before_it_is_sent(audit, ask, why):
    """The allow-list of design section 5; the server's own flags decide."""
    client = open_redis(audit, settings_of(audit, "redis"))
    with pytest.raises(RefusedCommandError) as caught:
        ask(client)
    assert str(caught.value).startswith(f"audit_redis refuses this: {why}")


def test_a_check_with_writes_may_write(tmp_path, filled):
    """When its mark asks and the command line allows; dangerous commands stay out."""
    check = Check("m::t", "4.3", 3, needs=(Need.WRITES,))
    audit = audit_of(tmp_path, filled, user=("", ""), check=check, allowed=frozenset({Need.WRITES}))
    client = open_redis(audit, settings_of(audit, "redis"))
    assert client.set("a", "b")
    with pytest.raises(RefusedCommandError, match="FLUSHALL writes"):
        client.flushall()
    connections(audit).close()


def test_a_pipeline_records_each_command(audit):
    """In the order in which they were queued."""

    def ask(client):
        assert client.pipeline().ttl("cart:9").type("cart:9").execute() == [-1, b"hash"]

    assert seen(audit, ask) == [("TTL cart:9", "-1"), ("TYPE cart:9", "hash")]


def test_a_user_that_may_write_is_refused_in_prod(tmp_path, filled):
    """Naming what it may do."""
    audit = audit_of(tmp_path, filled, user=("", ""), kind="prod")
    with pytest.raises(CouldNotRun) as caught:
        open_redis(audit, settings_of(audit, "redis"))
    assert str(caught.value) == (
        "targets.redis: the audit's user may set, del, flushall, config|set, client|kill, shutdown, eval; refused in "
        "prod and canary: use the ACL that `backend-audit init` writes (audit.yaml:5)"
    )


def test_a_user_that_may_write_is_remarked_on_elsewhere(tmp_path, filled):
    """Once."""
    audit = audit_of(tmp_path, filled, user=("", ""))
    client = open_redis(audit, settings_of(audit, "redis"))
    with audit.recorder.open() as buffer:
        client.ping()
        client.ping()
    connections(audit).close()
    [note] = buffer.notes
    assert note.startswith("targets.redis: the audit's user may set, del")


def test_a_wrong_password_is_one_clear_reason(tmp_path, filled):
    """With the place in audit.yaml, and no password in it."""
    audit = audit_of(tmp_path, filled, user=("auditor", "wrong-password"))
    with pytest.raises(CouldNotRun) as caught:
        open_redis(audit, settings_of(audit, "redis"))
    assert str(caught.value) == (
        "targets.redis: invalid username-password pair or user is disabled. - check user and password in the URL "
        "(audit.yaml:5)"
    )

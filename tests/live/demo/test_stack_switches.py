"""Switching defects on and off in a running stack: what is really wrong, and that it is right again afterwards."""

from __future__ import annotations

import psycopg
import pytest
import redis

from pytest_backend_audit.demo.stack.process import wait_for

pytestmark = pytest.mark.live


def _one(stack, statement: str) -> object:
    with psycopg.connect(stack.dsn) as connection:
        return connection.execute(statement).fetchone()[0]


INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
ON_CUSTOMER = "SELECT count(*) FROM pg_indexes WHERE indexname = 'orders_customer_id_idx'"
ON_TENANT = "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%(tenant, id DESC)'"
LARGE = "SELECT count(*) FROM pg_class WHERE relname = 'order_items_label_idx' AND pg_relation_size(oid) > 10000000"
HELD = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'batch-import'"
THRESHOLD = "SELECT current_setting('log_min_duration_statement')"


@pytest.mark.parametrize(
    ("switch", "statement", "sound", "faulty"),
    [
        ("query-logging-off", THRESHOLD, "200ms", "-1"),
        ("query-logging-hour", THRESHOLD, "200ms", "1h"),
        ("foreign-key-indexes", ON_CUSTOMER, 1, 0),
        ("index-hygiene-duplicate", ON_TENANT, 1, 2),
        ("index-hygiene-invalid", INVALID, 0, 1),
        ("index-hygiene-unused", LARGE, 0, 1),
        ("headroom", HELD, 0, 65),
    ],
)
def test_what_is_wrong_in_the_database(stack, switch, statement, sound, faulty) -> None:
    """The monitoring role sees the defect while it is on, and nothing of it before and after."""
    assert _one(stack, statement) == sound
    with stack.defect(switch):
        assert stack.defects == (switch,)
        assert _one(stack, statement) == faulty
    assert stack.defects == ()
    assert _one(stack, statement) == sound


def test_the_eviction_policy(stack) -> None:
    """The cache says what it does when it is full."""
    with redis.Redis.from_url(stack.redis_url, decode_responses=True) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lfu"}
        with stack.defect("eviction-policy"):
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lfu"}


def test_a_single_instance(stack) -> None:
    """The other instance is stopped, and comes back on its port."""
    before = stack.metrics_urls
    with stack.defect("multi-instance"):
        assert stack.metrics_urls == before[:1]
        assert [instance.process is None for instance in stack.instances] == [False, True]
        assert "AUDIT_METRICS_2" not in stack.environment()
    assert stack.metrics_urls == before
    assert [instance.process is None for instance in stack.instances] == [False, False]


@pytest.mark.needs("pgbouncer")
def test_more_traffic_alone_does_not_make_clients_queue(stack) -> None:
    """The witness of `pooler-too-small`: it is the pool's size that does it, and not the traffic.

    Beside other tests clients wait for the processor as well, so that a moment without is awaited.
    """
    stack.busy()
    wait_for(lambda: stack.pooler.average_wait() < 3000, "clients that hardly wait", pause=1.0)
    stack.busy(False)
    with stack.defect("pooler-too-small"):
        assert stack.pooler.average_wait() > 10 * 3000  # it was more, and goes up and down


def test_the_monitoring_role_only_looks(stack) -> None:
    """It is no superuser, may read the service's tables, and can't write even if it asks to."""
    with psycopg.connect(stack.dsn, autocommit=True) as connection:
        role = connection.execute("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert role.fetchone() == (False, False)
        assert connection.execute("SELECT count(*) FROM pg_stat_statements").fetchone()[0] > 0
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE orders SET status = 'paid' WHERE id = 1")


def test_the_audits_cache_user_only_looks(stack) -> None:
    """It may read keys, and neither write nor list nor change anything."""
    with redis.Redis.from_url(stack.redis_url, decode_responses=True) as client:
        assert client.info("server")["server_name"] == "valkey"
        assert client.get("orders:no-such-key") is None
        for command in ("SET orders:x 1", "KEYS *", "CONFIG SET maxmemory 1", "FLUSHALL", "CLIENT KILL ID 1"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command.split())

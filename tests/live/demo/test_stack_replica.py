"""The read replica of the reference stack: it has what the primary has, and takes no writes."""

from __future__ import annotations

import psycopg
import pytest

from pytest_backend_audit.demo.stack.process import wait_for

pytestmark = pytest.mark.live


def test_the_replica_streams(stack) -> None:
    """A change of the primary arrives; the monitoring role sees how far it is, from both sides."""
    stack.postgres.admin_query("CREATE TABLE public.seen_by_the_replica AS SELECT 42 AS answer")
    stack.postgres.admin_query("GRANT SELECT ON public.seen_by_the_replica TO audit_monitor")
    try:
        with psycopg.connect(stack.replica_dsn, autocommit=True) as replica:
            assert replica.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
            wait_for(
                lambda: replica.execute("SELECT answer FROM public.seen_by_the_replica").fetchone() == (42,),
                "the change to arrive",
            )
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                replica.execute("SET default_transaction_read_only = off; CREATE TABLE public.nothing ()")
    finally:
        stack.postgres.admin_query("DROP TABLE public.seen_by_the_replica")
    with psycopg.connect(stack.dsn) as primary:
        row = primary.execute(
            "SELECT application_name, state, slot_name FROM pg_stat_replication, pg_replication_slots"
        )
        assert row.fetchall() == [("replica_1", "streaming", "replica_1")]


def test_it_streams_again_after_the_primary_was_away(stack) -> None:
    """By itself."""
    stack.postgres.restart()
    wait_for(
        lambda: stack.postgres.admin_query("SELECT state FROM pg_stat_replication") == [("streaming",)],
        "the replica to stream again",
    )

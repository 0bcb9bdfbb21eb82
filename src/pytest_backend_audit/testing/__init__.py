"""For authors of checks: run a check on literal evidence, without a server and without pytest around it.

::

    from pytest_backend_audit.testing import rows, run_check, surroundings

    def test_a_bare_foreign_key_is_named():
        around = surroundings()
        ran = run_check(
            test_every_foreign_key_leads_an_index,
            audit_postgres=rows(("public.orders.customer_id",)),
            audit_acknowledged=around.acknowledged,
        )
        assert ran.status == "failed"
        assert "public.orders.customer_id" in ran.reason
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_backend_audit.testing.audits import Surroundings, runtime_for, surroundings
from pytest_backend_audit.testing.postgres import LiteralPostgres, rows
from pytest_backend_audit.testing.running import INSTANT, Ran, recorder, run_check

if TYPE_CHECKING:
    from pytest_backend_audit.testing.redis import LiteralRedis

__all__ = [
    "INSTANT", "LiteralPostgres", "LiteralRedis", "Ran", "Surroundings", "recorder", "rows", "run_check",
    "runtime_for", "surroundings",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "LiteralRedis":
        from pytest_backend_audit.testing.redis import LiteralRedis  # noqa: PLC0415 - redis-py loads with it

        return LiteralRedis
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

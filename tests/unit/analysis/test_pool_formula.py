"""Sizes that follow from workers, threads and a factor, and what all pools may come to hold."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_backend_audit.analysis.pool_formula import Need, declared, follows, formula, through_pooler

SAID = json.loads((Path(__file__).parent / "data" / "pgbouncer-1.18.json").read_text())


def shown(command: str, **changed: object) -> list[dict[str, object]]:
    """Rows of a captured SHOW, the service's with other values."""
    rows = [dict(zip(SAID[command]["columns"], row, strict=True)) for row in SAID[command]["rows"]]
    return [{**row, **changed} if "orders" in row.values() else row for row in rows]


def pool(**given: object) -> SimpleNamespace:
    """A declared pool."""
    return SimpleNamespace(
        **{"size": 10, "processes": 1, "instances": 1, "workers": 4, "threads": 2, "factor": None} | given
    )


@pytest.mark.parametrize(
    ("given", "size", "right"),
    [
        ({}, 8, True), ({}, 9, False), ({"factor": 1.3}, 10, True), ({"factor": 1.3}, 11, True),
        ({"factor": 1.3}, 12, False), ({"factor": 0.1, "workers": 10, "threads": 3}, 3, True),
    ],
)  # fmt: skip
def test_a_size_is_the_product_rounded_either_way(given: dict[str, object], size: int, right: bool) -> None:
    """Without a factor it is one."""
    assert follows(size, pool(**given)) is right


def test_the_formula_is_told_with_its_numbers() -> None:
    """Nothing where a part of it is not declared."""
    assert formula(pool(factor=1.25)) == "workers 4 x threads 2 x factor 1.25 = 10"
    assert formula(pool(threads=None)) == ""


def test_all_instances_and_processes_count() -> None:
    """Of each pool."""
    pools = {"web": pool(size=8, instances=3, processes=2), "jobs": pool(size=2)}
    assert list(map(str, declared(pools))) == ["pool web 48", "pool jobs 2"]


@pytest.mark.parametrize(
    ("changed", "connections"),
    [({}, 20), ({"max_connections": 0}, 20), ({"reserve_pool": 5, "max_connections": 0}, 25), ({"pool_size": 9}, 9),
     ({"reserve_pool_size": 7, "max_connections": 0}, 27)],
)  # fmt: skip
def test_a_poolers_bound_or_its_pools_count(changed: dict[str, object], connections: int) -> None:
    """As SHOW DATABASES tells them, the reserve by another name since 1.24; its console is no server."""
    found = through_pooler(shown("DATABASES", **changed), shown("POOLS"), "orders")
    assert found == [Need("PgBouncer for orders", connections)]


def test_each_user_has_a_pool_of_its_own_and_other_databases_of_the_server_count() -> None:
    """Those of other servers don't."""
    [row] = [r for r in shown("DATABASES", max_connections=0) if r["name"] == "orders"]
    rows = [row, {**row, "name": "reports", "database": "reports"}, {**row, "name": "far", "host": "10.0.0.9"}]
    users = [{"database": "orders", "user": "a"}, {"database": "orders", "user": "b"}]
    assert list(map(str, through_pooler(rows[:2], users, "orders"))) == [
        "PgBouncer for orders 40", "PgBouncer for reports 20",
    ]  # fmt: skip
    assert through_pooler([{**row, "database": "x"}, rows[2]], users, "elsewhere") == []

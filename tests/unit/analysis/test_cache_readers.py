"""Small readers about caches: series that tell hits, hot keys, names of what isn't there."""

from __future__ import annotations

import random
import re

import pytest

from pytest_backend_audit.analysis.absent import LARGE, others
from pytest_backend_audit.analysis.cache_metrics import tells_hits
from pytest_backend_audit.analysis.hot_keys import counting, hottest, telling


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("cache_lookups_total", 'cache_lookups_total{job="orders",result="hit"}', True),
        ("cache_lookups_total", 'cache_lookups_total{result=~"hit|miss"}', True),
        ("cache_lookups_total", 'cache_lookups_total{result="error"}', False),
        ("redis_keyspace_hits_total", "redis_keyspace_hits_total", True),
        ("django_cache_misses_total", "django_cache_misses_total", True),
        ("orders:cache_hit_ratio:rate5m", "orders:cache_hit_ratio:rate5m", True),
        ("cache_lookups_created", 'cache_lookups_created{result="hit"}', False),
        ("redis_memory_used_bytes", "redis_memory_used_bytes", False),
        ("pg_stat_database_blks_hit", "pg_stat_database_blks_hit", False),
        ("cache_permission_total", "cache_permission_total", False),
    ],
)
def test_series_that_tell_hits_are_known_by_name_or_label(name: str, text: str, told: bool) -> None:
    """Of a cache, and not of the database's own."""
    assert tells_hits(name, text) is told


def test_the_hottest_keys_are_told_by_kind() -> None:
    """The most used first."""
    assert hottest(["a:*", "b:*", "a:*"], [3, 250, 17]) == "250: b:*\n17: a:*\n3: a:*"


def test_the_policy_that_counts_throws_away_no_more_than_the_other() -> None:
    """Queues and sessions beside a cache would be gone under allkeys-lfu."""
    policies = ("allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl", "noeviction")
    assert [counting(policy) for policy in policies] == ["allkeys-lfu"] * 2 + ["volatile-lfu"] * 3
    assert [counting("noeviction", declared) for declared in ("allkeys-lfu", "allkeys-lru")] == [
        "allkeys-lfu",
        "volatile-lfu",
    ]


def test_a_page_speaks_of_hot_keys_by_a_series() -> None:
    """A comment or another word does not."""
    page = '# HELP cache_hot_keys Of ours.\ncache_hot_keys{key="a"} 12\nshot_keyboards 3\nhotkey_reads_total 4\n'
    assert telling(page) == ["cache_hot_keys", "hotkey_reads_total"]


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (7, r"1\d{9}|2000000000"),
        ("12", r"1\d{9}|2000000000"),
        ("SKU-0001", r"SKU-\d{4}\d{10}"),
        ("tea", r"tea\d{10}"),
        (
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        ),
        ("A1-2345678", r"A\d-\d{7}"),
    ],
)
def test_an_absent_thing_has_the_form_of_one_that_exists(value: object, form: str) -> None:
    """And each try is another."""
    made = [str(parameters["id"]) for parameters in others({"id": value}, 5, random.Random(1))]
    assert all(re.fullmatch(form, one) for one in made), made
    assert len({str(value), *made}) == 6
    assert LARGE[1] < 2**31

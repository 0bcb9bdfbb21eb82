"""The helpers for authors of checks."""

import pytest

from pytest_backend_audit import audit
from pytest_backend_audit.errors import ConfigError, CouldNotRun
from pytest_backend_audit.testing import LiteralPostgres, LiteralRedis, rows, run_check, surroundings


def check_for_bare_keys(audit_postgres):
    """A check as authors write it."""
    bare = [r[0] for r in audit_postgres.execute("SELECT conname FROM pg_constraint").fetchall()]
    assert not bare, f"{len(bare)} foreign keys without an index: {', '.join(bare)}"


def test_a_check_runs_on_literal_rows():
    """And its outcome, reason and evidence can be looked at."""
    ran = run_check(check_for_bare_keys, audit_postgres=rows(("a_fk",), ("b_fk",)))
    assert (ran.status, ran.reason.splitlines()[0]) == ("failed", "2 foreign keys without an index: a_fk, b_fk")
    assert [(e.title, e.body) for e in ran.evidence] == [("SELECT conname FROM pg_constraint", "a_fk\nb_fk")]
    assert run_check(check_for_bare_keys, audit_postgres=rows()).status == "passed"


def test_each_statement_can_have_its_own_rows():
    """By a part of its text; a statement without rows is the test's mistake."""
    postgres = LiteralPostgres({"max_connections": [("100",)], "count(*)": [(85,), (7,)]})
    assert postgres.execute("SHOW max_connections").fetchone() == ("100",)
    cursor = postgres.execute("SELECT count(*) FROM t")
    assert (cursor.rowcount, cursor.fetchmany(1), list(cursor), cursor.fetchone()) == (2, [(85,)], [(7,)], None)
    with pytest.raises(LookupError, match="no literal rows for the statement 'SELECT 1'"):
        postgres.execute("SELECT 1")


def test_could_not_run_and_broken_are_told_apart():
    """As in an audit."""

    def cannot():
        raise CouldNotRun("no traffic")

    def wrong():
        {}["x"]

    assert (run_check(cannot).status, run_check(cannot).reason) == ("could-not-run", "no traffic")
    assert (run_check(wrong).status, run_check(wrong).reason) == ("broken", "KeyError: 'x'")


def test_arguments_and_values_must_match():
    """A misspelt name would be a check on nothing."""
    with pytest.raises(TypeError, match=r"no value for \['audit_postgres'\], no argument for \['audit_postgre'\]"):
        run_check(check_for_bare_keys, audit_postgre=rows())


@audit(dimension="4.3", criterion="hit-rate", level=3)
def check_of_keys(audit_redis, audit_settings, audit_declared, audit_acknowledged):
    """A check that needs most of what there is."""
    policy = audit_redis.info("memory")["maxmemory_policy"]
    assert policy == audit_declared("targets.redis.declared.maxmemory_policy")
    keys = list(audit_redis.scan_iter(count=2))
    pipeline = audit_redis.pipeline()
    for key in keys:
        pipeline.ttl(key)
    lasting = [key.decode() for key, ttl in zip(keys, pipeline.execute(), strict=True) if ttl == -1]
    left = audit_acknowledged(lasting)
    assert not left, f"of {audit_settings.value('hit-rate-lookups')}: {left.names}"


AROUND = """\
targets: {redis: {url: "redis://cache", declared: {maxmemory_policy: allkeys-lru}}}
thresholds: {hit-rate-lookups: 7}
acknowledged:
  - {item: "hit-rate:b", reason: a counter, who: Ada, ticket: T-1, expires: 2026-02-01}
"""


def judge(around: str = AROUND, **replies):
    """The check of keys, of a cache with four of them."""
    given = surroundings(around)
    answers = {"INFO memory": {"maxmemory_policy": "allkeys-lru"}, **replies}
    return run_check(
        check_of_keys,
        audit_redis=LiteralRedis(answers, keys={"a": 60, "b": None, "c": None}, expired=("d",)),
        audit_settings=given.settings,
        audit_declared=given.declared,
        audit_acknowledged=given.acknowledged,
    )


def test_a_check_runs_on_a_literal_cache_and_lines_of_an_audit_yaml():
    """The criterion comes from its mark; all that it was given records into one place."""
    ran = judge()
    assert (ran.status, ran.reason) == ("failed", "of 7 lookups (audit.yaml:4): hit-rate:c")
    assert ran.acknowledged == ("hit-rate:b",)
    assert [(e.title, e.body) for e in ran.evidence] == [
        ("INFO memory", "maxmemory_policy: allkeys-lru"),
        ("SCAN 0 COUNT 2", "cursor 2, 2 keys\na\nb"),
        ("SCAN 2 COUNT 2", "cursor 0, 2 keys\nc\nd"),
        ("TTL a", "60"),
        ("TTL b", "-1"),
        ("TTL c", "-1"),
        ("TTL d", "-2"),
    ]


def test_a_literal_cache_answers_what_it_was_given():
    """Longer commands first; one without a reply is the test's mistake."""
    cache = LiteralRedis({"CONFIG GET": {}, "CONFIG GET maxmemory": {"maxmemory": "64mb"}}, keys={"a:1": 2, "b": None})
    assert (cache.config_get("maxmemory"), cache.config_get("save")) == ({"maxmemory": "64mb"}, {})
    assert (cache.dbsize(), cache.exists("b"), cache.exists("c")) == (2, 1, 0)
    assert (cache.pttl("a:1"), cache.pttl("b"), cache.pttl("c")) == (2000, -1, -2)
    assert list(cache.scan_iter(match="a:*")) == [b"a:1"]
    with pytest.raises(LookupError, match="no literal reply to the command 'GET b'"):
        cache.get("b")


def test_surroundings_without_lines_are_the_standards():
    """And a file of one's own can stand in a folder of one's own."""
    assert str(surroundings().settings.value("hit-rate-lookups")) == "100 lookups (standard)"
    assert surroundings().declared.configured("redis") is False


def test_wrong_lines_are_an_error_as_in_an_audit():
    """With the line, and the nearest name."""
    with pytest.raises(ConfigError, match=r'audit.yaml:3: threshold: unknown key; did you mean "thresholds"'):
        surroundings("threshold: {}\n")

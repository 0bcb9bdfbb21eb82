"""The small pure readers: units, pointers, words, spreads, caches, access, settings of roles, sessions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_backend_audit.analysis.access import Answer, nobodys, opened
from pytest_backend_audit.analysis.cache import INSPECTING, Lookups, counters, eviction_faults, evicts, lookups
from pytest_backend_audit.analysis.instances import Spread
from pytest_backend_audit.analysis.placeholders import filled, holds
from pytest_backend_audit.analysis.pointers import pointed
from pytest_backend_audit.analysis.role_settings import effective, remedies
from pytest_backend_audit.analysis.role_settings import hidden as unseen
from pytest_backend_audit.analysis.sessions import by, clients, hidden
from pytest_backend_audit.analysis.text import lines, listed, percent
from pytest_backend_audit.analysis.units import redis_bytes, seconds
from pytest_backend_audit.suites.caching.safe_serialization import MEMBERS


@pytest.mark.parametrize(
    ("text", "value"),
    [("250ms", 0.25), ("1s", 1), ("2min", 120), ("1h", 3600), ("1d", 86400), ("500us", 0.0005), ("-1", -0.001)],
)  # fmt: skip
def test_times_as_postgresql_writes_them(text: str, value: float) -> None:
    """A number alone is in milliseconds."""
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "soon", "1 fortnight", "1MB"])
def test_other_texts_are_no_times(text: str) -> None:
    """With the text in the message."""
    with pytest.raises(ValueError, match="is no time as PostgreSQL writes it") as raised:
        seconds(text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "value"), [("64mb", 67108864), ("1kb", 1024), ("1k", 1000), ("2GB", 2147483648), ("1048576", 1048576)]
)
def test_sizes_as_redis_writes_them(text: str, value: int) -> None:
    """With and without the b."""
    assert redis_bytes(text) == value


@pytest.mark.parametrize("text", ["", "64 %", "big", "-1"])
def test_other_texts_are_no_sizes(text: str) -> None:
    """With what would be one."""
    with pytest.raises(ValueError, match=r"is no memory size as redis\.conf writes it"):
        redis_bytes(text)


@pytest.mark.parametrize(
    ("text", "pointer", "found"),
    [
        ('{"instance": "a-1"}', "/instance", "a-1"),
        ('{"a": [{"b/c": 7}]}', "/a/0/b~1c", "7"),
        ("a-1\n", "", "a-1"),
        ("", "", None),
        ('{"instance": null}', "/instance", None),
        ('{"instance": true}', "/instance", None),
        ('{"instance": {}}', "/instance", None),
        ('{"other": 1}', "/instance", None),
        ("[1]", "/1", None),
        ("<html>", "/instance", None),
        ("[" * 100_000, "/0", None),
    ],
)
def test_pointers(text: str, pointer: str, found: str | None) -> None:
    """A text or number where the pointer points, else nothing; never an error."""
    assert pointed(text, pointer) == found


def test_placeholders_are_filled_wherever_they_are() -> None:
    """Texts of objects and lists; everything else stays."""
    body = {"a": "x-{key}", "b": [1, "{key}", {"c": None}], "d": "plain"}
    assert holds(body, "{key}")
    assert not holds({"a": ["b", 1, None]}, "{key}")
    assert not holds(None, "{key}")
    assert filled(body, "{key}", "K") == {"a": "x-K", "b": [1, "K", {"c": None}], "d": "plain"}


def test_words() -> None:
    """Lists say how much they leave out; a share below a limit never reads as the limit."""
    assert listed(range(3)) == "0, 1, 2"
    assert listed(range(12), shown=2) == "0, 1 and 10 more"
    assert lines("ab") == "\n- a\n- b"
    assert lines("abc", shown=1) == "\n- a\n- ... and 2 more"
    assert [percent(share) for share in (0.79999, 0.8, 1.0, 0.005)] == ["79.9 %", "80 %", "100 %", "0.5 %"]


@pytest.mark.parametrize(
    ("names", "known", "uneven"),
    [
        ("ab" * 20, 2, False),
        ("ab" * 20, 0, False),
        ("a" * 34 + "b" * 6, 2, False),
        ("a" * 35 + "b" * 5, 2, True),
        ("ab" * 20, 3, True),
        ("a" * 40, 1, True),
        ("a" * 40, 0, True),
        ("", 2, True),
        ("abcdefgh" * 5, 8, False),
        ("abcdefg" * 5 + "aaaah", 8, True),
    ],
)
def test_spreads(names: str, known: int, uneven: bool) -> None:
    """Each known instance has its least share, which shrinks beyond four of them; one instance is no spread."""
    assert Spread.of(names, known).uneven(0.15) is uneven


def test_a_spread_says_who_answered_how_often() -> None:
    """In the order of names."""
    spread = Spread.of(["b", "a", "b"], known=3)
    assert (str(spread), spread.instances, spread.least(0.15)) == ("a: 1, b: 2", 3, 0.15)


@pytest.mark.parametrize(
    ("seen", "least", "total", "most"),
    [
        ((81, 19, 0), 0.81, 100, 0.81),
        ((0, 0, 0), 0, 0, 0),
        ((1000, 0, 1000), 0, 0, 0),
        ((1081, 19, 1000), 0.81, 100, 1.0),
        ((30, 70, 50), 0, 50, 0.6),
    ],
)
def test_hit_rates_lie_between_bounds(seen, least: float, total: float, most: float) -> None:
    """What only looked into the cache may have been hits or misses; nothing looked up is no hit."""
    found = lookups(dict(zip(("hits", "misses", "inspections"), map(float, seen), strict=True)))
    assert (found.least, found.total, found.most) == (least, total, most)
    assert Lookups(8, 2).least == Lookups(8, 2).most == 0.8


# From Redis 7.0.15 and 6.0.16 as redis-py gives it, less all that nobody asks for.
SEVEN = {
    "keyspace_hits": 1203, "keyspace_misses": 17, "cmdstat_get": {"calls": 160}, "cmdstat_ttl": {"calls": 1000},
    "cmdstat_object|encoding": {"calls": 40}, "cmdstat_config|get": {"calls": 3}, "cmdstat_info": {"calls": 2},
    "cmdstat_zscan": {"calls": 1},
}  # fmt: skip


def test_lookups_of_inspecting_commands_are_counted_apart() -> None:
    """Those of subcommands too."""
    assert counters(SEVEN) == {"hits": 1203, "misses": 17, "inspections": 1041, "lookups": 179}
    assert {name.lower() for commands in MEMBERS.values() for name, *_ in commands} <= INSPECTING


def test_a_server_that_hides_its_commands_can_not_be_judged() -> None:
    """Once somebody has looked something up; a server that has just begun to count has nothing to show."""
    with pytest.raises(ValueError, match="INFO commandstats is empty"):
        counters({"keyspace_hits": 5, "keyspace_misses": 1})
    new = {"hits": 0.0, "misses": 0.0, "inspections": 0.0, "lookups": 0.0}
    assert counters({"keyspace_hits": 0, "keyspace_misses": 0}) == new


@pytest.mark.parametrize(
    ("memory", "policy", "limit", "said"),
    [
        ((67108864, "allkeys-lru"), "allkeys-lru", "64mb", []),
        ((67108864, "allkeys-lru"), "allkeys-lru", None, []),
        (
            (0, "allkeys-lru"), "allkeys-lru", None,
            ["maxmemory is 0: the cache grows until the machine has no memory left"],
        ),
        (
            (67108864, "noeviction"), "noeviction", None,
            ["maxmemory-policy is noeviction: once the memory is full, writes fail"],
        ),
        (
            (67108864, "volatile-ttl"), "allkeys-lru", None,
            ["maxmemory-policy is volatile-ttl, declared is allkeys-lru: CONFIG SET maxmemory-policy allkeys-lru"],
        ),
        ((67108864, "allkeys-lru"), None, None, ["no policy is declared that allkeys-lru could be compared with"]),
        (
            (67108864, "allkeys-lru"), "allkeys-lru", "128mb",
            ["maxmemory is 67108864 bytes, declared is 128mb: CONFIG SET maxmemory 134217728"],
        ),
    ],
)  # fmt: skip
def test_eviction(memory: tuple[int, str], policy: str | None, limit: str | None, said: list[str]) -> None:
    """A limit and a policy that evicts, both as declared."""
    keys = {"db0": {"keys": 12, "expires": 1, "avg_ttl": 6000}, "db1": {"keys": 30, "expires": 0, "avg_ttl": 0}}
    assert eviction_faults({"maxmemory": memory[0], "maxmemory_policy": memory[1]}, policy, limit, keys) == said


def test_a_policy_needs_something_to_evict() -> None:
    """One for keys that expire has nothing where none does; of an empty server nothing can be said."""
    memory, keys = {"maxmemory": 67108864, "maxmemory_policy": "volatile-lru"}, {"db0": {"keys": 12, "expires": 0}}
    assert eviction_faults(memory, "volatile-lru", None, keys) == [
        "maxmemory-policy is volatile-lru, and none of 12 keys expires: nothing can be evicted, and once the memory is "
        "full, writes fail"
    ]
    assert eviction_faults(memory, "volatile-lru", None, {}) == []
    assert [evicts(policy, keys) for policy in ("allkeys-lfu", "volatile-lfu", "noeviction")] == [True, False, False]


def test_only_401_and_403_are_refusals() -> None:
    """A stranger learns from 404 and 422 what exists and what is valid; a redirect is no refusal either."""
    answers = [Answer("GET /a", status) for status in (200, 302, 401, 403, 404, 422, 500)]
    assert [str(a) for a in opened(answers)] == [f"GET /a answered {s}" for s in (200, 302, 404, 422, 500)]
    assert nobodys("/v1/orders/{order_id}/items/{item}") == "/v1/orders/0/items/0"


def role(name: str, value: str | None, **more: object) -> SimpleNamespace:
    """What a role gets; from the server, where nothing else is said."""
    row = {"own": False, "superuser": False, "operator": False, "connected": False, "database": None}
    given = {"of_role": False, "given": bool(more.keys() & {"of_role", "database"})}
    return SimpleNamespace(name="x", role=name, value=value, **{**row, **given, **more})


DBA = role("dba", "-1", superuser=True, operator=True, connected=True)
MONITOR = role("monitor", "-1", operator=True, connected=True, of_role=True)
AUDIT = role("audit", "9s", own=True, operator=True, of_role=True)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([role("a", "1s"), role("b", "1s"), DBA, MONITOR, AUDIT], ["1s for everybody"]),
        ([role("b", "2s", of_role=True), role("a", "0", of_role=True), role("c", "1s")],
         ["1s for everybody", "0 for role a", "2s for role b"]),
        ([role("b", "250ms", of_role=True), DBA, MONITOR, AUDIT], ["250ms for role b"]),
        ([role("b", "250ms", of_role=True), role("audit", "9s", own=True, operator=True, of_role=True, connected=True)],
         ["9s for role audit", "250ms for role b"]),
        ([DBA, MONITOR, AUDIT], ["-1 for everybody"]),
        ([MONITOR, AUDIT], ["-1 for role monitor"]),
        ([AUDIT], ["9s for role audit"]),
    ],
)  # fmt: skip
def test_settings_count_for_services(rows: list[SimpleNamespace], said: list[str]) -> None:
    """Those who look after the server count where nobody else is; a superuser that is connected before others."""
    assert [str(e) for e in effective(rows)] == said


def test_what_the_audits_own_setting_hides_is_told_with_the_cure() -> None:
    """And the statements that mend the others fit the place where each was set."""
    found = effective([role("a", None), AUDIT])
    assert unseen(found) == (
        "the audit's role audit has a x of its own, which hides what everybody gets: ALTER ROLE audit RESET x; (or IN "
        "DATABASE, where it was set so)"
    )
    assert unseen(effective([role("a", "1")])) == ""
    everywhere = role("a", "1", given=True)
    own = role("b", "2", database="orders", of_role=True)
    assert remedies(effective([everywhere, own]), "5") == (
        "ALTER SYSTEM SET x = '5'; SELECT pg_reload_conf(); ALTER ROLE ALL RESET x; ALTER ROLE b IN DATABASE orders "
        "RESET x;"
    )


def test_sessions() -> None:
    """Those hidden from the role are counted, the server's own left out, the others summed by a column."""
    rows = [
        SimpleNamespace(backend_type="client backend", application_name="a", state="idle", sessions=3),
        SimpleNamespace(backend_type="client backend", application_name=None, state="active", sessions=4),
        SimpleNamespace(backend_type="walwriter", application_name="", state=None, sessions=1),
        SimpleNamespace(backend_type=None, application_name=None, state=None, sessions=2),
    ]
    assert hidden(rows) == 2
    assert by(clients(rows), "application_name") == "none: 4, a: 3"
    assert by(clients(rows), "state") == "active: 4, idle: 3"

"""What a server says of slow commands. Statistics and entries as Redis 7.0 gave them."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis.slow_commands import calls, log_faults, reach, slow, within

STATISTICS = {
    "cmdstat_get": {"calls": 9000, "usec": 18000, "usec_per_call": 2.0, "rejected_calls": 0, "failed_calls": 0},
    "cmdstat_config|get": {"calls": 3, "usec": 90, "usec_per_call": 30.0, "rejected_calls": 0, "failed_calls": 0},
    "cmdstat_config|set": {"calls": 1, "usec": 40, "usec_per_call": 40.0, "rejected_calls": 0, "failed_calls": 0},
    "cmdstat_info": {"calls": 12, "usec": 900, "usec_per_call": 75.0, "rejected_calls": 0, "failed_calls": 0},
    "cmdstat_keys": {"calls": 5, "usec": 700, "usec_per_call": 140.0, "rejected_calls": 0, "failed_calls": 0},
}  # fmt: skip


LIMITS = {"share": 0.001, "threshold": 0.01}


def entry(command: bytes, duration: int, client: bytes = b"orders-1") -> dict[str, object]:
    """An entry of the slow log."""
    return {
        "id": 7, "start_time": 1767225600, "duration": duration, "command": command,
        "client_address": b"127.0.0.1:50414", "client_name": client,
    }  # fmt: skip


def test_calls_are_counted_by_command_and_maintenance_is_no_traffic() -> None:
    """Subcommands together."""
    assert calls(STATISTICS) == {"get": 9000, "config": 4, "info": 12, "keys": 5, "all": 9005}


@pytest.mark.parametrize(
    ("slower", "length", "said"),
    [
        ("10000", "128", []),
        ("0", "128", []),
        (
            "-1",
            "128",
            ["the slow log is off (slowlog-log-slower-than is -1): CONFIG SET slowlog-log-slower-than 10000"],
        ),
        ("100000", "128", ["slowlog-log-slower-than is 100000 us: CONFIG SET slowlog-log-slower-than 10000"]),
        ("10000", "0", ["the slow log keeps nothing (slowlog-max-len is 0): CONFIG SET slowlog-max-len 128"]),
    ],
)
def test_a_log_that_tells_nothing_is_told(slower: str, length: str, said: list[str]) -> None:
    """With the command that mends it."""
    assert log_faults({"slowlog-log-slower-than": slower, "slowlog-max-len": length}, 0.01) == said


def test_a_command_that_walks_over_all_keys_is_slow_however_fast_it_was() -> None:
    """It will be, once there are many keys; one that came before the window is history."""
    [found] = slow([], {"keys": 5, "get": 90}, {}, **LIMITS)
    assert str(found) == "KEYS: walks over all keys, 5 times in the window: use SCAN, or a set of the keys"
    assert slow([], {"keys": 0}, {"keys": 12}, **LIMITS) == []


def test_slow_calls_count_by_their_share() -> None:
    """One hiccup is none; of a rare command two are enough. Whoever runs the server, and the audit, are left out."""
    log = [
        entry(b"GET orders:v1:acme:order:1", 12000),
        entry(b"HGETALL carts", 25000), entry(b"HGETALL carts", 31000, b"orders-2"),
        entry(b"CONFIG GET *", 11000), entry(b"CONFIG GET *", 11000), entry(b"BGSAVE", 20000), entry(b"BGSAVE", 20000),
        entry(b"SCAN 0", 10500, b"backend-audit"), entry(b"SCAN 0", 10500, b"backend-audit"),
    ]  # fmt: skip
    [found] = slow(log, {}, {"get": 9000, "hgetall": 40}, **LIMITS)
    assert str(found) == (
        "HGETALL: 2 of 40 calls are in the slow log, the longest took 31000 us, of orders-1, orders-2; the "
        "last one came at 2026-01-01 00:00 UTC"
    )
    assert slow(log, {}, {"get": 9000, "hgetall": 2000}, **LIMITS) == []


def test_a_log_that_keeps_fast_commands_too_is_no_fault() -> None:
    """Its threshold was lowered for a while: what it got by that isn't slow."""
    log = [entry(b"LRANGE recent 0 9", duration) for duration in (9, 12, 9999, 10000)]
    assert slow(log, {}, {"lrange": 4}, **LIMITS) == []
    [found] = slow([*log, entry(b"LRANGE recent 0 -1", 40000)], {}, {"lrange": 5}, **LIMITS)
    assert str(found).startswith("LRANGE: 2 of 5 calls are in the slow log, the longest took 40000 us")


def test_a_full_log_is_held_against_the_calls_of_its_own_time() -> None:
    """A server is up for a day; each HGETALL is slow, ten of them a second, and the log holds thirteen seconds."""
    began = 1767225600
    log = [entry(b"HGETALL carts", 50000) | {"start_time": began + number // 10} for number in range(128)]
    back = reach(log, 128, began + 13.0)
    assert (back, reach(log, 129, began + 13.0), reach([], 0, began)) == (13.0, None, None)
    total, rise = {"hgetall": 864_000, "get": 8_640_000, "ping": 3}, {"hgetall": 50, "get": 10_000, "ping": 3}
    made = within(back, total, rise, window=5, up=86_400)
    assert made == {"hgetall": 130, "get": 26_000, "ping": 3}
    [found] = slow(log, rise, made, **LIMITS)
    assert str(found).startswith("HGETALL: 128 of 130 calls are in the slow log, the longest took 50000 us")
    assert slow(log, rise, within(None, total, rise, window=5, up=86_400), **LIMITS) == []

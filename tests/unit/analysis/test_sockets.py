"""Sockets as ss and /proc/net/tcp tell them, on captured lines, and what of them is a service's."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis.sockets import (
    Count,
    Socket,
    climbing,
    climbing_together,
    count,
    from_proc,
    from_ss,
    is_here,
    listeners,
    outbound,
)

SS = """\
LISTEN    0      2048   127.0.0.1:21213   0.0.0.0:*     users:(("python",pid=29226,fd=8))
LISTEN    0      511            *:80             *:*     users:(("nginx",pid=7,fd=6),("nginx",pid=8,fd=6))
ESTAB     0      0      127.0.0.1:60580 127.0.0.1:31667 users:(("python",pid=29226,fd=15))
ESTAB     0      0      127.0.0.1:21213 127.0.0.1:34908 users:(("python",pid=29226,fd=11))
CLOSE-WAIT 1     0      [::ffff:10.0.0.2]:44962 [::ffff:10.0.0.9]:443 users:(("python",pid=29226,fd=12))
TIME-WAIT 0      0      127.0.0.1:57692 127.0.0.1:31667
TIME-WAIT 0      0      127.0.0.1:57698 127.0.0.1:29099
TIME-WAIT 0      0      127.0.0.1:21213 127.0.0.1:34910
"""
PROC = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:56D6 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2736401 1 0000 100 0 0 10 0
 106: 0100007F:5A81 0100007F:ECA4 01 00000000:00000000 00:00000000 00000000     0        0 2734495 1 0000 20 4 23 15 -1
  34: 0100007F:E15C 0100007F:71AB 06 00000000:00000000 03:00000704 00000000     0        0 0 3 00000000
"""
PROC6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when
   0: 0000000000000000FFFF00000200000A:AFA2 0000000000000000FFFF00000900000A:01BB 08 00000001:00000000 00:00 0 0 0 77 1
   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00 0 0 0 78 1
"""


def test_ss_is_read_with_processes_where_it_tells_them() -> None:
    """Those that share a listener count each; addresses of IPv4 in IPv6 are the plain ones."""
    found = from_ss(SS)
    assert found[1] == Socket("LISTEN", 80, ("*", 0), frozenset({7, 8}))
    assert found[4] == Socket("CLOSE-WAIT", 44962, ("10.0.0.9", 443), frozenset({29226}))
    assert found[5] == Socket("TIME-WAIT", 57692, ("127.0.0.1", 31667), frozenset())
    assert len(found) == 8


def test_proc_is_read_as_ss_is() -> None:
    """Owners come by the inode; a socket in TIME-WAIT has none."""
    assert from_proc([PROC, PROC6], {2736401: [5], 77: [6, 7]}) == [
        Socket("LISTEN", 0x56D6, ("0.0.0.0", 0), frozenset({5})),
        Socket("ESTAB", 0x5A81, ("127.0.0.1", 0xECA4), frozenset()),
        Socket("TIME-WAIT", 0xE15C, ("127.0.0.1", 0x71AB), frozenset()),
        Socket("CLOSE-WAIT", 0xAFA2, ("10.0.0.9", 443), frozenset({6, 7})),
        Socket("LISTEN", 80, ("::", 0), frozenset()),
    ]


def test_a_service_is_found_by_where_it_listens() -> None:
    """All its workers."""
    assert listeners(from_ss(SS), {80, 21213, 99}) == {21213: frozenset({29226}), 80: frozenset({7, 8})}


def test_what_is_counted_is_the_services() -> None:
    """In TIME-WAIT its own ends: those of callers and of strangers are not; ports count whoever has them."""
    found = count(from_ss(SS), {29226}, {21213}, range(32768, 61000))
    assert found == Count({29226: 4}, time_wait=2, ephemeral=4)
    assert str(found) == "pid 29226: 4; TIME-WAIT: 2; ephemeral ports: 4"


@pytest.mark.parametrize(
    ("series", "found"),
    [
        ((20, 50, 80), ["pid 1: 20 -> 50 -> 80"]), ((20, 30, 29), []), ((20, 25, 30), []), ((20, 25, 31),
         ["pid 1: 20 -> 25 -> 31"]), ((200, 210, 220), []), ((200, 210, 221), ["pid 1: 200 -> 210 -> 221"]),
        ((5, 5, 90), []),
    ],
)  # fmt: skip
def test_what_climbs_rises_each_time_and_by_more_than_pools_do(series: tuple[int, ...], found: list[str]) -> None:
    """By a tenth and ten sockets here."""
    assert climbing([Count({1: n}, 0, 0) for n in series], 0.1, 10) == found


@pytest.mark.parametrize(
    ("series", "found"),
    [
        ([(10, 10), (14, 14), (19, 19)], ["all 2 processes together: 20 -> 28 -> 38"]),
        ([(10, 10), (13, 12), (15, 15)], []),
        ([(10, 10), (30, 10), (30, 10)], []),
        ([(100, 100), (105, 105), (110, 110)], []),
        ([(5,) * 20, (6,) * 20, (7,) * 20], ["all 20 processes together: 100 -> 120 -> 140"]),
        ([(5,) * 20, (5,) * 15 + (6,) * 5, (6,) * 20], []),
    ],
)
def test_processes_climb_together(series: list[tuple[int, ...]], found: list[str]) -> None:
    """By a tenth, by ten sockets, and by more than one in each process."""
    assert climbing_together([Count(dict(enumerate(n)), 0, 0) for n in series], 0.1, 10) == found


def test_this_host_is_its_loopback() -> None:
    """Other names could be anybody's."""
    assert [is_here(h) for h in ("127.0.0.1", "localhost", "::1", "orders.example", "10.0.0.1")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_connections_that_a_service_opened_are_told_from_those_of_its_callers() -> None:
    """Also those that were closed, once it is known what it calls."""
    found, called = outbound(from_ss(SS), {29226}, {21213})
    assert found == {(60580, ("127.0.0.1", 31667)), (44962, ("10.0.0.9", 443)), (57692, ("127.0.0.1", 31667))}
    assert called == {("127.0.0.1", 31667), ("10.0.0.9", 443)}
    closed = from_ss("TIME-WAIT 0 0 127.0.0.1:57698 127.0.0.1:29099\n")
    assert outbound(closed, {29226}, {21213}) == (set(), frozenset())
    assert outbound(closed, {29226}, {21213}, {("127.0.0.1", 29099)})[0] == {(57698, ("127.0.0.1", 29099))}

"""Windows of counters: a rate needs two readings with traffic between them."""

from decimal import Decimal

import pytest

from pytest_backend_audit.deadline import DeadlinePassed
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets import window as window_module
from pytest_backend_audit.targets.window import Windows
from pytest_backend_audit.testing import recorder


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self):
        """What time it is."""
        return self.now

    def sleep(self, seconds):
        """Move on."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    """The window's clock; sleeping moves it."""
    made = Clock()
    monkeypatch.setattr(window_module.time, "sleep", made.sleep)
    return made


def readings(*given):
    """A reader that gives one reading after the other, and the last one for ever."""
    left = list(given)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_it_waits_for_enough_traffic(clock):
    """And then says how much each counter rose."""
    used = recorder()
    read = readings({"hits": 10, "misses": 1, "name": "x"}, {"hits": 30, "misses": 1}, {"hits": 90, "misses": 21})
    with used.open() as buffer, Windows(used, clock)(read, traffic=["hits", "misses"], at_least=100) as window:
        clock.sleep(1.0)
    assert window.delta == {"hits": 80, "misses": 20}
    assert window.seconds == 1.25
    assert window.rate("hits") == 64
    [evidence] = buffer.evidence
    assert evidence.title == "window of 1.2 s: hits + misses"
    assert evidence.body == "hits: 10 -> 90 (+80)\nmisses: 1 -> 21 (+20)"


def test_it_lasts_though_all_traffic_came_at_once(clock):
    """What happens now and then is in it, too: in an audit of a Django project the first scan ended the window."""
    read = readings({"rows": 0}, {"rows": 5000}, {"rows": 5000}, {"rows": 65000})
    with Windows(recorder(), clock)(read, traffic=["rows"], at_least=1000, lasting=0.5) as window:
        pass
    assert (window.delta, window.seconds) == ({"rows": 65000}, 0.5)


def test_it_need_not_last_where_nothing_is_left_to_come(clock):
    """It ends as soon as the reader says so, and no sooner than there was enough traffic."""
    read = readings({"rows": 0}, {"rows": 10}, {"rows": 5000}, {"rows": 65000})
    whole = {"lasting": 60, "complete": lambda delta: delta["rows"] >= 10}
    with Windows(recorder(), clock)(read, traffic=["rows"], at_least=1000, **whole) as window:
        pass
    assert (window.delta, window.seconds) == ({"rows": 5000}, 0.25)


def test_a_long_window_with_enough_traffic_is_not_ended_by_patience(clock):
    """How long it lasts and how long traffic is waited for are two things."""
    read = readings({"rows": 0}, {"rows": 1000})
    with Windows(recorder(), clock)(read, traffic=["rows"], at_least=1000, within=1, lasting=5) as window:
        pass
    assert window.seconds == 5


def test_too_little_traffic_could_not_run(clock):
    """A rate over three requests says nothing."""
    used = recorder()
    read = readings({"hits": 10}, {"hits": 13})
    with (
        pytest.raises(CouldNotRun, match=r"too little traffic to judge: 3 of 100 \(hits\) within 5 s"),
        Windows(used, clock)(read, traffic=["hits"], at_least=100, within=5),
    ):
        pass


def test_no_traffic_at_all_is_not_waited_for_to_the_end(clock):
    """An audit of a service that nobody uses would take minutes otherwise."""
    used = recorder()
    read = readings({"hits": 10})
    with (
        pytest.raises(CouldNotRun, match=r"too little traffic to judge: 0 of 100 \(hits\) within 3 s"),
        Windows(used, clock)(read, traffic=["hits"], at_least=100, within=9),
    ):
        pass
    assert clock.now == 3.0


def test_counters_that_fall_could_not_run(clock):
    """Somebody reset them, or the server was restarted."""
    with (
        pytest.raises(CouldNotRun, match="the counters were reset while the window was open"),
        Windows(recorder(), clock)(readings({"hits": 10}, {"hits": 2}), traffic=["hits"]),
    ):
        pass


def test_sums_of_postgres_are_counters(clock):
    """It makes a numeric of the sum of bigints, and psycopg a Decimal of that."""
    read = readings({"hits": Decimal(10)}, {"hits": Decimal(25)})
    with Windows(recorder(), clock)(read, traffic=["hits"]) as window:
        pass
    assert window.delta == {"hits": 15.0}


def test_a_missing_counter_could_not_run(clock):
    """It names it."""
    with (
        pytest.raises(CouldNotRun, match="there is no counter hits"),
        Windows(recorder(), clock)(readings({"other": 1}), traffic=["hits"]),
    ):
        pass


def test_what_fails_in_the_block_is_the_checks_own(clock):
    """It is not waited for traffic then."""
    with (
        pytest.raises(AssertionError, match="own"),
        Windows(recorder(), clock)(readings({"hits": 1}), traffic=["hits"]),
    ):
        raise AssertionError("own")


def test_a_window_that_was_opened_ahead_has_lasted_since(clock):
    """Two checks that watch let traffic pass once: the second one's window is as old as the first one's."""
    windows = Windows(recorder(), clock)
    windows.ahead("reads", readings({"rows": 5}), traffic=["rows"])
    clock.sleep(4.0)
    with windows(readings({"rows": 905}), traffic=["rows"], at_least=900, lasting=3, opened="reads") as window:
        pass
    assert (window.delta, window.seconds) == ({"rows": 900}, 4.0)


def test_a_name_is_opened_once_a_run(clock):
    """A check that runs again has a window of its own, and not what its first attempt left."""
    windows = Windows(recorder(), clock)
    for rows in (5, 7):
        windows.ahead("reads", readings({"rows": rows}), traffic=["rows"])
    clock.sleep(4.0)
    seen = []
    for _ in range(2):
        windows.ahead("reads", readings({"rows": 9}), traffic=["rows"])
        with windows(readings({"rows": 10}, {"rows": 20}), traffic=["rows"], opened="reads") as window:
            pass
        seen.append((window.delta, window.seconds))
    assert seen == [({"rows": 5}, 4.0), ({"rows": 10}, 0.0)]


@pytest.mark.parametrize("broken", [lambda: {"lines": 1}, lambda: 1 / 0], ids=["no such counter", "raises"])
def test_what_cannot_be_opened_ahead_is_left_to_its_own_check(clock, broken):
    """One check's target that does not answer fails no other check, and the check itself says what is wrong."""
    windows = Windows(recorder(), clock)
    windows.ahead("reads", broken, traffic=["rows"])
    clock.sleep(4.0)
    with windows(readings({"rows": 1}, {"rows": 3}), traffic=["rows"], opened="reads") as window:
        pass
    assert (window.delta, window.seconds) == ({"rows": 2}, 0.0)


def test_a_window_that_was_opened_ahead_waits_for_its_traffic_from_when_it_is_asked_for(clock):
    """That it has been open for a minute costs its check none of the time in which traffic may still come."""
    windows = Windows(recorder(), clock)
    windows.ahead("reads", readings({"rows": 5}), traffic=["rows"])
    clock.sleep(60.0)
    with (
        pytest.raises(CouldNotRun, match=r"^too little traffic to judge: 10 of 900 \(rows\) within 90 s"),
        windows(readings({"rows": 15}), traffic=["rows"], at_least=900, opened="reads"),
    ):
        pass
    assert clock.now == 90.0


def test_a_counter_that_falls_was_reset_though_the_traffic_has_risen(clock):
    """Lookups had outgrown what they were; hits had not, and made a rate of 160 %."""
    windows = Windows(recorder(), clock)
    read = readings({"lookups": 1000, "misses": 900}, {"lookups": 1500, "misses": 600})
    with (
        pytest.raises(CouldNotRun, match=r"^the counters were reset while the window was open: lookups$"),
        windows(read, traffic=["lookups"], rising=["misses"]),
    ):
        pass


@pytest.mark.parametrize("raised", [DeadlinePassed("2 s"), pytest.exit.Exception("stop")], ids=["deadline", "exit"])
def test_what_ends_the_check_or_the_run_ends_opening_ahead(clock, raised):
    """Else the next reading would hang without a deadline, or a run would go on that somebody has stopped."""

    def read():
        raise raised

    with pytest.raises(type(raised)):
        Windows(recorder(), clock).ahead("reads", read, traffic=["rows"])

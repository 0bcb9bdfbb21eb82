"""The slow log has a useful threshold, and no command of a hot path is in it.

What the server logs is compared with the settings; then its statistics of commands are read over a window with traffic,
for commands that walk over the whole keyspace, and the slow log, for commands of which more than a share of all calls
were slow. A log that is full goes back some moments only: its entries are a share of the calls in these. What those
send who run the server, and the audit itself, is left out.

Impact: The server does one thing at a time: while one command is slow, every request of every instance waits for it.

Remediation: Set slowlog-log-slower-than to ten milliseconds or less; replace KEYS by SCAN or by a set that holds the
names, and reads of whole large collections by reads of their parts.

Verification: SLOWLOG GET 128 shows none of the service's commands, and cmdstat_keys in INFO commandstats doesn't rise.

Effort: M
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.slow_commands import LENGTH, log_faults, reach, slow, within
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites.caching._asking import LASTING, commands, is_lacking, whole_cache

ENTRIES = 1000
"""Entries of the slow log that are read; by default it holds 128."""


@audit(dimension="4.3", criterion="slow-commands", level=4)
def test_no_hot_command_is_slow(
    audit_redis: Any, audit_window: Any, audit_settings: Any, audit_acknowledged: Any
) -> None:
    """The slow log has a useful threshold, and no command of a hot path is in it."""
    threshold, share = audit_settings.value("slow-command-threshold"), audit_settings.value("slow-command-share")
    enough = audit_settings.value("cache-window-calls")
    cache = whole_cache(audit_redis)
    configuration = _configuration(cache)
    if configuration is not None:
        faults = log_faults(configuration, threshold.number)
        assert not faults, f"{'; '.join(faults)}; the threshold should be at most {threshold}"
    with audit_window(
        lambda: commands(cache),
        traffic=["all"],
        at_least=enough.number,
        lasting=LASTING,
        what="commands",
        opened="slow-commands",
    ) as window:
        pass
    log, server = cache.slowlog_get(ENTRIES), cache.info("server")
    room = min(ENTRIES, int((configuration or {}).get("slowlog-max-len", LENGTH)))
    back = reach(log, room, server.get("server_time_usec", time.time() * 1e6) / 1e6)
    made = within(back, window.after, window.delta, window=window.seconds, up=float(server["uptime_in_seconds"]))
    found = slow(log, window.delta, made, share=share.number, threshold=threshold.number)
    left = audit_acknowledged(found, key="command")
    assert not left, (
        f"{len(left)} commands of a hot path hold the server up{lines(left)}\n"
        f"of a command's calls {share} at most may be in the slow log, which keeps what is mended by now until SLOWLOG "
        f"RESET; to acknowledge: {left.names}"
    )
    if configuration is None:
        raise CouldNotRun(
            "no command of a hot path is slow, as far as the slow log tells; but the server has no CONFIG, as where it "
            "is a managed one, so that nobody can ask whether its log has a useful threshold: where its parameters say "
            "so, declare slow-commands under not_applicable, with that as the reason"
        )
    least = round(threshold.number * 1e6)
    fast = sum(int(entry["duration"]) < least for entry in log)
    if fast and back is not None and back < window.seconds:
        raise CouldNotRun(
            f"the slow log goes back {back:.0f} s: {fast} of its {len(log)} entries are of commands that are not slow, "
            f"and have driven out what was: CONFIG SET slowlog-log-slower-than {least}"
        )


def _configuration(cache: Any) -> Mapping[str, Any] | None:
    """What the slow log is told to keep; None where the server has no CONFIG."""
    try:
        return dict(cache.config_get("slowlog-*"))
    except Exception as error:
        if is_lacking(error):
            return None
        raise

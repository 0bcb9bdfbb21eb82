"""The slow log has a useful threshold, and no command of a hot path is in it.

What the server logs is compared with the settings; then its statistics of commands are read over a window with traffic,
for commands that walk over the whole keyspace, and the slow log, for commands of which more than a share of all calls
were slow. What those send who run the server, and the audit itself, is left out.

Impact: The server does one thing at a time: while one command is slow, every request of every instance waits for it.

Remediation: Set slowlog-log-slower-than to ten milliseconds or less; replace KEYS by SCAN or by a set that holds the
names, and reads of whole large collections by reads of their parts.

Verification: SLOWLOG GET 128 shows none of the service's commands, and cmdstat_keys in INFO commandstats doesn't rise.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.slow_commands import calls, log_faults, slow
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites.caching._asking import whole_cache

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
    faults = log_faults(cache.config_get("slowlog-*"), threshold.number)
    assert not faults, f"{'; '.join(faults)}; the threshold should be at most {threshold}"

    def counted() -> dict[str, float]:
        return calls(cache.info("commandstats"))

    with audit_window(counted, traffic=["all"], at_least=enough.number, what="commands") as window:
        pass
    log = cache.slowlog_get(ENTRIES)
    found = slow(log, window.delta, window.after, share=share.number)
    left = audit_acknowledged(found, key="command")
    assert not left, (
        f"{len(left)} commands of a hot path hold the server up{lines(left)}\n"
        f"of a command's calls {share} at most may be in the slow log, which keeps what is mended by now until SLOWLOG "
        f"RESET; to acknowledge: {left.names}"
    )

"""What checks of a cache share: what they ask, and what requests of theirs cost the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pytest_backend_audit import CouldNotRun
from pytest_backend_audit.analysis.answers import shows
from pytest_backend_audit.analysis.cache import counters, not_alone
from pytest_backend_audit.analysis.slow_commands import calls
from pytest_backend_audit.suites._costs import get

CACHEABLE = "read-cacheable"
"""Class of the reference SLOs (audit.yaml, endpoints) that marks what the cache is there for."""
LASTING = 2.0
"""Seconds that a window of counters stays open at least: one request may look up a hundred keys in a moment in which
nothing else happens."""
TRIES = 3
"""How often a read is asked for again until it is seen to be a hit."""
PAGE = 500
"""Keys that the server looks at in one go: well under a millisecond of its time."""


def open_windows(client: Any, window: Any) -> None:
    """Open the windows of the other checks that watch the cache; the first of them does, for all."""
    window.ahead("slow-commands", lambda: commands(client), traffic=["all"])
    window.ahead("memory-health", lambda: evictions(client), traffic=["lookups"])


def commands(client: Any) -> dict[str, float]:
    """Calls by command, and of all that are no maintenance as ``all``."""
    return calls(client.info("commandstats"))


def evictions(client: Any) -> dict[str, float]:
    """Keys evicted, beside others' lookups: what audits only look into would pass for traffic."""
    return {**lookups(client), "evicted_keys": float(client.info("stats")["evicted_keys"])}


def whole_cache(client: Any) -> Any:
    """The client, where its server can tell about all of the cache.

    Raises:
        CouldNotRun: It is a sentinel, a replica, or a node of a cluster.
    """
    if why := not_alone(client.info("server"), client.info("replication")):
        raise CouldNotRun(why)
    return client


def sampled_keys(client: Any, budget: int) -> list[Any]:
    """Some of the cache's keys, each once; never more than the budget, and by SCAN.

    Raises:
        CouldNotRun: There are none.
    """
    keys = list(dict.fromkeys(islice(client.scan_iter(count=min(PAGE, budget)), budget)))
    if not keys:
        raise CouldNotRun("the cache holds no keys: audit while the service is used")
    return keys


def is_refusal(reply: object) -> bool:
    """Whether it says that the audit's user may not do that, as one whose ACL names some keys only."""
    return isinstance(reply, Exception) and "permission" in str(reply)


def is_lacking(error: Exception) -> bool:
    """Whether it says that the server doesn't have a command, as managed ones lack CONFIG."""
    return "unknown command" in str(error)


def must_be_seen(refused: int, keys: int) -> None:
    """Let no verdict stand where the audit's user was refused some keys: what it could see is sound, and no more.

    Raises:
        CouldNotRun: It was.
    """
    if refused:
        raise CouldNotRun(
            f"{refused} of {keys} keys could not be looked into, and nothing is wrong with the rest: the audit's user "
            "needs +@read on ~*, as in the ACL that `backend-audit init` writes"
        )


def key_text(key: bytes | str) -> str:
    """A key as text, whatever its bytes."""
    return key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else str(key)


def hits(client: Any) -> int:
    """Lookups that found something, since the server began to count."""
    return int(client.info("stats")["keyspace_hits"])


def lookups(client: Any) -> dict[str, float]:
    """`counters`, with what only looks into the cache apart.

    Raises:
        CouldNotRun: The server does not tell its commands apart.
    """
    try:
        return counters(client.info("all"))
    except ValueError as error:
        raise CouldNotRun(
            f"{error}: what only looks into the cache, as audits do, can't be told from what uses it"
        ) from None


def hit_by(ask: Callable[[], object], client: Any) -> bool:
    """Whether asking makes somebody find something in the cache who doesn't only look into it, as audits do.

    An inspection that finds nothing could hide a hit, so it is tried again.
    """
    for _ in range(TRIES):
        before = lookups(client)
        ask()
        after = lookups(client)
        if after["hits"] - after["inspections"] > before["hits"] - before["inspections"]:
            return True
    return False


def cacheable(endpoints: Any) -> list[Any]:
    """The reads that audit.yaml says the cache is for.

    Raises:
        CouldNotRun: There are none.
    """
    found = [e for e in endpoints.declared() if e.class_ == CACHEABLE and e.method == "GET"]
    if not found:
        raise CouldNotRun(
            f"none of {len(endpoints)} operations is declared as {CACHEABLE}: name what the cache is for, with that "
            "class, in audit.yaml's endpoints"
        )
    return found


@dataclass(frozen=True)
class Change:
    """A write, and the cached read that shows what it changes."""

    write: Any
    read: Any
    url: str
    """Path of the read, filled in."""

    def in_turn(self, answer: Any) -> list[Any]:
        """The bodies, so that each changes something, and the last one brings back what the answer shows."""
        bodies = list(self.write.bodies)
        now = next((i for i, body in enumerate(bodies) if shows(answer, body)), -1)
        return bodies[now + 1 :] + bodies[: now + 1]


def changes(endpoints: Any) -> list[Change]:
    """The writes that audit.yaml declares with bodies to send in turn, and whose read the cache is for.

    Raises:
        CouldNotRun: There are none.
    """
    found = []
    for write in (e for e in endpoints if len(e.bodies) > 1):
        read = endpoints.find("GET", write.shows_at or write.path)
        if read is not None and read.class_ == CACHEABLE:
            found.append(Change(write, read, read.url(**write.parameters)))
    if not found:
        raise CouldNotRun(
            f"no write of what a {CACHEABLE} endpoint shows is declared: give one two bodies (audit.yaml, endpoints, "
            "bodies), with shows_at where its path is another"
        )
    return found


def must_be_cached(reader: Any, change: Change, cache: Any) -> None:
    """Read until the cache has it.

    Raises:
        CouldNotRun: The second read is no hit.
    """
    get(reader, change.read, change.url)
    if not hit_by(lambda: get(reader, change.read, change.url), cache):
        raise CouldNotRun(f"{change.read} read again was no hit in the cache: there is no entry that could go")


def must_write(writer: Any, change: Change, body: Any) -> None:
    """Send one body of a write.

    Raises:
        CouldNotRun: The answer is no success.
    """
    answer = writer.request(change.write.method, change.write.url(), json=body)
    if not answer.is_success:
        raise CouldNotRun(f"{change.write} answered {answer.status_code} ({change.write.origin})")


def emptied(change: Change, reader: Any, writer: Any, cache: Any) -> None:
    """Let the cache have an entry, and take it from there by what the service does at a write; nothing else changes.

    Raises:
        CouldNotRun: The cache doesn't keep it, or the write is no success.
    """
    must_be_cached(reader, change, cache)
    for body in change.in_turn(get(reader, change.read, change.url).json()):
        must_write(writer, change, body)

"""What ``backend-audit doctor`` asks of each target: what it says of itself, and what is worrying about that."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_backend_audit.errors import CouldNotRun

if TYPE_CHECKING:
    from pytest_backend_audit.runtime import Runtime

CLOCK_TOLERANCE = 5.0
"""Seconds that a server's clock may differ from ours before it is worth a word: more than any round trip."""

Said = tuple[str, list[str]]
"""What a target says of itself, and worries."""

_CURES = (
    (("certificate_verify_failed", "certificate verify failed"), "name the issuer's certificates in ca_file"),
    (("wrong_version_number", "wrong version number"), "what answers there speaks no TLS: is it http://?"),
    (("refused",), "is it running?"),
    (("name or service not known", "getaddrinfo", "name resolution"), "check the host name"),
    (("no answer within", "timed out"), "is it up, and is the way to it open?"),
    (("noperm", "no permissions", "permission denied"), "use the role or ACL that `backend-audit init` writes"),
)


def postgres(connection: Any, audit: Runtime) -> Said:
    """Version and role; rights, the statistics extension, the clock."""
    said, worries, recovering = _postgres(connection, audit)
    if recovering:
        worries.append("it is a replica (pg_is_in_recovery): the primary's counters are not seen here")
    return said, worries


def replica(connection: Any, audit: Runtime) -> Said:
    """As `postgres`, and that it is one."""
    said, worries, recovering = _postgres(connection, audit)
    if not recovering:
        worries.append("it is no replica: pg_is_in_recovery() is false")
    return said, worries


def _postgres(connection: Any, _audit: Runtime) -> tuple[str, list[str], bool]:
    row = connection.execute(
        "SELECT current_setting('server_version'), current_user, pg_has_role('pg_monitor', 'member'), "
        "clock_timestamp(), EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements'), "
        # Null for who may not see it.
        "(SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries'), pg_is_in_recovery()"
    ).fetchone()
    version, role, monitor, now, extension, preloaded, recovering = row
    worries = _rights(getattr(connection.recording, "remark", ""))
    if not monitor:
        worries.append(f"{role} is no member of pg_monitor, so others' statements are hidden: GRANT pg_monitor TO it")
    if preloaded is not None and "pg_stat_statements" not in preloaded:
        worries.append("pg_stat_statements is not in shared_preload_libraries: add it and restart")
    if not extension:
        worries.append("no pg_stat_statements in this database: CREATE EXTENSION pg_stat_statements")
    return f"PostgreSQL {version} as {role}", [*worries, *clock(now)], bool(recovering)


def pgbouncer(connection: Any, _audit: Runtime) -> Said:
    """Version."""
    return str(connection.execute("SHOW VERSION").fetchone()[0]), []


def redis(client: Any, _audit: Runtime) -> Said:
    """Version and user; rights, the clock."""
    info = client.info("server")
    name = str(info.get("server_name", "redis")).capitalize()
    version = info.get(f"{name.lower()}_version", info.get("redis_version", "?"))
    worries = _rights(client.remark)
    if "server_time_usec" in info:
        worries += clock(datetime.fromtimestamp(int(info["server_time_usec"]) / 1e6, UTC))
    user = ""
    with contextlib.suppress(Exception):  # before version 6, or not allowed: that is said among the rights
        told = client.acl_whoami()
        user = f" as {told.decode() if isinstance(told, bytes) else told}"
    return f"{name} {version}{user}", worries


def http(client: Any, audit: Runtime) -> Said:
    """Its liveness path, metrics pages and operations; the clock."""
    from pytest_backend_audit.targets.common import one_line  # noqa: PLC0415 - heavy
    from pytest_backend_audit.targets.endpoints import endpoints  # noqa: PLC0415 - heavy

    settings = audit.config.target("http") if audit.config is not None else None
    health = getattr(settings, "health", None)
    with client:
        answer = client.get(health or "")
        said, worries = f"{answer.request.url.copy_with(query=None)} answers {answer.status_code}", []
        if health and not answer.is_success:
            worries.append("its liveness path does not answer 2xx")
        elif answer.status_code >= 500:
            worries.append("an error at its front page: is it up? (targets.http.health names a better path)")
        worries += _date(answer.headers.get("date", ""))
        for page in getattr(settings, "metrics", ()):
            try:
                status = client.get(page).status_code
            except Exception as error:  # noqa: BLE001 - whatever a driver raises is the answer
                worries.append(f"metrics page {page}: {one_line(error)}")
                continue
            if status != 200:
                worries.append(f"metrics page {page} answers {status}")
    try:
        said += f", {len(endpoints(audit))} operations known"
    except CouldNotRun as error:
        worries.append(str(error))
    return said, worries


def prometheus(reader: Any, _audit: Runtime) -> Said:
    """Version, the clock, and whether the selector picks anything."""
    # The API itself, before what only some servers that speak it have.
    [sample] = reader.query("time()")
    worries = clock(datetime.fromtimestamp(float(sample["value"][1]), UTC))
    said = "answers queries"
    with contextlib.suppress(CouldNotRun):
        if version := reader.build_info().get("version"):
            said = f"Prometheus {version}"
    if reader.selector:
        count = sum(reader.series_counts().values())
        labels = ", ".join(f"{k}={v}" for k, v in reader.selector.items())
        said += f", {count} series with {labels}"
        if not count:
            worries.append("the selector picks nothing: is the service scraped under these labels?")
    return said, worries


def faults(looked: Any, _audit: Runtime) -> Said:
    """Which fault proxy it is; what is in the way of faults."""
    ways = f"{looked.dependencies} dependencies" if looked.dependencies != 1 else "1 dependency"
    if not looked.program:
        return f"restarts only, of {ways}", []
    return f"{looked.program}, {ways}", list(looked.troubles)


def downstream(looked: str, _audit: Runtime) -> Said:
    """Whether the audit's listener has its address."""
    return looked, []


def queues(looked: list[Any], _audit: Runtime) -> Said:
    """What waits in each queue."""
    return "; ".join(map(str, looked)), []


PROBES: dict[str, Callable[[Any, Any], Said]] = {
    "postgres": postgres,
    "replica": replica,
    "pgbouncer": pgbouncer,
    "redis": redis,
    "http": http,
    "prometheus": prometheus,
    "faults": faults,
    "downstream": downstream,
    "queues": queues,
}
"""Target -> what to ask of what its factory hands out."""


def ask(name: str, handle: Any, audit: Runtime) -> Said:
    """What a target says of itself, and what is worrying about that.

    Args:
        name: Of the target. Of another plugin's target all we know is that its factory has opened it.
        handle: What the factory handed out.
        audit: The audit.
    """
    probe = PROBES.get(name)
    return ("opened", []) if probe is None else probe(handle, audit)


def identities(audit: Runtime) -> Iterator[tuple[str, str]]:
    """Test identities that no check can use, each with the reason."""
    if audit.config is not None:
        for name in sorted(n.partition(".")[2] for n in audit.config.unset if n.startswith("identities.")):
            yield name, audit.config.why_no_identity(name).partition(": ")[2]


def undeclared(audit: Runtime) -> Iterator[tuple[str, str, str]]:
    """What checks over HTTP will ask audit.yaml for, and it does not say: kind, subject and what comes of it."""
    config = audit.config
    http = config.target("http") if config is not None else None
    if config is None or http is None:
        return
    place = config.origin(("targets", "http"))
    if not config.identities and not any(n.startswith("identities.") for n in config.unset):
        yield "identity", "identities", f"none is declared, so what is behind a login could not be tested ({place})"
    if http.instance is None:
        says = f"targets.http.instance is not declared, so which instance answers could not be told ({place})"
        yield "configuration", "instance", says


def build(audit: Runtime) -> tuple[str, str] | None:
    """What the service tells of its build, and what a formal audit would say of it; None where none is named."""
    from pytest_backend_audit import build as building  # noqa: PLC0415 - heavy

    asks = audit.config.build if audit.config is not None else None
    service = audit.config.target("http") if audit.config is not None else None
    if asks is None or service is None:
        return None
    if not audit.commit:
        return "", "there is no commit to compare with"
    answer = building.ask(service.base_url, asks.url, asks.pointer, asks.samples, audit.commit)
    if answer.mismatch:
        return "", f"{answer.mismatch}: a formal audit refuses this"
    if answer.trouble:
        return "", f"not verifiable: {answer.trouble}"
    return f"{answer.reported[:12]}, the commit that is checked out ({asks.samples} samples)", ""


def clock(theirs: datetime, ours: datetime | None = None) -> list[str]:
    """A worry if a server's clock is off ours: windows and expiries compare instants of both.

    Args:
        theirs: What the server says; without a zone it means UTC.
        ours: Now, if not given.
    """
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    away = (theirs - (ours or datetime.now(UTC))).total_seconds()
    return [f"its clock is {away:+.0f} s off ours: set both by NTP"] if abs(away) > CLOCK_TOLERANCE else []


def reason(error: BaseException, audit: Runtime, name: str) -> str:
    """What a driver or a target's factory says, in one line, with the cure and the place where they are known.

    Args:
        error: What was raised.
        audit: The audit.
        name: Of the target.
    """
    from pytest_backend_audit.targets.common import one_line, origin_of  # noqa: PLC0415 - heavy

    said = _with_address(one_line(error) or type(error).__name__, audit, name)
    lowered = f"{type(error).__name__} {said}".lower()
    if "protocolerror" in lowered:
        said = f"what answers there does not speak HTTP: {said}"
    cure = next((c for words, c in _CURES if any(w in lowered for w in words)), "")
    if cure and " - " not in said:
        said = f"{said} - {cure}"
    origin = origin_of(audit, "targets", name)
    return said if origin in said else f"{said} ({origin})"


def _with_address(said: str, audit: Runtime, name: str) -> str:
    """A refusal with host and port of a target that is known by its URL; httpx tells neither."""
    settings = audit.config.target(name) if audit.config is not None else None
    url = getattr(settings, "base_url", None) or getattr(settings, "url", None)
    if name not in {"http", "prometheus"} or not isinstance(url, str):
        return said
    parts = urlsplit(url)
    address = f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
    return said.replace("Connection refused", f"Connection to {address} refused")


def _rights(remark: str) -> list[str]:
    """The guard's own words, less the place, which stands beside them."""
    return [f"{remark.partition(': ')[2]} (`backend-audit init` writes a smaller one)"] if remark else []


def _date(header: str) -> list[str]:
    try:
        return clock(parsedate_to_datetime(header))
    except (ValueError, TypeError, OverflowError):  # none, or no date
        return []

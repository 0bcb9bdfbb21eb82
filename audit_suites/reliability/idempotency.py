"""Requests that repeat one idempotency key, in a row or at once, make one row.

For each endpoint with ``idempotency`` in audit.yaml, a request with a fresh key is sent several times one after the
other, then one with another key several times at the same moment. How many rows that made is counted in the database:
the declared body holds {key} in a text that the table stores, which tells these rows from those of others. A repeat
that was refused (429, 5xx) was not tried: of each key's requests more than half must have been answered otherwise.

Impact: A client that retries after a timeout orders, pays or mails twice.

Remediation: Write the key, with a unique constraint, in the transaction that does the work, before the work; a second
request waits for the first one's end and gets its stored answer. A look whether the key is known is not enough: two
requests at once both find nothing.

Verification: Send one request five times at once with the same key, and count the rows.

Effort: M
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.placeholders import filled, holds
from pytest_backend_audit.analysis.text import listed

ROUNDS = 5
"""Keys that are repeated at once: a race does not show every time."""
TOO_MANY, SERVER_ERROR = 429, 500
# The row as text, since any column may store the key.
ROWS = "SELECT count(*) FROM {table} AS made WHERE strpos(made::text, %s) > 0"
Sending = Callable[[Callable[[], int], int], list[int]]


@pytest.fixture
def replay(
    audit_endpoints: Any, audit_http: Any, audit_identity: Any, audit_postgres: Any, audit_settings: Any
) -> Callable[[Sending], list[str]]:
    """Repeats a fresh key at every endpoint that audit.yaml declares so; says where that made more than one row."""
    replays = audit_settings.value("idempotency-replays")
    endpoints = audit_endpoints.with_idempotency()
    if not endpoints:
        raise CouldNotRun("no endpoint is declared with idempotency (audit.yaml, endpoints): nothing to repeat")

    def rows(endpoint: Any, sending: Sending) -> int:
        key, table = f"audit-{secrets.token_hex(12)}", endpoint.idempotency.table
        if not holds(endpoint.body, "{key}"):
            raise CouldNotRun(f"the body of {endpoint} has no {{key}} to find its rows by ({endpoint.origin})")
        if audit_postgres.execute("SELECT to_regclass(%s)", (table,)).fetchone() == (None,):
            raise CouldNotRun(f"the database has no table {table} ({endpoint.origin})")
        client = audit_identity(endpoint.identity) if endpoint.identity else audit_http
        body, headers = filled(endpoint.body, "{key}", key), {endpoint.idempotency.header: key}

        def send() -> int:
            return int(client.request(endpoint.method, endpoint.url(), json=body, headers=headers).status_code)

        statuses = sending(send, int(replays.number))
        if not any(200 <= status < 300 for status in statuses):
            raise CouldNotRun(f"{endpoint} with the declared body answered {listed(statuses)} ({endpoint.origin})")
        tried = [status for status in statuses if not _refused(status)]
        (count,) = audit_postgres.execute(ROWS.format(table=table), (key,)).fetchone()
        if count <= 1 and len(tried) * 2 <= len(statuses):
            raise CouldNotRun(
                f"{endpoint} refused {len(statuses) - len(tried)} of {len(statuses)} requests with one key "
                f"({listed(statuses)}): what a repeat does was not tried ({endpoint.origin}); let it take as many at "
                "once, or lower idempotency-replays"
            )
        if count == 0:
            raise CouldNotRun(f"{table} has no row with the key that {endpoint} was sent ({endpoint.origin})")
        return int(count)

    def replay_all(sending: Sending) -> list[str]:
        counts = [(endpoint, rows(endpoint, sending)) for endpoint in endpoints]
        return [f"{endpoint}: {replays} with one key made {count} rows" for endpoint, count in counts if count > 1]

    return replay_all


@audit(dimension="4.6", criterion="idempotency", level=3, needs=("writes",))
def test_replays_in_a_row_make_one_row(replay: Callable[[Sending], list[str]]) -> None:
    """Requests that repeat one idempotency key in a row make one row."""
    wrong = replay(_in_a_row)
    assert not wrong, f"sent in a row: {'; '.join(wrong)}; there should be one"


@audit(dimension="4.6", criterion="idempotency", level=3, needs=("writes",))
def test_replays_at_once_make_one_row(replay: Callable[[Sending], list[str]]) -> None:
    """Requests that repeat one idempotency key at once make one row."""
    wrong = [made for _ in range(ROUNDS) for made in replay(_at_once)]
    assert not wrong, f"sent at once, {len(wrong)} times: {listed(wrong, 3)}; there should be one"


def _refused(status: int) -> bool:
    return status == TOO_MANY or status >= SERVER_ERROR


def _in_a_row(send: Callable[[], int], times: int) -> list[int]:
    return [send() for _ in range(times)]


def _at_once(send: Callable[[], int], times: int) -> list[int]:
    together = Barrier(times)

    def wait_and_send() -> int:
        together.wait()
        return send()

    with ThreadPoolExecutor(max_workers=times) as pool:
        return [done.result() for done in [pool.submit(wait_and_send) for _ in range(times)]]

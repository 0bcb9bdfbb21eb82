"""Requests that repeat one idempotency key, in a row or at once, make one row.

For each endpoint with ``idempotency`` in audit.yaml, a request with a fresh key is sent several times one after the
other, then one with another key several times at the same moment. How many rows that made is counted in the database:
the declared body holds {key} in a text that the table stores, which tells these rows from those of others.

Impact: A client that retries after a timeout orders, pays or mails twice.

Remediation: Write the key, with a unique constraint, in the transaction that does the work, before the work; a second
request waits for the first one's end and gets its stored answer. A look whether the key is known is not enough: two
requests at once both find nothing.

Verification: Send one request five times at once with the same key, and count the rows.

Effort: M
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.placeholders import filled, holds
from pytest_backend_audit.analysis.text import listed

# The row as text: whichever column stores the key's text. strpos, since a key is no pattern.
ROWS = "SELECT count(*) FROM {table} AS made WHERE strpos(made::text, %s) > 0"


@audit(dimension="4.6", criterion="idempotency", level=3, needs=("writes",))
def test_replays_make_one_row(
    audit_endpoints: Any, audit_http: Any, audit_identity: Any, audit_postgres: Any, audit_settings: Any
) -> None:
    """Requests that repeat one idempotency key, in a row or at once, make one row."""
    replays = audit_settings.value("idempotency-replays")
    endpoints = audit_endpoints.with_idempotency()
    if not endpoints:
        raise CouldNotRun("no endpoint is declared with idempotency (audit.yaml, endpoints): nothing to repeat")
    wrong = []
    for endpoint in endpoints:
        if not holds(endpoint.body, "{key}"):
            raise CouldNotRun(
                f"the body of {endpoint} has no text with {{key}} in it to find its rows by ({endpoint.origin})"
            )
        client = audit_identity(endpoint.identity) if endpoint.identity else audit_http

        def send(key: str, endpoint: Any = endpoint, client: Any = client) -> int:
            headers = {endpoint.idempotency.header: key}
            body = filled(endpoint.body, "{key}", key)
            return int(client.request(endpoint.method, endpoint.url(), json=body, headers=headers).status_code)

        for how, sending in (("in a row", _in_a_row), ("at once", _at_once)):
            key = f"audit-{secrets.token_hex(12)}"
            statuses = sending(send, key, int(replays.number))
            if not any(200 <= status < 300 for status in statuses):
                raise CouldNotRun(
                    f"{endpoint} answered {listed(statuses)}: the declared body is not accepted ({endpoint.origin})"
                )
            (count,) = audit_postgres.execute(ROWS.format(table=endpoint.idempotency.table), (key,)).fetchone()
            if count == 0:
                raise CouldNotRun(
                    f"{endpoint.idempotency.table} has no row with the key that {endpoint} was sent ({endpoint.origin})"
                )
            if count > 1:
                wrong.append(f"{endpoint} sent {replays} times {how} with one key made {count} rows")
    assert not wrong, f"{'; '.join(wrong)}; there should be one row for each key"


def _in_a_row(send: Any, key: str, times: int) -> list[int]:
    return [send(key) for _ in range(times)]


def _at_once(send: Any, key: str, times: int) -> list[int]:
    together = Barrier(times)

    def wait_and_send(_: int) -> int:
        together.wait()
        return int(send(key))

    with ThreadPoolExecutor(max_workers=times) as pool:
        return list(pool.map(wait_and_send, range(times)))

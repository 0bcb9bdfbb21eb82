"""The ledger of a service's audits: ``audits/<service>/ledger.jsonl``, append-only, and the cards filed beside it.

`events` are its lines, `folding` makes the `state` of them, `store` reads and writes, `filing` tells what a filed card
adds.
"""

from __future__ import annotations

from pytest_backend_audit.ledger.errors import LedgerError
from pytest_backend_audit.ledger.folding import known_as
from pytest_backend_audit.ledger.state import State, Status, Tracked, open_disputes
from pytest_backend_audit.ledger.store import Place, append, create, held, read, read_file

__all__ = [
    "LedgerError",
    "Place",
    "State",
    "Status",
    "Tracked",
    "append",
    "create",
    "held",
    "known_as",
    "open_disputes",
    "read",
    "read_file",
]

"""What can be wrong with a ledger."""

from __future__ import annotations


class LedgerError(ValueError):
    """The ledger can't be read or written; the message names the place and the way out."""

"""The second reviewer's word on a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignOff:
    """A sign-off whose signature was checked: who vouches for which levels, and what else that covers."""

    reviewer: str
    """As the allowed signers know the key: its principal."""
    key: str
    """Fingerprint of the key, ``SHA256:...``."""
    signed_at: str
    """By the reviewer's clock, RFC 3339 in UTC."""
    dimensions: tuple[str, ...]
    """Those whose level from the standard's `reviewer_from` up the reviewer takes."""
    attestations: tuple[str, ...] = ()
    """Each attestation that was accepted, one line each."""
    exceptions: tuple[str, ...] = ()
    """Each exception that was accepted, one line each."""
    signers: str = ""
    """Where the allowed signers stand: ``path at REVISION``."""

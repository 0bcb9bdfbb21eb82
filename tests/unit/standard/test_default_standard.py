"""The bundled standard holds what the scorecard and its requirements ask for."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.standard import load, proofs
from pytest_backend_audit.standard.model import Proof, RequiredAction, SloClass, Standard, Stricter

MEASURED = {EvidenceKind.OUTPUT, EvidenceKind.DASHBOARD, EvidenceKind.POSTMORTEM, EvidenceKind.LOAD}


@pytest.fixture(scope="module")
def default() -> Standard:
    """The bundled standard."""
    return load()


def test_every_row_is_there(default: Standard) -> None:
    """Rows by dimension and level, 148 in all."""
    counts = Counter((row.dimension, row.level) for row in default.rows)
    by_level = {d.id: [counts[d.id, level] for level in range(1, 6)] for d in default.dimensions}
    assert by_level == {
        "4.1": [0, 1, 12, 5, 4],
        "4.2": [0, 1, 7, 5, 4],
        "4.3": [0, 1, 5, 7, 5],
        "4.4": [0, 1, 4, 5, 3],
        "4.5": [0, 2, 4, 5, 4],
        "4.6": [0, 2, 7, 5, 6],
        "4.7": [0, 3, 12, 8, 4],
        "4.8": [0, 1, 4, 7, 4],
    }
    assert len(default.rows) == 148


def test_the_39_common_findings_are_marked(default: Standard) -> None:
    """Each of the scorecard's common findings is a defect of some row."""
    found = Counter(row.dimension for row in default.rows for defect in row.defects if defect.common_finding)
    assert found == {"4.1": 5, "4.2": 5, "4.3": 5, "4.4": 4, "4.5": 5, "4.6": 5, "4.7": 5, "4.8": 5}
    assert found.total() == 39


def test_every_row_has_a_defect(default: Standard) -> None:
    """A row that nothing turns red proves nothing."""
    assert [row.name for row in default.rows if not row.defects] == []


def test_dimensions_come_in_the_order_of_the_walk(default: Standard) -> None:
    """Ids, names and the folders of the bundled suites; Reliability and Security block."""
    assert [(d.id, d.name, d.folder) for d in default.dimensions] == [
        ("4.1", "Query Performance", "query_performance"),
        ("4.2", "Connection Management", "connections"),
        ("4.3", "Caching", "caching"),
        ("4.4", "API Latency SLOs", "latency"),
        ("4.5", "Observability", "observability"),
        ("4.6", "Reliability", "reliability"),
        ("4.7", "Security", "security"),
        ("4.8", "Scalability", "scalability"),
    ]
    assert [(d.id, d.fixed_levels) for d in default.dimensions if d.blocking] == [("4.6", (2,)), ("4.7", (2,))]


def test_the_matrix(default: Standard) -> None:
    """Floors, minima, sign-offs and the times of the required actions."""
    assert [(d.id, d.floor, d.minimum, d.needs_sign_off) for d in default.dispositions] == [
        ("production-ready", 36, 4, True),
        ("production-with-watchlist", 28, 3, True),
        ("conditional-production", 20, 2, False),
        ("significant-technical-debt", 12, None, False),
        ("not-production-grade", None, None, False),
    ]
    due = [[(a.days, a.months) for a in d.actions] for d in default.dispositions]
    assert due == [
        [(None, 6)],
        [(None, 3), (90, None)],
        [(None, None), (None, None)],
        [(None, None), (14, None), (60, None)],
        [(None, None), (None, None)],
    ]
    assert default.dispositions[1].actions[1] == RequiredAction("Audit the lowest dimension again.", days=90)


def test_levels_overrides_and_tools(default: Standard) -> None:
    """Names of the levels, the three overrides, the reviewer's threshold and the nine categories of tools."""
    assert [(level.number, level.name) for level in default.levels] == [
        (1, "Unknown / absent"),
        (2, "Ad-hoc"),
        (3, "Deliberate"),
        (4, "Tuned"),
        (5, "Governed"),
    ]
    assert list(default.overrides) == ["blocking-l1", "verbal-only", "p0"]
    assert default.reviewer_from == 4
    assert len(default.tools) == 9
    assert default.tools["Secret scanning"] == ("gitleaks", "trufflehog")


def test_reference_slos(default: Standard) -> None:
    """The four classes, in milliseconds, with the availability as an exact text."""
    assert default.slo_classes == (
        SloClass("read-cacheable", "Read (cacheable)", 20, 80, 200, "99.95"),
        SloClass("read-uncached", "Read (uncached)", 50, 200, 500, "99.9"),
        SloClass("write-simple", "Write (simple)", 80, 300, 600, "99.9"),
        SloClass("write-workflow", "Write (workflow)", 200, 800, 1500, "99.5"),
    )


@pytest.mark.parametrize(
    ("name", "value", "stricter", "unit"),
    [
        ("slow-query-threshold", 1.0, Stricter.LOWER, "s"),
        ("connections-used-ratio", 0.80, Stricter.LOWER, "ratio"),
        ("unused-index-bytes", 10 * 1024 * 1024, Stricter.LOWER, "bytes"),
        ("unused-index-days", 7, Stricter.LOWER, "d"),
        ("idle-in-transaction-limit", 60.0, Stricter.LOWER, "s"),
        ("affinity-requests", 40, Stricter.HIGHER, "requests"),
        ("affinity-share", 0.15, Stricter.HIGHER, "ratio"),
        ("pooler-waiting", 0, Stricter.LOWER, "clients"),
        ("pooler-samples", 10, Stricter.HIGHER, "samples"),
        ("pooler-avg-wait", 0.010, Stricter.LOWER, "s"),
        ("large-table-rows", 10_000, Stricter.LOWER, "rows"),
        ("wide-table-columns", 30, Stricter.LOWER, "columns"),
        ("dead-tuple-ratio", 0.10, Stricter.LOWER, "ratio"),
        ("ttl-reasons", True, Stricter.HIGHER, "yes/no"),
        ("cache-hit-ratio", 0.99, Stricter.HIGHER, "ratio"),
        ("hit-rate-deliberate", 0.60, Stricter.HIGHER, "ratio"),
        ("hit-rate-tuned", 0.80, Stricter.HIGHER, "ratio"),
        ("stampede-requests", 200, Stricter.HIGHER, "requests"),
        ("idempotency-replays", 5, Stricter.HIGHER, "requests"),
        ("scale-down-window", 300, Stricter.HIGHER, "s"),
        ("partition-rows", 100_000_000, Stricter.LOWER, "rows"),
    ],
)
def test_numbers_of_the_requirements(
    name: str, value: float | bool, stricter: Stricter, unit: str, default: Standard
) -> None:
    """Thresholds that the requirements state, each with the way that is stricter."""
    setting = default.settings()[name]
    assert (setting.default, setting.stricter, setting.unit) == (value, stricter, unit)


def test_rows_read_their_settings(default: Standard) -> None:
    """A check finds its thresholds by its row."""
    read = {row.name: [s.name for s in row.settings] for row in default.rows}
    assert read["4.2/pooler/L4"] == ["pooler-waiting", "pooler-samples", "pooler-avg-wait"]
    assert read["4.3/hit-rate/L3"] == ["hit-rate-deliberate", "hit-rate-lookups"]
    assert read["4.8/sharding-path/L4"] == ["partition-rows"]


@pytest.mark.parametrize(
    ("text", "parts", "kinds"),
    [
        ("measured", ((Proof.MEASURED,),), MEASURED),
        ("scanned", ((Proof.SCANNED,),), MEASURED | {EvidenceKind.CODE}),
        ("attested", ((Proof.ATTESTED,),), MEASURED | {EvidenceKind.CODE, EvidenceKind.DOCUMENT}),
        (
            "measured / attested",
            ((Proof.MEASURED, Proof.ATTESTED),),
            MEASURED | {EvidenceKind.CODE, EvidenceKind.DOCUMENT},
        ),
        ("measured else scanned", ((Proof.MEASURED, Proof.SCANNED),), MEASURED | {EvidenceKind.CODE}),
        ("measured + attested", ((Proof.MEASURED,), (Proof.ATTESTED,)), MEASURED),
        ("attested + scanned", ((Proof.ATTESTED,), (Proof.SCANNED,)), MEASURED | {EvidenceKind.CODE}),
        (
            "scanned or measured + attested",
            ((Proof.SCANNED, Proof.MEASURED), (Proof.ATTESTED,)),
            MEASURED | {EvidenceKind.CODE},
        ),
    ],
)
def test_evidence_follows_from_proof(text: str, parts: proofs.Parts, kinds: set[EvidenceKind]) -> None:
    """Alternatives widen what is accepted, parts narrow it: a document never stands in for what can be measured."""
    assert proofs.parse(text) == parts
    assert proofs.accepted(parts) == kinds
    assert proofs.parse(proofs.spell(parts)) == parts


def test_no_row_accepts_words_alone(default: Standard) -> None:
    """A verbal assertion is never enough."""
    assert [row.name for row in default.rows if EvidenceKind.VERBAL in row.accepts or not row.accepts] == []

"""What a standard is made of: dimensions, rows, levels, matrix, overrides. Frozen values without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_backend_audit.model import EvidenceKind


class Proof(StrEnum):
    """How a row is proven (requirements: measured, scanned, attested)."""

    MEASURED = "measured"
    SCANNED = "scanned"
    ATTESTED = "attested"


class Stricter(StrEnum):
    """Which way a setting is stricter."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Level:
    """A level of the maturity model."""

    number: int
    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A threshold that checks read through `audit_settings`, and audit.yaml may change under ``thresholds``."""

    name: str
    """Unique in the standard: ``cache-hit-ratio``, ``pooler-avg-wait``."""
    default: float | int | str | bool
    stricter: Stricter
    unit: str
    source: str
    """Where the number comes from."""
    meaning: str


@dataclass(frozen=True, slots=True)
class Defect:
    """Something that must turn a row's check red; the reference service can be made to have it."""

    text: str
    common_finding: bool = False
    """Whether the standard lists it among its common findings."""


@dataclass(frozen=True, slots=True)
class Row:
    """One clause: dimension, criterion and level are its key."""

    dimension: str
    criterion: str
    level: int
    clause: str
    proof: tuple[tuple[Proof, ...], ...]
    """Parts that are all asked for; of each part's alternatives one is enough, the first tried first."""
    accepts: frozenset[EvidenceKind]
    """Kinds of evidence of which a passed check needs at least one; see `standard.proofs.accepted`."""
    settings: tuple[Setting, ...] = ()
    defects: tuple[Defect, ...] = ()
    """What must turn its check red."""

    @property
    def key(self) -> tuple[str, str, int]:
        """Dimension, criterion, level."""
        return (self.dimension, self.criterion, self.level)

    @property
    def name(self) -> str:
        """The key as one text: ``4.1/foreign-key-indexes/L3``."""
        return f"{self.dimension}/{self.criterion}/L{self.level}"


@dataclass(frozen=True, slots=True)
class Dimension:
    """One of the dimensions, in the order of the walk."""

    id: str
    name: str
    scope: str
    folder: str
    """Folder of its bundled suite."""
    blocking: bool = False
    """L1 here downgrades the disposition."""
    fixed_levels: tuple[int, ...] = ()
    """Levels whose rows can't be declared not applicable."""


@dataclass(frozen=True, slots=True)
class RequiredAction:
    """A required action, with the time until it is due; none for "now"."""

    text: str
    days: int | None = None
    months: int | None = None


NEEDS_SIGN_OFF = "needs a second reviewer's sign-off: run, sign, then backend-audit gate RUN"
"""What is said of a disposition that no run reaches by itself."""


@dataclass(frozen=True, slots=True)
class Disposition:
    """A row of the matrix."""

    id: str
    name: str
    floor: int | None
    """Lowest total; None for none."""
    minimum: int | None
    """Lowest level that each dimension must reach; None for any."""
    actions: tuple[RequiredAction, ...] = ()
    needs_sign_off: bool = False


@dataclass(frozen=True, slots=True)
class SloClass:
    """A class of endpoints in the table of reference SLOs. Milliseconds and a percentage."""

    id: str
    name: str
    p50: float
    p95: float
    p99: float
    availability: str
    """As written, so that error budgets are computed exactly: ``99.95``."""


@dataclass(frozen=True, slots=True)
class Standard:
    """An instrument: what is assessed, and how levels become a disposition."""

    id: str
    name: str
    version: str
    dimensions: tuple[Dimension, ...]
    levels: tuple[Level, ...]
    rows: tuple[Row, ...]
    dispositions: tuple[Disposition, ...]
    """From the top."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    """``blocking-l1``, ``verbal-only``, ``p0`` -> the standard's wording, in ours."""
    reviewer_from: int = 4
    """Levels from here on need the second reviewer."""
    slo_classes: tuple[SloClass, ...] = ()
    pending: tuple[str, ...] = ()
    """Rows whose bundled check is still to come, as ``4.1/criterion/L3``. They stand in `rows` too, so that a
    team's own check can cover them, unless `standard.edition` left them out."""
    tools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Tooling checklist: category -> baseline tools."""

    def dimension(self, id_: str) -> Dimension | None:
        """The dimension with this id, or None."""
        return next((d for d in self.dimensions if d.id == id_), None)

    def criteria(self, dimension: str) -> tuple[str, ...]:
        """Criteria of a dimension in the order of their first row."""
        return tuple(dict.fromkeys(r.criterion for r in self.rows if r.dimension == dimension))

    def settings(self) -> dict[str, Setting]:
        """Every setting of the standard by name."""
        return {s.name: s for r in self.rows for s in r.settings}

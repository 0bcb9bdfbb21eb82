"""Short ways to say what an audit saw, for the tests of scoring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_backend_audit import jsonable, scoring
from pytest_backend_audit.model import (
    Attempt,
    Card,
    Check,
    Document,
    Evidence,
    EvidenceKind,
    Inputs,
    Mode,
    Policy,
    Seal,
    Status,
)
from pytest_backend_audit.standard.model import Dimension, Disposition, Proof, RequiredAction, Row, Standard

OUTPUT = Evidence(EvidenceKind.OUTPUT, "SHOW log_min_duration_statement", "250ms")
VERBAL = Evidence(EvidenceKind.VERBAL, "the owner says so")
CODE = Evidence(EvidenceKind.CODE, "orders/api.py:12")
DOCUMENT = Evidence(EvidenceKind.DOCUMENT, "docs/runbook.md")

SEALED = Seal(ended="2026-08-31T10:05:00Z", exit_status=0)
FAILING = Seal(ended="2026-08-31T10:05:00Z", exit_status=1)

NAMES = {
    "4.1": "Query Performance",
    "4.2": "Connection Management",
    "4.3": "Caching",
    "4.4": "API Latency SLOs",
    "4.5": "Observability",
    "4.6": "Reliability",
    "4.7": "Security",
    "4.8": "Scalability",
}
MEASURED = frozenset(EvidenceKind) - {EvidenceKind.CODE, EvidenceKind.DOCUMENT, EvidenceKind.VERBAL}

DISPOSITIONS = (
    Disposition(
        "production-ready",
        "Production-ready",
        36,
        4,
        (RequiredAction("Keep improving and look again", months=6),),
        needs_sign_off=True,
    ),
    Disposition(
        "production-with-watchlist",
        "Production with watchlist",
        28,
        3,
        (
            RequiredAction("Mend every L3 dimension", months=3),
            RequiredAction("Audit the lowest again", days=90),
        ),
        needs_sign_off=True,
    ),
    Disposition("conditional-production", "Conditional production", 20, 2, (RequiredAction("Plan a sprint"),)),
    Disposition(
        "significant-technical-debt",
        "Significant technical debt",
        12,
        None,
        (
            RequiredAction("Halt features"),
            RequiredAction("Write a plan", days=14),
            RequiredAction("Audit again", days=60),
        ),
    ),
    Disposition("not-production-grade", "Not production-grade", None, None, (RequiredAction("Stop the rollout"),)),
)


def standard(*rows: Row, ids: Iterable[str] = tuple(NAMES), **fields: Any) -> Standard:
    """The standard's dimensions and matrix, with the rows that a test needs."""
    return Standard(
        id="backend-systems",
        name="Backend Systems Audit Scorecard",
        version="1",
        dimensions=tuple(
            Dimension(
                id_,
                NAMES[id_],
                "",
                "",
                blocking=id_ in {"4.6", "4.7"},
                fixed_levels=(2,) if id_ in {"4.6", "4.7"} else (),
            )
            for id_ in ids
        ),
        levels=(),
        rows=rows,
        dispositions=DISPOSITIONS,
        **{
            "overrides": {"blocking-l1": "L1 where it blocks.", "verbal-only": "words alone", "p0": "an open P0."},
            **fields,
        },
    )


def row(dimension: str, criterion: str, level: int, accepts: frozenset[EvidenceKind] = MEASURED) -> Row:
    """A row of a standard."""
    return Row(dimension, criterion, level, f"{criterion} at L{level}", ((Proof.MEASURED,),), accepts)


def check(id_: str, level: int, dimension: str = "4.1", criterion: str | None = None, **fields: Any) -> Check:
    """A planned check."""
    return Check(id_, dimension, level, criterion, **fields)


def attempt(id_: str, status: Status = Status.PASSED, *evidence: Evidence, **fields: Any) -> Attempt:
    """One execution of a check."""
    return Attempt(id_, fields.pop("instance", id_), status, evidence=evidence, **fields)


def passed(id_: str, *evidence: Evidence, **fields: Any) -> Attempt:
    """A pass, with command output unless something else is given."""
    return attempt(id_, Status.PASSED, *(evidence or (OUTPUT,)), **fields)


def failed(id_: str, reason: str = "3 foreign keys without an index", **fields: Any) -> Attempt:
    """A failure."""
    return attempt(id_, Status.FAILED, OUTPUT, reason=reason, **fields)


def skipped(id_: str, reason: str = "no server", **fields: Any) -> Attempt:
    """An attempt that could not run."""
    return attempt(id_, Status.COULD_NOT_RUN, reason=reason, **fields)


def broken(id_: str, reason: str = "KeyError: 'x'", **fields: Any) -> Attempt:
    """An attempt that broke."""
    return attempt(id_, Status.BROKEN, reason=reason, **fields)


def inputs(
    plan: Iterable[Check],
    *,
    mode: Mode = Mode.FORMAL,
    rules: Standard | None = None,
    loaded: bool = False,
    policy: Policy | Mapping[str, Any] | None = None,
    kind: str = "prod",
    commit: str = "1a2b3c4d",
    **fields: Any,
) -> Inputs:
    """A journal's first line. Unless a test says so, the standard is not loaded: checks alone make the level."""
    planned = tuple(plan)
    if policy is None:
        policy = Policy(incidents=())
    elif not isinstance(policy, Policy):
        policy = Policy(**{"incidents": (), **policy})
    return Inputs(
        **{
            "plugin_version": "0.1.0",
            "mode": mode,
            "instant": "2026-08-31T10:00:00Z",
            "document": Document(service="orders", environment=kind, environment_kind=kind, commit=commit),
            "policy": policy,
            "standard": jsonable.to_builtins(rules or standard()),
            "standard_loaded": loaded,
            "plan": planned,
            "selected": tuple(c.id for c in planned),
            **fields,
        }
    )


def one_dimension(*tried: tuple[int, Attempt], **fields: Any) -> Card:
    """The card of one dimension's checks, each its own criterion."""
    plan = [check(a.check, level) for level, a in tried]
    return scoring.score(inputs(plan, **fields), [a for _, a in tried], SEALED)


def all_at(levels: Mapping[str, int] | int, **fields: Any) -> tuple[Inputs, list[Attempt]]:
    """A run in which each dimension has passes up to a level."""
    wanted = dict.fromkeys(NAMES, levels) if isinstance(levels, int) else levels
    plan = [check(f"{d}-{n}", n, d) for d, top in wanted.items() for n in range(2, top + 1)]
    return inputs(plan, **fields), [passed(c.id) for c in plan]

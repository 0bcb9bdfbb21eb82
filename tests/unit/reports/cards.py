"""The few cards that every format meets: a full one, a partial one, one with nothing assessed, a hostile one."""

from __future__ import annotations

from dataclasses import replace

from pytest_backend_audit.model import (
    Acknowledged,
    Action,
    Attempt,
    Card,
    Check,
    CheckResult,
    Coverage,
    CriterionResult,
    DimensionResult,
    DispositionResult,
    Document,
    Evidence,
    EvidenceKind,
    Finding,
    Incident,
    Inputs,
    Mode,
    Need,
    NotApplicable,
    Outcome,
    Page,
    Policy,
    Raise,
    RowResult,
    RowState,
    Seal,
    Severity,
    Status,
    Verdict,
)

COMMIT = "9f2c4e1ab37d5c6e8f90a1b2c3d4e5f60718293a"
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
STANDARD = {
    "id": "backend-systems",
    "name": "Backend Systems Audit Scorecard",
    "version": "1",
    "levels": [
        {"number": 1, "name": "Unknown / absent", "definition": "Nothing there, or nobody can see it."},
        {"number": 2, "name": "Ad-hoc", "definition": "There, with gaps."},
        {"number": 3, "name": "Deliberate", "definition": "Meant, and written down."},
        {"number": 4, "name": "Tuned", "definition": "Sized by measured load."},
        {"number": 5, "name": "Governed", "definition": "Kept so by alerts and gates."},
    ],
    "overrides": {"blocking-l1": "L1 in Security or Reliability."},
}
DOCUMENT = Document(
    service="orders",
    environment="stage",
    environment_kind="stage",
    commit=COMMIT,
    build="9f2c4e1",
    audited_at="2026-11-24T08:00:00Z",
    lead_auditor="Ada Lovelace",
    second_reviewer="",
    prior_audit="audits/orders/2026-08-01.md",
    distribution="orders on-call",
    runbook="docs/runbook.md",
)
FK_SQL = (
    "SELECT c.conrelid::regclass AS table, c.conname AS constraint FROM pg_constraint c\n"
    "WHERE c.contype = 'f' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid)"
)
FK_ROWS = "table | constraint\norders | orders_customer_id_fkey\norder_items | order_items_product_id_fkey\n(2 rows)"


def evidence(
    title: str, body: str = "", kind: EvidenceKind = EvidenceKind.OUTPUT, target: str = "postgres 127.0.0.1:5432/orders"
) -> Evidence:
    """One piece of evidence, taken in the second minute of the audit."""
    return Evidence(
        kind=kind,
        title=title,
        body=body,
        target=target,
        taken_at="2026-11-24T08:01:02.345Z",
        duration=0.012,
        facts={"rows": 2},
    )


def result(
    name: str,
    dimension: str,
    level: int,
    outcome: Outcome,
    limit: int,
    *,
    criterion: str | None = "",
    reason: str = "",
    pieces: tuple[Evidence, ...] = (),
    **more: object,
) -> CheckResult:
    """A judged check with one attempt."""
    check = Check(
        id=f"pytest_backend_audit/suites/{name}.py::test_{name}",
        dimension=dimension,
        level=level,
        criterion=name.replace("_", "-") if criterion == "" else criterion,
        needs=(Need.WRITES,) if name == "idempotency" else (),
        location=f"audit_suites/{name}.py:12",
        page=Page(claim=f"Claim of {name}.", impact="Orders wait.", remediation="Add the index.", effort="S"),
        bundled=True,
    )
    status = {
        Outcome.FAILED: Status.FAILED,
        Outcome.BROKEN: Status.BROKEN,
        Outcome.COULD_NOT_RUN: Status.COULD_NOT_RUN,
    }.get(outcome, Status.PASSED)
    attempt = Attempt(
        check=check.id,
        instance=check.id,
        status=status,
        reason=reason,
        where="" if status is Status.PASSED else check.location,
        evidence=pieces,
        started="2026-11-24T08:01:02.300Z",
        duration=0.25,
        worker="gw1",
    )
    return CheckResult(
        check=check,
        outcome=outcome,
        limit=limit,
        reason=reason,
        where=attempt.where,
        executed=outcome not in (Outcome.COULD_NOT_RUN, Outcome.BROKEN),
        attempts=(attempt,),
        **more,  # type: ignore[arg-type]
    )


def criterion(name: str, *checks: CheckResult, **more: object) -> CriterionResult:
    """A ladder whose rows are those of its checks."""
    rows = tuple(
        RowResult(
            c.check.dimension,
            name,
            c.check.level,
            RowState.COVERED if c.executed else RowState.NOT_EXECUTED,
            f"Clause of {name} at L{c.check.level}.",
        )
        for c in checks
    )
    fields: dict[str, object] = {"rows": rows, **more}
    return CriterionResult(
        id=name,
        limit=min((c.limit for c in checks), default=2),
        proven=max((c.check.level for c in checks if c.outcome is Outcome.PASSED), default=0),
        checks=checks,
        **fields,  # type: ignore[arg-type]
    )


FOREIGN_KEYS = result(
    "foreign_key_indexes",
    "4.1",
    3,
    Outcome.FAILED,
    2,
    reason="2 foreign keys without an index: orders.customer_id, order_items.product_id (limit 0, standard)",
    pieces=(evidence(FK_SQL, FK_ROWS),),
    acknowledged=("foreign-key-indexes:public.legacy.owner_id",),
)
QUERY_LOGGING = result(
    "query_logging", "4.1", 2, Outcome.PASSED, 5, pieces=(evidence("SHOW log_min_duration_statement", "250ms"),)
)
POOLER = result(
    "pooler",
    "4.2",
    4,
    Outcome.COULD_NOT_RUN,
    2,
    reason="targets.pgbouncer is not configured (audit.yaml)",
    notes=("stale xfail",),
)
HIT_RATE = result(
    "hit_rate",
    "4.3",
    4,
    Outcome.PASSED,
    5,
    pieces=(evidence("INFO stats", "keyspace_hits:9000\nkeyspace_misses:400", target="redis 127.0.0.1:6379/0"),),
)
LATENCY = result("latency_tracked", "4.4", 2, Outcome.WEAK, 2, reason="all its evidence is verbal")
RED = result("red_metrics", "4.5", 3, Outcome.UNSUPPORTED, 1, reason="passed without evidence")
IDEMPOTENCY = result("idempotency", "4.6", 3, Outcome.PASSED, 5, pieces=(evidence("SELECT count(*) FROM orders", "1"),))
AUTHENTICATION = result(
    "authentication",
    "4.7",
    2,
    Outcome.FAILED,
    1,
    reason="1 of 14 operations answers without a token: GET /v1/orders/export 200",
    pieces=(evidence("GET /v1/orders/export", "HTTP/1.1 200 OK\n\n[]", target="http 127.0.0.1:8000"),),
    carried="",
)
OWN = result("own_check", "4.8", 3, Outcome.BROKEN, 2, criterion=None, reason="KeyError: 'pod_id'")

POLICY = Policy(
    sought={"4.6": 4},
    weights={"4.7": "1.5"},
    not_applicable=(
        NotApplicable(
            "negative-caching", "no misses by design", "Ada Lovelace", "2026-10-01", "2027-03-01", "audit.yaml:31"
        ),
    ),
    acknowledged=(
        Acknowledged(
            "foreign-key-indexes:public.legacy.owner_id",
            "table goes away",
            "Grace Hopper",
            "ORD-7",
            "2026-12-01",
            "audit.yaml:35",
        ),
    ),
    incidents=(Incident("INC-12", "P0", "2026-11-10", None, ("4.6",), "https://status.example.org/12"),),
    owners={"4.1": "Grace Hopper"},
    leave_out={"eviction-policy": "our own check covers it"},
    gate="conditional-production",
)


def dimension(id_: str, level: int, *criteria: CriterionResult, **more: object) -> DimensionResult:
    """A dimension of the default standard."""
    fields: dict[str, object] = {
        "would_be": level,
        "limit": min((c.limit for c in criteria), default=5),
        "proven": level,
        "sought": 5,
        "weight": "1",
        "criteria": criteria,
        **more,
    }
    return DimensionResult(id=id_, name=NAMES[id_], level=level, **fields)  # type: ignore[arg-type]


DIMENSIONS = (
    dimension(
        "4.1",
        2,
        criterion("query-logging", QUERY_LOGGING, proven_in=("stage",)),
        criterion("foreign-key-indexes", FOREIGN_KEYS),
        limited_by=("foreign-key-indexes",),
        prior=3,
    ),
    dimension("4.2", 2, criterion("pooler", POOLER), limited_by=("pooler",)),
    dimension(
        "4.3",
        3,
        criterion("hit-rate", HIT_RATE),
        CriterionResult(
            id="negative-caching",
            limit=5,
            proven=0,
            rows=(
                RowResult("4.3", "negative-caching", 5, RowState.NOT_APPLICABLE, "Misses are cached where it helps."),
            ),
            not_applicable=POLICY.not_applicable[0],
        ),
        would_be=4,
    ),
    dimension("4.4", 2, criterion("latency-tracked", LATENCY), limited_by=("latency-tracked",)),
    dimension("4.5", 1, criterion("red-metrics", RED), limited_by=("red-metrics",)),
    dimension("4.6", 3, criterion("idempotency", IDEMPOTENCY), sought=4, limited_by=("nothing proves L4",)),
    dimension("4.7", 1, criterion("authentication", AUTHENTICATION), weight="1.5", limited_by=("authentication",)),
    dimension("4.8", 2, criterion(OWN.check.id, OWN, in_standard=False, rows=()), limited_by=(OWN.check.id,)),
)


def finding(number: int, severity: Severity, source: CheckResult, owner: str = "not stated") -> Finding:
    """A finding as findings.py makes it of a check."""
    check = source.check
    return Finding(
        id=f"F-{number:04d}",
        fingerprint=f"{number:064x}",
        dimension=check.dimension,
        dimension_name=NAMES[check.dimension],
        severity=severity,
        observed=source.limit,
        target=source.limit + 1,
        title=f"{check.ladder} {source.outcome.value}",
        evidence=source.reason,
        impact=check.page.impact,
        effort="S",
        remediation=check.page.remediation,
        owner=owner,
        due="2026-12-08",
        verification=f"pytest --audit {check.location}",
        criterion=check.criterion or "",
        check=check.id,
        outcome=source.outcome.value,
        location=source.where,
    )


FINDINGS = (
    finding(1, Severity.CRITICAL, AUTHENTICATION),
    finding(2, Severity.HIGH, FOREIGN_KEYS, owner="Grace Hopper"),
    finding(3, Severity.HIGH, RED),
    finding(4, Severity.MEDIUM, POOLER),
    finding(5, Severity.LOW, OWN),
)
PLAN = tuple(c.check for d in DIMENSIONS for k in d.criteria for c in k.checks)
INPUTS = Inputs(
    plugin_version="0.1.0",
    mode=Mode.FORMAL,
    instant="2026-11-24T08:00:00Z",
    document=DOCUMENT,
    policy=POLICY,
    standard=STANDARD,
    standard_loaded=True,
    plan=PLAN,
    selected=tuple(check.id for check in PLAN),
    scope=("audits",),
    config_path="audit.yaml",
    config_digest="ab" * 32,
    suites=("all",),
    prior_levels={"4.1": 3},
    prior_source="audits/orders/2026-08-01.md",
    earlier=("001-9f2c4e1: total 12, significant-technical-debt",),
    run_number=2,
)
FULL = Card(
    inputs=INPUTS,
    seal=Seal(ended="2026-11-24T08:03:00Z", exit_status=1),
    dimensions=DIMENSIONS,
    total=15,
    maximum=40,
    minimum=1,
    lowest=("4.5", "4.7"),
    blocking=("4.7",),
    disposition=DispositionResult(
        id="not-production-grade",
        name="Not production-grade",
        actions=(Action("Stop customer-facing rollout.", ""), Action("Re-audit.", "2027-01-23")),
        matrix_id="significant-technical-debt",
        qualifier="proven outside prod",
    ),
    no_disposition="",
    overrides=("L1 in Security (4.7)", "P0 INC-12 is open"),
    findings=FINDINGS,
    coverage=Coverage(assessed=6, of=8, pending=131, outside=(OWN.check.id,)),
    partial=(),
    basis="Backend Systems Audit Scorecard",
    raises=(
        Raise(
            "4.7",
            2,
            ("audits/own.py::test_authentication",),
            "disposition to Significant technical debt",
            "pass audits/own.py::test_authentication in 4.7 Security",
        ),
        Raise("4.1", 3, ("foreign-key-indexes",), "total 15 to 16", ""),
    ),
    exceptions_unused=("hit-rate:sessions",),
    exceptions_lapsing=("foreign-key-indexes:public.legacy.owner_id lapses on 2026-12-01",),
    notices=("the build is not verifiable by more than 7 digits",),
    verdict=Verdict(
        "conditional-production",
        False,
        "gate Conditional production: not passed, the disposition is Not production-grade",
        1,
    ),
)
PARTIAL = replace(
    FULL,
    inputs=replace(INPUTS, mode=Mode.REHEARSAL, narrowing=("--audit-dimension=4.1",), run_number=1, earlier=()),
    dimensions=DIMENSIONS[:2],
    total=None,
    minimum=2,
    lowest=("4.1", "4.2"),
    blocking=(),
    disposition=None,
    no_disposition="a rehearsal has no disposition; run with --audit-sha=HEAD",
    overrides=(),
    findings=FINDINGS[1:2],
    partial=("only dimension 4.1 was asked for (--audit-dimension)",),
    raises=(),
    exceptions_unused=(),
    exceptions_lapsing=(),
    notices=(),
    verdict=Verdict(None, None, "no gate is set", 1),
)
NOTHING = Card(
    inputs=Inputs(
        plugin_version="0.1.0",
        mode=Mode.REHEARSAL,
        instant="2026-11-24T08:00:00Z",
        document=Document(),
        policy=Policy(),
        standard={},
        standard_loaded=False,
        plan=(),
        selected=(),
    ),
    seal=None,
    dimensions=(),
    total=None,
    maximum=40,
    minimum=None,
    lowest=(),
    blocking=(),
    disposition=None,
    no_disposition="nothing was collected",
    overrides=(),
    findings=(),
    coverage=Coverage(0, 0),
    partial=(),
    basis="own criteria, the standard is not loaded",
    raises=(),
    exceptions_unused=(),
    exceptions_lapsing=(),
    notices=(),
    verdict=Verdict(None, None, "no gate is set", 5),
)

EVIL = (
    "<script>alert(1)</script> \x1b[31mred\x1b[0m \u202eevil\u202c | a\x00b \ud800 `*_[x](javascript:y) ]]> \"'& 漢字"
)
_EVIL_CHECK = replace(
    FOREIGN_KEYS,
    check=replace(
        FOREIGN_KEYS.check, id=f"audits/x.py::test_{EVIL}", page=Page(claim=EVIL, impact=EVIL), criterion=EVIL
    ),
    reason=f"{EVIL}\nsecond line\n```\nfence",
    where=EVIL,
    notes=(EVIL,),
    acknowledged=(EVIL,),
    attempts=(
        replace(
            FOREIGN_KEYS.attempts[0],
            instance=EVIL,
            reason=EVIL,
            evidence=(evidence(EVIL, f"{EVIL}\n```\n{EVIL}", target=EVIL),),
        ),
    ),
)
HOSTILE = replace(
    FULL,
    inputs=replace(
        INPUTS,
        document=replace(DOCUMENT, service=EVIL, environment=EVIL, lead_auditor=EVIL, build=EVIL),
        config_path=EVIL,
        plan=(_EVIL_CHECK.check,),
    ),
    dimensions=(
        replace(dimension("4.1", 2, criterion(EVIL, _EVIL_CHECK), limited_by=(EVIL,)), id=EVIL, name=EVIL),
        *DIMENSIONS[1:],
    ),
    disposition=DispositionResult(id="x", name=EVIL, actions=(Action(EVIL, EVIL),), qualifier=EVIL),
    overrides=(EVIL,),
    findings=(
        replace(
            FINDINGS[0],
            title=EVIL,
            evidence=f"{EVIL}\n```\n{EVIL}",
            impact=EVIL,
            owner=EVIL,
            dimension_name=EVIL,
            id=EVIL,
            remediation=EVIL,
        ),
    ),
    raises=(Raise(EVIL, 2, (EVIL,), EVIL, EVIL),),
    notices=(EVIL,),
    verdict=Verdict(EVIL, False, EVIL, 1),
)
CARDS = {"full": FULL, "partial": PARTIAL, "nothing": NOTHING, "hostile": HOSTILE}

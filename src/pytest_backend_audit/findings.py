"""The remediation queue: from an assessed card to its findings, each with the standard's twelve fields."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytest_backend_audit import several
from pytest_backend_audit.model import (
    COVERAGE,
    PROOF,
    Action,
    CheckResult,
    CriterionResult,
    DimensionResult,
    Finding,
    Outcome,
    RowState,
    Severity,
    Status,
)
from pytest_backend_audit.standard.model import Dimension, Standard
from pytest_backend_audit.titles import TITLE_LIMIT, cut, headline

NOT_STATED = "not stated"

REASON_LIMIT = 1000
PIECES = 3
"""Pieces of evidence that a finding quotes; the card holds them all under the check."""
PIECE_LIMIT = 300
"""Characters of each."""

_WORDS = {
    Outcome.FAILED: "failed",
    Outcome.BROKEN: "is broken",
    Outcome.COULD_NOT_RUN: "could not run",
    Outcome.UNSUPPORTED: "has no evidence",
    Outcome.WEAK: "has weak evidence",
}
_SEVERITIES = {severity: rank for rank, severity in enumerate(Severity)}


def queue(
    standard: Standard,
    dimensions: Sequence[DimensionResult],
    owners: Mapping[str, str],
    actions: Iterable[Action] = (),
    leave_out: Mapping[str, str] | None = None,
    *,
    whole: bool = True,
) -> tuple[Finding, ...]:
    """Every finding, by severity, then in the order of the walk.

    Args:
        standard: Its id goes into the fingerprint; it says which dimensions block.
        dimensions: The assessed dimensions; their level before the reviewer's cap is the one observed.
        owners: Dimension -> who owns its findings.
        actions: Required actions of the disposition; the earliest date among them is when findings are due.
        leave_out: Criterion -> why its bundled check was left out.
        whole: Whether the run was whole. A partial one says nothing about what it did not set out to look at, so that
            it has findings of its checks only.
    """
    due = min((a.due for a in actions if a.due), default="")
    rules = {d.id: d for d in standard.dimensions}
    found: list[Finding] = []
    for dimension in dimensions:
        maker = _Maker(standard.id, dimension, rules[dimension.id], owners.get(dimension.id, ""), due)
        mine = list(maker.of_checks())
        if whole:
            mine += maker.of_coverage(leave_out or {})
            if not mine and dimension.would_be <= 3:
                mine.append(maker.of_proof())
        found += mine
    return tuple(sorted(found, key=lambda f: _SEVERITIES[f.severity]))


def fingerprint(standard: str, dimension: str, criterion: str, check: str) -> str:
    """What makes a finding the same one in every audit: 64 hex digits.

    Args:
        standard: Id of the standard.
        dimension: Id of the dimension.
        criterion: The criterion; empty for a finding about the whole dimension.
        check: Id of the check, or ``coverage`` or ``proof``.
    """
    return hashlib.sha256(json.dumps([standard, dimension, criterion, check]).encode()).hexdigest()


class _Maker:
    """Makes the findings of one dimension."""

    def __init__(self, standard: str, dimension: DimensionResult, rules: Dimension, owner: str, due: str) -> None:
        self._standard = standard
        self._dimension = dimension
        self._blocking = rules.blocking
        self._fixed = rules.fixed_levels
        self._owner = owner or NOT_STATED
        self._due = due

    def of_checks(self) -> Iterator[Finding]:
        for criterion in self._dimension.criteria:
            for result in criterion.checks:
                if result.outcome is not Outcome.PASSED and not self._excused(criterion, result):
                    yield self._of_check(result)

    def of_coverage(self, leave_out: Mapping[str, str]) -> list[Finding]:
        rows = [r for c in self._dimension.criteria for r in c.rows if r.state is RowState.UNCOVERED]
        if not rows:
            return []
        names = ", ".join(f"{r.criterion} L{r.level}" for r in rows)
        lines = [f"could not run: no check addresses {names}"]
        criteria = dict.fromkeys(r.criterion for r in rows)
        lines += [f"{c} is left out: {leave_out[c]}" for c in criteria if c in leave_out]
        noun = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
        low = min(r.level for r in rows) <= 3
        return [
            self._finding(
                COVERAGE,
                severity=Severity.MEDIUM if low else Severity.LOW,
                title=f"{noun} of {self._dimension.name} without a check",
                evidence="\n".join(lines),
                remediation="write a check for each row, or declare with a reason what does not apply",
                verification="the card counts these rows as assessed",
                outcome=Outcome.COULD_NOT_RUN.value,
            )
        ]

    def of_proof(self) -> Finding:
        level = self._dimension.would_be
        if level == self._dimension.sought:
            return self._proof(Severity.LOW, f"{self._dimension.name}: only L{level} is sought", f"sought: {level}")
        severity = Severity.LOW
        if level == 1:
            severity = Severity.CRITICAL if self._blocking else Severity.HIGH
        title = f"nothing proves L{level + 1} of {self._dimension.name}"
        return self._proof(severity, title, f"no check passed that proves L{level + 1}")

    def _proof(self, severity: Severity, title: str, evidence: str) -> Finding:
        return self._finding(
            PROOF,
            severity=severity,
            title=title,
            evidence=evidence,
            remediation="write a check at the target level",
            verification="a check at the target level passes",
            outcome="",
        )

    def _of_check(self, result: CheckResult) -> Finding:
        check = result.check
        page = check.page
        name = check.criterion or check.id.rpartition("::")[2]
        title = f"{name} L{check.level} {_WORDS[result.outcome]}"
        line = headline(result.reason, TITLE_LIMIT - len(title) - len(": ")) or page.claim
        title += f": {line}" if line else ""
        return self._finding(
            check.id,
            criterion=check.ladder,
            severity=self._severity(result),
            title=cut(title, TITLE_LIMIT),
            evidence=_evidence(result),
            impact=page.impact,
            effort=page.effort,
            remediation=page.remediation,
            verification=page.verification,
            outcome=result.outcome.value,
            location=check.location or result.where,
        )

    def _excused(self, criterion: CriterionResult, result: CheckResult) -> bool:
        """Whether the criterion is declared not applicable at this level, and no failure stands against that."""
        if criterion.not_applicable is None or result.check.level in self._fixed:
            return False
        return not any(a.status is Status.FAILED for a in result.attempts)

    def _severity(self, result: CheckResult) -> Severity:
        if result.limit == 1:
            return Severity.CRITICAL if self._blocking else Severity.HIGH
        failed = result.outcome is Outcome.FAILED
        if failed and result.check.level in {2, 3}:
            return Severity.HIGH
        if failed and result.check.level == 4:
            return Severity.MEDIUM
        if result.outcome is Outcome.COULD_NOT_RUN and result.check.level <= 3:
            return Severity.MEDIUM
        return Severity.LOW

    def _finding(
        self,
        check: str,
        *,
        severity: Severity,
        title: str,
        evidence: str,
        remediation: str,
        verification: str,
        outcome: str,
        criterion: str = "",
        impact: str = "",
        effort: str = "",
        location: str = "",
    ) -> Finding:
        mark = fingerprint(self._standard, self._dimension.id, criterion, check)
        observed = self._dimension.would_be
        return Finding(
            id=mark[:8],
            fingerprint=mark,
            dimension=self._dimension.id,
            dimension_name=self._dimension.name,
            severity=severity,
            observed=observed,
            target=min(self._dimension.sought, observed + 1),
            title=title,
            evidence=evidence,
            impact=impact or NOT_STATED,
            effort=effort or NOT_STATED,
            remediation=remediation or NOT_STATED,
            owner=self._owner,
            due=self._due,
            verification=verification or NOT_STATED,
            criterion=criterion,
            check=check,
            outcome=outcome,
            location=location,
        )


def _evidence(result: CheckResult) -> str:
    """What else did not pass beside what decides, the reason, and an excerpt of what the deciding attempt recorded."""
    parts = several.told(result)
    if result.reason:
        parts.append(cut(result.reason, REASON_LIMIT))
    if result.carried:
        parts.append(f"it could not run this time, and failed in {result.carried}")
    pieces = several.evidence(result)
    # What the reason names tells more than what came before it, such as the requests that were answered as they should.
    for piece in sorted(pieces, key=lambda p: p.title not in result.reason)[:PIECES]:
        source = ", ".join(text for text in (piece.target, piece.taken_at) if text)
        head = f"{piece.kind.value}: {piece.title}" + (f" ({source})" if source else "")
        parts.append(cut(f"{head}\n{piece.body}".strip(), PIECE_LIMIT))
    if len(pieces) > PIECES:
        parts.append(f"and {len(pieces) - PIECES} more pieces of evidence")
    return "\n".join(parts) or "none recorded"

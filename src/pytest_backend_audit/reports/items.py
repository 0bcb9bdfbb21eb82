"""What became of every check and row, said once for the machine formats. Pure.

Each format has words of its own for these states; what a state means, and which one applies, is decided here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pytest_backend_audit.findings import fingerprint
from pytest_backend_audit.model import (
    PROOF,
    Card,
    Check,
    CheckResult,
    CriterionResult,
    DimensionResult,
    Evidence,
    EvidenceKind,
    Finding,
    Mode,
    Outcome,
    PriorCheck,
    RowState,
    Severity,
    Status,
)
from pytest_backend_audit.reports import facts
from pytest_backend_audit.reports.text import bounded, clean, one_line

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://pytest-backend-audit.readthedocs.io")
"""Of every UUID that a format gives: each follows from what it identifies."""
REASON = 2000
"""Characters of a reason."""
TITLE = 300
"""Characters of a title or a name."""
TOP = 5
"""The limit of what stands in the way of nothing."""


class State(StrEnum):
    """What is known of a check or row."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    """It failed, or passed without any evidence, which counts as L1."""
    REVIEW = "review"
    """It passed on evidence that a person has to weigh: attested and not signed yet, or of a kind not accepted."""
    OPEN = "open"
    """Nothing is known: it could not run, is broken itself, or no check addresses the row."""
    NOT_APPLICABLE = "not-applicable"
    NOT_SOUGHT = "not-sought"


@dataclass(frozen=True, slots=True)
class Item:
    """One check, or one row that no check addresses."""

    dimension: DimensionResult
    criterion: CriterionResult
    level: int
    state: State
    outcome: str
    """In a word or two, such as "could not run"."""
    reason: str
    """Why it did not pass; empty for a pass."""
    fingerprint: str
    """The same in every audit: 64 hex digits."""
    clause: str = ""
    result: CheckResult | None = None
    finding: Finding | None = None
    severity: Severity | None = None
    """Of an earlier failure that stands, as its check gave no answer this time; else its finding says."""

    @property
    def rule(self) -> str:
        """Dimension, criterion and level: what the standard asks for."""
        return f"{self.dimension.id}/{self.criterion.id}/L{self.level}"

    @property
    def claim(self) -> str:
        """What is claimed, in a sentence: by the standard's row, else by the check's own words."""
        said = self.clause or (self.result.check.page.claim if self.result else "")
        return said or self.criterion.id


def items(card: Card) -> Iterator[Item]:
    """Every check in the order of the walk, and after those of a criterion its rows without one."""
    queue = {(f.dimension, f.check, f.criterion): f for f in card.findings}
    for dimension in card.dimensions:
        for criterion in dimension.criteria:
            clauses = {row.level: row.clause for row in criterion.rows}
            for result in criterion.checks:
                check = result.check
                state = _state(card, criterion, result)
                yield Item(
                    dimension,
                    criterion,
                    check.level,
                    state,
                    "not applicable" if state is State.NOT_APPLICABLE else facts.OUTCOME_WORDS[result.outcome],
                    "" if state is State.PASS else _reason(criterion, state, result),
                    fingerprint(_standard(card), dimension.id, check.ladder, check.id),
                    clauses.get(check.level, ""),
                    result,
                    queue.get((dimension.id, check.id, check.ladder)),
                )
            yield from _rows(card, dimension, criterion)


def _rows(card: Card, dimension: DimensionResult, criterion: CriterionResult) -> Iterator[Item]:
    checked = {result.check.level for result in criterion.checks}
    for row in criterion.rows:
        if row.level in checked or row.state in {RowState.COVERED, RowState.NOT_EXECUTED}:
            continue
        state, outcome, reason = {
            RowState.UNCOVERED: (State.OPEN, "could not run", "no check addresses this row"),
            RowState.NOT_APPLICABLE: (State.NOT_APPLICABLE, "not applicable", _exempt(criterion)),
            RowState.NOT_SOUGHT: (State.NOT_SOUGHT, "not sought", f"only L{dimension.sought} is sought"),
        }[row.state]
        mark = fingerprint(_standard(card), dimension.id, criterion.id, f"row L{row.level}")
        yield Item(dimension, criterion, row.level, state, outcome, reason, mark, row.clause)


def proofs(card: Card) -> Iterator[Finding]:
    """Findings about a whole dimension of which every check passed: nothing proves its next level."""
    yield from (f for f in card.findings if f.check == PROOF)


def _state(card: Card, criterion: CriterionResult, result: CheckResult) -> State:
    failed = result.outcome is Outcome.FAILED or any(a.status is Status.FAILED for a in result.attempts)
    if not failed and _is_exempt(criterion, result):
        return State.NOT_APPLICABLE
    match result.outcome:
        case Outcome.PASSED:
            return State.REVIEW if card.sign_off is None and attested(result) else State.PASS
        case Outcome.WEAK:
            return State.REVIEW
        case Outcome.FAILED | Outcome.UNSUPPORTED:
            return State.FAIL
        case Outcome.COULD_NOT_RUN | Outcome.BROKEN:
            return State.OPEN


def _is_exempt(criterion: CriterionResult, result: CheckResult) -> bool:
    if criterion.not_applicable is None:
        return False
    states = {row.level: row.state for row in criterion.rows}
    # A level at which the standard allows no exemption keeps its own state; a check without a row has none.
    return states.get(result.check.level, RowState.NOT_APPLICABLE) is RowState.NOT_APPLICABLE


def attested(result: CheckResult) -> bool:
    """Whether everything that supports a check is somebody's word: records of audit.yaml, verbal assertions."""
    pieces = facts.evidence_of(result)
    return bool(pieces) and all(p.facts.get("attested") or p.kind is EvidenceKind.VERBAL for p in pieces)


def _reason(criterion: CriterionResult, state: State, result: CheckResult) -> str:
    if state is State.NOT_APPLICABLE:
        return _exempt(criterion)
    said = clean(bounded(result.reason, REASON)[0])
    if state is State.REVIEW and result.outcome is Outcome.PASSED:
        said = "on attestations alone; a second reviewer has not signed yet"
    if result.carried:
        said = f"{said}\nit could not run this time, and failed in {one_line(result.carried)}".lstrip()
    return said or "no reason given"


def _exempt(criterion: CriterionResult) -> str:
    declared = criterion.not_applicable
    if declared is None:
        return ""
    return one_line(f"{declared.reason} (declared by {declared.who}, until {declared.expires})")


def _standard(card: Card) -> str:
    return str(card.inputs.standard.get("id", ""))


def prior_of(card: Card) -> dict[str, PriorCheck]:
    """What the prior audit recorded, by check; earlier runs of this commit are no prior audit."""
    return {id_: check for id_, check in card.inputs.prior.items() if check.source.startswith("prior audit")}


@dataclass(frozen=True, slots=True)
class Absent:
    """A check that did not pass in the prior audit, and is none of this one."""

    check: str
    said: str


def absent(card: Card) -> Iterator[Absent]:
    """Such checks: one that failed may not go away unseen."""
    planned = {check.id for check in card.inputs.plan}
    for id_, before in prior_of(card).items():
        if id_ not in planned and before.outcome is not Outcome.PASSED:
            word = facts.OUTCOME_WORDS[before.outcome]
            yield Absent(id_, f"{id_} {word} in the {before.source}, and is no check of this one")


def standing(card: Card) -> Iterator[Item]:
    """Checks that failed before, in the prior audit or at this commit, and gave no answer this time.

    They could not run, are broken, or were left out of a run that was narrowed: nothing shows that they are mended.
    """
    failed = {id_: before for id_, before in card.past.items() if before.outcome in _FAILED}
    for item in items(card):
        before = failed.get(item.result.check.id) if item.result else None
        if before is not None and item.state is State.OPEN:
            yield _standing(item, before)
    seen = {result.check.id for result in card.checks} | set(card.inputs.not_sought)
    for check in card.inputs.plan:
        before = failed.get(check.id)
        left = _left_out(card, check) if before is not None and check.id not in seen else None
        if before is not None and left is not None:
            yield _standing(left, before)


_FAILED = frozenset({Outcome.FAILED, Outcome.UNSUPPORTED})
"""Outcomes after which an item is a failure."""


def _standing(item: Item, before: PriorCheck) -> Item:
    """The item, with what it failed by: its present severity may be that of a check that could not run."""
    failed = before.outcome is Outcome.FAILED
    grave = before.limit == 1 or (failed and item.level <= 3)
    was = Severity.HIGH if grave else Severity.MEDIUM if failed and item.level == 4 else Severity.LOW
    order = list(Severity)
    told = f"{item.reason}\nit failed in the {before.source}, and gave no answer since"
    kept = bool(item.result and item.result.carried)
    return replace(
        item, severity=min(was, severity_of(item), key=order.index), reason=item.reason if kept else told.lstrip()
    )


def _left_out(card: Card, check: Check) -> Item | None:
    """A planned check that the run did not set out to execute; None where none was wanted."""
    dimension = next((d for d in card.dimensions if d.id == check.dimension), None)
    if dimension is None or check.level > dimension.sought:
        return None
    bare = CriterionResult(check.ladder, TOP, 0)
    criterion = next((c for c in dimension.criteria if c.id == check.ladder), bare)
    result = CheckResult(check, Outcome.COULD_NOT_RUN, TOP)
    if _is_exempt(criterion, result):
        return None
    clause = next((row.clause for row in criterion.rows if row.level == check.level), "")
    mark = fingerprint(_standard(card), dimension.id, check.ladder, check.id)
    return Item(
        dimension,
        criterion,
        check.level,
        State.OPEN,
        "did not run",
        "this run was narrowed, and left it out",
        mark,
        clause,
        result,
    )


def why_not_conclusive(card: Card) -> str:
    """Why the run as a whole says nothing final, however its checks ended; empty for a whole formal run."""
    seal = card.seal
    if seal is None:
        return "the record was cut short"
    broken = next((r.check.id for r in card.checks if r.outcome is Outcome.BROKEN), "")
    reasons = (
        (bool(seal.invalid), f"the run is invalid: {seal.invalid}"),
        (bool(seal.interrupted), f"the run was interrupted: {seal.interrupted}"),
        (bool(seal.broken), f"something outside the checks broke: {next(iter(seal.broken), '')}"),
        (seal.exit_status not in {0, 1}, f"pytest ended with status {seal.exit_status}"),
        (not card.checks, "nothing was collected"),
        (bool(broken), f"a check is broken: {broken}"),
        (bool(card.partial), f"the run is partial: {next(iter(card.partial), '')}"),
        (card.inputs.mode is not Mode.FORMAL, "a rehearsal, not a formal audit"),
    )
    return next((one_line(text) for applies, text in reasons if applies), "")


def severity_of(item: Item) -> Severity:
    """That of its finding, or of the earlier failure that stands; low where it has neither."""
    return item.severity or (item.finding.severity if item.finding else Severity.LOW)


def uid(*parts: str) -> str:
    """A UUID that follows from what it identifies."""
    return str(uuid.uuid5(NAMESPACE, "\0".join(clean(part) for part in parts)))


def run_uid(card: Card, *parts: str) -> str:
    """A UUID of something in this run."""
    document, inputs = card.inputs.document, card.inputs
    return uid(document.service, document.environment, document.commit, inputs.instant, str(inputs.run_number), *parts)


def milliseconds(instant: str) -> int:
    """An RFC 3339 instant as milliseconds since 1970, UTC; 0 if it is none, or names no zone."""
    try:
        moment = datetime.fromisoformat(instant)
    except ValueError:
        return 0
    return 0 if moment.tzinfo is None else round(moment.timestamp() * 1000)


def shown(text: str, limit: int = REASON) -> str:
    """A text of the audited system's or the user's: cleaned, and cut in the open."""
    # Cut first: what an audited system returned may be long, and cleaning looks at each character.
    short, left = bounded(text, limit)
    return f"{clean(short)}\n(and {left} more characters)" if left else clean(short)


def titled(text: str) -> str:
    """The same as one line, as titles and names are."""
    beginning, more = bounded(text, 4 * TITLE)
    short, left = bounded(one_line(beginning), TITLE)
    return f"{short}…" if left or more else short


def pieces(result: CheckResult, limit: int) -> list[Evidence]:
    """The first pieces of evidence of a check."""
    return facts.evidence_of(result)[:limit]

"""junit.xml: a suite a dimension, a case a criterion, for the test views of CI systems.

A case that is neither a pass nor a fail is skipped, or an error once a gate has failed: a run that could not look must
not be green.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from junit_xml import TestCase, TestSuite

from pytest_backend_audit.model import Card, CheckResult, CriterionResult, DimensionResult, Outcome, RowState
from pytest_backend_audit.reports import facts
from pytest_backend_audit.reports.text import bounded, clean, first_line, one_line, stated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEXT = 4000
"""Characters of a reason that a case shows."""
MESSAGE = 300
"""Characters of a message attribute."""
_FAILURES = frozenset({Outcome.FAILED, Outcome.UNSUPPORTED})
CHECKS = 50
"""Checks of one criterion that a case lists, those that did not pass first."""


def chunks(card: Card) -> Iterator[str]:
    """The file, a suite at a time."""
    yield "<?xml version='1.0' encoding='utf-8'?>\n<testsuites name=\"backend audit\">\n"
    for suite in _suites(card):
        element = suite.build_xml_doc()
        ET.indent(element, "  ", level=1)
        yield f"  {ET.tostring(element, encoding='unicode').rstrip()}\n"
    yield "</testsuites>\n"


def _suites(card: Card) -> Iterator[TestSuite]:
    gate_failed = card.verdict.gate is not None and not card.verdict.passed
    for dimension in card.dimensions:
        name = one_line(f"{dimension.id} {dimension.name}")
        cases = [_case(name, criterion, gate_failed) for criterion in dimension.criteria]
        properties = _properties(card) | _levels(dimension)
        yield TestSuite(name, cases, timestamp=clean(card.inputs.instant), properties=properties)
    broken = _run_cases(card)
    if broken:
        yield TestSuite("run", broken, timestamp=clean(card.inputs.instant), properties=_properties(card))
    if card.verdict.gate is not None:
        yield _gate(card, card.verdict.gate)


def _properties(card: Card) -> dict[str, str]:
    document = card.inputs.document
    return {
        "service": one_line(stated(document.service)),
        "environment": one_line(stated(document.environment)),
        "commit": one_line(stated(document.commit)),
        "mode": card.inputs.mode.value,
        "disposition": one_line(card.disposition.id if card.disposition else "none"),
        "total": "none" if card.total is None else str(card.total),
    }


def _levels(dimension: DimensionResult) -> dict[str, str]:
    return {
        "level": str(dimension.level),
        "would_be": str(dimension.would_be),
        "limit": str(dimension.limit),
        "proven": str(dimension.proven),
        "sought": str(dimension.sought),
    }


def _case(suite: str, criterion: CriterionResult, gate_failed: bool) -> TestCase:
    seconds = sum(attempt.duration for check in criterion.checks for attempt in check.attempts)
    case = TestCase(one_line(criterion.id), classname=suite, elapsed_sec=round(seconds, 6))
    # Members of Outcome stand in the order of ties between equal limits: the worst comes first.
    order = {outcome: place for place, outcome in enumerate(Outcome)}
    checks = sorted(criterion.checks, key=lambda check: (check.limit, order[check.outcome]))
    case.stdout = "\n".join(_line(check) for check in checks[:CHECKS])
    if len(checks) > CHECKS:
        case.stdout += f"\nand {len(checks) - CHECKS} more checks"
    worst = _worst(checks)
    if worst is not None and worst.outcome in _FAILURES:
        case.add_failure_info(_message(worst), _text(worst), worst.outcome.value)
    elif worst is not None and worst.outcome is Outcome.BROKEN:
        case.add_error_info(_message(worst), _text(worst), worst.outcome.value)
    elif criterion.not_applicable is not None:
        case.add_skipped_info(one_line(f"not applicable: {criterion.not_applicable.reason}"))
    elif worst is not None and worst.outcome is Outcome.WEAK:
        case.add_skipped_info(_message(worst), _text(worst))
    elif worst is not None:
        _not_run(case, _message(worst), _text(worst), gate_failed)
    elif not checks and any(row.state is RowState.UNCOVERED for row in criterion.rows):
        _not_run(case, "could not run: no check", "", gate_failed)
    elif not checks:
        case.add_skipped_info("not sought")
    return case


def _worst(checks: Sequence[CheckResult]) -> CheckResult | None:
    """The check that speaks for its criterion; None if all passed.

    A failure does, whatever else puts a lower limit: what could not run beside it would hide it.
    """
    bad = [check for check in checks if check.outcome is not Outcome.PASSED]
    said = [check for check in bad if check.outcome in _FAILURES] or [c for c in bad if c.outcome is Outcome.BROKEN]
    return next(iter(said or bad), None)


def _not_run(case: TestCase, message: str, text: str, gate_failed: bool) -> None:
    if gate_failed:
        case.add_error_info(message, text, Outcome.COULD_NOT_RUN.value)
    else:
        case.add_skipped_info(message, text)


def _message(check: CheckResult) -> str:
    # junit-xml leaves out a failure that says nothing, so the outcome always stands before the reason.
    return bounded(f"{facts.OUTCOME_WORDS[check.outcome]}: {first_line(check.reason)}".rstrip(": "), MESSAGE)[0]


def _text(check: CheckResult) -> str:
    return clean("\n".join(text for text in (check.check.id, check.where, bounded(check.reason, TEXT)[0]) if text))


def _line(check: CheckResult) -> str:
    said = f"{facts.OUTCOME_WORDS[check.outcome]} L{check.check.level} {one_line(check.check.id)}"
    reason = first_line(check.reason)
    return bounded(f"{said}: {reason}" if reason else said, MESSAGE)[0]


def _run_cases(card: Card) -> list[TestCase]:
    seal = card.seal
    if seal is None:
        problems = [("seal", "the record was cut short")]
    else:
        problems = [("broken", text) for text in seal.broken]
        problems += [("interrupted", seal.interrupted)] if seal.interrupted else []
        problems += [("invalid", seal.invalid)] if seal.invalid else []
    cases = []
    for number, (kind, text) in enumerate(problems, 1):
        case = TestCase(f"{kind} {number}", classname="run")
        case.add_error_info(bounded(first_line(text) or kind, MESSAGE)[0], clean(bounded(text, TEXT)[0]), kind)
        cases.append(case)
    return cases


def _gate(card: Card, gate: str) -> TestSuite:
    case = TestCase("gate", classname="gate")
    reason = one_line(card.verdict.reason) or "not met"
    if card.verdict.passed:
        case.stdout = reason
    else:
        case.add_failure_info(reason, failure_type="gate")
    properties = _properties(card) | {"gate": one_line(gate), "exit_status": str(card.verdict.exit_status)}
    return TestSuite("gate", [case], timestamp=clean(card.inputs.instant), properties=properties)

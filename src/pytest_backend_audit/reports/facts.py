"""What several formats say of a card, said in one place. Pure; nothing here is formatted for one of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_backend_audit.instances import whole_of
from pytest_backend_audit.model import (
    Attempt,
    Card,
    Check,
    CheckResult,
    DimensionResult,
    Evidence,
    Mode,
    Outcome,
    Raise,
    RowResult,
    RowState,
    Severity,
    Status,
)
from pytest_backend_audit.reports.text import one_line

OUTCOME_WORDS = {
    Outcome.PASSED: "passed",
    Outcome.WEAK: "weak evidence",
    Outcome.UNSUPPORTED: "no evidence",
    Outcome.FAILED: "failed",
    Outcome.COULD_NOT_RUN: "could not run",
    Outcome.BROKEN: "broken",
}
KIND_WORDS = {
    "output": "command output or query result",
    "dashboard": "dashboard",
    "postmortem": "postmortem",
    "load": "load or chaos result",
    "code": "code reference",
    "document": "runbook or design document",
    "verbal": "verbal assertion",
}
ROW_WORDS = {
    RowState.COVERED: "covered",
    RowState.NOT_EXECUTED: "not executed",
    RowState.UNCOVERED: "no check",
    RowState.NOT_APPLICABLE: "not applicable",
    RowState.NOT_SOUGHT: "not sought",
}
LEVEL_NAMES = {1: "Unknown / absent", 2: "Ad-hoc", 3: "Deliberate", 4: "Tuned", 5: "Governed"}
"""Names of the levels where the loaded standard gives none."""


def short_commit(card: Card) -> str:
    """The first seven digits of the commit, or "no commit"."""
    return card.inputs.document.commit[:7] or "no commit"


def short_name(name: str) -> str:
    """The function's name where a check's id stands for a criterion; else the name as it is."""
    return name.rpartition("::")[2]


def date_of(instant: str) -> str:
    """The date of an RFC 3339 instant, or empty."""
    return instant.partition("T")[0]


def audit_date(card: Card) -> str:
    """The day of the audit, UTC."""
    return date_of(card.inputs.document.audited_at or card.inputs.instant)


def mode_words(card: Card) -> str:
    """Formal audit or rehearsal."""
    return "formal audit" if card.inputs.mode is Mode.FORMAL else "rehearsal"


def assessed(card: Card) -> str:
    """Says "assessed n of m", and how many rows this edition leaves out."""
    coverage = card.coverage
    said = f"assessed {coverage.assessed} of {coverage.of}"
    return f"{said}, {coverage.pending} not in this edition" if coverage.pending else said


def run_words(card: Card) -> str:
    """Which run of its folder it is, or of how many runs it is made."""
    if not card.merged:
        return f"run {card.inputs.run_number}"
    return f"{len(card.merged)} run{'' if len(card.merged) == 1 else 's'} merged"


def standard_name(card: Card) -> str:
    """Name and version of the standard, or the basis that stands in for it."""
    if not card.inputs.standard_loaded:
        return card.basis
    version = str(card.inputs.standard.get("version", "") or "")
    return f"{card.basis} {version}" if version and version not in card.basis else card.basis


def level_names(card: Card) -> dict[int, tuple[str, str]]:
    """Level -> name and definition, as the standard gives them."""
    named = {n: (name, "") for n, name in LEVEL_NAMES.items()}
    for level in card.inputs.standard.get("levels", ()):
        named[int(level["number"])] = (str(level["name"]), str(level.get("definition", "")))
    return named


def by_severity(card: Card) -> dict[Severity, int]:
    """How many findings there are of each severity, worst first."""
    counts = dict.fromkeys(Severity, 0)
    for finding in card.findings:
        counts[finding.severity] += 1
    return counts


def severity_words(card: Card) -> str:
    """Says "1 critical, 3 high", or "none"."""
    return ", ".join(f"{n} {severity.value}" for severity, n in by_severity(card).items() if n) or "none"


def why_no_disposition(card: Card) -> str:
    """Why the card has no disposition; empty where it has one."""
    if card.disposition is not None:
        return ""
    return card.no_disposition or "; ".join(card.partial) or "levels only"


def override_lead(card: Card) -> str:
    """What overrides do to the disposition: below the last tier there is none."""
    disposition = card.disposition
    lowered = disposition is None or not disposition.matrix_id or disposition.matrix_id != disposition.id
    return "one tier down" if lowered else "one tier down, were there a lower one"


def override_words(card: Card) -> list[str]:
    """The overrides, those of one rule joined: "a blocking dimension stands at L1: 4.6 Reliability, 4.7 Security"."""
    of_rule: dict[str, list[str]] = {}
    for text in card.overrides:
        rule, colon, what = text.rpartition(": ")
        of_rule.setdefault(rule if colon else what, []).extend([what] if colon else [])
    return [f"{rule}: {', '.join(what)}" if what else rule for rule, what in of_rule.items()]


def policy_place(card: Card) -> str:
    """The protected policy and its commit; empty without one."""
    protected = card.inputs.protected
    if protected is None:
        return ""
    return f"{protected.name} at {protected.revision[:7]}" if protected.revision else protected.name


def policy_words(card: Card) -> str:
    """How many keys differ from the protected policy's, and which; empty if none, or there is no such policy."""
    protected = card.inputs.protected
    if protected is None or not protected.differences:
        return ""
    count = f"{len(protected.differences)} difference{'' if len(protected.differences) == 1 else 's'}"
    return f"{count} from {policy_place(card)}; the stricter counts: {protected.differing}"


def policy_rows(card: Card) -> list[tuple[str, str, str, str]]:
    """Each difference: its key, what both say and where, and what counts."""
    differences = card.inputs.protected.differences if card.inputs.protected is not None else ()
    return [(d.key, f"{d.here} ({d.here_origin})", f"{d.there} ({d.there_origin})", d.taken) for d in differences]


def policy_record(card: Card) -> list[tuple[str, str]]:
    """The protected policy's commit and digest, for the record; nothing without one."""
    protected = card.inputs.protected
    if protected is None:
        return []
    commit = [("Policy, commit", protected.revision)] if protected.revision else []
    return [("Policy", protected.name), *commit, ("Policy, SHA-256", protected.digest)]


def not_run_words(card: Card) -> str:
    """How many checks could not run, and the reason that most of them have; empty if none."""
    reasons = Counter(one_line(r.reason) for r in card.checks if r.outcome is Outcome.COULD_NOT_RUN)
    if not reasons:
        return ""
    (reason, of), *others = reasons.most_common()
    count = reasons.total()
    said = f"{count} check{'s' if count > 1 else ''}"
    if others:
        # Before the reason, whose end may be cut.
        said += f" for {len(reasons)} reasons, {f'{of} of them' if of > 1 else 'the first'}"
    return f"{said}: {reason or 'no reason given'}"


def unproven_words(card: Card) -> str:
    """Checks that passed and whose evidence is none, or is of no kind that counts, and what is amiss; empty if none."""
    lacking = [r for r in card.checks if r.outcome in {Outcome.UNSUPPORTED, Outcome.WEAK}]
    if not lacking:
        return ""
    first = lacking[0]
    count = "1 check" if len(lacking) == 1 else f"{len(lacking)} checks"
    return f"{count}: {short_name(first.check.id)}: {one_line(first.reason)}"


def broken_words(card: Card) -> str:
    """Checks that are wrong themselves, and what the first of them said; empty if none."""
    said: dict[str, str] = {}
    for result in card.checks:
        for attempt in result.attempts:
            if attempt.status is Status.BROKEN:
                said.setdefault(result.check.id, one_line(attempt.reason).strip() or "no reason given")
    if not said:
        return ""
    check, reason = next(iter(said.items()))
    count = "1 check is wrong itself" if len(said) == 1 else f"{len(said)} checks are wrong themselves"
    return f"{count}: {short_name(check)}: {reason}"


def capped(dimension: DimensionResult) -> bool:
    """Whether the level is held down by the missing second reviewer alone."""
    return dimension.would_be > dimension.level


def evidence_of(result: CheckResult) -> list[Evidence]:
    """What a check's attempts recorded, each piece once; first what those recorded that did not pass.

    Parameters of one check share what their fixtures recorded; that would otherwise stand there once for each.
    """
    seen: dict[tuple[str, ...], Evidence] = {}
    for attempt in worst_first(result.attempts):
        for piece in attempt.evidence:
            seen.setdefault((piece.kind, piece.title, piece.taken_at, piece.target, piece.body), piece)
    return list(seen.values())


def worst_first(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Attempts that did not pass, then those whose parts did not, then those that did, otherwise in order."""
    amiss = {(whole_of(a.instance), a.started, a.worker) for a in attempts if a.status is not Status.PASSED}

    def rank(attempt: Attempt) -> int:
        if attempt.status is not Status.PASSED:
            return 0
        return 1 if (attempt.instance, attempt.started, attempt.worker) in amiss else 2

    return sorted(attempts, key=rank)


def _identity(checks: Sequence[Check]) -> Iterator[bytes]:
    for check in checks:
        line = [check.id, check.dimension, check.criterion, check.level, sorted(check.needs)]
        yield json.dumps(line, separators=(",", ":")).encode() + b"\n"


def plan_digest(card: Card) -> str:
    """SHA-256 over the plan: id, dimension, criterion, level and needs of each check, in the order of the walk.

    Two runs with the same digest set out from the same checks.
    """
    digest = hashlib.sha256()
    for line in _identity(card.inputs.plan):
        digest.update(line)
    return digest.hexdigest()


def rows_without_answer(card: Card) -> Iterator[RowResult]:
    """Rows that no executed check answers, in the standard's order."""
    for dimension in card.dimensions:
        for criterion in dimension.criteria:
            yield from (row for row in criterion.rows if row.state is not RowState.COVERED)


def raise_words(way: Raise) -> str:
    """One way to lift the result, in one sentence; checks by the names of their functions."""
    how = way.how or f"{way.dimension} to L{way.to_level}: {', '.join(way.checks)}"
    for check in way.checks:
        how = how.replace(check, short_name(check))
    return f"{how}: {way.lifts}" if way.lifts else how


def gate_words(card: Card) -> str:
    """Whether the gate is passed, and why; a sentence without its full stop."""
    reason = card.verdict.reason
    return reason[:1].upper() + reason[1:]


def no_worse_words(card: Card) -> str:
    """What became of ``--audit-no-worse``; empty if that was not asked, or the gate's own words have it."""
    found = card.no_worse
    if found is None or (card.verdict.gate is not None and found.reason in card.verdict.reason):
        return ""
    lead = {True: "passed: ", False: "not passed: ", None: ""}[found.passed]
    return f"{lead}{found.reason}"


def sign_off_words(card: Card) -> str:
    """Who signed which levels, and when: "grace@example.org, 2026-08-31, for 4.1 and 4.2"; empty if nobody did."""
    signed = card.sign_off
    if signed is None:
        return ""
    *others, last = signed.dimensions
    named = f"{', '.join(others)} and {last}" if others else last
    return f"{signed.reviewer}, {date_of(signed.signed_at)}, for {named}"


def reviewer(card: Card) -> str:
    """The second reviewer: who signed, else who is to."""
    return card.sign_off.reviewer if card.sign_off else card.inputs.document.second_reviewer


def notices(card: Card, *, brief: bool = False) -> list[str]:
    """What belongs to no dimension, the gravest first.

    Args:
        card: The scorecard.
        brief: Whether earlier runs of the commit, of which there may be many, are one notice.
    """
    seal = card.seal
    said = ["the record was cut short"] if seal is None else []
    if seal is not None:
        said += [f"invalid: {seal.invalid}"] if seal.invalid else []
        said += [f"interrupted: {seal.interrupted}"] if seal.interrupted else []
        said += [f"broken: {text}" for text in seal.broken]
    told = frozenset(seal.broken) if seal else frozenset()
    return [
        *said,
        *(text for text in card.notices if text not in told),
        *_earlier(card.inputs.earlier, brief=brief),
    ]


def _earlier(runs: Sequence[str], *, brief: bool) -> list[str]:
    if len(runs) < 2 or not brief:
        return [f"earlier: {text}" for text in runs]
    return [f"earlier: {len(runs)} runs of this commit, the latest: {runs[-1].removeprefix('run ')}"]

"""Whether a run shows that a finding is mended. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pytest_backend_audit.ledger.again import command
from pytest_backend_audit.ledger.cases import missed
from pytest_backend_audit.ledger.lateness import last_word
from pytest_backend_audit.ledger.moved import as_planned
from pytest_backend_audit.ledger.obstacles import OWN_CRITERIA
from pytest_backend_audit.ledger.places import environments
from pytest_backend_audit.ledger.speaking import judged_alike, passed_in, shown_in
from pytest_backend_audit.ledger.state import State, Tracked
from pytest_backend_audit.ledger.terms import There, names_of
from pytest_backend_audit.ledger.times import Times
from pytest_backend_audit.model import (
    DERIVED,
    PROOF,
    Card,
    CheckResult,
    DimensionResult,
    Evidence,
    Mode,
    Outcome,
    RowState,
)
from pytest_backend_audit.titles import headline

OUTPUT_LIMIT = 4000
"""Characters of a check's output that go into the ledger."""
PIECE_LIMIT = 1000
PIECES = 8


class StaysOpenError(Exception):
    """The run does not show it; the message says why."""


def run_trouble(card: Card, commit: str, service: str, *, ours: bool) -> str:
    """Why a run closes nothing at all; empty if it may.

    Args:
        card: Its card.
        commit: The one that is checked out.
        service: Whose ledger it is.
        ours: Whether it was made to close findings, so that it is narrowed to their checks, each of them whole.
    """
    inputs, seal = card.inputs, card.seal
    document = inputs.document
    trouble = ""
    if inputs.mode is not Mode.FORMAL:
        trouble = f"the run is a rehearsal; a formal one closes findings: {command(inputs)}"
    elif seal is None or seal.interrupted:
        broken = f" ({seal.broken[0]})" if seal and seal.broken else ""
        trouble = f"the run did not end{f': {seal.interrupted}{broken}' if seal else ''}"
    elif seal.invalid:
        trouble = f"the run is invalid: {seal.invalid}"
    elif card.partial and not ours:
        trouble = f"the run is partial: {card.partial[0]}; take a whole one, or have the checks run anew (no --run)"
    elif document.service != service and not inputs.config_path:
        trouble = "the run found no audit.yaml; name it: --config PATH"
    elif document.service != service:
        trouble = (
            f"the run is of the service {document.service!a}, the ledger of {service!a}; if that is its name before, "
            f"give it back in audit.yaml (service: {service}); else name that service's audit.yaml: --config PATH"
        )
    elif not inputs.standard_loaded:
        # Such a run asks for no kind of evidence: what the standard calls weak would pass.
        trouble = f"{OWN_CRITERIA} and commit"
    elif document.commit != commit:
        trouble = (
            f"the run is of commit {document.commit[:12] or 'none'}, and {commit[:12]} is checked out; findings are "
            "closed at the present commit"
        )
    return trouble


def outdated(card: Card, times: Times, tracked: Tracked, state: State) -> frozenset[str]:
    """Environments in which a later run has told of a finding: what has come up since, an older one can't show mended.

    Args:
        card: Of the run.
        times: Of its runs, by the names that environments go by.
        tracked: The finding, as the ledger has it.
        state: The ledger.

    Raises:
        StaysOpenError: One has in each of those in which it is open.
    """
    here = dict.fromkeys(map(state.places.one, names_of(card.inputs)))
    words = {place: (last_word(tracked, place, state), times.of(place, tracked.finding.check)[0]) for place in here}
    late = frozenset(place for place, (newest, instant) in words.items() if newest > instant)
    # What was told of another environment in which it is no longer open does not matter here.
    open_ = [place for place in here if place in tracked.where] or list(here)
    if late.issuperset(open_):
        newest, instant = max(words[place] for place in open_)
        raise StaysOpenError(
            f"there is later word of it, of {newest}, than this run of {instant}; take a run made since, or have its "
            "check run anew (no --run)"
        )
    return late


def refuse_unanswered(tracked: Tracked, where: Iterable[str], late: Collection[str]) -> None:
    """See that a run closes a finding in one of the environments in which it is open.

    Args:
        tracked: The finding, which passed in one of them.
        where: Those in which it would be closed.
        late: Those of which there is later word.

    Raises:
        StaysOpenError: It does in none of them.
    """
    if set(where).isdisjoint(tracked.where):
        passed = ", ".join(place for place in tracked.where if place in late)
        raise StaysOpenError(
            f"there is later word of it in {passed} than this run; take a run made since, or have its check run anew "
            "(no --run)"
        )


def closes_in(card: Card, tracked: Tracked, state: State, there: There) -> tuple[str, ...]:
    """Environments in which a card closes a finding, by all of their names.

    Args:
        card: If it shows that the finding is mended, which `shown` tells.
        tracked: The finding.
        state: The ledger, by the card's names of environments.
        there: Which audit.yaml are still there.

    Raises:
        StaysOpenError: In none of those where it is open.
    """
    alike, wrong = judged_alike(card, tracked, state, there)
    if wrong and not set(alike) & set(tracked.where):
        raise StaysOpenError(wrong[0][1].replace("--audit-policy=", "--policy "))
    places = tuple(name for name in shown_in(card, tracked, state) if state.places.one(name) in alike)
    if wrong and not set(map(state.places.one, places)) & set(tracked.where):
        raise StaysOpenError(f"in {wrong[0][0]} {wrong[0][1].replace('--audit-policy=', '--policy ')}")
    return places


def shown(card: Card, tracked: Tracked, state: State) -> str:
    """What shows that a finding is mended: the output of its check, or how its dimension stands.

    Raises:
        StaysOpenError: Nothing does.
    """
    tracked = as_planned(card, tracked, state)
    finding = tracked.finding
    here = environments(card.inputs.document.environment)
    if tracked.where and not set(map(state.places.one, names_of(card.inputs))) & set(tracked.where):
        there = tracked.where[0]
        stated = card.inputs.config.get("environments")
        before = f", or, if that is its name before, state it (environments: {here[0]}: formerly: {there})"
        raise StaysOpenError(
            f"it is open in {', '.join(tracked.where)}, and this run was in {', '.join(here)}: --env {there}"
            + ("" if isinstance(stated, Mapping) and there in stated else before)
        )
    if finding.check in DERIVED:
        return _of_dimension(card, tracked)
    result = next((r for r in card.checks if r.check.id == finding.check), None)
    if result is None:
        raise StaysOpenError(_not_run(card, finding.check))
    places = dict.fromkeys(map(state.places.one, shown_in(card, tracked, state)))
    passed = set(map(state.places.one, passed_in(card, finding.check)))
    if result.outcome is not Outcome.PASSED and not passed & set(tracked.where):
        line = headline(result.reason)
        # A pass that counts for less says so in its reason.
        word = _WORDS.get(result.outcome)
        raise StaysOpenError(f"its check {f'{word}: {line}' if word and line else word or line}")
    if tracked.where and not places.keys() & set(tracked.where):
        raise StaysOpenError(f"its check did not run in {', '.join(tracked.where)}: --env {tracked.where[0]}")
    if out := missed(result, tracked, state, places):
        raise StaysOpenError(
            f"{', '.join(out[:3])} of its check did not pass, and is no longer part of it; the next audit that is "
            "filed takes note of that"
        )
    return _output(result)


_WORDS = {
    Outcome.FAILED: "failed",
    Outcome.BROKEN: "is broken",
    Outcome.COULD_NOT_RUN: "could not run",
}


def _not_run(card: Card, check: str) -> str:
    if check in card.inputs.not_sought:
        return f"its check is above the level that is sought, and did not run: {check}"
    if any(c.id == check for c in card.inputs.plan):
        return f"its check was left out of the run: {'; '.join(card.partial) or check}"
    broken = card.seal.broken if card.seal else ()
    why = f" ({'; '.join(broken)})" if broken else ""
    return f"its check is no longer part of the audit: {check}{why}; the next audit that is filed takes note of that"


def _of_dimension(card: Card, tracked: Tracked) -> str:
    finding = tracked.finding
    if card.partial:
        raise StaysOpenError(
            f"it is about all of {finding.dimension}; a whole audit shows it: {command(card.inputs)}, then --run "
            "audit-report"
        )
    dimension = next((d for d in card.dimensions if d.id == finding.dimension), None)
    if dimension is None:
        raise StaysOpenError(f"the run has no dimension {finding.dimension}")
    if finding.check == PROOF:
        if dimension.would_be < finding.target:
            raise StaysOpenError(
                f"{finding.dimension} stands at L{dimension.would_be}, the target is L{finding.target}"
            )
        if same := next((f for f in card.findings if f.fingerprint == tracked.fingerprint), None):
            raise StaysOpenError(f"the run has it too: {headline(same.title)}")
        return f"{finding.dimension} {dimension.name} stands at L{dimension.would_be}"
    bare = _rows(dimension, RowState.UNCOVERED)
    if bare:
        few = ", ".join(bare[:5]) + (f" and {len(bare) - 5} more" if len(bare) > 5 else "")
        raise StaysOpenError(f"{_counted(len(bare))} of {finding.dimension} without a check: {few}")
    count = len(_rows(dimension, RowState.COVERED)) + len(_rows(dimension, RowState.NOT_EXECUTED))
    return f"no row of {finding.dimension} {dimension.name} is without a check; {_counted(count)} with one"


def _counted(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows} rows"


def _rows(dimension: DimensionResult, state: RowState) -> list[str]:
    return [f"{r.criterion} L{r.level}" for c in dimension.criteria for r in c.rows if r.state is state]


def _output(result: CheckResult) -> str:
    pieces = list(dict.fromkeys(_piece(piece) for attempt in result.attempts for piece in attempt.evidence))
    parts = pieces[:PIECES]
    if len(pieces) > PIECES:
        parts.append(f"and {len(pieces) - PIECES} more pieces of evidence")
    return _cut("\n".join(parts), OUTPUT_LIMIT)


def _piece(piece: Evidence) -> str:
    source = ", ".join(text for text in (piece.target, piece.taken_at) if text)
    head = f"{piece.kind.value}: {piece.title}" + (f" ({source})" if source else "")
    return _cut(f"{head}\n{piece.body}".strip(), PIECE_LIMIT)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"

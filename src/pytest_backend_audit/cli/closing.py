"""``backend-audit findings close``: run the checks that findings name once more, and close those that pass."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_backend_audit.cli.closing_by import options_for, places_to_run
from pytest_backend_audit.cli.ledgers import place_of, top_of, who
from pytest_backend_audit.cli.runs import DEFAULT, finished, run_folder
from pytest_backend_audit.cli.standing import read_here
from pytest_backend_audit.cli.terms import judged_otherwise, there_at
from pytest_backend_audit.cli.waiting import waiting

if TYPE_CHECKING:
    from pytest_backend_audit.finished import Finished
    from pytest_backend_audit.ledger import Place, State, Tracked
    from pytest_backend_audit.ledger.events import Closed, Event

_LAST = 15
"""Lines of pytest's output that an error shows."""
_USAGE = 4
"""pytest's exit status for a usage error."""


def close(args: argparse.Namespace) -> int:
    """Run ``findings close``: 0 if all are closed, 1 if one stays open, or is gone and nothing shows it to be mended.

    Raises:
        ValueError: Nothing could be looked at; the message is for the user.
    """
    top = top_of(args)
    by = who(args, top)
    place = place_of(args, top)
    state = read_here(place)
    asked = list(dict.fromkeys(state.find(given).fingerprint for given in args.finding))
    tracked = [t for t in state.findings if t.fingerprint in asked]
    done = [t for t in tracked if not t.status.is_open]
    wanted = [t for t in tracked if t.status.is_open]
    said = [_already(t) for t in done]
    if wanted:
        with tempfile.TemporaryDirectory(prefix="backend-audit-") as temporary:
            said += _looked(args, place, wanted, by, Path(temporary))
    return _told(args, said)


def _looked(
    args: argparse.Namespace, place: Place, wanted: list[Tracked], by: str, temporary: Path
) -> list[tuple[Tracked, str, str]]:
    """Each finding, with the reason why it is not closed, and what became of it where it does not stay open."""
    from pytest_backend_audit.document.git import ask  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger import append, held, known_as, read  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.closing import run_trouble  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.obstacles import of_clock, of_kinds  # noqa: PLC0415 - heavy
    from pytest_backend_audit.recorder import utc_now  # noqa: PLC0415 - heavy

    said: list[tuple[Tracked, str, str]] = []
    whole, checks = _parted(wanted)
    if not args.run_folder:
        said += [(t, f"it is about all of {t.finding.dimension}; {_by_a_whole_run(args, t, place)}", "") for t in whole]
        wanted = checks
    if not wanted:
        return said
    commit = ask(place.top, "rev-parse", "HEAD").line
    if args.run_folder:
        run = _given(args.run_folder)
    else:
        options, refused = options_for(args, wanted, place, commit)
        said += [(t, why, "") for t, why in refused]
        marks = {t.fingerprint for t, _ in refused}
        wanted = [t for t in wanted if t.fingerprint not in marks]
        if not wanted:
            return said
        run = _again(args, options, wanted, temporary)
    trouble = run_trouble(run.card, commit, place.service, ours=not args.run_folder)
    made = [record.inputs for record in run.records]
    trouble = trouble or next(of_kinds(known_as(read(place), run.card.inputs.formerly), made), "")
    if trouble := trouble or next(of_clock(run.card.inputs, utc_now()), ""):
        raise ValueError(f"nothing was closed: {trouble}")
    with held(place):
        # Somebody may have filed, or closed, since.
        events, stay = _shown(args, run, wanted, place, by)
        append(place, events)
    said += stay
    after = read_here(place)
    said += [_became(after, t) for t in wanted if t.fingerprint in {e.fingerprint for e in events}]
    _tell(events, after)
    return said


def _shown(
    args: argparse.Namespace, run: Finished, wanted: Sequence[Tracked], place: Place, by: str
) -> tuple[list[Closed], list[tuple[Tracked, str, str]]]:
    """The closings that a run shows, and of each other finding why it stays open, or that it is closed already."""
    from pytest_backend_audit.ledger import known_as, read, terms  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.closing import (  # noqa: PLC0415 - heavy
        StaysOpenError,
        closes_in,
        outdated,
        refuse_unanswered,
        shown,
    )
    from pytest_backend_audit.ledger.moved import as_planned  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.speaking import answered_elsewhere  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.times import Times  # noqa: PLC0415 - heavy

    state, inputs = read(place), run.card.inputs
    state = known_as(state, inputs.formerly)
    one, there = state.places.one, there_at(place.top, inputs.document.commit)
    times = Times(inputs.instant, [replace(ran, environment=one(ran.environment)) for ran in run.ran])
    events: list[Closed] = []
    said: list[tuple[Tracked, str, str]] = []
    for each in wanted:
        now = state.of(each.fingerprint) or each
        if not now.status.is_open:
            said.append(_already(now))
            continue
        try:
            now = as_planned(run.card, now, state)
            check = now.finding.check
            late = outdated(run.card, times, now, state)
            where = [name for name in closes_in(run.card, now, state, there) if one(name) not in late]
            output = shown(run.card, now, state)
            refuse_unanswered(now, map(one, where), late)
            known = terms.of(now, state, where)
            changed = judged_otherwise(run.card, now, known, state, place) if known else ()
            blind = answered_elsewhere(run.card, check, state)
            instants = {name: times.of(one(name), check)[0] for name in where}
            # Each one's pass is as old as its own run.
            for instant in sorted({*instants.values()}):
                here = [name for name in where if instants[name] == instant]
                event = _closed(run, now, by, instant=instant, output=output, where=here, changed=changed)
                events.append(replace(event, elsewhere={name: blind[one(name)] for name in here if one(name) in blind}))
        except StaysOpenError as error:
            # This command's own name of the option, which pytest's is for a run that was made before.
            why = str(error) if args.run_folder else str(error).replace("--audit-allow=", "--allow ")
            said.append((now, why, ""))
    return events, said


def _by_a_whole_run(args: argparse.Namespace, tracked: Tracked, place: Place) -> str:
    """How a finding is closed that is about a whole dimension."""
    from pytest_backend_audit.ledger.again import command_in  # noqa: PLC0415 - heavy

    command = command_in(places_to_run(args, tracked, place))
    return f"a whole audit shows it: {command}, then backend-audit findings close {tracked.number} --run {DEFAULT}"


def _parted(wanted: list[Tracked]) -> tuple[list[Tracked], list[Tracked]]:
    from pytest_backend_audit.model import DERIVED  # noqa: PLC0415 - heavy

    whole = [t for t in wanted if t.finding.check in DERIVED]
    return whole, [t for t in wanted if t not in whole]


def _became(after: State, tracked: Tracked) -> tuple[Tracked, str, str]:
    now = after.of(tracked.fingerprint)
    if now is not None and now.status.is_open:
        return tracked, f"closed here, and still open in {', '.join(now.where)}", ""
    if now is not None and now.unmended:
        why = f"closed here, and gone unmended elsewhere: {now.unmended}"
        return tracked, why, why
    return tracked, "", f"closed, {_shown_by(now or tracked)}"


def _already(tracked: Tracked) -> tuple[Tracked, str, str]:
    """How a finding that is not open any more came to that; one that nobody saw mended is not closed."""
    if reason := tracked.unmended:
        why = f"gone unmended: {reason}"
        return tracked, why, f"is {why}; the next audit that is filed shows whether it is mended"
    shown = _shown_by(tracked) if tracked.closing else tracked.reason
    return tracked, "", f"is {tracked.status} already: {shown}"


def _shown_by(tracked: Tracked) -> str:
    """What closed a finding: its check, or the dispute about it."""
    from pytest_backend_audit.ledger.events import Closed, Resolved  # noqa: PLC0415 - heavy
    from pytest_backend_audit.model import DERIVED  # noqa: PLC0415 - heavy

    words = [e for _, e in tracked.history if isinstance(e, Closed) or (isinstance(e, Resolved) and e.upheld)]
    # Of lines that two branches wrote the last one may be an older word; gone elsewhere since, the last closing counts.
    last = tracked.ending if isinstance(tracked.ending, Closed | Resolved) else words[-1]
    if isinstance(last, Resolved):
        return f"{last.by} upheld the dispute about it"
    finding, commit = tracked.finding, last.commit[:12]
    if finding.check in DERIVED:
        shown = f"a whole audit at {commit} no longer has it: {finding.dimension} {finding.dimension_name}"
    else:
        shown = f"its check passed at {commit}: {finding.dimension} {finding.criterion or finding.check}"
    return f"{shown}; judged otherwise since it was filed: {'; '.join(last.changed)}" if last.changed else shown


def _given(folder: str) -> Finished:
    from pytest_backend_audit.finished import verify  # noqa: PLC0415 - heavy
    from pytest_backend_audit.journal import State  # noqa: PLC0415 - heavy

    found = verify(run_folder(folder))
    if found.state is State.ALTERED:
        raise ValueError(f"nothing was closed: the run was altered: {found.problems[0]}")
    return finished(folder)


def _again(args: argparse.Namespace, judged_by: list[str], wanted: Sequence[Tracked], temporary: Path) -> Finished:
    """Run the checks of these findings at the present commit."""
    report = Path(args.report).absolute() if args.report else temporary / "run"
    options = ["--audit-sha=HEAD", f"--audit-report={report}", *judged_by]
    options += [f"--audit-allow={args.allow}"] if args.allow else []
    ids = json.dumps(sorted({t.finding.check for t in wanted}))
    command = [sys.executable, "-P", "-m", "pytest_backend_audit.cli.only", ids, *options]
    with waiting("running the checks again"):
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    try:
        # A run that pytest refused may have begun a journal.
        if done.returncode != _USAGE:
            return finished(str(report))
        why: object = "a usage error"
    except ValueError as error:
        why = error
    lines = [line for line in (done.stdout or "").splitlines() if line.strip()]
    errors = next((n for n, line in enumerate(lines) if line.startswith("ERROR: ")), max(0, len(lines) - _LAST))
    told = "\n".join(f"  {line}" for line in lines[errors:][:_LAST]) or f"  {why}"
    raise ValueError(f"nothing was closed, pytest ended with status {done.returncode}:\n{told}")


def _closed(
    run: Finished,
    tracked: Tracked,
    by: str,
    *,
    instant: str,
    output: str,
    where: Sequence[str],
    changed: tuple[str, ...],
) -> Closed:
    from pytest_backend_audit.ledger.events import Closed  # noqa: PLC0415 - heavy
    from pytest_backend_audit.recorder import utc_now  # noqa: PLC0415 - heavy

    inputs = run.card.inputs
    return Closed(
        at=utc_now(),
        by=by,
        number=tracked.number,
        fingerprint=tracked.fingerprint,
        environment=", ".join(where),
        commit=inputs.document.commit,
        instant=instant,
        head=", ".join(run.heads),
        outcome="passed",
        output=output,
        config=inputs.config_path,
        config_digest=inputs.config_digest,
        changed=changed,
    )


def _tell(events: Sequence[Event], after: State) -> None:
    from pytest_backend_audit.cli.trackers import tell  # noqa: PLC0415 - heavy

    tell(events, after)


def _told(args: argparse.Namespace, said: list[tuple[Tracked, str, str]]) -> int:
    from pytest_backend_audit.reports.text import one_line  # noqa: PLC0415 - heavy

    ordered = sorted(said, key=lambda entry: entry[0].number)
    if args.json:
        facts = [{"id": t.number, "closed": not why, "reason": why} for t, why, _ in ordered]
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        for tracked, why, became in ordered:
            text = became or f"stays open: {why}"
            sys.stdout.write(f"{tracked.number}: {one_line(text)}\n")
    return int(any(why for _, why, _ in said))

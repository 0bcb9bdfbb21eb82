"""``backend-audit file``: put a run's card into the repository, and its findings into the ledger."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.ledgers import add_who, top_of, who
from pytest_backend_audit.cli.ledgers import found as ledgers
from pytest_backend_audit.cli.output import fail
from pytest_backend_audit.cli.retiring import given_up
from pytest_backend_audit.cli.runs import add_run, add_signers, finished, run_folder, usual
from pytest_backend_audit.cli.terms import judged_otherwise, of_another_name, there_at
from pytest_backend_audit.cli.waiting import waiting
from pytest_backend_audit.cli.whichrun import other_than_head

if TYPE_CHECKING:
    from pytest_backend_audit.finished import Finished
    from pytest_backend_audit.ledger import Place, State, Tracked
    from pytest_backend_audit.ledger.events import Event
    from pytest_backend_audit.ledger.filing import Filing
    from pytest_backend_audit.ledger.terms import Terms

REFUSED = 1
_SHOWN = 5
"""Alterations that are named."""
_DAY_LIMIT = 1000
"""Cards of one day."""


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "file",
        help="file a run's card and findings in the repository",
        description="Write audits/<service>/<date>.md, the scorecard, and <date>.json for machines, and add the "
        "findings to audits/<service>/ledger.jsonl, which gives each its number. The date is that of the audit, UTC; a "
        "second audit of a day has -2. Nothing is overwritten, and nothing committed.",
        epilog="A run is refused that is a rehearsal, partial, invalid, torn, altered or by its own criteria, whose "
        "document control is incomplete, whose findings have no owner, whose runbook does not refer to "
        "audits/<service>/, or that was filed already: all reasons at once. Exit status: 0 filed, 1 refused, 2 usage.",
    )
    add_run(parser)
    add_signers(parser)
    parser.add_argument(
        "--repository", metavar="DIR", help="the audited repository (default: the one of this folder, or of the run)"
    )
    add_who(parser)
    parser.add_argument("--json", action="store_true", help="what was filed, or why not, as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``file``."""
    from pytest_backend_audit.document.git import GitError  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    try:
        run_folder(args.folder)
        top = top_of(args)
        by = who(args, top)
        with waiting("filing"):
            return _file(args, top, by)
    except (ValueError, GitError) as error:
        return fail(clean(str(error)))


def _file(args: argparse.Namespace, top: Path, by: str) -> int:
    from pytest_backend_audit.ledger import Place, held, known_as, obstacles, read  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.shelf import notices, strangers  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.store import without_filings  # noqa: PLC0415 - heavy
    from pytest_backend_audit.recorder import utc_now  # noqa: PLC0415 - heavy

    if altered := _altered(Path(args.folder)):
        return _refused(args, altered)
    done = finished(args.folder, args.allowed_signers)
    reasons = [*obstacles.of_run(done.card), *obstacles.of_document(done.card)]
    reasons += [*obstacles.of_clock(done.card.inputs, utc_now())]
    if done.no_sign_off:
        without = "to file it unsigned, take signoff.json and its signature away"
        reasons.append(f"its sign-off does not count: {done.no_sign_off}; {without}")
    notes: list[str] = []
    if not done.card.inputs.document.service.strip():
        return _refused(args, reasons)
    place = Place(top, done.card.inputs.document.service)
    reasons += [*_of_repository(done, place, notes)]
    state = read(place)
    if alone := without_filings(place, state):
        reasons.append(alone)
    reasons += [*obstacles.of_ledger(done.card, state, done.heads, _lost(place, state, done))]
    by_its_names = known_as(state, done.card.inputs.formerly)
    reasons += [*obstacles.of_kinds(by_its_names, [record.inputs for record in done.records])]
    reasons += [*obstacles.of_names(by_its_names, done.card.inputs)]
    reasons += [*obstacles.of_owners(done.card, _filing(done, place, state, by).after, _assigning(args, done, top))]
    if reasons:
        return _refused(args, reasons)
    with held(place):
        # Somebody else may have filed since.
        state = read(place)
        if late := [*obstacles.of_ledger(done.card, state, done.heads, _lost(place, state, done))]:
            return _refused(args, late)
        filing = _filing(done, place, state, by)
        _write(place, filing, done)
        # That a card is lost is settled once its run is filed again.
        settled = {*state.notices} - {*notices(place.folder, read(place))}
    notes += [notice for notice in state.notices if notice not in settled]
    notes += [*filing.notes, *_undated(filing, place), *strangers(place.folder, filing.after.cards)]
    notes += [*of_another_name(done, place, state), *given_up(done.card.inputs, filing.after)]
    _tell(filing)
    return _said(args, place, filing, notes)


def _lost(place: Place, state: State, done: Finished) -> frozenset[str]:
    """Names by which the run was filed and that another audit's card has, so that it may be filed again."""
    from pytest_backend_audit.ledger.shelf import lost_of_run  # noqa: PLC0415 - heavy

    return lost_of_run(place.folder, done.heads, state.cards)


def _write(place: Place, filing: Filing, done: Finished) -> None:
    """The cards and what the checks kept, then the ledger; where one of them can't be written, none of them stays."""
    from pytest_backend_audit.ledger import append, create  # noqa: PLC0415 - heavy

    made: list[Path] = []
    texts = dict(_texts(filing, done))
    try:
        for suffix, text in texts.items():
            path = place.folder / f"{_name(filing)}{suffix}"
            create(path, text)
            made.append(path)
        append(place, _sealed(filing.events, texts))
    except OSError as error:
        _taken_back(made)
        raise ValueError(f"{place.name} can't be written: {error.strerror}; nothing was filed") from None
    except BaseException:
        _taken_back(made)
        raise


def _sealed(events: Sequence[Event], texts: Mapping[str, str]) -> list[Event]:
    """The events, with the digests of the files that lie beside them."""
    from pytest_backend_audit import filed, kept  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.events import Filed  # noqa: PLC0415 - heavy

    digests = {suffix: filed.digest(text.encode("utf-8", "backslashreplace")) for suffix, text in texts.items()}
    card, values = digests[".json"], digests.get(kept.SUFFIX, "")
    content = filed.content_digest(texts[".json"].encode("utf-8", "backslashreplace"))
    page = filed.page_digest(texts[".md"].encode("utf-8", "backslashreplace"))
    return [
        replace(e, card=card, content=content, kept=values, page=page) if isinstance(e, Filed) else e for e in events
    ]


def _taken_back(made: list[Path]) -> None:
    for path in made:
        path.unlink(missing_ok=True)


def _altered(folder: Path) -> list[str]:
    """What was changed in a run folder since the run wrote it."""
    from pytest_backend_audit.finished import verify  # noqa: PLC0415 - heavy
    from pytest_backend_audit.journal import AGAIN, State  # noqa: PLC0415 - heavy

    found = verify(folder)
    if found.state is State.ALTERED:
        return [f"the run was altered: {problem}. {AGAIN}" for problem in found.problems[:_SHOWN]]
    return [] if found.lines else [f"the run did not begin: {problem}" for problem in found.problems]


def _of_repository(done: Finished, place: Place, notes: list[str]) -> Iterator[str]:
    """What the repository says against it: it lacks the commit, or the runbook does not refer to the audits."""
    from pytest_backend_audit.cli.runbook import trouble  # noqa: PLC0415 - heavy
    from pytest_backend_audit.document.git import ask  # noqa: PLC0415 - heavy

    document = done.card.inputs.document
    if not document.commit:
        return
    if ask(place.top, "cat-file", "-e", f"{document.commit}^{{commit}}").status:
        yield (
            f"the audited commit {document.commit[:12]} is not in {place.top}: is that the audited repository "
            "(--repository DIR)? A shallow clone may lack it (git fetch --unshallow)"
        )
        return
    if other := other_than_head(place.top, document.commit):
        notes.append(other)
    if document.runbook.strip():
        said, note = trouble(place, document.commit, document.runbook.strip(), done.card.inputs.config_path)
        if note:
            notes.append(note)
        if said:
            yield said


def _filing(done: Finished, place: Place, state: State, by: str) -> Filing:
    from pytest_backend_audit.ledger.filing import Who, filing  # noqa: PLC0415 - heavy
    from pytest_backend_audit.recorder import utc_now  # noqa: PLC0415 - heavy

    day = done.card.inputs.instant[:10]
    who = Who(utc_now(), by)
    name = _free(place, state, day)

    def changed(tracked: Tracked, known: Terms) -> tuple[str, ...]:
        return judged_otherwise(done.card, tracked, known, state, place)

    return filing(
        done.card,
        state,
        name=name,
        heads=done.heads,
        who=who,
        runs=done.ran,
        there=there_at(place.top, done.card.inputs.document.commit),
        changed=changed,
    )


def _free(place: Place, state: State, day: str) -> str:
    """The first free name of a day: no file has it, and no line of the ledger."""
    from pytest_backend_audit.kept import SUFFIX  # noqa: PLC0415 - heavy

    taken = {f.file for f in state.filings}
    names = (day, *(f"{day}-{n}" for n in range(2, _DAY_LIMIT)))
    for name in names:
        if name not in taken and not any((place.folder / f"{name}{s}").exists() for s in (".md", ".json", SUFFIX)):
            return name
    raise ValueError(f"{place.name}: {_DAY_LIMIT} audits of {day}; there is no name left")


def _name(filing: Filing) -> str:
    from pytest_backend_audit.ledger.events import Filed  # noqa: PLC0415 - heavy

    return next(e.file for e in filing.events if isinstance(e, Filed))


def _texts(filing: Filing, done: Finished) -> Iterator[tuple[str, str]]:
    from pytest_backend_audit import filed, kept  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports import render  # noqa: PLC0415 - heavy

    card = filing.card
    yield ".md", render(card, "md")
    yield ".json", filed.text(filed.filed(card, numbers=filing.numbers, sources=done.heads, apart=done.heads_apart))
    # For the checks of the next audit that compare with this one, after the run folder is gone.
    if text := kept.text(attempt for record in done.records for attempt in record.attempts):
        yield kept.SUFFIX, text


def _assigning(args: argparse.Namespace, done: Finished, top: Path) -> str:
    """What `findings assign` has to be told so that it looks into the very run that is to be filed."""
    from pytest_backend_audit.document.git import ask  # noqa: PLC0415 - heavy

    found = Path(args.folder).resolve() == Path(usual()).resolve()
    # By itself that command takes no run of another commit.
    found = found and ask(top, "rev-parse", "HEAD").line == done.card.inputs.document.commit
    options = [] if found else ["--run", args.folder]
    return shlex.join([*options, *(["--repository", args.repository] if args.repository else [])])


def _undated(filing: Filing, place: Place) -> Iterator[str]:
    now = (filing.after.of(f.fingerprint) for f in filing.card.findings)
    bare = sum(t.status.is_open and not t.due for t in now if t)
    if bare:
        count = "1 finding has" if bare == 1 else f"{bare} findings have"
        whose = f" --service {shlex.quote(place.service)}" if len(ledgers(place.top)) > 1 else ""
        assign = f"backend-audit findings assign F-NNNN --due DATE{whose}"
        yield f"{count} no due date, as the disposition sets none: {assign}"


def _tell(filing: Filing) -> None:
    from pytest_backend_audit.cli.trackers import tell  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.events import Filed  # noqa: PLC0415 - heavy

    tell([e for e in filing.events if not isinstance(e, Filed)], filing.after)


def _refused(args: argparse.Namespace, reasons: list[str]) -> int:
    from pytest_backend_audit.reports.text import one_line  # noqa: PLC0415 - heavy

    if args.json:
        sys.stdout.write(json.dumps({"filed": None, "reasons": reasons}, indent=2) + "\n")
        return REFUSED
    sys.stderr.write(f"{args.folder}: not filed\n" + "".join(f"  - {one_line(reason)}\n" for reason in reasons))
    return REFUSED


def _is_open(filing: Filing, mark: str) -> bool:
    """Whether a finding is open after a filing, as one that is gone in one environment may be."""
    known = filing.after.of(mark)
    return known is not None and known.status.is_open


def _said(args: argparse.Namespace, place: Place, filing: Filing, notes: list[str]) -> int:
    from pytest_backend_audit.ledger.events import Found, Gone  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    counts = dict.fromkeys(("opened", "reopened", "seen", "gone"), 0)
    became: dict[str, str] = {}
    for event in filing.events:
        # Of a finding each environment may have a line of its own; the first says what became of it.
        if isinstance(event, Found | Gone) and not (event.type == "gone" and _is_open(filing, event.fingerprint)):
            became.setdefault(event.fingerprint, event.type)
    for kind in became.values():
        counts[kind] += 1
    card, path = filing.card, f"{place.name}/{_name(filing)}.md"
    if args.json:
        findings = [{"id": f.id, "fingerprint": f.fingerprint, "owner": f.owner, "due": f.due} for f in card.findings]
        facts = {
            "filed": path,
            "card": f"{place.name}/{_name(filing)}.json",
            "service": place.service,
            "total": card.total,
            "disposition": card.disposition.id if card.disposition else None,
            "findings": findings,
            **counts,
            "notes": notes,
        }
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
        return 0
    name = card.disposition.name if card.disposition else "no disposition"
    told = [
        f"{counts['opened']} new",
        *([f"{counts['seen']} as before"] if counts["seen"] else []),
        *([f"{counts['reopened']} again"] if counts["reopened"] else []),
        *([f"{counts['gone']} gone"] if counts["gone"] else []),
    ]
    lines = [
        f"{path}: {name}, {card.total} of {card.maximum}",
        f"findings: {', '.join(told)}; `backend-audit findings list`",
        *(f"note: {note}" for note in notes),
        f"next: git add {os.path.relpath(place.folder)} && git commit",
    ]
    sys.stdout.write("".join(f"{clean(line)}\n" for line in lines))
    return 0

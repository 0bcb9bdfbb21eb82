"""``backend-audit findings``: the ledger of a service's findings, from the day they are filed to the day they close."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.ledgers import NAME_LIMIT, add_place, add_who, found, place_of, top_of, who
from pytest_backend_audit.cli.output import WIDTH, columns, fail, hanging
from pytest_backend_audit.cli.runs import DEFAULT, usual
from pytest_backend_audit.cli.standing import read_here

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import Place, State, Tracked
    from pytest_backend_audit.ledger.events import Event

SEVERITIES = ("critical", "high", "medium", "low")
EFFORTS = ("S", "M", "L")
_ROOM = 24
"""Columns that are left to what is found, however long an owner's name is."""
_TEXT_LIMIT = 4000
"""Characters of a reason."""
_YEARS = 10
"""How far ahead a due date may be."""
_NAMED = "F-NNNN, or the first digits of the fingerprint"


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "findings",
        help="the ledger of findings: list, assign, close",
        description="Work off what audits found. The ledger is audits/<service>/ledger.jsonl in the audited "
        "repository: lines are added, never changed, and git keeps them.",
        epilog="Exit status: 0 fine, 1 a finding stays open or is gone unmended, 2 usage.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    _add_list(actions)
    _add_assign(actions)
    _add_dispute(actions)
    _add_resolve(actions)
    _add_close(actions)
    _add_replace(actions)
    _add_retire(actions)
    _add_export(actions)


def _add_action(actions: Any, name: str, act: Callable[[argparse.Namespace], int], text: str, more: str) -> Any:
    parser = actions.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}. {more}".strip())
    add_place(parser)
    parser.set_defaults(run=_guarded, act=act)
    return parser


def _add_selection(parser: Any) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--open", action="store_true", help="those that are open or disputed (the default)")
    which.add_argument("--all", action="store_true", help="closed ones and those that are gone, too")
    parser.add_argument("--due-before", metavar="DATE", type=_day, help="due before that day")
    parser.add_argument("--owner", metavar="NAME", help="whose owner's name holds this")
    parser.add_argument("--severity", choices=SEVERITIES, help="of that severity or worse")


def _add_list(actions: Any) -> None:
    parser = _add_action(actions, "list", _list, "list findings", "By severity, then by due date.")
    _add_selection(parser)
    parser.add_argument("--json", action="store_true", help="all fields, with each finding's history, as JSON")


def _add_assign(actions: Any) -> None:
    parser = _add_action(
        actions,
        "assign",
        _assign,
        "say who is to mend findings, until when, and what it takes",
        "Before a run is filed its findings have no numbers yet; they are named by the digits that its card shows.",
    )
    parser.add_argument("finding", nargs="*", metavar="FINDING", help=_NAMED)
    parser.add_argument("--unassigned", action="store_true", help="all that have no owner yet")
    parser.add_argument("--owner", metavar="NAME", type=_name, help="who is to mend them")
    parser.add_argument("--due", metavar="DATE", type=_due, help="until when, as 2027-01-31")
    parser.add_argument("--effort", choices=EFFORTS, default="", help="what it takes")
    parser.add_argument(
        "--run",
        dest="run_named",
        metavar="RUN",
        help=f"run that is to be filed (default {DEFAULT}, where that is one of the commit that is checked out)",
    )
    parser.add_argument("--json", action="store_true", help="how each stands now, as JSON")
    add_who(parser)


def _add_dispute(actions: Any) -> None:
    more = "It moves no score; the reviewer resolves it."
    parser = _add_action(actions, "dispute", _dispute, "log that somebody holds a finding to be wrong", more)
    parser.add_argument("finding", metavar="FINDING", help=_NAMED)
    parser.add_argument("--reason", metavar="TEXT", type=_text, required=True, help="why")
    parser.add_argument("--json", action="store_true", help="how it stands now, as JSON")
    add_who(parser)


def _add_resolve(actions: Any) -> None:
    more = (
        "By the second reviewer of the audit.yaml that the audits went by, or somebody whose key the allowed signers "
        "have, as the last commit states them; never by the lead auditor, the finding's owner or who disputes it. "
        "Upheld closes the finding until an audit finds it again: mend the check, or declare the exception in "
        "audit.yaml. Dismissed lets it stand."
    )
    parser = _add_action(actions, "resolve", _resolve, "give the reviewer's word on a dispute", more)
    parser.add_argument("finding", metavar="FINDING", help=_NAMED)
    word = parser.add_mutually_exclusive_group(required=True)
    word.add_argument("--upheld", action="store_true", help="the finding is wrong")
    word.add_argument("--dismissed", action="store_true", help="the finding stands")
    parser.add_argument("--reason", metavar="TEXT", type=_text, required=True, help="why")
    parser.add_argument("--config", "--audit-config", metavar="PATH", help="audit.yaml, where that one is gone")
    parser.add_argument("--json", action="store_true", help="how it stands now, as JSON")
    add_who(parser)


def _add_close(actions: Any) -> None:
    more = (
        "Runs the check that a finding names once more, in a formal run of HEAD, and keeps its output in the ledger. A "
        "finding whose check does not pass, with evidence, stays open; one that is gone though nothing shows it to be "
        "mended, as its check or a case was taken out, is no closed one. One about a whole dimension, a row without a "
        "check or a level without a proof, needs a whole run: --run."
    )
    parser = _add_action(actions, "close", _close, "run the checks of findings again, and close those that pass", more)
    parser.add_argument("finding", nargs="+", metavar="FINDING", help=_NAMED)
    parser.add_argument(
        "--run", dest="run_folder", metavar="RUN", help="look into this run of the present commit instead of a new one"
    )
    parser.add_argument("--env", "--audit-env", metavar="NAME", help="default: the environment it was found in")
    parser.add_argument("--config", "--audit-config", metavar="PATH", help="audit.yaml, if it is not at the top")
    parser.add_argument(
        "--allow", "--audit-allow", metavar="LIST", help="of load, writes, faults, probes: what checks may do"
    )
    parser.add_argument(
        "--policy",
        "--audit-policy",
        metavar="REV|PATH",
        help="hold audit.yaml to this policy as well, as the audit was that found it",
    )
    parser.add_argument("--report", metavar="DIR", help="keep the new run there")
    parser.add_argument("--json", action="store_true", help="what became of each, as JSON")
    add_who(parser)


def _add_replace(actions: Any) -> None:
    more = (
        "A finding closes, and goes by a later audit, only by the audit.yaml and the policy of the audits that had it. "
        "Where a branch was renamed, a file moved or a policy has another place, the reviewer says so, and the ledger "
        "keeps it; who that is, is told by `findings resolve --help`."
    )
    text = "say that another audit.yaml or policy has come in the place of one"
    parser = _add_action(actions, "replace", _replace, text, more)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--policy", metavar="NAME", help="the policy, as filed audits or --audit-policy name it")
    which.add_argument("--config", metavar="PATH", help="the audit.yaml, as filed audits name it")
    parser.add_argument(
        "--by", metavar="NEW", required=True, help="what --audit-policy, or --audit-config, takes for it now"
    )
    parser.add_argument("--reason", metavar="TEXT", type=_text, required=True, help="why")
    parser.add_argument("--audit-config", metavar="PATH", help="audit.yaml, where that of these audits is gone")
    parser.add_argument("--json", action="store_true", help="what was said, as JSON")
    add_who(parser)


def _add_retire(actions: Any) -> None:
    more = (
        "What is open in an environment goes by audits of that one. Where it was given up, the reviewer says so, and "
        "the ledger keeps it: its findings are gone there, and stay open in the others. A later audit of it opens anew "
        "what it finds. One that has another name is stated in audit.yaml instead (environments: NAME: formerly). Who "
        "the reviewer is, is told by `findings resolve --help`."
    )
    parser = _add_action(actions, "retire", _retire, "say that an environment is audited no more", more)
    parser.add_argument("environment", metavar="ENV", help="as filed audits name it")
    parser.add_argument("--reason", metavar="TEXT", type=_text, required=True, help="why")
    parser.add_argument("--audit-config", metavar="PATH", help="audit.yaml, where that of these audits is gone")
    parser.add_argument("--json", action="store_true", help="what was said, as JSON")
    add_who(parser)


def _add_export(actions: Any) -> None:
    more = "Markdown has all twelve fields of each, as the text of an issue; CSV is safe to open in a spreadsheet."
    parser = _add_action(actions, "export", _export, "write findings for a tracker to standard output", more)
    _add_selection(parser)
    parser.add_argument("--format", choices=("md", "csv"), required=True, help="Markdown, or CSV")


def _text(given: str) -> str:
    if not given.strip():
        raise argparse.ArgumentTypeError("an empty text says nothing")
    if len(given) > _TEXT_LIMIT:
        raise argparse.ArgumentTypeError(
            f"{len(given):,} characters; {_TEXT_LIMIT:,} are enough, and a link for the rest"
        )
    return " ".join(given.split())


def _name(given: str) -> str:
    if len(given) > NAME_LIMIT:
        raise argparse.ArgumentTypeError(f"{len(given):,} characters; a name has {NAME_LIMIT} at most")
    return _text(given)


def _due(given: str) -> str:
    day, today = _day(given), datetime.now(UTC).date()
    if day < (today - timedelta(1)).isoformat():  # west of Greenwich it may still be yesterday
        raise argparse.ArgumentTypeError(f"{day} is past; today is {today}")
    if int(day[:4]) > today.year + _YEARS:
        raise argparse.ArgumentTypeError(f"{day} is more than {_YEARS} years ahead")
    return day


_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _day(given: str) -> str:
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError:
        no_day = ", and there is no such day" if _DATE.fullmatch(given) else ""
        raise argparse.ArgumentTypeError(f"found {given!r}; a date is written as 2027-01-31{no_day}") from None


def _guarded(args: argparse.Namespace) -> int:
    from pytest_backend_audit.document.git import GitError  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    try:
        status: int = args.act(args)
    except (ValueError, GitError) as error:
        return fail(clean(str(error)))
    return status


def _list(args: argparse.Namespace) -> int:
    from pytest_backend_audit.cli.replacing import told as replaced  # noqa: PLC0415 - heavy
    from pytest_backend_audit.jsonable import to_builtins  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.shelf import notices  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    place, state = _read(args)
    chosen = _chosen(args, state)
    if args.json:
        facts = {
            "service": place.service,
            "findings": [
                {
                    "status": t.status.value,
                    "opened": t.opened,
                    "where": list(t.where),
                    "closing": t.closing,
                    **to_builtins(t.current()),
                    "history": [{"line": line, **to_builtins(event)} for line, event in t.history],
                }
                for t in chosen
            ],
            "replaced": [to_builtins(word) for word in state.replaced.last.values()],
            "notices": list(notices(place.folder, state)),
        }
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
        return 0
    # Also where all that is left is in one of them.
    several = len({place for filing in state.filings for place in state.places.of(filing.environment)}) > 1
    sys.stdout.writelines(f"{line}\n" for line in _table(chosen, several=several))
    counts = {s: sum(t.status is s for t in state.findings) for s in dict.fromkeys(t.status for t in state.findings)}
    told = ", ".join(f"{n} {status.value}" for status, n in counts.items()) or "no finding was filed yet"
    none = "" if chosen or not state.findings else "none of that kind; "
    sys.stdout.write(f"{place.name}/ledger.jsonl: {none}{told}\n")
    for word in state.replaced.last.values():
        sys.stdout.writelines(f"{line}\n" for line in hanging(clean(replaced(word))))
    _note(place, state)
    return 0


def _table(chosen: Sequence[Tracked], *, several: bool) -> list[str]:
    """A line a finding; where it is open, if there are several environments."""
    from pytest_backend_audit.reports.text import cut, one_line  # noqa: PLC0415 - heavy

    rows = [
        (
            t.number,
            t.status.value,
            t.finding.severity.value,
            t.due or "no date",
            one_line(t.owner) or "nobody",
            one_line(
                f"{t.finding.dimension} {_titles(t) if several and t.where else t.finding.title}"
                + (f" (disputed by {t.dispute.by}: {t.dispute.reason})" if t.dispute else "")
                + (f"; {t.closing}" if t.closing else "")
                + (f" ({t.reason})" if t.reason else "")
            ),
        )
        for t in chosen
    ]
    if not rows:
        return []
    sizes = [max(len(row[n]) for row in rows) for n in range(5)]
    left = WIDTH - sum(sizes[:4]) - 2 * 4
    # A longer name has a line of its own.
    sizes[4] = min(sizes[4], left - 2 - _ROOM)
    return columns([(*row[:4], cut(row[4], left), row[5]) for row in rows], WIDTH, widths=sizes)


def _titles(tracked: Tracked) -> str:
    """What is told of a finding, each with the environments of which it is true, the gravest first."""
    places: dict[str, list[str]] = {tracked.finding.title: []}
    for place in tracked.where:
        places.setdefault(tracked.told[place].title, []).append(place)
    return "; ".join(f"{title} (in {', '.join(there)})" for title, there in places.items())


def _chosen(args: argparse.Namespace, state: State) -> list[Tracked]:
    worst = SEVERITIES[: SEVERITIES.index(args.severity) + 1] if args.severity else SEVERITIES
    chosen = [
        t
        for t in state.findings
        if (args.all or t.status.is_open)
        and t.finding.severity.value in worst
        and (not args.due_before or (t.due and t.due < args.due_before))
        and (not args.owner or args.owner.casefold() in t.owner.casefold())
    ]
    # What is left equal stays in the order in which it was opened.
    return sorted(chosen, key=lambda t: (SEVERITIES.index(t.finding.severity.value), t.due or "9999"))


def _export(args: argparse.Namespace) -> int:
    from pytest_backend_audit.reports.tracked import markdown, table  # noqa: PLC0415 - heavy

    place, state = _read(args)
    make = {"md": markdown, "csv": table}[args.format]
    out = sys.stdout.buffer
    out.writelines(piece.encode("utf-8", "backslashreplace") for piece in make(_chosen(args, state)))
    out.flush()
    _note(place, state)
    return 0


def _assign(args: argparse.Namespace) -> int:
    from pytest_backend_audit.cli.assigning import named  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger import held  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.events import Assigned  # noqa: PLC0415 - heavy
    from pytest_backend_audit.recorder import utc_now  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    if not (args.owner or args.due or args.effort):
        raise ValueError("nothing to assign: give --owner, --due or --effort")
    if bool(args.finding) == args.unassigned:
        raise ValueError("name findings, or give --unassigned, and not both")
    args.run_folder = args.run_named or usual()
    top = top_of(args)
    by = who(args, top)
    place = place_of(args, top, run_first=args.unassigned or not any(a.upper().startswith("F") for a in args.finding))
    marks = list(dict.fromkeys(named(args, place, read_here(place))))
    if not marks:
        sys.stdout.write("[]\n" if args.json else "no finding is without an owner\n")
        return 0
    with held(place):
        state = read_here(place)
        numbers = {t.fingerprint: t.number for t in state.findings}
        events = [
            Assigned(utc_now(), by, mark, numbers.get(mark, ""), args.owner or "", args.due or "", args.effort)
            for mark in marks
        ]
        _put(place, events)
    if args.json:
        after = read_here(place)
        sys.stdout.write(json.dumps([_stands(after, mark) for mark in marks], indent=2) + "\n")
        return 0
    what = ", ".join(t for t in (args.owner, f"due {args.due}" if args.due else "", args.effort) if t)
    whose = f"{place.name}: " if len(found(top)) > 1 else ""
    by_run = "" if numbers.keys() >= set(marks) else f" (of the run {args.run_folder})"
    those = ", ".join(numbers.get(mark, mark[:8]) for mark in marks)
    sys.stdout.write(clean(f"{whose}{those}: {what}{by_run}") + "\n")
    return 0


def _stands(state: State, mark: str) -> dict[str, str | None]:
    """How the finding of a fingerprint stands; before it was filed, as it was assigned."""
    known, before = state.of(mark), state.assigned.get(mark)
    return {
        "id": known.number if known else None,
        "fingerprint": mark,
        "status": known.status.value if known else None,
        "owner": known.owner if known else before.owner if before else "",
        "due": known.due if known else before.due if before else "",
        "effort": known.effort if known else before.effort if before else "",
    }


def _dispute(args: argparse.Namespace) -> int:
    from pytest_backend_audit.ledger import Status  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.events import Disputed  # noqa: PLC0415 - heavy

    def make(tracked: Tracked, _: State, at: str, by: str) -> Event:
        if tracked.status is not Status.OPEN:
            raise ValueError(f"{tracked.number} is {tracked.status}; only an open finding can be disputed")
        return Disputed(at, by, tracked.number, tracked.fingerprint, args.reason)

    return _one(args, make, lambda _: "disputed; `backend-audit findings resolve` is the reviewer's")


def _resolve(args: argparse.Namespace) -> int:
    from pytest_backend_audit.cli.resolving import allowed  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger import Status  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.events import Resolved  # noqa: PLC0415 - heavy

    def make(tracked: Tracked, state: State, at: str, by: str) -> Event:
        if tracked.status is not Status.DISPUTED or tracked.dispute is None:
            raise ValueError(f"{tracked.number} is {tracked.status}, no dispute of it is open")
        if why := allowed(args, tracked, state, at, by):
            raise ValueError(why)
        latest = max(tracked.courses[place].seen for place in tracked.where)
        return Resolved(
            at,
            by,
            tracked.number,
            tracked.fingerprint,
            args.upheld,
            args.reason,
            environment=", ".join(tracked.where),
            instant=latest if latest > at else "",
        )

    def said(now: Tracked) -> str:
        word = "the dispute is upheld" if args.upheld else "the dispute is dismissed"
        seen = f" in {', '.join(now.where)}, seen since by later audits" if args.upheld and now.status.is_open else ""
        return f"{now.status}{seen}, {word}"

    return _one(args, make, said)


def _close(args: argparse.Namespace) -> int:
    from pytest_backend_audit.cli.closing import close  # noqa: PLC0415 - heavy

    return close(args)


def _replace(args: argparse.Namespace) -> int:
    from pytest_backend_audit.cli.replacing import replace  # noqa: PLC0415 - heavy

    return replace(args)


def _retire(args: argparse.Namespace) -> int:
    from pytest_backend_audit.cli.retiring import retire  # noqa: PLC0415 - heavy

    return retire(args)


def _one(
    args: argparse.Namespace, make: Callable[[Tracked, State, str, str], Event], said: Callable[[Tracked], str]
) -> int:
    """Add one event about one finding."""
    from pytest_backend_audit.ledger import held  # noqa: PLC0415 - heavy
    from pytest_backend_audit.recorder import utc_now  # noqa: PLC0415 - heavy

    top = top_of(args)
    by = who(args, top)
    place = place_of(args, top)
    read_here(place).find(args.finding)
    with held(place):
        state = read_here(place)
        tracked = state.find(args.finding)
        _put(place, [make(tracked, state, utc_now(), by)])
    if args.json:
        sys.stdout.write(json.dumps(_stands(read_here(place), tracked.fingerprint), indent=2) + "\n")
        return 0
    sys.stdout.write(f"{tracked.number}: {said(read_here(place).find(tracked.number))}\n")
    return 0


def _put(place: Place, events: Sequence[Event]) -> None:
    from pytest_backend_audit.cli.trackers import tell  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger import append  # noqa: PLC0415 - heavy

    append(place, events)
    tell(events, read_here(place))


def _read(args: argparse.Namespace) -> tuple[Place, State]:
    place = place_of(args, top_of(args))
    return place, read_here(place)


def _note(place: Place, state: State) -> None:
    from pytest_backend_audit.ledger.shelf import notices, strangers  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    told = (*notices(place.folder, state), *strangers(place.folder, state.cards))
    sys.stderr.writelines(f"{line}\n" for notice in told for line in hanging(f"note: {clean(notice)}"))

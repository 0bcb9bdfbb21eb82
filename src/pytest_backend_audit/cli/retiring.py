"""``backend-audit findings retire``: the reviewer says that an environment is audited no more."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_backend_audit.cli.ledgers import place_of, top_of, who
from pytest_backend_audit.cli.resolving import refuse_others, reviewed
from pytest_backend_audit.cli.standing import environments_of, read_here

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import Place, State, Tracked
    from pytest_backend_audit.ledger.events import Filed, Retired
    from pytest_backend_audit.model import Inputs


def retire(args: argparse.Namespace) -> int:
    """Run ``findings retire``.

    Raises:
        ValueError: No audit was of such an environment, audit.yaml still has it, or it is not theirs to say.
        GitError: git gave no answer.
    """
    from pytest_backend_audit.cli.trackers import tell  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger import append, held  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.events import Retired  # noqa: PLC0415 - heavy
    from pytest_backend_audit.recorder import utc_now  # noqa: PLC0415 - heavy

    top = top_of(args)
    by = who(args, top)
    place = place_of(args, top)
    with held(place):
        state = read_here(place)
        filings = _filings(args.environment, state)
        _refuse_present(args.environment, filings, state, place)
        counts = reviewed(args.audit_config, filings, state, place, option="--audit-config")
        refuse_others(counts, by, filings, place)
        before = _open(state, args.environment)
        if not before and (said := _retired(state, args.environment)):
            since = f"since {said.at[:10]} ({said.by}: {said.reason})"
            return _told(args, said, f"is audited no more already, {since}; nothing was written", ())
        word = Retired(utc_now(), by, args.environment, args.reason)
        append(place, [word])
    after = read_here(place)
    tell([word], after)
    gone = [t for t in before if t.number not in {left.number for left in _open(after, args.environment)}]
    elsewhere = sum(after.find(t.number).status.is_open for t in gone)
    count = "1 finding is" if len(gone) == 1 else f"{len(gone)} findings are"
    still = f", {elsewhere} of them still open elsewhere" if elsewhere else ""
    return _told(args, word, f"is audited no more: {count} gone there{still}", gone)


def _told(args: argparse.Namespace, word: Retired, became: str, gone: Sequence[Tracked]) -> int:
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    if args.json:
        numbers = [t.number for t in gone]
        facts = {"environment": args.environment, "by": word.by, "reason": word.reason, "gone": numbers}
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        sys.stdout.write(f"{clean(args.environment)} {became}\n")
    return 0


def _retired(state: State, environment: str) -> Retired | None:
    """The word that an environment is audited no more, if no audit of it was made, or filed, after that."""
    from pytest_backend_audit.ledger.events import Filed, Retired  # noqa: PLC0415 - heavy

    one, found = state.places.one, None
    for _, event in state.events:
        if isinstance(event, Retired) and one(event.environment) == one(environment):
            found = event
        elif isinstance(event, Filed) and one(environment) in state.places.of(event.environment):
            found = None
    return found


def given_up(inputs: Inputs, after: State) -> Iterator[str]:
    """Environments with open findings that the audit.yaml by which they were audited has no more, a line each.

    Args:
        inputs: Of the audit that is filed.
        after: The ledger, with it.
    """
    from pytest_backend_audit.ledger.places import environments  # noqa: PLC0415 - heavy

    one = after.places.one
    named = {one(name) for name in (inputs.config.get("environments") or [inputs.config.get("environment")]) if name}
    config = {one(place): f.config for f in after.filings for place in environments(f.environment)}
    for place in sorted({place for t in after.findings for place in t.where} - named):
        if named and config.get(place) == inputs.config_path != "":
            count = len(_open(after, place))
            are = "1 finding is" if count == 1 else f"{count} findings are"
            yield (
                f"{are} open in {place}, which audit.yaml no longer has: if it has another name, state it "
                f"(environments: NAME: formerly: {place}); if it is audited no more, the reviewer says so: "
                f"backend-audit findings retire {place} --reason TEXT"
            )


def _filings(given: str, state: State) -> list[Filed]:
    """The audits that were of an environment, by whichever name.

    Raises:
        ValueError: None was.
    """
    from pytest_backend_audit.ledger.places import environments  # noqa: PLC0415 - heavy

    one = state.places.one
    found = [f for f in state.filings if one(given) in map(one, environments(f.environment))]
    if not found:
        known = sorted({one(place) for f in state.filings for place in environments(f.environment)})
        raise ValueError(f"{given}: no audit was filed of it; audits are of {', '.join(known) or 'nothing yet'}")
    return found


def _refuse_present(given: str, filings: list[Filed], state: State, place: Place) -> None:
    """See that no audit.yaml by which it was audited still has it."""
    one = state.places.one
    for name in dict.fromkeys(f.config for f in filings if f.config and ":" not in f.config):
        if one(given) in map(one, environments_of(place.top / name)):
            raise ValueError(f"{given}: {name} still has it; take it out there first, or audit it")


def _open(state: State, environment: str) -> list[Tracked]:
    return [t for t in state.findings if state.places.one(environment) in t.where]

"""``backend-audit findings replace``: the reviewer says what has come in the place of an audit.yaml or a policy."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.ledgers import place_of, top_of, who
from pytest_backend_audit.cli.resolving import Reviewed, file_of, refuse_others, reviewed
from pytest_backend_audit.cli.terms import there_at

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import Place, State
    from pytest_backend_audit.ledger.events import Filed, Replaced
    from pytest_backend_audit.ledger.replacements import What


def replace(args: argparse.Namespace) -> int:
    """Run ``findings replace``.

    Raises:
        ValueError: There is nothing of that name to replace, nothing to put there, or it is not theirs to say.
        GitError: git gave no answer.
    """
    from pytest_backend_audit.ledger import append, held, read  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.events import Replaced  # noqa: PLC0415 - heavy
    from pytest_backend_audit.recorder import utc_now  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    top = top_of(args)
    by = who(args, top)
    place = place_of(args, top)
    what: What = "policy" if args.policy is not None else "audit.yaml"
    asked = args.policy if what == "policy" else args.config
    with held(place):
        state = read(place)
        before, filings = _known(what, asked, state)
        after = _config(args.by, place) if what == "audit.yaml" else ""
        counts = _reviewed(args, before, filings, state, place)
        after, given = (after, args.by) if after else _policy(args.by, counts)
        if after == before:
            stands = asked not in {before, args.by} and f"{before} stands for {asked} already"
            raise ValueError(stands or f"{args.by} is {before} itself; name what has come in its place")
        refuse_others(counts, by, filings, place)
        word = Replaced(utc_now(), by, what, before, after, given, args.reason)
        append(place, [word])
    if args.json:
        sys.stdout.write(json.dumps(_facts(word), indent=2) + "\n")
        return 0
    sys.stdout.write(f"{clean(told(word))}\n")
    return 0


def told(word: Replaced) -> str:
    """The word as a line."""
    return f"{word.what} {word.after} stands for {word.before}, by {word.by} on {word.at[:10]}: {word.reason}"


def _facts(word: Replaced) -> dict[str, str]:
    return {"what": word.what, "before": word.before, "after": word.after, "by": word.by, "reason": word.reason}


def _reviewed(args: argparse.Namespace, before: str, filings: Sequence[Filed], state: State, place: Place) -> Reviewed:
    """Whose reviewers say so: never those whom only what comes in its place names, while what it replaces is there."""
    named = args.audit_config
    if args.policy is None and ":" in before:
        # Nobody here can see whether an audit.yaml of another repository is still there.
        return Reviewed(file_of(args.by if named is None else named, "--audit-config="))
    moved = args.by if args.policy is None else None
    return reviewed(named, filings, state, place, option="--audit-config", moved=moved)


def _known(what: What, given: str, state: State) -> tuple[str, list[Filed]]:
    """What filings judged by, as they name it, and these filings.

    Raises:
        ValueError: None did, or what was typed for it stands for several.
    """
    filings = [(f, (f.policy, f.policy_given) if what == "policy" else (f.config,)) for f in state.filings]
    words = [(w.after, w.given) for w in state.replaced.last.values() if w.what == what]
    known_as = [*(names for _, names in filings), *words]
    # What was typed for it may be the name of another: a plain file's path counts from where one was.
    exact = [names[0] for names in known_as if given and given == names[0]]
    typed = [names[0] for names in known_as if given and given in names]
    found = {state.replaced.now(what, name): name for name in exact or typed}
    if len(found) > 1:
        raise ValueError(f"{given}: filed audits mean several by it, {', '.join(found.values())}; name one of them")
    for now in found:
        return now, [f for f, names in filings if state.replaced.now(what, names[0]) == now]
    known = ", ".join(sorted({names[0] for names in known_as if names[0]})) or "none at all"
    raise ValueError(f"{given}: no filed audit judged by {_A[what]} of that name; they judged by {known}")


_A = {"policy": "a policy", "audit.yaml": "an audit.yaml"}
_CHECKED_OUT = re.compile(r"(HEAD|@)([~^@].*)?|@\{.*")
"""Revisions that are another commit's wherever one is."""


def _policy(given: str, counts: Reviewed) -> tuple[str, str]:
    """Its name, and what ``--audit-policy`` takes for it wherever HEAD is."""
    from pytest_backend_audit.document import source  # noqa: PLC0415 - heavy
    from pytest_backend_audit.errors import AuditUsageError  # noqa: PLC0415 - heavy

    if counts.config is None:
        raise ValueError(counts.missing)
    if _CHECKED_OUT.fullmatch(given.partition(":")[0]):
        raise ValueError(
            f"--by {given}: that is whichever commit is checked out, and its own file is no policy of another; name a "
            "branch, a tag or a commit"
        )
    try:
        found = source(given, counts.config, base=Path.cwd())
    except AuditUsageError as error:
        raise ValueError(str(error).replace("--audit-policy=", "--by ")) from None
    _read(f"--by {given}: no audit could be held to it", found.name, found.content)
    return found.name, found.given


def _config(given: str, place: Place) -> str:
    from pytest_backend_audit.document import config_name, content  # noqa: PLC0415 - heavy

    path = file_of(given, "--by ") or Path()
    name = config_name(path, place.top, Path.cwd())
    if not there_at(place.top, "HEAD")(name):
        raise ValueError(f"--by {given}: it is not in the last commit; commit it first")
    raw = path.read_bytes() if ":" in name else content(place.top, "HEAD", name) or b""
    stated = _read(f"--by {given}: it is no audit.yaml", name, raw).get("service")
    if stated != place.service:
        raise ValueError(
            f"--by {given}: it is of {f'the service {stated!r}' if stated else 'no service'}, the ledger of "
            f"{place.service!r}; name that service's audit.yaml"
        )
    return name


def _read(wrong: str, name: str, raw: bytes) -> Mapping[str, Any]:
    """What a file says, once its policy keys were read as an audit reads them.

    Raises:
        ValueError: They are wrong.
    """
    from pytest_backend_audit.config import protected  # noqa: PLC0415 - heavy
    from pytest_backend_audit.errors import ConfigError  # noqa: PLC0415 - heavy

    try:
        policy = protected.parse(name, raw)
        # Incidents that lie beside it come and go; an audit looks at them.
        protected.read(
            policy, environment=None, day=datetime.now(UTC).date(), standard=None, beside=lambda beside: (beside, b"[]")
        )
    except ConfigError as error:
        raise ValueError(f"{wrong}: {error}") from None
    stated: Mapping[str, Any] = policy.document.data
    return stated

"""By what a run judges that is made to close findings: by what the audits had that found them."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.ledgers import CONFIG, nearest
from pytest_backend_audit.cli.resolving import file_of
from pytest_backend_audit.cli.standing import blocks_of, read_here
from pytest_backend_audit.cli.terms import there_at

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import Place, State, Tracked
    from pytest_backend_audit.ledger.terms import Terms


def options_for(
    args: argparse.Namespace, wanted: Sequence[Tracked], place: Place, commit: str
) -> tuple[list[str], list[tuple[Tracked, str]]]:
    """Options of pytest for audit.yaml, environment and policy, and why some findings stay open whatever it shows.

    What nobody asked for is what the audits had that found them.

    Raises:
        ValueError: There is no audit.yaml, or none of its environments, or several, are those in which they were found.
    """
    from pytest_backend_audit.document import config_name  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger import terms  # noqa: PLC0415 - heavy

    there = there_at(place.top, commit)
    first = file_of(args.config) or nearest(place.top, place.service) or place.top / CONFIG
    state = read_here(place, file_of(args.config))
    known = {t.fingerprint: terms.of(t, state, [args.env] if args.env else t.where) for t in wanted}
    asked = {mark: (found.asks(there), found) for mark, found in known.items() if found}
    names = {mark: found.config_of(filing, there) for mark, (filing, found) in asked.items()}
    here = (place.top / name for name in names.values() if name)
    chosen = first if args.config else next((path for path in here if path.is_file()), None)
    config = chosen or first
    if not config.is_file():
        raise ValueError(f"nothing was closed: there is no audit.yaml of {place.service} here: --config PATH")
    environment = args.env or _environment(wanted, blocks_of(config), state)
    policy, unread = (
        _policy(known.values(), config, place.top) if args.policy is None else (str(args.policy), dict[str, str]())
    )
    used = config_name(chosen, place.top, Path.cwd()) if chosen else ""
    if not chosen and config.resolve() != (place.top / CONFIG).resolve():
        chosen = config  # moved to where pytest would not look for it
    way_out = "leave --config out" if args.config else "close it by itself"
    said: list[tuple[Tracked, str]] = []
    for tracked in wanted:
        filing, found = asked.get(tracked.fingerprint, (None, None))
        name = names.get(tracked.fingerprint, "")
        if filing and name and name != used and used and ":" not in used:
            now = f", for which {name} stands now" if name != filing.config else ""
            judged = f"the audit {filing.file} that has it judged by {filing.config}{now}"
            said.append((tracked, f"{judged}, and not by {used}: {way_out}"))
        elif found and found.policy and (why := unread.get(found.policy_of(found.policy)[0])):
            said.append((tracked, why))
    options = [f"--audit-config={chosen}"] if chosen else []
    options += [f"--audit-env={environment}"] if environment else []
    options += [f"--audit-policy={policy}"] if policy else []
    return options, said


def places_to_run(args: argparse.Namespace, tracked: Tracked, place: Place) -> list[str]:
    """Environments of audit.yaml in which a finding is open, or the one that is asked for; none without a choice.

    Raises:
        ValueError: It has no environment of the name that is asked for.
    """
    config = file_of(args.config) or nearest(place.top, place.service) or place.top / CONFIG
    blocks = blocks_of(config)
    if args.env and args.env not in blocks:
        has = f"the environments {', '.join(blocks)}" if blocks else "no environments"
        raise ValueError(f"nothing was closed: --env {args.env}: {config.name} has {has}")
    if args.env:
        return [args.env] if len(blocks) > 1 else []
    one = read_here(place, file_of(args.config)).places.one
    here = [name for name in blocks if one(name) in tracked.where]
    return (here or list(blocks)) if len(blocks) > 1 else []


def _environment(wanted: Sequence[Tracked], blocks: Mapping[str, Any], state: State) -> str:
    """Where to run: where the findings are, by the name that audit.yaml has for it; empty if there is no choice.

    Raises:
        ValueError: audit.yaml has none of that name, or several.
    """
    one = state.places.one
    found = sorted({one(e) for t in wanted for e in t.where})
    if not blocks:
        return found[0] if len(found) == 1 else ""
    here = [name for name in blocks if one(name) in found]
    if len(set(map(one, here))) == 1:  # where two go by one name, pytest says so
        return here[0]
    if here:
        what = f"{wanted[0].number} is" if len(wanted) == 1 else "they are"
        raise ValueError(
            f"nothing was closed: {what} open in {', '.join(here)}, and a run is made in one of them; choose: "
            f"{' or '.join(f'--env {shlex.quote(name)}' for name in here)}"
        )
    raise ValueError(
        f"nothing was closed: found in {', '.join(found)}, and audit.yaml has the environments {', '.join(blocks)}: if "
        f"one of them had that name before, state it (environments: NAME: formerly: {found[0]}); if it is audited no "
        f"more, the reviewer says so: findings retire {found[0]} --reason TEXT"
    )


def _policy(known: Iterable[Terms | None], config: Path, top: Path) -> tuple[str, dict[str, str]]:
    """What ``--audit-policy`` is to be, and why policies that audits were held to are not here, by their names."""
    from pytest_backend_audit.document import source  # noqa: PLC0415 - heavy
    from pytest_backend_audit.errors import AuditUsageError  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.terms import REPLACED  # noqa: PLC0415 - heavy

    chosen, unread = "", dict[str, str]()
    for terms in known:
        if terms is None or terms.policy is None:
            continue
        name, given = terms.policy_of(terms.policy)
        # A plain file by its name in the repository: what was typed for it counted from another folder.
        given = str(top / name) if ":" not in name and (top / name).is_file() else given or name
        try:
            source(given, config, base=Path.cwd())
            chosen = chosen or given
        except AuditUsageError as error:
            why = str(error).partition("\n")[0].partition(": ")[2]
            file = terms.policy.file
            unread[name] = (
                f"the audit {file} that has it held audit.yaml to {name}, and {given} is not here: {why} {REPLACED}"
            )
    return chosen, unread

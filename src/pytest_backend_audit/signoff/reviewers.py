"""Who has the reviewer's word on a dispute: as a commit says it, never the work tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pytest_backend_audit import yamlnodes
from pytest_backend_audit.document.git import top_of
from pytest_backend_audit.document.revision import content, resolved
from pytest_backend_audit.ledger.names import folder_of
from pytest_backend_audit.people import first_same, people_in, same
from pytest_backend_audit.signoff.signers import LIMIT, Allowed, Entry, entries, names
from pytest_backend_audit.signoff.signing import NAMESPACE
from pytest_backend_audit.signoff.statement import SIGNERS

_SHORT = 12
_OPTION = re.compile(r'([\w-]+)="([^"]*)"')


class ReviewersError(ValueError):
    """Nobody can tell who reviews; the message says why, and the way out."""


@dataclass(frozen=True, slots=True)
class Reviewers:
    """Who may resolve disputes."""

    second: str
    """``second_reviewer`` of audit.yaml; empty if it is not stated."""
    lead: str
    """``lead_auditor`` of audit.yaml."""
    keys: tuple[tuple[str, ...], ...]
    """Of each key that may sign: everybody whom it stands for."""
    where: str
    """Where both are stated, for messages."""

    def everybody(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys([*([self.second] if self.second else []), *(n for key in self.keys for n in key)]))

    def others(self, person: str) -> tuple[str, ...]:
        """Whom the keys of a person stand for besides: another name makes nobody another person."""
        return tuple(n for key in self.keys if first_same(person, key) for n in key)


def reviewers(config: Path | None, top: Path, service: str, now: str) -> Reviewers:
    """Read who may resolve the disputes of a service.

    Args:
        config: Its audit.yaml, which is read at HEAD of the repository around it; None if there is none.
        top: Top of the audited repository, whose allowed signers count, as they are at HEAD.
        service: Whose disputes.
        now: RFC 3339 in UTC: a key may be valid for a time only.

    Raises:
        ReviewersError: audit.yaml is another service's, or was not committed.
        GitError: git gave no answer.
    """
    path, stated = _stated(config, service) if config else ("audit.yaml", {})
    settings = stated.get("sign_off")
    named = settings.get("allowed_signers") if isinstance(settings, Mapping) else None
    signers = named if isinstance(named, str) and named else SIGNERS
    commit = resolved(top, "HEAD")
    found = content(top, commit, signers, LIMIT) if commit else None
    return Reviewers(
        second=_text(stated, "second_reviewer"),
        lead=_text(stated, "lead_auditor"),
        keys=signing_at(Allowed(found, signers), now) if found is not None else (),
        where=f"second_reviewer in {path}, or a key in {signers}",
    )


def renamed(now: str, service: str) -> str:
    """The ways out where an audit.yaml names another service than the ledger is of.

    Args:
        now: The one that it names.
        service: The ledger's.
    """
    return (
        f"if {now!a} is another name for {service!a}, give it back the one that the ledger has (service: {service}) "
        f"and commit; to begin anew, git rm -r audits/{folder_of(service)}"
    )


def signing_at(allowed: Allowed, now: str) -> tuple[tuple[str, ...], ...]:
    """Of each key that may sign audits at an instant, everybody whom it stands for by name: a pattern names nobody."""
    found = [e for e in entries(allowed) if e.fingerprint and _for_audits(e) and _valid(e, now)]
    marks = dict.fromkeys(e.fingerprint for e in found if not e.authority)
    own = [names(e for e in found if e.fingerprint == mark and not e.authority) for mark in marks]
    # An authority's key makes certificates for each of them.
    certified = [(name,) for name in names(e for e in found if e.authority)]
    return tuple(key for key in (*own, *certified) if key)


def not_theirs(
    by: str, declared: Reviewers, *, disputer: str, owners: Iterable[str], leads: Iterable[str], number: str
) -> str:
    """Why somebody has no word on a dispute; empty if they have. Pure.

    Args:
        by: Who would resolve it.
        declared: Who may.
        disputer: Who disputes the finding.
        owners: Who is to mend it, and who was: else an owner hands it on for as long as the word takes.
        leads: Lead auditors of the audits that have found it.
        number: The finding's.
    """
    me = (by, *declared.others(by))
    owners, leads = tuple(filter(None, owners)), tuple(leads)
    lead = _named(me, (*leads, declared.lead))
    reasons = [
        (len(people_in(by)) != 1, f"{by}: one person resolves a dispute; name one: --who NAME"),
        (bool(lead), f"{lead} led the audit that found {number}; {_ELSE}"),
        (bool(_named(me, (disputer,))), f"{by} disputed {number}; {_ELSE}"),
        (bool(_named(me, owners)), f"{by} owns {number}, or has owned it; {_ELSE}"),
    ]
    barred = (*leads, declared.lead, disputer, *owners)
    return next((why for applies, why in reasons if applies), "") or _no_reviewer(by, declared, "resolve it", barred)


def not_reviewers(by: str, declared: Reviewers, *, leads: Iterable[str]) -> str:
    """Why somebody can't say that another audit.yaml or policy counts; empty if they can. Pure.

    Args:
        by: Who would say so.
        declared: Who may.
        leads: Lead auditors of the audits that judged by it.
    """
    leads = tuple(leads)
    lead = _named((by, *declared.others(by)), (*leads, declared.lead))
    if len(people_in(by)) != 1:
        return f"{by}: one person says so; name one: --who NAME"
    if lead:
        return f"{lead} led one of these audits; somebody else says so: --who NAME"
    return _no_reviewer(by, declared, "say so", (*leads, declared.lead))


_ELSE = "somebody else resolves it: --who NAME"


def _no_reviewer(by: str, declared: Reviewers, what: str, barred: Sequence[str]) -> str:
    """That somebody is none of the reviewers, and who of them may; empty if they are one.

    Args:
        by: The one who would.
        declared: The reviewers.
        what: What they would do.
        barred: People who may not, whatever is declared.
    """
    known = declared.everybody()
    if not known:
        return (
            f"nobody may {what}, as no reviewer is declared: state {declared.where} (a line a reviewer: ADDRESS and "
            "the public key), and commit"
        )
    if first_same(by, known):
        return ""
    free = [name for name in known if not _named((name, *declared.others(name)), filter(None, barred))]
    may = f"{', '.join(free)} may {what}: --who NAME" if free else f"nobody who is one may {what}"
    return f"{by} is no reviewer; {may}. Who else may is stated in the last commit: {declared.where}"


def _named(me: Iterable[str], others: Iterable[str]) -> str:
    """The first of others who is the person of these names."""
    mine = tuple(me)
    return next((other for other in others if any(same(name, other) for name in mine)), "")


def _stated(config: Path, service: str) -> tuple[str, Mapping[str, Any]]:
    """An audit.yaml's path in its repository, and what it says there at HEAD; it may lack in the work tree."""
    file = config.parent.resolve() / config.name
    top = top_of(next(folder for folder in file.parents if folder.is_dir()))
    commit = resolved(top, "HEAD")
    path = file.relative_to(top).as_posix()
    raw = content(top, commit, path) if commit else None
    if raw is None:
        raise ReviewersError(
            f"{config} is not in the last commit of {top}, and says who the second reviewer is; commit it, or name "
            "another: --config PATH"
        )
    shown = f"{path} at {commit[:_SHORT]}"
    data = yamlnodes.parse(raw, shown).data
    stated: Mapping[str, Any] = data if isinstance(data, dict) else {}
    if (told := _text(stated, "service")) != service:
        way_out = f"; {renamed(told, service)}" if told else ""
        raise ReviewersError(
            f"{shown}: is of the service {told!r}, the ledger of {service!r}; name that service's audit.yaml: --config "
            f"PATH{way_out}"
        )
    return path, stated


def _text(stated: Mapping[str, Any], key: str) -> str:
    value = stated.get(key)
    return value.strip() if isinstance(value, str) else ""


def _options(entry: Entry) -> dict[str, str]:
    return {name.lower(): value for name, value in _OPTION.findall(entry.options)}


def _for_audits(entry: Entry) -> bool:
    """Whether a key may sign audits, not only, say, commits."""
    spaces = _options(entry).get("namespaces")
    return spaces is None or any(fnmatchcase(NAMESPACE, part.strip()) for part in spaces.split(","))


def _valid(entry: Entry, now: str) -> bool:
    """Whether a key is valid at an instant, to the minute: ssh's instants are digits, ``20270131`` or with the time.

    One without ``Z`` is of the local zone, which we take for UTC: here nobody signs, and half a day decides nothing.
    """
    options = _options(entry)
    digits = re.sub(r"\D", "", now)[:14]
    after, before = (re.sub(r"\D", "", options.get(name, "")) for name in ("valid-after", "valid-before"))
    return (not after or after.ljust(14, "0") <= digits) and (not before or digits < before.ljust(14, "0"))

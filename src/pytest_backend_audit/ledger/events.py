"""The lines of a ledger. Each is one event, as JSON, with its type and the version of its form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeGuard

from pytest_backend_audit.jsonable import from_builtins, to_builtins
from pytest_backend_audit.model import Finding, Outcome

SCHEMA_VERSION = 1
LINE_LIMIT = 1024 * 1024
"""Bytes of one line; a finding with all its evidence has a few thousand."""

FORMS = {
    "at": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"),
    "file": re.compile(r"\d{4}-\d\d-\d\d(-\d{1,4})?"),
    "number": re.compile(r"F-\d{4,9}(-\d{1,3})?"),
    "fingerprint": re.compile(r"[0-9a-f]{8,64}"),
    "due": re.compile(r"(\d{4}-\d\d-\d\d)?"),
}
"""What must have a form: it becomes a path, is compared, or stands in messages."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A card was filed."""

    at: str
    """When it was filed, by the clock of who did; RFC 3339 in UTC, as in every event."""
    by: str
    file: str
    """Name of the card without its suffix: ``2026-08-31``, or ``2026-08-31-2``."""
    service: str
    environment: str
    environment_kind: str
    commit: str
    instant: str
    """Of the audit; of a merge the latest of its runs'."""
    heads: tuple[str, ...]
    """Last hash of the journal of each run that it was made from."""
    lead_auditor: str
    second_reviewer: str = ""
    """Who signed; empty without a sign-off."""
    total: int | None = None
    disposition: str = ""
    disposition_name: str = ""
    instants: Mapping[str, str] = field(default_factory=dict)
    """Of a merge: environment -> instant of its latest run there; empty for one run, and in lines of older versions."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Likewise environment -> its kind."""
    card: str = ""
    """SHA-256 of the card's JSON (`filed.digest`): it must stay as it was filed. Empty in lines of older versions."""
    content: str = ""
    """SHA-256 of what it says, whatever its layout (`filed.content_digest`); empty in lines of older versions."""
    kept: str = ""
    """Likewise of what its checks kept for the next audit; empty if they kept nothing."""
    page: str = ""
    """Likewise of the card for people, its Markdown; empty in lines of older versions."""
    config: str = ""
    """Path of audit.yaml in the audited repository; in another one, ``NAME:PATH``. Empty without one, and in lines of
    older versions."""
    config_digest: str = ""
    """SHA-256 of that file."""
    policy: str = ""
    """What audit.yaml was held to (``--audit-policy``), ``main:audit.yaml``; empty if to nothing."""
    policy_given: str = ""
    """The same as ``--audit-policy`` was given it."""
    policy_digest: str = ""
    """SHA-256 of that file."""
    standard: str = ""
    """The standard that counted, as audit.yaml or the policy names it; empty in lines of older versions."""
    standard_digest: str = ""
    """SHA-256 of what it says; empty of one that comes with this tool, and changes with its releases."""
    formerly: Mapping[str, str] = field(default_factory=dict)
    """Environment -> its name in the audits before, where audit.yaml says that it had another one."""
    named: tuple[str, ...] = ()
    """Environments that stood side by side in audit.yaml: none of them is another one by a later name."""
    lines: int | None = None
    """How many lines of findings were filed with it, so that none gets lost; None in lines of older versions."""
    type: Literal["filed"] = "filed"

    def instant_in(self, environment: str) -> str:
        """When the audit was made in one of its environments."""
        return self.instants.get(environment, self.instant)

    def kinds_of(self, environment: str) -> tuple[str, ...]:
        """Of which kind one of its environments is; of a merge by an older version, any of these."""
        return tuple(self.kinds.get(environment, self.environment_kind).split(", "))


@dataclass(frozen=True, slots=True)
class Found:
    """A filed card has the finding: for the first time, again after it was away, or still."""

    at: str
    number: str
    fingerprint: str
    file: str
    environment: str
    finding: Finding | None = None
    """None where a card still has it and tells nothing new; its evidence then stands in that card."""
    type: Literal["opened", "reopened", "seen"] = "opened"
    cases: tuple[str, ...] = ()
    """Of a check with parameters those that failed and have yet to pass there, ``[orders-2]``; in lines of older
    versions, where none failed, those that could not run."""
    count: int = 0
    """How many cases it has there; 0 where it has no parameters, and in lines of older versions."""
    could_not_run: tuple[str, ...] = ()
    """Likewise others that could not run there."""
    passed: tuple[str, ...] = ()
    """Likewise those that had failed, as far as was known, and passed there."""
    was: str = ""
    """Id of the check of which it is the finding in its new file, where that was moved; else empty."""
    outcome: str = ""
    """What became of its check there, or the failure since which it gave no answer; empty in lines of older versions,
    and of what no check is behind."""
    instant: str = ""
    """Of the latest run of its check there, where that is not the environment's latest."""
    same: str = ""
    """Of a line without the finding: `at` of the line that tells the same; empty in lines of older versions: of the one
    before."""

    @property
    def is_blind(self) -> bool:
        """Whether all that it tells is that the check could not run."""
        told = self.outcome or (self.finding.outcome if self.finding else "")
        return told == Outcome.COULD_NOT_RUN.value


@dataclass(frozen=True, slots=True)
class Gone:
    """A filed card of the same environment no longer has the finding."""

    at: str
    number: str
    fingerprint: str
    file: str
    environment: str
    reason: str
    changed: tuple[str, ...] = ()
    """What is judged otherwise than by the audit which told of the finding last, one line each."""
    instant: str = ""
    """When its check was run, of a merge first; empty in lines of older versions: then when the card's run was made."""
    elsewhere: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Those of its environments in which its check could not run -> the cases that could not, none where all: the pass
    of another environment answers that, and no failure of these. Empty in lines of older versions."""
    type: Literal["gone"] = "gone"


@dataclass(frozen=True, slots=True)
class Assigned:
    """Somebody is to mend it; empty texts change nothing."""

    at: str
    by: str
    fingerprint: str
    number: str = ""
    """Empty before it was filed."""
    owner: str = ""
    due: str = ""
    effort: str = ""
    type: Literal["assigned"] = "assigned"


@dataclass(frozen=True, slots=True)
class Disputed:
    """Somebody says that the finding is wrong. That moves no score."""

    at: str
    by: str
    number: str
    fingerprint: str
    reason: str
    type: Literal["disputed"] = "disputed"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The reviewer's word on a dispute: upheld, the finding is wrong; dismissed, it stands."""

    at: str
    by: str
    number: str
    fingerprint: str
    upheld: bool
    reason: str
    environment: str = ""
    """Where it was open when it was said; empty in lines of older versions: wherever an audit filed by then had it."""
    instant: str = ""
    """Of the latest run that it speaks of, where a clock ahead of the reviewer's made that later than this word."""
    type: Literal["resolved"] = "resolved"


@dataclass(frozen=True, slots=True)
class Closed:
    """The check that the finding names passed when it was run again, and what it put out."""

    at: str
    by: str
    number: str
    fingerprint: str
    environment: str
    commit: str
    instant: str
    """Of the run that shows it; of a merge, of the first of its runs that did."""
    head: str
    """Last hash of its journal."""
    outcome: str
    output: str
    """What the check recorded, cut where it is long."""
    config: str = ""
    """Path of the audit.yaml that the run was judged by, in the repository."""
    config_digest: str = ""
    """SHA-256 of that file."""
    changed: tuple[str, ...] = ()
    """What is judged otherwise than by the audit which told of the finding last, one line each."""
    elsewhere: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """As for what is gone: what could not run, and was answered in another environment."""
    type: Literal["closed"] = "closed"


@dataclass(frozen=True, slots=True)
class Replaced:
    """The reviewer's word that another audit.yaml, or policy, has come in the place of one that audits judged by."""

    at: str
    by: str
    what: Literal["audit.yaml", "policy"]
    before: str
    """As the filings of these audits name it."""
    after: str
    """As later filings do."""
    given: str
    """What ``--audit-config`` or ``--audit-policy`` takes for it."""
    reason: str
    type: Literal["replaced"] = "replaced"


@dataclass(frozen=True, slots=True)
class Retired:
    """The reviewer's word that an environment is audited no more: what was found there is no longer to be mended."""

    at: str
    by: str
    environment: str
    """By the name that filings have for it, or had."""
    reason: str
    type: Literal["retired"] = "retired"


Event = Filed | Found | Gone | Assigned | Disputed | Resolved | Closed | Replaced | Retired


def closes(event: Event) -> TypeGuard[Closed | Resolved]:
    """Whether an event closes its finding: its check passed, or the reviewer upheld a dispute."""
    return isinstance(event, Closed) or (isinstance(event, Resolved) and event.upheld)


TYPES: dict[str, type[Event]] = {
    "filed": Filed,
    "opened": Found,
    "reopened": Found,
    "seen": Found,
    "gone": Gone,
    "assigned": Assigned,
    "disputed": Disputed,
    "resolved": Resolved,
    "closed": Closed,
    "replaced": Replaced,
    "retired": Retired,
}


def encode(event: Event) -> str:
    """The line, without its line feed. ASCII, so that nothing in it acts on a terminal or a reader's eye."""
    data = to_builtins(event)
    return json.dumps({"schema_version": SCHEMA_VERSION, "type": data.pop("type"), **data}, separators=(",", ":"))


def decode(line: bytes) -> Event:
    """The event that a line holds.

    Raises:
        ValueError: It holds none of this version; the message says what is wrong.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - heavy

    if len(line) > LINE_LIMIT:
        raise ValueError(f"longer than any event ({LINE_LIMIT} bytes); restore the line from git")
    text = line.decode("utf-8", "replace")
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        shown = text if len(text) <= 60 else f"{text[:30]}...{text[-20:]}"
        raise ValueError(
            f"not JSON, cut short or torn apart: {shown!a}; restore the line from git, or take it out"
        ) from None
    if not isinstance(data, dict) or "type" not in data:
        raise ValueError("no event of a ledger: it has no type; take the line out, or restore it from git")
    version = data.pop("schema_version", None)
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"an event of version {version!a}, and this version of pytest-backend-audit reads {SCHEMA_VERSION}; "
            "install a later one"
        )
    kind = data["type"]
    if not isinstance(kind, str) or kind not in TYPES:
        raise ValueError(f"an event of the type {kind!a}, written by a later version? known are {', '.join(TYPES)}")
    try:
        made: Event = from_builtins(TYPES[kind], data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise ValueError(f"{kind}: {where}: {first['msg']}; restore the line from git") from None
    _refuse_impossible(made, kind)
    return made


def _refuse_impossible(made: Event, kind: str) -> None:
    """See that an event is one that we write.

    Raises:
        ValueError: It is not.
    """
    if isinstance(made, Replaced) and made.before == made.after:
        raise ValueError(f"{kind}: {made.before[:60]!a} for itself, which we never write; restore the line from git")
    if isinstance(made, Found) and made.finding is None and kind != "seen":
        raise ValueError(f"{kind}: finding: Field required; restore the line from git")
    for name, form in FORMS.items():
        value = getattr(made, name, None)
        unfiled = kind == "assigned" and name == "number" and not value
        if value is not None and not unfiled and not form.fullmatch(value):
            raise ValueError(f"{kind}: {name}: found {value[:60]!a}, which we never write; restore the line from git")
    if isinstance(made, Assigned) and made.due:
        try:
            date.fromisoformat(made.due)
        except ValueError:
            raise ValueError(f"{kind}: due: there is no day {made.due}; restore the line from git") from None
    for place, instant in made.instants.items() if isinstance(made, Filed) else ():
        if not FORMS["at"].fullmatch(instant):
            raise ValueError(
                f"{kind}: instants: {place[:60]!a}: found {instant[:60]!a}, which we never write; restore the line "
                "from git"
            )

"""The policy keys of one audit.yaml: what it says about the judgement, and where it says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pytest_backend_audit import model
from pytest_backend_audit.config.incidents import joined
from pytest_backend_audit.config.model import AuditFile, IncidentEntry
from pytest_backend_audit.yamlnodes import Path, YamlDocument

KEYS = (
    "sought",
    "weights",
    "thresholds",
    "gate",
    "allow",
    "suites",
    "standard",
    "not_applicable",
    "acknowledged",
    "leave_out",
    "incidents",
    "incidents_file",
    "sign_off",
)
"""Keys of audit.yaml that are policy: each can make the judgement milder. The others describe system and team."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The policy keys of one audit.yaml, or what counts of two."""

    name: str
    """How messages name the file."""
    policy: model.Policy = field(default_factory=model.Policy)
    allow: tuple[model.Need, ...] = ()
    """Of the chosen environment."""
    suites: str | tuple[str, ...] = "all"
    standard: str = "default"
    """As written."""
    allow_author: bool = False
    """Whether who made the audited commit may sign it off."""
    allowed_signers: str = ""
    """Where the reviewers' keys are, in the repository's tree."""
    notices: tuple[str, ...] = ()
    """What is to be told of the file although nothing is wrong with it."""
    origins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Key and item -> ``audit.yaml:LINE``; the item is empty where the key has no items."""

    def origin(self, key: str, item: str = "") -> str:
        """Where a key's item is stated; the file alone where it isn't."""
        return self.origins.get((key, item), self.name)


def incident(entry: IncidentEntry, origin: str) -> model.Incident:
    """An entry as scoring reads it."""
    return model.Incident(
        entry.id, entry.severity, entry.opened, entry.resolved, entry.dimensions, entry.reference, origin
    )


def terms(
    file: AuditFile,
    document: YamlDocument,
    *,
    environment: str | None,
    reported: Iterable[model.Incident] | None = None,
) -> Terms:
    """The policy keys of a file.

    Args:
        file: Its values, without mistakes.
        document: Where they stand.
        environment: The block of ``environments`` that is chosen; the file's own `allow` counts where it has no such.
        reported: Incidents of the file that `incidents_file` names; None without one.
    """

    def at(*path: str | int) -> str:
        return f"{document.path}:{document.line(path)}"

    block = (file.environments or {}).get(environment or "")
    allow = file.allow
    allow_path: Path = ("allow",)
    if block is not None and block.allow is not None:
        allow, allow_path = block.allow, ("environments", environment or "", "allow")
    not_applicable = tuple(
        model.NotApplicable(e.criterion, e.reason, e.who, e.since, e.expires, at("not_applicable", i))
        for i, e in enumerate(file.not_applicable)
    )
    acknowledged = tuple(
        model.Acknowledged(e.item, e.reason, e.who, e.ticket, e.expires, at("acknowledged", i))
        for i, e in enumerate(file.acknowledged)
    )
    listed = [incident(e, at("incidents", i)) for i, e in enumerate(file.incidents or ())]
    told, doubles = joined((*listed, *(reported or ())))
    origins = {
        (key, item): at(key, item)
        for key in ("sought", "weights", "thresholds", "leave_out")
        for item in getattr(file, key)
    }
    origins |= {("not_applicable", e.criterion): e.origin for e in not_applicable}
    origins |= {("acknowledged", e.item): e.origin for e in acknowledged}
    origins |= {("incidents", e.id): e.origin for e in told}
    origins |= {
        ("sign_off", item): at("sign_off", item)
        for item in ("allow_author", "allowed_signers")
        if ("sign_off", item) in document.lines
    }
    origins |= {(key, ""): at(key) for key in ("gate", "suites", "standard", "incidents") if key in document.data}
    if allow_path in document.lines:
        origins["allow", ""] = at(*allow_path)
    return Terms(
        name=document.path,
        policy=model.Policy(
            sought=dict(file.sought),
            weights=dict(file.weights),
            thresholds=dict(file.thresholds),
            not_applicable=not_applicable,
            acknowledged=acknowledged,
            incidents=None if file.incidents is None and reported is None else told,
            owners=dict(file.owners),
            leave_out=dict(file.leave_out),
            gate=file.gate,
        ),
        allow=tuple(model.Need(n) for n in allow),
        suites=file.suites,
        standard=file.standard,
        allow_author=file.sign_off.allow_author,
        allowed_signers=file.sign_off.allowed_signers,
        notices=doubles,
        origins=origins,
    )

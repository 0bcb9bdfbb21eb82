"""audit.yaml as the rest of the package reads it: one environment chosen, variables filled in, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from pytest_backend_audit import model
from pytest_backend_audit.config.model import (
    AttestationEntry,
    AuditFile,
    Build,
    Endpoint,
    EvidenceSettings,
    Load,
    Pool,
)
from pytest_backend_audit.config.policy import join
from pytest_backend_audit.config.secrets import Secret
from pytest_backend_audit.config.targets import Identity, Timeouts
from pytest_backend_audit.config.terms import Terms
from pytest_backend_audit.standard.model import Standard
from pytest_backend_audit.yamlnodes import Path, YamlDocument


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """What audit.yaml says, for one environment."""

    path: FilePath
    name: str
    """The file as messages name it: ``audit.yaml``."""
    digest: str
    """SHA-256 of the file's bytes, in hex."""
    file: AuditFile
    """Everything of the file, typed; of `environments`, prefer the attributes below."""
    document: YamlDocument
    environment_name: str
    """Name of the chosen block, or the kind where there are no blocks."""
    environment_kind: str
    """prod, stage, canary or local."""
    targets: Mapping[str, Any]
    """Name -> its typed settings; for targets of other plugins the mapping as written."""
    identities: Mapping[str, Identity]
    endpoints: tuple[Endpoint, ...]
    pools: Mapping[str, Pool]
    load: Load | None
    build: Build | None
    terms: Terms
    """Its policy keys, or what counts of them."""
    unset: Mapping[str, tuple[str, ...]]
    """Target, or ``identities.NAME`` -> variables that it needs and that are not set (rehearsals only)."""
    secrets: tuple[Secret, ...]
    """Texts that must not be stored or shown."""
    plain_names: frozenset[str]
    """Hosts, ports, users and database names of connection strings: hidden nowhere but in a secret's own place."""

    @property
    def raw(self) -> Mapping[str, Any]:
        """The file's values before variables are filled in."""
        data: Mapping[str, Any] = self.document.data
        return data

    @property
    def service(self) -> str:
        """Name of the service, or empty."""
        return self.file.service

    @property
    def lead_auditor(self) -> str:
        """Who leads the audit, or empty."""
        return self.file.lead_auditor

    @property
    def second_reviewer(self) -> str:
        """Who reviews levels of 4 and 5, or empty."""
        return self.file.second_reviewer

    @property
    def distribution(self) -> str:
        """Who gets the scorecard, or empty."""
        return self.file.distribution

    @property
    def prior_audit(self) -> str:
        """Reference of the audit before, or empty."""
        return self.file.prior_audit

    @property
    def runbook(self) -> str:
        """Where the service's runbook is, or empty."""
        return self.file.runbook

    @property
    def repository(self) -> FilePath:
        """Folder of the audited repository."""
        return (self.path.parent / self.file.repository).resolve()

    @property
    def named_files(self) -> tuple[FilePath, ...]:
        """Files that it names and that are as much a part of it as what it says itself."""
        named = self.file.incidents_file
        return ((self.path.parent / named).resolve(),) if named else ()

    @property
    def standard(self) -> str:
        """``default``, ``none``, a name that another plugin brings, or an absolute path."""
        return standard_source(self.path, self.file.standard)

    @property
    def suites(self) -> str | tuple[str, ...]:
        """``all``, ``none``, or dimensions."""
        return self.terms.suites

    @property
    def gate(self) -> str | None:
        """Least disposition for which a whole formal run exits with 0."""
        return self.terms.policy.gate

    @property
    def allow(self) -> tuple[model.Need, ...]:
        """What checks may do in prod and canary, where the command line allows it as well."""
        return self.terms.allow

    @property
    def criteria(self) -> Mapping[str, str]:
        """Criteria declared beside the standard's -> what each is about."""
        return self.file.criteria

    @property
    def attestations(self) -> tuple[AttestationEntry, ...]:
        """What only people can know."""
        return self.file.attestations

    @property
    def evidence(self) -> EvidenceSettings:
        """What is kept of what the systems answer."""
        return self.file.evidence

    @property
    def timeouts(self) -> Timeouts:
        """Deadlines, in seconds."""
        return self.file.timeouts

    @property
    def keep_rows(self) -> bool:
        """Whether rows and bodies of own statements are kept as they are."""
        stated = self.file.evidence.keep_rows
        return self.environment_kind not in {"prod", "canary"} if stated is None else stated

    def target(self, name: str) -> Any | None:
        """A target's settings; None when it is not configured, or a variable of it is not set."""
        return self.targets.get(name)

    def why_no_target(self, name: str) -> str:
        """The sentence that says why `target` gives None."""
        if names := self.unset.get(name):
            return f"targets.{name}: {_variables(names)} ({self.origin(('targets', name))})"
        return f"targets.{name} is not configured ({self.name})"

    def why_no_identity(self, name: str) -> str:
        """The sentence that says why `identities` has no such name."""
        if names := self.unset.get(f"identities.{name}"):
            return f"identities.{name}: {_variables(names)} ({self.origin(('identities', name))})"
        return f"identities.{name} is not configured ({self.name})"

    def line(self, path: Path) -> int:
        """Line of a key, or of the nearest key around it."""
        return self.document.line(path)

    def origin(self, path: Path) -> str:
        """``audit.yaml:LINE`` of a key, or of the nearest key around it; the file alone where it has none of either."""
        while path and path not in self.document.lines:
            path = path[:-1]
        return f"{self.name}:{self.line(path)}" if path else self.name

    def threshold(self, name: str) -> tuple[float | int | str | bool, str] | None:
        """What counts of a setting of the standard instead of its default, and where that is said."""
        stated = self.terms.policy.thresholds
        return (stated[name], self.terms.origin("thresholds", name)) if name in stated else None

    def policy(self) -> model.Policy:
        """What counts of the score's rules."""
        return self.terms.policy

    def held_to(self, there: Terms, standard: Standard) -> tuple[AuditConfig, tuple[model.Difference, ...]]:
        """This file where the stricter of it and of a protected policy counts, and what differs.

        Args:
            there: The protected policy.
            standard: The standard that is audited by.
        """
        joined = join(self.terms, there, standard)
        return replace(self, terms=joined.terms), joined.differences


def standard_source(path: FilePath, named: str) -> str:
    """What the key ``standard`` names; a path in it is relative to the file.

    Args:
        path: audit.yaml.
        named: The key's value.
    """
    beside = path.parent / named
    return (
        str(beside.resolve())
        if "/" in named or (beside.exists() and named not in {"default", "bundled", "none"})
        else named
    )


def _variables(names: tuple[str, ...]) -> str:
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not set in the environment"

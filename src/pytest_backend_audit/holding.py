"""Holding audit.yaml to a protected policy (``--audit-policy``): which standard counts, and what differs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pytest_backend_audit import document, standard
from pytest_backend_audit.errors import AuditUsageError, ConfigError, StandardError
from pytest_backend_audit.model import Difference, Protected
from pytest_backend_audit.standard.model import Standard

if TYPE_CHECKING:
    from pytest_backend_audit.config import AuditConfig
    from pytest_backend_audit.config.protected import PolicyFile

OURS = ("none", "bundled", "default")
"""Values of the key ``standard`` that name no file."""


@dataclass(frozen=True, slots=True)
class Holding:
    """The protected policy, while audit.yaml is read."""

    source: document.Source
    policy: PolicyFile
    names: Mapping[str, Path]
    """Standards that other plugins bring."""

    @classmethod
    def to(cls, source: document.Source, names: Mapping[str, Path]) -> Holding:
        """Begin with the file.

        Raises:
            ConfigError: It is no mapping of YAML.
        """
        from pytest_backend_audit.config import protected  # noqa: PLC0415 - pydantic loads with it

        return cls(source, protected.parse(source.name, source.content), names)

    def choose(self, key: str, load: Callable[[str], Standard | None]) -> Standard | None:
        """The standard that is audited by.

        Args:
            key: What audit.yaml names; of a file its absolute path.
            load: Loads a standard that audit.yaml can name.

        Raises:
            StandardError: The protected one can't be used.
        """
        from pytest_backend_audit.config.policy import stricter_standard  # noqa: PLC0415 - pydantic loads with it

        theirs = self.policy.standard
        if theirs in OURS or theirs in self.names:
            return load(stricter_standard(key, theirs))
        if self.source.top is None:
            return load(str((self.source.folder / theirs).resolve()))
        return self._at_revision(self.source.top, theirs)

    def apply(self, audit: AuditConfig, chosen: Standard | None, assumed: Standard) -> tuple[AuditConfig, Protected]:
        """audit.yaml where the stricter counts, and what is put down of that.

        Args:
            audit: The file as it stands.
            chosen: The standard that is audited by; None for none.
            assumed: The standard that dimensions and dispositions are taken from if there is none.

        Raises:
            ConfigError: The protected policy keys are wrong.
        """
        from pytest_backend_audit.config import protected  # noqa: PLC0415 - pydantic loads with it

        there = protected.read(
            self.policy,
            environment=audit.environment_name,
            day=datetime.now(UTC).date(),
            standard=chosen,
            beside=self._beside,
        )
        held, differences = audit.held_to(there, chosen or assumed)
        source = self.source
        return held, Protected(
            given=source.given,
            revision=source.revision,
            name=source.name,
            digest=self.policy.digest,
            keys=self.policy.keys,
            differences=(*differences, *self._standards(audit, chosen)),
        )

    def _standards(self, audit: AuditConfig, chosen: Standard | None) -> tuple[Difference, ...]:
        """That the same file of a standard holds something else there."""
        named = self.policy.standard
        if chosen is None or named != audit.terms.standard or named in OURS or named in self.names:
            return ()
        try:
            ours = standard.digest(standard.load(audit.standard))
        except StandardError:
            ours = "of no standard that can be used"
        theirs = standard.digest(chosen)
        if ours == theirs:
            return ()
        here, there = (audit.origin(("standard",)), self.policy.document.line(("standard",)))
        return (
            Difference(
                "standard",
                f"{named} with digest {ours[:12]}",
                here,
                f"{named} with digest {theirs[:12]}",
                f"{self.source.name}:{there}",
                theirs[:12],
            ),
        )

    def _at_revision(self, top: Path, named: str) -> Standard:
        """A standard of the project's own, as the protected revision holds it."""
        path = _below(self.source.path, named)
        with tempfile.TemporaryDirectory(prefix="backend-audit-") as folder:
            try:
                copy = document.copied(top, self.source.revision, path, Path(folder)) if path else None
                if copy is None:
                    problem = self.policy.document.problem(("standard",), f"{named} is not there at that revision")
                    raise ConfigError([problem])
                return standard.load(copy)
            except document.GitError as error:
                raise ConfigError([self.policy.document.problem(("standard",), str(error))]) from None
            except StandardError as error:
                shown = self.source.name.partition(":")[0]
                told = [replace(p, path=f"{shown}:{path} ({Path(p.path).name})") for p in error.problems]
                raise StandardError(told) from None

    def _beside(self, named: str) -> tuple[str, bytes] | None:
        """A file that the protected one names."""
        source = self.source
        if source.top is None:
            return _of_disk(named, source.folder)
        path = _below(source.path, named)
        try:
            found = document.content(source.top, source.revision, path) if path else None
        except document.GitError as error:
            raise ConfigError([self.policy.document.problem(("incidents_file",), str(error))]) from None
        return None if found is None else (f"{source.name.partition(':')[0]}:{path}", found)


def missing(given: str) -> AuditUsageError:
    """What is said where there is no audit.yaml that could be held to a policy."""
    return AuditUsageError(
        f"--audit-policy={given}: there is no audit.yaml to hold to it; name the one that was moved "
        f"(--audit-config=PATH), `git checkout {given} -- audit.yaml` brings one back, `backend-audit init` writes one"
    )


def _below(beside: str, named: str) -> str:
    """A path of the tree, from one that is relative to a file's folder; empty where it leads out of the tree."""
    parts: list[str] = []
    for part in (*PurePosixPath(beside).parent.parts, *PurePosixPath(named).parts):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts) if not named.startswith("/") else ""


def _of_disk(named: str, folder: Path) -> tuple[str, bytes] | None:
    place = (folder / named).resolve()
    if not place.is_relative_to(folder.resolve()) or not place.is_file():
        return None
    with place.open("rb") as opened:
        return named, opened.read(document.LIMIT + 1)

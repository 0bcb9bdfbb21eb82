"""The policy keys of an audit.yaml at a protected revision, or of a file that holds nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pytest_backend_audit import yamlnodes
from pytest_backend_audit.config.excerpt import excerpt
from pytest_backend_audit.config.incident_file import read_incidents
from pytest_backend_audit.config.problems import shown
from pytest_backend_audit.config.terms import KEYS, Terms, terms
from pytest_backend_audit.errors import ConfigError, Problem
from pytest_backend_audit.standard.model import Standard
from pytest_backend_audit.yamlnodes import YamlDocument, YamlError


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The file, not yet checked."""

    document: YamlDocument
    digest: str
    """SHA-256 of its bytes, in hex."""

    @property
    def standard(self) -> str:
        """The value of its key ``standard``, as written."""
        named = self.document.data.get("standard")
        return named if isinstance(named, str) and named.strip() else "default"

    @property
    def keys(self) -> Mapping[str, Any]:
        """Its policy keys as written."""
        return {key: value for key, value in self.document.data.items() if key in KEYS}


def parse(name: str, content: bytes) -> PolicyFile:
    """Read the text.

    Args:
        name: How messages name the file: ``main:audit.yaml``.
        content: Its bytes.

    Raises:
        ConfigError: It is no mapping of YAML.
    """
    try:
        document = yamlnodes.parse(content, name)
    except YamlError as error:
        raise ConfigError(error.problems) from error
    if not isinstance(document.data, dict):
        message = f"found {shown(document.data)}; allowed: an audit.yaml, or a mapping of its policy keys"
        raise ConfigError([Problem(name, document.line(()), "", message)])
    return PolicyFile(document, hashlib.sha256(content).hexdigest())


def read(
    policy: PolicyFile,
    *,
    environment: str | None,
    day: date,
    standard: Standard | None,
    beside: Callable[[str], tuple[str, bytes] | None],
) -> Terms:
    """What the file says of the judgement.

    Args:
        policy: The file.
        environment: The block of ``environments`` that is audited; None where there are no blocks.
        day: The day of the audit, UTC.
        standard: The standard that is audited by.
        beside: Reads a file that this one names: how messages name it, and its bytes; None if it is not there.

    Raises:
        ConfigError: With every problem of those keys.
    """
    document = policy.document
    blocks = document.data.get("environments")
    data = dict(document.data)
    if isinstance(blocks, dict):
        # Of the environments only what they allow is policy; targets are those of the audited file.
        known = {n: b for n, b in blocks.items() if isinstance(b, dict)}
        data["environments"] = {n: {k: b[k] for k in ("kind", "allow") if k in b} for n, b in known.items()}
    told = YamlDocument(document.path, data, document.lines, document.scalars)
    file = excerpt(told, (*KEYS, "environments"), day, standard)
    reported = None
    if file.incidents_file is not None:
        found = beside(file.incidents_file)
        if found is None:
            message = f"found {shown(file.incidents_file)}, which is not there"
            raise ConfigError([document.problem(("incidents_file",), message)])
        reported = read_incidents(found[0], found[1], day, standard)
    return terms(file, told, environment=environment, reported=reported)

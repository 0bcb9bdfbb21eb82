"""Some keys of a file, read and checked as audit.yaml's are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from pydantic import ValidationError

from pytest_backend_audit.config.model import AuditFile
from pytest_backend_audit.config.partial import prepared, sound_part
from pytest_backend_audit.config.problems import translate
from pytest_backend_audit.config.rules import Context, disagreements
from pytest_backend_audit.errors import ConfigError, Problem
from pytest_backend_audit.standard.model import Standard
from pytest_backend_audit.yamlnodes import YamlDocument


def excerpt(document: YamlDocument, keys: Collection[str], day: date, standard: Standard | None) -> AuditFile:
    """The file with these keys alone; the others must be keys of audit.yaml, and what they hold is not looked at.

    Args:
        document: The file.
        keys: Keys that are read.
        day: The day of the audit, UTC.
        standard: The standard whose names the file may use.

    Raises:
        ConfigError: With every problem of those keys.
    """
    chosen: dict[str, Any] = {key: value for key, value in document.data.items() if key in keys}
    unknown = {key: value for key, value in document.data.items() if key not in AuditFile.model_fields}
    data = {"version": 1, "environment": "local", **prepared({**chosen, **unknown}, document)}
    if "environments" in data:
        del data["environment"]
    problems: list[Problem] = []
    try:
        AuditFile.model_validate(data)
    except ValidationError as error:
        problems = [problem for _, problem in translate(error.errors(), document, AuditFile)]
    sound = sound_part(data, ())
    problems += disagreements(Context(sound, document, day, standard, ()))
    if problems:
        raise ConfigError(sorted(dict.fromkeys(problems), key=lambda p: p.line or 0))
    return sound.file

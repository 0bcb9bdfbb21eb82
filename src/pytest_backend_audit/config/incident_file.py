"""A file with incidents: YAML or JSON, by hand or from a tracker's export."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

from pytest_backend_audit import yamlnodes
from pytest_backend_audit.config.excerpt import excerpt
from pytest_backend_audit.config.problems import shown
from pytest_backend_audit.config.terms import incident
from pytest_backend_audit.errors import ConfigError, Problem
from pytest_backend_audit.model import Incident
from pytest_backend_audit.standard.model import Standard
from pytest_backend_audit.yamlnodes import YamlDocument, YamlError

KEY = "incidents"


def read_incidents(name: str, raw: bytes, day: date, standard: Standard | None) -> tuple[Incident, ...]:
    """The incidents of a file.

    Args:
        name: How messages name it; one that ends in ``.json`` is read as JSON.
        raw: Its bytes.
        day: The day of the audit, UTC.
        standard: The standard whose dimensions incidents map to.

    Raises:
        ConfigError: With every problem of the file.
    """
    document = _rooted(_parsed(name, raw))
    file = excerpt(document, (KEY,), day, standard)
    lines = (f"{name}:{document.line((KEY, i))}" for i in range(len(file.incidents or ())))
    return tuple(incident(entry, line) for entry, line in zip(file.incidents or (), lines, strict=True))


def of_entries(
    entries: list[Any], where: str, origin: str, day: date, standard: Standard | None
) -> tuple[Incident, ...]:
    """Incidents that come from no file.

    Args:
        entries: Each as audit.yaml would have it.
        where: How messages name their source.
        origin: How the card does.
        day: The day of the audit, UTC.
        standard: The standard whose dimensions incidents map to.

    Raises:
        ConfigError: With everything that is wrong with them.
    """
    document = YamlDocument(where, {KEY: entries}, {(): 0}, {})
    try:
        file = excerpt(document, (KEY,), day, standard)
    except ConfigError as error:
        raise ConfigError([replace(p, line=None) for p in error.problems]) from None
    return tuple(incident(entry, origin) for entry in file.incidents or ())


def _parsed(name: str, raw: bytes) -> YamlDocument:
    as_json = name.endswith(".json")
    try:
        # JSON is YAML but for tabs between its tokens, and for the way in which it escapes characters beyond 16 bits.
        document = yamlnodes.parse(raw.replace(b"\t", b" ") if as_json else raw, name)
    except YamlError as error:
        raise ConfigError(error.problems) from error
    if not as_json:
        return document
    try:
        return replace(document, data=json.loads(raw))
    except ValueError as error:
        line = getattr(error, "lineno", None)
        said = getattr(error, "msg", "")
        raise ConfigError([Problem(name, line, "", f"not JSON: {said}" if said else "not JSON")]) from error


def _rooted(document: YamlDocument) -> YamlDocument:
    """The file with its list under the key that audit.yaml has for it."""
    data: Any = document.data
    if isinstance(data, dict) and set(data) == {KEY} and isinstance(data[KEY], list):
        return document
    if not isinstance(data, list):
        message = f"found {shown(data)}; allowed: a list of incidents, or a mapping whose one key is incidents"
        raise ConfigError([Problem(document.path, document.line(()), "", message)])
    below = {(KEY, *path): line for path, line in document.lines.items()}
    scalars = {(KEY, *path): text for path, text in document.scalars.items()}
    return YamlDocument(document.path, {KEY: data}, {(): document.line(()), **below}, scalars)

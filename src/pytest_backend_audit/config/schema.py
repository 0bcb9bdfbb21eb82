"""The JSON Schema of audit.yaml, made from the models. The packaged file is what editors and users get."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from pytest_backend_audit.config.model import AuditFile

FILE_NAME = "audit.schema.json"


def schema() -> dict[str, Any]:
    """The schema as the models make it."""
    made = AuditFile.model_json_schema(by_alias=True)
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "audit.yaml of pytest-backend-audit"
    _tidy(made)
    return made


def text() -> str:
    """The schema as the packaged file holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def packaged() -> str:
    """The packaged file."""
    return files("pytest_backend_audit.config").joinpath(FILE_NAME).read_text(encoding="utf-8")


def _tidy(node: Any) -> None:
    """Take away what only hides the key's own text in editors: generated titles, and null as the unset value."""
    if isinstance(node, list):
        for value in node:
            _tidy(value)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("title"), str) and "properties" not in node:
        del node["title"]
    if {"type": "null"} in (choices := node.get("anyOf", [])) and len(choices) == 2:
        node |= next(c for c in choices if c != {"type": "null"})
        del node["anyOf"]
    if "default" in node and node["default"] is None:
        del node["default"]
    for value in node.values():
        _tidy(value)

"""Published schemas explain themselves: an editor, and the reference made from them, say what each key means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_backend_audit.cli import main
from pytest_backend_audit.cli.schema import SCHEMAS


def properties(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Dotted name and schema of every property, however deep, those of definitions included."""
    if isinstance(node, list):
        for item in node:
            yield from properties(item, path)
    elif isinstance(node, dict):
        for name, value in node.get("properties", {}).items():
            yield f"{path}.{name}", value
        for key, value in node.items():
            if key in {"properties", "$defs"}:
                for name, inner in value.items():
                    yield from properties(inner, f"{path}.{name}")
            elif key not in {"if", "then", "not"}:  # conditions name keys that are declared elsewhere
                yield from properties(value, path)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_has_a_description(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And each of them is a sentence."""
    assert main(["schema", name]) == 0
    told = [(path, value.get("description", "")) for path, value in properties(json.loads(capsys.readouterr().out))]
    assert len(told) > 30
    assert [path for path, text in told if not text.endswith(".")] == []

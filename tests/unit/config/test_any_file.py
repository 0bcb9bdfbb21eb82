"""Whatever stands in audit.yaml, the answer is values or a list of problems with lines: never a traceback."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_backend_audit import standard, yamlnodes
from pytest_backend_audit.config import load
from pytest_backend_audit.errors import ConfigError, Problem

FULL = yamlnodes.read(Path(__file__).parent / "full.yaml").data
STANDARD = standard.load("default")

TELLING = [
    "${A}",
    "${",
    "$${A}",
    "2026-11-24",
    "9999-12-31",
    "0001-01-01",
    "http://h",
    "http://[",
    "redis://:p@h",
    "4.1",
]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(TELLING),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(FULL)), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a file."""
    inside: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    return [path, *(found for step, item in inside for found in places(item, (*path, step)))]


def changed(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A copy of the file with another value at a place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)  # type: ignore[index]
    return copy


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(places(FULL)), values), min_size=1, max_size=3), st.booleans(), st.booleans())
def test_a_changed_file_is_read_or_refused_with_lines(
    tmp_path_factory: Any, changes: list[Any], formal: bool, several: bool
) -> None:
    """Up to three places changed to anything."""
    data: Any = FULL
    for path, new in changes:
        if path in places(data):
            data = changed(data, path, new)
    if several and isinstance(data, dict):
        data = {k: v for k, v in data.items() if k not in {"environment", "targets", "identities"}}
        data["environments"] = {"one": {"kind": "local", "targets": FULL["targets"]}, "two": changes[0][1]}
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(json.dumps(data))
    told: tuple[Problem, ...] | None = None
    try:
        load(file, environ={"A": "a"}, formal=formal, standard=STANDARD, today=date(2026, 11, 24)).policy()
    except ConfigError as error:
        told = error.problems
    assert told is None or (told and all(p.path == "any.yaml" and p.message and "\n" not in str(p) for p in told))

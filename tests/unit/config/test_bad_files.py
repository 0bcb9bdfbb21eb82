"""What is wrong with an audit.yaml is said at once, each with its line: the exact output of each file in ``bad/``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pytest_backend_audit import standard
from pytest_backend_audit.config import load
from pytest_backend_audit.errors import ConfigError

BAD = Path(__file__).parent / "bad"
TODAY = date(2026, 11, 24)


def refusal(path: Path, **changes: object) -> str:
    """What a formal audit says of the file."""
    settings: dict[str, object] = {"environ": {"EMPTY": "", "PG_USER": "audit"}, "formal": True, "today": TODAY}
    settings |= {"standard": standard.load("default"), "name": "audit.yaml"}
    with pytest.raises(ConfigError) as caught:
        load(path, **{**settings, **changes})  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize("file", sorted(BAD.glob("*.yaml")), ids=lambda p: p.stem)
def test_each_bad_file_has_its_exact_output(file: Path) -> None:
    """The text beside the file is what the user sees."""
    assert refusal(file) + "\n" == file.with_suffix(".txt").read_text()


def test_every_output_belongs_to_a_file() -> None:
    """No stored output is left over."""
    assert {p.stem for p in BAD.glob("*.txt")} == {p.stem for p in BAD.glob("*.yaml")}

"""The key `standard`: a slip in it is one of the file's faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_backend_audit import standard
from pytest_backend_audit.config import load
from pytest_backend_audit.errors import ConfigError


@pytest.mark.parametrize(
    ("named", "hint"),
    [("bundeld", '; did you mean "bundled"?'), ("./missing.yaml", "")],
)
def test_a_standard_that_is_not_there_is_told_with_all_other_faults(tmp_path: Path, named: str, hint: str) -> None:
    """With its line, what is allowed, and what is nearest; it hides nothing else that is wrong."""
    path = tmp_path / "audit.yaml"
    path.write_text(f"version: 1\nservice: orders\nenvironment: stage\nstandard: {named}\nweigths: {{}}\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, environ={}, formal=False, standard=standard.load)
    first, second = str(caught.value).splitlines()
    assert first == (
        f'audit.yaml:4: standard: found "{named}"; allowed: bundled, default, none, the name of a plugin\'s standard, '
        f"or the path of one{hint}"
    )
    assert second.startswith("audit.yaml:5: weigths: ")

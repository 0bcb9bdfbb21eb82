"""What audit.yaml gives to a check of a literal service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_backend_audit.targets.declared import Declared
from pytest_backend_audit.targets.settings import Settings
from pytest_backend_audit.testing import runtime_for


@dataclass(frozen=True)
class Surroundings:
    """Fixtures of a check, as this audit.yaml makes them."""

    declared: Declared
    settings: Settings


@pytest.fixture
def audit_yaml(tmp_path: Path) -> Callable[..., Surroundings]:
    """Makes them from lines of targets.http, and further lines."""

    def make(http: str = "", more: str = "") -> Surroundings:
        text = f"version: 1\nenvironment: local\ntargets:\n  http:\n    base_url: http://service\n{http}{more}"
        runtime = runtime_for(text, folder=tmp_path)
        return Surroundings(Declared(runtime), Settings(runtime))

    return make

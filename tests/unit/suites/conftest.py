"""What audit.yaml gives to a check of a literal service."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_backend_audit.testing import Surroundings, surroundings


@pytest.fixture
def audit_yaml() -> Callable[..., Surroundings]:
    """Makes it from lines of targets.http, and further lines."""

    def make(http: str = "", more: str = "") -> Surroundings:
        return surroundings(f"targets:\n  http:\n    base_url: http://service\n{http}{more}")

    return make

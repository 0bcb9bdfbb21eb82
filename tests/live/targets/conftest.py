"""What every test of a target leaves behind: nothing."""

import pytest

from pytest_backend_audit.runtime import Runtime
from pytest_backend_audit.testing import audits


@pytest.fixture(autouse=True)
def everything_is_closed(monkeypatch):
    """Close what the audits of a test opened, as the end of a run does."""
    made = []

    def collect(**fields):
        made.append(Runtime(**fields))
        return made[-1]

    monkeypatch.setattr(audits, "Runtime", collect)
    yield
    for runtime in made:
        for closer in runtime.closers:
            closer.close()

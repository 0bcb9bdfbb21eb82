"""What every test of a target leaves behind: nothing."""

import pytest

from pytest_backend_audit import testing
from pytest_backend_audit.runtime import Runtime


@pytest.fixture(autouse=True)
def everything_is_closed(monkeypatch):
    """Close what the audits of a test opened, as the end of a run does."""
    made = []

    def collect(**fields):
        made.append(Runtime(**fields))
        return made[-1]

    monkeypatch.setattr(testing, "Runtime", collect)
    yield
    for runtime in made:
        for closer in runtime.closers:
            closer.close()

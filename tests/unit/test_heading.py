"""The lines that open a run."""

from __future__ import annotations

from pytest_backend_audit.heading import wrapped


def test_lines_fit_a_terminal() -> None:
    """80 columns; what goes on stands below the text, not below the word "audit:"."""
    line = (
        "audit: build https://orders.example.org/version says it was built from '0123456789', the audited commit is abc"
    )
    assert list(wrapped(line)) == [
        "audit: build https://orders.example.org/version says it was built from",
        "       '0123456789', the audited commit is abc",
    ]
    assert list(wrapped("audit: allowed writes")) == ["audit: allowed writes"]


def test_what_is_to_be_copied_stays_whole() -> None:
    """A long path sticks out rather than break."""
    path = "a-folder-with-hyphens/" * 5
    assert list(wrapped(f"audit: compared with {path}")) == ["audit: compared with", f"       {path}"]

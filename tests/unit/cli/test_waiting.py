"""The sign of life of commands that take their time."""

from __future__ import annotations

import io
import re
import threading

import pytest

from pytest_backend_audit.cli.waiting import waiting


class Terminal(io.StringIO):
    """A stream that is a terminal, and tells when something came."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Event()

    def isatty(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Keep, and tell."""
        written = super().write(text)
        self.came.set()
        return written


def test_a_terminal_is_told_and_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on and the seconds, in one line that is wiped at the end."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with waiting("writing reports", patience=0.0):
        assert terminal.came.wait(30)
    assert re.fullmatch(r"(\rwriting reports, \d+ s)+\r {20,}\r", terminal.getvalue())


def test_what_is_soon_done_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does what fails at once."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with waiting("writing reports", patience=60.0):
        pass
    with pytest.raises(ValueError, match="no run"), waiting("writing reports", patience=60.0):
        raise ValueError("no run")
    assert terminal.getvalue() == ""


def test_a_file_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of CI stay free of it, and no thread is started."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    before = threading.active_count()
    with waiting("writing reports", patience=0.0):
        assert threading.active_count() == before
    assert stream.getvalue() == ""

"""Test suites that the benchmarks run, made afresh in a folder."""

from __future__ import annotations

from pathlib import Path

COUNT = 5_000
FILES = 50

STAMP = """\
import time, pytest
@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    open("stamp", "w").write(str(time.time()))
"""

NOTHING = """\

@pytest.fixture(scope="session")
def nothing():
    return None

def pytest_configure(config):
    config.addinivalue_line("markers", "check(*, dimension, level): a mark that nobody reads")
"""


def plain(folder: Path) -> None:
    """5,000 tests that do next to nothing."""
    _write(folder, "", "def test_{n}():\n    assert {n} + 1 == {m}\n")


def marked(folder: Path) -> None:
    """The same with a mark each, and a session's fixture that does nothing: what pytest itself takes for the two."""
    _write(
        folder,
        "import pytest\n",
        "@pytest.mark.check(dimension='4.1', level=3)\ndef test_{n}(nothing):\n    assert {n} + 1 == {m}\n",
    )
    with (folder / "conftest.py").open("a") as file:
        file.write(NOTHING)


def checks(folder: Path) -> None:
    """The same as audit checks, each with a small piece of evidence."""
    _write(
        folder,
        "from pytest_backend_audit import audit\n",
        "@audit(dimension='4.1', level=3)\n"
        "def test_{n}(audit_evidence):\n"
        "    audit_evidence.query('select {n}', [{{'n': {n}}}])\n"
        "    assert {n} + 1 == {m}\n",
    )


def _write(folder: Path, head: str, test: str) -> None:
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(STAMP)
    each = COUNT // FILES
    for file in range(FILES):
        numbers = range(file * each, (file + 1) * each)
        text = head + "".join(test.format(n=n, m=n + 1) for n in numbers)
        (folder / f"test_{file:02}.py").write_text(text)

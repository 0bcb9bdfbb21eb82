"""Real git repositories in temporary folders, untouched by the settings of whoever runs the tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Run git in a folder and give its output."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "Ann")
        monkeypatch.setenv(f"{name}_EMAIL", "ann@example.com")
        monkeypatch.setenv(f"{name}_DATE", "2026-11-24T08:00:00Z")

    def run(folder: Path, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return run


@pytest.fixture
def repository(tmp_path: Path, git: Git) -> Path:
    """A service with one commit: audit.yaml, a check, and an ignored report folder."""
    top = tmp_path / "orders"
    (top / "audits").mkdir(parents=True)
    (top / "audit.yaml").write_text("version: 1\nenvironment: local\n")
    (top / "audits" / "test_orders.py").write_text("def test_it(): ...\n")
    (top / ".gitignore").write_text("audit-report/\n*.log\n")
    git(top, "init", "-q", "-b", "main")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "First")
    return top

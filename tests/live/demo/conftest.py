"""A sound reference stack for the tests of this folder, and ways to see what a process left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from live.servers import folder_for_servers

from pytest_backend_audit.demo.stack.stack import Stack

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The reference service with everything around it, sound; it ends with this folder's tests, and its traffic too."""
    with Stack.start(revision=REVISION) as running:
        yield running


@pytest.fixture
def alice(stack) -> Iterator[httpx.Client]:
    """A client of the service: a user of the tenant acme."""
    headers = {"Authorization": f"Bearer {stack.tokens['alice']}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=10, trust_env=False) as client:
        yield client


@pytest.fixture
def nobody(stack) -> Iterator[httpx.Client]:
    """A client without credentials."""
    with httpx.Client(base_url=stack.base_url, timeout=10, trust_env=False) as client:
        yield client


@pytest.fixture
def enterable() -> Iterator[Path]:
    """A folder that everybody can enter, as PostgreSQL's user has to; pytest's own are private."""
    with folder_for_servers() as folder:
        yield folder


def processes_that_mention(text: str) -> list[str]:
    """Command lines of processes that have `text` in them or in their working folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            folder = str((entry / "cwd").readlink())
        except OSError:
            continue
        if int(entry.name) != os.getpid() and (text in line or text in folder):
            found.append(line)
    return found

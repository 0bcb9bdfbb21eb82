"""The orders team's own tests are real ones: they run as its CI runs them, and see what is wrong."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import yaml

from pytest_backend_audit.demo import repository

pytestmark = pytest.mark.live


@pytest.fixture
def ours(postgres_server, valkey_server) -> dict[str, str]:
    """An empty database and a cache, for tests."""
    with psycopg.connect(postgres_server.dsn(password="super-secret-0001"), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS orders_tests")
        admin.execute("CREATE DATABASE orders_tests")
    return {
        "ORDERS_TEST_DATABASE_URL": postgres_server.dsn(password="super-secret-0001", database="orders_tests"),
        "ORDERS_TEST_REDIS_URL": valkey_server.url(),
    }


def _as_ci(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    job = yaml.safe_load((folder / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["tests"]
    step = job["steps"][-1]
    assert set(step["env"]) <= set(environ)
    program, *arguments = shlex.split(step["run"])
    assert program == "python"
    run = [sys.executable, *arguments]
    return subprocess.run(
        run, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, timeout=120, check=False
    )


def test_they_pass_and_see_each_budget_exceeded(tmp_path, ours) -> None:
    """Sound: all pass. With orders' lines loaded one by one, the list's budget is seen to be exceeded, and no other."""
    home = repository.make(tmp_path / "orders").path
    sound = _as_ci(home, **ours)
    assert (sound.returncode, " 13 passed in " in sound.stdout) == (0, True), sound.stdout
    defective = _as_ci(home, **ours, ORDERS_DEFECTS="n-plus-one")
    failed = [line for line in defective.stdout.splitlines() if line.startswith("FAILED")]
    assert (defective.returncode, len(failed)) == (1, 1), defective.stdout
    assert "::test_a_read_keeps_to_its_budget[/v1/orders?limit=100-2]" in failed[0]

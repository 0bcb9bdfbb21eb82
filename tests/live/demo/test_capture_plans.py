"""The job that the demo's team has in CI: its commands do what its file says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from live.conftest import PASSWORD

from pytest_backend_audit.analysis.plans import read
from pytest_backend_audit.demo import repository

pytestmark = pytest.mark.live


def test_plans_of_the_services_statements_are_captured(postgres_server, tmp_path: Path) -> None:
    """In the team's repository, on a database with nothing in it: a plan for each statement of what is called."""
    repository.lay_out(tmp_path / "orders-service")
    with psycopg.connect(postgres_server.dsn(password=PASSWORD), autocommit=True) as admin:
        admin.execute("CREATE DATABASE plans")
        try:
            done = subprocess.run(
                [sys.executable, "ops/capture_plans.py", str(tmp_path / "plans.json")],
                cwd=tmp_path / "orders-service",
                env={**os.environ, "PLANS_DSN": postgres_server.dsn(password=PASSWORD, database="plans")},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            admin.execute("DROP DATABASE plans WITH (FORCE)")
    assert (done.stderr, done.returncode) == ("", 0)
    told = json.loads((tmp_path / "plans.json").read_text("utf-8"))
    assert done.stdout == f"10 plans in {tmp_path / 'plans.json'}\n"
    assert len(told) == 10
    lines = next(one for one in told if "FROM order_items" in one["Query Text"])
    assert {node.index for node in read([lines]).walk() if node.index} == {"order_items_pkey"}

"""A running reference stack, audits of it, and the record of what they saw."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from pytest_backend_audit.demo import repository
from pytest_backend_audit.demo.defects import CATALOGUE
from pytest_backend_audit.demo.stack.process import wait_for
from pytest_backend_audit.demo.stack.stack import Stack
from pytest_backend_audit.journal import read_run
from pytest_backend_audit.model import Attempt, Status
from witnesses import matrix
from witnesses.matrix import Seen

PACKAGE = "pytest_backend_audit.suites."
PLANS = "query_performance.plan_regressions::test_plans_are_those_of_the_prior_audit"
LOOKUPS = "SELECT 1 FROM pg_stat_statements WHERE query ~ 'FROM orders WHERE tenant = .* AND reference = ' LIMIT 1"
AUDIT_MAY_TAKE = 300
"""Seconds, of all bundled suites on a busy machine."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The reference service with everything around it, sound."""
    with Stack.start() as running:
        yield running


@pytest.fixture(scope="module")
def prior(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of an audit from before anything was wrong: it has the plans that later ones compare with."""
    assert stack.defects == ()
    with psycopg.connect(stack.admin_dsn, autocommit=True) as connection:

        def looked_up() -> bool:  # the rarest statement whose plan a defect changes
            return connection.execute(LOOKUPS).fetchone() is not None

        wait_for(looked_up, "the traffic to look up an order by its name")
    _, report = _audit(stack, tmp_path_factory.mktemp("prior"), {}, ["4.1"], [PLANS])
    return report


@pytest.fixture
def audit_of(stack: Stack, prior: Path, tmp_path: Path) -> Callable[..., dict[str, Attempt]]:
    """Audits the stack as it is, by all bundled suites, some, or some checks; gives each one's attempt by its id.

    What could not run and is declared not to apply is left out.
    """

    def run(
        thresholds: Mapping[str, float], suites: Iterable[str] = ("all",), only: Iterable[str] = ()
    ) -> dict[str, Attempt]:
        config, report = _audit(stack, tmp_path, thresholds, suites, only, f"--audit-prior={prior}")
        declared = {entry["criterion"] for entry in config.get("not_applicable", ())}
        attempts = {attempt.check.removeprefix(PACKAGE): attempt for attempt in read_run(report).attempts}
        return {
            check: attempt
            for check, attempt in attempts.items()
            if attempt.status is not Status.COULD_NOT_RUN or _criterion(check) not in declared
        }

    return run


def _audit(
    stack: Stack,
    folder: Path,
    thresholds: Mapping[str, float],
    suites: Iterable[str],
    only: Iterable[str],
    *more: str,
) -> tuple[dict[str, Any], Path]:
    """Audits the stack in a folder; gives its audit.yaml and its run folder."""
    config: dict[str, Any] = yaml.safe_load(
        repository.audit_yaml(unattested=[CATALOGUE[d].unattested for d in stack.defects])
    )
    # Not the service's repository, so no build. What a machine lacks, or a defect takes away, isn't declared.
    del config["build"]
    config["thresholds"] = {**config.get("thresholds", {}), **thresholds}
    config["targets"]["http"]["metrics"] = stack.metrics_urls
    if stack.pgbouncer_dsn is None:
        del config["targets"]["pgbouncer"]
    home = folder / "orders"
    _lay_out(home, [CATALOGUE[d].tree for d in stack.defects])
    (home / "audit.yaml").write_text(json.dumps(config, indent=1, default=str))
    arguments = ["--audit", f"--audit-suite={','.join(suites)}", "--audit-allow=load,writes,faults,probes", *more]
    if only:
        arguments += ["-k", " or ".join(check.rpartition("::")[2] for check in only)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "-p", "no:cacheprovider", "-p", "no:valkey"],
        cwd=home,
        env={**os.environ, **stack.environment()},
        capture_output=True,
        text=True,
        timeout=AUDIT_MAY_TAKE,
        check=False,
    )
    report = home / "audit-report"
    assert report.is_dir(), done.stdout + done.stderr
    return config, report


@pytest.fixture(scope="module")
def seen(stack: Stack) -> Iterator[Seen]:
    """What this run sees; taken into the record at its end, where ``WITNESSES_RECORD`` asks for it."""
    run = Seen(versions=_versions(stack))
    yield run
    matrix.record(run)


def _lay_out(folder: Path, edits: Iterable[repository.Edits]) -> None:
    """The service's repository: the documents, programs and sources that audit.yaml refers to, or that are read."""
    if folder.exists():
        return
    repository.lay_out(folder, edits)
    repository.commit(folder)
    # What is witnessed are the bundled checks, not the team's own.
    shutil.rmtree(folder / "audit")
    (folder / "audit").mkdir()


def _criterion(check: str) -> str:
    return check.partition("::")[0].rpartition(".")[2].replace("_", "-")


def _versions(stack: Stack) -> dict[str, str]:
    found = {"Python": platform.python_version()}
    with psycopg.connect(stack.admin_dsn) as connection:
        found["PostgreSQL"] = str(connection.info.parameter_status("server_version")).split()[0]
    with stack.valkey.connect() as client:
        found["Valkey"] = str(client.info("server")["valkey_version"])  # type: ignore[index]
    for name, program in (("PgBouncer", "pgbouncer"), ("Prometheus", "prometheus")):
        if program not in stack.lacks:
            told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
            found[name] = next(w for w in (told.stdout or told.stderr).split() if w[:1].isdigit())
    return found

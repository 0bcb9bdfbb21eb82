"""The shop in Go: built, tested by its own tests, audited as its team would; sound, and with each of its defects."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from live.companions.conftest import Databases, run_statements
from live.servers import free_port, running
from witnesses import matrix, told
from witnesses.matrix import Seen, Sight

from pytest_backend_audit.demo import companions
from pytest_backend_audit.demo.defects import Defect
from pytest_backend_audit.journal import read_run
from pytest_backend_audit.model import Attempt, Status

pytestmark = [pytest.mark.live, pytest.mark.needs("git", "go", "sqlc")]

NAME = "go_shop"
DEFECTS = tuple(d for d in companions.DEFECTS.values() if d.companion == NAME)
COMPILED = "query_performance.compiled_queries::test_queries_of_sqlc_compile_and_ci_checks_it"
POOL = "connections.pool_metrics::test_each_pool_exports_active_idle_and_waiting"
GREEN = (
    COMPILED,
    POOL,
    "connections.connection_identity::test_every_connection_names_its_application",
    "connections.pool_size::test_each_pool_has_the_size_that_was_set",
    "query_performance.foreign_key_indexes::test_every_foreign_key_leads_an_index",
    "query_performance.n_plus_one::test_more_rows_cost_no_more_statements",
    "query_performance.route_budgets::test_every_route_has_a_budget_and_reads_keep_to_it",
    "query_performance.statement_tracing::test_statements_lead_back_to_requests",
)
"""What the sound shop passes. The others want a larger database, other servers, or a longer look."""
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
PACKAGE = "pytest_backend_audit.suites."


@pytest.fixture(scope="module")
def database(shop_database: Databases) -> Databases:
    """The shop's, with its customers and orders."""
    db = Path(companions.__path__[0]) / NAME / "db"
    files = [*sorted((db / "migrations").iterdir()), db / "customers.sql"]
    run_statements(shop_database.owner, *(file.read_text("utf-8") for file in files), "ANALYZE")
    return shop_database


Audits = Callable[[Defect | None], dict[str, Attempt]]


@pytest.fixture
def audited(programs: None, database: Databases, tmp_path: Path) -> Audits:
    """Builds the shop with a defect or without, starts it, and audits it by the checks of `GREEN`."""

    def audit(defect: Defect | None) -> dict[str, Attempt]:
        home = tmp_path / "shop"
        companions.make(NAME, home, [defect.tree] if defect else [])
        _go(home, "build", "-buildvcs=true", "-ldflags=-s -w", "-o", tmp_path / "shop-program", ".")
        with _served(tmp_path, database) as url:
            environ = {"AUDIT_BASE_URL": url, "AUDIT_POSTGRES_DSN": database.auditor}
            only = " or ".join(check.rpartition("::")[2] for check in GREEN)
            arguments = ["--audit-sha=HEAD", "-k", only, "-p", "no:cacheprovider", "-p", "no:valkey"]
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *arguments],
                cwd=home,
                env={**os.environ, **environ},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        report = home / "audit-report"
        assert report.is_dir(), done.stdout + done.stderr
        return {a.check.removeprefix(PACKAGE): a for a in read_run(report).attempts}

    return audit


@contextmanager
def _served(folder: Path, database: Databases) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    environ = {"SHOP_DSN": database.service, "SHOP_LISTEN": address}

    def ready() -> bool:
        return httpx.get(f"http://{address}/readyz", trust_env=False).is_success

    with running("the shop", [folder / "shop-program"], folder / "shop.log", ready, env=environ):
        yield f"http://{address}"


def _go(home: Path, *arguments: str | Path, env: Mapping[str, str] | None = None) -> None:
    """Run go; what it says is the reason if it fails."""
    environ = {**os.environ, **ENVIRONMENT, **(env or {})}
    done = subprocess.run(["go", *arguments], cwd=home, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_sound_shop_is_green(audited: Audits, seen: Seen) -> None:
    """Its queries compile, its pool is exported, its statements are traced; and what else can be seen of it is well."""
    attempts = audited(None)
    assert {check: a.reason for check, a in attempts.items() if a.status is not Status.PASSED} == {}
    assert set(attempts) == set(GREEN)
    evidence = told.evidence(attempts[COMPILED].evidence)
    assert any("3 of 3 queries of sqlc.yaml" in piece.body for piece in attempts[COMPILED].evidence)
    seen.green[COMPILED] = Sight(times=1, of=1, said=evidence)
    for name, argv in (("Go", ["go", "env", "GOVERSION"]), ("sqlc", ["sqlc", "version"])):
        version = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
        seen.versions[name] = version.lstrip("gov")


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_the_defect_is_seen(audited: Audits, seen: Seen, defect: Defect) -> None:
    """By its check, in the words that name it, and by no other check."""
    attempts = audited(defect)
    red = {check: a for check, a in attempts.items() if a.status is not Status.PASSED}
    assert set(red) == {witness.check for witness in defect.witnesses}, {c: a.reason for c, a in red.items()}
    for witness in defect.witnesses:
        found = red[witness.check]
        assert found.status is Status.FAILED
        assert [words for words in witness.says if words not in found.reason] == [], found.reason
        seen.red[matrix.pair(defect, witness.check)] = Sight(times=1, of=1, said=told.message(found.reason))


def test_its_own_tests_pass(programs: None, database: Databases, tmp_path: Path) -> None:
    """Against the database, with its code vetted."""
    home = tmp_path / "shop"
    companions.make(NAME, home)
    _go(home, "vet", ".", "./store")
    _go(home, "test", "-count=1", "-vet=off", ".", env={"SHOP_DSN": database.service})

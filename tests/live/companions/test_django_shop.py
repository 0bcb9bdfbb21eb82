"""The shop in Django: tested by its own tests, and audited as its team would; sound, and with each of its defects."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django
import httpx
import psycopg
import pytest
from live.conftest import PASSWORD, Server
from live.servers import free_port, running
from witnesses import matrix, told
from witnesses.matrix import Seen, Sight

from pytest_backend_audit.demo import companions, repository
from pytest_backend_audit.demo.defects import Defect
from pytest_backend_audit.demo.stack.process import python
from pytest_backend_audit.demo.stack.proxy import FaultProxy
from pytest_backend_audit.journal import read_run
from pytest_backend_audit.model import Attempt, Status

pytestmark = pytest.mark.live

NAME = "django_shop"
DEFECTS = {d.name: d for d in companions.DEFECTS.values() if d.companion == NAME}
PREFETCH, SYNC_ORM = DEFECTS["django-shop-prefetch"], DEFECTS["django-shop-sync-orm"]
IN_THE_LOOP = {"shop/views.py": {
    "    price = await prices.ask(sku)\n": "    ordered = Line.objects.filter(sku=sku).count()\n",
    "    ordered = await Line.objects.filter(sku=sku).acount()\n": "    price = await prices.ask(sku)\n",
}}  # fmt: skip
"""The ORM called in the event loop itself."""
HOLDING = "connections.async_holding::test_waiting_requests_hold_no_connection"
BY_STATEMENTS = (
    "query_performance.n_plus_one::test_more_rows_cost_no_more_statements",
    "query_performance.route_budgets::test_every_route_has_a_budget_and_reads_keep_to_it",
    "audits/test_page_of_orders.py::test_a_page_of_orders_costs_two_statements",
)
GREEN = (
    HOLDING,
    *BY_STATEMENTS,
    "connections.pool_metrics::test_each_pool_exports_active_idle_and_waiting",
    "query_performance.foreign_key_indexes::test_every_foreign_key_leads_an_index",
    "query_performance.query_budget_tests::test_each_endpoint_has_a_statement_budget_in_the_tests_that_ci_runs",
    "query_performance.statement_tracing::test_statements_lead_back_to_requests",
)
"""What the sound shop passes. The others want a larger database, other servers, or a longer look."""
DATA = """
INSERT INTO shop_customer (name) SELECT 'Customer ' || n FROM generate_series(1, 20) n;
INSERT INTO shop_order (customer_id, placed) SELECT 1 + n % 20, now() FROM generate_series(1, 200) n;
INSERT INTO shop_line (order_id, sku, quantity)
    SELECT o, 'SKU-' || lpad(l::text, 4, '0'), 1 FROM generate_series(1, 200) o, generate_series(1, 3) l;
ANALYZE
"""


@dataclass(frozen=True)
class Database:
    """Connection strings of one database."""

    owner: str
    service: str
    auditor: str


def _environment(dsn: str, **more: str) -> dict[str, str]:
    return {"SHOP_DATABASE_URL": dsn, "SHOP_SECRET_KEY": "of-the-tests", **more}


def _manage(home: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-W", "error", "manage.py", *arguments]
    return subprocess.run(
        run, cwd=home, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def database(monitored: Server, tmp_path_factory) -> Iterator[Database]:
    """The shop's, as its migrations make it, with two hundred orders; its role, and the one that looks."""
    server = f"{monitored.host}:{monitored.port}"
    owner = f"postgresql://postgres:{PASSWORD}@{server}/django_shop"
    with psycopg.connect(monitored.dsn(password=PASSWORD), autocommit=True) as admin:
        admin.execute("CREATE DATABASE django_shop")
        admin.execute("CREATE ROLE django_shop LOGIN PASSWORD 'keeps-the-shop-0002'")
        with psycopg.connect(owner, autocommit=True) as inside:
            inside.execute("CREATE EXTENSION pg_stat_statements")
            inside.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO django_shop")
            inside.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO auditor")
            home = companions.make(NAME, tmp_path_factory.mktemp("migrated") / "shop").path
            migrated = _manage(home, "migrate", **_environment(owner))
            assert migrated.returncode == 0, migrated.stderr
            for statement in DATA.split(";"):
                inside.execute(statement.encode())
        yield Database(
            owner=owner,
            service=f"postgresql://django_shop:keeps-the-shop-0002@{server}/django_shop",
            auditor=f"postgresql://auditor:look-but-do-not-touch@{server}/django_shop",
        )
        admin.execute("DROP DATABASE django_shop WITH (FORCE)")
        admin.execute("DROP ROLE django_shop")


@pytest.fixture(scope="module")
def prices(tmp_path_factory) -> Iterator[FaultProxy]:
    """The pricing service, behind a proxy that sets faults."""
    folder, port = tmp_path_factory.mktemp("prices"), free_port()

    def ready() -> bool:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success

    argv = python("pytest_backend_audit.demo.pricing", str(port))
    with running("the pricing service", argv, folder / "pricing.log", ready):
        proxy = FaultProxy.start(folder, {"prices": port})
        yield proxy
        proxy.stop()


@contextmanager
def _served(made: repository.Repository, database: Database, prices: FaultProxy) -> Iterator[str]:
    port = free_port()
    environ = _environment(
        database.service, SHOP_PRICES_URL=f"http://127.0.0.1:{prices.ports['prices']}", SHOP_REVISION=made.commit
    )
    argv = [
        *python("uvicorn", "config.asgi:application"),
        "--app-dir",
        made.path,
        "--port",
        str(port),
        "--lifespan",
        "off",
    ]

    def ready() -> bool:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success

    with running("the shop", [*map(str, argv)], made.path.parent / "shop.log", ready, env=environ, cwd=made.path):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def audited(database: Database, prices: FaultProxy, tmp_path: Path):
    """Starts the shop with a defect or without, and audits it by some checks."""

    def audit(defect: Defect | None, checks: Iterable[str]) -> dict[str, Attempt]:
        made = companions.make(NAME, tmp_path / "shop", [defect.tree] if defect else [])
        with _served(made, database, prices) as url:
            environ = {
                "AUDIT_BASE_URL": url,
                "AUDIT_POSTGRES_DSN": database.auditor,
                "AUDIT_FAULTS_URL": prices.url,
                **_environment(database.service),
            }
            only = " or ".join(check.rpartition("::")[2] for check in checks)
            arguments = ["--audit-sha=HEAD", "--audit-allow=load,faults", "-k", only, "-p", "no:cacheprovider"]
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *arguments, "-p", "no:valkey"],
                cwd=made.path,
                env={**os.environ, **environ},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        report = made.path / "audit-report"
        assert report.is_dir(), done.stdout + done.stderr
        return {a.check.removeprefix("pytest_backend_audit.suites."): a for a in read_run(report).attempts}

    return audit


def test_the_sound_shop_is_green(audited, seen: Seen) -> None:
    """Its statements are few, and traced; its tests bound them; nobody waits with a connection in the hand."""
    attempts = audited(None, GREEN)
    assert {check: a.reason for check, a in attempts.items() if a.status is not Status.PASSED} == {}
    assert set(attempts) == set(GREEN)
    seen.versions["Django"] = django.get_version()
    own = attempts["audits/test_page_of_orders.py::test_a_page_of_orders_costs_two_statements"].evidence
    assert [piece.title for piece in own] == ["statements of GET /orders?limit=100 (Django, connection default)"]


@pytest.mark.parametrize(("defect", "checks"), [(PREFETCH, BY_STATEMENTS), (SYNC_ORM, [HOLDING])], ids=DEFECTS)
def test_the_defect_is_seen(audited, seen: Seen, defect: Defect, checks: Iterable[str]) -> None:
    """By the checks that have to, in the words that name it."""
    attempts = audited(defect, checks)
    assert {check: a.status for check, a in attempts.items()} == dict.fromkeys(checks, Status.FAILED), attempts
    for witness in defect.witnesses:
        reason = attempts[witness.check].reason
        assert [words for words in witness.says if words not in reason] == [], reason
        assert {witness.check, *witness.also} <= set(attempts)
        seen.red[matrix.pair(defect, witness.check)] = Sight(times=1, of=1, said=told.message(reason))
        seen.red[matrix.pair(defect, witness.check)] = Sight(times=1, of=1, said=told.message(reason))


@pytest.mark.parametrize(
    ("edits", "failed", "says"),
    [
        ([], [], "Ran 4 tests"),
        ([PREFETCH.tree], ["test_a_page_of_orders"], "31 != 2 : 31 queries executed, 2 expected"),
        (
            [SYNC_ORM.tree],
            ["test_a_quote_takes_no_connection_along_to_the_pricing_service"],
            "AssertionError: Lists differ: [1] != [0]",
        ),
        (
            [IN_THE_LOOP],
            ["test_a_quote", "test_a_quote_takes_no_connection_along_to_the_pricing_service"],
            "SynchronousOnlyOperation: You cannot call this from an async context",
        ),
    ],
    ids=["sound", "prefetch", "sync-orm", "in-the-loop"],
)
def test_its_own_tests(database: Database, tmp_path: Path, edits: list[repository.Edits], failed, says: str) -> None:
    """They pass on the sound shop, and see each defect, as CI does."""
    home = companions.make(NAME, tmp_path / "shop", edits).path
    done = _manage(home, "test", **_environment(database.owner))
    seen = [line.split()[1] for line in done.stderr.splitlines() if line.startswith(("FAIL: ", "ERROR: "))]
    assert (done.returncode, sorted(seen)) == (bool(failed), failed), done.stderr
    assert says in done.stderr, done.stderr


def test_it_can_be_profiled(database: Database, tmp_path: Path) -> None:
    """With django-silk, which statement-tracing takes for an instrument; and its migrations are those of its models."""
    home = companions.make(NAME, tmp_path / "shop").path
    for arguments in (("check",), ("makemigrations", "--check", "shop")):
        done = _manage(home, *arguments, **_environment(database.owner, SHOP_PROFILE="1"))
        assert done.returncode == 0, done.stdout + done.stderr

"""``backend-audit plan``: what would run, what could not, and what no check asks for; nothing is run or reached."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from unit.cli.command import backend_audit

from pytest_backend_audit.cli.plan import TARGET_OF
from pytest_backend_audit.journal import read_run
from pytest_backend_audit.options import FIXTURES
from pytest_backend_audit.standard import load

STANDARD = load("default")
PENDING = frozenset(STANDARD.pending)

HEADER = "import pytest\nfrom pytest_backend_audit import audit\n\n"

CHECKS = '''\
@audit(dimension="4.1", criterion="index-hygiene", level=3)
def test_postgres(audit_postgres):
    raise SystemExit("a plan runs nothing")

@audit(dimension="4.3", level=2)
@pytest.mark.skip(reason="until spring")
def test_redis(audit_redis):
    """Has two obstacles."""

@audit(dimension="4.6", criterion="idempotency", level=3, needs=("writes",))
@pytest.mark.parametrize("route", ["a", "b"])
def test_replay(route, audit_http):
    """One check with two instances."""

def test_of_units():
    """Unmarked."""
'''

CONFIG = """\
version: 1
service: orders
environment: local
suites: none
targets:
  postgres: {dsn: "${ORDERS_DSN}"}
  http: {base_url: "http://127.0.0.1:9"}
"""

USES = {
    "audit_acknowledged": "audit_acknowledged([])",
    "audit_attestation": None,
    "audit_baseline": None,
    "audit_command": "audit_command(['true'])",
    "audit_declared": None,
    "audit_downstream": "audit_downstream().__enter__()",
    "audit_endpoints": "list(audit_endpoints)",
    "audit_evidence": "audit_evidence.document('a', 'b')",
    "audit_faults": "audit_faults.hang('redis').__enter__()",
    "audit_http": "audit_http.get('/')",
    "audit_identity": "audit_identity('alice')",
    "audit_load": "audit_load.run('/', 1, 1)",
    "audit_pgbouncer": "audit_pgbouncer.execute('SHOW POOLS')",
    "audit_postgres": "audit_postgres.execute('SELECT 1')",
    "audit_postgres_connect": "audit_postgres_connect()",
    "audit_prometheus": "audit_prometheus.query('up')",
    "audit_query_budget": "audit_query_budget(limit=1, what='x').__enter__()",
    "audit_queues": "audit_queues.read('outbox')",
    "audit_redis": "audit_redis.ping()",
    "audit_run": "audit_run.commit",
    "audit_settings": "audit_settings.value('cache-hit-ratio')",
    "audit_source": None,
    "audit_window": None,
}
"""Fixture -> the least that a check does with it; None where that has nothing to do with a target."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A suite with an audit.yaml, in a folder with a space."""
    folder = tmp_path / "my service"
    folder.mkdir()
    (folder / "test_orders.py").write_text(HEADER + CHECKS)
    (folder / "audit.yaml").write_text(CONFIG)
    return folder


def test_the_plan(project: Path) -> None:
    """Each criterion and level with what it may do, or with all that is in its way; then the rows."""
    done = backend_audit("plan", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    checks, summary, coverage = done.stdout.split("\n\n")
    assert checks == (
        "4.1  L3  index-hygiene  could not run: targets.postgres: ORDERS_DSN is not set\n"
        "                        in the environment (audit.yaml:6)\n"
        "4.3  L2  test_redis     could not run: targets.redis is not configured\n"
        "                        (audit.yaml); marked skip: until spring\n"
        "4.6  L3  idempotency    could not run: needs writes: add --audit-allow=writes"
    )
    assert summary == "3 checks, 0 with nothing known against them; unmarked tests left out: 1."
    rows = len(STANDARD.rows)
    of_41 = [row.name in PENDING for row in STANDARD.rows if row.dimension == "4.1"]
    lines = coverage.splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["rows", "has", "a", "check", "no", "check", "no", "bundled", "check", "yet"],
        ["4.1", "Query", "Performance", "1", str(of_41.count(False) - 1), str(of_41.count(True))],
    ]
    assert [line.split() for line in lines if line.startswith("all")] == [
        ["all", "2", str(rows - len(PENDING) - 2), str(len(PENDING))]
    ]
    assert lines[-1] == f"{rows - 2} rows without a check could not run (--rows lists them)."


def test_what_is_allowed_and_set_is_no_obstacle(project: Path) -> None:
    """The same project, with the variable and the permission."""
    dsn = "postgresql://ada:secret-of-ada@127.0.0.1:9/orders"
    done = backend_audit("plan", "--allow", "writes", cwd=project, ORDERS_DSN=dsn)
    assert done.stdout.startswith(
        "4.1  L3  index-hygiene  reads\n"
        "4.3  L2  test_redis     could not run: targets.redis is not configured\n"
        "                        (audit.yaml); marked skip: until spring\n"
        "4.6  L3  idempotency    writes\n"
        "\n"
        "3 checks, 2 with nothing known against them; unmarked tests left out: 1.\n"
    )
    assert "secret-of-ada" not in done.stdout


def test_what_may_be_counted_in_process_needs_no_database(project: Path) -> None:
    """A check of the team's can count Django's statements; that it can't reach a server is nothing against it."""
    (project / "test_orders.py").write_text(
        HEADER + '@audit(dimension="4.1", level=4)\ndef test_budget(audit_query_budget):\n    pass\n'
    )
    done = backend_audit("plan", cwd=project)
    assert done.stdout.startswith("4.1  L4  test_budget  reads\n")


@pytest.mark.parametrize("command", ["plan", "doctor"])
def test_a_conftest_beside_the_audits_is_no_obstacle(project: Path, command: str) -> None:
    """Pytest loads that of a folder tests/, and takes it out of what is collected elsewhere."""
    (project / "audits").mkdir()
    (project / "audits" / "test_own.py").write_text(
        HEADER + '@audit(dimension="4.1", level=4)\ndef test_own(audit_source):\n    pass\n'
    )
    (project / "pytest.ini").write_text("[pytest]\naudit_paths = audits\n")
    (project / "tests").mkdir()
    (project / "tests" / "conftest.py").write_text("")
    done = backend_audit(command, cwd=project)
    assert (done.stderr, bool(done.stdout)) == ("", True)


def test_the_plan_for_scripts(project: Path) -> None:
    """Every check by its id, and the rows by their state."""
    today = datetime.now(UTC).date()
    with (project / "audit.yaml").open("a") as config:
        config.write('sought: {"4.1": 3}\n')
        entry = f"reason: no cache, who: Ada, since: {today}, expires: {today + timedelta(days=30)}"
        config.write(f"not_applicable: [{{criterion: hit-rate, {entry}}}]\n")
    found = json.loads(backend_audit("plan", "--json", cwd=project).stdout)
    assert found["checks"][1] == {
        "id": "test_orders.py::test_redis",
        "dimension": "4.3",
        "criterion": None,
        "level": 2,
        "needs": [],
        "could_not_run": ["targets.redis is not configured (audit.yaml)", "marked skip: until spring"],
    }
    assert found["standard_loaded"] is True
    assert found["covered"] == [
        {"dimension": "4.1", "criterion": "index-hygiene", "level": 3},
        {"dimension": "4.6", "criterion": "idempotency", "level": 3},
    ]
    assert {"dimension": "4.1", "criterion": "foreign-key-indexes", "level": 3} in found["uncovered"]
    assert {"dimension": "4.8", "criterion": "stateless", "level": 3} in found["pending"]
    assert {row["dimension"] for row in found["not_sought"]} == {"4.1"}
    assert {row["level"] for row in found["not_sought"]} == {4, 5}
    assert found["not_applicable"] == [
        {"dimension": "4.3", "criterion": "hit-rate", "level": 3},
        {"dimension": "4.3", "criterion": "hit-rate", "level": 4},
    ]
    states = ("covered", "uncovered", "pending", "not_sought", "not_applicable")
    assert sum(len(found[state]) for state in states) == len(STANDARD.rows)
    assert found["skipped_modules"] == []


def test_rows_lists_what_nobody_asks(project: Path) -> None:
    """By dimension, criterion and level, and whether a bundled check is there to be asked for."""
    done = backend_audit("plan", "--rows", cwd=project)
    lines = [line.split(maxsplit=3) for line in done.stdout.splitlines()]
    assert ["4.1", "L3", "foreign-key-indexes", "no check"] in lines
    assert ["4.8", "L3", "stateless", "no bundled check yet"] in lines
    listed = [line for line in lines if len(line) == 4 and line[3] in {"no check", "no bundled check yet"}]
    assert len(listed) == len(STANDARD.rows) - 2


def test_paths_narrow_the_plan(project: Path) -> None:
    """As they do for pytest; one that is not there is one line."""
    (project / "more checks").mkdir()
    (project / "more checks" / "test_more.py").write_text(
        HEADER + '@audit(dimension="4.8", level=2)\ndef test_more(): ...\n'
    )
    done = backend_audit("plan", "more checks/test_more.py", cwd=project)
    assert done.stdout.splitlines()[:3] == [
        "4.8  L2  test_more  reads",
        "",
        "1 check, 1 with nothing known against it.",
    ]
    done = backend_audit("plan", "nowhere", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "backend-audit: file or directory not found: nowhere\n"


def test_audit_paths_are_the_default(project: Path) -> None:
    """The ini value says where checks live."""
    (project / "audits").mkdir()
    (project / "audits" / "test_more.py").write_text(
        HEADER + '@audit(dimension="4.8", level=2)\ndef test_more(): ...\n'
    )
    (project / "pytest.ini").write_text("[pytest]\naudit_paths = audits\n")
    assert backend_audit("plan", cwd=project).stdout.startswith("4.8  L2  test_more  reads\n\n1 check, ")


def test_the_users_own_options_neither_disturb_nor_are_disturbed(project: Path) -> None:
    """Workers, failed-first and stopping early mean nothing here; no cache and no report is written."""
    (project / "pytest.ini").write_text("[pytest]\naddopts = -n2 --ff -x\n")
    before = sorted(p.name for p in project.iterdir())
    done = backend_audit("plan", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 checks, 0 with nothing known against them; unmarked tests left out: 1." in done.stdout
    assert sorted(p.name for p in project.iterdir()) == before


def test_the_bundled_suites_are_planned(project: Path) -> None:
    """As audit.yaml asks for them; another edition of the standard leaves rows out, and says so."""
    text = (project / "audit.yaml").read_text().replace("suites: none", "suites: ['4.1']\nstandard: bundled")
    (project / "audit.yaml").write_text(text)
    done = backend_audit("plan", cwd=project)
    assert "4.1  L2  query-logging" in done.stdout
    assert re.search(r"^4\.1  L3  index-hygiene +could not run: targets\.postgres:", done.stdout, re.MULTILINE)
    assert f"Rows that this edition of the standard leaves out: {len(PENDING)}.\n" in done.stdout


def test_nothing_to_plan(tmp_path: Path) -> None:
    """No test, no audit.yaml: fine, with the way to begin."""
    done = backend_audit("plan", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "No checks: mark tests with @audit(dimension=..., level=...), or run\n"
        "`backend-audit init`.\n"
        "Own criteria: without an audit.yaml no standard is loaded (`backend-audit init`\n"
        "writes one).\n"
    )


def test_a_file_that_asks_for_no_standard(tmp_path: Path) -> None:
    """It is not said to be missing."""
    (tmp_path / "audit.yaml").write_text("version: 1\nservice: orders\nenvironment: local\nstandard: none\n")
    done = backend_audit("plan", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(
        "Own criteria: standard: none in audit.yaml: no standard is loaded (standard:\nbundled loads one).\n"
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "test_orders.py",
            "import no_such_module\n",
            "test_orders.py: ModuleNotFoundError: No module named 'no_such_module' (it can't be collected)",
        ),
        (
            "test_orders.py",
            "def test(:\n",
            "test_orders.py: SyntaxError: invalid syntax (it can't be collected)",
        ),
        (
            "test_orders.py",
            'from pytest_backend_audit import audit\n@audit(dimension="4.1", level=9)\ndef test_a(): ...\n',
            "test_orders.py:2: audit mark: level is 9; it is a whole number from 1 to 5",
        ),
        ("conftest.py", "raise SystemExit(3)\n", "a conftest.py or a plugin ended Python: SystemExit(3)"),
        (
            "pytest.ini",
            "[pytest]\naddopts = --bogus\n",
            "pytest's arguments (addopts?): unrecognized arguments: --bogus",
        ),
        (
            "audit.yaml",
            "version: 1\nenvironment: prod\nservis: x\n",
            'audit.yaml:3: servis: unknown key; did you mean "service"?',
        ),
    ],
)
def test_what_is_broken_is_named(project: Path, name: str, text: str, message: str) -> None:
    """Without a traceback, and exit 2."""
    (project / name).write_text(text)
    done = backend_audit("plan", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"backend-audit: {message}\n"


def test_a_conftest_that_can_not_be_imported(project: Path) -> None:
    """The file and the reason, not the way there."""
    (project / "conftest.py").write_text("import no_such_module\n")
    done = backend_audit("plan", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"backend-audit: ImportError while loading conftest '{project}/conftest.py': "
        "ModuleNotFoundError: No module named 'no_such_module'\n"
    )


def test_secrets_are_not_in_what_a_module_says(project: Path) -> None:
    """A module that fails with the DSN in its message."""
    (project / "test_orders.py").write_text("import os\nraise RuntimeError(os.environ['ORDERS_DSN'])\n")
    dsn = "postgresql://ada:secret-of-ada@127.0.0.1:9/orders"
    done = backend_audit("plan", cwd=project, ORDERS_DSN=dsn)
    assert done.returncode == 2
    assert done.stderr.startswith("backend-audit: test_orders.py: RuntimeError: ")
    assert "secret-of-ada" not in done.stderr


def test_a_module_that_skips_itself_is_told(project: Path) -> None:
    """Its checks are missing, so a run would be partial."""
    (project / "test_more.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    done = backend_audit("plan", cwd=project)
    assert done.returncode == 0
    assert (
        "test_more.py: could not import 'no_such_module': No module named\n"
        "'no_such_module' (the module skips itself, so the run would be partial)\n"
    ) in done.stdout


def test_every_fixture_that_needs_a_target_is_known_to_the_plan(pytester: pytest.Pytester) -> None:
    """Each fixture used in an audit without targets: those that could not run are the ones that the plan names."""
    assert set(USES) == FIXTURES
    suite = [HEADER]
    for name, use in sorted(USES.items()):
        suite.append(f'@audit(dimension="4.1", level=2)\ndef test_{name}({name}):\n    {use or "pass"}\n\n')
    pytester.makepyfile("".join(suite))
    (pytester.path / "audit.yaml").write_text("version: 1\nservice: x\nenvironment: local\nsuites: none\n")
    result = pytester.runpytest_subprocess("--audit", "-p", "no:cacheprovider")
    reasons = {a.check.partition("::test_")[2]: a.reason for a in read_run(pytester.path / "audit-report").attempts}
    assert set(reasons) == FIXTURES, result.stdout.str()
    lacking = {
        name: reason.partition(" is not configured")[0].removeprefix("targets.")
        for name, reason in reasons.items()
        if " is not configured" in reason
    }
    assert lacking == TARGET_OF

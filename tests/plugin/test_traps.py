"""What pytest, its plugins and users' conftest files do behind an audit's back."""

from __future__ import annotations

import inspect
import textwrap

import pytest

from plugin._servers import http_server, says
from plugin.conftest import CONFIG, STANDARD, Project
from pytest_backend_audit import hookspecs
from pytest_backend_audit.model import Incident

CHECK = "@audit(dimension='4.1', level=2)\n"
SEEN = "    audit_evidence.command('true', 'ok')\n"
SPREAD = pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
PASSES = CHECK + "def test_passes(audit_evidence):\n" + SEEN
FAILS = CHECK + "def test_fails(audit_evidence):\n" + SEEN + "    assert False, 'seen'\n"
BUNDLED = """\
import socket, time
import httpx
from pytest_backend_audit import audit

@audit(dimension="4.1", level=2)
def test_of_a_suite(audit_http, audit_evidence):
    assert audit_http.get("/").status_code == 200
    assert time.time() > 1_700_000_000
    audit_evidence.command("true", "ok")
"""
SUITES = "\ndef pytest_audit_suites():\n    return [__import__('pathlib').Path(__file__).parent / 'more']\n"


def conftest(project: Project, text: str, folder: str = ".") -> None:
    """Write a conftest."""
    path = project.path / folder / "conftest.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text("import pytest\n" + text, "utf-8")


def with_suite(project: Project, port: int) -> None:
    """A suite of another plugin, isolated as the bundled ones are, and a service to look at."""
    folder = project.path / "more"
    folder.mkdir()
    (folder / "checks.py").write_text(BUNDLED, "utf-8")
    project.config(
        CONFIG.replace("suites: none", "suites: ['4.1']")
        + f"targets: {{http: {{base_url: 'http://127.0.0.1:{port}'}}}}\n"
    )


# What a conftest does to bundled checks


@SPREAD
def test_a_project_that_blocks_sockets(project: Project, workers: tuple[str, ...]) -> None:
    """As pytest-socket does, by a hook that knows one mark, and by an autouse fixture."""
    conftest(
        project,
        "import socket\nreal = socket.socket\n"
        "class Blocked(socket.socket):\n    def connect(self, *_): raise RuntimeError('blocked')\n"
        "def pytest_runtest_setup(item):\n"
        "    socket.socket = real if item.get_closest_marker('enable_socket') else Blocked\n"
        "@pytest.fixture(autouse=True)\ndef no_network(monkeypatch): monkeypatch.setattr(socket, 'socket', Blocked)\n"
        + SUITES,
    )
    project.suite(CHECK + "def test_own(audit_http): audit_http.get('/')\n")
    with http_server(says(b"ok")) as port:
        with_suite(project, port)
        project.run("--audit", "--strict-markers", "-k", "of_a_suite or own", *workers)
    assert project.statuses() == {"test_of_a_suite": "passed", "test_own": "broken"}


def test_a_project_that_freezes_time(project: Project) -> None:
    """An autouse fixture of the user's is for the user's tests."""
    conftest(
        project,
        "import time\n@pytest.fixture(autouse=True)\n"
        "def frozen(monkeypatch): monkeypatch.setattr(time, 'time', lambda: 1.0)\n" + SUITES,
    )
    project.suite(
        "import time\n" + CHECK + "def test_own(audit_evidence):\n" + SEEN + "    assert time.time() == 1.0\n"
    )
    with http_server(says(b"ok")) as port:
        with_suite(project, port)
        project.run("--audit", "-k", "of_a_suite or own")
    assert project.statuses() == {"test_of_a_suite": "passed", "test_own": "passed"}


def test_autouse_fixtures_of_wider_scopes_are_not_for_bundled_checks(project: Project) -> None:
    """Alone, a bundled check starts none of them."""
    conftest(
        project,
        "def use(scope): return pytest.fixture(scope=scope, autouse=True, name=f'use_{scope}')(lambda: 1 / 0)\n"
        "one, two, three, four = map(use, ('session', 'package', 'module', 'class'))\n" + SUITES,
    )
    project.suite(PASSES)
    with http_server(says(b"ok")) as port:
        with_suite(project, port)
        project.run("--audit", "-k", "of_a_suite or passes")
    assert project.statuses() == {"test_of_a_suite": "passed", "test_passes": "could-not-run"}


STAYS = "import time, socket, datetime\n@pytest.fixture(scope='session', autouse=True)\ndef stays():\n    "


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "n1"])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import time\ntime.time = lambda: 1.0\n", "time.time is conftest.<lambda>"),
        (STAYS + "time.monotonic = lambda: 1.0\n", "time.monotonic is conftest.stays.<locals>.<lambda>"),
        (
            STAYS + "datetime.datetime = type('Frozen', (datetime.datetime,), {'__module__': 'freezer'})\n",
            "datetime.datetime is freezer.Frozen",
        ),
        (
            "import socket\nclass Blocked(socket.socket): pass\nsocket.socket = Blocked\n",
            "socket.socket is conftest.Blocked",
        ),
        (
            STAYS + "socket.socket.connect = lambda *_: None\n",
            "socket.socket.connect is conftest.stays.<locals>.<lambda>",
        ),
        (
            "import functools, socket\nsocket.getaddrinfo = functools.partial(socket.getaddrinfo)\n",
            "socket.getaddrinfo is functools.partial",
        ),
    ],
)
def test_a_bundled_check_knows_that_it_would_see_what_is_made_up(
    project: Project, workers: tuple[str, ...], text: str, told: str
) -> None:
    """Replaced by a conftest's import, or for the session by a fixture of the test before: could not run, and why."""
    conftest(project, text + SUITES)
    # Of the standard, so that it comes first.
    project.suite(PASSES.replace("level=2", "level=2, criterion='query-logging'"))
    with http_server(says(b"ok")) as port:
        with_suite(project, port)
        project.run("--audit", "-k", "of_a_suite or passes", *workers)
    assert [(a.check.rpartition("::")[2], a.status.value, a.reason) for a in project.record().attempts] == [
        ("test_passes", "passed", ""),
        (
            "test_of_a_suite",
            "could-not-run",
            f"{told}, not Python's own, so what this check would see could be made up; replace it for your own tests "
            "only: in a fixture of function scope",
        ),
    ]


def test_a_formal_audit_needs_the_true_time(project: Project) -> None:
    """Windows and expiries compare with its instant."""
    conftest(project, "import time\ntime.time = lambda: 1.0\n")
    project.suite(PASSES)
    project.commit()
    result = project.run("--audit-sha=HEAD")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [
        "ERROR: time.time is conftest.<lambda>, not Python's own: a formal audit needs the true time; stop the clock "
        "in a fixture of your tests"
    ]


@SPREAD
def test_warnings_as_errors_find_nothing_of_ours(project: Project, workers: tuple[str, ...]) -> None:
    """Neither in a check nor at the end, where unclosed connections would warn."""
    (project.path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\nxfail_strict = true\n", "utf-8")
    project.suite(
        CHECK + "def test_own(audit_http, audit_source, audit_run, audit_command):\n"
        "    audit_http.get('/')\n    audit_command(['true'])\n"
        + CHECK
        + "def test_warns():\n    import warnings\n    warnings.warn('theirs')\n"
    )
    with http_server(says(b"ok")) as port:
        project.config(CONFIG + f"targets: {{http: {{base_url: 'http://127.0.0.1:{port}'}}}}\n")
        project.commit()
        result = project.run("--audit", *workers)
    assert project.statuses() == {"test_own": "passed", "test_warns": "broken"}
    assert "ResourceWarning" not in result.stdout.str() + result.stderr.str()


def test_overriding_our_fixtures_reaches_the_users_own_checks(project: Project) -> None:
    """A team may hand its checks another connection; what it does not record is not evidence."""
    conftest(project, "@pytest.fixture\ndef audit_redis(audit_evidence): return 'theirs'\n")
    project.suite(CHECK + "def test_own(audit_redis): assert audit_redis == 'theirs'\n")
    project.run("--audit")
    (attempt,) = project.record().attempts
    assert (attempt.status.value, attempt.evidence) == ("passed", ())


# Collection


def test_a_conftest_that_fails_is_pytests_own_error(project: Project) -> None:
    """At the top nothing has begun; below, the run is partial and says where it could not look."""
    project.suite(PASSES)
    project.suite(FAILS, "deep/test_deep.py")
    conftest(project, "raise OSError('no settings')\n", "deep")
    result = project.run("--audit")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.card()["partial"] == ["deep could not be collected", "1 error during collection"]
    assert project.run("--audit", "--continue-on-collection-errors").ret == pytest.ExitCode.TESTS_FAILED
    assert project.statuses() == {"test_passes": "passed"}
    conftest(project, "raise OSError('no settings')\n")
    assert project.run("--audit").ret == pytest.ExitCode.USAGE_ERROR


@SPREAD
def test_two_modules_of_one_name(project: Project, workers: tuple[str, ...]) -> None:
    """Two checks by importlib; by the default mode one of the files can't be collected, and that is said."""
    project.suite(PASSES, "one/test_same.py")
    project.suite(PASSES.replace("level=2", "level=3"), "two/test_same.py")
    project.run("--audit", "--import-mode=importlib", *workers)
    assert {a.check for a in project.record().attempts} == {
        "one/test_same.py::test_passes",
        "two/test_same.py::test_passes",
    }
    assert project.run("--audit", *workers).ret != pytest.ExitCode.OK
    assert "two/test_same.py could not be collected" in project.card()["partial"]  # type: ignore[operator]


@SPREAD
def test_unittest_classes(project: Project, workers: tuple[str, ...]) -> None:
    """Marks of class and method count, the method's wins whole; a subTest that fails fails the check."""
    project.suite(
        "import unittest\n"
        "@audit(dimension='4.2', level=3)\nclass TestPool(unittest.TestCase):\n"
        "    def setUp(self): self.seen = 1\n"
        "    def test_by_class(self): self.assertEqual(self.seen, 1)\n"
        "    @audit(dimension='4.1', level=2)\n    def test_by_method(self): self.assertEqual(self.seen, 2)\n"
        "    def test_parts(self):\n"
        "        for n in range(3):\n            with self.subTest(n=n): self.assertNotEqual(n, 1)\n"
        "    @unittest.skip('no pool')\n    def test_skipped(self): pass\n"
        "    @unittest.expectedFailure\n    def test_expected(self): self.fail('known')\n"
        "class TestBroken(unittest.TestCase):\n"
        "    def setUp(self): raise OSError('no server')\n"
        "    @audit(dimension='4.1', level=2)\n    def test_set_up(self): pass\n"
    )
    project.run("--audit", *workers)
    record = project.record()
    checks = {c.id.rpartition("::")[2]: (c.dimension, c.level) for c in record.inputs.plan}
    assert checks == {
        "test_by_method": ("4.1", 2),
        "test_set_up": ("4.1", 2),
        "test_by_class": ("4.2", 3),
        "test_expected": ("4.2", 3),
        "test_parts": ("4.2", 3),
        "test_skipped": ("4.2", 3),
    }
    worst: dict[str, list[str]] = {}
    for attempt in record.attempts:
        worst.setdefault(attempt.check.rpartition("::")[2], []).append(attempt.status.value)
    assert worst == {
        "test_by_method": ["failed"],
        "test_set_up": ["could-not-run"],
        "test_by_class": ["passed"],
        "test_expected": ["failed"],
        "test_parts": ["passed", "failed"],
        "test_skipped": ["could-not-run"],
    }


@SPREAD
def test_marks_of_nested_and_parametrised_classes(project: Project, workers: tuple[str, ...]) -> None:
    """The closest mark wins whole; a class's parameters make instances, not checks."""
    project.suite(
        "@audit(dimension='4.2', level=3, needs=('writes',))\n@pytest.mark.parametrize('n', [1, 2])\nclass TestOuter:\n"
        "    def test_outer(self, n): pass\n"
        "    @audit(dimension='4.3', level=4)\n    class TestInner:\n"
        "        def test_inner(self, n, audit_evidence):\n"
        "            audit_evidence.command('true', 'ok')\n            assert n == 1, 'n is 2'\n"
    )
    project.run("--audit", *workers)
    record = project.record()
    assert [(c.id, c.dimension, c.level, len(c.needs)) for c in record.inputs.plan] == [
        ("test_checks.py::TestOuter::TestInner::test_inner", "4.3", 4, 0),
        ("test_checks.py::TestOuter::test_outer", "4.2", 3, 1),
    ]
    assert sorted((a.instance.rpartition("::")[2], a.status.value) for a in record.attempts) == [
        ("test_inner[1]", "passed"),
        ("test_inner[2]", "failed"),
        ("test_outer[1]", "could-not-run"),
        ("test_outer[2]", "could-not-run"),
    ]


# Running


@SPREAD
@pytest.mark.parametrize("stop", ["-x", "--maxfail=1"])
def test_stopping_early_is_partial(project: Project, workers: tuple[str, ...], stop: str) -> None:
    """The checks that were not reached are on the card all the same."""
    project.suite(FAILS + "".join(PASSES.replace("test_passes", f"test_later_{n}") for n in range(40)))
    result = project.run("--audit", stop, *workers)
    assert result.ret in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}
    assert project.card()["partial"] == ["stopping after 1 failures"]
    assert len(project.record().inputs.plan) == 41
    assert len(project.statuses()) < 41


def test_exit_in_a_check_keeps_what_was_recorded(project: Project) -> None:
    """Sealed and partial; the check that left could not run."""
    project.suite(PASSES + CHECK.replace("2", "3") + "def test_then_leaves(): pytest.exit('enough')\n")
    assert project.run("--audit").ret == pytest.ExitCode.INTERRUPTED
    assert project.card()["partial"] == ["enough"]
    assert project.statuses()["test_passes"] == "passed"
    assert project.statuses().get("test_then_leaves", "could-not-run") == "could-not-run"


@SPREAD
def test_without_a_terminal(project: Project, workers: tuple[str, ...]) -> None:
    """No terminal plugin, no terminal section; report and exit status are as ever."""
    project.suite(PASSES + FAILS)
    result = project.run("--audit", "-p", "no:terminal", *workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.statuses() == {"test_passes": "passed", "test_fails": "failed"}
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


@SPREAD
@pytest.mark.parametrize("hook", ["tryfirst=True, wrapper=True", "trylast=True, wrapper=True"])
@pytest.mark.parametrize("folder", [".", "deep"])
def test_a_plugin_that_changes_reports_changes_no_outcome(
    project: Project, workers: tuple[str, ...], hook: str, folder: str
) -> None:
    """A failed check stays failed in the journal, and in the exit status, when its report is turned into passed."""
    conftest(
        project,
        f"@pytest.hookimpl({hook})\ndef pytest_runtest_makereport(item, call):\n"
        "    report = yield\n    report.outcome = 'passed'\n    report.longrepr = None\n    return report\n",
        folder,
    )
    project.suite(FAILS, f"{folder}/test_checks.py")
    project.run("--audit", *workers)
    (attempt,) = project.record().attempts
    assert (attempt.status.value, attempt.reason) == ("failed", "seen")


def test_a_plugin_that_swallows_the_error_of_a_call(project: Project) -> None:
    """Wrapping the call so that nothing gets out of it changes what pytest itself sees; this no plugin can tell."""
    conftest(
        project,
        "@pytest.hookimpl(wrapper=True)\ndef pytest_pyfunc_call(pyfuncitem):\n"
        "    try:\n        return (yield)\n    except AssertionError:\n        pytest.skip('hidden')\n",
    )
    project.suite(FAILS)
    project.run("--audit")
    assert project.statuses() == {"test_fails": "could-not-run"}


@SPREAD
def test_reruns_of_an_error_in_set_up(project: Project, workers: tuple[str, ...]) -> None:
    """Each attempt is kept; a set-up that worked the second time covers the first."""
    project.suite(
        "tries = []\n@pytest.fixture\ndef shaky():\n    tries.append(1)\n    if len(tries) < 2: raise OSError('away')\n"
        + CHECK
        + "def test_it(shaky, audit_evidence):\n"
        + SEEN
    )
    project.run("--audit", "--reruns=2", *workers)
    assert [a.status.value for a in project.record().attempts] == ["could-not-run", "passed"]


# Hooks


STUBS = """\
import os, re
from pathlib import Path
os.environ["DEPLOYED_SHA"] = open(".git/refs/heads/main").read().strip()
class tracker:
    def open(title, severity): Path("tracked").open("a").write(f"{severity}: {title}\\n")
    def search(service, priority): return [incident] if (service, priority) == ("orders", "highest") else []
class incident:
    key, created, closed, labels = "INC-1", "2026-01-05T08:30:00Z", "2026-01-06", ["4.1"]
def notify(text): Path("notified").open("a").write(text + "\\n")
"""


def examples() -> str:
    """The implementation that each hook's docstring shows."""
    blocks = [
        inspect.getdoc(h).partition("::\n")[2] for n, h in vars(hookspecs).items() if n.startswith("pytest_audit_")
    ]
    return "\n".join(textwrap.dedent(b) for b in blocks)


@SPREAD
def test_the_examples_of_all_hooks_work_as_they_stand(project: Project, workers: tuple[str, ...]) -> None:
    """Each docstring's code, put into one conftest: all ten are called, with what they are promised."""
    (project.path / "payments.yaml").write_text(STANDARD, "utf-8")
    (project.path / "suites").mkdir()
    (project.path / "suites" / "more.py").write_text(
        BUNDLED.partition("import httpx\n")[2].partition("@audit")[0]
        + (
            "@audit(dimension='4.1', level=2, criterion='first-things')\n"
            "def test_more(audit_evidence): audit_evidence.command('who', 'account ACC-12345678')\n"
        ),
        "utf-8",
    )
    (project.path / "our_plugin").mkdir()
    (project.path / "our_plugin" / "kafka.py").write_text(
        "def connect(runtime, settings): return (runtime.commit, settings['brokers'])\n", "utf-8"
    )
    (project.path / "conftest.py").write_text(
        STUBS + examples() + "\nimport pytest\nfrom pytest_backend_audit.targets import open_target\n"
        "@pytest.fixture\ndef kafka(pytestconfig): return open_target(pytestconfig, 'kafka')\n",
        "utf-8",
    )
    project.config(
        CONFIG.replace("suites: none", "suites: all") + "standard: payments\ntargets: {kafka: {brokers: one}}\n"
    )
    project.suite(CHECK + "def test_kafka(kafka): assert kafka[1] == 'one' and len(kafka[0]) == 40\n")
    commit = project.commit()
    result = project.run("--audit-sha=HEAD", *workers)
    assert project.statuses() == {"test_more": "passed", "test_kafka": "passed"}
    record = project.record()
    assert record.inputs.standard["id"] == "small"
    assert record.inputs.document.build == commit
    assert record.inputs.policy.incidents == (
        Incident("INC-1", "P0", "2026-01-05T08:30:00Z", "2026-01-06", ("4.1",), "", "conftest.py"),
    )
    (evidence,) = [e for a in record.attempts for e in a.evidence]
    assert evidence.body == "account [account]"
    assert "more::test_more who" in result.stdout.str()
    assert (project.path / "audit-report" / "levels.txt").read_text("utf-8") == "4.1 1, 4.2 1"
    tracked = (project.path / "tracked").read_text("utf-8").splitlines()
    assert len(tracked) == len(project.card()["findings"]) > 0  # type: ignore[arg-type]
    assert (project.path / "notified").read_text("utf-8") == "orders: 2\n"


@SPREAD
@pytest.mark.parametrize("hook", ["evidence", "finding", "scorecard", "report_formats"])
def test_a_hook_that_fails_costs_neither_the_card_nor_the_outcome(
    project: Project, workers: tuple[str, ...], hook: str
) -> None:
    """One line names it; what the audit itself writes is written."""
    arguments = {"evidence": "check, evidence", "finding": "finding", "scorecard": "scorecard, config"}.get(hook, "")
    conftest(project, f"def pytest_audit_{hook}({arguments}):\n    raise OSError('tracker is down')\n")
    project.suite(PASSES)
    result = project.run("--audit", *workers)
    # A report that was asked for and is missing is a failure; who only listens changes nothing.
    assert result.ret == (hook == "report_formats")
    shown = " ".join(result.stdout.str().split())
    assert f"pytest_audit_{hook} failed: OSError: tracker is down" in shown
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert project.statuses() == {"test_passes": "passed"}
    assert (project.path / "audit-report" / "scorecard.html").exists()
    assert project.record().seal is not None


def test_a_format_that_fails_leaves_the_other_reports(project: Project) -> None:
    """Ours are written first."""
    conftest(project, "def pytest_audit_report_formats():\n    return {'x.txt': lambda card: 1 / 0}\n")
    project.suite(PASSES)
    result = project.run("--audit")
    assert result.ret == 1
    told = "audit: the reports can't be written: the report format 'x.txt' failed: ZeroDivisionError: division by zero"
    result.stdout.fnmatch_lines([told])
    assert (project.path / "audit-report" / "junit.xml").exists()


@pytest.mark.parametrize("hook", ["suites", "standards", "targets", "build"])
@pytest.mark.parametrize("body", ["raise OSError('no network')", "return 17"])
def test_a_hook_that_fails_at_the_start_is_a_usage_error(project: Project, hook: str, body: str) -> None:
    """What the audit is made of is missing, so there is none; an answer of another form is named too."""
    conftest(project, f"def pytest_audit_{hook}({'config' if hook == 'build' else ''}):\n    {body}\n")
    project.config()
    project.suite(PASSES)
    project.commit()
    result = project.run("--audit-sha=HEAD")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (told,) = [line for line in result.errlines if line]
    assert told.startswith(f"ERROR: pytest_audit_{hook} ")
    assert ("no network (conftest.py:3)" in told) is body.startswith("raise")


def test_a_redaction_that_fails_keeps_nothing_that_it_did_not_see(project: Project) -> None:
    """What it could not look at is withheld, and says so; the outcome stands."""
    conftest(project, "def pytest_audit_redact(text):\n    if 'ACC-1' in text: raise ValueError(text)\n")
    project.suite(CHECK + "def test_it(audit_evidence): audit_evidence.command('who', 'ACC-1')\n")
    result = project.run("--audit")
    (attempt,) = project.record().attempts
    assert attempt.status.value == "passed"
    assert [e.body for e in attempt.evidence] == ["[withheld: pytest_audit_redact failed: ValueError]"]
    assert "ACC-1" not in result.stdout.str()


# The garbage collector

THRESHOLDS = (
    "import gc\nfrom pathlib import Path\n"
    "def note(where):\n    with Path('thresholds').open('a') as file:\n"
    "        file.write(f'{where} {gc.get_threshold()[0]} {gc.get_freeze_count() > 0}\\n')\n"
)


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        (("--audit",), ["module 250000 False", "test 700 False"]),
        ((), ["module 700 False"]),
    ],
    ids=["audit", "no-audit"],
)
def test_the_garbage_collector_looks_seldom_while_an_audit_is_collected(
    project: Project, options: tuple[str, ...], seen: list[str]
) -> None:
    """Only then: tests run with the collector as Python has it, and a run that is no audit is left alone."""
    project.suite(
        "from noted import note\nnote('module')\n"
        + CHECK
        + "def test_it(audit_evidence):\n    note('test')\n    audit_evidence.command('true', 'ok')\n"
    )
    (project.path / "noted.py").write_text(THRESHOLDS, "utf-8")
    (project.path / "pytest.ini").write_text("[pytest]\npythonpath = .\n", "utf-8")
    result = project.run_fresh(*options)
    assert result.ret == 0, result.stdout.str()
    assert (project.path / "thresholds").read_text("utf-8").splitlines() == seen

"""Without --audit nothing is dialled, read or written, and other people's marks are left alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from plugin.conftest import Project
from pytest_backend_audit.fixtures import Fixtures
from pytest_backend_audit.options import FIXTURES


def test_marked_tests_are_skipped_with_the_way_in(project: Project) -> None:
    """A unit-test job skips audit checks and says how to run them."""
    project.suite(
        "@audit(dimension='4.1', level=3)\ndef test_it(): raise SystemExit('dialled')\ndef test_plain(): pass\n"
    )
    result = project.run("-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED [[]1[]] *: audit check: run with --audit"])
    assert not (project.path / "audit-report").exists()


def test_class_marks_and_unittest_cases_are_skipped_too(project: Project) -> None:
    """A mark on a class counts for its tests, unittest's included."""
    project.suite(
        "import unittest\n"
        "@audit(dimension='4.1', level=3)\nclass TestA:\n    def test_a(self): raise SystemExit\n"
        "@audit(dimension='4.1', level=3)\nclass TestB(unittest.TestCase):\n    def test_b(self): raise SystemExit\n"
    )
    project.run().assert_outcomes(skipped=2)


OTHERS = (
    "@audit(dimension='4.1', level=2)\nclass TestX:\n"
    "    @pytest.mark.audit('sox')\n    def test_class(self): raise SystemExit('dialled')\n"
    "@pytest.mark.audit('sox')\n@audit(dimension='4.1', level=2)\ndef test_outer(): raise SystemExit('dialled')\n"
    "@audit(dimension='4.1', level=2)\n@pytest.mark.audit('sox')\ndef test_inner(): raise SystemExit('dialled')\n"
)


@pytest.mark.parametrize("options", [(), ("-p", "no:skipping")], ids=["plain", "no:skipping"])
def test_somebody_elses_mark_nearer_by_lets_no_check_run(
    project: Project, workers: tuple[str, ...], options: tuple[str, ...]
) -> None:
    """Ours counts wherever it is, as it does in an audit; and without pytest's own way to skip."""
    project.suite(
        OTHERS + "def test_it(audit_http): raise SystemExit('dialled')\n"
        "import unittest\n@audit(dimension='4.1', level=3)\nclass TestB(unittest.TestCase):\n"
        "    def test_b(self): raise SystemExit('dialled')\n"
        "@pytest.mark.audit('sox')\ndef test_theirs(): pass\n"
    )
    result = project.run("-rs", *options, *workers)
    result.assert_outcomes(passed=1, skipped=5)
    result.stdout.fnmatch_lines(["SKIPPED [[]1[]] test_checks.py:*: audit check: run with --audit"])


def test_a_test_that_asks_for_our_fixture_is_skipped(project: Project) -> None:
    """An unmarked test with an audit_* fixture never reaches a server either."""
    project.suite("def test_it(audit_postgres): raise SystemExit\n")
    project.run().assert_outcomes(skipped=1)


def test_marks_arguments_and_configuration_are_not_read(project: Project) -> None:
    """Wrong arguments and a broken audit.yaml matter only to an audit."""
    project.config(": not yaml [")
    project.suite("@audit(dimension=99, level='x')\ndef test_it(): pass\n")
    project.run().assert_outcomes(skipped=1)


def test_somebody_elses_mark_is_left_alone(project: Project) -> None:
    """``pytest.mark.audit`` with none of our keywords runs as it always did."""
    (project.path / "pytest.ini").write_text("[pytest]\nmarkers = audit\n", "utf-8")
    project.suite("@pytest.mark.audit\ndef test_bare(): pass\n@pytest.mark.audit(ticket=3)\ndef test_other(): pass\n")
    project.run().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "option",
    [
        "--audit-config=x",
        "--audit-env=x",
        "--audit-suite=all",
        "--audit-dimension=4.1",
        "--audit-allow=load",
        "--audit-report=x",
        "--audit-prior=x",
        "--audit-gate=conditional-production",
        "--audit-no-worse",
    ],
)
def test_an_option_without_an_audit_is_a_usage_error(project: Project, option: str) -> None:
    """Every --audit-* option says that it needs an audit."""
    project.suite("def test_plain(): pass\n")
    result = project.run(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    name = option.partition("=")[0]
    way_out = "--audit (rehearsal) or --audit-sha=REV"
    if name == "--audit-gate":
        way_out = "--audit-sha=HEAD, as a gate needs it"
    result.stderr.fnmatch_lines([f"ERROR: {name} without an audit: add {way_out}"])


def test_only_the_shell_is_imported(project: Project) -> None:
    """A run that is no audit loads the plugin, its options and its hook signatures, and nothing else of ours."""
    project.suite(
        "import sys\n"
        "def test_modules():\n"
        "    ours = {'.'.join(m.split('.')[:2]) for m in sys.modules if m.startswith('pytest_backend_audit')}\n"
        "    assert sorted(ours) == ['pytest_backend_audit', 'pytest_backend_audit.errors',\n"
        "        'pytest_backend_audit.hookspecs', 'pytest_backend_audit.marker', 'pytest_backend_audit.model',\n"
        "        'pytest_backend_audit.options', 'pytest_backend_audit.plugin']\n"
    )
    (project.path / "test_bare.py").write_text(
        "import sys\n"
        "def test_modules():\n"
        "    ours = {m for m in sys.modules if m.startswith('pytest_backend_audit')}\n"
        "    assert not ours & {'pytest_backend_audit.startup', 'pytest_backend_audit.session'}\n",
        "utf-8",
    )
    project.run_fresh().assert_outcomes(passed=2)


def test_the_shell_knows_every_fixture() -> None:
    """The list that saves the import is the list of what there is."""
    defined = {name for name, value in vars(Fixtures).items() if name.startswith("audit_") and callable(value)}
    assert defined == FIXTURES


def test_a_fixture_of_the_teams_own_is_no_audits(project: Project) -> None:
    """Though it has the name of one of ours: its tests run as they always did, and are none of an audit's business."""
    (project.path / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef audit_run(): return 'own'\n", "utf-8"
    )
    project.suite(
        "def test_it(audit_run): assert audit_run == 'own'\n"
        "@pytest.mark.parametrize('audit_http', ['own'])\ndef test_other(audit_http): assert audit_http == 'own'\n"
        "class TestDeep:\n"
        "    @pytest.fixture\n    def audit_run(self, audit_run): return audit_run * 2\n"
        "    def test_deep(self, audit_run): assert audit_run == 'ownown'\n"
    )
    project.run().assert_outcomes(passed=3)
    result = project.run("--audit")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "audit: 0 checks of 0, 3 unmarked tests left out" in result.outlines


def test_an_override_that_asks_for_our_fixture_is_ours(project: Project) -> None:
    """It would reach a server like the one it overrides."""
    (project.path / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef audit_http(audit_http): return audit_http\n", "utf-8"
    )
    project.suite("def test_it(audit_http): raise SystemExit\n")
    project.run().assert_outcomes(skipped=1)
    assert project.run("--audit").ret == pytest.ExitCode.USAGE_ERROR


def test_windows_audits_nothing_and_is_told_where_to(project: Project) -> None:
    """Signals and locks of files are not there; its other tests run, and checks are skipped."""
    (project.path / "conftest.py").write_text("import sys\nsys.platform = 'win32'\n", "utf-8")
    project.suite("@audit(dimension='4.1', level=2)\ndef test_it(): pass\ndef test_plain(): pass\n")
    project.run().assert_outcomes(passed=1, skipped=1)
    result = project.run("--audit")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: an audit runs on Linux or macOS; on Windows run it in WSL, or in a container" in result.errlines


def test_how_somebody_leaves_a_run_that_is_no_audit_is_left_alone(project: Project) -> None:
    """The very exception, whatever its class."""
    (project.path / "conftest.py").write_text(
        "import pytest\nclass Leaves(SystemExit): pass\n"
        "@pytest.hookimpl(wrapper=True)\ndef pytest_cmdline_main():\n    yield\n    raise Leaves(7)\n",
        "utf-8",
    )
    project.suite("def test_it(): pass\n")
    (project.path / "started.py").write_text(
        "import pytest, sys\ntry: pytest.main(['-p', 'no:cacheprovider'])\n"
        "except SystemExit as left: sys.exit(f'{type(left).__name__} {left.code} {left.__suppress_context__}')\n",
        "utf-8",
    )
    done = subprocess.run([sys.executable, "started.py"], cwd=project.path, capture_output=True, text=True, check=False)
    assert done.stderr == "Leaves 7 False\n"

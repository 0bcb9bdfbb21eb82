"""Every way to leave out part of an audit makes it partial, wherever it was set."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from plugin.conftest import CONFIG, Project

SUITE = (
    "@audit(dimension='4.1', level=2)\ndef test_one(audit_evidence): audit_evidence.command('true', 'ok')\n"
    "@audit(dimension='4.2', level=2)\ndef test_two(audit_evidence): audit_evidence.command('true', 'ok')\n"
    "def test_plain(): pass\n"
)


def partial(project: Project) -> list[str]:
    """Why the latest run is partial."""
    reasons: list[str] = project.card()["partial"]  # type: ignore[assignment]
    return reasons


def test_a_whole_run_is_not_partial_and_leaves_out_unmarked_tests(project: Project, workers: tuple[str, ...]) -> None:
    """Unmarked tests are none of the audit's business; the line says how many there were."""
    project.suite(SUITE)
    result = project.run("--audit", *workers)
    assert partial(project) == []
    if workers != ("-n2",):
        result.stdout.fnmatch_lines(["audit: 2 checks of 2, 1 unmarked tests left out"])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("test_checks.py::test_one",), "node id test_checks.py::test_one"),
        (("-k", "one"), "1 check deselected by -k, such as test_checks.py::test_two"),
        (("-m", "not audit"), "2 checks deselected by -m, such as test_checks.py::test_one"),
        (
            ("--deselect", "test_checks.py::test_two"),
            "1 check deselected by --deselect, such as test_checks.py::test_two",
        ),
        (("--ignore", "other.py"), "--ignore=other.py"),
        (("--ignore-glob", "other*"), "--ignore-glob=other*"),
        (("--audit-dimension", "4.1"), "--audit-dimension=4.1"),
        (("--audit-dimension=4.1", "--audit-dimension=4.6"), "--audit-dimension=4.1,4.6"),
        (("-o", "python_files=test_ch*.py"), "-o python_files=test_ch*.py"),
        (("-p", "cacheprovider", "--lf"), "--lf"),
        (("-p", "cacheprovider", "--sw"), "--stepwise"),
        (("--noconftest", "--strict-markers"), "--noconftest"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_narrowing(project: Project, arguments: tuple[str, ...], reason: str) -> None:
    """Each makes the run partial and is named."""
    project.suite(SUITE)
    project.pytester.runpytest_subprocess("--audit", *arguments)
    assert partial(project) == [reason]


def test_narrowing_in_the_ini_file_counts_too(project: Project, workers: tuple[str, ...]) -> None:
    """``addopts`` is no back door."""
    (project.path / "pytest.ini").write_text("[pytest]\naddopts = -k one\n", "utf-8")
    project.suite(SUITE)
    project.run("--audit", *workers)
    assert partial(project) == ["1 check deselected by -k, such as test_checks.py::test_two"]


def test_k_that_takes_no_check_is_no_narrowing(project: Project) -> None:
    """Only marked items count."""
    project.suite(SUITE)
    project.run("--audit", "-k", "not plain")
    assert partial(project) == []


def test_a_path_that_leaves_out_a_part_of_audit_paths(project: Project) -> None:
    """With audit_paths set, less than all of it is partial; a folder above it is not."""
    (project.path / "pytest.ini").write_text("[pytest]\naudit_paths = audits more\n", "utf-8")
    project.suite(SUITE, "audits/test_a.py")
    project.suite(SUITE, "more/test_b.py")
    project.run("--audit", "audits")
    assert partial(project) == ["paths leave out more of audit_paths"]
    project.run("--audit", ".")
    assert partial(project) == []


BELOW = "rootdir is part, below audit.yaml: start in that file's folder, or set audit_paths in part"


def started_in(project: Project, folder: str, *arguments: str) -> int:
    """Exit status of an audit that begins in a folder of the repository."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=project.path / folder, capture_output=True, check=False, timeout=60).returncode


@pytest.mark.parametrize("ini", ["", "[pytest]\ntestpaths = .\n"], ids=["none", "nested"])
def test_a_folder_below_audit_yaml_is_part_of_the_audit_only(project: Project, ini: str) -> None:
    """Where it became rootdir: audit.yaml is found from there, and the checks beside it are not."""
    project.config(CONFIG)
    project.suite("@audit(dimension='4.1', level=2)\ndef test_above(): assert False\n")
    project.suite(SUITE, "part/test_part.py")
    if ini:
        (project.path / "part/pytest.ini").write_text(ini, "utf-8")
    project.commit()
    gated = started_in(project, "part", "--audit-sha=HEAD", "--audit-gate=conditional-production")
    assert gated == pytest.ExitCode.USAGE_ERROR
    started_in(project, "part", "--audit-sha=HEAD")
    card = json.loads((project.path / "part/audit-report/scorecard.json").read_text("utf-8"))
    assert card["partial"] == [BELOW]
    assert card["disposition"] is None


def test_audit_paths_say_that_the_checks_lie_below_audit_yaml(project: Project) -> None:
    """As where one folder of a repository has its own ini file, and audit.yaml stands at its top."""
    project.config(CONFIG)
    (project.path / "part").mkdir()
    (project.path / "part/pytest.ini").write_text("[pytest]\naudit_paths = .\n", "utf-8")
    project.suite(SUITE, "part/test_part.py")
    project.commit()
    assert started_in(project, "part", "--audit-sha=HEAD") == 0
    assert json.loads((project.path / "part/audit-report/scorecard.json").read_text("utf-8"))["partial"] == []


def test_audit_paths_are_the_scope_without_paths(project: Project, workers: tuple[str, ...]) -> None:
    """They replace testpaths in an audit, under xdist too."""
    (project.path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\naudit_paths = audits\n", "utf-8")
    project.suite("def test_unit(): pass\n", "tests/test_unit.py")
    project.suite(SUITE, "audits/test_a.py")
    project.run("--audit", *workers)
    assert set(project.statuses()) == {"test_one", "test_two"}
    assert partial(project) == []


@pytest.mark.parametrize(
    ("text", "verb"),
    [("raise OSError\n", "could not be collected"), ("pytest.skip('x', allow_module_level=True)\n", "skipped itself")],
)
def test_a_module_that_fails_or_skips_itself(project: Project, workers: tuple[str, ...], text: str, verb: str) -> None:
    """Its checks are not known, so the run can't be whole."""
    project.suite(SUITE)
    project.suite(text, "test_other.py")
    project.run("--audit", "--continue-on-collection-errors", *workers)
    assert partial(project) == [f"test_other.py {verb}"]


def test_a_stop_makes_the_run_partial(project: Project) -> None:
    """After -x the rest was not reached."""
    project.suite("@audit(dimension='4.1', level=2)\ndef test_zero(): assert False\n" + SUITE)
    project.run("--audit", "-x")
    assert partial(project) == ["stopping after 1 failures"]


def test_the_plan_holds_what_was_collected_before_narrowing(project: Project, workers: tuple[str, ...]) -> None:
    """So that merging can tell which checks are missing."""
    project.suite(SUITE)
    project.run("--audit", "-k", "one", *workers)
    inputs = project.record().inputs
    assert [c.id for c in inputs.plan] == ["test_checks.py::test_one", "test_checks.py::test_two"]
    assert inputs.selected == ("test_checks.py::test_one",)


def test_checks_above_the_sought_level_are_deselected_in_the_open(project: Project, workers: tuple[str, ...]) -> None:
    """They set no limit, and the run is whole."""
    project.config(CONFIG + "standard: none\nsought: {'4.2': 1}\n")
    project.suite(SUITE)
    project.run("--audit", *workers)
    assert project.record().inputs.not_sought == ("test_checks.py::test_two",)
    assert partial(project) == []


HIDING = """
import os

collect_ignore = ["test_hidden.py", "notes.py"]
collect_ignore_glob = ["more*"]


def pytest_ignore_collect(collection_path):
    return True if collection_path.name == "test_by_hook.py" else None
"""


def test_what_a_conftest_hides_leaves_a_trace(project: Project, workers: tuple[str, ...]) -> None:
    """Files and folders with tests; not what pytest never looks at, and once."""
    check = "@audit(dimension='4.1', level=3)\ndef test_a(audit_evidence):\n    audit_evidence.query('x', [[1]])\n"
    for name in ("test_shown.py", "test_hidden.py", "test_by_hook.py", "more/test_deep.py", "build/test_b.py"):
        project.suite(check.replace("test_a", f"test_{name.partition('/')[2][5:-3] or name[5:-3]}"), name)
    project.suite("", "notes.py")
    (project.path / "conftest.py").write_text(HIDING)
    result = project.run("--audit", *workers)
    result.assert_outcomes(passed=1)
    assert project.card()["partial"] == []
    [said] = [n for n in project.card()["notices"] if "leaves out" in n]  # type: ignore[union-attr]
    names = said.removeprefix("a conftest or a plugin leaves out ").partition(" (collect_ignore or")[0].split(", ")
    assert sorted(names) == ["more", "test_by_hook.py", "test_hidden.py"]


def test_what_a_conftest_hides_of_audit_paths_narrows(project: Project, workers: tuple[str, ...]) -> None:
    """Nothing but checks is to be there: a gate must not open because one of them was not looked at."""
    check = "@audit(dimension='4.1', level=3)\ndef test_a(audit_evidence):\n    audit_evidence.query('x', [[1]])\n"
    project.suite(check, "audits/test_a.py")
    project.suite(check, "audits/test_hidden.py")
    (project.path / "pytest.ini").write_text("[pytest]\naudit_paths = audits\n", "utf-8")
    (project.path / "conftest.py").write_text("collect_ignore = ['audits/test_hidden.py']\n", "utf-8")
    project.run("--audit", *workers)
    assert project.card()["partial"] == ["a conftest or a plugin leaves out audits/test_hidden.py of audit_paths"]


def test_what_an_option_ignores_is_no_conftests(project: Project) -> None:
    """It narrows the run, and is told as that."""
    project.suite("@audit(dimension='4.1', level=3)\ndef test_a():\n    pass\n")
    project.suite("@audit(dimension='4.1', level=3)\ndef test_b():\n    pass\n", "test_b.py")
    project.run("--audit", "--ignore=test_b.py", "--ignore-glob=*_c.py")
    assert project.card()["partial"] == ["--ignore=test_b.py", "--ignore-glob=*_c.py"]
    assert [n for n in project.card()["notices"] if "leaves out" in n] == []  # type: ignore[union-attr]

"""Bundled suites are collected once, whatever the user's ini, conftest and plugins say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plugin.conftest import CONFIG, Project
from pytest_backend_audit import suites
from pytest_backend_audit.bundled import suite_files
from pytest_backend_audit.standard import load

ALL = CONFIG.replace("suites: none", "suites: all")


def bundled(result: pytest.RunResult) -> list[str]:
    """Node ids that a collection printed."""
    return [line for line in result.outlines if re.match(r"pytest_backend_audit/suites/.*::test_", line)]


def collect(project: Project, *arguments: str) -> list[str]:
    """Node ids of the bundled checks that an audit collects."""
    return bundled(project.run("--audit", "--collect-only", "-q", *arguments))


def expected() -> list[str]:
    """The files there are."""
    root = next(iter(suites.__path__))
    return sorted(
        p.relative_to(root).with_suffix("").as_posix()
        for d in load("default").dimensions
        for p in suite_files(Path(root) / d.folder)
    )


def files(nodeids: list[str]) -> list[str]:
    """Files of node ids, each once."""
    return sorted({n.partition(".py::")[0].removeprefix("pytest_backend_audit/suites/") for n in nodeids})


def test_every_file_is_collected_once(project: Project) -> None:
    """With an ordinary configuration."""
    project.config(ALL)
    nodeids = collect(project)
    assert files(nodeids) == expected()
    assert len(nodeids) == len(set(nodeids))


@pytest.mark.parametrize(
    "ini",
    [
        "python_files = spec_*.py\npython_functions = it_*\n",
        "testpaths = nowhere_yet\n",
        "addopts = --import-mode=importlib\n",
        "norecursedirs = *\n",
        "filterwarnings = error\n",
        "usefixtures = their_fixture\n",
    ],
)
def test_the_users_ini_hides_nothing(project: Project, ini: str) -> None:
    """Naming patterns and the like are for the user's own tests."""
    (project.path / "nowhere_yet").mkdir()
    (project.path / "pytest.ini").write_text("[pytest]\n" + ini, "utf-8")
    project.config(ALL)
    assert files(collect(project)) == expected()


def test_rootdir_stays_where_it_was(project: Project) -> None:
    """Bundled suites lie outside it, and don't move it."""
    project.config(ALL)
    result = project.run("--audit", "--collect-only")
    result.stdout.fnmatch_lines([f"rootdir: {project.path}"])


def test_the_users_conftest_does_not_reach_bundled_checks(project: Project) -> None:
    """Neither autouse fixtures nor overrides of ours; the user's own checks have both."""
    project.config(ALL)
    (project.path / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.fixture(autouse=True)\ndef nosy():\n    raise OSError('autouse')\n"
        "@pytest.fixture\ndef audit_postgres():\n    raise OSError('override')\n",
        "utf-8",
    )
    project.suite("@audit(dimension='4.1', level=2)\ndef test_own(): pass\n")
    project.run("--audit", "--audit-suite=4.1")
    reasons = {a.check.rpartition("::")[2]: a.reason for a in project.record().attempts}
    assert reasons.pop("test_own") == "error in set-up: OSError: autouse"
    lacking = "targets.postgres is not configured (audit.yaml): declare it, for instance "
    assert lacking + 'postgres: {dsn: "${AUDIT_POSTGRES_DSN}"}' in reasons.values()
    assert {r for r in reasons.values() if "is not configured (audit.yaml" not in r and "is not allowed" not in r} == {
        "there is no commit to read the source at: the folder is in no git repository, or nothing was committed yet"
    }


def test_a_rehearsal_with_paths_leaves_the_bundled_suites_out(project: Project) -> None:
    """One check under the hands of its author; --audit-suite brings them back."""
    project.config(ALL)
    project.suite("@audit(dimension='4.1', level=2)\ndef test_own(): pass\n")
    assert collect(project, "test_checks.py") == []
    assert files(collect(project, "test_checks.py", "--audit-suite=4.3")) == [
        f for f in expected() if f.startswith("caching/")
    ]


def test_a_formal_audit_with_paths_adds_them(project: Project) -> None:
    """What audit.yaml asks for is never left out by a path."""
    project.config(ALL)
    project.suite("@audit(dimension='4.1', level=2)\ndef test_own(): pass\n")
    project.commit()
    result = project.run("--audit-sha=HEAD", "--collect-only", "-q", "test_checks.py")
    assert files(bundled(result)) == expected()


def test_without_audit_yaml_there_are_none(project: Project) -> None:
    """The suite's own criteria are all there is."""
    project.suite("@audit(dimension='4.1', level=2)\ndef test_own(): pass\n")
    assert collect(project) == []


def test_without_audit_yaml_the_card_says_what_writes_one(project: Project) -> None:
    """Else somebody who runs an audit before `init` sees eight dimensions at L1, and no reason."""
    project.suite("@audit(dimension='4.1', level=2)\ndef test_own(audit_evidence): audit_evidence.code('a.py:1')\n")
    result = project.run("--audit")
    told = "there is no audit.yaml, so that no target is known: `backend-audit init` writes one"
    assert project.record().inputs.notices[-1:] == (told,)
    assert "Notice       there is no audit.yaml, so that no target is known:" in "\n".join(result.outlines)


def test_left_out_criteria_are_not_collected(project: Project) -> None:
    """``leave_out`` names the criterion and the reason."""
    project.config(ALL + "leave_out: {hit-rate: our own check covers it}\n")
    assert files(collect(project)) == [f for f in expected() if f != "caching/hit_rate"]


def test_another_plugins_suite_joins(project: Project) -> None:
    """By hook, with the same isolation."""
    project.config(ALL)
    folder = project.path / "more" / "checks"
    folder.mkdir(parents=True)
    (folder / "extra.py").write_text(
        "from pytest_backend_audit import audit\n\n"
        "@audit(dimension='4.1', level=2)\ndef test_extra(audit_evidence): audit_evidence.command('true', 'ok')\n",
        "utf-8",
    )
    (project.path / "conftest.py").write_text(
        "from pathlib import Path\n"
        "def pytest_audit_suites():\n    return [Path(__file__).parent / 'more' / 'checks']\n",
        "utf-8",
    )
    project.run("--audit", "-k", "test_extra")
    assert project.statuses() == {"test_extra": "passed"}


def test_a_formal_audit_keeps_what_audit_yaml_asks_for(project: Project) -> None:
    """--audit-suite adds to it and takes nothing away: leaving a suite out must never beat failing it."""
    project.config(ALL)
    project.suite("@audit(dimension='4.1', level=2)\ndef test_own(): pass\n")
    project.commit()
    result = project.run("--audit-sha=HEAD", "--collect-only", "-q", "--audit-suite=none")
    assert files(bundled(result)) == expected()


def test_of_a_failed_bundled_check_pytest_shows_the_message(project: Project, workers: tuple[str, ...]) -> None:
    """Its source tells a reader nothing; with --tb=long it is there. A plugin's suite stands for ours."""
    project.config(ALL + "criteria: {own-thing: it holds}\n")
    suite = project.path / "plugin_suites" / "things" / "own_thing.py"
    suite.parent.mkdir(parents=True)
    suite.write_text(
        "from pytest_backend_audit import audit\n\n\n"
        "@audit(dimension='4.1', criterion='own-thing', level=3)\n"
        "def test_it_holds():\n    wrong = 2\n"
        "    assert wrong == 0, f'{wrong} of 5 things are wrong:\\n  - a\\n  - b'\n",
        "utf-8",
    )
    (project.path / "conftest.py").write_text(
        "from pathlib import Path\ndef pytest_audit_suites(): return [Path(__file__).parent / 'plugin_suites']\n",
        "utf-8",
    )
    ran = project.run("--audit", "--audit-suite=4.1", *workers)
    ran.stdout.fnmatch_lines(["2 of 5 things are wrong:", "  - a", "  - b"])
    ran.stdout.no_fnmatch_line("*assert wrong == 0*")
    project.run("--audit", "--audit-suite=4.1", "--tb=long", *workers).stdout.fnmatch_lines(["*assert wrong == 0*"])


def test_of_a_driver_that_reaches_nobody_pytest_shows_the_reason(project: Project, workers: tuple[str, ...]) -> None:
    """The card says could not run; forty lines of the driver's source would say that the service failed."""
    project.suite(
        "import httpx\n\n\n@audit(dimension='4.1', level=2)\n"
        "def test_it():\n    raise httpx.ConnectError('Connection refused')\n"
    )
    ran = project.run("--audit", *workers)
    ran.stdout.fnmatch_lines(["*test_checks.py:*: could not run: *Connection refused*"])
    ran.stdout.no_fnmatch_line("*raise httpx.ConnectError*")
    assert project.statuses() == {"test_it": "could-not-run"}

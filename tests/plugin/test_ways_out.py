"""Ways to take a failing audit for a passing one: by where pytest starts, by what ends it, by files of elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugin.conftest import HEADER, OWN, Project
from plugin.test_exit_status import FORMAL, TWO

RED = "@audit(dimension='4.1', level=2, criterion='first-things')\ndef test_red(): assert False\n"


@pytest.mark.parametrize("testpaths", ["", "testpaths = t*p sub\n"])
def test_started_in_a_folder_below_it_audits_the_whole(
    audited: Project, workers: tuple[str, ...], testpaths: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scope is rootdir's, or what testpaths names, wherever pytest is called."""
    (audited.path / "pytest.ini").write_text(f"[pytest]\n{testpaths}", "utf-8")
    audited.suite(TWO, "sub/test_good.py")
    audited.suite(RED, "top/test_bad.py")
    audited.commit()
    monkeypatch.chdir(audited.path / "sub")
    ran = audited.run(*FORMAL, *workers)
    assert ran.ret == 1
    assert audited.statuses()["test_red"] == "failed"
    assert not audited.record().inputs.narrowing


@pytest.mark.parametrize(
    "part", ["backend_audit_session", "backend_audit_collector", "backend_audit_observer", "backend_audit_shown"]
)
def test_no_part_of_an_audit_can_be_left_out(audited: Project, part: str) -> None:
    """An audit without its collector or its record would be no audit."""
    audited.suite(TWO)
    audited.commit()
    ran = audited.run(*FORMAL, "-p", f"no:{part}")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines([f"ERROR: -p no:{part} takes away a part of the audit; leave it out, *"])


LEAVES = {
    "pytest_sessionstart(session)": "pytest.exit('enough', returncode=0)",
    "pytest_collection_modifyitems(items)": "pytest.exit('enough', returncode=0)",
    "pytest_cmdline_main(config)": "return 0",
    "pytest_sessionfinish(session)": "sys.exit(0)",
    "pytest_terminal_summary(terminalreporter)": "sys.exit(0)",
    "pytest_unconfigure(config)": "sys.exit(0)",
}


@pytest.mark.parametrize("hook", LEAVES)
def test_whoever_leaves_early_opens_no_gate(audited: Project, workers: tuple[str, ...], hook: str) -> None:
    """Without a card, and over a failed one, the exit status is not 0."""
    audited.suite(TWO + RED)
    (audited.path / "conftest.py").write_text(
        "import pytest, sys, os\n"
        "@pytest.hookimpl(tryfirst=True)\n"
        f"def {hook}:\n    if 'PYTEST_XDIST_WORKER' not in os.environ: {LEAVES[hook]}\n",
        "utf-8",
    )
    audited.commit()
    assert audited.run(*FORMAL, *workers).ret not in {0, None}


def test_files_gate_is_not_held_by_a_listing(audited: Project) -> None:
    """As with the option: nothing would run, so nothing would pass."""
    audited.suite(TWO)
    audited.config(OWN + "gate: conditional-production\n")
    audited.commit()
    ran = audited.run("--audit-sha=HEAD", "--collect-only")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["ERROR: the gate conditional-production of audit.yaml with --collect-only *"])


def test_an_ini_file_of_elsewhere_is_refused(audited: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It would decide what is collected, and no commit holds it."""
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x.ini"
    elsewhere.write_text("[pytest]\npython_files = good_*.py\n", "utf-8")
    audited.suite(TWO, "good_things.py")
    audited.suite(RED, "test_bad.py")
    audited.commit()
    ran = audited.run(*FORMAL, "-c", str(elsewhere), "--rootdir=.")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines([f"ERROR: {elsewhere} is no part of the audited commit, *"])


@pytest.mark.parametrize("linked", [False, True])
def test_checks_of_elsewhere_are_refused(
    audited: Project, tmp_path_factory: pytest.TempPathFactory, workers: tuple[str, ...], linked: bool
) -> None:
    """Named on the command line, or behind a link that the commit holds: their text is not the commit's."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "test_ext.py").write_text(HEADER + TWO, "utf-8")
    arguments = ["--rootdir=.", str(elsewhere / "test_ext.py")]
    if linked:
        (audited.path / "checks").symlink_to(elsewhere)
        arguments = []
    audited.suite("", "test_none.py")
    audited.commit()
    ran = audited.run(*FORMAL, *workers, *arguments)
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    told = "\n".join([*ran.outlines, *ran.errlines])
    assert f"lie outside of what the audited commit holds (in {os.path.realpath(elsewhere / 'test_ext.py')})" in told


@pytest.mark.parametrize("found", ["checks/test_y.py", "checks/hid_y.py", "checks/conftest.py"])
def test_what_git_ignores_is_not_run(audited: Project, workers: tuple[str, ...], found: str) -> None:
    """A check behind a link, one by the ini's own names, a conftest: a clean tree is not enough."""
    audited.commit()
    for folder in ("checks", ".made"):
        (audited.path / folder).mkdir()
    made = audited.path / ".made" / "made.py"
    made.write_text("" if "conftest" in found else HEADER + TWO, "utf-8")
    (audited.path / ".gitignore").write_text(".made/\nhid_*\naudit-report/\n__pycache__/\n.pytest_cache/\n", "utf-8")
    (audited.path / "pytest.ini").write_text("[pytest]\npython_files = test_*.py hid_*.py\n", "utf-8")
    audited.suite(TWO, "checks/test_checks.py")
    if "hid" in found:
        made.rename(audited.path / found)
    else:
        (audited.path / found).symlink_to("../.made/made.py")
    audited.commit()
    ran = audited.run("--audit-sha=HEAD", *workers)
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    told = "\n".join([*ran.outlines, *ran.errlines])
    assert f"{audited.path / found}: git ignores it, or what it leads to, and" in told
    assert f"git add -f {(audited.path / found).resolve()} and commit" in told


def test_a_rehearsal_takes_them(audited: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A check under the hands of its author may lie anywhere."""
    elsewhere: Path = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "test_ext.py").write_text(HEADER + TWO, "utf-8")
    assert audited.run("--audit", "--rootdir=.", str(elsewhere / "test_ext.py")).ret == 0


def test_a_report_folder_that_cannot_be_looked_into_is_one_message(
    audited: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a traceback. The error is planted, as root may look into any folder."""
    audited.suite(TWO)
    (audited.path / "conftest.py").write_text(
        "from pathlib import Path\n"
        "from pytest_backend_audit import history\n"
        "def refused(folder, *_, **__): raise PermissionError(13, 'Permission denied', str(folder))\n"
        "history.earlier = refused\n",
        "utf-8",
    )
    ran = audited.run("--audit")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["ERROR: the report folder * can't be read: Permission denied; give another one with *"])


def test_python_without_assertions_audits_nothing(audited: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pytest keeps those of test files only: what a helper asserts would hold whatever the service does."""
    (audited.path / "helper.py").write_text("def holds(): assert False\n", "utf-8")
    audited.suite("import helper\n@audit(dimension='4.1', level=2)\ndef test_it(): helper.holds()\n")
    assert audited.run("--audit").ret == pytest.ExitCode.TESTS_FAILED
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    ran = audited.run_fresh("--audit")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["ERROR: Python leaves out assertions (-O, or the variable PYTHONOPTIMIZE): *"])


def test_skipping_can_not_be_left_out(audited: Project) -> None:
    """By it checks that are not allowed to disturb don't run."""
    audited.suite("@audit(dimension='4.1', level=2, needs=('writes',))\ndef test_it(): open('written', 'w')\n")
    ran = audited.run("--audit", "-p", "no:skipping")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["ERROR: -p no:skipping takes away *"])
    assert not (audited.path / "written").exists()

"""Without a gate the exit status is pytest's own; with one, the verdict's; nothing hides what broke."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.conftest import OWN, Project
from pytest_backend_audit.journal import State, verify_run
from pytest_backend_audit.standard.model import NEEDS_SIGN_OFF

ALL = "".join(
    f"@audit(dimension='4.{n}', level={level})\n"
    f"def test_{n}_{level}(audit_evidence): audit_evidence.command('true', 'ok')\n"
    for n in range(1, 9)
    for level in (2, 3)
)
GATE = "--audit-gate=conditional-production"
FORMAL = ("--audit-sha=HEAD", GATE)


TWO = "".join(
    f"@audit(dimension='4.{n}', level={level}, criterion='{name}-things')\n"
    f"def test_{n}_{level}(audit_evidence): audit_evidence.command('true', 'ok')\n"
    for n, name in ((1, "first"), (2, "second"))
    for level in (2, 3)
)

APPENDS = (
    "@audit(dimension='4.2', level=4)\ndef test_x():\n"
    "    with open('audit-report/journal.jsonl', 'ab') as f: f.write(b'mine\\n')\n"
)


def test_without_a_gate_it_is_pytests_own(project: Project, workers: tuple[str, ...]) -> None:
    """0 when all passed, 1 when a check failed, 5 when nothing was collected."""
    project.suite(ALL)
    assert project.run("--audit", *workers).ret == 0
    project.suite(ALL + "@audit(dimension='4.1', level=2)\ndef test_x(): assert False\n")
    assert project.run("--audit", *workers).ret == 1
    project.suite("def test_plain(): pass\n")
    assert project.run("--audit", *workers).ret == 5


def test_a_gate_that_is_met_is_0_although_a_check_failed(audited: Project, workers: tuple[str, ...]) -> None:
    """What counts is the recorded disposition."""
    audited.suite(TWO + "@audit(dimension='4.1', level=4)\ndef test_x(): assert False\n")
    audited.commit()
    result = audited.run(*FORMAL, *workers)
    assert result.ret == 0
    result.assert_outcomes(passed=4, failed=1)


def test_a_gate_that_is_missed_is_1_although_every_check_passed(audited: Project, workers: tuple[str, ...]) -> None:
    """A dimension that nothing proves is an L1."""
    audited.suite("@audit(dimension='4.1', level=2)\ndef test_x(audit_evidence): audit_evidence.command('true', '')\n")
    audited.commit()
    assert audited.run(*FORMAL, *workers).ret == 1


@pytest.mark.parametrize(
    "body",
    [
        "@pytest.fixture(scope='module')\ndef wide():\n    yield\n    raise OSError\n"
        "@audit(dimension='4.1', level=2)\ndef test_x(wide, audit_evidence): audit_evidence.command('true', '')\n",
        "@audit(dimension='4.1', level=5)\ndef test_x(): {}['key']\n",
    ],
    ids=["wider teardown", "broken check"],
)
def test_a_gate_hides_nothing_that_broke(audited: Project, workers: tuple[str, ...], body: str) -> None:
    """A teardown that failed and a broken check fail the gate, whatever the disposition."""
    audited.suite(TWO + body)
    audited.commit()
    assert audited.run(*FORMAL, *workers).ret == 1


def test_a_gate_does_not_hide_a_broken_module(audited: Project, workers: tuple[str, ...]) -> None:
    """An interruption keeps its meaning; with --continue-on-collection-errors it is a failure."""
    audited.suite(TWO)
    audited.suite("raise OSError\n", "test_other.py")
    audited.commit()
    assert audited.run(*FORMAL).ret == 2
    assert audited.run(*FORMAL, "--continue-on-collection-errors", *workers).ret == 1


def test_pytest_exit_keeps_its_status_and_never_passes_a_gate(audited: Project) -> None:
    """``pytest.exit(returncode=0)`` in a check does not make a verdict."""
    audited.suite(TWO + "@audit(dimension='4.2', level=5)\ndef test_x(): pytest.exit('enough', returncode=0)\n")
    audited.commit()
    assert audited.run(*FORMAL).ret == 1


@pytest.mark.parametrize("status", [None, 0, 1, 5])
def test_pytest_exit_in_a_worker_is_a_clean_end(audited: Project, status: int | None) -> None:
    """Whatever its returncode: no crash, but a stop that gives the reason, a sealed record, and no gate that passes."""
    leaves = f"def test_x(): pytest.exit('enough', returncode={status})\n"
    audited.suite(TWO + "@audit(dimension='4.2', level=5)\n" + leaves)
    audited.commit()
    result = audited.run(*FORMAL, "-n2")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert not re.search("INTERNALERROR|crashed", result.stdout.str() + result.stderr.str())
    assert audited.card()["partial"] == ["enough"]
    assert verify_run(audited.path / "audit-report").state is State.INTACT


def test_another_plugins_sessionfinish_can_not_turn_a_failure_into_0(audited: Project) -> None:
    """The verdict has the last word."""
    audited.suite("@audit(dimension='4.1', level=2)\ndef test_x(audit_evidence): audit_evidence.command('true', '')\n")
    (audited.path / "conftest.py").write_text(
        "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
        "def pytest_sessionfinish(session):\n    yield\n    session.exitstatus = 0\n",
        "utf-8",
    )
    audited.commit()
    assert audited.run(*FORMAL).ret == 1


def test_another_plugins_failure_is_not_hidden_by_a_gate(audited: Project) -> None:
    """Coverage that fell too low, for one, still fails the run."""
    audited.suite(TWO)
    (audited.path / "conftest.py").write_text(
        "def pytest_sessionfinish(session):\n    session.exitstatus = 1\n", "utf-8"
    )
    audited.commit()
    assert audited.run(*FORMAL).ret == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--audit", GATE), "--audit-gate needs a formal audit: give --audit-sha=HEAD instead of --audit"),
        (
            ("--audit-sha=HEAD", "--audit-gate=production-ready"),
            f"--audit-gate=production-ready {NEEDS_SIGN_OFF}; allowed are conditional-production",
        ),
        (
            ("--audit-sha=HEAD", "--audit-gate=perfect"),
            "--audit-gate=perfect: unknown disposition; allowed are conditional-production",
        ),
        (
            ("--audit-sha=HEAD", "--audit-gate=conditional"),
            "--audit-gate=conditional: unknown disposition; allowed are conditional-production; "
            'did you mean "conditional-production"?',
        ),
        ((*FORMAL, "--collect-only"), "--audit-gate with --collect-only or its like: nothing would run"),
        (
            (*FORMAL, "test_checks.py::test_1_2"),
            "--audit-gate needs a whole run, and this one is narrowed: node id test_checks.py::test_1_2",
        ),
        (
            (*FORMAL, "-k", "1_2"),
            "--audit-gate needs a whole run, and this one is narrowed: "
            "3 checks deselected by -k, such as test_checks.py::test_1_3",
        ),
        (
            ("--audit-sha=HEAD", "--audit-dimension=9.9"),
            "--audit-dimension=9.9: no dimension '9.9'; allowed are 4.1, 4.2",
        ),
        (("--audit", "--audit-suite=9.9"), "--audit-suite=9.9: no dimension '9.9'; allowed are all, none, 4.1, 4.2"),
        (
            ("--audit", "--audit-allow=love"),
            "--audit-allow: unknown 'love'; allowed are load, writes, faults, probes",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_one_clear_usage_error(
    audited: Project, workers: tuple[str, ...], arguments: tuple[str, ...], message: str
) -> None:
    """Status 4, the reason and the way out, no traceback; under xdist too."""
    audited.suite(TWO)
    audited.commit()
    result = audited.run(*arguments, *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line.startswith("ERROR")] == [f"ERROR: {message}"]
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_gate_without_audit_yaml_is_a_usage_error(project: Project) -> None:
    """So that deleting the file never helps."""
    project.suite(TWO)
    project.commit()
    result = project.run(*FORMAL)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --audit-gate needs an audit.yaml; `backend-audit init` writes one"])


def test_the_gate_of_audit_yaml_counts_in_formal_runs_only(audited: Project) -> None:
    """A rehearsal has no disposition to compare."""
    audited.config(OWN + "gate: conditional-production\n")
    audited.suite(TWO + "@audit(dimension='4.1', level=4)\ndef test_x(): assert False\n")
    audited.commit()
    assert audited.run("--audit").ret == 1
    assert audited.run("--audit-sha=HEAD").ret == 0


def test_allow_in_addopts_does_not_count(audited: Project) -> None:
    """Permission to disturb is given at the terminal, not by a file."""
    (audited.path / "pytest.ini").write_text("[pytest]\naddopts = --audit-allow=writes\n", "utf-8")
    audited.suite(TWO)
    result = audited.run("--audit")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --audit-allow counts on the command line only; take it out of addopts"])


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            "with open(path, 'r+b') as f: f.seek(99); f.write(b'!')",
            r":1: this line was changed: its hash does not fit its text",
        ),
        ("with open(path, 'ab') as f: f.write(b'mine\\n')", r":\d: this is no line of a journal"),
        (
            "import os, shutil; shutil.copy(path, 'copy'); os.replace('copy', path)",
            r": another file stands in the place of this run's journal",
        ),
    ],
    ids=["changed", "appended to", "replaced"],
)
def test_a_record_that_was_touched_during_the_run_makes_no_card(
    audited: Project, workers: tuple[str, ...], body: str, found: str
) -> None:
    """A check that writes into the journal ends in one message and a failure, whatever passed."""
    writes = f"def test_x():\n    path = 'audit-report/journal.jsonl'\n    {body}\n"
    audited.suite(TWO + "@audit(dimension='4.2', level=4)\n" + writes)
    audited.commit()
    result = audited.run(*FORMAL, *workers)
    assert result.ret == 1
    text = "\n".join([*result.outlines, *result.errlines])
    journal = re.escape(str(audited.path / "audit-report" / "journal.jsonl"))
    told = rf"^audit: there is no card: {journal}{found}\. The run proves nothing any more; run the audit again$"
    assert len(re.findall(told, text, re.MULTILINE)) == 1
    assert "Traceback" not in text


def test_verify_says_that_a_check_appended_to_the_journal(audited: Project) -> None:
    """What it wrote still stands there."""
    audited.suite(TWO + APPENDS)
    audited.run("--audit")
    done = subprocess.run(
        [Path(sys.executable).with_name("backend-audit"), "verify"],
        cwd=audited.path,
        check=False,
        capture_output=True,
        text=True,
    )
    first, second = done.stdout.splitlines()
    assert (done.returncode, first.partition(";")[0]) == (1, "audit-report: altered")
    assert second == "  audit-report/journal.jsonl:6: this is no line of a journal"


def test_checks_that_were_never_reached_are_a_stop(audited: Project) -> None:
    """Xdist that gives up on crashed workers leaves checks unheard of; no gate passes then."""
    audited.suite(
        TWO + "".join(f"@audit(dimension='4.1', level={n})\ndef test_x{n}(): import os; os._exit(0)\n" for n in (4, 5))
    )
    audited.commit()
    assert audited.run(*FORMAL, "-n1", "--max-worker-restart=0").ret == 1
    (reason,) = audited.card()["partial"]  # type: ignore[misc]
    assert reason.endswith("checks were never reached")


def test_coverage_that_is_too_low_is_not_hidden_by_a_failing_check(audited: Project) -> None:
    """A plugin that counts a failure of its own fails the gate, also where a check failed."""
    audited.suite(TWO + "@audit(dimension='4.1', level=4)\ndef test_x(): assert False\n")
    (audited.path / "conftest.py").write_text(
        "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtestloop(session):\n"
        "    result = yield\n    session.testsfailed += 1\n    return result\n",
        "utf-8",
    )
    audited.commit()
    assert audited.run(*FORMAL).ret == 1


def test_a_failing_subtest_alone_does_not_fail_a_gate(audited: Project, workers: tuple[str, ...]) -> None:
    """Pytest counts it, and so do we."""
    audited.suite(
        TWO + "@audit(dimension='4.1', level=4)\ndef test_x(subtests, audit_evidence):\n"
        "    audit_evidence.command('true', '')\n"
        "    with subtests.test():\n        assert False\n"
    )
    audited.commit()
    assert audited.run(*FORMAL, *workers).ret == 0


@pytest.mark.parametrize("option", ["--markers", "--fixtures", "--setup-plan", "--collect-only"])
def test_a_run_that_runs_nothing_leaves_the_last_report_alone(audited: Project, option: str) -> None:
    """Listing is no audit: nothing is moved, and no record of a run that wasn't takes its place."""
    audited.suite(TWO)
    audited.commit()
    audited.run("--audit-sha=HEAD")
    before = (audited.path / "audit-report" / "journal.jsonl").read_bytes()
    audited.run("--audit-sha=HEAD", option)
    assert (audited.path / "audit-report" / "journal.jsonl").read_bytes() == before
    assert not (audited.path / "audit-report" / "earlier").exists()


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("nope.py", pytest.ExitCode.USAGE_ERROR, ["ERROR: file or directory not found: nope.py", ""]),
        ("test_checks.py::test_nope", pytest.ExitCode.NO_TESTS_COLLECTED, []),
    ],
)
def test_what_workers_do_not_find(project: Project, path: str, status: int, said: list[str]) -> None:
    """A path that was mistyped is named also where workers collect, and none of it is an internal error."""
    project.suite(ALL)
    result = project.run("--audit", "-n2", path)
    assert result.ret == status
    assert result.errlines == said
    assert "INTERNALERROR" not in result.stdout.str()


@pytest.mark.parametrize("part", ["capture", "debugging", "logging", "setuponly"])
def test_an_audit_needs_none_of_the_parts_of_pytest_that_only_show(audited: Project, part: str) -> None:
    """Their options and ini values are then unknown; the audit is whole, and its gate passes."""
    audited.suite(TWO)
    audited.commit()
    assert audited.run(*FORMAL, "-p", f"no:{part}").ret == pytest.ExitCode.OK
    assert audited.card()["partial"] == []


def test_a_reader_that_leaves_early_ends_pytest_as_it_would_without_us(project: Project) -> None:
    """As ``pytest --audit | head`` does: no traceback."""
    project.suite(TWO)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--audit"]
    with subprocess.Popen(command, cwd=project.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.close()
        assert started.stderr is not None
        assert started.stderr.read() == b""
    assert started.returncode == 1

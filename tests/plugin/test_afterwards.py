"""What other plugins make of a test behind the observer's back never makes a verdict better, nor opens a gate."""

from __future__ import annotations

import pytest

from plugin.conftest import Project
from plugin.test_exit_status import FORMAL, TWO

SPREAD = pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
RUNS_ONCE = "def pytest_pyfunc_call(pyfuncitem):\n    return True if 'test_2_3' in pyfuncitem.name else None\n"


@pytest.fixture(autouse=True)
def two(audited: Project) -> None:
    """Checks that pass the gate, if nobody meddles."""
    audited.suite(TWO)


def gated(project: Project, text: str, *workers: str, folder: str = ".") -> tuple[int, dict[str, str], list[str]]:
    """Exit status of the gated run with that conftest, the checks that did not pass, and what broke."""
    path = project.path / folder / "conftest.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text("import pytest\n" + text, "utf-8")
    project.commit()
    result = project.run(*FORMAL, *workers)
    record = project.record()
    assert record.seal is not None
    return (
        int(result.ret),
        {a.check.rpartition("::")[2]: f"{a.status}: {a.reason}" for a in record.attempts if a.status.value != "passed"},
        list(record.seal.broken),
    )


def test_the_gate_opens_without_it(audited: Project) -> None:
    """What the others are compared with."""
    assert gated(audited, "") == (0, {}, [])


@SPREAD
@pytest.mark.parametrize(
    ("phase", "found", "exits"),
    [
        ("setup", "could-not-run: error in set-up: 3 connections leaked", 0),
        ("call", "failed: 3 connections leaked", 0),
        ("teardown", "broken: error in teardown: 3 connections leaked", 1),
    ],
)
def test_a_report_that_a_conftest_fails(
    audited: Project, workers: tuple[str, ...], phase: str, found: str, exits: int
) -> None:
    """As a detector of leaks does at the end: the check has not passed. This gate asks for less than L3."""
    status, others, broken = gated(
        audited,
        "@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n    report = yield\n"
        f"    if call.when == '{phase}' and 'test_2_3' in item.name:\n"
        "        report.outcome, report.longrepr = 'failed', '3 connections leaked'\n    return report\n",
        *workers,
    )
    assert (status, others, broken) == (exits, {"test_2_3": found}, [])


@SPREAD
def test_a_report_that_is_failed_after_it_was_judged(audited: Project, workers: tuple[str, ...]) -> None:
    """Where it is only told: nobody knows what of, so the run is not to be believed, and says which test it was."""
    status, others, broken = gated(
        audited,
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_logreport(report):\n"
        "    if report.when == 'call' and 'test_2_3' in report.nodeid:\n"
        "        report.outcome, report.longrepr = 'failed', 'an ERROR was logged'\n",
        *workers,
    )
    assert (status, others) == (1, {})
    assert broken == ["another plugin failed test_checks.py::test_2_3 after it was judged"]


@SPREAD
def test_failures_kept_back_until_the_call_is_over(audited: Project, workers: tuple[str, ...]) -> None:
    """As plugins of soft assertions do: of a test that is expected to fail they make a skip, with no exception."""
    status, others, _ = gated(
        audited,
        "@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n    report = yield\n"
        "    if call.when == 'call' and 'test_2_2' in item.name:\n"
        "        report.outcome, report.wasxfail = 'skipped', 'known since May'\n    return report\n",
        *workers,
    )
    assert (status, others) == (1, {"test_2_2": "failed: failed as expected: known since May"})


def test_the_end_of_a_wider_fixture_in_the_next_set_up(audited: Project) -> None:
    """A fixture with parameters ends there when they change: a teardown that failed, which no gate may hide."""
    audited.suite(
        TWO + "@pytest.fixture(scope='session', params=['a', 'b'])\ndef conn(request):\n    yield request.param\n"
        "    if request.param == 'a': raise RuntimeError('close failed')\n"
        "@audit(dimension='4.2', level=2)\ndef test_param(conn, audit_evidence): audit_evidence.command('true', 'ok')\n"
    )
    status, others, broken = gated(audited, "")
    assert (status, others) == (1, {"test_param": "could-not-run: error in set-up: RuntimeError: close failed"})
    assert broken == ["teardown of a wider-scoped fixture failed before test_checks.py::test_param[b]"]


@SPREAD
def test_a_body_that_nobody_runs(audited: Project, workers: tuple[str, ...]) -> None:
    """A hook that says it has called the function: what was not looked at did not pass."""
    said = "could-not-run: nobody ran its body: a plugin or a conftest answered in its place"
    assert gated(audited, RUNS_ONCE, *workers)[1] == {"test_2_3": said}


@pytest.mark.parametrize("option", ["--audit-sha", "--audit-prior"])
def test_an_option_whose_variable_is_not_set(audited: Project, option: str) -> None:
    """``--audit-sha=$SHA`` without SHA would be no audit, and green."""
    result = audited.run("--audit", f"{option}=")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option}= is empty: is the variable set that it comes from?"])

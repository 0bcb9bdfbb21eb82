"""From subtests to the outcome of their check."""

from __future__ import annotations

from plugin._outcomes import MARK, SEEN, outcome, run_one
from plugin.conftest import Project


def test_a_failing_subtest_fails_the_check(project: Project, workers: tuple[str, ...]) -> None:
    """Although pytest reports the whole test as passed and corrects itself only on the terminal."""
    body = (
        MARK
        + "def test_it(subtests, audit_evidence):\n"
        + SEEN
        + "    for n in range(3):\n        with subtests.test(n=n):\n            assert n != 1, f'{n} is bare'\n"
    )
    assert run_one(project, body, *workers) == ("failed", 2)
    assert [a.reason for a in project.record().attempts if a.reason] == ["1 is bare"]


def test_a_skip_in_a_subtest_could_not_run(project: Project) -> None:
    """A pass follows it, and does not cover it."""
    body = (
        MARK
        + "def test_it(subtests, audit_evidence):\n"
        + SEEN
        + "    with subtests.test():\n        pytest.skip('x')\n"
    )
    assert run_one(project, body) == ("could-not-run", 2)


def test_a_subtest_that_fails_in_a_fixtures_set_up_could_not_run(project: Project) -> None:
    """As any error in set-up; the call that passes afterwards does not cover it."""
    body = (
        "@pytest.fixture\ndef before(subtests):\n    with subtests.test(): assert False, 'no data'\n"
        "@audit(dimension='4.1', level=2)\ndef test_it(before, audit_evidence):\n" + SEEN
    )
    assert run_one(project, body, "-p", "no:rerunfailures") == ("could-not-run", 2)
    assert [a.reason for a in project.record().attempts] == ["", "error in set-up: no data"]


def test_a_subtest_that_fails_in_a_fixtures_teardown_is_broken(project: Project, workers: tuple[str, ...]) -> None:
    """As any error in the check's own teardown."""
    body = (
        "@pytest.fixture\ndef after(subtests):\n    yield\n    with subtests.test(): assert False, 'not clean'\n"
        "@audit(dimension='4.1', level=4)\ndef test_it(after, audit_evidence):\n" + SEEN
    )
    assert run_one(project, body, *workers) == ("broken", 2)
    assert [a.reason for a in project.record().attempts if a.reason] == ["error in teardown: AssertionError: not clean"]


def test_subtests_of_a_teardown_do_not_cover_a_failure(project: Project, workers: tuple[str, ...]) -> None:
    """They are no second call, whether they pass or skip."""
    body = (
        "@pytest.fixture\ndef after(subtests):\n    yield\n    with subtests.test(): pass\n"
        + MARK
        + "def test_it(after, audit_evidence):\n"
        + SEEN
        + "    assert False, '7 of 9 are open'\n"
    )
    assert run_one(project, body, *workers) == ("failed", 2)
    assert [a.reason for a in project.record().attempts] == ["7 of 9 are open"]


def test_a_subtest_of_a_hook_round_the_call_counts(project: Project) -> None:
    """It looks like the call itself, which does not undo it."""
    (project.path / "conftest.py").write_text(
        "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_call(item):\n"
        "    with item.funcargs['subtests'].test(): assert False, 'one is open'\n    return (yield)\n",
        "utf-8",
    )
    (project.path / "deep").mkdir()
    (project.path / "conftest.py").rename(project.path / "deep" / "conftest.py")
    project.suite(MARK + "def test_it(subtests, audit_evidence):\n" + SEEN, "deep/test_checks.py")
    project.run("--audit")
    assert outcome(project) == ("failed", 2)


def test_a_subtest_that_another_plugin_fails_is_failed(project: Project) -> None:
    """As with whole tests; nothing was raised in it."""
    (project.path / "conftest.py").write_text(
        "import pytest\nseen = []\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    report = yield\n    seen.append(call.when)\n    if seen == ['setup', 'call']:\n"
        "        report.outcome, report.longrepr = 'failed', 'an error was logged'\n    return report\n",
        "utf-8",
    )
    body = (
        MARK
        + "def test_it(subtests, audit_evidence):\n"
        + SEEN
        + "    with subtests.test():\n        pass\n    with subtests.test():\n        pass\n"
    )
    assert run_one(project, body) == ("failed", 2)
    assert [a.reason for a in project.record().attempts] == ["", "an error was logged"]

"""Every planned instance of a check reports, or is missed: no hook and no crash takes one away without a word."""

from __future__ import annotations

import pytest

from plugin.conftest import STANDARD, Project

CONFIG = "version: 1\nservice: orders\nenvironment: local\nlead_auditor: Ada\nsuites: none\nstandard: two.yaml\n"
SPREAD = pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
PAIR = (
    "@audit(dimension='4.1', level=2, criterion='first-things')\n@pytest.mark.parametrize('n', ['good', 'bad'])\n"
    "def test_pair(n, audit_evidence):\n    audit_evidence.command('true', 'ok')\n    assert n == 'good', 'it is bad'\n"
)
GATED = ("--audit-sha=HEAD", "--audit-gate=conditional-production")
TAKEN = "1 check deselected by a plugin, such as deep/test_checks.py::test_pair[bad]"
FILTERS = "    items[:] = [i for i in items if 'bad' not in i.name]\n"


def prepare(project: Project, conftest: str) -> None:
    """A check of two instances, one of them bad, below a conftest whose hooks stand outside of ours."""
    (project.path / "two.yaml").write_text(STANDARD, "utf-8")
    project.config(CONFIG)
    project.suite(PAIR, "deep/test_checks.py")
    (project.path / "deep" / "conftest.py").write_text("import pytest\n" + conftest, "utf-8")
    project.commit()


def told(project: Project) -> dict[str, tuple[str, str]]:
    """Instance -> status and reason, of the latest run."""
    return {a.instance.rpartition("::")[2]: (a.status.value, a.reason) for a in project.record().attempts}


@SPREAD
@pytest.mark.parametrize(
    "conftest",
    [
        "def pytest_runtest_protocol(item):\n    if 'bad' in item.name: return True\n",
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_makereport(item, call):\n    r = yield\n"
        "    if 'bad' not in item.name: return r\n"
        "    return pytest.TestReport(r.nodeid, r.location, r.keywords, 'passed', None, r.when)\n",
    ],
    ids=["runs-it-itself", "reports-anew"],
)
def test_an_instance_that_never_reports_is_missed(project: Project, workers: tuple[str, ...], conftest: str) -> None:
    """Its check could not run, though the other instance passed; the run is not whole, and no gate opens."""
    prepare(project, conftest)
    assert project.run(*GATED, *workers).ret == pytest.ExitCode.TESTS_FAILED
    assert told(project) == {
        "test_pair[good]": ("passed", ""),
        "test_pair[bad]": (
            "could-not-run",
            "deep/test_checks.py::test_pair[bad] was never reported",
        ),
    }
    assert project.card()["partial"] == ["1 check was never reached"]


@SPREAD
@pytest.mark.parametrize(
    "body",
    [FILTERS + "    return (yield)\n", "    result = yield\n" + FILTERS + "    return result\n"],
    ids=["before-ours", "after-ours"],
)
def test_a_filter_outside_of_ours_narrows(project: Project, workers: tuple[str, ...], body: str) -> None:
    """Before the plan is made or after it, what a hook takes out of the collected items is named."""
    prepare(
        project,
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_collection_modifyitems(items):\n" + body,
    )
    result = project.run(*GATED, *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert TAKEN in result.stdout.str() + result.stderr.str()
    project.run("--audit", *workers)
    assert project.card()["partial"] == [TAKEN]
    assert told(project) == {"test_pair[good]": ("passed", "")}


def test_a_check_that_is_taken_away_whole_is_in_the_plan_and_not_selected(project: Project) -> None:
    """So that merging can tell that it is missing."""
    prepare(
        project,
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_collection_modifyitems(items):\n"
        "    result = yield\n    items[:] = [i for i in items if 'pair' not in i.name]\n    return result\n",
    )
    project.suite("@audit(dimension='4.2', level=2)\ndef test_other(): pass\n", "test_more.py")
    project.run("--audit")
    inputs = project.record().inputs
    assert [c.id for c in inputs.plan] == ["deep/test_checks.py::test_pair", "test_more.py::test_other"]
    assert inputs.selected == ("test_more.py::test_other",)
    assert project.card()["partial"] == [TAKEN.replace("1 check ", "2 checks ").replace("[bad]", "[good]")]


@SPREAD
def test_a_set_up_that_a_hook_outside_of_ours_skips(project: Project, workers: tuple[str, ...]) -> None:
    """It never comes to our hook, and is told all the same."""
    prepare(
        project,
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_setup(item):\n"
        "    if 'bad' in item.name: pytest.skip('not today')\n    return (yield)\n",
    )
    project.run("--audit", *workers)
    assert told(project) == {"test_pair[good]": ("passed", ""), "test_pair[bad]": ("could-not-run", "not today")}
    assert project.card()["partial"] == []


CRASHES = "@pytest.fixture\ndef end():\n    yield\n    import os; os._exit(3)\n"
HEAD = CRASHES + "@audit(dimension='4.1', level=2)\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def test_it(end): assert False, '2 are open'\n", ["failed", "could-not-run"]),
        (
            "def test_it(subtests):\n    with subtests.test(): assert False, '2 are open'\n"
            "    import os; os._exit(3)\n",
            ["failed", "could-not-run"],
        ),
        ("def test_it(end): pass\n", ["could-not-run"]),
    ],
    ids=["call", "subtest", "passed"],
)
def test_what_a_check_found_before_its_worker_died_stands(project: Project, body: str, expected: list[str]) -> None:
    """A crash in the teardown, or after a subtest, does not turn a failure into "could not run"."""
    project.suite(HEAD + body)
    project.run("--audit", "-n2")
    attempts = project.record().attempts
    assert [a.status.value for a in attempts] == expected
    assert [a.reason for a in attempts if a.status.value == "failed"] == ["2 are open"] * expected.count("failed")


@SPREAD
def test_what_one_check_can_not_say_costs_no_other(project: Project, workers: tuple[str, ...]) -> None:
    """An error without a text, evidence that is none: each its check's own mistake, and the run goes on to its card."""
    project.suite(
        "class Odd(Exception):\n    def __str__(self): raise KeyError('no text')\n"
        "class Wrong(AssertionError):\n    def __str__(self): return self.missing\n"
        "check = audit(dimension='4.1', level=2)\n"
        "@check\ndef test_odd(): raise Odd\n"
        "@check\ndef test_wrong(): raise Wrong\n"
        "@check\ndef test_bytes(audit_evidence): audit_evidence.command('true', b'')\n"
        "@check\ndef test_list(audit_evidence): audit_evidence.verbal('we do', who=['Ada', 'Bob'])\n"
        "@check\ndef test_other(audit_evidence): audit_evidence.command('true', 'ok')\n"
    )
    assert project.run("--audit", *workers).ret == pytest.ExitCode.TESTS_FAILED
    assert told(project) == {
        "test_odd": ("broken", "Odd: <exception str() failed>"),
        "test_wrong": ("failed", "<exception str() failed>"),
        "test_bytes": ("broken", "TypeError: evidence: its text is b'', and no text"),
        "test_list": ("broken", "TypeError: evidence: who is ['Ada', 'Bob'], and no text, truth or finite number"),
        "test_other": ("passed", ""),
    }
    assert project.card()["partial"] == []


def test_a_text_of_a_parsers_is_evidence(project: Project) -> None:
    """What templates and parsers hand out is a text, though not of Python's own class."""
    project.suite(
        "class Markup(str):\n    def __str__(self): return self\n"
        "@audit(dimension='4.1', level=2)\ndef test_it(audit_evidence):\n"
        "    audit_evidence.command(Markup('curl'), Markup('<title>Orders</title>'))\n"
        "    audit_evidence.verbal('we do', who=Markup('Ada'))\n"
    )
    assert project.run("--audit").ret == 0
    (attempt,) = project.record().attempts
    assert [(e.title, e.body, e.facts) for e in attempt.evidence] == [
        ("curl", "<title>Orders</title>", {"exit_code": 0}),
        ("we do", "by Ada", {"who": "Ada"}),
    ]


@pytest.mark.parametrize("end", ["raise KeyboardInterrupt", "pytest.exit('enough')", "pytest.exit('enough', 0)"])
def test_what_a_check_found_before_the_run_was_stopped_stands(project: Project, end: str) -> None:
    """Its teardown is where it stopped; that takes nothing from what its call has found."""
    project.suite(
        f"@pytest.fixture\ndef end():\n    yield\n    {end}\n"
        "@audit(dimension='4.1', level=2)\ndef test_it(end): assert False, '2 are open'\n"
    )
    project.run("--audit")
    assert told(project) == {"test_it": ("failed", "2 are open")}


STOPPED = (
    "@pytest.fixture(autouse=True, scope='session')\ndef clock():\n"
    "    with pytest.MonkeyPatch.context() as patch:\n"
    "        patch.setattr('time.time_ns', lambda: 1_790_000_000_000_000_000)\n        yield\n"
)


@pytest.mark.parametrize("clock", ["", STOPPED], ids=["running", "stopped"])
def test_an_attempt_whose_teardown_nobody_tells_stands(project: Project, clock: str) -> None:
    """As by pytest-rerunfailures before 16: it runs a test again, and keeps the end of the first attempt to itself.

    Also where a fixture stops the clock, so that both begin at the same instant.
    """
    (project.path / "conftest.py").write_text(
        "from _pytest.runner import runtestprotocol\n"
        "def pytest_runtest_protocol(item, nextitem):\n"
        "    for again in (True, False):\n"
        "        for report in runtestprotocol(item, nextitem=nextitem, log=False):\n"
        "            if again and report.failed:\n"
        "                report.outcome = 'rerun'\n"
        "                item.ihook.pytest_runtest_logreport(report=report)\n"
        "                break\n"
        "            item.ihook.pytest_runtest_logreport(report=report)\n"
        "        else:\n"
        "            break\n"
        "    return True\n",
        "utf-8",
    )
    project.suite(
        clock + "seen = []\n@audit(dimension='4.1', level=2)\ndef test_it(audit_evidence):\n"
        "    audit_evidence.command('true', 'ok')\n    seen.append(1)\n    assert len(seen) > 1, 'not at once'\n"
    )
    project.run("--audit")
    assert [(a.status.value, a.reason) for a in project.record().attempts] == [
        ("failed", "not at once"),
        ("passed", ""),
    ]

"""From what pytest reports to an outcome: every trap of pytest's own, plain and under xdist."""

from __future__ import annotations

import json
from typing import Any

from plugin._outcomes import MARK, SEEN, outcome, run_one
from plugin.conftest import CONFIG, Project
from pytest_backend_audit.journal import JOURNAL
from pytest_backend_audit.jsonable import to_builtins


def test_each_outcome(project: Project, workers: tuple[str, ...]) -> None:
    """Passed, unsupported, weak, failed, could not run and broken, each with the limit of the design's table."""
    project.suite(
        MARK
        + "def test_passed(audit_evidence):\n"
        + SEEN
        + MARK
        + "def test_unsupported(): pass\n"
        + MARK
        + "def test_weak(audit_evidence): audit_evidence.verbal('we do')\n"
        + MARK
        + "def test_failed(audit_evidence):\n"
        + SEEN
        + "    assert 1 == 2, '3 of 4 are bare'\n"
        + MARK
        + "def test_pytest_fail(): pytest.fail('no record')\n"
        + MARK
        + "def test_skipped(): pytest.skip('no server')\n"
        + MARK
        + "def test_could_not_run(): raise CouldNotRun('no tool')\n"
        + MARK
        + "def test_broken(): {}['key']\n"
    )
    project.run("--audit", *workers)
    names = ["passed", "unsupported", "weak", "failed", "pytest_fail", "skipped", "could_not_run", "broken"]
    assert {n: outcome(project, f"test_{n}") for n in names} == {
        "passed": ("passed", 5),
        "unsupported": ("unsupported", 1),
        "weak": ("weak", 2),
        "failed": ("failed", 2),
        "pytest_fail": ("failed", 2),
        "skipped": ("could-not-run", 2),
        "could_not_run": ("could-not-run", 2),
        "broken": ("broken", 2),
    }


def test_the_reason_is_the_message_of_the_assertion(project: Project) -> None:
    """A finding shows what the check's author wrote, not pytest's rewriting of the expression."""
    run_one(project, MARK + "def test_it():\n    bare = ['a']\n    assert not bare, f'{len(bare)} bare: a'\n")
    (attempt,) = project.record().attempts
    assert attempt.reason == "1 bare: a"


def test_an_error_in_set_up_could_not_run(project: Project, workers: tuple[str, ...]) -> None:
    """A fixture that fails says nothing about the service, whatever it raises."""
    body = "@pytest.fixture\ndef broken(): assert False, 'no data'\n" + MARK + "def test_it(broken): pass\n"
    assert run_one(project, body, *workers) == ("could-not-run", 2)


def test_xfail_that_failed_in_the_call_is_failed(project: Project, workers: tuple[str, ...]) -> None:
    """Expecting a failure does not make it go away."""
    body = "@pytest.mark.xfail(reason='')\n" + MARK + "def test_it(): assert False\n"
    assert run_one(project, body, *workers) == ("failed", 2)


def test_a_fixture_that_is_none_is_named(project: Project) -> None:
    """In the words of whoever wrote the check; pytest lists those that there are."""
    project.suite("""
@audit(dimension="4.1", level=3)
def test_typo(audit_postgress):
    pass
""")
    result = project.run("--audit")
    assert [a.reason for a in project.record().attempts] == ["error in set-up: fixture 'audit_postgress' not found"]
    result.stdout.fnmatch_lines([">       available fixtures: *audit_postgres*"])


def test_a_check_that_returns_a_value_shows_none_of_our_code(project: Project) -> None:
    """The mistake is in the check."""
    project.suite("""
@audit(dimension="4.1", level=3)
def test_returns():
    return True
""")
    result = project.run("--audit")
    result.stdout.fnmatch_lines(["E   pytest.PytestReturnNotNoneWarning: Test functions should return None, but *"])
    result.stdout.no_fnmatch_line("*observe.py*")


def test_xfail_over_an_error_in_set_up_could_not_run(project: Project) -> None:
    """Nothing was asked of the service."""
    body = "@pytest.fixture\ndef broken(): raise OSError\n@pytest.mark.xfail\n" + MARK + "def test_it(broken): pass\n"
    assert run_one(project, body) == ("could-not-run", 2)


def test_xfail_that_never_runs_could_not_run(project: Project) -> None:
    """``run=False`` is a skip."""
    assert run_one(project, "@pytest.mark.xfail(run=False)\n" + MARK + "def test_it(): pass\n") == ("could-not-run", 2)


def test_a_stale_xfail_passes_and_is_said(project: Project, workers: tuple[str, ...]) -> None:
    """Strict or not, a check that passes against expectation has passed."""
    strict = "@pytest.mark.xfail(strict=True)\n" + MARK + "def test_it(audit_evidence):\n" + SEEN
    assert run_one(project, strict, *workers) == ("passed", 5)
    assert project.record().attempts[0].notes == ("stale xfail: the check passes",)
    assert run_one(project, strict.replace("strict=True", ""), *workers) == ("passed", 5)


def test_a_group_of_assertion_errors_is_failed(project: Project, workers: tuple[str, ...]) -> None:
    """As an asyncio.TaskGroup raises them, groups in groups too; the finding shows each message."""
    body = (
        "import asyncio\n"
        "@audit(dimension='4.1', level=4)\ndef test_it():\n"
        "    async def look(n): assert n < 1, f'{n} is open'\n"
        "    async def pair():\n        async with asyncio.TaskGroup() as group:\n"
        "            group.create_task(look(1)); group.create_task(look(2))\n"
        "    async def main():\n        async with asyncio.TaskGroup() as group: group.create_task(pair())\n"
        "    asyncio.run(main())\n"
    )
    assert run_one(project, body, *workers) == ("failed", 3)
    assert [a.reason for a in project.record().attempts] == ["1 is open; 2 is open"]


def test_of_a_mixed_group_the_lowest_limit_counts(project: Project) -> None:
    """Each kind of error has its own, which depends on the level; none of them is lost."""
    raises = "    raise ExceptionGroup('both', [AssertionError('1 is open'), KeyError('key'), OSError('gone')])\n"
    assert run_one(project, "@audit(dimension='4.1', level=4)\ndef test_it():\n" + raises) == ("broken", 2)
    assert [(a.status.value, a.reason) for a in project.record().attempts] == [
        ("failed", "1 is open"),
        ("broken", "KeyError: 'key'; OSError: gone"),
    ]
    assert run_one(project, "@audit(dimension='4.1', level=2)\ndef test_it():\n" + raises) == ("failed", 1)
    skips = raises.replace("ExceptionGroup", "BaseExceptionGroup").replace("KeyError('key')", "CouldNotRun('no key')")
    assert run_one(project, MARK + "def test_it():\n" + skips) == ("failed", 2)
    assert [(a.status.value, a.reason) for a in project.record().attempts] == [
        ("failed", "1 is open"),
        ("broken", "OSError: gone"),
        ("could-not-run", "no key"),
    ]


def test_the_worst_instance_labels_the_check(project: Project, workers: tuple[str, ...]) -> None:
    """Parametrised instances are one check."""
    body = (
        "@pytest.mark.parametrize('n', [0, 1, 2])\n"
        + MARK
        + "def test_it(n, audit_evidence):\n"
        + SEEN
        + "    if n == 0: pytest.skip('x')\n    assert n != 1, 'n is 1'\n"
    )
    assert run_one(project, body, *workers) == ("failed", 2)


def test_a_rerun_does_not_cover_an_earlier_failure(project: Project, workers: tuple[str, ...]) -> None:
    """A check that fails and then passes has failed."""
    body = (
        "tries = []\n"
        + MARK
        + "def test_it(audit_evidence):\n"
        + SEEN
        + "    tries.append(1)\n    assert len(tries) > 1, 'first try'\n"
    )
    assert run_one(project, body, "--reruns=2", *workers) == ("failed", 2)
    assert [a.status.value for a in project.record().attempts] == ["failed", "passed"]


def test_an_async_test_that_nobody_runs_could_not_run(project: Project) -> None:
    """It is failed by pytest in the call; the service did nothing wrong."""
    assert run_one(project, MARK + "async def test_it(): pass\n") == ("could-not-run", 2)


def test_an_error_in_the_checks_own_teardown_is_broken(project: Project) -> None:
    """The check is wrong, not the service."""
    body = (
        "@pytest.fixture\ndef own():\n    yield\n    raise OSError\n"
        + MARK
        + ("def test_it(own, audit_evidence):\n" + SEEN)
    )
    assert run_one(project, body) == ("broken", 2)


def test_a_failure_is_not_undone_by_a_teardown_that_fails_as_well(project: Project, workers: tuple[str, ...]) -> None:
    """What the check found stands, beside the error in its teardown."""
    body = (
        "@pytest.fixture\ndef own():\n    yield\n    raise OSError\n"
        + MARK
        + "def test_it(own): assert False, '7 of 9 are open'\n"
    )
    assert run_one(project, body, *workers) == ("failed", 2)
    assert [(a.status.value, a.reason) for a in project.record().attempts] == [
        ("failed", "7 of 9 are open"),
        ("broken", "error in teardown: OSError"),
    ]


def test_a_report_that_another_plugin_fails_is_failed(project: Project, workers: tuple[str, ...]) -> None:
    """As with plugins that fail a test for an error it logged: what pytest calls failed is no pass on the card."""
    (project.path / "conftest.py").write_text(
        "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    report = yield\n    if call.when == 'call':\n"
        "        report.outcome, report.longrepr = 'failed', 'an error was logged'\n    return report\n",
        "utf-8",
    )
    assert run_one(project, MARK + "def test_it(audit_evidence):\n" + SEEN, *workers) == ("failed", 2)
    assert project.record().attempts[0].reason == "an error was logged"


def test_an_async_check_that_ran_and_failed_is_failed(project: Project) -> None:
    """``pytest.fail`` in an async test says something of the service, where a plugin runs it."""
    body = (
        "@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n@pytest.mark.anyio\n"
        + MARK
        + "async def test_it(audit_evidence):\n"
        + SEEN
        + "    pytest.fail('one door is open')\n"
    )
    assert run_one(project, body) == ("failed", 2)


def test_evidence_of_an_overridden_fixture_does_not_count(project: Project) -> None:
    """A stub in the module does not inherit what the conftest's fixture of that name has seen."""
    (project.path / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(scope='session')\n"
        "def load(audit_evidence): audit_evidence.load('vegeta', 'p99 12 ms')\n",
        "utf-8",
    )
    project.suite(MARK + "def test_real(load): pass\n", "test_a.py")
    project.suite("@pytest.fixture\ndef load(): return 1\n" + MARK + "def test_it(load): pass\n", "test_b.py")
    project.run("--audit")
    assert outcome(project, "test_real") == ("passed", 5)
    assert outcome(project, "test_it") == ("unsupported", 1)


def test_an_error_in_a_wider_teardown_belongs_to_no_check(project: Project, workers: tuple[str, ...]) -> None:
    """It lands on the last test of the module, which did nothing wrong; the run takes note."""
    body = (
        "@pytest.fixture(scope='module')\ndef wide():\n    yield\n    raise OSError\n"
        + MARK
        + ("def test_it(wide, audit_evidence):\n" + SEEN)
    )
    assert run_one(project, body, *workers) == ("passed", 5)
    seal = project.record().seal
    assert seal is not None
    assert seal.broken == ("teardown of a wider-scoped fixture failed after test_checks.py::test_it",)


def test_an_own_teardown_that_fails_beside_a_wider_one_is_broken(project: Project, workers: tuple[str, ...]) -> None:
    """The two are reported as one group; each goes to where it belongs."""
    body = (
        "@pytest.fixture(scope='module')\ndef wide():\n    yield\n    raise OSError('wide')\n"
        "@pytest.fixture\ndef own(wide):\n    yield\n    raise OSError('own')\n"
        "@audit(dimension='4.1', level=2)\ndef test_it(own, audit_evidence):\n" + SEEN
    )
    assert run_one(project, body, *workers) == ("broken", 1)
    record = project.record()
    assert [a.reason for a in record.attempts] == ["", "error in teardown: OSError: own"]
    assert record.seal is not None
    assert record.seal.broken == ("teardown of a wider-scoped fixture failed after test_checks.py::test_it",)


def test_a_crashed_worker_could_not_run(project: Project) -> None:
    """Its report comes with no phase at all; the other checks are not lost."""
    body = MARK + "def test_it(): import os; os._exit(3)\n" + MARK + "def test_other(audit_evidence):\n" + SEEN
    assert run_one(project, body, "-n2") == ("could-not-run", 2)
    assert outcome(project, "test_other") == ("passed", 5)


def test_evidence_of_a_fixtures_set_up_counts_for_each_of_its_users(project: Project, workers: tuple[str, ...]) -> None:
    """Five checks on one load run all have it."""
    body = (
        "@pytest.fixture(scope='module')\ndef load(audit_evidence): audit_evidence.load('vegeta', 'p99 12 ms')\n"
        + MARK
        + "def test_it(load): pass\n"
        + MARK
        + "def test_second(load): pass\n"
        + MARK
        + "def test_without(): pass\n"
    )
    assert run_one(project, body, *workers) == ("passed", 5)
    assert outcome(project, "test_second") == ("passed", 5)
    assert outcome(project, "test_without") == ("unsupported", 1)


def test_a_check_that_runs_too_long_could_not_run(project: Project) -> None:
    """The deadline ends the check, not the run."""
    (project.path / "pytest.ini").write_text("[pytest]\naudit_timeout = 0.2\n", "utf-8")
    body = MARK + "def test_it():\n    while True: pass\n" + MARK + "def test_other(audit_evidence):\n" + SEEN
    assert run_one(project, body) == ("could-not-run", 2)
    reason = next(a.reason for a in project.record().attempts if a.reason)
    assert reason == "deadline of the check passed: 0.2 s (ini value audit_timeout)"
    assert outcome(project, "test_other") == ("passed", 5)


def test_a_check_that_swallows_its_deadline_could_not_run(project: Project, workers: tuple[str, ...]) -> None:
    """It had no time to look, whatever it makes of that."""
    (project.path / "pytest.ini").write_text("[pytest]\naudit_timeout = 0.2\n", "utf-8")
    body = (
        "import threading\n"
        "@audit(dimension='4.1', level=2)\ndef test_it(audit_evidence):\n"
        + SEEN
        + "    try: threading.Event().wait(30)\n    except BaseException: pass\n"
    )
    assert run_one(project, body, *workers) == ("could-not-run", 2)
    assert run_one(project, body.replace(": pass", ": assert False, 'nothing came'"), *workers) == ("could-not-run", 2)


def test_set_up_call_and_teardown_have_a_deadline_each(project: Project) -> None:
    """What one phase used up is not taken from the next; each finds nearly all of it left."""
    (project.path / "pytest.ini").write_text("[pytest]\naudit_timeout = 1000\n", "utf-8")
    project.suite(
        "import time\n"
        "@pytest.fixture\n"
        "def slow(pytestconfig):\n"
        "    deadline = pytestconfig.pluginmanager.get_plugin('backend_audit_observer')._deadline\n"
        "    def used_up():\n"
        "        assert 900 < deadline._until - time.monotonic() <= 1000\n"
        "        deadline._until = time.monotonic() + 100\n"
        "    used_up()\n    yield used_up\n    used_up()\n"
        "@audit(dimension='4.1', level=2)\ndef test_it(slow): slow()\n"
        "@audit(dimension='4.1', level=3)\ndef test_next(slow): slow()\n"
    )
    project.run("--audit")
    assert project.statuses() == {"test_it": "passed", "test_next": "passed"}


def test_needs_must_be_allowed_on_the_command_line(project: Project, workers: tuple[str, ...]) -> None:
    """Without permission the check could not run and says which option it wants; with it, it runs."""
    body = "@audit(dimension='4.1', level=3, needs=('writes',))\ndef test_it(audit_evidence):\n" + SEEN
    project.suite(body)
    project.run("--audit", *workers).assert_outcomes(skipped=1)
    assert run_one(project, body, *workers) == ("could-not-run", 2)
    (attempt,) = project.record().attempts
    assert attempt.reason == "needs writes, which is not allowed: run with --audit-allow=writes"
    assert run_one(project, body, "--audit-allow=writes", *workers) == ("passed", 5)


def test_in_prod_audit_yaml_allows_needs_as_well(project: Project) -> None:
    """The command line alone is not enough, and the way out is not to give it once more."""
    project.suite("@audit(dimension='4.1', level=3, needs=('probes',))\ndef test_it(audit_evidence):\n" + SEEN)
    prod = "version: 1\nservice: orders\nsuites: none\nenvironments: {live: {kind: prod}}\n"
    project.config(prod)
    project.run("--audit", "--audit-allow=probes").assert_outcomes(skipped=1)
    (attempt,) = project.record().attempts
    assert attempt.reason == (
        "needs probes, which audit.yaml does not allow in live: state allow: [probes] there, and run with "
        "--audit-allow=probes"
    )
    project.config(prod.replace("prod}", "prod, allow: [probes]}"))
    project.run("--audit", "--audit-allow=probes").assert_outcomes(passed=1)


def test_two_marks_on_one_function_are_two_checks(project: Project) -> None:
    """One measurement may answer two criteria."""
    body = (
        "@audit(dimension='4.1', level=3, criterion='query-logging')\n"
        "@audit(dimension='4.2', level=2, criterion='headroom')\n"
        "def test_it(audit_evidence):\n" + SEEN
    )
    project.suite(body)
    project.run("--audit")
    checks: list[Any] = [
        k["check"]["id"]
        for d in project.card()["dimensions"]
        for c in d["criteria"]
        for k in c["checks"]  # type: ignore[attr-defined]
    ]
    assert checks == ["test_checks.py::test_it@query-logging", "test_checks.py::test_it@headroom"]


def test_a_check_that_returns_a_value_is_broken(project: Project, workers: tuple[str, ...]) -> None:
    """Whoever writes ``return`` for ``assert`` has a check that can't fail; pytest only warns of it."""
    body = MARK + "def test_it(audit_evidence):\n" + SEEN + "    return False\n"
    assert run_one(project, body, *workers) == ("broken", 2)
    (attempt,) = project.record().attempts
    assert attempt.reason.startswith(
        "PytestReturnNotNoneWarning: Test functions should return None, but test_checks.py::test_it returned "
    )


def test_what_one_instance_alone_asks_for_is_not_the_others_evidence(project: Project) -> None:
    """A fixture that is asked for by name while a check runs has measured for that instance only."""
    body = (
        "@pytest.fixture\ndef measured(audit_evidence):\n"
        + SEEN
        + "@pytest.mark.parametrize('n', [1, 2])\n"
        + MARK
        + "def test_it(n, request):\n    if n == 1: request.getfixturevalue('measured')\n"
    )
    assert run_one(project, body) == ("unsupported", 1)
    assert [len(a.evidence) for a in project.record().attempts] == [1, 0]


def test_a_hook_that_hides_the_error_makes_no_failed_check_pass(project: Project) -> None:
    """Neither by the report alone, nor with what raised."""
    (project.path / "conftest.py").write_text(
        "import pytest\n@pytest.hookimpl(wrapper=True, trylast=True)\ndef pytest_runtest_makereport(call):\n"
        "    report = yield\n    if call.when == 'call':\n        call.excinfo, report.outcome = None, 'passed'\n"
        "    return report\n",
        "utf-8",
    )
    project.suite("@audit(dimension='4.1', level=2)\ndef test_it(): assert False, '2 are open'\n")
    project.run("--audit")
    assert [(a.status.value, a.reason) for a in project.record().attempts] == [("failed", "2 are open")]


def test_an_async_generator_that_nobody_runs_could_not_run(project: Project) -> None:
    """As with an async function."""
    project.suite("@audit(dimension='4.1', level=2)\nasync def test_it(): yield\n")
    project.run("--audit", "-p", "no:anyio")
    assert project.statuses() == {"test_it": "could-not-run"}


def test_what_is_acknowledged_for_one_criterion_is_not_for_another(project: Project) -> None:
    """Of a function that proves two; what a message prints can be pasted, also of a check that has no criterion."""
    project.suite(
        "@audit(dimension='4.1', level=2, criterion='a-things')\n"
        "@audit(dimension='4.2', level=2, criterion='b-things')\n"
        "def test_it(audit_acknowledged):\n    left = audit_acknowledged(['x'])\n    assert not left, left.names\n"
        "@audit(dimension='4.3', level=2)\ndef test_plain(audit_acknowledged):\n"
        "    left = audit_acknowledged([17])\n    assert not left, left.names\n"
    )
    declared = CONFIG + "standard: none\ncriteria: {a-things: a, b-things: b}\n"
    project.config(declared)
    project.run("--audit")
    told = {a.check.rpartition("::")[2]: a.reason for a in project.record().attempts}
    assert told["test_it@a-things"] == told["test_it@b-things"] == "b-things:x, a-things:x"
    assert told["test_plain"] == "test_checks.py::test_plain:17"
    entry = "  - {item: '%s', reason: known, who: Ada, ticket: T-1, expires: 2027-01-31}\n"

    def acknowledging(*items: str) -> dict[str, str]:
        project.config(declared + "acknowledged:\n" + "".join(entry % item for item in items))
        project.run("--audit")
        return {a.check.rpartition("::")[2]: a.reason for a in project.record().attempts}

    told = acknowledging("b-things:x", "test_checks.py::test_plain:17")
    assert told == {"test_it@a-things": "a-things:x", "test_it@b-things": "a-things:x", "test_plain": ""}
    assert set(acknowledging("a-things:x", "b-things:x", "test_checks.py::test_plain:17").values()) == {""}


def test_what_one_mark_of_a_function_asks_for_its_fixtures_do(project: Project) -> None:
    """Whichever of its marks it is: the function runs once for all of them."""
    project.config(CONFIG + "standard: none\n" + 'targets: {http: {base_url: "http://127.0.0.1:1"}}\n')
    project.suite(
        "@audit(dimension='4.2', level=2, criterion='b-things', needs=('writes',))\n"
        "@audit(dimension='4.1', level=2, criterion='a-things')\n"
        "def test_it(audit_http):\n    audit_http.post('/')\n"
    )
    project.run("--audit", "--audit-allow=writes")
    assert {a.status.value for a in project.record().attempts} == {"could-not-run"}
    reasons = {a.reason.partition(":")[0] for a in project.record().attempts}
    assert reasons == {"targets.http"}  # nobody listens there: it was asked for


def test_the_journal_has_the_form_of_an_attempt(project: Project, workers: tuple[str, ...]) -> None:
    """What a test's end writes out by itself is what the model makes of it, key by key and in that order."""
    seen = MARK + "def test_it(audit_evidence):\n" + SEEN
    project.suite(seen + MARK + "def test_failed(audit_evidence):\n" + SEEN + "    assert 1 == 2, 'it is one'\n")
    project.run("--audit", *workers)
    lines = (project.path / "audit-report" / JOURNAL).read_text("utf-8").splitlines()
    written = [line["data"] for line in map(json.loads, lines) if line["type"] == "attempt"]
    attempts = project.record().attempts
    assert len(written) == 2
    assert json.dumps(written) == json.dumps([to_builtins(attempt) for attempt in attempts])


def test_a_teardown_that_fails_where_the_call_could_not_run_is_broken(
    project: Project, workers: tuple[str, ...]
) -> None:
    """What it left behind is no secret, though nothing was asked; a subtest in the teardown is told as well."""
    body = (
        "@pytest.fixture\ndef rows(subtests):\n    yield\n    with subtests.test(): assert False, 'not clean'\n"
        "    raise OSError('3 rows are left')\n"
        + MARK
        + "def test_it(rows): raise CouldNotRun('the pool is too small')\n"
    )
    assert run_one(project, body, *workers) == ("broken", 2)
    assert [a.reason for a in project.record().attempts] == [
        "the pool is too small",
        "error in teardown: AssertionError: not clean",
        "error in teardown: OSError: 3 rows are left",
    ]


def test_what_could_not_be_reached_can_not_be_put_in_order_either(project: Project) -> None:
    """A teardown that finds the server gone, too, breaks no check; after an answer it does."""
    body = (
        "import redis\n@pytest.fixture\ndef key():\n    yield\n    raise redis.ConnectionError('gone')\n"
        + MARK
        + "def test_it(key): raise CouldNotRun('no cache')\n"
        + MARK
        + "def test_other(key, audit_evidence):\n"
        + SEEN
    )
    assert run_one(project, body) == ("could-not-run", 2)
    assert outcome(project, "test_other") == ("broken", 2)
    assert [a.reason for a in project.record().attempts if "teardown" in a.instance] == [
        "error in teardown: ConnectionError: gone"
    ] * 2


def test_evidence_that_a_check_does_not_ask_for_is_remarked(project: Project, workers: tuple[str, ...]) -> None:
    """It counts, as every fixture's does that reaches the check; with a warm-up an empty check would pass unseen."""
    (project.path / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(autouse=True)\n"
        "def warm_up(audit_evidence): audit_evidence.command('up', 'ok')\n"
        "@pytest.fixture\ndef by_name(warm_up): pass\n"
        "@pytest.fixture\ndef late(audit_evidence): audit_evidence.command('true', 'ok')\n",
        "utf-8",
    )
    project.suite(
        MARK
        + "def test_empty(): pass\n"
        + MARK
        + "def test_looks(audit_evidence):\n"
        + SEEN
        + MARK
        + "def test_asks(by_name): pass\n"
        + MARK
        + "@pytest.mark.usefixtures('warm_up')\ndef test_uses(): pass\n"
        + MARK
        + "def test_dynamic(request): request.getfixturevalue('late')\n"
        + "class TestOwn:\n    @pytest.fixture(autouse=True)\n"
        + "    def ask(self, audit_evidence): audit_evidence.command('true', 'ok')\n"
        + "    @audit(dimension='4.1', level=3)\n    def test_own(self): pass\n"
    )
    project.run("--audit", *workers)
    notes = {a.check.rpartition("_")[2]: a.notes for a in project.record().attempts}
    assert notes.pop("empty") == ("all its evidence is of a fixture that it does not ask for: warm_up",)
    assert notes == {"looks": (), "asks": (), "uses": (), "dynamic": (), "own": ()}
    assert outcome(project, "test_empty") == ("passed", 5)

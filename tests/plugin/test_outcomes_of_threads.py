"""What a thread that a check started, or that somebody else did, makes of its outcome."""

from __future__ import annotations

import pytest

from plugin._outcomes import MARK, SEEN, outcome, run_one
from plugin.conftest import Project


def test_evidence_of_a_thread_that_ran_before_does_not_count(project: Project) -> None:
    """Or the card would depend on when a background thread happens to look."""
    body = (
        "import threading\n"
        "@pytest.fixture(scope='session')\n"
        "def background(audit_evidence):\n"
        "    go, seen, stop = threading.Event(), threading.Event(), threading.Event()\n"
        "    def look():\n"
        "        go.wait(30); audit_evidence.command('true', 'ok'); seen.set(); stop.wait(30)\n"
        "    thread = threading.Thread(target=look); thread.start()\n"
        "    yield go, seen\n    stop.set(); thread.join()\n"
        + MARK
        + "def test_it(background):\n    go, seen = background\n    go.set()\n    assert seen.wait(30)\n"
    )
    assert run_one(project, body) == ("unsupported", 1)


def test_a_thread_of_the_checks_own_is_no_stranger(project: Project) -> None:
    """Though the system gives it the number of one that ran before and has ended."""
    body = (
        "import threading\n@pytest.fixture\ndef before():\n    go = threading.Event()\n"
        "    thread = threading.Thread(target=go.wait)\n    thread.start()\n    return go, thread\n"
        + MARK
        + "def test_it(before, audit_evidence):\n    go, old = before\n    number = old.ident\n    go.set()\n"
        "    old.join()\n    told = []\n    def look():\n        if threading.get_ident() == number:\n"
        "            audit_evidence.command('true', 'ok')\n            told.append(number)\n"
        "    for _ in range(1000):\n        own = threading.Thread(target=look)\n        own.start()\n"
        "        own.join()\n        if told: break\n    assert told\n"
    )
    assert run_one(project, body) == ("passed", 5)


THREADS = (
    "import threading\n"
    "def together(work, count=1):\n"
    "    threads = [threading.Thread(target=work) for _ in range(count)]\n"
    "    for t in threads: t.start()\n"
    "    for t in threads: t.join()\n"
)


@pytest.mark.parametrize("strict", [(), ("-Werror",)], ids=["", "warnings are errors"])
def test_what_ends_a_checks_thread_ends_the_check(
    project: Project, workers: tuple[str, ...], strict: tuple[str, ...]
) -> None:
    """An assertion there is one of the check's, whatever becomes of pytest's warning; a skip and an error likewise."""
    project.suite(
        THREADS
        + MARK
        + "def test_asserts(audit_evidence):\n    def work(): assert False, 'POST /orders: 500'\n"
        + "    together(work, 2)\n"
        + SEEN
        + MARK
        + "def test_skips(audit_evidence):\n    def work(): pytest.skip('no server')\n    together(work)\n"
        + SEEN
        + MARK
        + "def test_errs(audit_evidence):\n    def work(): {}['key']\n    together(work)\n"
        + SEEN
        + MARK
        + "def test_both(audit_evidence):\n    def work(): assert False, 'in the thread'\n    together(work)\n"
        + SEEN
        + "    assert False, 'in the check'\n"
        + MARK
        + "def test_passes(audit_evidence):\n    together(lambda: None)\n"
        + SEEN
    )
    result = project.run("--audit", *workers, *strict)
    assert {n: outcome(project, f"test_{n}") for n in ("asserts", "skips", "errs", "both", "passes")} == {
        "asserts": ("failed", 2),
        "skips": ("could-not-run", 2),
        "errs": ("broken", 2),
        "both": ("failed", 2),
        "passes": ("passed", 5),
    }
    reasons = {}
    for attempt in project.record().attempts:
        reasons.setdefault(attempt.check.rpartition("_")[2], []).append(attempt.reason)
    assert reasons == {
        "asserts": ["POST /orders: 500"],
        "skips": ["no server"],
        "errs": ["KeyError: 'key'"],
        "both": ["in the check", "in the thread"],
        "passes": [""],
    }
    result.assert_outcomes(passed=1, skipped=1, failed=3, errors=len(strict))  # pytest's own, at test_both's end


def test_a_thread_that_outlives_its_check_is_judged_until_the_teardown_is_over(project: Project) -> None:
    """It ends while a fixture is put away; what a fixture itself has begun is not the check's."""
    body = (
        THREADS + "go = threading.Event()\n"
        "@pytest.fixture\ndef late():\n    yield\n    go.set()\n    worker.join()\n"
        + MARK
        + "def test_it(late, audit_evidence):\n    global worker\n"
        "    def work():\n        go.wait(10)\n        assert False, 'too late'\n"
        "    worker = threading.Thread(target=work)\n    worker.start()\n" + SEEN
    )
    assert run_one(project, body) == ("failed", 2)
    body = (
        THREADS + "go = threading.Event()\n"
        "@pytest.fixture\ndef server():\n    def work():\n        go.wait(10)\n        assert False, 'not yours'\n"
        "    worker = threading.Thread(target=work)\n    worker.start()\n    yield worker\n"
        + MARK
        + "def test_it(server, audit_evidence):\n    go.set()\n    server.join()\n"
        + SEEN
    )
    assert run_one(project, body) == ("passed", 5)


def test_a_thread_that_leaves_and_one_of_somebody_else_end_no_check(project: Project, workers: tuple[str, ...]) -> None:
    """``sys.exit`` ends its thread alone; a server of the session answers in threads of its own, which may break."""
    (project.path / "served.py").write_text(
        "import threading\n"
        "def answer(): raise ConnectionResetError('peer gone')\n"
        "def serve(asked, done):\n"
        "    asked.wait(10)\n"
        "    one = threading.Thread(target=answer)\n    one.start()\n    one.join()\n    done.set()\n",
        "utf-8",
    )
    (project.path / "pytest.ini").write_text("[pytest]\npythonpath = .\n", "utf-8")
    project.suite(
        THREADS
        + "import sys\nfrom served import serve\n"
        + "@pytest.fixture(scope='session')\ndef server():\n"
        + "    asked, done = threading.Event(), threading.Event()\n"
        + "    threading.Thread(target=serve, args=(asked, done), daemon=True).start()\n    return asked, done\n"
        + MARK
        + "def test_leaves(audit_evidence):\n    together(sys.exit)\n"
        + SEEN
        + MARK
        + "def test_served(server, audit_evidence):\n    server[0].set()\n    server[1].wait(10)\n"
        + SEEN
    )
    project.run("--audit", *workers)
    assert [outcome(project, f"test_{name}") for name in ("leaves", "served")] == [("passed", 5)] * 2

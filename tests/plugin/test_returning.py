"""A check that returns its verdict, or whose body nobody runs, does not pass, whatever hides a warning of it."""

from __future__ import annotations

import pytest

from plugin.conftest import Project

MARK = "@audit(dimension='4.1', level=3)\n"
SEEN = "    audit_evidence.command('true', 'ok')\n"
RETURNS = MARK + "def test_it(audit_evidence):\n" + SEEN + "    return False\n"
CASE = (
    "    @pytest.fixture(autouse=True)\n    def seen(self, audit_evidence):\n"
    "        self.evidence = audit_evidence\n        audit_evidence.command('true', 'ok')\n"
)
NOBODY = "an async test that nobody runs: derive its class from unittest.IsolatedAsyncioTestCase"
IGNORE = "pytest.mark.filterwarnings('ignore')"


def told(project: Project, *arguments: str) -> dict[str, tuple[str, str]]:
    """Test name -> status and reason, of an audit."""
    project.run("--audit", *arguments)
    return {a.instance.rpartition("::")[2]: (a.status.value, a.reason) for a in project.record().attempts}


def broken(name: str, kind: str = "bool") -> tuple[str, str]:
    """What is told of a check that returned something."""
    said = f"Test functions should return None, but test_checks.py::{name} returned <class '{kind}'>."
    hint = "Did you mean to use `assert` instead of `return`?"
    if kind.endswith("generator"):
        hint = "A function with `yield` is a generator: nothing in it was run."
    return "broken", f"PytestReturnNotNoneWarning: {said} {hint}"


@pytest.mark.parametrize(
    ("body", "arguments", "name"),
    [
        (RETURNS, ("-p", "no:warnings"), "test_it"),
        (RETURNS, ("-W", "ignore"), "test_it"),
        (f"pytestmark = {IGNORE}\n" + RETURNS, (), "test_it"),
        (f"@{IGNORE}\n" + RETURNS, (), "test_it"),
        (
            f"class TestIt:\n    pytestmark = {IGNORE}\n    @audit(dimension='4.1', level=3)\n"
            f"    def test_it(self, audit_evidence):\n    {SEEN}        return False\n",
            (),
            "TestIt::test_it",
        ),
        (RETURNS.replace("    return", "    __import__('warnings').simplefilter('ignore')\n    return"), (), "test_it"),
    ],
    ids=["no:warnings", "-W", "module", "function", "class", "body"],
)
def test_no_filter_of_warnings_hides_a_returned_value(
    project: Project, workers: tuple[str, ...], body: str, arguments: tuple[str, ...], name: str
) -> None:
    """Neither an option, nor a mark of whatever place, nor the check itself."""
    project.suite(body)
    assert told(project, *arguments, *workers) == {"test_it": broken(name)}


def test_a_filter_in_the_ini_file_hides_none_either(project: Project) -> None:
    """As with options in ``addopts``."""
    (project.path / "pytest.ini").write_text("[pytest]\naddopts = -p no:warnings\n", "utf-8")
    project.suite(RETURNS)
    assert told(project) == {"test_it": broken("test_it")}


def test_unittests_methods(project: Project, workers: tuple[str, ...]) -> None:
    """The library itself only warns of a returned value, and of a body that it does not run."""
    project.suite(
        "import unittest\n"
        + MARK
        + "class TestIt(unittest.TestCase):\n"
        + CASE
        + "    def test_returned(self): return 1 == 2\n"
        "    async def test_async(self): assert False\n"
        "    @unittest.expectedFailure\n    async def test_expected(self): assert False\n"
        "    def test_generator(self):\n        assert False\n        yield\n"
        "    async def test_async_generator(self):\n        assert False\n        yield\n"
        "    def test_given_on(self):\n        async def later(): assert False\n        return later()\n"
        "    def test_passes(self): pass\n"
        "    def test_fails(self): self.assertEqual(20, 0)\n"
        "    @unittest.skip('no server')\n    async def test_skipped(self): pass\n"
    )
    assert told(project, *workers) == {
        "test_returned": broken("TestIt::test_returned"),
        "test_async": ("could-not-run", NOBODY),
        "test_expected": ("could-not-run", NOBODY),
        "test_generator": broken("TestIt::test_generator", "generator"),
        "test_async_generator": broken("TestIt::test_async_generator", "async_generator"),
        "test_given_on": broken("TestIt::test_given_on", "coroutine"),
        "test_passes": ("passed", ""),
        "test_fails": ("failed", "20 != 0"),
        "test_skipped": ("could-not-run", "no server"),
    }


def test_an_async_method_that_nobody_runs_blames_nobody_else(project: Project) -> None:
    """Though its ``setUp`` looked at the service already, as a part of the call; a failed set-up is told as that."""
    project.suite(
        "import unittest\n"
        + MARK
        + "class TestIt(unittest.TestCase):\n"
        + CASE
        + "    def setUp(self): self.evidence.command('true', 'ok')\n    async def test_async(self): assert False\n"
        + MARK
        + "class TestNot(unittest.TestCase):\n"
        "    def setUp(self): {}['key']\n    async def test_set_up(self): assert False\n"
    )
    assert told(project, "-p", "no:warnings") == {
        "test_async": ("could-not-run", NOBODY),
        "test_set_up": ("could-not-run", "error in set-up: KeyError: 'key'"),
    }


def test_async_methods_that_somebody_runs(project: Project, workers: tuple[str, ...]) -> None:
    """The library in a case of its own for them; a framework's case in a way of its own, as Django's does."""
    project.suite(
        "import asyncio, inspect, unittest\n"
        "class Own(unittest.TestCase):\n    def __call__(self, result=None):\n"
        "        method = getattr(self, self._testMethodName)\n        if inspect.iscoroutinefunction(method):\n"
        "            setattr(self, self._testMethodName, lambda: asyncio.run(method()))\n"
        "        super().__call__(result)\n"
        + "".join(
            MARK
            + f"class Test{base.rpartition('.')[2]}({base}):\n"
            + CASE
            + "    async def test_passes(self): await asyncio.sleep(0)\n"
            "    async def test_fails(self): self.assertEqual(20, 0)\n"
            "    async def test_returned(self): return False\n"
            for base in ("unittest.IsolatedAsyncioTestCase", "Own")
        )
    )
    project.run("--audit", *workers)
    found = {a.instance.partition("::")[2]: (a.status.value, a.reason) for a in project.record().attempts}
    assert found == {
        f"{name}::{test}": said
        for name in ("TestIsolatedAsyncioTestCase", "TestOwn")
        for test, said in {
            "test_passes": ("passed", ""),
            "test_fails": ("failed", "20 != 0"),
            "test_returned": broken(f"{name}::test_returned"),
        }.items()
    }


def test_async_functions_that_a_plugin_runs(project: Project, workers: tuple[str, ...]) -> None:
    """What they return, the plugin drops."""
    project.suite(
        "@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n"
        "pytestmark = [pytest.mark.anyio, audit(dimension='4.1', level=3)]\n"
        "async def test_passes(audit_evidence):\n"
        + SEEN
        + "async def test_returned(audit_evidence):\n"
        + SEEN
        + "    return False\n"
        "async def test_fails(audit_evidence):\n" + SEEN + "    assert False, '20 wait'\n"
        "async def test_yields(audit_evidence):\n" + SEEN + "    yield\n"
    )
    assert told(project, *workers) == {
        "test_passes": ("passed", ""),
        "test_returned": broken("test_returned"),
        "test_fails": ("failed", "20 wait"),
        "test_yields": (
            "could-not-run",
            "an async test that nobody runs: install a pytest plugin for async tests",
        ),
    }


def test_a_check_of_hypothesis_is_called_as_ever(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes and fails by itself, and an async one that returns a value is broken too."""
    monkeypatch.delenv("PYTEST_ADDOPTS")
    project.suite(
        "from hypothesis import given, settings, strategies\n"
        "@pytest.fixture(scope='module')\ndef anyio_backend(): return 'asyncio'\n"
        "pytestmark = audit(dimension='4.1', level=3)\n"
        "def few(body): return settings(max_examples=3, database=None)(given(strategies.integers())(body))\n"
        "@few\ndef test_passes(n): assert n == n\n"
        "@few\ndef test_fails(n): assert False, '20 wait'\n"
        "@pytest.mark.anyio\n@few\nasync def test_async(n): assert n == n\n"
        "@pytest.mark.anyio\n@few\nasync def test_returned(n): return False\n"
    )
    found = told(project)
    assert {name: status for name, (status, _) in found.items()} == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_async": "passed",
        "test_returned": "broken",
    }
    assert found["test_returned"] == broken("test_returned")


def test_a_check_that_runs_again_is_watched_again(project: Project) -> None:
    """The function is back in its place after each call, so that it is wrapped once."""
    project.suite(
        "import inspect\nseen = []\n"
        + MARK
        + "@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n, audit_evidence, request):\n"
        + SEEN
        + "    seen.append(request.node.obj)\n"
        "    assert [f.__wrapped__.__wrapped__ if hasattr(f.__wrapped__, '__wrapped__') else 'once' for f in seen] "
        "== ['once'] * n\n"
    )
    assert told(project) == {"test_it[1]": ("passed", ""), "test_it[2]": ("passed", "")}

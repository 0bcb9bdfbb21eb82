"""From what unittest's classes report to an outcome."""

from __future__ import annotations

from plugin._outcomes import MARK, outcome, run_one
from plugin.conftest import Project


def test_an_expected_failure_of_unittests_that_passes_is_stale(project: Project) -> None:
    """As with xfail: what passes against expectation has passed."""
    body = (
        "import unittest\nclass TestIt(unittest.TestCase):\n    @pytest.fixture(autouse=True)\n"
        "    def seen(self, audit_evidence):\n        audit_evidence.command('true', 'ok')\n"
        "    @unittest.expectedFailure\n    @audit(dimension='4.1', level=3)\n    def test_it(self): pass\n"
    )
    assert run_one(project, body) == ("passed", 5)
    assert project.record().attempts[0].notes == ("stale xfail: the check passes",)


def test_set_up_and_tear_down_of_unittests_are_phases_of_their_own(project: Project) -> None:
    """Though unittest calls them in the test's call: nothing was asked of the service in the one, nor in the other."""
    case = (
        "class Test{0}(unittest.TestCase):\n    @pytest.fixture(autouse=True)\n"
        "    def ask(self, audit_evidence): self.evidence = audit_evidence\n{1}"
        "    @audit(dimension='4.1', level=4)\n    def test_{2}(self):\n"
        "        self.evidence.command('true', 'ok')\n{3}"
    )
    fails = "        self.assertEqual(20, 0)\n"
    late = "    def tearDown(self): self.assertTrue(False, 'not clean')\n"
    project.suite(
        "import unittest\n"
        + case.format("A", "    def setUp(self): self.assertTrue(False, 'no data')\n", "set_up", "")
        + case.format("B", late, "tear_down", "")
        + case.format("C", late, "both", fails)
        + case.format("D", late, "neither", "        self.skipTest('no server')\n")
        + case.format("E", "", "clean_up", "        self.addCleanup(dict().__getitem__, 'key')\n")
        + case.format("F", "", "fails", fails)
    )
    project.run("--audit")
    names = ("set_up", "tear_down", "both", "neither", "clean_up", "fails")
    assert {n: outcome(project, f"test_{n}") for n in names} == {
        "set_up": ("could-not-run", 2),
        "tear_down": ("broken", 2),
        "both": ("broken", 2),
        "neither": ("broken", 2),
        "clean_up": ("broken", 2),
        "fails": ("failed", 3),
    }
    reasons = {n: [a.reason for a in project.record().attempts if a.check.endswith(f"test_{n}")] for n in names}
    not_clean = "error in teardown: AssertionError: False is not true : not clean"
    assert reasons == {
        "set_up": ["error in set-up: False is not true : no data"],
        "tear_down": [not_clean],
        "both": ["20 != 0", not_clean],
        "neither": ["no server", not_clean],
        "clean_up": ["error in teardown: KeyError: 'key'"],
        "fails": ["20 != 0"],
    }


def test_an_assertion_of_unittests_stands_at_the_line_that_asserts(project: Project, workers: tuple[str, ...]) -> None:
    """Not in unittest itself, however tracebacks are shown: in a method, a subtest, a helper, a tearDown."""
    suite = project.suite(
        "import unittest\n"
        "def helper(case):\n    __tracebackhide__ = True\n    case.fail('hidden')\n"
        "class TestIt(unittest.TestCase):\n"
        + "    "
        + MARK
        + "    def test_equal(self):\n        self.assertEqual(20, 0)\n    "
        + MARK
        + "    def test_part(self):\n        with self.subTest(n=1):\n            self.assertTrue(0)\n    "
        + MARK
        + "    def test_helper(self):\n        helper(self)\n    "
        + MARK
        + "    def test_raises(self):\n        with self.assertRaises(KeyError):\n            pass\n    "
        + MARK
        + "    def test_plain(self):\n        assert 20 == 0\n"
        "class TestAfter(unittest.IsolatedAsyncioTestCase):\n"
        "    async def asyncTearDown(self):\n        self.assertEqual(1, 2)\n    "
        + MARK
        + "    async def test_after(self):\n"
        "        self.assertEqual(1, 1)\n"
    )
    lines = suite.read_text("utf-8").splitlines()
    for style in ("auto", "native", "no"):
        project.run("--audit", f"--tb={style}", *workers)
        found = {}
        for attempt in project.record().attempts:
            if attempt.where:
                path, _, number = attempt.where.rpartition(":")
                found[attempt.check.rpartition("_")[2]] = (path, lines[int(number) - 1].strip())
        assert found == {
            "equal": (str(suite), "self.assertEqual(20, 0)"),
            "part": (str(suite), "self.assertTrue(0)"),
            "helper": (str(suite), "helper(self)"),
            "raises": (str(suite), "with self.assertRaises(KeyError):"),
            "plain": (str(suite), "assert 20 == 0"),
            "after": (str(suite), "self.assertEqual(1, 2)"),
        }

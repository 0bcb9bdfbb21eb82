"""A marked check of which pytest makes no test makes the run partial, as a module does that skips itself."""

from __future__ import annotations

import pytest

from plugin.conftest import OWN, STANDARD, Project
from plugin.test_exit_status import FORMAL

MARK = "@audit(dimension='4.1', level=2)\n"
SOUND = MARK + "def test_sound(audit_evidence): audit_evidence.command('true', 'ok')\n"
WAITS = "    def test_waits(self): assert False, '20 wait'\n"
MODULE = "pytestmark = audit(dimension='4.1', level=2)\n"


def partial(project: Project, *arguments: str) -> list[str]:
    """Why an audit is partial."""
    project.run("--audit", *arguments)
    reasons: list[str] = project.card()["partial"]  # type: ignore[assignment]
    return reasons


def lost(name: str) -> str:
    """What is told of it."""
    return f"test_checks.py::{name} is marked, and pytest makes no test of it"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (MARK + "class TestPool:\n    def __init__(self): self.limit = 3\n" + WAITS, "TestPool"),
        (MARK + "class TestPool:\n    def __new__(cls): return object.__new__(cls)\n" + WAITS, "TestPool"),
        ("class TestPool:\n    def __init__(self): self.limit = 3\n    " + MARK + WAITS, "TestPool"),
        (
            MODULE + "class TestPool:\n    def __init__(self): self.limit = 3\n" + WAITS,
            "TestPool",
        ),
        (
            MARK + "class TestBase:\n    def test_it(self): pass\n"
            "class TestPool(TestBase):\n    def __init__(self): self.limit = 3\n" + WAITS,
            "TestPool",
        ),
        (MARK + "class Pool:\n" + WAITS, "Pool"),
        (MARK + "class TestPool:\n    __test__ = False\n" + WAITS, "TestPool"),
        (MARK + "def check_pool(): assert False\n", "check_pool"),
        (
            "class TestPool:\n    def test_it(self): pass\n    " + MARK + "    def pool(self): assert False\n",
            "TestPool::pool",
        ),
        (
            "import unittest\nclass TestPool(unittest.TestCase):\n    def test_it(self): pass\n    "
            + MARK
            + "    def pool(self): assert False\n",
            "TestPool::pool",
        ),
        (
            "class Slow:\n    def __init__(self, body): pass\n    def __call__(self): pass\n"
            + MARK
            + "@Slow\ndef test_pool(): assert False\n",
            "test_pool",
        ),
    ],
    ids=["init", "new", "methods", "module", "derived", "class-name", "no-test", "name", "method", "case", "object"],
)
def test_what_pytest_passes_over(project: Project, body: str, name: str) -> None:
    """Whatever the reason, and whichever bears the mark."""
    project.suite(SOUND + body)
    assert partial(project) == [lost(name)]


@pytest.mark.parametrize("name", ["TestPool", "Pool"])
@pytest.mark.parametrize("mark", ["class", "method", "module"])
def test_cases_of_unittest_without_its_plugin(project: Project, name: str, mark: str) -> None:
    """``-p no:unittest`` takes them away, however they are called."""
    head = {"class": MARK, "method": "", "module": MODULE}[mark]
    own = "    " + MARK if mark == "method" else ""
    project.suite(SOUND + f"import unittest\n{head}class {name}(unittest.TestCase):\n" + own + WAITS)
    assert partial(project, "-p", "no:unittest") == [lost(name)]
    assert partial(project) == []


def test_what_is_no_check_is_not_missed(project: Project, workers: tuple[str, ...]) -> None:
    """Bases whose tests run in classes derived from them, helpers, and what another module has tests of."""
    project.suite(
        MODULE + "from unittest import TestCase\nfrom test_other import test_there as there, Base, Mixed\n"
        "class TestClient:\n    def __init__(self): self.limit = 3\n    def get(self): return 1\n"
        "class Helper:\n    def test_connection(self): return 1\n"
        "def helper(): return 1\n"
        "class TestCases(TestCase):\n    def test_case(self): pass\n"
        "class TestMixed(Mixed):\n    def test_own(self): pass\n"
    )
    project.suite(
        SOUND.replace("test_sound", "test_there")
        + MARK
        + "class Base:\n    def test_base(self): pass\n    def test_over(self): assert False\n"
        "class TestDerived(Base):\n    def test_over(self): pass\n"
        "class Mixed:\n    " + MARK + "    def test_mixed(self): pass\n"
        "class TestDeep(Mixed):\n    pass\n",
        "test_other.py",
    )
    assert partial(project, *workers) == []
    assert sorted(project.statuses()) == ["test_base", "test_case", "test_mixed", "test_over", "test_own", "test_there"]


@pytest.mark.parametrize("gate", ["audit.yaml", "option"])
def test_no_gate_passes_without_it(project: Project, workers: tuple[str, ...], gate: str) -> None:
    """As with a module that skips itself: nobody chose to narrow the run, so it keeps its gate, and fails it."""
    (project.path / "two.yaml").write_text(STANDARD, "utf-8")
    project.config(OWN + ("gate: conditional-production\n" if gate == "audit.yaml" else "") + "incidents: []\n")
    sound = "".join(
        f"@audit(dimension='{d}', level=3, criterion='{c}-things')\n"
        f"def test_{c}(audit_evidence): audit_evidence.command('true', 'ok')\n"
        for d, c in (("4.1", "first"), ("4.2", "second"))
    )
    project.suite(sound)
    project.commit()
    asked = FORMAL if gate == "option" else FORMAL[:1]
    assert project.run(*asked, *workers).ret == pytest.ExitCode.OK
    project.suite(
        sound + "@audit(dimension='4.2', level=2, criterion='second-things')\n"
        "class TestPool:\n    def __init__(self): self.limit = 3\n" + WAITS
    )
    project.git("commit", "-qam", "state")
    assert project.run(*asked, *workers).ret == pytest.ExitCode.TESTS_FAILED
    assert project.card()["partial"] == [lost("TestPool")]

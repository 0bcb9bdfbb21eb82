"""Wrong marks are usage errors that name file and line; all of them at once."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from plugin.conftest import CONFIG, Project


def test_all_wrong_marks_are_named(project: Project, workers: tuple[str, ...]) -> None:
    """One run shows every mistake, each with its place and the way out."""
    project.config(CONFIG)
    project.suite(
        "@audit(dimension='4.1', levl=3)\ndef test_a(): pass\n"
        "@audit(dimension='4.9', level=3)\ndef test_b(): pass\n"
        "@audit(dimension='4.1', level=6)\ndef test_c(): pass\n"
        "@audit(dimension='4.1', level=True)\ndef test_d(): pass\n"
        "@audit(dimension='4.1', level=2, criterion='querylogging')\ndef test_e(): pass\n"
        "@audit(dimension='4.1', level=2, needs=('fire',))\ndef test_f(): pass\n"
        "@audit(dimension='4.1', level=2, needs='load')\ndef test_g(): pass\n"
        "@pytest.mark.audit('4.1', level=2)\ndef test_h(): pass\n"
        "@audit(dimension='4.2', level=2, criterion='query-logging')\ndef test_i(): pass\n"
        "def test_j(audit_redis): pass\n"
    )
    result = project.run("--audit", *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = "\n".join(result.errlines)
    start = text.index("ERROR: ")
    assert text[start:].strip().splitlines() == [
        "ERROR: test_checks.py:4: audit mark: unknown keyword 'levl'; did you mean level?",
        "test_checks.py:4: audit mark: level is missing; it is a whole number from 1 to 5",
        "test_checks.py:6: audit mark: dimension is '4.9'; the standard has 4.1, 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4.8",
        "test_checks.py:8: audit mark: level is 6; it is a whole number from 1 to 5",
        "test_checks.py:10: audit mark: level is True; it is a whole number from 1 to 5",
        "test_checks.py:12: audit mark: criterion 'querylogging' is not in the standard; did you mean query-logging? "
        "`backend-audit standard show --dimension 4.1` lists them, and audit.yaml `criteria:` declares your own",
        "test_checks.py:14: audit mark: needs holds 'fire'; allowed are load, writes, faults, probes",
        "test_checks.py:16: audit mark: needs is 'load'; it is a tuple such as ('load',)",
        "test_checks.py:18: audit mark: takes keywords only, found '4.1'; write audit(dimension=..., level=...)",
        "test_checks.py:18: audit mark: dimension is missing; it is a text such as '4.2'",
        "test_checks.py:20: audit mark: criterion 'query-logging' belongs to dimension 4.1, not 4.2",
        "test_checks.py:22: test_j asks for audit_redis but has no audit mark; add @audit(dimension=..., level=...)",
    ]


def test_declared_criteria_are_known(project: Project) -> None:
    """A team may have criteria of its own; without audit.yaml any name goes."""
    project.suite("@audit(dimension='4.1', level=2, criterion='ours')\ndef test_a(): pass\n")
    assert project.run("--audit").ret == 0
    project.config(CONFIG + "criteria: {ours: what we care for}\n")
    assert project.run("--audit").ret == 0


def test_marks_on_parameters_must_agree(project: Project) -> None:
    """A check has one dimension and one level, whatever its parameters."""
    project.suite(
        "@pytest.mark.parametrize('n', [pytest.param(1, marks=audit(dimension='4.1', level=2)),\n"
        "    pytest.param(2, marks=audit(dimension='4.1', level=3))])\ndef test_a(n): pass\n"
    )
    result = project.run("--audit")
    result.stderr.fnmatch_lines(["ERROR: test_checks.py:4: audit marks of test_checks.py::test_a's parameter sets*"])


def test_the_closest_mark_wins_whole(project: Project) -> None:
    """A function's mark replaces its class's."""
    project.suite(
        "@audit(dimension='4.1', level=2, criterion='a', needs=('writes',))\nclass TestA:\n"
        "    @audit(dimension='4.2', level=3)\n    def test_own(self): pass\n"
        "    def test_class(self): pass\n"
    )
    project.run("--audit")
    plan = [(c.id, c.dimension, c.level, c.criterion, c.needs) for c in project.record().inputs.plan]
    assert plan == [
        ("test_checks.py::TestA::test_own", "4.2", 3, None, ()),
        ("test_checks.py::TestA::test_class", "4.1", 2, "a", ("writes",)),
    ]


def test_the_walk_is_in_the_standards_order_disturbers_last(project: Project, workers: tuple[str, ...]) -> None:
    """Whatever the order in the file; and what disturbs waits for all readers."""
    project.config(CONFIG)
    project.suite(
        "@audit(dimension='4.1', level=2, needs=('writes',))\ndef test_disturbs(): pass\n"
        "@audit(dimension='4.8', level=2)\ndef test_last(): pass\n"
        "@audit(dimension='4.1', level=3, criterion='foreign-key-indexes')\ndef test_second(): pass\n"
        "@audit(dimension='4.1', level=2, criterion='query-logging')\ndef test_first(): pass\n"
    )
    project.run("--audit", "--audit-allow=writes", *workers)
    plan = [c.id.rpartition("::")[2] for c in project.record().inputs.plan]
    assert plan == ["test_first", "test_second", "test_last", "test_disturbs"]
    assert list(project.statuses())[-1] == "test_disturbs"


def test_junitxml_carries_the_mark(project: Project, workers: tuple[str, ...]) -> None:
    """The report of pytest itself says what each check is about."""
    project.suite("@audit(dimension='4.1', level=2, criterion='ours')\ndef test_a(): pass\n")
    project.run("--audit", "--junitxml=out.xml", *workers)
    tree = ElementTree.parse(project.path / "out.xml")
    found = [(p.get("name"), p.get("value")) for p in tree.iterfind(".//testcase/properties/property")]
    assert found == [("dimension", "4.1"), ("level", "2"), ("criterion", "ours")]


def test_of_a_class_and_its_bases_the_closest_mark_wins_whole(project: Project) -> None:
    """As of a module and a class: what a test of a subclass proves is not what its base's mark says."""
    project.config(CONFIG + "criteria: {a-things: a, b-things: b}\n")
    project.suite(
        "@audit(dimension='4.1', level=2, criterion='a-things')\nclass Base:\n    def test_it(self): pass\n"
        "@audit(dimension='4.2', level=3, criterion='b-things')\nclass TestSub(Base): pass\n"
        "class TestSame(Base): pass\n"
    )
    project.run("--audit")
    plan = {c.id.rpartition("::TestS")[2]: (c.dimension, c.level, c.criterion) for c in project.record().inputs.plan}
    assert plan == {"ame::test_it": ("4.1", 2, "a-things"), "ub::test_it": ("4.2", 3, "b-things")}


def test_a_parameters_mark_may_say_what_its_functions_does(project: Project) -> None:
    """Also where the module has another."""
    project.suite(
        "pytestmark = audit(dimension='4.5', level=5)\n@audit(dimension='4.1', level=2)\n"
        "@pytest.mark.parametrize('n', [pytest.param(1, marks=audit(dimension='4.1', level=2))])\ndef test_a(n): pass\n"
    )
    project.run("--audit")
    assert [(c.dimension, c.level) for c in project.record().inputs.plan] == [("4.1", 2)]


def test_a_declared_criterion_is_not_missed_by_a_letter(project: Project) -> None:
    """Where no standard is loaded names need not be declared; one that nearly is was meant to be it."""
    project.config(CONFIG + "standard: none\ncriteria: {unknown-paths: answers 404}\n")
    project.suite("@audit(dimension='4.5', level=3, criterion='unknown-path')\ndef test_a(): pass\n")
    ran = project.run("--audit")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(
        ["*criterion 'unknown-path' is not declared; did you mean unknown-paths? (audit.yaml, `criteria`)"]
    )
    project.suite("@audit(dimension='4.5', level=3, criterion='new-thing')\ndef test_a(): pass\n")
    project.run("--audit")
    assert project.statuses() == {"test_a": "passed"}

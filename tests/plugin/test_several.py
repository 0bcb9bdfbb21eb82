"""What a finding tells of a check with several parts or cases."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.conftest import Project

MARK = "@audit(dimension='4.1', level=3)\n"

FIXTURE = (
    MARK
    + "def test_it(subtests, audit_evidence):\n"
    + "    audit_evidence.command('psql', '3 rows')\n"
    + "    for n in range(2):\n"
    + "        with subtests.test(n=n):\n            assert n != 1, f'{n} is bare'\n"
)
UNITTEST = (
    "import unittest\nclass TestIt(unittest.TestCase):\n    @pytest.fixture(autouse=True)\n"
    "    def _seen(self, audit_evidence): self.seen = audit_evidence\n"
    "    @audit(dimension='4.1', level=3)\n    def test_it(self):\n"
    "        self.seen.command('psql', '3 rows')\n"
    "        for n in range(2):\n"
    "            with self.subTest(n=n):\n                self.assertNotEqual(n, 1, f'{n} is bare')\n"
)
TEARDOWN = (
    "@pytest.fixture\ndef after():\n    yield\n    raise RuntimeError('not clean')\n"
    + MARK
    + "def test_it(after, audit_evidence): audit_evidence.command('psql', '3 rows')\n"
)


def finding(project: Project, body: str, *arguments: str) -> dict[str, Any]:
    """The one finding of a suite's check."""
    project.suite(body)
    project.run("--audit", *arguments)
    (found,) = [f for f in project.card()["findings"] if "::" in f["check"]]  # type: ignore[attr-defined]
    return dict(found)


def quoted(found: dict[str, Any]) -> list[str]:
    """Its evidence, line by line, without the time of a piece."""
    return [line.partition(" (")[0] for line in found["evidence"].splitlines()]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (FIXTURE, "1 is bare"),
        (UNITTEST, "1 == 1 : 1 is bare"),
        (TEARDOWN, "error in teardown: RuntimeError: not clean"),
    ],
    ids=["fixture", "unittest", "teardown"],
)
def test_a_finding_about_a_part_has_the_evidence_of_its_test(
    project: Project, workers: tuple[str, ...], body: str, reason: str
) -> None:
    """A part records nothing of its own: what was seen stands at the whole test, and the finding quotes it."""
    assert quoted(finding(project, body, *workers)) == [reason, "output: psql", "3 rows"]


def test_a_finding_names_each_subtest_that_failed(project: Project, workers: tuple[str, ...]) -> None:
    """The one that decides is not the only one that is to be mended."""
    body = FIXTURE.replace("range(2)", "range(4)").replace("n != 1", "n % 2 == 0")
    found = finding(project, body, *workers)
    assert quoted(found) == [
        "2 parts did not pass: subtest 1, subtest 2",
        "subtest 1: 1 is bare",
        "subtest 2: 3 is bare",
        "1 is bare",
        "output: psql",
        "3 rows",
    ]
    assert found["title"] == "test_it L3 failed: 1 is bare"


def test_a_finding_names_each_case_that_failed(project: Project, workers: tuple[str, ...]) -> None:
    """With what each of them says."""
    body = (
        "@pytest.mark.parametrize('table', ['orders', 'invoices', 'customers', 'refunds'])\n"
        + MARK
        + "def test_it(table, audit_evidence):\n    audit_evidence.command(f'psql {table}', '3 rows')\n"
        + "    assert table in {'orders', 'customers'}, f'{table} is bare'\n"
    )
    assert quoted(finding(project, body, *workers)) == [
        "2 of 4 cases did not pass: [invoices], [refunds]",
        "[invoices]: invoices is bare",
        "[refunds]: refunds is bare",
        "invoices is bare",
        "output: psql invoices",
        "3 rows",
    ]

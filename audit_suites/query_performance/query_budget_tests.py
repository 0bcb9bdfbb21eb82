"""The service's own tests assert how many statements each endpoint makes, and CI runs them.

The tests of the audited tree are read, not run: for each operation of the OpenAPI document and of audit.yaml there has
to be a test that asks for it while statements are counted (assertNumQueries, django_assert_max_num_queries,
CaptureQueriesContext, audit_query_budget, SQLAlchemy's events, a cursor that counts), that fails when there are more,
and that a pipeline of CI runs with its failure stopping the change. Read are tests in Python, and in Go those with
sqlmock, pgxmock, or a tracer that counts.

Impact: A relation that is loaded row by row comes in with a small change to a template or serializer, looks the same in
review and on ten rows of test data, and is found by customers.

Remediation: Have a test ask for each endpoint inside of a budget, `with self.assertNumQueries(3):` or
`with django_assert_max_num_queries(3):`; without Django count by SQLAlchemy's event before_cursor_execute, and assert
the count. Run these tests in CI on each change.

Verification: Load a relation of a list row by row, and see CI turn red.

Effort: M
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis import budget_tests, ci_files, go_tests, runs_of_tests
from pytest_backend_audit.analysis.asked_endpoints import asked, route_names
from pytest_backend_audit.analysis.budget_tests import Budgeted, Suite, Test
from pytest_backend_audit.analysis.go_tests import GoRun
from pytest_backend_audit.analysis.runs_of_tests import Run
from pytest_backend_audit.analysis.sent_requests import NAMED
from pytest_backend_audit.analysis.text import lines, listed

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
UNRUN = "is not run by CI"
MOST_FILES = 500
"""Files of tests that are read."""
TESTS = re.compile(r"(?:.*/)?(?:test[^/]*|[^/]*_tests?|conftest)\.py|(?:.*/)?(?:tests?|testing)/.*\.py")
ROUTES = re.compile(r"(?:.*/)?(?:urls[^/]*|routers?)\.py|(?:.*/)?urls/[^/]+\.py")
ELSEWHERE = re.compile(r"uses: (?!\./)\S+/\.github/workflows/")
OTHERS = re.compile(
    r".*(?:[A-Z]\w*(?:Test|Tests|IT|Spec)\.(?:java|kt|cs|scala|groovy)|_spec\.rb|_test\.(?:rb|exs)"
    r"|\.(?:test|spec)\.[cm]?[jt]sx?|Test\.php)"
)
"""Tests in languages that are not read."""


@dataclass(frozen=True)
class Tree:
    """What the audited tree has of tests and of CI."""

    tests: int
    """Files in Python and Go that may hold tests."""
    others: tuple[str, ...]
    """Files of tests in other languages."""
    suite: Suite
    names: dict[str, set[str]]
    pipelines: tuple[str, ...]
    runs: tuple[Run | GoRun, ...]
    elsewhere: tuple[str, ...]
    """Workflows of other repositories that pipelines call: what they run is not in the tree."""


@pytest.fixture
def tree(audit_source: Any) -> Callable[[], Tree]:
    """Reads the audited tree, as far as it has to do with statement budgets in tests."""

    def look() -> Tree:
        there = audit_source.files()
        read = functools.cache(audit_source.read)
        python = [path for path in there if TESTS.fullmatch(path)]
        go = [path for path in there if path.endswith("_test.go")]
        suite = _in_python(audit_source, python, read)
        by_name = any(r.path.startswith(NAMED) for b in suite.budgeted for r in b.requests)
        commands = ci_files.commands(there, read)
        return Tree(
            tests=len(python) + len(go),
            others=tuple(path for path in there if OTHERS.fullmatch(path)),
            suite=Suite((*suite.budgeted, *_in_go(audit_source, go, read)), suite.toothless),
            names=route_names(read(p) for p in there if ROUTES.fullmatch(p)) if by_name else {},
            pipelines=tuple(ci_files.pipelines(there)),
            runs=(*runs_of_tests.runs(commands, there, read), *go_tests.runs(commands)),
            elsewhere=tuple(str(c) for c in commands if not c.ignored and ELSEWHERE.match(c.text)),
        )

    return look


@audit(dimension="4.1", criterion="query-budget-tests", level=4)
def test_each_endpoint_has_a_statement_budget_in_the_tests_that_ci_runs(
    tree: Callable[[], Tree], audit_endpoints: Any, audit_acknowledged: Any, audit_evidence: Any
) -> None:
    """The service's tests assert how many statements each endpoint makes, and CI runs them."""
    found = tree()
    if not found.suite.budgeted and found.others and not found.tests:
        raise CouldNotRun(
            f"the service's tests are in a language that this check doesn't read: {listed(found.others, 3)}; read them "
            "with a check of your own, and leave this one out (leave_out: {query-budget-tests: REASON} in audit.yaml)"
        )
    endpoints = [e for e in audit_endpoints if e.method in METHODS]
    if not endpoints:
        raise CouldNotRun(f"no operation of the service is known (looked at: {audit_endpoints.source})")
    costly = [e for e in endpoints if e.budget != 0]
    if not costly:
        raise CouldNotRun(f"each of {len(endpoints)} operations has a budget of 0 in audit.yaml: nothing to look for")
    proven: dict[str, list[str]] = {}
    short: dict[str, list[str]] = {}
    unrun: set[str] = set()
    for budgeted in found.suite.budgeted:
        why = budgeted.test.idle or _unheard(budgeted.test, found)
        for endpoint in {str(e) for r in budgeted.requests for e in asked(r, endpoints, found.names)}:
            if why:
                short.setdefault(endpoint, []).append(f"{budgeted.test.place} {why}")
                unrun |= {endpoint} if why.startswith(UNRUN) else set()
            else:
                proven.setdefault(endpoint, []).append(budgeted.test.place)
    audit_evidence.command(
        "tests of statement budgets that CI runs, by endpoint",
        "\n".join(f"{e}: {', '.join(proven.get(str(e), ['none']))}" for e in costly),
    )
    left = audit_acknowledged([str(e) for e in costly if str(e) not in proven])
    if left and found.elsewhere and unrun.issuperset(left):
        raise CouldNotRun(
            f"{len(left)} of {len(costly)} endpoints have a statement budget in a test, which a workflow of another "
            f"repository may run, or not: {listed(found.elsewhere, 3)}; to acknowledge: {left.names}"
        )
    assert not left, (
        f"{len(left)} of {len(costly)} endpoints have no statement budget in a test that CI runs"
        f"{lines(f'{e}: {listed(short.get(e) or [_none(found)], 2)}' for e in left)}\n"
        f"{_summary(found)}\n"
        "to mend: with self.assertNumQueries(N): self.client.get(PATH), or what counts statements in your framework;\n"
        "of an endpoint that sends none say `budget: 0` in audit.yaml's endpoints\n"
        f"to acknowledge: {left.names}"
    )


def _in_python(source: Any, files: Sequence[str], read: Callable[[str], str]) -> Suite:
    counting = {match.path for match in source.grep(budget_tests.TOKENS, "**/*.py")} & set(files)
    if counting:  # helpers are used where nothing but their name is said
        counting |= {path for path in files if path.endswith("conftest.py")}
        defined = budget_tests.helper_names({path: read(path) for path in sorted(counting)[:MOST_FILES]})
        if defined:
            used = source.grep(rf"\b(?:{'|'.join(map(re.escape, defined))})\b", "**/*.py")
            counting |= {match.path for match in used} & set(files)
    return budget_tests.read({path: read(path) for path in sorted(counting)[:MOST_FILES]})


def _in_go(source: Any, files: Sequence[str], read: Callable[[str], str]) -> list[Budgeted]:
    folders = {PurePosixPath(match.path).parent for match in source.grep(go_tests.TOKENS, "**/*_test.go")}
    near = [path for path in files if PurePosixPath(path).parent in folders]
    return go_tests.read({path: read(path) for path in near[:MOST_FILES]})


def _unheard(test: Test, found: Tree) -> str:
    """Why no pipeline stops a change when this test fails; empty if one does."""
    running = [run for run in found.runs if not run.leaves_out(test)]
    if any(not run.command.ignored for run in running):
        return ""
    if running:
        return f"fails unheard: {running[0].command} ({running[0].command.ignored})"
    if not found.runs:
        return f"{UNRUN}: {_nothing_runs(found)}"
    return f"{UNRUN}: {_reasons(test, found.runs)}"


def _reasons(test: Test, runs: Sequence[Run | GoRun]) -> str:
    return listed([f"{run.command} ({run.leaves_out(test)})" for run in runs], 2)


def _nothing_runs(found: Tree) -> str:
    if not found.pipelines:
        return "the tree has no pipeline"
    return f"no command in {listed(found.pipelines, 3)} runs tests"


def _none(found: Tree) -> str:
    return "no test asks for it inside of a budget" if found.suite.budgeted else "no test counts its statements"


def _summary(found: Tree) -> str:
    told = [f"looked at: {found.tests} files of tests, {len(found.suite.budgeted)} tests with a budget"]
    if found.suite.toothless:
        told.append(f"counted, and bounds nothing: {listed(found.suite.toothless, 3)}")
    told.append(f"CI: {listed(_commands(found.runs), 3) if found.runs else _nothing_runs(found)}")
    return "; ".join(told)


def _commands(runs: Iterable[Run | GoRun]) -> list[str]:
    return [f"{run.command}{f' ({run.command.ignored})' if run.command.ignored else ''}" for run in runs]

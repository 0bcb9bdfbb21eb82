"""Statement budgets in the tests of services, as their trees have them."""

from __future__ import annotations

import re

import pytest
import yaml
from unit.suites.cached import endpoints

from pytest_backend_audit.demo import repository
from pytest_backend_audit.demo.defects import CATALOGUE
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance import query_budget_tests
from pytest_backend_audit.suites.query_performance.query_budget_tests import (
    test_each_endpoint_has_a_statement_budget_in_the_tests_that_ci_runs as check,
)
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.targets.source import Match, Source, glob_pattern
from pytest_backend_audit.testing import Ran, run_check, runtime_for, surroundings

ORDERS, ORDER = Endpoint("GET", "/v1/orders", budget=2), Endpoint("GET", "/v1/orders/{order_id}")
HEALTH, TRACE = Endpoint("GET", "/healthz", budget=0), Endpoint("HEAD", "/v1/orders")
WORKFLOW = ".github/workflows/ci.yml"
CI = {WORKFLOW: "on: push\njobs:\n  test:\n    steps:\n      - run: python manage.py test\n"}
TESTS = {
    "shop/tests/test_views.py": """
class ViewTests(TestCase):
    def test_orders(self):
        with self.assertNumQueries(2):
            self.client.get(reverse("order-list"))

    def test_order(self):
        with self.assertNumQueries(2):
            self.client.get(f"/v1/orders/{self.order.pk}")
""",
    "shop/urls.py": 'urlpatterns = [path("v1/orders", views.orders, name="order-list")]\n',
    "manage.py": "",
}


class Tree:
    """Stands in for `audit_source`: a tree of these files."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def files(self) -> list[str]:
        """All paths."""
        return sorted(self._files)

    def grep(self, regex: str, glob: str) -> list[Match]:
        """Lines that match."""
        fits = glob_pattern(glob)
        lines = [
            (p, n, x) for p in self.files() if fits.fullmatch(p) for n, x in enumerate(self._files[p].splitlines(), 1)
        ]
        return [Match(path, number, line) for path, number, line in lines if re.search(regex, line)]

    def read(self, path: str) -> str:
        """A file's text."""
        return self._files[path]


class ByHand:
    """For ``audit_evidence``."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str]] = []

    def command(self, title: str, output: str) -> None:
        """Keep it."""
        self.kept.append((title, output))


def judge(files: dict[str, str] | Source, *found: Endpoint, more: str = "") -> tuple[Ran, list[tuple[str, str]]]:
    """The check, of a service with this tree and these endpoints."""
    around, kept, source = surroundings(more), ByHand(), Tree(files) if isinstance(files, dict) else files
    ran = run_check(
        check, tree=query_budget_tests.tree.__wrapped__(source), audit_acknowledged=around.acknowledged,
        audit_endpoints=endpoints(*(found or (ORDERS, ORDER, HEALTH, TRACE))), audit_evidence=kept,
    )  # fmt: skip
    return ran, kept.kept


def test_each_endpoint_has_a_test() -> None:
    """Evidence says which; those that send no statement, and what is no request of its own, need none."""
    ran, kept = judge({**TESTS, **CI})
    assert ran.status is Status.PASSED, ran.reason
    assert kept == [
        (
            "tests of statement budgets that CI runs, by endpoint",
            "GET /v1/orders: shop/tests/test_views.py:3 ViewTests::test_orders\n"
            "GET /v1/orders/{order_id}: shop/tests/test_views.py:7 ViewTests::test_order",
        )
    ]


def test_an_endpoint_without_one_is_named() -> None:
    """With what is known of it, and how to acknowledge it."""
    customer = Endpoint("GET", "/v1/customers/{id}")
    ran, _ = judge({**TESTS, **CI}, ORDERS, ORDER, customer)
    assert ran.status is Status.FAILED
    assert [line.strip() for line in ran.reason.splitlines()[:3]] == [
        "1 of 3 endpoints have no statement budget in a test that CI runs",
        "- GET /v1/customers/{id}: no test asks for it inside of a budget",
        f"looked at: 1 files of tests, 2 tests with a budget; CI: {WORKFLOW}:5: python manage.py test",
    ]
    assert "to acknowledge: query-budget-tests:GET /v1/customers/{id}" in ran.reason
    entry = "item: 'query-budget-tests:GET /v1/customers/{id}', reason: old, who: Ada, ticket: T-1, expires: 2026-11-30"
    acknowledged, _ = judge({**TESTS, **CI}, ORDERS, ORDER, customer, more=f"acknowledged: [{{{entry}}}]\n")
    assert acknowledged.status is Status.PASSED, acknowledged.reason


def changed(old: str, new: str) -> dict[str, str]:
    """The tests with another text in place of one."""
    return {path: text.replace(old, new) for path, text in TESTS.items()}


def ci(old: str, new: str) -> dict[str, str]:
    """The pipeline with another text in place of one."""
    return {WORKFLOW: CI[WORKFLOW].replace(old, new)}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            changed("        with self.assertNumQueries(2):\n    ", "") | CI,
            "- GET /v1/orders: no test counts its statements",
        ),
        (
            changed("    def test_order(", "    @skip('slow')\n    def test_order(") | CI,
            "- GET /v1/orders/{order_id}: shop/tests/test_views.py:8 ViewTests::test_order is skipped",
        ),
        (TESTS, "- GET /v1/orders: shop/tests/test_views.py:3 ViewTests::test_orders is not run by CI: the tree has"),
        (
            TESTS | ci("manage.py test", "manage.py check"),
            f"ViewTests::test_orders is not run by CI: no command in {WORKFLOW} runs tests",
        ),
        (
            TESTS | ci("      - run: python", "      # - run: python"),
            f"is not run by CI: no command in {WORKFLOW} runs tests",
        ),
        (
            TESTS | ci("manage.py test", "manage.py test billing || true"),
            f"test_orders fails unheard: {WORKFLOW}:5: python manage.py test billing (|| true)",
        ),
        (
            TESTS | ci("manage.py test", "-m pytest tests/unit") | {"tests/unit/test_a.py": ""},
            f"test_orders is not run by CI: {WORKFLOW}:5: python -m pytest tests/unit (looks elsewhere)",
        ),
        (
            TESTS | ci("on: push", "on: workflow_dispatch"),
            "python manage.py test (runs only on workflow_dispatch)",
        ),
        ({"orders/app.py": "", **CI}, "- GET /v1/orders: no test counts its statements"),
    ],
)  # fmt: skip
def test_what_does_not_count(files: dict[str, str], told: str) -> None:
    """Tests without an assertion, or skipped; a pipeline that is missing, runs others, or ignores what it saw."""
    ran, _ = judge(files)
    assert ran.status is Status.FAILED
    assert told in ran.reason


def test_tests_that_can_not_be_read() -> None:
    """In another language: nothing is known of them. Beside tests in Python these have to do it."""
    ran, _ = judge({"src/test/java/OrdersTest.java": "", "web/orders.spec.ts": "", **CI})
    assert (ran.status, ran.reason.partition(": src/")[0]) == (
        Status.COULD_NOT_RUN,
        "the service's tests are in a language that this check doesn't read",
    )
    assert judge({"web/orders.spec.ts": "", "tests/test_orders.py": "", **CI})[0].status is Status.FAILED


def test_what_only_others_know() -> None:
    """A workflow of another repository may run the tests; where there are none, or no statement is sent, it may not."""
    job = "on: push\njobs:\n  test:\n    uses: acme/shared/.github/workflows/tests.yml@v3\n"
    ran, _ = judge({**TESTS, WORKFLOW: job})
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "2 of 2 endpoints have a statement budget in a test, which a workflow of another repository may run, or not: "
        f"{WORKFLOW}:4: uses: acme/shared/.github/workflows/tests.yml@v3; to acknowledge: "
        "query-budget-tests:GET /v1/orders, query-budget-tests:GET /v1/orders/{order_id}",
    )
    assert judge({"tests/test_orders.py": "", WORKFLOW: job})[0].status is Status.FAILED
    ran, _ = judge({**TESTS, **CI}, HEALTH)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "each of 1 operations has a budget of 0 in audit.yaml: nothing to look for",
    )


def test_a_service_in_go() -> None:
    """Its tests are read, and the command that runs them; one in Python doesn't."""
    files = {
        "orders/orders_test.go": "package orders\n\nfunc TestList(t *testing.T) {\n"
        '\thttp.Get(server.URL + "/v1/orders")\n\tif tracer.Queries > 2 {\n\t\tt.Fatal("too many")\n\t}\n}\n',
        **ci("python manage.py test", "go test ./..."),
    }
    ran, kept = judge(files, ORDERS)
    assert ran.status is Status.PASSED, ran.reason
    assert kept[0][1] == "GET /v1/orders: orders/orders_test.go:3 TestList"
    ran, _ = judge({**files, **ci("manage.py test", "-m pytest")}, ORDERS)
    assert (
        "TestList is not run by CI: .github/workflows/ci.yml:5: python -m pytest (runs tests in Python)" in ran.reason
    )


def test_a_budget_by_a_helper_elsewhere() -> None:
    """Files that only name a helper of the tests' own are read too."""
    files = {
        "tests/helpers.py": "@contextmanager\ndef at_most(n, engine):\n    sent = []\n"
        "    event.listen(engine, 'before_cursor_execute', lambda *a: sent.append(a))\n    yield\n"
        "    assert len(sent) <= n\n",
        "tests/test_orders.py": "def test_orders(client, engine):\n    with at_most(2, engine):\n"
        "        client.get('/v1/orders')\n",
        **ci("manage.py test", "-m pytest"),
    }
    ran, _ = judge(files, ORDERS)
    assert ran.status is Status.PASSED, ran.reason


@pytest.mark.parametrize("defects", [(), ("query-budget-tests",)])
def test_the_orders_teams_own_tree(tmp_path, defects: tuple[str, ...]) -> None:
    """Sound, unless the assertions are removed; the words of the catalogue are the check's."""
    made = repository.make(tmp_path / "orders", edits=[CATALOGUE[name].tree for name in defects])
    declared = yaml.safe_load((made.path / "audit.yaml").read_text())["endpoints"]
    found = [Endpoint(e.get("method", "GET"), e["path"], budget=e["budget"]) for e in declared]
    source = Source(runtime_for("version: 1\nservice: x\nenvironment: local\n", folder=made.path, commit=made.commit))
    ran, _ = judge(source, *found)
    assert ran.status is (Status.FAILED if defects else Status.PASSED), ran.reason
    says = [words for name in defects for w in CATALOGUE[name].witnesses for words in w.says]
    assert [words for words in says if words not in ran.reason] == [], ran.reason

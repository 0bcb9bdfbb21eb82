"""Statement budgets in sources of tests: what bounds, what only seems to, and what is asked for inside of it."""

from __future__ import annotations

import textwrap

import pytest

from pytest_backend_audit.analysis import budget_tests


def bounded(text: str, **more: str) -> dict[str, list[str]]:
    """Tests with a bound in one file -> what they ask for; idle ones with the reason first."""
    sources = {f"tests/{name}.py": textwrap.dedent(source) for name, source in more.items()}
    suite = budget_tests.read({"tests/test_it.py": textwrap.dedent(text), **sources})
    return {
        b.test.name: [
            *([b.test.idle] if b.test.idle else []),
            *sorted(f"{r.method} {r.path}".strip() for r in b.requests),
        ]
        for b in suite.budgeted
    }


def toothless(text: str) -> tuple[str, ...]:
    """Why tests that count bound nothing."""
    return budget_tests.read({"tests/test_it.py": textwrap.dedent(text)}).toothless


def test_djangos_own() -> None:
    """In a block, with something to call, as a comparison of what was captured."""
    found = bounded(
        """
        class OrdersTests(TestCase):
            url = "/v1/orders"

            def setUp(self):
                self.detail = reverse("shop:order-detail", args=[1])

            def test_list(self):
                with self.assertNumQueries(2):
                    self.client.get(self.url)

            def test_called(self):
                self.assertNumQueries(2, self.client.post, "/v1/orders", {"sku": "A"})

            def test_lambda(self):
                self.assertNumQueries(1, lambda: self.client.get(self.detail))

            def test_captured(self):
                with CaptureQueriesContext(connection) as ctx:
                    self.client.get(f"/v1/orders/{self.order.pk}/lines?page=1")
                self.assertLessEqual(len(ctx), 3)

            def test_captured_and_asserted(self):
                with CaptureQueriesContext(connection) as ctx:
                    self.client.get("http://testserver/v1/orders/")
                number = len(ctx.captured_queries)
                assert 1 <= number <= 3, ctx.captured_queries
        """
    )
    assert found == {
        "OrdersTests::test_list": ["GET /v1/orders"],
        "OrdersTests::test_called": ["POST /v1/orders"],
        "OrdersTests::test_lambda": ["GET name:shop:order-detail"],
        "OrdersTests::test_captured": ["GET /v1/orders/{}/lines"],
        "OrdersTests::test_captured_and_asserted": ["GET /v1/orders/"],
    }


def test_pytest_django_and_ours() -> None:
    """As fixtures; parameters are told case by case, without those that are skipped."""
    found = bounded(
        """
        BUDGETS = {"/v1/orders": 2, "/v1/customers/%d" % 7: 1}

        @pytest.mark.parametrize(("path", "budget"), sorted(BUDGETS.items()))
        def test_reads(client, django_assert_max_num_queries, path, budget):
            with django_assert_max_num_queries(budget):
                client.get(path)

        @pytest.mark.parametrize("method, path", [
            ("put", "/a"),
            pytest.param("delete", "/b", id="b"),
            pytest.param("delete", "/c", marks=pytest.mark.skip(reason="later")),
        ])
        def test_writes(client, django_assert_num_queries, method, path):
            with django_assert_num_queries(3):
                client.request(method, path)

        def test_ours(audit_query_budget, engine):
            with audit_query_budget(limit=2, of=engine):
                ask(client, "/v1/totals")

        def test_ours_without_a_limit(audit_query_budget, engine):
            with audit_query_budget(of=engine) as counted:
                client.get("/v1/totals")
        """
    )
    assert found == {
        "test_reads": ["GET /v1/customers/{}", "GET /v1/orders"],
        "test_writes": ["DELETE /b", "PUT /a"],
        "test_ours": ["/v1/totals"],
    }


HELPERS = """
@contextmanager
def at_most(limit, engine):
    sent = []

    def count(conn, cursor, statement, parameters, context, executemany):
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    yield sent
    event.remove(engine, "before_cursor_execute", count)
    assert len(sent) <= limit, sent

@pytest.fixture
def statements(engine):
    sent = []
    event.listen(engine, "before_cursor_execute", lambda *a: sent.append(a[2]))
    yield sent

@pytest.fixture
def client(statements):
    return TestClient(app)

class CountingCursor(psycopg.Cursor):
    def execute(self, query, params=None):
        SENT.append(query)
        return super().execute(query, params)

def orders_page(client, size):
    return client.get(f"/v1/orders?limit={size}")
"""


def test_helpers_of_the_tests_own() -> None:
    """Found by what they do, in whichever file; what they ask for belongs to the test that calls them."""
    found = bounded(
        """
        from helpers import at_most

        async def test_by_a_helper_that_bounds(client, engine):
            with at_most(2, engine):
                await client.get("/v1/orders")

        def test_by_a_fixture_that_counts(client, statements):
            orders_page(client, 50)
            assert len(statements) <= 2

        def test_the_same_for_every_size(client, statements):
            orders_page(client, 1)
            few = len(statements)
            statements.clear()
            orders_page(client, 50)
            assert len(statements) == few

        def test_by_a_loop(client, statements):
            async def ask():
                for path, budget in [("/a", 1), ("/b", 2)]:
                    await client.get(path)
                    assert len(statements) <= budget
            asyncio.run(ask())

        def test_by_itself(client, engine):
            seen = []
            event.listen(engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
            data = client.get("/v1/orders").json()
            assert data["next"] == 7
            assert len(seen) <= 2

        def test_of_something_else(client, statements):
            answer = client.get("/v1/orders")
            assert answer.status_code == 200
        """,
        helpers=HELPERS,
    )
    assert found == {
        "test_by_a_helper_that_bounds": ["GET /v1/orders"],
        "test_by_a_fixture_that_counts": ["GET /v1/orders"],
        "test_the_same_for_every_size": ["GET /v1/orders"],
        "test_by_a_loop": ["GET /a", "GET /b"],
        "test_by_itself": ["GET /v1/orders"],
    }
    names = budget_tests.helper_names({"helpers.py": HELPERS})
    assert names == ["CountingCursor", "at_most", "statements"]


CAPTURED = "with CaptureQueriesContext(c) as ctx:\n        client.get('/a')\n    "


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("# with self.assertNumQueries(2): self.client.get('/a')\n    client.get('/a')", ""),
        ("'''with self.assertNumQueries(2): self.client.get('/a')'''", ""),
        ("self.assertNumQueries(2)\n    client.get('/a')", "assertNumQueries() on line 3 is neither entered by `with`"),
        ("with CaptureQueriesContext(c) as ctx:\n        client.get('/a')", "on line 3 is compared with nothing"),
        ("with CaptureQueriesContext(c) as ctx:\n        client.get('/a')\n    assert ctx", "compared with nothing"),
        ("with CaptureQueriesContext(c) as ctx:\n        client.get('/a')\n    assert len(ctx) >= 1", "compared with"),
        ("with CaptureQueriesContext(c) as ctx:\n        client.get('/a')\n    assert 1 < len(ctx)", "compared with"),
        (f"{CAPTURED}assert len(ctx) == len(ctx)", "compared with"),
        (f"{CAPTURED}assert len(ctx) < float('inf')", "compared with"),
        (f"{CAPTURED}assert len(ctx) <= 10**9", "compared with"),
        (f"{CAPTURED}assert len(ctx) in range(0, 100000)", "compared with"),
        (f"{CAPTURED}assert len(ctx) < math.inf", "compared with"),
        (f"{CAPTURED}self.assertEqual(ctx.n, ctx.n)", "compared with"),
        ("with django_assert_max_num_queries(num=None):\n        client.get('/a')", "is none that could be exceeded"),
        ("with self.assertNumQueries(5000):\n        client.get('/a')", "is none that could be exceeded"),
        ("if False:\n        with self.assertNumQueries(2): client.get('/a')", ""),
        ("return\n    with self.assertNumQueries(2): client.get('/a')", ""),
        ("pytest.skip('later')\n    with self.assertNumQueries(2): client.get('/a')", ""),
        ("def ask():\n        with self.assertNumQueries(2): client.get('/a')", ""),
        ("try:\n        with assertNumQueries(2): client.get('/a')\n    except Exception:\n        pass", "is caught"),
        ("with suppress(AssertionError), self.assertNumQueries(2):\n        client.get('/a')", "on line 3 is caught"),
    ],
)  # fmt: skip
def test_what_bounds_nothing(body: str, why: str) -> None:
    """A comment, an assertion that holds whatever the number, one that is not reached, one whose failure is caught."""
    text = f"\ndef test_it(client):\n    {body}\n"
    assert bounded(text) == {}
    told = toothless(text)
    assert len(told) == bool(why)
    assert all(line.startswith("tests/test_it.py:2 test_it: ") and why in line for line in told)


@pytest.mark.parametrize(
    ("before", "idle"),
    [
        ("@pytest.mark.skip", "is skipped"),
        ("@pytest.mark.skip(reason='slow')", "is skipped"),
        ("@unittest.skip('slow')", "is skipped"),
        ("@pytest.mark.skipif(True, reason='slow')", "is skipped"),
        ("@unittest.skipUnless(False, 'slow')", "is skipped"),
        ("@pytest.mark.xfail(reason='N+1')", "is expected to fail"),
        ("@unittest.expectedFailure", "is expected to fail"),
        ("@pytest.mark.skipif(sys.platform == 'win32', reason='there is no server')", ""),
        ("@pytest.mark.django_db", ""),
        ("pytestmark = [pytest.mark.django_db, pytest.mark.skip]", "is skipped"),
        ("pytest.skip('all of it', allow_module_level=True)", "is in a module that skips itself on line 2"),
    ],
)
def test_what_is_never_run(before: str, idle: str) -> None:
    """A skip that always holds, a failure that is expected; conditions of the machine are believed."""
    text = f"\n{before}\ndef test_it(client):\n    with assertNumQueries(2): client.get('/a')\n"
    assert bounded(text) == {"test_it": [*([idle] if idle else []), "GET /a"]}


def test_what_nobody_collects() -> None:
    """A class that is no test's, and a test that another of its name replaces."""
    body = "(self):\n        with self.assertNumQueries(2): self.client.get('/a')\n"
    found = bounded(
        f"class Budgets:\n    def test_a{body}class TestBudgets:\n    def test_b{body}"
        f"@skip('later')\nclass MoreTests(APITestCase):\n    def test_d{body}"
    )
    assert found == {
        "Budgets::test_a": ["is in a class, Budgets, in which nobody looks for tests", "GET /a"],
        "TestBudgets::test_b": ["GET /a"],
        "MoreTests::test_d": ["is skipped", "GET /a"],
    }
    twice = budget_tests.read({"tests/test_it.py": f"class TestIt:\n    def test_c{body}    def test_c{body}"})
    assert [b.test.idle for b in twice.budgeted] == ["is defined again on line 4", ""]


def test_what_can_not_be_parsed_is_left_out() -> None:
    """A template of a test, or one for another Python."""
    assert bounded("def test_it(:\n    with assertNumQueries(2): pass\n") == {}

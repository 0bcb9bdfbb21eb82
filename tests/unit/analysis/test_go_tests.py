"""Statement budgets in tests in Go, and the commands that run them."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis import go_tests
from pytest_backend_audit.analysis.ci_files import Command
from pytest_backend_audit.analysis.go_tests import GoTest

SOURCE = """//go:build integration

package orders

func served(t *testing.T) (*httptest.Server, sqlmock.Sqlmock) {
	db, mock, err := sqlmock.New() // brace in a comment: {
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewServer(handler(db)), mock
}

func TestListIsOneQuery(t *testing.T) {
	server, mock := served(t)
	mock.ExpectQuery("SELECT id FROM orders").WillReturnRows(rows)
	response, err := http.Get(server.URL + "/orders?limit=20")
	if response.StatusCode != 200 {
		t.Fatal("}")
	}
}

func TestOrder(t *testing.T) {
	tracer := &counter{}
	request := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/orders/%d", id), nil)
	if got := tracer.Queries(); got > 2 {
		t.Errorf("%d queries", got)
	}
}

func (s *Suite) TestPlace() {
}

func TestPlace(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a database")
	}
	ask(t, "POST", server.URL+"/orders", body)
	ask(t, "GET", server.URL+"/orders/"+string(id)+"/lines", "")
	assert.LessOrEqual(t, tracer.statements, 4)
}

func TestSkipped(t *testing.T) {
	t.Skip("later")
	http.Get("http://localhost/v1")
	require.Equal(t, 1, queries)
}

func TestNothingIsBounded(t *testing.T) {
	// if queries > 2 { t.Fatal() }
	http.Get(server.URL + "/a")
	if queries < 1 {
		t.Error("none")
	}
	/* assert.Equal(t, 2, queries) */
}

func Testify(t *testing.T) {
	assert.Equal(t, 2, queries)
}
"""


def test_bounds() -> None:
    """By a mock, a comparison, an assertion of testify; comments and lower bounds bound nothing."""
    found = go_tests.read({"orders/orders_test.go": SOURCE})
    assert {b.test.place: (b.test.idle, sorted(f"{r.method} {r.path}".strip() for r in b.requests)) for b in found} == {
        "orders/orders_test.go:13 TestListIsOneQuery": ("", ["GET /orders"]),
        "orders/orders_test.go:22 TestOrder": ("", ["GET /orders/{}"]),
        "orders/orders_test.go:33 TestPlace": ("", ["GET /orders/{}/lines", "POST /orders"]),
        "orders/orders_test.go:42 TestSkipped": ("is skipped", ["GET /v1"]),
    }
    assert [sorted(b.test.marks) for b in found if isinstance(b.test, GoTest)] == [
        ["integration"], ["integration"], ["-short", "integration"], ["integration"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("go test -tags integration ./...", ""),
        ("go test -tags=integration,slow -race -count=1 -timeout 2m ./orders", ""),
        ("go test -tags integration example.com/shop/orders", ""),
        ("gotestsum --format testname -- -tags integration ./...", ""),
        ("go test ./...", "lacks -tags integration"),
        ("gotestsum", "lacks -tags integration"),
        ("go test -tags integration", "looks elsewhere"),
        ("go test -tags integration ./billing/...", "looks elsewhere"),
        ("go test -tags integration -short ./...", "-short"),
        ("go test -tags integration -run 'TestList|TestOrder' ./...", "-run 'TestList|TestOrder'"),
        ("go test -tags integration -skip=Place ./...", "-skip Place"),
    ],
)
def test_what_is_run(command: str, why: str) -> None:
    """By package, name, tag and -short."""
    [run] = go_tests.runs([Command("ci.yml", 9, "test", command)])
    test = GoTest("orders/orders_test.go", "TestPlace", 33, frozenset({"integration", "-short"}), "")
    assert run.leaves_out(test) == why


def test_what_runs_no_test() -> None:
    """Other commands, and a runner that is installed."""
    commands = ["go vet ./...", "go install gotest.tools/gotestsum@latest", "go build", "pytest"]
    assert go_tests.runs([Command("ci.yml", 9, "test", text) for text in commands]) == []

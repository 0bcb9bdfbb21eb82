"""Comments that tie statements to requests, and instruments in source. Pure."""

import re

import pytest

from pytest_backend_audit.analysis.tracing import INSTRUMENTS, bearing, is_code, tags, telling

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (f"SELECT 1 /*route='%2Forders',traceparent='00-{TRACE}-00f067aa0ba902b7-01'*/",
         {"route": "/orders", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}),
        ("SELECT 1 /*action:index,application:Shop,controller:orders*/",
         {"action": "index", "application": "Shop", "controller": "orders"}),
        ("/* request_id='a-1' */ SELECT 1", {"request_id": "a-1"}),
        ("SELECT '/*route=''x''*/' FROM t", {}),
        ('SELECT 1 AS "/*route=x*/"', {}),
        ("SELECT 1 /* the newest first */", {}),
        ("SELECT 1", {}),
    ],
)  # fmt: skip
def test_tags_are_those_of_comments(statement: str, found: dict[str, str]) -> None:
    """As sqlcommenter, Rails and people write them; what stands in texts and names is no comment."""
    assert tags(statement) == found


def test_tags_that_name_a_request_or_a_route_tell() -> None:
    """The name of the application or of the driver doesn't."""
    assert telling("SELECT 1 /*application:Shop,controller:orders*/") == {"controller": "orders"}
    assert telling("SELECT 1 /*db_driver='psycopg',framework='django%3A5'*/") == {}
    assert telling("SELECT 1 /*request_id=''*/") == {}
    assert telling("/*dddbs='orders-db',dde='prod',ddps='orders',ddpv='1.4.0'*/ SELECT 1") == {}
    datadog = f"/*dddbs='orders-db',ddps='orders',traceparent='00-{TRACE}-00f067aa0ba902b7-01'*/ SELECT 1"
    assert telling(datadog) == {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


def test_statements_with_an_id_are_found() -> None:
    """In the comment, not in a value."""
    found = [f"SELECT 1 /*traceparent='00-{TRACE}-00f067aa0ba902b7-01'*/", f"SELECT '{TRACE}'"]
    assert bearing(found, [TRACE]) == found[:1]


@pytest.mark.parametrize(
    "line",
    [
        'MIDDLEWARE = ["silk.middleware.SilkyMiddleware"]',
        "Psycopg2Instrumentor().instrument(enable_commenter=True)",
        "PsycopgInstrumentor().instrument()",
        "SQLAlchemyInstrumentor().instrument(engine=engine)",
        "config.ConnConfig.Tracer = otelpgx.NewTracer()",
        "import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'",
        "config.active_record.query_log_tags_enabled = true",
        'CMD ["opentelemetry-instrument", "gunicorn", "shop.wsgi"]',
        "ENTRYPOINT java -javaagent:/opentelemetry-javaagent.jar -jar shop.jar",
    ],
)
def test_instruments_are_known(line: str) -> None:
    """Of several languages."""
    assert re.search(INSTRUMENTS, line)


@pytest.mark.parametrize(
    "line", ["import psycopg", "# instrument this one day", "query_log_tags_enabled = false", "tracer = Tracer()"]
)
def test_other_lines_are_none(line: str) -> None:
    """Nor are words that come near."""
    assert not re.search(INSTRUMENTS, line)


@pytest.mark.parametrize(
    ("path", "runs"),
    [
        ("shop/settings.py", True), ("cmd/server/main.go", True), ("Dockerfile", True), ("deploy/api.yaml", True),
        ("docs/tracing.md", False), ("tests/settings.py", False), ("pkg/db/db_test.go", False), ("README.md", False),
        ("node_modules/pg/index.js", False), ("requirements.txt", False),
    ],
)  # fmt: skip
def test_code_is_what_runs(path: str, runs: bool) -> None:
    """No tests, documents or dependencies."""
    assert is_code(path) is runs

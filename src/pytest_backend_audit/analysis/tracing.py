"""What ties statements to requests: comments in them, and instruments in the source."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

_TEXTS = re.compile(r"[eEnN]?'(?>(?:[^'\\]|''|\\.)*)'|\"(?>(?:[^\"]|\"\")*)\"|(?P<comment>/\*(?>(?:[^*]|\*(?!/))*)\*/)")
# sqlcommenter and Django write key='value', marginalia and Rails key:value.
_PAIR = re.compile(r"([A-Za-z][\w.-]*)\s*(?:=\s*'((?:[^'\\]|\\.)*)'|[:=]\s*([^,'\s*]+))")
# Datadog's own keys (dddbs, ddps, dde ...) name services; where it names requests, it adds a traceparent.
_TELLING = re.compile(
    r"traceparent|trace_?id|span_?id|(?:x_?)?request_?id|correlation_?id|route|controller|action|endpoint|view|path"
    r"|operation|job|tracestate",
    re.IGNORECASE,
)
INSTRUMENTS = (
    # Profilers of development: django-silk, the debug toolbars.
    r"silk\.middleware|SilkyMiddleware|debug_toolbar\.middleware|DebugToolbarMiddleware|flask_debugtoolbar"
    # OpenTelemetry of Python.
    r"|\b(?:Psycopg2?|AsyncPG|SQLAlchemy|SQLite3|PyMySQL|AioPg|Django|TortoiseORM)Instrumentor\b"
    r"|opentelemetry-instrument\b|\bsqlcommenter\b|google\.cloud\.sqlcommenter"
    # Go.
    r"|\botelpgx\.|\botelsql\.|\bpgx\.QueryTracer\b|\btracelog\.TraceLog\b|\bpgxtrace\.|\bsqltrace\.Register\b"
    r"|otelgorm\.|gorm\.io/plugin/opentelemetry"
    # Node, Ruby, Java.
    r"|@opentelemetry/instrumentation-(?:pg|mysql2?|knex|typeorm)|@prisma/instrumentation|@opentelemetry/auto-instrumentations"
    r"|query_log_tags_enabled\s*=\s*true|\bMarginalia\b|rack-mini-profiler|opentelemetry-javaagent|datasource-proxy|p6spy"
)
"""Regular expression of what ties statements to requests where it is switched on, not where it is only installed."""
_CODE = re.compile(
    r"(?:^|/)(?:Dockerfile[^/]*|Procfile|[^/]+\.(?:py|go|js|mjs|cjs|ts|rb|java|kt|kts|gradle|properties|ya?ml|toml|sh|cs))$"
)
_TESTS = re.compile(
    r"(?:^|/)(?:tests?|spec|testing|node_modules|vendor|docs?)/|(?:^|/)test_[^/]*$|_test\.\w+$|\.spec\.\w+$"
)


def tags(statement: str) -> dict[str, str]:
    """Keys and values in a statement's comments; what stands in its texts is no comment."""
    comments = (m["comment"] for m in _TEXTS.finditer(statement) if m["comment"])
    return {
        key: unquote((quoted or bare).replace("\\'", "'"))
        for comment in comments
        for key, quoted, bare in _PAIR.findall(comment[2:-2])
    }


def telling(statement: str) -> dict[str, str]:
    """Those of the tags that name a request, a trace, or a route."""
    return {key: value for key, value in tags(statement).items() if _TELLING.fullmatch(key) and value}


def bearing(statements: Iterable[str], ids: Iterable[str]) -> list[str]:
    """Statements that have one of the ids in a comment."""
    wanted = tuple(ids)
    return [s for s in statements if any(i in value for value in tags(s).values() for i in wanted)]


def is_code(path: str) -> bool:
    """Whether a file of the tree is part of what runs: no test, no document, nobody else's code."""
    return bool(_CODE.search(path)) and not _TESTS.search(path)

"""pytest's own report objects."""

import pytest
from _pytest._code.code import ExceptionInfo

from pytest_backend_audit.redaction import MARK, Redactor
from pytest_backend_audit.redaction.reports import redact_longrepr, redact_report

SECRET = "correct-horse-battery"


def _failing(password):
    try:
        raise ConnectionError(f"refused for {password}")
    except ConnectionError as first:
        raise AssertionError(f"login with {password} failed") from first


def _report(**style):
    with pytest.raises(AssertionError) as caught:
        _failing(SECRET)
    return ExceptionInfo.from_exception(caught.value).getrepr(**style)


@pytest.mark.parametrize(
    "style", [{"style": "long", "showlocals": True, "funcargs": True}, {"style": "short"}, {"style": "native"}]
)
def test_a_failure_shows_no_secret_in_any_traceback_style(style):
    """Messages, arguments, locals and the chained cause are parts of one object, and each is mended."""
    longrepr = _report(**style)
    assert SECRET in str(longrepr)
    clean = redact_longrepr(longrepr, Redactor([SECRET]))
    assert clean is longrepr
    assert SECRET not in str(clean)
    assert MARK in clean.reprcrash.message


def test_a_secret_that_spans_lines_turns_the_failure_into_text():
    """The parts of the object hold a line each, so only the whole shows it."""
    longrepr = _report(style="short")
    entry = longrepr.chain[0][0].reprentries[0]
    entry.lines = ["    -----BEGIN PRIVATE KEY-----", "    MHcCAQEEIBase64", "    -----END PRIVATE KEY-----"]
    clean = redact_longrepr(longrepr, Redactor())
    assert isinstance(clean, str)
    assert "MHcCAQEEIBase64" not in clean


def test_every_part_of_a_report_is_covered():
    """Captured output, properties, a skip's tuple and an xfail's reason."""
    report = pytest.TestReport(
        "t.py::t", ("t.py", 1, "t"), {}, "skipped", ("t.py", 1, f"Skipped: {SECRET}"), "call",
        sections=[("Captured stdout call", f"using {SECRET}")],
        user_properties=[("dsn", f"postgresql://u:{SECRET}@h/db"), ("n", 1), ("many", [SECRET, {"a": SECRET}])],
    )  # fmt: skip
    report.wasxfail = f"known: {SECRET}"
    redact_report(report, Redactor([SECRET]))
    assert report.longrepr == ("t.py", 1, f"Skipped: {MARK}")
    assert report.sections == [("Captured stdout call", f"using {MARK}")]
    assert report.user_properties == [("dsn", f"postgresql://u:{MARK}@h/db"), ("n", 1), ("many", [MARK, {"a": MARK}])]
    assert report.wasxfail == f"known: {MARK}"

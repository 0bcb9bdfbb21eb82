"""What pytest shows besides the reports of tests: warnings, interruptions, its own errors, subtests, JUnit's fields.

Each is redacted before the terminal or another plugin sees it.
"""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.junitxml import xml_key

from pytest_backend_audit.redaction.reports import redact_longrepr
from pytest_backend_audit.redaction.visible import visible

if TYPE_CHECKING:
    from pytest_backend_audit.redaction import Redactor


class JUnitAttributes:
    """Cleans what tests give to pytest's own JUnit file."""

    def __init__(self, xml: Any, redactor: Redactor) -> None:
        self._xml = xml
        self._redactor = redactor

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Clean the attributes that ``record_xml_attribute`` set."""
        if report.when == "teardown":
            for reporter in self._xml.node_reporters.values():  # of tests that are not over yet
                reporter.attrs = {name: self._redactor.redact(value) for name, value in reporter.attrs.items()}


class Shown:
    """Hooks of the process that prints: the only one, or xdist's controller."""

    def __init__(self, config: pytest.Config, redactor: Redactor) -> None:
        self._config = config
        self._redactor = redactor

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """Clean a warning's text, and the source line that is shown under it."""
        text = str(warning_message.message)
        if (clean := self._clean(text)) != text:
            warning_message.message = Warning(clean)
        line = warning_message.line or linecache.getline(warning_message.filename, warning_message.lineno)
        if (clean := self._clean(line)) != line:
            warning_message.line = clean

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Watch single tests only for JUnit's file: a hook a test, for nothing, is dear."""
        xml = self._config.stash.get(xml_key, None)
        if xml is not None:
            self._config.pluginmanager.register(JUnitAttributes(xml, self._redactor), "backend_audit_junit")

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Clean the reason of a ``pytest.exit``."""
        error: Any = excinfo.value
        error.args = tuple(self._clean(a) if isinstance(a, str) else a for a in error.args)
        if isinstance(getattr(error, "msg", None), str):
            error.msg = self._clean(error.msg)

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        """Clean the traceback of an error of pytest itself, or of a plugin."""
        redact_longrepr(excrepr, self._redactor)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Clean what ``record_testsuite_property`` gave to JUnit's file, which is written next."""
        xml = self._config.stash.get(xml_key, None)
        if xml is not None:
            xml.global_properties[:] = [(name, self._redactor.redact(value)) for name, value in xml.global_properties]

    def _clean(self, text: str) -> str:
        return visible(self._redactor.redact(text))

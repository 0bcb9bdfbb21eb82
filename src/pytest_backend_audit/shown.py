"""What pytest shows besides the reports of tests: warnings, interruptions, its own errors, JUnit's fields, its end.

Each is redacted before the terminal or another plugin sees it.
"""

from __future__ import annotations

import linecache
import sys
import traceback
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest
from _pytest._code.code import ExceptionChainRepr, ReprExceptionInfo, ReprTracebackNative
from _pytest.junitxml import xml_key

from pytest_backend_audit.redaction.reports import redact_longrepr
from pytest_backend_audit.redaction.visible import visible

if TYPE_CHECKING:
    from pytest_backend_audit.redaction import Redactor

Representation = ReprExceptionInfo | ExceptionChainRepr


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
                redact = self._redactor.redact
                reporter.attrs = {redact(name): redact(value) for name, value in reporter.attrs.items()}


class Shown:
    """Hooks of the process that prints: the only one, or xdist's controller and, on stderr, its workers."""

    def __init__(self, config: pytest.Config, redactor: Redactor) -> None:
        self._config = config
        self._redactor = redactor

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """Clean a warning's text, its file's name, and the source line that is shown under it."""
        text = str(warning_message.message)
        if (clean := self._clean(text)) != text:
            warning_message.message = Warning(clean)
        name = warning_message.filename
        line = warning_message.line or linecache.getline(name, warning_message.lineno)
        if (clean := self._clean(line)) != line:
            warning_message.line = clean
        if (clean := self._clean(name)) != name:
            # Under the new name the line isn't found any more.
            warning_message.filename, warning_message.line = clean, self._clean(line)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Watch single tests only for JUnit's file: a hook a test, for nothing, is dear."""
        xml = self._config.stash.get(xml_key, None)
        if xml is not None:
            self._config.pluginmanager.register(JUnitAttributes(xml, self._redactor), "backend_audit_junit")

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Clean the reason of a ``pytest.exit``, and the traceback that ``--full-trace`` shows at the end."""
        self._clean_error(excinfo.value)
        made = excinfo.getrepr
        # The terminal, and whoever else wants to show it, asks for it after us.
        excinfo.getrepr = lambda *args, **options: self._clean_repr(made(*args, **options))  # type: ignore[method-assign]

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        """Clean the traceback of an error of pytest itself, or of a plugin."""
        redact_longrepr(excrepr, self._redactor)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Clean JUnit's properties, which are written next, and the reason of a late ``pytest.exit``."""
        xml = self._config.stash.get(xml_key, None)
        if xml is not None:
            redact = self._redactor.redact
            xml.global_properties[:] = [(redact(name), redact(value)) for name, value in xml.global_properties]
        try:
            return (yield)
        except pytest.exit.Exception as error:
            self._clean_error(error)
            raise

    def left_by(self, error: BaseException) -> pytest.ExitCode:
        """Clean what ends pytest itself, which Python or pytest would print.

        Args:
            error: What came out of pytest's main loop: a hook at the end of the session failed, or a usage error.

        Returns:
            The exit status. The error's traceback has been printed without its secrets.

        Raises:
            BaseException: The error itself, cleaned, where pytest or Python shows no more of it than its message.
        """
        if isinstance(error, (pytest.UsageError, KeyboardInterrupt, BrokenPipeError)):
            self._clean_error(error)
            raise error from None
        sys.stderr.write(self._clean("".join(traceback.format_exception(error))))
        return pytest.ExitCode.INTERNAL_ERROR

    def left_with(self, status: Any) -> Any:
        """The argument of a ``sys.exit``, clean: Python prints one that is no number."""
        return status if status is None or isinstance(status, int) else self._clean(str(status))

    def _clean_error(self, error: Any) -> None:
        error.args = tuple(self._clean(a) if isinstance(a, str) else a for a in error.args)
        if isinstance(getattr(error, "msg", None), str):
            error.msg = self._clean(error.msg)

    def _clean_repr(self, shown: Representation) -> Representation:
        clean = redact_longrepr(shown, self._redactor)
        if not isinstance(clean, str):
            return shown
        return ReprExceptionInfo(reprtraceback=ReprTracebackNative([clean, "\n"]), reprcrash=shown.reprcrash)

    def _clean(self, text: str) -> str:
        return visible(self._redactor.redact(text))

"""The pytest plugin's shell: decides whether an audit is on, and hands over.

Without ``--audit`` or ``--audit-sha`` none of our other modules is imported; audit checks are skipped, so that a
unit-test job never dials production.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest

from pytest_backend_audit.options import add_options, asked_of_us, is_on, orphans

MARKER = (
    "audit(*, dimension, level, criterion=None, needs=()): an audit check; runs with --audit only. dimension: '4.1' to "
    "'4.8' or an id of the loaded standard; level: 1 to 5; needs: of load, writes, faults, probes"
)
"""What ``pytest --markers`` says."""
SKIP_REASON = "audit check: run with --audit"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the ``pytest_audit_*`` hooks, so that a conftest may implement them whether or not an audit is on."""
    from pytest_backend_audit import hookspecs  # noqa: PLC0415 - signatures only; nothing else is loaded

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Start an audit, if one is asked for."""
    config.addinivalue_line("markers", MARKER)
    for name in ("audit_sha", "audit_prior"):
        if getattr(config.option, name) == "":  # without it this would be no audit, or one compared with another
            raise pytest.UsageError(f"--{name.replace('_', '-')}= is empty: is the variable set that it comes from?")
    if is_on(config):
        if not config.option.help and not config.option.version:
            if sys.platform.startswith("win"):
                raise pytest.UsageError("an audit runs on Linux or macOS; on Windows run it in WSL, or in a container")
            from pytest_backend_audit import startup  # noqa: PLC0415 - the point of the shell

            startup.begin(config)
    elif given := orphans(config):
        if "--audit-gate" in given:
            raise pytest.UsageError(f"{', '.join(given)} without an audit: add --audit-sha=HEAD, as a gate needs it")
        raise pytest.UsageError(f"{', '.join(given)} without an audit: add --audit (rehearsal) or --audit-sha=REV")
    elif config.option.showfixtures:
        from pytest_backend_audit.fixtures import Fixtures  # noqa: PLC0415 - only to be listed

        config.pluginmanager.register(Fixtures.of(config), "backend_audit_fixtures")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip audit checks in a run that is no audit."""
    if is_on(config):
        return
    checks = [item for item in items if _is_check(item)]
    if not checks:
        return
    for item in checks:
        item.add_marker(pytest.mark.skip(reason=SKIP_REASON))
    if not config.pluginmanager.has_plugin("skipping"):
        config.pluginmanager.register(_Skipping(checks), "backend_audit_skipping")


def _is_check(item: pytest.Item) -> bool:
    """Whether a test is an audit's affair: by any mark of ours, also under somebody else's of the same name."""
    if marks := list(item.iter_markers("audit")):
        from pytest_backend_audit.marker import is_ours  # noqa: PLC0415 - only where there is a mark

        if any(map(is_ours, marks)):
            return True
    return bool(asked_of_us(item))


class _Skipping:
    """Skips audit checks where ``-p no:skipping`` took away who heeds the mark for it."""

    def __init__(self, checks: list[pytest.Item]) -> None:
        self._checks = frozenset(checks)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if item in self._checks:
            raise pytest.skip.Exception(SKIP_REASON, _use_item_location=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Have the last word on the exit status: nothing turns a verdict that fails into 0."""
    if not is_on(config):
        return (yield)
    try:
        status = yield
    except SystemExit as left:
        shown = config.pluginmanager.get_plugin("backend_audit_shown")
        raise SystemExit(_final(config, left.code if shown is None else shown.left_with(left.code))) from None
    except BaseException as error:
        shown = config.pluginmanager.get_plugin("backend_audit_shown")
        if shown is None:
            raise
        return _final(config, shown.left_by(error))
    return _final(config, status)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> Generator[None, object, object]:
    """The same where somebody leaves while pytest puts its things away."""
    if not is_on(config):
        return (yield)
    try:
        return (yield)
    except SystemExit as left:
        raise SystemExit(_final(config, left.code)) from None


def _final(config: pytest.Config, status: Any) -> Any:
    if config.option.help or config.option.version:
        return status
    audit = config.pluginmanager.get_plugin("backend_audit_session")
    if audit is not None:
        return audit.final_status(status)
    # An xdist worker has none; its status is the controller's affair.
    if status or hasattr(config, "workerinput"):
        return status
    sys.stderr.write("audit: no audit took place: another plugin, or a conftest, ended pytest before it began\n")
    return pytest.ExitCode.TESTS_FAILED

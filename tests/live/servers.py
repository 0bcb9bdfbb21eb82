"""Starting servers for tests so that none outlives them, however the run ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from pytest_backend_audit.demo.stack import guard
from pytest_backend_audit.demo.stack.process import Process, wait_for

UNPRIVILEGED = 65534
"""Numeric id of `nobody`: PostgreSQL and PgBouncer refuse to run as root."""


def unprivileged() -> int | None:
    """Whom such servers run as; None for ourselves, when we aren't root."""
    return UNPRIVILEGED if os.getuid() == 0 else None


@contextmanager
def folder_for_servers() -> Iterator[Path]:
    """A folder that the unprivileged user can reach, short enough for sockets; removed, by the guard if we can't."""
    folder = Path(tempfile.mkdtemp(prefix="backend-audit-tests-", dir="/tmp"))
    guard.remove_at_end(folder)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def guarded(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A program of ours that stops its own servers on SIGINT: it gets one at the end if it still runs, also of us."""
    guard.watch(process.pid, signal.SIGINT)
    try:
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
    finally:
        guard.forget(process.pid)


@contextmanager
def running(
    name: str, argv: Sequence[str | Path], log: Path, ready: Callable[[], object], **options: Any
) -> Iterator[Process]:
    """Start a server, wait until `ready` gives something true, and stop it at the end; the guard does if we can't.

    Args:
        name: For messages.
        argv: Program and arguments.
        log: File that gets its output; a failure shows its end.
        ready: Asks the server as a client would; an exception counts as "not yet".
        **options: Further arguments of `Process`.
    """
    process = Process(name, argv, log, **options)
    try:
        wait_for(ready, f"{name} to answer", process=process)
        yield process
    finally:
        process.stop()


@contextmanager
def postgres(programs: Path, data: Path, password: str, **settings: str | int) -> Iterator[int]:
    """A new PostgreSQL on loopback; gives its port.

    Args:
        programs: Folder of initdb and postgres.
        data: Where the cluster is to be; its log stands beside it.
        password: Of the superuser `postgres`.
        **settings: Of the server, beside what makes it small and quick.
    """
    owner, port, log = unprivileged(), free_port(), data.with_name(f"{data.name}.log")
    data.mkdir()
    if owner is not None:
        os.chown(data, owner, owner)
    file = data.with_name(f"{data.name}.password")
    file.write_text(password)
    file.chmod(0o644)
    settings = {"unix_socket_directories": "", "fsync": "off"} | settings
    settings |= {"port": port, "listen_addresses": "127.0.0.1"}
    init = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", file, "-N"]
    with log.open("wb") as out:
        subprocess.run(
            [*init, "-E", "UTF8", "--locale=C"],
            check=True,
            stdout=out,
            stderr=out,
            cwd="/",
            user=owner,
            group=owner,
            extra_groups=None if owner is None else [],
        )

    def ready() -> bool:
        psycopg.connect(f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres").close()
        return True

    run = [programs / "postgres", "-D", data, *(a for k, v in settings.items() for a in ("-c", f"{k}={v}"))]
    # SIGINT is a fast shutdown: it does not wait for clients.
    with running("PostgreSQL", run, log, ready, user=owner, cwd=Path("/"), stop_signal=signal.SIGINT):
        yield port

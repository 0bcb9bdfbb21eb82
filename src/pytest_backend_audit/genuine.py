"""Whether this process still has Python's own clock and sockets, through which bundled checks see the service.

A conftest can replace them while it is imported, or in a fixture that stays to the end of the session. What a check
then sees is made up, and it can't know; fixtures that are over before a bundled check begins do it no harm.
"""

from __future__ import annotations

import _socket
import datetime
import socket
import time

import pytest

from pytest_backend_audit.errors import CouldNotRun

FIXTURE = "_audit_genuine"
"""Name of the fixture that stands before all others of a bundled check."""


def replaced_clock() -> str:
    """The first function or class of the clock that is not Python's own, and what stands there; empty if all are.

    A clock that is moved from inside the interpreter, as time-machine does, looks like Python's own.
    """
    clock = {
        "time.time": time.time,
        "time.monotonic": time.monotonic,
        "time.perf_counter": time.perf_counter,
        "datetime.datetime": datetime.datetime,
    }
    return next((told for name, there in clock.items() if (told := _foreign(name, there))), "")


def replaced() -> str:
    """The same, of clock and sockets."""
    sockets = {
        "socket.socket": socket.socket,
        "socket.create_connection": socket.create_connection,
        "socket.getaddrinfo": socket.getaddrinfo,
    }
    if told := replaced_clock() or next((t for name, there in sockets.items() if (t := _foreign(name, there))), ""):
        return told
    if socket.socket.connect is not _socket.socket.connect:
        return f"socket.socket.connect is {_name(socket.socket.connect)}"
    return ""


def _foreign(name: str, there: object) -> str:
    module = name.partition(".")[0]
    return "" if getattr(there, "__module__", None) == module else f"{name} is {_name(there)}"


def _name(there: object) -> str:
    named = there if hasattr(there, "__qualname__") else type(there)
    return f"{named.__module__}.{getattr(named, '__qualname__', '')}"


@pytest.fixture(name=FIXTURE)
def genuine() -> None:
    """Before a bundled check connects: could not run where what it would see could be made up.

    It is a fixture, so that plugins which give sockets back in their set-up hook have done so.

    Raises:
        CouldNotRun: Clock or sockets are replaced.
    """
    if told := replaced():
        raise CouldNotRun(
            f"{told}, not Python's own, so what this check would see could be made up; replace it for your own tests "
            "only: in a fixture of function scope"
        )

"""Servers that misbehave, on real sockets: each accepts, does its one bad thing, and is stopped by the test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]


@contextmanager
def server(behave: Behaviour) -> Iterator[int]:
    """Listen on a free port and behave so toward each client; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    clients: list[socket.socket] = []

    def serve(client: socket.socket) -> None:
        # The client may hang up at any moment: that is what it should do.
        with suppress(OSError):
            behave(client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                clients.append(client)
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        for each in (listener, *clients):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def silent(client: socket.socket) -> None:
    """Takes everything and never answers."""
    while client.recv(65536):
        pass


def hangs_up(client: socket.socket) -> None:
    """Closes at the first word."""
    client.recv(65536)
    client.close()


def says(*answers: bytes) -> Behaviour:
    """Gives one answer after each thing it hears, then is silent."""

    def behave(client: socket.socket) -> None:
        for answer in answers:
            client.recv(65536)
            client.sendall(answer)
        silent(client)

    return behave


def endless(head: bytes, chunk: bytes) -> Behaviour:
    """A head, and then the same chunk for ever."""

    def behave(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(head)
        while True:
            client.sendall(chunk)

    return behave


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# PostgreSQL's own words, enough to get past a login.
AUTHENTICATED = (
    b"R\0\0\0\x08\0\0\0\0"
    b"S\0\0\0\x19client_encoding\0UTF8\0"
    b"S\0\0\0\x19server_version\x00018.0\0"
    b"K\0\0\0\x0c\0\0\0\x01\0\0\0\x02"
    b"Z\0\0\0\x05I"
)


def lets_in(after: Behaviour) -> Behaviour:
    """Lets everybody in without TLS, then does as told at the first statement."""

    def behave(client: socket.socket) -> None:
        first = client.recv(65536)
        if first[4:8] == b"\x04\xd2\x16\x2f":
            client.sendall(b"N")
            client.recv(65536)
        client.sendall(AUTHENTICATED)
        after(client)

    return behave


def postgres(after_login: Behaviour) -> Behaviour:
    """Lets everybody in without TLS, shows a role without rights, then does as told at the next statement."""
    no_rows = b"1\0\0\0\x042\0\0\0\x04" + _row_description(b"what") + b"C\0\0\0\x0dSELECT 0\0Z\0\0\0\x05I"

    def answers(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(b"C\0\0\0\x08SET\0Z\0\0\0\x05I")
        client.recv(65536)
        client.sendall(no_rows)
        after_login(client)

    return lets_in(answers)


def _row_description(name: bytes) -> bytes:
    body = (
        b"\0\x01" + name + b"\0" + b"\0\0\0\0" + b"\0\0" + b"\0\0\0\x19" + b"\xff\xff" + b"\xff\xff\xff\xff" + b"\0\0"
    )
    return b"T" + (len(body) + 4).to_bytes(4, "big") + body


def endless_rows(client: socket.socket) -> None:
    """Rows of a kibibyte, without end."""
    client.recv(65536)
    client.sendall(b"1\0\0\0\x042\0\0\0\x04" + _row_description(b"filler"))
    value = b"x" * 1024
    body = b"\0\x01" + len(value).to_bytes(4, "big") + value
    rows = (b"D" + (len(body) + 4).to_bytes(4, "big") + body) * 64
    while True:
        client.sendall(rows)

"""An ssh-agent that holds a key of a security token, made of software: real hardware can't be had in a test.

Keys and signatures are those of OpenSSH's PROTOCOL.u2f, messages those of the agent protocol
(draft-miller-ssh-agent); nothing of OpenSSH is replaced, so it can't tell this token from one that is touched.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KIND = b"sk-ssh-ed25519@openssh.com"
APPLICATION = b"ssh:"
TOUCHED = 0x01
"""Flag of a signature: somebody touched the token."""

_FAILURE, _IDENTITIES, _ANSWER, _SIGN, _SIGNED = 5, 11, 12, 13, 14


def _text(raw: bytes) -> bytes:
    return struct.pack(">I", len(raw)) + raw


class Token:
    """One key, and an agent that signs with it."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._uses = 0
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.blob = _text(KIND) + _text(raw) + _text(APPLICATION)

    @property
    def public(self) -> str:
        """Its line, as in a .pub file."""
        return f"{KIND.decode()} {base64.b64encode(self.blob).decode()} token"

    @contextlib.contextmanager
    def agent(self, path: Path) -> Iterator[None]:
        """Listen on a socket, for as long as the block lasts."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            thread = threading.Thread(target=self._listen, args=(listener,))
            thread.start()
            try:
                yield
            finally:
                with socket.socket(socket.AF_UNIX) as last:
                    last.connect(str(path))
                    last.sendall(struct.pack(">I", 0))
                thread.join()

    def _listen(self, listener: socket.socket) -> None:
        while True:
            caller, _ = listener.accept()
            with caller, caller.makefile("rb") as sent:
                while len(size := sent.read(4)) == 4:
                    length = struct.unpack(">I", size)[0]
                    if not length:
                        return
                    caller.sendall(_text(self._answer(sent.read(length))))

    def _answer(self, request: bytes) -> bytes:
        if request[0] == _IDENTITIES:
            return bytes([_ANSWER]) + struct.pack(">I", 1) + _text(self.blob) + _text(b"token")
        if request[0] == _SIGN:
            begin = 1 + 4 + len(self.blob)
            (length,) = struct.unpack(">I", request[begin : begin + 4])
            return bytes([_SIGNED]) + _text(self._signature(request[begin + 4 : begin + 4 + length]))
        return bytes([_FAILURE])

    def _signature(self, data: bytes) -> bytes:
        self._uses += 1
        state = bytes([TOUCHED]) + struct.pack(">I", self._uses)
        signed = hashlib.sha256(APPLICATION).digest() + state + hashlib.sha256(data).digest()
        return _text(KIND) + _text(self._key.sign(signed)) + state

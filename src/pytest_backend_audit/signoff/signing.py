"""Signatures of SSH keys, made and checked by ``ssh-keygen -Y``: whatever keys it takes, agents and hardware included.

The program does the cryptography and knows the format of the allowed signers; we give it files and read its answer.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = "pytest-backend-audit"
"""What keys are used for here: a signature for another purpose never counts (ssh-keygen(1), ``-n``)."""
OLDEST = (8, 9)
"""First OpenSSH that checks whether a key was valid at the instant of a signature, with all that we ask of it."""
SIGNING_SECONDS = 300.0
"""A person types a passphrase, or looks for the token to touch."""
ASKING_SECONDS = 20.0
SAID_LIMIT = 64 * 1024
"""Bytes of the program's words that are read."""
SIGNATURE_LIMIT = 64 * 1024
"""Bytes of a signature; the largest, of a certificate for RSA with 16384 bits, has some 10,000."""

_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"
_ARMOUR = 70
"""Characters of a line of a signature, as ssh-keygen writes it."""
_GOOD = re.compile(r'^Good "[^"]*" signature for .* with (\S+) key (SHA256:\S+)$', re.MULTILINE)
_FINGERPRINT = re.compile(r"^\d+ (SHA256:\S+) .*\((\S+)\)$", re.MULTILINE | re.DOTALL)
_DSA = "DSA"
_CERTIFICATE = "-cert-"
"""What the kind of a certificate's key has in its name: ``ssh-ed25519-cert-v01@openssh.com``."""
_VERSION = re.compile(r"OpenSSH_(\d+)\.(\d+)")


class SigningError(ValueError):
    """No signature was made, or it does not hold; one message for the user."""


class ToolError(SigningError):
    """ssh-keygen is missing, too old, or gave no answer: nothing is known of the signature."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that can sign."""

    path: Path
    """What ``ssh-keygen -f`` is given: a private key, or the public one of a key that an agent or a token holds."""
    fingerprint: str
    kind: str
    """As ssh-keygen names it: ``ED25519``, ``ECDSA-SK``, ``RSA-CERT``."""

    @property
    def certified(self) -> bool:
        """Whether it is a certificate."""
        return self.kind.endswith("-CERT")


@dataclass(frozen=True, slots=True)
class Said:
    """What the program answered."""

    status: int
    output: str
    errors: str

    @property
    def why(self) -> str:
        """Its complaint, in one line."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        return lines[-1] if lines else f"exit status {self.status}"


def key_at(path: Path) -> Key:
    """The key in a file.

    Raises:
        SigningError: There is none, or it is of a kind that can't sign.
    """
    if path.is_dir():
        raise SigningError(f"{path} is a folder; name the key file in it, such as {path / 'id_ed25519'}")
    if not path.is_file():
        raise SigningError(f"{path}: there is no such key file; `ls ~/.ssh/*.pub` lists the usual ones")
    said = _ask(["-l", "-E", "sha256", "-f", os.fspath(path)])
    found = _FINGERPRINT.search(said.output)
    if said.status or found is None:
        if _looks_like_dsa(path):
            raise SigningError(_no_dsa(path))
        raise SigningError(
            f"{path}: ssh-keygen finds no public key there; name a private key with its .pub beside it, or the .pub of "
            "a key that your agent holds"
        )
    if found[2].startswith(_DSA):
        raise SigningError(_no_dsa(path))
    return Key(path, found[1], found[2])


def authority_of(key: Key) -> tuple[str, tuple[str, ...]]:
    """Fingerprint of the key that signed a certificate, and the principals that it was made for.

    Raises:
        SigningError: The certificate can't be read.
    """
    said = _ask(["-L", "-f", os.fspath(key.path)])
    authority = re.search(r"^\s+Signing CA: \S+ (SHA256:\S+)", said.output, re.MULTILINE)
    listed = re.search(r"^(\s+)Principals:\s*\n((?:\1\s+.*\n)*)", said.output, re.MULTILINE)
    if said.status or authority is None:
        raise SigningError(f"{key.path}: the certificate can't be read: {said.why}")
    return authority[1], tuple(line.strip() for line in listed[2].splitlines()) if listed else ()


def made_for(signature: bytes) -> tuple[str, ...]:
    """Everybody for whom the certificate was made that a signature is by; nobody where it is by a plain key.

    Args:
        signature: In its canonical form, and one that holds.

    Raises:
        SigningError: The certificate can't be read.
    """
    raw = base64.b64decode(signature[len(_BEGIN) : -len(_END)])
    # PROTOCOL.sshsig: six letters, a version of four bytes, then the public key as a string.
    public = _string(raw[10:])
    kind = _string(public).decode("ascii", "replace")
    if _CERTIFICATE not in kind:
        return ()
    with tempfile.TemporaryDirectory(prefix="backend-audit-") as folder:
        file = Path(folder) / "key-cert.pub"
        file.write_text(f"{kind} {base64.b64encode(public).decode()}\n", "utf-8")
        return authority_of(Key(file, "", kind))[1]


def _string(raw: bytes) -> bytes:
    """The string that bytes begin with, as SSH writes one: its length in four bytes, then itself."""
    return raw[4 : 4 + int.from_bytes(raw[:4])]


def sign(key: Key, payload: bytes) -> bytes:
    """The signature of a text. Whatever the program asks, for a passphrase or a touch, it asks the user.

    Raises:
        SigningError: The key does not sign.
    """
    with tempfile.TemporaryDirectory(prefix="backend-audit-") as folder:
        file = Path(folder) / "statement"
        file.write_bytes(payload)
        said = _converse(["-Y", "sign", "-n", NAMESPACE, "-f", os.fspath(key.path), os.fspath(file)])
        made = file.with_name("statement.sig")
        if said.status or not made.is_file():
            raise SigningError(_no_signature(key, said))
        return made.read_bytes()[:SIGNATURE_LIMIT]


def verify(payload: bytes, signature: bytes, signers: bytes, reviewer: str, signed_at: str) -> Key:
    """The key that signed, once everything holds: text, signature, reviewer, and the key's validity at that instant.

    Args:
        payload: The text.
        signature: The signature, as `sign` gave it.
        signers: The file of allowed signers.
        reviewer: The principal that the key must be allowed for.
        signed_at: The instant, RFC 3339 in UTC.

    Raises:
        ToolError: ssh-keygen gave no answer.
        SigningError: It does not hold; the message says why in ssh-keygen's words.
    """
    moment = re.sub(r"\D", "", signed_at.partition(".")[0])
    with tempfile.TemporaryDirectory(prefix="backend-audit-") as folder:
        allowed, file = Path(folder) / "allowed_signers", Path(folder) / "signature"
        allowed.write_bytes(signers)
        file.write_bytes(signature)
        said = _ask(
            [
                *("-Y", "verify", "-n", NAMESPACE, "-f", os.fspath(allowed), "-I", reviewer),
                *("-s", os.fspath(file), "-O", f"verify-time={moment}"),
            ],
            payload,
        )
        found = _GOOD.search(said.output)
        if said.status or found is None:
            raise SigningError(said.why.replace(os.fspath(allowed), "allowed signers"))
    return Key(Path(), found[2], found[1])


def canonical(signature: bytes) -> bool:
    """Whether a signature's bytes are those that ssh-keygen would write for what they say.

    Its reader lets other bytes pass for the same signature: blanks, bits that the encoding leaves free.
    """
    if not (signature.startswith(_BEGIN) and signature.endswith(_END)):
        return False
    try:
        raw = base64.b64decode(signature[len(_BEGIN) : -len(_END)].replace(b"\n", b""), validate=True)
    except ValueError:
        return False
    whole = base64.b64encode(raw)
    lines = [whole[n : n + _ARMOUR] for n in range(0, len(whole), _ARMOUR)]
    return signature == _BEGIN + b"".join(line + b"\n" for line in lines) + _END


def fingerprint(public: str) -> str:
    """The fingerprint of a public key's base64 part; empty if it is none."""
    import hashlib  # noqa: PLC0415 - here only

    try:
        raw = base64.b64decode(public, validate=True)
    except ValueError:
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def check_tool() -> None:
    """See that there is an OpenSSH that can do what we ask of it.

    Raises:
        ToolError: There is none, or it is too old.
    """
    _program()
    ssh = shutil.which("ssh")
    if ssh is None:
        return
    try:
        done = subprocess.run([ssh, "-V"], capture_output=True, stdin=subprocess.DEVNULL, timeout=5.0, check=False)
    except (OSError, subprocess.SubprocessError):
        return
    found = _VERSION.search((done.stderr + done.stdout).decode("utf-8", "replace"))
    if found and (int(found[1]), int(found[2])) < OLDEST:
        raise ToolError(
            f"OpenSSH {found[1]}.{found[2]} ({ssh}) is too old to check when a key was valid; install "
            f"{OLDEST[0]}.{OLDEST[1]} or newer"
        )


def _program() -> str:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise ToolError("ssh-keygen is not installed, or not on PATH; install OpenSSH's client (openssh-client)")
    return program


def _environment() -> dict[str, str]:
    # Times without a zone in the allowed signers mean UTC, so that they mean the same on every machine.
    return {**os.environ, "LC_ALL": "C", "TZ": "UTC"}


def _ask(arguments: Sequence[str], text: bytes = b"") -> Said:
    """Ask the program something that it answers by itself."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(text)
        given.seek(0)
        try:
            done = subprocess.run(
                [_program(), *arguments],
                stdin=given,
                stdout=out,
                stderr=err,
                env=_environment(),
                timeout=ASKING_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ToolError(f"ssh-keygen {arguments[0]} did not answer within {ASKING_SECONDS:g} s") from None
        except OSError as error:
            raise ToolError(f"ssh-keygen can't be run: {error.strerror}") from None
        out.seek(0)
        err.seek(0)
        texts = [f.read(SAID_LIMIT).decode("utf-8", "replace") for f in (out, err)]
    return Said(done.returncode, *texts)


def _converse(arguments: Sequence[str]) -> Said:
    """Let the program talk with the user.

    It asks for a passphrase on the terminal itself. What it says on standard error while it waits, such as that a
    token wants to be touched, is passed on; what it says when it ends is its answer.
    """
    told = 0
    until = time.monotonic() + SIGNING_SECONDS
    with tempfile.TemporaryFile() as err:
        try:
            # The session and the terminal stay ours, or there would be nobody to ask.
            process = subprocess.Popen(
                [_program(), *arguments], stdout=subprocess.DEVNULL, stderr=err, env=_environment()
            )
        except OSError as error:
            raise ToolError(f"ssh-keygen can't be run: {error.strerror}") from None
        try:
            while True:
                try:
                    process.wait(0.2)
                    break
                except subprocess.TimeoutExpired:
                    said = os.pread(err.fileno(), SAID_LIMIT, 0)
                    sys.stderr.write(said[told:].decode("utf-8", "replace"))
                    sys.stderr.flush()
                    told = len(said)
                if time.monotonic() > until:
                    raise SigningError(f"ssh-keygen did not sign within {SIGNING_SECONDS:g} s and was stopped")
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        errors = os.pread(err.fileno(), SAID_LIMIT, 0).decode("utf-8", "replace")
    return Said(process.returncode, "", errors)


def _no_signature(key: Key, said: Said) -> str:
    errors = said.errors
    if "UNPROTECTED PRIVATE KEY" in errors:
        return f"{key.path}: others can read this private key, so ssh-keygen does not use it: chmod 600 {key.path}"
    if "incorrect passphrase" in errors:
        return f"{key.path}: wrong passphrase, or no terminal to ask for it; load the key into an agent: ssh-add"
    if "No private key found" in errors or "Couldn't load private key" in errors:
        return f"{key.path}: neither an agent nor a file beside it holds the private key; ssh-add PRIVATE-KEY"
    return f"{key.path}: ssh-keygen does not sign: {said.why}"


def _looks_like_dsa(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(200)
    return head.startswith(b"ssh-dss ") or b"BEGIN DSA PRIVATE KEY" in head


def _no_dsa(path: Path) -> str:
    return f"{path}: a DSA key, which OpenSSH gave up; sign with another: ssh-keygen -t ed25519"

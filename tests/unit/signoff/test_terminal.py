"""Signing at a terminal: a real one, on which the command asks, and ssh-keygen asks for its passphrase."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from pathlib import Path

import pytest
from unit.cli.command import PROGRAM
from unit.signoff.signing_cases import GIT, GRACE, House, house, key, public

from pytest_backend_audit import finished


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A repository in which Grace's key has a passphrase."""
    made = house(tmp_path)
    key(made.keys, "locked", passphrase="correct horse")
    made.commit_signers(f"{GRACE} {public(made.keys / 'locked')}")
    made.audited()
    monkeypatch.chdir(made.path)
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)
    for name in ("SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return made


def typed(orders: House, *answers: tuple[str, str]) -> tuple[int, str]:
    """Run the command on a terminal of 80 columns, and answer what it asks; its exit status, and the screen."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["COLUMNS"] = "80"
        os.execv(sys.executable, [*PROGRAM, "sign", "--key", str(orders.keys / "locked")])
    screen = b""
    waiting = list(answers)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 1.0)
        try:
            screen += os.read(terminal, 4096) if ready else b""
        except OSError:  # how Linux says that the other end is closed
            break
        if waiting and waiting[0][0].encode() in screen:
            os.write(terminal, waiting.pop(0)[1].encode())
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert not waiting, screen.decode()
    return os.waitstatus_to_exitcode(status), screen.decode().replace("\r\n", "\n")


def test_it_asks_and_so_does_ssh_keygen(orders: House) -> None:
    """First whether, then for the passphrase, which is not shown."""
    status, screen = typed(
        orders,
        (f"Sign this as {GRACE}? [y/N] ", "y\n"),
        ("Enter passphrase", "correct horse\n"),
    )
    assert status == 0
    assert "You vouch that this level is right:\n" in screen
    assert "correct horse" not in screen
    assert f"signed by {GRACE}: 4.1 L4\n" in screen
    run = finished.load(orders.run)
    assert run.sign_off is not None
    assert run.sign_off.reviewer == GRACE


def test_no_is_no(orders: House) -> None:
    """Whatever is not yes; the key is not even asked for."""
    status, screen = typed(orders, (f"Sign this as {GRACE}? [y/N] ", "\n"))
    assert status == 1
    assert screen.endswith("\nnothing was signed\n")
    assert not (orders.run / "signoff.json").exists()


def test_a_wrong_passphrase(orders: House) -> None:
    """One message, and nothing is left behind."""
    status, screen = typed(
        orders,
        (f"Sign this as {GRACE}? [y/N] ", "y\n"),
        ("Enter passphrase", "wrong\n"),
    )
    assert status == 2
    assert screen.endswith(
        f"backend-audit: {orders.keys}/locked: wrong passphrase, or no terminal to ask for it; load the key into an "
        "agent: ssh-add\n"
    )
    assert not (orders.run / "signoff.json").exists()

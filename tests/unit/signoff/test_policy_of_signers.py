"""A run that was held to a protected policy is signed by whom that policy allows, not by whom its own branch does."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.signoff.signing_cases import GIT, House, house, key, public

from pytest_backend_audit import finished
from pytest_backend_audit.cli import main
from pytest_backend_audit.model import Protected

MINE = {"sign_off": {"allowed_signers": "mine"}}


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A repository whose branch has added a key to the allowed signers."""
    made = house(tmp_path)
    monkeypatch.chdir(made.path)
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    made.git("checkout", "-q", "-b", "mine")
    made.commit_signers(*(f"{n}@example.org {public(key(made.keys, n))}" for n in ("eve",)))
    return made


def held(orders: House, **keys: object) -> Protected:
    """The policy of main."""
    revision = orders.git("rev-parse", "main")
    return Protected("main", revision, "main:audit.yaml", "d" * 64, keys)


def sign(orders: House, by: str) -> int:
    """Run the command with somebody's key."""
    return main(["sign", "--yes", "--key", str(orders.keys / by)])


def test_without_a_policy_the_branch_says_whose_keys_count(orders: House) -> None:
    """Eve has put herself there."""
    orders.audited()
    assert sign(orders, "eve") == 0


def test_with_a_policy_its_revision_says_so(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Eve may not, Grace may, and the sign-off tells where that stands."""
    protected = held(orders)
    orders.audited(protected=protected)
    assert sign(orders, "eve") == 2
    assert f"is not among the allowed signers (audits/allowed_signers at {protected.revision[:12]}" in (
        capsys.readouterr().err
    )
    assert sign(orders, "grace") == 0
    signed = finished.load(orders.run).sign_off
    assert signed is not None
    assert signed.signers == f"audits/allowed_signers at {protected.revision}"


def test_another_path_is_the_policys(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """A branch that names a file of its own is not followed."""
    orders.audited(protected=held(orders, sign_off={"allowed_signers": "theirs"}), config=MINE)
    assert sign(orders, "grace") == 2
    assert "theirs" in capsys.readouterr().err


def test_the_usual_path_is_the_policys_too(orders: House) -> None:
    """Where it says nothing of one."""
    orders.audited(protected=held(orders), config=MINE)
    assert sign(orders, "grace") == 0


@pytest.mark.parametrize("allowed", [True, False])
def test_the_author_may_sign_only_if_the_policy_allows_it_too(orders: House, allowed: bool) -> None:
    """Linus made the commit."""
    settings = {"sign_off": {"allow_author": True}}
    orders.audited(protected=held(orders, **(settings if allowed else {})), config=settings)
    assert sign(orders, "linus") == (0 if allowed else 2)

"""Where the audited repository is cloned from, as far as that may be told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_backend_audit.document import origin_url
from pytest_backend_audit.document.git import public_url


@pytest.mark.parametrize(
    ("remote", "told"),
    [
        ("https://git.example.org/shop/orders.git", "https://git.example.org/shop/orders.git"),
        ("https://x-access-token:ghs_secret@git.example.org/orders", "https://git.example.org/orders"),
        ("https://git.example.org:8443/orders?private_token=glpat#x", "https://git.example.org:8443/orders"),
        ("git@git.example.org:shop/orders.git", "ssh://git.example.org/shop/orders.git"),
        ("git.example.org:/srv/orders.git", "ssh://git.example.org/srv/orders.git"),
        ("ssh://git@git.example.org:2222/orders", "ssh://git.example.org:2222/orders"),
        ("https://[2001:db8::1]/orders", "https://[2001:db8::1]/orders"),
        ("/home/ada/orders", ""),
        ("../orders", ""),
        ("file:///home/ada/orders", ""),
        ("ext::sh -c whoami", ""),
        ("https://git.example.org:port/orders", ""),
        ("https://git.example.org/\x1b[31morders", ""),
        ("https:///orders", ""),
        ("", ""),
    ],
)
def test_what_may_be_told_of_a_remote(remote: str, told: str) -> None:
    """Its address; no credentials, no token in the query, no folder of the machine."""
    assert public_url(remote) == told


def test_the_repositorys_own_remote_is_asked_for(tmp_path: Path) -> None:
    """Named origin; without one, without a repository or without a folder there is no address."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert origin_url(tmp_path) == ""
    add = ["git", "-C", str(tmp_path), "remote", "add", "origin", "https://token@git.example.org/orders"]
    subprocess.run(add, check=True)
    (tmp_path / "below").mkdir()
    assert origin_url(tmp_path / "below") == "https://git.example.org/orders"
    assert origin_url(tmp_path / "missing") == ""


def test_outside_of_a_repository_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor without the git program."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert origin_url(tmp_path) == ""
    monkeypatch.setenv("PATH", "")
    assert origin_url(tmp_path) == ""

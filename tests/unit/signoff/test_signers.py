"""Allowed signers: which lines could stand for a key, and where they are read from."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.signoff.signing_cases import GIT, House, house, key, public

from pytest_backend_audit.signoff import signers, signing
from pytest_backend_audit.signoff.signers import Allowed, Entry, SignersError


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A repository with allowed signers."""
    made = house(tmp_path)
    monkeypatch.chdir(made.path)
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)
    return made


def test_lines_as_ssh_keygen_takes_them(tmp_path: Path) -> None:
    """Comments, options with blanks in quotes, quoted names, several names; what names no key is passed over."""
    line = public(key(tmp_path, "grace"))
    print_ = signing.fingerprint(line.split()[1])
    text = (
        "# reviewers\n\n"
        f"grace@example.org,*@hopper.example {line}\n"
        f'"Grace Hopper" valid-before="20300101",namespaces="a b,c" {line}\n'
        f"*@example.org cert-authority {line}\n"
        f"  lin@example.org\t{line.rsplit(' ', 1)[0]}\n"
        "eve@example.org ssh-ed25519\n"
        "nobody\n"
        f"# ada@example.org {line}\n"
        "x@example.org ssh-ed25519 no*base64\n"
    )
    found = signers.entries(Allowed(text.encode(), "signers"))
    assert found == (
        Entry(3, ("grace@example.org", "*@hopper.example"), "", print_),
        Entry(4, ("Grace Hopper",), 'valid-before="20300101",namespaces="a b,c"', print_),
        Entry(5, ("*@example.org",), "cert-authority", print_),
        Entry(6, ("lin@example.org",), "", print_),
        Entry(10, ("x@example.org",), "", ""),
    )
    assert [e.authority for e in found] == [False, False, True, False, False]
    assert signers.names(found[:4]) == ("grace@example.org", "Grace Hopper", "lin@example.org")
    assert signers.fits("me@hopper.example", found[:1])
    assert not signers.fits("me@example.org", found[:1])


def test_bytes_that_are_no_text() -> None:
    """Nobody is named, and nothing breaks."""
    assert signers.entries(Allowed(b"\xff\x00 ssh-\xff\n" * 1000, "signers")) == ()


def test_no_link_and_no_folder_is_followed(orders: House) -> None:
    """A link would lead into the work tree."""
    link = orders.path / "link"
    link.symlink_to("/etc/passwd")
    orders.git("add", "link")
    orders.git("commit", "-q", "-m", "link")
    commit = orders.git("rev-parse", "HEAD")
    for path, kind in (("link", "a link"), ("audits", "no file")):
        with pytest.raises(SignersError) as caught:
            signers.at_revision(orders.path, commit, path)
        assert str(caught.value) == f"{path} is {kind} at {commit[:12]}"


def test_a_commit_that_was_not_fetched(orders: House) -> None:
    """As in a shallow clone: the message has the line that fetches it."""
    missing = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
    with pytest.raises(SignersError) as caught:
        signers.at_revision(orders.path, missing, "audits/allowed_signers")
    assert str(caught.value) == (
        f"commit 1a2b3c4d5e6f, which says whose keys count, is not in {orders.path}; fetch it:\n"
        f"  git fetch origin {missing}"
    )


def test_who_made_a_commit(orders: House) -> None:
    """Author, committer and co-authors, whatever their names are made of."""
    message = "x\n\nCo-authored-by: Zoë Ж <zoe@example.org>\nCo-authored-by: Ada\x1b[31m <ada@example.org>\n"
    orders.git("commit", "-q", "--allow-empty", "-m", message, GIT_AUTHOR_NAME="Lin; $(id)")
    commit = orders.git("rev-parse", "HEAD")
    assert signers.people_of(orders.path, commit) == (
        ("author", "Lin; $(id) <linus@example.org>"),
        ("committer", "Linus Dev <linus@example.org>"),
        ("co-author", "Zoë Ж <zoe@example.org>"),
        ("co-author", "Ada\x1b[31m <ada@example.org>"),
    )


def test_a_large_file_is_not_read(orders: House) -> None:
    """A file that somebody names is bounded as well."""
    (orders.path / "large").write_bytes(b"#" * (signers.LIMIT + 1))
    with pytest.raises(SignersError, match="larger than any file of allowed signers"):
        signers.given("large", orders.path)

"""Who has the reviewer's word on a dispute."""

from __future__ import annotations

import pytest
from unit.signoff.signing_cases import key, public

from pytest_backend_audit.signoff.reviewers import Reviewers, not_theirs, signing_at
from pytest_backend_audit.signoff.signers import Allowed

NOW = "2026-11-30T12:00:00.000Z"
WHERE = "second_reviewer in audit.yaml, or a key in audits/allowed_signers"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Public keys as lines have them."""
    folder = tmp_path_factory.mktemp("keys")
    return {name: public(key(folder, name)) for name in ("grace", "heidi", "house")}


def test_whom_keys_name_now(keys: dict[str, str]) -> None:
    """Keys of another time or for another purpose name nobody, nor do patterns; an authority's names are several."""
    text = (
        f"grace@example.org {keys['grace']}\n"
        f'"Grace Hopper" namespaces="git,pytest-backend-*" {keys["grace"]}\n'
        f'old@example.org valid-before="20261130" {keys["grace"]}\n'
        f'new@example.org valid-after="20261130120001Z" {keys["grace"]}\n'
        f'heidi@example.org valid-after="20261130",valid-before="20261201Z" {keys["heidi"]}\n'
        f'dev@example.org namespaces="git" {keys["heidi"]}\n'
        f"*@example.org {keys['heidi']}\n"
        f"ole@example.org,kim@example.org,*@b.example cert-authority {keys['house']}\n"
    )
    assert signing_at(Allowed(text.encode(), "signers"), NOW) == (
        ("grace@example.org", "Grace Hopper"),
        ("heidi@example.org",),
        ("ole@example.org",),
        ("kim@example.org",),
    )


DECLARED = Reviewers("Grace Hopper", "Ada", (("grace@example.org", "g@example.org"), ("heidi@example.org",)), WHERE)


@pytest.mark.parametrize(
    ("by", "why"),
    [
        ("Grace Hopper <me@example.org>", ""),
        ("heidi@example.org", ""),
        ("Heidi", ""),
        (
            "Bobby",
            # Whose key is an owner's is not named as somebody who may.
            f"Bobby is no reviewer; Grace Hopper, heidi@example.org may resolve it: --who NAME. Who else may is stated "
            f"in the last commit: {WHERE}",
        ),
        ("Bobby, Heidi", "Bobby, Heidi: one person resolves a dispute; name one: --who NAME"),
        ("  ", "  : one person resolves a dispute; name one: --who NAME"),
        ("ADA", "Ada led the audit that found F-0001; somebody else resolves it: --who NAME"),
        ("Eva", "Eva led the audit that found F-0001; somebody else resolves it: --who NAME"),
        ("Bob <bob@example.org>", "Bob <bob@example.org> disputed F-0001; somebody else resolves it: --who NAME"),
        ("grace@example.org", "grace@example.org owns F-0001, or has owned it; somebody else resolves it: --who NAME"),
    ],
)
def test_whose_word_counts(by: str, why: str) -> None:
    """One declared person: not who led, disputed or is to mend it, by whatever name their key has."""
    said = not_theirs(
        by, DECLARED, disputer="bob", owners=["", "G <g@example.org>", "Ole"], leads=["Eva"], number="F-0001"
    )
    assert (said[: len(why)], bool(said)) == (why, bool(why))


def test_where_nobody_is_left() -> None:
    """The one who is declared led the audit."""
    lead = Reviewers("Ada", "Ada", (), WHERE)
    assert not_theirs("Grace", lead, disputer="Bob", owners=[], leads=["Ada"], number="F-0001") == (
        f"Grace is no reviewer; nobody who is one may resolve it. Who else may is stated in the last commit: {WHERE}"
    )


def test_where_nobody_is_declared() -> None:
    """It is refused with the way out."""
    nobody = Reviewers("", "", (), WHERE)
    assert not_theirs("Grace", nobody, disputer="Bob", owners=[""], leads=[], number="F-0001") == (
        f"nobody may resolve it, as no reviewer is declared: state {WHERE} (a line a reviewer: ADDRESS and the public "
        "key), and commit"
    )

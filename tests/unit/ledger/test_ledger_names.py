"""Folders of services: safe, and never the same for two."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_backend_audit.ledger.names import LONGEST, folder_of


@pytest.mark.parametrize(
    ("service", "folder"),
    [
        ("orders", "orders"),
        ("Orders-v2_eu.west", "Orders-v2_eu.west"),
        ("order desk", "order%20desk"),
        ('the "desk"', "the%20%22desk%22"),
        ("a/b", "a%2Fb"),
        ("../../etc", "%2E.%2F..%2Fetc"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        (".git", "%2Egit"),
        ("orders.", "orders%2E"),
        ("a~b", "a%7Eb"),
        ("a%2Fb", "a%252Fb"),
        ("заказы", "%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7%D1%8B"),
        ("注文", "%E6%B3%A8%E6%96%87"),
        ("a\nb", "a%0Ab"),
        ("a\\b", "a%5Cb"),
    ],
)
def test_a_folder_is_one_safe_name(service: str, folder: str) -> None:
    """As in a URL, so that it reads back."""
    assert folder_of(service) == folder
    assert unquote(folder) == service


def test_a_very_long_name_is_cut_and_told_apart() -> None:
    """By a digest; no byte is cut in half."""
    one, other = folder_of("注" * 60), folder_of("注" * 61)
    assert one != other
    assert len(one) <= LONGEST
    assert one.partition("~")[0].count("%") * 3 == len(one.partition("~")[0])


@pytest.mark.parametrize("service", ["", "  ", "\n"])
def test_no_name_no_folder(service: str) -> None:
    """The way out is said."""
    with pytest.raises(ValueError, match=r"^the service has no name; state it in audit.yaml: service: NAME$"):
        folder_of(service)


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=2, max_size=2, unique=True))
def test_no_two_services_share_a_folder(services: list[str]) -> None:
    """Whatever they are called, and it never leaves audits/."""
    one, other = (folder_of(service) for service in services)
    assert one != other
    assert Path("/audits", one).resolve().parent == Path("/audits")
    assert one.isascii()

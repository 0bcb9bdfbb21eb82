"""Whether two texts name one person."""

from __future__ import annotations

import pytest

from pytest_backend_audit.people import Person, nobody_but, of_one_address, people_in, same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.org", "ADA@Example.Org"),
        ("ada@example.org", "Ada Lovelace <ada@example.org>"),
        ("Ada  Lovelace", "ada lovelace"),
        ("Ada Lovelace <ada@work.example>", "Ada Lovelace <ada@home.example>"),
        ("Ａda Lovelace", "Ada\u00a0Lovelace"),  # noqa: RUF001 - what is compared
        ("Ada Lovelace", "ada.lovelace@example.org"),
        ("Lovelace, Ada", "Ada"),
        ("Ada", "ada+signing@example.org"),
        ("Grace Hopper and Ada Lovelace", "ada lovelace"),
        ("Жанна", "ЖАННА <z@example.org>"),
        ("Straße", "STRASSE"),
    ],
)
def test_one_person(one: str, other: str) -> None:
    """Whatever the case, the spacing and the order; a name without an address also by the address' local part."""
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.org", "ada@example.com"),
        ("Ada Lovelace <ada@example.org>", "ada.lovelace@example.com"),
        ("Ada Lovelace", "lovelace@example.org"),
        ("Ada", "Adam"),
        ("", ""),
        ("", "ada@example.org"),
        (" , ", "<>"),
    ],
)
def test_two_people(one: str, other: str) -> None:
    """A stated address outweighs a likeness; nobody is nobody."""
    assert not same(one, other)
    assert not same(other, one)


def test_who_is_named() -> None:
    """Several, with what is known of each."""
    assert people_in("Ada Lovelace <ADA@example.org>; Grace Hopper, lin@example.org") == (
        Person("ada lovelace", "ada@example.org"),
        Person("grace hopper"),
        Person("", "lin@example.org"),
    )


@pytest.mark.parametrize(
    ("text", "nobody_else"),
    [
        ("Linus Dev", True),
        ("linus dev <linus@example.org>", True),
        ("Linus Dev and linus@example.org", True),
        ("Linus Dev, Ada Lovelace", False),
        ("Linus Developer", False),
        ("", False),
    ],
)
def test_nobody_but_one(text: str, nobody_else: bool) -> None:
    """However a name is written; with somebody beside it is another matter, and nobody is no one."""
    assert nobody_but(text, "Linus Dev <linus@example.org>") is nobody_else


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("grace@example.org", True),
        ("Grace Hopper <GRACE@example.org>", True),
        ("Grace Hopper", False),
        ("Grace <grace@example.com>", False),
        ("Grace <grace@example.org>, Heidi <heidi@example.org>", False),
        ("Grace <grace@example.org>, Heidi", False),
        ("", False),
    ],
)
def test_one_person_by_the_address(text: str, one: bool) -> None:
    """A likeness of names is not enough, and nobody else is named."""
    assert of_one_address(text, "grace@example.org") is one
    assert of_one_address("grace@example.org", text) is one

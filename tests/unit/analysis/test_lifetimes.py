"""How long keys live, and whether somebody chose that."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis.lifetimes import Kind, alike, faults, kind_of, kinds

KEYS = [
    ("orders:v1:acme:order:1", 290), ("orders:v1:acme:order:2", 12), ("orders:v1:acme:order:3", -2),
    ("orders:v1:acme:price:SKU-1", 100), ("orders:v1:globex:price:SKU-1", 119), ("orders:config", -1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("orders:v1:acme:order:19999", "orders:v*:acme:order:*"),
        ("orders:v1:acme:order:7:0f8fad5b-d9cb-469f-a165-70867728950e", "orders:v*:acme:order:*:*"),
        ("session:3pQ9xvT2mZ7kLw0a:cart", "session:*:*"),
        ("page/en/index", "page/en/*"),
        ("counter", "counter"),
        ("user42", "user*"),
        ("", ""),
    ],
)
def test_a_kind_is_the_key_less_what_varies(key: str, kind: str) -> None:
    """Its last part, numbers, and long parts that hold some."""
    assert kind_of(key) == kind


def test_keys_are_counted_by_kind_and_those_that_are_gone_left_out() -> None:
    """A declared pattern names its keys, the others are named by what they have in common."""
    assert kinds(KEYS, {"orders:*:price:*": 132.0}) == [
        Kind("orders:*", False, None, 1, 1, -1),
        Kind("orders:*:price:*", True, 132.0, 2, 0, 119),
        Kind("orders:v*:acme:order:*", False, None, 2, 0, 290),
    ]


def test_the_most_particular_pattern_counts() -> None:
    """Whatever the order in the file."""
    declared = {"orders:*": 1000.0, "orders:*:price:*": 132.0, "orders:config": None}
    assert [(k.name, k.at_most, k.keys) for k in kinds(KEYS, declared)] == [
        ("orders:*", 1000.0, 2), ("orders:*:price:*", 132.0, 2), ("orders:config", None, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Kind("a:*", False, None, 3, 3, -1), ["a:*: 3 of 3 keys never expire"]),
        (Kind("a:*", False, None, 3, 1, 60), ["a:*: 1 of 3 keys never expire"]),
        (Kind("a:*", False, None, 3, 0, 60), ["a:*: keys live for up to 60 s, and no reason for that is declared"]),
        (Kind("a:*", True, 60.0, 3, 0, 60), []),
        (Kind("a:*", True, 59.5, 3, 0, 60), ["a:*: keys live for up to 60 s, declared is at most 59.5 s"]),
        (Kind("a:*", True, 60.0, 3, 1, 60), ["a:*: 1 of 3 keys never expire, declared is at most 60 s"]),
        (Kind("a:*", True, None, 3, 3, -1), []),
    ],
)
def test_each_fault_says_its_numbers(kind: Kind, said: list[str]) -> None:
    """Keys that were declared to stay may stay."""
    assert list(map(str, faults([kind], reasons=True))) == said


def test_without_reasons_only_the_end_of_a_life_is_judged() -> None:
    """For a team that has set ttl-reasons to no."""
    found = [Kind("a:*", False, None, 3, 0, 60), Kind("b:*", False, None, 3, 1, 60)]
    assert [fault.kind for fault in faults(found, reasons=False)] == ["b:*"]


@pytest.mark.parametrize(
    ("longest", "said"),
    [
        ([3600, 3590, 3250], "all 3 kinds that expire live alike, for up to 3600 s"),
        ([3600, 3600, 900], ""),
        ([3600, -1, 3600], "all 2 kinds that expire live alike, for up to 3600 s"),
        ([3600, -1], ""),
        ([], ""),
    ],
)
def test_one_lifetime_for_everything_is_told(longest: list[int], said: str) -> None:
    """Where two kinds expire at least."""
    assert alike(Kind(f"{n}:*", False, None, 1, 0, ttl) for n, ttl in enumerate(longest)) == said

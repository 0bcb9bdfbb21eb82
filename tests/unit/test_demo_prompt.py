"""Lines that are typed at a demo that was left running; `test_story_of_a_release` types them at a real one."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pytest_backend_audit.demo.defects import checked
from pytest_backend_audit.demo.prompt import USAGE, follow


class NoStack:
    """Knows which defects exist, and has nothing to give them to."""

    def __init__(self, *defects: str) -> None:
        self.defects: tuple[str, ...] = defects

    def set_defects(self, names: Iterable[str]) -> None:
        """As the stack, which refuses the same."""
        self.defects = checked(names)


@pytest.mark.parametrize(
    ("line", "on", "said"),
    [
        ("mend eviction-policy", ("idempotency-race",), "wrong with it now: idempotency-race"),
        ("mend eviction-policy, idempotency-race", (), "wrong with it now: nothing"),
        ("mend all", (), "wrong with it now: nothing"),
        (
            "break foreign-key-indexes",
            ("foreign-key-indexes", "eviction-policy", "idempotency-race"),
            "wrong with it now: foreign-key-indexes, eviction-policy, idempotency-race",
        ),
        (
            "mend no-affinity",
            ("eviction-policy", "idempotency-race"),
            "no-affinity is not on; eviction-policy, idempotency-race is",
        ),
        (
            "break eviction-polcy",
            ("eviction-policy", "idempotency-race"),
            "no such defect: eviction-polcy (did you mean eviction-policy?)",
        ),
        ("mend", ("eviction-policy", "idempotency-race"), USAGE),
        ("stop", ("eviction-policy", "idempotency-race"), USAGE),
    ],
)
def test_a_line_without_a_stack(line: str, on: tuple[str, ...], said: str) -> None:
    """It changes what it names, or nothing, and one line tells which."""
    stack, told = NoStack("eviction-policy", "idempotency-race"), []
    follow([f"{line}\n", "\n"], stack, told.append)
    assert (stack.defects, told) == (on, [said])

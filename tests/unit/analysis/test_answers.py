"""What answers have in common, and what they show."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis.answers import holds, lasting, leaves, shows

ORDER = '{"id": 7, "status": "paid", "lines": [{"sku": "A"}, {"sku": "B"}], "notes": [], "seen": "10:00"}'


def test_leaves_are_found_by_pointer() -> None:
    """An empty list is one; what is no JSON is one as a whole."""
    assert leaves(ORDER) == {
        "/id": 7, "/status": "paid", "/lines/0/sku": "A", "/lines/1/sku": "B", "/notes": [], "/seen": "10:00",
    }  # fmt: skip
    assert (leaves("<p>7</p>"), leaves("7"), leaves("{}")) == ({"": "<p>7</p>"}, {"": 7}, {"": {}})


def test_what_changes_by_itself_is_no_part_of_an_entry() -> None:
    """The owner's answers differ in it, too."""
    entry = lasting(leaves(ORDER), leaves(ORDER.replace("10:00", "10:01")))
    assert "/seen" not in entry
    assert holds(leaves(ORDER.replace("10:00", "10:02")), entry)
    assert not holds(leaves(ORDER.replace("paid", "open")), entry)
    assert not holds(leaves('{"id": 7}'), entry)


@pytest.mark.parametrize(
    ("answer", "written", "told"),
    [
        ({"status": "paid"}, {"status": "paid"}, True),
        ({"status": "open"}, {"status": "paid"}, False),
        ({"data": {"status": "paid"}}, {"status": "paid"}, True),
        ({"status": "open", "history": [{"status": "paid"}]}, {"status": "paid"}, False),
        ({"id": 7}, {"status": "paid"}, None),
        ({"status": "paid", "note": "x"}, {"status": "paid", "note": "y"}, False),
        ({"substatus": "paid"}, {"status": "paid"}, None),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, True),
    ],
)
def test_an_answer_shows_what_was_written(answer: object, written: object, told: bool | None) -> None:
    """In its place, else anywhere by its name; a field that isn't there tells nothing."""
    assert shows(answer, written) is told

"""What sets a page's size, how many things an answer lists, and whether more follow. Pure."""

import pytest

from pytest_backend_audit.analysis.lists import PageSize, more_follow, page_size, things

# As FastAPI 0.1 writes an operation's parameters into its document.
FASTAPI = [
    {
        "name": "limit",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "maximum": 100, "minimum": 1, "default": 20, "title": "Limit"},
    },
    {
        "name": "before",
        "in": "query",
        "required": False,
        "schema": {"anyOf": [{"type": "integer", "maximum": 9223372036854775807, "minimum": 1}, {"type": "null"}]},
    },
]


@pytest.mark.parametrize(
    ("parameters", "declared", "found"),
    [
        (FASTAPI, {}, PageSize("limit", 100)),
        (FASTAPI[1:], {}, None),
        ([{"name": "pageSize", "in": "query", "type": "integer"}], {}, PageSize("pageSize")),
        ([{"name": "$top", "in": "query", "schema": {"type": ["integer", "null"]}}], {}, PageSize("$top")),
        (
            [{"name": "page[size]", "in": "query", "schema": {"anyOf": [{"type": "integer"}]}}],
            {},
            PageSize("page[size]"),
        ),
        ([{"name": "size", "in": "query", "schema": {"type": "string", "enum": ["small"]}}], {}, None),
        ([{"name": "limit", "in": "header", "schema": {"type": "integer"}}], {}, None),
        ([{"$ref": "#/components/parameters/limit"}, "nonsense"], {}, None),
        ([], {"per_page": 50, "sort": "name"}, PageSize("per_page")),
        ([], {"size": "large"}, None),
    ],
)
def test_the_parameter_is_found_by_its_name_and_type(parameters, declared, found) -> None:
    """In the document of either version, else among the declared query."""
    assert page_size(parameters, declared) == found


@pytest.mark.parametrize(("maximum", "page"), [(None, 10), (100, 10), (20, 5), (3, 1)])
def test_the_smaller_page_leaves_room_for_the_larger_one(maximum, page) -> None:
    """Four times as large."""
    assert PageSize("limit", maximum).page(10, 4) == page


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        ([1, 2, 3], 3),
        ([], 0),
        ({"orders": [{"items": [1, 2, 3]}, {"items": []}], "next": 7}, 2),
        ({"data": {"orders": {"edges": [1, 2, 3, 4]}, "notes": [1]}}, 4),
        ({"a": {"b": {"c": {"d": [1]}}}}, None),
        ({"id": 7, "name": "x"}, None),
        ("text", None),
    ],
)
def test_things_are_those_of_the_outermost_longest_list(answer, count) -> None:
    """What each of them lists inside doesn't count."""
    assert things(answer) == count


@pytest.mark.parametrize(
    ("answer", "more"),
    [
        ({"orders": [1, 2], "next": 7}, True),
        ({"orders": [1, 2], "next": None}, False),
        ({"items": [1, 2], "total": 200}, True),
        ({"items": [1, 2], "total_count": 2}, False),
        ({"results": [1], "meta": {"has_more": True}}, True),
        ({"results": [1], "meta": {"has_more": False, "count": True}}, False),
        ([1, 2, 3], False),
    ],
)
def test_an_answer_may_say_that_more_follow(answer, more) -> None:
    """By a next page, or by a total above what is there."""
    assert more_follow(answer) is more

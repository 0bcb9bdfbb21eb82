"""What the JSON of answers has in common, and what it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Leaves = Mapping[str, Any]
"""JSON pointer -> value, of everything in an answer that holds nothing else."""


def leaves(body: bytes | str) -> Leaves:
    """What an answer holds, by pointer; of one that is no JSON the whole, under the empty pointer."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {"": body}
    return dict(_leaves(content, ""))


def lasting(first: Leaves, second: Leaves) -> Leaves:
    """What two answers to the same question agree on: not the time of day, nor a number of the request."""
    return {pointer: value for pointer, value in first.items() if pointer in second and second[pointer] == value}


def holds(answer: Leaves, wanted: Leaves) -> bool:
    """Whether an answer has all that is wanted, in the same places."""
    return all(pointer in answer and answer[pointer] == value for pointer, value in wanted.items())


def shows(answer: Any, written: Any) -> bool | None:
    """Whether an answer shows what was written.

    A field that was written is looked for in its place first, then anywhere, by its name.

    Args:
        answer: Content of the answer.
        written: Content of the body that was sent.

    Returns:
        None where the answer lacks one of the fields altogether.
    """
    have = dict(_leaves(answer, ""))
    told = []
    for pointer, value in _leaves(written, ""):
        name = "/" + pointer.rpartition("/")[2]
        places = [pointer] if pointer in have else [place for place in have if place.endswith(name)]
        if not places:
            return None
        told.append(any(have[place] == value for place in places))
    return all(told) if told else None


def _leaves(content: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    if isinstance(content, dict) and content:
        for name, value in content.items():
            yield from _leaves(value, f"{pointer}/{name}")
    elif isinstance(content, list) and content:
        for position, value in enumerate(content):
            yield from _leaves(value, f"{pointer}/{position}")
    else:
        yield pointer, content

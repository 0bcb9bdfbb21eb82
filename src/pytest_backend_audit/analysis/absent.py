"""Names of things that most likely don't exist, made after one that does."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

LARGE = (1_000_000_000, 2_000_000_000)
"""Range of numbers that few tables have reached, and that fit where 32 bits are all there is."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGIT = re.compile(r"\d")


def others(parameters: Mapping[str, Any], count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Parameters of the same form with other values.

    Args:
        parameters: Those of a thing that exists.
        count: How many to make.
        chance: Where the digits come from.
    """
    for _ in range(count):
        yield {name: _other(value, chance) for name, value in parameters.items()}


def _other(value: Any, chance: random.Random) -> Any:
    text = str(value)
    if text.isdecimal():
        return chance.randint(*LARGE)
    if _UUID.fullmatch(text):
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))
    made = _DIGIT.sub(lambda _: str(chance.randint(0, 9)), text)
    return made + str(chance.randint(*LARGE)) if made == text or len(_DIGIT.findall(text)) < 6 else made

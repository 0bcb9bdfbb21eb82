"""Which series tell how often a cache is hit."""

from __future__ import annotations

import re

HIT = frozenset({"hit", "hits", "HIT", "Hit"})
"""Values by which a label says that a lookup found something."""

_CACHE = re.compile(r"cache|keyspace|redis|valkey|memcached", re.IGNORECASE)
_HIT = re.compile(r"(?:^|_)(?:hits?|miss(?:es)?|hit_?ratio|hit_?rate)(?:_|$)", re.IGNORECASE)
_VALUES = re.compile(r"""[=~]\s*["']([^"']*)["']""")


def tells_hits(name: str, text: str) -> bool:
    """Whether a series counts what a cache found or missed, or is a rate of that.

    Args:
        name: Of the metric: ``redis_keyspace_hits_total``, ``cache_lookups_total``.
        text: As it is asked for: ``cache_lookups_total{result="hit"}``.
    """
    if name.endswith("_created"):  # when a counter began, beside each that a client library exports
        return False
    words = [re.sub(r"\W", "_", name), *(re.sub(r"\W", "_", value) for value in _VALUES.findall(text))]
    return bool(_CACHE.search(words[0])) and any(_HIT.search(word) for word in words)

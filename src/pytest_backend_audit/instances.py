"""Names of instances: which test, which case and which part of it an attempt is about."""

from __future__ import annotations

import hashlib
import re

_CASE_LIMIT = 100
"""Characters of the name of a case."""

_PART = re.compile(r" (subtest \d+|part \d+|teardown)\Z")
_GROUP = re.compile(r"@[^\]\s]+\Z")


def whole_of(instance: str) -> str:
    """The name of the attempt that a part belongs to; of any other attempt, its own."""
    return _PART.sub("", instance)


def whole_name(instance: str) -> str:
    """The same, without the group that xdist's loadgroup puts behind it."""
    return _GROUP.sub("", whole_of(instance))


def part_of(instance: str) -> str:
    """Which part it is: ``subtest 2``, ``part 1``, ``teardown``; empty for a whole test."""
    found = _PART.search(instance)
    return found[1] if found else ""


def case_of(instance: str) -> str:
    """What stands in brackets in the name of an instance: ``[orders-2]``; empty where it has no parameters.

    A long one is cut, with a digest in place of its end: a ledger's line has to name many.
    """
    function = instance[instance.find("::") :]
    begins, ends = function.find("["), function.rfind("]")
    case = function[begins : ends + 1] if 0 <= begins < ends else ""
    if case == "[NOTSET]":  # pytest's word for a set of parameters that is empty
        return ""
    if len(case) <= _CASE_LIMIT:
        return case
    digest = hashlib.sha256(case.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{case[: _CASE_LIMIT - len(digest) - 2]}…{digest}]"

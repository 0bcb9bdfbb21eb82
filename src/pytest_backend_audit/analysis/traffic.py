"""Which operations of a service are asked for most, by its own counters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")

_ROUTE = re.compile(
    r"(?:http_?)?(?:route|path|handler|endpoint|uri|url|target|path_?template|url_?path)", re.IGNORECASE
)
_METHOD = re.compile(r"(?:http_?)?(?:request_?)?(?:method|verb)", re.IGNORECASE)
# A parameter of a route as frameworks write it: {id}, {id:int}, <int:id>, :id, *rest.
_PARAMETER = re.compile(r"\{[^}]*\}|<[^>]*>|:[A-Za-z_]\w*|\*\w*")


def operation(labels: Mapping[str, str]) -> tuple[str, str] | None:
    """Method and route that a series' labels tell, parameters as ``{}``; GET where no method is told.

    None where no route is told.
    """
    route = next((v for k, v in labels.items() if _ROUTE.fullmatch(k) and v.startswith("/")), None)
    if route is None:
        return None
    method = next((v.upper() for k, v in labels.items() if _METHOD.fullmatch(k)), "GET")
    return method, plain(route)


def plain(route: str) -> str:
    """A route with ``{}`` for each of its parameters, whoever wrote it."""
    return _PARAMETER.sub("{}", route).rstrip("/") or "/"


def ranked(
    operations: Mapping[tuple[str, str], T], counts: Iterable[tuple[Mapping[str, str], float]]
) -> list[tuple[T, float]]:
    """Operations with how often they were asked for, the busiest first; those that nobody asked for keep their order.

    Args:
        operations: By method and path template.
        counts: Labels and value of each series of a counter of requests, over all instances.
    """
    asked: dict[tuple[str, str], float] = {}
    for labels, value in counts:
        if (key := operation(labels)) is not None:
            asked[key] = asked.get(key, 0.0) + value
    found = [(o, asked.get((method, plain(path)), 0.0)) for (method, path), o in operations.items()]
    return sorted(found, key=lambda pair: -pair[1])

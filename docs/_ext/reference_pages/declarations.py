"""The page of what checks ask audit.yaml for; committed, for who reads it in a clone."""

from __future__ import annotations

import textwrap

from pytest_backend_audit.config.examples import EXAMPLES, Example

from . import asking
from .text import fenced, page

NAMES = {"targets": "Systems", "identities": "Identities", "endpoints": "Endpoints", "pools": "Pools", "load": "Load"}
"""First key -> heading; keys without one stand below the last."""
LAST = "What people know"
ABOUT = (
    "What a service keeps to itself, audit.yaml has to tell. A check that lacks a declaration *could not run*, or "
    "looks at less: its message names the key, and gives a line to begin with. `backend-audit plan` names what is "
    "lacking before anything runs; `backend-audit init` writes an audit.yaml in which these keys are commented out. "
    "What the service has no use for is declared under `not_applicable`, with a reason and an end.",
    "Every key is here that a bundled check reads, with the checks that do. `backend-audit schema audit` prints the "
    "schema of the whole file.",
)


def what_to_declare() -> str:
    """Each declaration with an example, and the checks that read it."""
    readers, parts, heading = asking.asked(), [], ""
    for key, example in EXAMPLES.items():
        above = NAMES.get(key.partition(".")[0].removesuffix("[]"), LAST)
        if above != heading:
            parts.append(f"## {above}")
            heading = above
        meaning = example.meaning[:1].upper() + example.meaning[1:]
        parts.append(page(f"### {key}", f"{meaning}.", fenced(whole(key, example), "yaml"), _readers(readers[key])))
    return page(
        "# What to declare",
        *map(_filled, ABOUT),
        *parts,
    )


def whole(key: str, example: Example) -> str:
    """The example with the keys around it, as audit.yaml has it."""
    path = key.split(".")[:-1]
    if path and path[0] == "endpoints[]":
        return f"endpoints:\n  - path: /v1/orders/{{order_id}}\n    {example.line}"
    around = [f"{'  ' * depth}{name}:" for depth, name in enumerate(path)]
    return "\n".join([*around, "  " * len(path) + example.line])


def _readers(names: list[str]) -> str:
    if not names:
        return "No bundled check reads it yet; checks of your own may."
    by: dict[str, list[str]] = {}
    for name in names:
        dimension, _, rest = name.partition(" ")
        by.setdefault(dimension, []).append(rest)
    told = [f"{dimension} {', '.join(rest)}" for dimension, rest in by.items()]
    return _filled(f"Read by {'; '.join(told)}.")


def _filled(text: str) -> str:
    return textwrap.fill(text, 120, break_on_hyphens=False, break_long_words=False)

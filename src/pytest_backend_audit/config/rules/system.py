"""Environments, targets, endpoints, pools and load."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pytest_backend_audit.config.model import Endpoint, Load, Pool
from pytest_backend_audit.config.problems import shown
from pytest_backend_audit.config.rules.context import Context
from pytest_backend_audit.config.targets import Targets
from pytest_backend_audit.errors import Problem
from pytest_backend_audit.yamlnodes import Path, nearest


@dataclass(frozen=True, slots=True)
class _Part:
    """The file itself, or one block of ``environments``."""

    path: Path
    targets: Targets
    endpoints: tuple[tuple[int, Endpoint], ...]
    pools: Mapping[str, Pool]
    load: Load | None
    identities: frozenset[str]


def disagreements(context: Context) -> Iterator[Problem]:
    """What the system's description contradicts itself in."""
    yield from _two_places(context)
    yield from _names_before(context)
    for part in _parts(context):
        yield from _targets(context, part)
        yield from _endpoints(context, part)
        yield from _pools(context, part)
        if part.load is not None and sum(part.load.shares.values()) > 1 + 1e-9:
            yield context.problem((*part.path, "load", "shares"), "the shares add up to more than 1")


def _names_before(context: Context) -> Iterator[Problem]:
    """A name that would be several in a ledger; a name before that is still one, or that two environments claim."""
    blocks = context.file.environments or {}
    claimed: set[str] = set()
    for name, block in blocks.items():
        place = ("environments", name, "formerly")
        for path, said in ((place[:2], name), (place, block.formerly or "")):
            if "," in said or said != said.strip():
                yield context.problem(path, f"{shown(said)}: a name has no comma, and no space at its ends")
        if block.formerly is None:
            continue
        if block.formerly in blocks:
            yield context.problem(place, f"{shown(block.formerly)} is an environment of this file still")
        elif block.formerly in claimed:
            yield context.problem(place, f"{shown(block.formerly)} is another environment's name before already")
        claimed.add(block.formerly)


def _two_places(context: Context) -> Iterator[Problem]:
    if context.document.data.get("environments") is not None:
        for key in ("environment", "targets", "identities"):
            if context.document.data.get(key) is not None:
                yield context.problem((key,), "stands beside environments; move it into each of its blocks")


def _parts(context: Context) -> Iterator[_Part]:
    file = context.file
    data = context.document.data
    blocks = file.environments or {}
    # Names come from the file as written, so that a mistake inside an identity doesn't make its name unknown too.
    written = data.get("environments") if isinstance(data.get("environments"), dict) else {"": data}
    identities = {name: _names(block, "identities") for name, block in written.items()}
    shared = frozenset(n for names in identities.values() for n in names)
    own = tuple(context.numbered("endpoints", file.endpoints))
    yield _Part((), file.targets, own, file.pools, file.load, shared)
    for name, block in blocks.items():
        yield _Part(
            ("environments", name),
            block.targets,
            tuple(enumerate(block.endpoints or ())),
            block.pools or {},
            block.load,
            identities.get(name, frozenset()),
        )


def _names(block: object, key: str) -> frozenset[str]:
    inside = block.get(key) if isinstance(block, dict) else None
    return frozenset(inside) if isinstance(inside, dict) else frozenset()


def _targets(context: Context, part: _Part) -> Iterator[Problem]:
    known = context.target_names
    for name in part.targets.__pydantic_extra__ or {}:
        if name not in context.registered:
            message = f"unknown target; allowed: {', '.join(known)}{nearest(name, known)}"
            yield context.problem((*part.path, "targets", name), message)


def _endpoints(context: Context, part: _Part) -> Iterator[Problem]:
    path = (*part.path, "endpoints")
    yield from context.doubles(((*path, i), f"{e.method} {e.path}") for i, e in part.endpoints)
    for i, endpoint in part.endpoints:
        if endpoint.identity is not None and endpoint.identity not in part.identities:
            yield context.unknown((*path, i, "identity"), endpoint.identity, sorted(part.identities), "identity")
        if context.standard is not None and endpoint.class_ is not None:
            yield from _class(
                context, (*path, i, "class"), endpoint.class_, [c.id for c in context.standard.slo_classes]
            )


def _class(context: Context, path: Path, name: str, known: Iterable[str]) -> Iterator[Problem]:
    classes = list(known)
    if classes and name not in classes:
        yield context.unknown(path, name, classes, "class of the standard's SLO table")


def _pools(context: Context, part: _Part) -> Iterator[Problem]:
    for name, pool in part.pools.items():
        if pool.target not in context.target_names:
            yield context.unknown((*part.path, "pools", name, "target"), pool.target, context.target_names, "target")

"""The part of a file that can be typed, so that one mistake doesn't hide the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from pytest_backend_audit.config.model import AuditFile
from pytest_backend_audit.yamlnodes import Path, YamlDocument

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Partial:
    """A typed file from which wrong entries were left out."""

    file: AuditFile
    positions: Mapping[str, tuple[int, ...]]
    """Key of a list that lost entries -> places, in the file, of those that are left."""

    def numbered(self, key: str, entries: Iterable[T]) -> Iterator[tuple[int, T]]:
        """The entries of a top-level list, each with its place in the file."""
        if key in self.positions:
            return zip(self.positions[key], entries, strict=True)
        return enumerate(entries)


def prepared(value: Any, document: YamlDocument, path: Path = ()) -> Any:
    """Values as the models want them: empty keys are left out, weights and dimensions keep the text of the file.

    Args:
        value: What stands at `path`.
        document: The file.
        path: Where it stands; the root, if left out.
    """
    if path[-1:] == ("body",):
        return value
    if isinstance(value, dict):
        return {k: prepared(v, document, (*path, k)) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [prepared(v, document, (*path, i)) for i, v in enumerate(value)]
    weight = path[:1] == ("weights",) and len(path) == 2
    dimension = len(path) == 4 and path[0] == "incidents" and path[2] == "dimensions"
    return document.scalars.get(path, value) if weight or dimension else value


def sound_part(data: dict[str, Any], without: Iterable[Path]) -> Partial:
    """Type what can be typed.

    Args:
        data: The file's values.
        without: Paths to be left out from the start.
    """
    dropped = set(without)
    while True:
        kept = _less(data, (), dropped)
        _stand_in(kept)
        places = {k: tuple(i for i in range(len(v)) if (k, i) not in dropped) for k, v in _lists(data) if k in kept}
        try:
            return Partial(AuditFile.model_validate(kept), {k: p for k, p in places.items() if len(p) < len(data[k])})
        except ValidationError as error:
            more = {_to_drop(e["type"], _in_file(e["loc"], places), dropped) for e in error.errors()} - dropped
            if not more:
                raise
            dropped |= more


def _stand_in(data: dict[str, Any]) -> None:
    """Let what has been complained of be something, so that the rest can be looked at."""
    data.setdefault("version", 1)
    blocks = data.get("environments")
    for block in blocks.values() if isinstance(blocks, dict) else ():
        if isinstance(block, dict):
            block.setdefault("kind", "local")


def _lists(data: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    return ((k, v) for k, v in data.items() if isinstance(v, list))


def _to_drop(kind: str, path: Path, dropped: set[Path]) -> Path:
    """What goes with an error: an unknown key alone, else the entry around it, else the whole top-level key."""
    if kind == "extra_forbidden":
        return path
    path = path[:-1] if kind == "missing" else path
    depth = 2
    if path[0] == "environments":
        # A block goes entry by entry as well; of its endpoints all, since they are counted in place.
        depth = 3 if len(path) > 3 and isinstance(path[3], int) else 4
    entry = path[:depth]
    return entry[:-1] if entry in dropped else entry


def _in_file(path: Path, places: Mapping[str, tuple[int, ...]]) -> Path:
    if len(path) > 1 and isinstance(path[1], int) and path[0] in places:
        return (path[0], places[str(path[0])][path[1]], *path[2:])
    return path


def _less(value: Any, path: Path, dropped: set[Path]) -> Any:
    if isinstance(value, dict):
        return {k: _less(v, (*path, k), dropped) for k, v in value.items() if (*path, k) not in dropped}
    if isinstance(value, list):
        return [_less(v, (*path, i), dropped) for i, v in enumerate(value) if (*path, i) not in dropped]
    return value

"""How a service's findings stand, by the names that its audit.yaml has for environments now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.ledgers import nearest

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import Place, State


def read_here(place: Place, config: Path | None = None) -> State:
    """The ledger, where an environment that audit.yaml says had another name is one with that.

    What an audit would refuse is not believed: a name of another kind, or of one that it stood beside.

    Args:
        place: Whose it is.
        config: The audit.yaml; if not given the nearest of the service, and those that its audits went by.

    Raises:
        ValueError: It can't be read, or is empty beside filed cards.
    """
    from pytest_backend_audit.ledger import known_as, read  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.store import without_filings  # noqa: PLC0415 - heavy

    state = read(place)
    if alone := without_filings(place, state):
        raise ValueError(alone)
    went_by = (place.top / f.config for f in state.filings if f.config and ":" not in f.config)
    configs = [config] if config else [*([near] if (near := nearest(place.top, place.service)) else []), *went_by]
    believed: dict[str, str] = {}
    for path in dict.fromkeys(configs):
        blocks = blocks_of(path)
        for name, before in _renamed(blocks).items():
            if before not in blocks and _is_one(known_as(state, {**believed, name: before}), name, blocks[name]):
                believed[name] = before
    return known_as(state, believed)


def _is_one(state: State, name: str, block: Mapping[str, Any]) -> bool:
    """Whether an environment is what its names say, as an audit sees to."""
    from pytest_backend_audit.ledger.identity import other_kind, side_by_side  # noqa: PLC0415 - heavy

    kind = str(block.get("kind") or name)
    return side_by_side(state, name) is None and other_kind(state, name, kind) is None


def blocks_of(config: Path) -> Mapping[str, Any]:
    """The blocks of an audit.yaml; none where it can't be read: pytest will say what is wrong with it."""
    from pytest_backend_audit import yamlnodes  # noqa: PLC0415 - heavy

    try:
        data = yamlnodes.read(config).data
    except (OSError, ValueError, yamlnodes.YamlError):
        return {}
    blocks = data.get("environments") if isinstance(data, dict) else None
    return {str(name): block for name, block in blocks.items()} if isinstance(blocks, dict) else {}


def environments_of(config: Path) -> tuple[str, ...]:
    """The environments that an audit.yaml names, be it one or several; none where it can't be read."""
    from pytest_backend_audit import yamlnodes  # noqa: PLC0415 - heavy

    if blocks := blocks_of(config):
        return tuple(blocks)
    try:
        data = yamlnodes.read(config).data
    except (OSError, ValueError, yamlnodes.YamlError):
        return ()
    one = data.get("environment") if isinstance(data, dict) else None
    return (str(one),) if one else ()


def _renamed(blocks: Mapping[str, Any]) -> dict[str, str]:
    """Name -> name before, as the blocks state it."""
    before = {name: block.get("formerly") for name, block in blocks.items() if isinstance(block, dict)}
    return {name: told for name, told in before.items() if isinstance(told, str) and told}

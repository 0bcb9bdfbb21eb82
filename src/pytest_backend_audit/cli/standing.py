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

    Args:
        place: Whose it is.
        config: The audit.yaml; the nearest of the service, if not given.

    Raises:
        ValueError: It can't be read, or is empty beside filed cards.
    """
    from pytest_backend_audit.ledger import read  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.store import without_filings  # noqa: PLC0415 - heavy

    state = read(place)
    if alone := without_filings(place, state):
        raise ValueError(alone)
    config = config or nearest(place.top, place.service)
    return state.known_as(_renamed(blocks_of(config)) if config else {})


def blocks_of(config: Path) -> Mapping[str, Any]:
    """The blocks of an audit.yaml; none where it can't be read: pytest will say what is wrong with it."""
    from pytest_backend_audit import yamlnodes  # noqa: PLC0415 - heavy

    try:
        data = yamlnodes.read(config).data
    except (OSError, ValueError, yamlnodes.YamlError):
        return {}
    blocks = data.get("environments") if isinstance(data, dict) else None
    return {str(name): block for name, block in blocks.items()} if isinstance(blocks, dict) else {}


def _renamed(blocks: Mapping[str, Any]) -> dict[str, str]:
    """Name -> name before, as the blocks state it."""
    before = {name: block.get("formerly") for name, block in blocks.items() if isinstance(block, dict)}
    return {name: told for name, told in before.items() if isinstance(told, str) and told}

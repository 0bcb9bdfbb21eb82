"""Reading the catalogue's files."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from pytest_backend_audit.demo.defects.model import Defect

FOLDER = Path(__file__).parent


def load(folder: Path = FOLDER) -> tuple[Defect, ...]:
    """Every entry, in the order of the dimensions, and within one as its file has it.

    Raises:
        ValueError: An entry has a wrong key or value, a name comes twice, or an entry excludes one that isn't there.
    """
    found: dict[str, Defect] = {}
    for path in sorted(folder.glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text("utf-8")):
            try:
                defect = Defect(dimension=path.stem, **entry)
            except (TypeError, ValidationError) as error:
                raise ValueError(f"{path.name}: {entry}: {error}") from None
            if defect.name in found:
                raise ValueError(f"{path.name}: {defect.name} is there twice")
            found[defect.name] = defect
    for defect in found.values():
        for other in defect.excludes:
            if other not in found or defect.name not in found[other].excludes:
                raise ValueError(f"{defect.name} excludes {other}, which doesn't exclude it, or isn't there")
    return tuple(found.values())

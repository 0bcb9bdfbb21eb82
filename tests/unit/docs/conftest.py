"""The generated reference, made once for all its tests."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="package")
def extension() -> ModuleType:
    """The Sphinx extension that makes the pages."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        return importlib.import_module("generated_reference")
    finally:
        sys.path.remove(str(DOCS / "_ext"))


@pytest.fixture(scope="package")
def pages(extension: ModuleType) -> dict[str, str]:
    """Every generated page by its name."""
    return dict(extension.pages())

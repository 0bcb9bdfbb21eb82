"""The standard: what is assessed, and how levels become a disposition. Data in ``data/``, read by `load`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_backend_audit.standard.codec import digest, edition, from_data, to_data
    from pytest_backend_audit.standard.loader import load

__all__ = ["digest", "edition", "from_data", "load", "to_data"]

# On first use: the loader brings PyYAML, and pytest by its errors; scoring takes `standard.model` without either.
_HOMES = {"load": "loader"} | dict.fromkeys(("digest", "edition", "from_data", "to_data"), "codec")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

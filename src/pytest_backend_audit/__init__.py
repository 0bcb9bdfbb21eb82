"""Audit a backend service as a pytest suite.

The names below are the public ones; each is loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_backend_audit.errors import CouldNotRun
    from pytest_backend_audit.marker import audit
    from pytest_backend_audit.model import Evidence, EvidenceKind

__all__ = ["CouldNotRun", "Evidence", "EvidenceKind", "audit"]
__version__ = "0.1.0"

_HOMES = {"CouldNotRun": "errors", "Evidence": "model", "EvidenceKind": "model", "audit": "marker"}


def __getattr__(name: str) -> Any:
    """Load a public name from its home module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - part of the laziness

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

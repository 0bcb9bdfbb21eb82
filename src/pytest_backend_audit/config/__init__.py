"""audit.yaml: its keys as typed models, its errors by line, its values for one environment.

The names below are loaded on first use: an audit without audit.yaml has no use for the models, nor for what they need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_backend_audit.config.audit_config import AuditConfig
    from pytest_backend_audit.config.loader import load
    from pytest_backend_audit.config.secrets import Secret, SecretKind

__all__ = ["AuditConfig", "Secret", "SecretKind", "load"]

_HOMES = {"AuditConfig": "audit_config", "Secret": "secrets", "SecretKind": "secrets", "load": "loader"}


def __getattr__(name: str) -> Any:
    """Load a public name from its home module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

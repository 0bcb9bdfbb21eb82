"""audit.yaml: its keys as typed models, its errors by line, its values for one environment."""

from __future__ import annotations

from pytest_backend_audit.config.audit_config import AuditConfig
from pytest_backend_audit.config.loader import load
from pytest_backend_audit.config.secrets import Secret, SecretKind

__all__ = ["AuditConfig", "Secret", "SecretKind", "load"]

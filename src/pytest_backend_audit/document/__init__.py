"""Document control: which commit is audited, what earlier runs found, and where this run's report goes.

What reads a file at another revision loads on first use: that takes a protected policy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.document.git import GitError, origin_url
from pytest_backend_audit.document.naming import config_name
from pytest_backend_audit.document.pinning import Pinned, build_matches, find_repository, pin
from pytest_backend_audit.document.rotation import rotate
from pytest_backend_audit.document.tree import uncommitted

if TYPE_CHECKING:
    from pytest_backend_audit.document.revision import LIMIT, Source, content, copied, source

__all__ = [
    "LIMIT",
    "GitError",
    "Pinned",
    "Source",
    "build_matches",
    "config_name",
    "content",
    "copied",
    "find_repository",
    "origin_url",
    "pin",
    "rotate",
    "source",
    "uncommitted",
]

_OF_REVISION = frozenset(("LIMIT", "Source", "content", "copied", "source"))


def __getattr__(name: str) -> Any:
    if name not in _OF_REVISION:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.revision"), name)

"""Document control: which commit is audited, what earlier runs found, and where this run's report goes."""

from __future__ import annotations

from pytest_backend_audit.document.git import GitError, origin_url
from pytest_backend_audit.document.naming import config_name
from pytest_backend_audit.document.pinning import Pinned, build_matches, find_repository, pin
from pytest_backend_audit.document.revision import LIMIT, Source, content, copied, source
from pytest_backend_audit.document.rotation import rotate
from pytest_backend_audit.document.tree import uncommitted

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

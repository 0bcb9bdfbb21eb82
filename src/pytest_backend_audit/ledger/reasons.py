"""Why a finding is gone that nothing shows to be mended."""

from __future__ import annotations

LEFT = "its check is no longer part of the audit"
NOT_SOUGHT = "its check is above the level that is sought"
CASES_LEFT = "a case that did not pass is no longer part of its check"
UNMENDED = (LEFT, NOT_SOUGHT, CASES_LEFT)
"""All of them, the gravest first."""

__all__ = ["CASES_LEFT", "LEFT", "NOT_SOUGHT", "UNMENDED"]

"""The second reviewer's sign-off: a statement about a run, and an SSH signature over its bytes.

The statement follows from the run, but for what the reviewer chose. It lies in the run folder as ``signoff.json``, the
signature beside it as ``signoff.json.sig``. What may count is in `rules`, whose keys may sign in `signers`.
"""

from pytest_backend_audit.signoff.checking import Checked, Subject, check, present, subject
from pytest_backend_audit.signoff.statement import SIGNATURE, STATEMENT, Chosen

__all__ = ["SIGNATURE", "STATEMENT", "Checked", "Chosen", "Subject", "check", "present", "subject"]

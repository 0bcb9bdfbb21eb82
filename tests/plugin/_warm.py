"""What an audit imports, imported: by running one. Forked from here, the next begins at once."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from pathlib import Path

import pytest

_SUITE = """\
from pytest_backend_audit import audit

@audit(dimension="4.1", level=3)
def test_warming_up(audit_evidence):
    audit_evidence.command("true", "")
"""


def _warm_up() -> None:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as told:
        os.chdir(folder)
        Path("test_warming_up.py").write_text(_SUITE, "utf-8")
        code = pytest.main(["--audit", "-p", "no:cacheprovider"])
        os.chdir(before)
        sys.modules.pop("test_warming_up", None)
    if code != pytest.ExitCode.OK:
        sys.exit(told.getvalue())


_warm_up()

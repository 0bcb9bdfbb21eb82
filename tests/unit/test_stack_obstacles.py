"""The demo's servers on machines that are in their way: one message each, with the way out."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from pytest_backend_audit.demo.stack import unprivileged
from pytest_backend_audit.demo.stack.process import Process, StackError, wait_for

LOADER = "/opt/pg/bin/postgres: error while loading shared libraries: {}: cannot open shared object file: No such file"


@pytest.mark.parametrize(
    ("library", "package"), [("libz.so.1", "zlib1g"), ("libmoon.so.6", "the package that holds it")]
)
def test_a_missing_shared_library_is_named_with_its_package(tmp_path: Path, library: str, package: str) -> None:
    """In place of the log, in one line."""
    script = f"import sys; sys.stderr.write({LOADER.format(library)!r} + chr(10)); sys.exit(127)"
    process = Process("PostgreSQL", [sys.executable, "-c", script], tmp_path / "postgres.log")
    with pytest.raises(StackError) as raised:
        wait_for(lambda: False, "PostgreSQL to answer", process=process)
    process.stop()
    assert str(raised.value) == (
        "PostgreSQL ended with status 127 while we waited for PostgreSQL to answer:"
        f" this machine lacks the shared library {library} (Debian: apt install {package})"
    )


def test_a_program_that_may_not_be_run_is_named(tmp_path: Path) -> None:
    """As on a file system that is mounted noexec."""
    program = tmp_path / "server"
    program.write_text("#!/bin/sh\n", "utf-8")
    with pytest.raises(StackError, match=rf"^{program} can't be run here .* noexec, set TMPDIR to a folder"):
        Process("server", [program], tmp_path / "log")


def test_a_copy_can_be_read_by_everybody_whatever_the_umask_was(tmp_path: Path) -> None:
    """Programs stay programs, files stay files, links stay links; nothing becomes writable."""
    source = tmp_path / "package"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "initdb").touch(mode=0o700)
    (source / "bin" / "link").symlink_to("initdb")
    (source / "data").touch(mode=0o600)
    (source / "bin").chmod(0o700)
    source.chmod(0o700)
    before = os.umask(0o077)
    try:
        copies = tmp_path / "copies"
        copies.mkdir()
        made = unprivileged.readable_copy(source, copies)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in (made, *made.rglob("*"))}
    assert modes | {"link": 0} == {"package": 0o755, "bin": 0o755, "initdb": 0o755, "data": 0o644, "link": 0}
    assert (made / "bin" / "link").readlink() == Path("initdb")


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many files there was no room for."""
    source = tmp_path / "package"
    source.mkdir()
    for name in ("a", "b"):
        (source / name).write_text(name, "utf-8")

    def full(_from: str, _to: str, **_: object) -> None:
        raise OSError(28, "No space left on device", _to)

    monkeypatch.setattr("shutil.copyfile", full)
    copies = tmp_path / "copies"
    copies.mkdir()
    with pytest.raises(StackError) as raised:
        unprivileged.readable_copy(source, copies)
    assert str(raised.value).startswith(f"package can't be copied to {copies}: [Errno 28] No space left on device: ")

"""A changed byte of a signed run is found, whichever it is, with its place."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.signoff.signing_cases import GIT, House, house

from pytest_backend_audit import finished, signoff
from pytest_backend_audit.cli import main
from pytest_backend_audit.finished import Finished
from pytest_backend_audit.integrity import REPORTS, examine
from pytest_backend_audit.journal import State, verify_run
from pytest_backend_audit.reports import render
from pytest_backend_audit.signoff.statement import KEYS, difference

SIGNED = "audits/allowed_signers"


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A run that Grace signed."""
    with pytest.MonkeyPatch.context() as patch:
        made = house(tmp_path_factory.mktemp("house"))
        patch.chdir(made.path)
        for name, value in GIT.items():
            patch.setenv(name, value)
        made.audited()
        assert main(["sign", "--yes", "--key", str(made.keys / "grace")]) == 0
        yield made


@pytest.fixture
def run(signed: House, tmp_path: Path) -> Path:
    """A copy of that run."""
    folder = tmp_path / "run"
    shutil.copytree(signed.run, folder)
    return folder


@pytest.fixture
def read(signed: House) -> Finished:
    """That run, read back."""
    return finished.load(signed.run)


def changed(path: Path, mask: int) -> Iterator[tuple[int, int]]:
    """Change one byte of a file after the other, and put it back; each time, its offset and its line."""
    good = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        line = 1
        for offset, byte in enumerate(good):
            file.seek(offset)
            file.write(bytes([byte ^ mask]))
            yield offset, line
            file.seek(offset)
            file.write(bytes([byte]))
            line += byte == 0x0A
    assert path.read_bytes() == good


def test_of_the_journal(run: Path) -> None:
    """All are told at their line."""
    journal = run / "journal.jsonl"
    tried = 0
    for offset, line in changed(journal, 0x01):
        found = verify_run(run)
        assert (found.state, found.lines) == (State.ALTERED, line - 1), offset
        assert found.problems[0].startswith(f"{journal}:{line}: "), offset
        tried += 1
    assert tried == journal.stat().st_size > 5000
    assert verify_run(run).state is State.INTACT


def test_of_the_evidence(run: Path) -> None:
    """All are told with the file, and the line of the journal that names it."""
    (blob,) = (run / "evidence").iterdir()
    for offset, _ in changed(blob, 0x01):
        found = verify_run(run)
        assert found.state is State.ALTERED, offset
        assert found.problems == (
            f"{run}/journal.jsonl:3: {blob}: evidence was changed: its hash does not fit its name",
        )


def test_a_statement_has_its_keys_in_order(signed: House) -> None:
    """By which a place is told where a key itself was changed."""
    assert tuple(json.loads((signed.run / "signoff.json").read_bytes())) == KEYS


@pytest.mark.parametrize("mask", [0x01, 0x20])
def test_of_the_statement(signed: House, run: Path, read: Finished, mask: int) -> None:
    """What follows from the run is told at its line or its key's; for what the reviewer chose, the signature speaks."""
    statement = run / "signoff.json"
    keys = [n for n, text in enumerate(statement.read_text("ascii").splitlines(), 1) if re.match(' "', text)]
    about = signoff.subject(run, read.records, finished.scored(run, read.records))
    signers = str(signed.path / SIGNED)
    at_line = by_signature = 0
    for offset, line in changed(statement, mask):
        found = signoff.check(about, signers)
        assert found.sign_off is None, offset
        assert found.altered, offset
        if found.why_not.startswith(f"{run}/signoff.json.sig: the signature does not fit signoff.json: "):
            by_signature += 1
        else:
            # Where a bracket was changed, a reader stumbles over what comes next.
            places = {*range(line, line + 4), max([n for n in keys if n <= line], default=1)}
            assert found.why_not.startswith(tuple(f"{statement}:{n}: " for n in places)), (offset, line, found.why_not)
            at_line += 1
    assert at_line > 1200
    assert by_signature < 200
    assert signoff.check(about, signers).sign_off is not None


@pytest.mark.parametrize("mask", [0x01, 0x20])
def test_of_the_signature(signed: House, run: Path, read: Finished, mask: int) -> None:
    """All, though ssh-keygen itself reads over some of them."""
    signature = run / "signoff.json.sig"
    about = signoff.subject(run, read.records, finished.scored(run, read.records))
    signers = str(signed.path / SIGNED)
    tried = 0
    for offset, _ in changed(signature, mask):
        found = signoff.check(about, signers)
        assert found.sign_off is None, offset
        assert found.altered, offset
        assert found.why_not.startswith(f"{signature}: "), offset
        tried += 1
    assert tried == signature.stat().st_size > 250


@pytest.mark.parametrize("format_", REPORTS)
def test_of_the_reports(run: Path, read: Finished, format_: str) -> None:
    """All are told at their line; `examine` compares in this way, as the next test shows."""
    good = (run / REPORTS[format_]).read_bytes()
    expected = render(read.card, format_).encode()
    assert difference(good, expected) == ""
    line = 1
    for offset, byte in enumerate(good):
        found = difference(good[:offset] + bytes([byte ^ 0x01]) + good[offset + 1 :], expected)
        assert found.startswith(f"{line}: found "), offset
        line += byte == 0x0A


@pytest.mark.parametrize("name", REPORTS.values())
def test_a_report_with_a_changed_byte_is_no_report(
    signed: House, run: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state, and the place."""
    monkeypatch.chdir(signed.path)
    assert examine(run).state is State.INTACT
    path = run / name
    good = path.read_bytes()
    path.write_bytes(good[:100] + bytes([good[100] ^ 0x01]) + good[101:])
    found = examine(run)
    assert found.state is State.ALTERED
    line = good.count(b"\n", 0, 100) + 1
    assert len(found.problems) == 1
    assert found.problems[0].startswith(f"{path}:{line}: found ")
    assert found.problems[0].endswith(": not what follows from the record; `backend-audit render` writes it again")

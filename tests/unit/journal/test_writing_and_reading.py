"""What goes into a journal comes out of it again, unchanged, and nothing goes in that JSON has no form for."""

from __future__ import annotations

import errno
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_backend_audit.journal import State, Writer, read_run, verify_run
from pytest_backend_audit.journal.format import GENESIS, decode, encode
from pytest_backend_audit.jsonable import to_builtins
from pytest_backend_audit.model import Attempt, Evidence, EvidenceKind, Inputs, Seal, Status


def with_body(body: str) -> Attempt:
    """An attempt with one piece of evidence."""
    return Attempt("c", "c", Status.PASSED, evidence=(Evidence(EvidenceKind.OUTPUT, "select", body),))


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """The journal's lines, parsed."""
    return [json.loads(line) for line in (folder / "journal.jsonl").read_bytes().splitlines()]


def test_reading_gives_back_what_was_written(
    run: Path, inputs: Inputs, attempts: tuple[Attempt, ...], seal: Seal
) -> None:
    """Every value of a run survives the way through the disk, exactly."""
    record = read_run(run)
    assert record.folder == run
    assert record.inputs == inputs
    assert record.attempts == attempts
    assert record.seal == seal
    assert record.notices == ("a fixture failed to close",)


def test_lines_are_numbered_chained_and_typed(run: Path) -> None:
    """Line n carries its number, its type, the hash of line n-1, and its own hash over all that stands before it."""
    raw = (run / "journal.jsonl").read_bytes().splitlines(keepends=True)
    events = [json.loads(line) for line in raw]
    assert [e["n"] for e in events] == [0, 1, 2, 3, 4]
    assert [e["type"] for e in events] == ["start", "attempt", "notice", "attempt", "seal"]
    assert [e["prev"] for e in events] == ["0" * 64, *(e["hash"] for e in events[:-1])]
    for line, event in zip(raw, events, strict=True):
        covered = line[: -len(f',"hash":"{event["hash"]}"}}\n')]
        assert hashlib.sha256(covered).hexdigest() == event["hash"]


def test_the_same_run_gives_the_same_bytes(
    run: Path, tmp_path: Path, inputs: Inputs, attempts: tuple[Attempt, ...], seal: Seal
) -> None:
    """Neither clock nor machine goes into the journal: what is written depends on what is given alone."""
    again = Writer(tmp_path / "again")
    again.start(inputs)
    again.attempt(attempts[0])
    again.notice("a fixture failed to close")
    again.attempt_data(to_builtins(attempts[1]))
    again.seal(seal)
    assert (tmp_path / "again" / "journal.jsonl").read_bytes() == (run / "journal.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("body", "blob"),
    [
        pytest.param("x" * 4096, False, id="4096 bytes of ASCII"),
        pytest.param("x" * 4097, True, id="4097 bytes of ASCII"),
        pytest.param("é" * 2048, False, id="4096 bytes in 2048 characters"),
        pytest.param("é" * 2048 + "x", True, id="4097 bytes in 2049 characters"),
        pytest.param("\U0001f512" * 1024, False, id="4096 bytes in 1024 characters"),
        pytest.param("\U0001f512" * 1024 + "x", True, id="4097 bytes in 1025 characters"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_evidence_over_four_kibibytes_becomes_a_blob(tmp_path: Path, inputs: Inputs, body: str, blob: bool) -> None:
    """4096 bytes of UTF-8 stand in the line, 4097 in a file named by their SHA-256; reading shows no difference."""
    folder = tmp_path / "run"
    writer = Writer(folder)
    writer.start(inputs)
    writer.attempt(with_body(body))
    writer.close()
    piece = lines_of(folder)[1]["data"]["evidence"][0]
    digest = hashlib.sha256(body.encode()).hexdigest()
    assert (piece["body"], piece.get("blob")) == (("", digest) if blob else (body, None))
    assert [p.name for p in (folder / "evidence").iterdir()] == ([digest] if blob else [])
    assert read_run(folder).attempts == (with_body(body),)


def test_equal_evidence_is_stored_once(tmp_path: Path, inputs: Inputs) -> None:
    """Five checks on one load run share its result on disk, too."""
    folder = tmp_path / "run"
    writer = Writer(folder)
    writer.start(inputs)
    for _ in range(5):
        writer.attempt(with_body("y" * 5000))
    writer.close()
    assert len(list((folder / "evidence").iterdir())) == 1
    assert read_run(folder).attempts == (with_body("y" * 5000),) * 5


@pytest.mark.parametrize("size", [10, 5000], ids=["in the line", "as a blob"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param("\ud800 \udcff", id="lone surrogates"),
        pytest.param("\r\n\r \n", id="line ends of all kinds"),
        pytest.param("\x00\x1b[31m\x7f\u2028\u202e", id="control characters"),
        pytest.param("\ufeff\ufffe\uffff", id="marks and non-characters"),
        pytest.param('{"hash":"' + "0" * 64 + '"}\n', id="what looks like a line's end"),
    ],
)
def test_hostile_text_comes_back_as_it_was(tmp_path: Path, inputs: Inputs, body: str, size: int) -> None:
    """What the audited system answers neither breaks the record nor is changed by it, large or small."""
    attempt = with_body(body * size)
    folder = tmp_path / "run"
    writer = Writer(folder)
    writer.start(inputs)
    writer.attempt(attempt)
    writer.seal(Seal("2026-11-24T09:00:02.000Z", 0))
    assert verify_run(folder).state is State.INTACT
    assert read_run(folder).attempts == (attempt,)


JSON = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=5), JSON | st.lists(JSON, max_size=3), max_size=4))
def test_a_line_says_what_was_put_in(data: dict[str, Any]) -> None:
    """Encoding and decoding are each other's opposite, for any JSON value."""
    line, digest = encode(3, "a" * 64, "notice", data)
    assert decode(line, 3, "a" * 64) == ("notice", data, digest)
    assert line.count(b"\n") == 1
    assert line.isascii()


def test_the_callers_data_stays_as_it_is(tmp_path: Path, inputs: Inputs) -> None:
    """A report's attempt is not ours to change, although its evidence is stored elsewhere."""
    data = to_builtins(with_body("z" * 5000))
    writer = Writer(tmp_path / "run")
    writer.start(inputs)
    writer.attempt_data(data)
    writer.close()
    assert data == to_builtins(with_body("z" * 5000))


FOREIGN = [
    pytest.param({1}, "a set", id="set"),
    pytest.param(datetime(2026, 11, 24, tzinfo=UTC), "a datetime", id="datetime"),
    pytest.param(date(2026, 11, 24), "a date", id="date"),
    pytest.param(Decimal("0.1"), "a Decimal", id="Decimal"),
    pytest.param(b"x", "a bytes", id="bytes"),
    pytest.param(Path("x"), "a PosixPath", id="path"),
    pytest.param(object(), "a object", id="object"),
]


@pytest.mark.parametrize(("value", "name"), FOREIGN)
def test_inputs_with_a_foreign_type_are_refused(tmp_path: Path, inputs: Inputs, value: object, name: str) -> None:
    """Nothing is turned into text on the way; the message names the place."""
    writer = Writer(tmp_path / "run")
    with pytest.raises(TypeError) as raised:
        writer.start(replace(inputs, config={"targets": [{"port": value}]}))
    writer.close()
    assert str(raised.value) == f"config.targets[0].port: {name} has no form in JSON"
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == b""


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_inputs_with_a_number_that_json_lacks_are_refused(tmp_path: Path, inputs: Inputs, value: float) -> None:
    """NaN and the infinities are no JSON, and would become null."""
    writer = Writer(tmp_path / "run")
    with pytest.raises(ValueError, match=rf"^options\.ratio: {value} has no form in JSON$"):
        writer.start(replace(inputs, options={"ratio": value}))
    writer.close()


def test_inputs_with_a_key_that_is_no_text_are_refused(tmp_path: Path, inputs: Inputs) -> None:
    """JSON would turn the number 1 into the text "1"."""
    writer = Writer(tmp_path / "run")
    with pytest.raises(TypeError, match=r"^standard\.levels: the key 1 is no text$"):
        writer.start(replace(inputs, standard={"levels": {1: "ad hoc"}}))
    writer.close()


@pytest.mark.parametrize(("value", "name"), FOREIGN)
def test_evidence_with_a_foreign_type_is_refused(tmp_path: Path, inputs: Inputs, value: Any, name: str) -> None:
    """A fact of an undeclared type is our own mistake, and must not pass as text."""
    writer = Writer(tmp_path / "run")
    writer.start(inputs)
    bad = Attempt("c", "c", Status.PASSED, evidence=(Evidence(EvidenceKind.OUTPUT, "t", facts={"rows": value}),))
    with pytest.raises((TypeError, ValueError)):
        writer.attempt(bad)
    writer.close()
    assert read_run(tmp_path / "run").attempts == ()


def test_evidence_that_is_not_a_number_is_refused(tmp_path: Path, inputs: Inputs) -> None:
    """A NaN among the facts is refused when the line is made, and leaves no half line behind."""
    writer = Writer(tmp_path / "run")
    writer.start(inputs)
    bad = Attempt("c", "c", Status.PASSED, evidence=(Evidence(EvidenceKind.OUTPUT, "t", facts={"x": float("nan")}),))
    with pytest.raises(ValueError, match="not JSON compliant"):
        writer.attempt(bad)
    writer.seal(Seal("2026-11-24T09:00:02.000Z", 0))
    assert verify_run(tmp_path / "run").state is State.INTACT


@pytest.mark.parametrize("value", [{1}, datetime(2026, 11, 24, tzinfo=UTC), b"x"])
def test_a_line_refuses_what_json_lacks(value: object) -> None:
    """The last door: whatever reaches a line is JSON or an error."""
    with pytest.raises(TypeError, match="is not JSON serializable"):
        encode(0, GENESIS, "notice", {"text": value})


def test_an_existing_journal_is_never_truncated(run: Path) -> None:
    """A second run in the same folder fails before it has touched anything."""
    before = (run / "journal.jsonl").read_bytes()
    with pytest.raises(FileExistsError):
        Writer(run)
    assert (run / "journal.jsonl").read_bytes() == before


def test_what_somebody_else_appends_is_not_overwritten(tmp_path: Path, inputs: Inputs) -> None:
    """It stays between the writer's own lines, where the chain breaks."""
    writer = Writer(tmp_path / "run")
    writer.start(inputs)
    journal = tmp_path / "run" / "journal.jsonl"
    with journal.open("ab") as other:
        other.write(b"mine\n")
    writer.seal(Seal("2026-11-24T09:00:02.000Z", 0))
    assert journal.read_bytes().splitlines()[1] == b"mine"
    found = verify_run(tmp_path / "run")
    assert (found.state, found.lines) == (State.ALTERED, 1)
    assert found.problems == (f"{journal}:2: this is no line of a journal",)


def test_writer_and_reader_agree_on_the_head(tmp_path: Path, inputs: Inputs) -> None:
    """The hash of the last line, by which a run knows its own journal again."""
    writer = Writer(tmp_path / "run")
    writer.start(inputs)
    writer.seal(Seal("2026-11-24T09:00:02.000Z", 0))
    assert read_run(tmp_path / "run").head == writer.head == lines_of(tmp_path / "run")[-1]["hash"]


class FullDisk(io.RawIOBase):
    """A file on a disk that takes so many bytes and no more."""

    def __init__(self, room: int) -> None:
        self.written = b""
        self._room = room

    def write(self, data: Any) -> int:
        """Write what fits."""
        if not self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = bytes(data[: self._room])
        self.written += taken
        self._room -= len(taken)
        return len(taken)


def test_nothing_is_written_behind_half_a_line(tmp_path: Path, inputs: Inputs) -> None:
    """Once the disk was full, the half line stays the last one: the journal reads as torn, up to the line before."""
    writer = Writer(tmp_path / "run")
    writer.start(inputs)
    journal = tmp_path / "run" / "journal.jsonl"
    whole = journal.read_bytes()
    disk = FullDisk(100)
    writer.close()
    writer._file = disk  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space left on device"):
        writer.notice("x" * 200)
    disk._room = 10_000
    with pytest.raises(OSError, match="No space left on device") as raised:
        writer.seal(Seal("2026-11-24T09:00:02.000Z", 3))
    assert raised.value.strerror == "No space left on device"
    assert len(disk.written) == 100
    journal.write_bytes(whole + disk.written)
    assert verify_run(tmp_path / "run").state is State.TORN
    assert verify_run(tmp_path / "run").lines == 1


def test_a_blob_that_can_not_be_written_leaves_nothing(
    tmp_path: Path, inputs: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No half file stays in the evidence store."""
    folder = tmp_path / "run"
    writer = Writer(folder)
    writer.start(inputs)

    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left on device"):
        writer.attempt(with_body("x" * 5000))
    writer.close()
    assert list((folder / "evidence").iterdir()) == []


class Interrupted(io.RawIOBase):
    """A file in whose first write a signal arrives, behind so many bytes."""

    def __init__(self, file: Any, part: int) -> None:
        super().__init__()
        self._file = file
        self._part = part

    def write(self, data: Any) -> int:
        """Write a part, and be interrupted."""
        self._file.write(data[: self._part])
        raise KeyboardInterrupt


@pytest.mark.parametrize("part", [0, 100, 10_000])
def test_a_line_that_a_signal_interrupts_is_finished(tmp_path: Path, inputs: Inputs, part: int) -> None:
    """Ctrl-C comes before, inside or behind the write: the chain goes on all the same, and the line is there once."""
    writer = Writer(tmp_path / "run")
    writer.start(inputs)
    file = writer._file
    writer._file = Interrupted(file, part)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        writer.notice("x" * 200)
    writer._file = file
    writer.notice("y")
    writer.seal(Seal("2026-11-24T09:00:02.000Z", 2, interrupted="SIGTERM"))
    assert verify_run(tmp_path / "run").state is State.INTACT
    record = read_run(tmp_path / "run")
    assert record.notices == ("x" * 200, "y")
    assert record.head == writer.head

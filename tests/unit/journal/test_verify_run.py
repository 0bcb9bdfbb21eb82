"""Whatever is done to a run folder after it was written, `verify_run` tells, and says where."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pytest_backend_audit.journal import RunError, State, Verification, Writer, read_run, verify_run
from pytest_backend_audit.journal.format import GENESIS, encode
from pytest_backend_audit.model import Inputs


def journal_of(run: Path) -> Path:
    """Path of the journal."""
    return run / "journal.jsonl"


def lines_of(run: Path) -> list[bytes]:
    """Lines of the journal."""
    return journal_of(run).read_bytes().splitlines(keepends=True)


def blob_of(run: Path) -> Path:
    """The one piece of evidence that is a file."""
    (path,) = (run / "evidence").iterdir()
    return path


def test_an_untouched_run_is_intact(run: Path) -> None:
    """Five good lines; the head is the hash of the last one."""
    head = lines_of(run)[-1][-67:-3].decode()
    assert verify_run(run) == Verification(State.INTACT, 5, (), head)


def test_every_changed_byte_of_the_journal_is_found(run: Path) -> None:
    """One byte, whichever it is and whatever it becomes: altered, at the line in which it stands."""
    journal = journal_of(run)
    good = journal.read_bytes()
    for position, byte in enumerate(good):
        line = good.count(b"\n", 0, position)
        for other in {byte ^ 1, ord("\n"), 0} - {byte}:
            journal.write_bytes(good[:position] + bytes([other]) + good[position + 1 :])
            found = verify_run(run)
            assert (found.state, found.lines) == (State.ALTERED, line), (position, other)
            assert found.problems[0].startswith(f"{journal}:{line + 1}: this "), (position, other)


def test_every_changed_byte_of_the_evidence_is_found(run: Path) -> None:
    """The line that names the evidence, and the file, are told."""
    blob = blob_of(run)
    good = blob.read_bytes()
    for position in range(0, len(good), 7):
        blob.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        found = verify_run(run)
        assert found.state is State.ALTERED
        assert found.problems == (
            f"{journal_of(run)}:4: {blob}: evidence was changed: its hash does not fit its name",
        ), position


def test_a_journal_cut_anywhere_is_torn(run: Path, inputs: Inputs) -> None:
    """Cut after any byte: torn, never intact; all whole lines are still read."""
    journal = journal_of(run)
    good = journal.read_bytes()
    for length in range(len(good)):
        journal.write_bytes(good[:length])
        whole = good.count(b"\n", 0, length)
        found = verify_run(run)
        assert (found.state, found.lines) == (State.TORN, whole), length
        if good[:length].endswith(b"\n") or not length:
            expected = f"{journal}:{whole + 1}: the journal ends without a seal: the run was cut short"
        else:
            expected = f"{journal}:{whole + 1}: the last line is incomplete: the run was cut short while writing it"
        assert found.problems == (expected,), length
        if whole:
            record = read_run(run)
            assert record.inputs == inputs
            assert record.seal is None
            assert len(record.attempts) == max(0, min(whole, 2) - 1) + (whole >= 4)


def test_evidence_of_a_line_that_was_never_written_is_no_offence(run: Path) -> None:
    """A run that is killed between a blob and its line leaves both the blob and its half-made neighbour."""
    journal_of(run).write_bytes(b"".join(lines_of(run)[:3]))
    (run / "evidence" / f"{'a' * 64}.123.tmp").write_bytes(b"half")
    assert verify_run(run).state is State.TORN


@pytest.mark.parametrize("removed", [0, 1, 2, 3])
def test_a_removed_line_is_found(run: Path, removed: int) -> None:
    """The line after the gap no longer follows."""
    lines = lines_of(run)
    del lines[removed]
    journal_of(run).write_bytes(b"".join(lines))
    found = verify_run(run)
    assert (found.state, found.lines) == (State.ALTERED, removed)
    assert found.problems[0] == (
        f"{journal_of(run)}:{removed + 1}: this line does not follow the one before it: "
        "lines were removed, added or moved"
    )


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_swapped_lines_are_found(run: Path, first: int) -> None:
    """The earlier of the two places is told."""
    lines = lines_of(run)
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    journal_of(run).write_bytes(b"".join(lines))
    found = verify_run(run)
    assert (found.state, found.lines) == (State.ALTERED, first)
    assert found.problems[0].startswith(f"{journal_of(run)}:{first + 1}: this line does not follow")


@pytest.mark.parametrize("place", [1, 2, 3, 4])
def test_a_repeated_line_is_found(run: Path, place: int) -> None:
    """A copy of a good line is one too many."""
    lines = lines_of(run)
    lines.insert(place, lines[place - 1])
    journal_of(run).write_bytes(b"".join(lines))
    found = verify_run(run)
    assert (found.state, found.lines) == (State.ALTERED, place)


@pytest.mark.parametrize("place", [1, 2, 3, 4])
def test_an_added_line_with_a_hash_of_its_own_is_found(run: Path, place: int) -> None:
    """Even if the new line follows properly, what came after it no longer does."""
    lines = lines_of(run)
    prev = lines[place - 1][-67:-3].decode()
    lines.insert(place, encode(place, prev, "notice", {"text": "all is well"})[0])
    journal_of(run).write_bytes(b"".join(lines))
    found = verify_run(run)
    assert (found.state, found.lines) == (State.ALTERED, place + 1)


def test_nothing_may_follow_the_seal(run: Path) -> None:
    """A good line behind the seal is an alteration, and so is anything else."""
    good = journal_of(run).read_bytes()
    line = encode(5, lines_of(run)[-1][-67:-3].decode(), "notice", {"text": "more"})[0]
    for more in (line, b"\n", b"x", line[:20]):
        journal_of(run).write_bytes(good + more)
        found = verify_run(run)
        assert (found.state, found.lines) == (State.ALTERED, 5)
        assert found.problems == (f"{journal_of(run)}:6: something follows the seal",)


def test_missing_evidence_is_found(run: Path) -> None:
    """The line that names it is told."""
    blob = blob_of(run)
    blob.unlink()
    found = verify_run(run)
    assert found.state is State.ALTERED
    assert found.problems == (f"{journal_of(run)}:4: {blob}: evidence can't be read: No such file or directory",)


def test_extra_evidence_is_found(run: Path) -> None:
    """A file that no line names was put there by somebody else."""
    extra = run / "evidence" / ("0" * 64)
    extra.write_bytes(b"all is well")
    found = verify_run(run)
    assert found.state is State.ALTERED
    assert found.problems == (f"{extra}: belongs to no line of the journal",)


def test_a_missing_evidence_store_is_found(run: Path) -> None:
    """Without the folder, each piece is missing."""
    blob = blob_of(run)
    shutil.rmtree(run / "evidence")
    assert verify_run(run).problems == (
        f"{journal_of(run)}:4: {blob}: evidence can't be read: No such file or directory",
    )


def test_every_problem_is_listed(run: Path) -> None:
    """An altered line comes first, then what is wrong with the evidence of the good lines."""
    blob = blob_of(run)
    blob.write_bytes(b"other")
    lines = lines_of(run)
    lines[4] = lines[4].replace(b'"exit_status":1', b'"exit_status":0')
    journal_of(run).write_bytes(b"".join(lines))
    assert verify_run(run).problems == (
        f"{journal_of(run)}:5: this line was changed: its hash does not fit its text",
        f"{journal_of(run)}:4: {blob}: evidence was changed: its hash does not fit its name",
    )


def rewritten(run: Path, *events: tuple[str, dict[str, object]]) -> None:
    """Write a journal with a proper chain over whatever is given."""
    prev, text = GENESIS, b""
    for n, (kind, data) in enumerate(events):
        line, prev = encode(n, prev, kind, data)
        text += line
    run.mkdir(exist_ok=True)
    journal_of(run).write_bytes(text)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_refused(tmp_path: Path, version: object) -> None:
    """Neither read nor verified by guesswork; the way out is named."""
    rewritten(tmp_path, ("start", {"format": version, "inputs": {}}))
    message = (
        f"{journal_of(tmp_path)}:1: journal format {version!r}; this version reads 1. Use the version of "
        "pytest-backend-audit that wrote it"
    )
    for read in (read_run, verify_run):
        with pytest.raises(RunError) as raised:
            read(tmp_path)
        assert str(raised.value) == message


def test_an_unknown_type_is_an_alteration(tmp_path: Path) -> None:
    """A line whose type no writer of this format knows."""
    rewritten(tmp_path, ("start", {"format": 1, "inputs": {}}), ("pardon", {}))
    assert verify_run(tmp_path).problems == (f"{journal_of(tmp_path)}:2: this line has the unknown type 'pardon'",)


@pytest.mark.parametrize("events", [[("notice", {})], [("start", {"format": 1}), ("start", {"format": 1})]])
def test_a_journal_has_one_start(tmp_path: Path, events: list[tuple[str, dict[str, object]]]) -> None:
    """At its beginning, and nowhere else."""
    rewritten(tmp_path, *events)
    found = verify_run(tmp_path)
    assert found.problems == (
        f"{journal_of(tmp_path)}:{len(events)}: a journal starts with one line of type start, and has no other",
    )


def test_a_name_that_leaves_the_store_is_refused(run: Path, tmp_path: Path) -> None:
    """Evidence is looked for in its store only, whatever a forged journal says."""
    attempt = {"evidence": [{"blob": "../../secret"}]}
    rewritten(tmp_path / "forged", ("start", {"format": 1, "inputs": {}}), ("attempt", attempt))
    assert verify_run(tmp_path / "forged").problems == (
        f"{journal_of(tmp_path / 'forged')}:2: evidence has the impossible name '../../secret'",
    )


def test_a_folder_without_a_journal_is_no_run(tmp_path: Path) -> None:
    """One sentence, whether it exists or not."""
    for folder in (tmp_path, tmp_path / "none"):
        for read in (read_run, verify_run):
            with pytest.raises(RunError) as raised:
                read(folder)
            assert str(raised.value) == f"{folder}: not a run folder (it has no journal.jsonl)"


def test_an_altered_run_is_not_read(run: Path) -> None:
    """Nothing is scored from what somebody changed."""
    lines = lines_of(run)
    lines[1] = lines[1].replace(b'"failed"', b'"passed"')
    journal_of(run).write_bytes(b"".join(lines))
    with pytest.raises(RunError) as raised:
        read_run(run)
    assert str(raised.value) == (
        f"{journal_of(run)}:2: this line was changed: its hash does not fit its text. "
        "The run proves nothing any more; run the audit again"
    )


def test_altered_evidence_is_not_read(run: Path) -> None:
    """Nor is a run whose evidence was changed."""
    blob = blob_of(run)
    blob.write_bytes(b"all is well")
    with pytest.raises(RunError) as raised:
        read_run(run)
    assert str(raised.value) == (
        f"{blob}: evidence was changed: its hash does not fit its name. "
        "The run proves nothing any more; run the audit again"
    )


def test_a_run_that_never_began_is_not_read(tmp_path: Path) -> None:
    """Killed before its first line was whole."""
    Writer(tmp_path / "run").close()
    with pytest.raises(RunError) as raised:
        read_run(tmp_path / "run")
    assert str(raised.value) == (
        f"{journal_of(tmp_path / 'run')}: holds no complete line; the run ended before it began"
    )


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([("start", {"format": 1})], "1: written by another version? data: "),
        ([("start", {"format": 1, "inputs": {"mode": "bold"}})], "1: written by another version? "),
    ],
)
def test_data_of_another_form_is_one_sentence(
    tmp_path: Path, events: list[tuple[str, dict[str, object]]], message: str
) -> None:
    """A proper chain over data that this version does not know ends in no traceback."""
    rewritten(tmp_path, *events)
    with pytest.raises(RunError) as raised:
        read_run(tmp_path)
    assert str(raised.value).startswith(f"{journal_of(tmp_path)}:{message}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("evidence", [None, 5, "x", [5], {"a": 1}])
def test_evidence_of_another_form_is_one_sentence(run: Path, evidence: object) -> None:
    """The same for an attempt; verifying looks at names only, and finds none."""
    start = lines_of(run)[0]
    line, _ = encode(1, start[-67:-3].decode(), "attempt", {"check": "c", "evidence": evidence})
    journal_of(run).write_bytes(start + line)
    assert verify_run(run).state is State.TORN
    with pytest.raises(RunError, match=r":2: written by another version\? "):
        read_run(run)


def test_a_line_that_nests_too_deep_is_an_alteration(tmp_path: Path) -> None:
    """A forged line must not overflow the reader's stack."""
    import hashlib

    head = f'{{"n":0,"prev":"{GENESIS}","type":"start","data":'.encode() + b"[" * 200_000
    digest = hashlib.sha256(head).hexdigest()
    journal_of(tmp_path).write_bytes(head + f',"hash":"{digest}"}}\n'.encode())
    assert verify_run(tmp_path).problems == (f"{journal_of(tmp_path)}:1: this line is not JSON",)


def test_a_journal_that_can_not_be_read_is_one_sentence(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No rights, or a broken disk."""

    def refuse(path: Path, *_arguments: object, **_more: object) -> None:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(RunError) as raised:
        verify_run(run)
    assert str(raised.value) == f"{journal_of(run)}: can't be read: Permission denied"

"""The recorder: which buffer gets what, what is kept of it, and that nothing gets past the redaction."""

from __future__ import annotations

import re
import threading

import pytest

from pytest_backend_audit.model import Evidence, EvidenceKind
from pytest_backend_audit.recorder import BODY_LIMIT, KEPT, KEPT_LIMIT, PIECES_LIMIT, TITLE_LIMIT, Recorder, utc_now

NOW = "2026-11-24T09:00:00.000Z"


def hide(text: str) -> str:
    """A redaction that hides one word."""
    return text.replace("s3cret", "***")


@pytest.fixture
def recorder() -> Recorder:
    """A recorder with a standing clock."""
    return Recorder(hide, clock=lambda: NOW)


def test_one_piece(recorder: Recorder) -> None:
    """All that is given is kept, and the time of recording is added."""
    with recorder.open("audit_postgres") as buffer:
        recorder.record(
            EvidenceKind.OUTPUT, "select 1", "1", target="postgres", duration=0.5, facts={"rows": 1, "ok": True}
        )
        recorder.record(EvidenceKind.VERBAL, "they say so", taken_at="2026-01-01T00:00:00Z")
    assert buffer.evidence == [
        Evidence(
            EvidenceKind.OUTPUT,
            "select 1",
            "1",
            target="postgres",
            taken_at=NOW,
            duration=0.5,
            facts={"rows": 1, "ok": True},
            origin="audit_postgres",
        ),
        Evidence(EvidenceKind.VERBAL, "they say so", taken_at="2026-01-01T00:00:00Z", origin="audit_postgres"),
    ]


def test_without_a_buffer_nothing_is_kept(recorder: Recorder) -> None:
    """Outside a check nobody would own it; it must not turn up in the next one."""
    recorder.record(EvidenceKind.OUTPUT, "early")
    recorder.note("early")
    recorder.acknowledge("early")
    assert not recorder.recording
    with recorder.open() as buffer:
        assert recorder.recording
    recorder.record(EvidenceKind.OUTPUT, "late")
    assert (buffer.evidence, buffer.notes, buffer.acknowledged) == ([], [], [])


def test_the_innermost_buffer_gets_it(recorder: Recorder) -> None:
    """A fixture set up during a call collects its own; afterwards the call goes on collecting."""
    with recorder.open() as outer:
        recorder.record(EvidenceKind.OUTPUT, "before")
        with recorder.open("fixture") as inner:
            recorder.record(EvidenceKind.OUTPUT, "inside")
        recorder.record(EvidenceKind.OUTPUT, "after")
    assert [e.title for e in outer.evidence] == ["before", "after"]
    assert [e.title for e in inner.evidence] == ["inside"]


def test_equal_buffers_are_not_mistaken_for_each_other(recorder: Recorder) -> None:
    """Two empty buffers look the same; closing the inner one leaves the outer one open."""
    with recorder.open() as outer:
        with recorder.open() as inner:
            pass
        recorder.record(EvidenceKind.OUTPUT, "after")
    assert [e.title for e in outer.evidence] == ["after"]
    assert inner.evidence == []


def test_a_buffer_closes_when_its_block_raises(recorder: Recorder) -> None:
    """A failing check does not collect for the next one."""
    with pytest.raises(RuntimeError), recorder.open():
        raise RuntimeError
    assert not recorder.recording


def test_probes_never_count(recorder: Recorder) -> None:
    """Inside a pause, however nested, nothing is kept; afterwards it goes on, also after an error."""
    with recorder.open() as buffer:
        with recorder.paused():
            with recorder.paused():
                recorder.record(EvidenceKind.OUTPUT, "select version()")
            assert not recorder.recording
        with pytest.raises(OSError, match="refused"), recorder.paused():
            raise OSError("refused")
        recorder.record(EvidenceKind.OUTPUT, "select 1")
    assert [e.title for e in buffer.evidence] == ["select 1"]


def test_every_text_is_redacted(recorder: Recorder) -> None:
    """Title, body, target, facts and notes."""
    with recorder.open() as buffer:
        recorder.record(
            EvidenceKind.OUTPUT, "a s3cret", "b s3cret", target="c s3cret", facts={"d": "s3cret", "n": 1, "x": None}
        )
        recorder.note("e s3cret")
    (piece,) = buffer.evidence
    assert (piece.title, piece.body, piece.target) == ("a ***", "b ***", "c ***")
    assert piece.facts == {"d": "***", "n": 1, "x": None}
    assert buffer.notes == ["e ***"]


def test_texts_are_cut_after_they_were_redacted(recorder: Recorder) -> None:
    """A cut through the middle of a secret would leave half of it."""
    with recorder.open() as buffer:
        recorder.record(
            EvidenceKind.OUTPUT, "t" * (TITLE_LIMIT - 3) + "s3cret", "b" * (BODY_LIMIT - 3) + "s3cret" + "more"
        )
    (piece,) = buffer.evidence
    assert piece.title == "t" * (TITLE_LIMIT - 3) + "***"
    assert piece.body == "b" * (BODY_LIMIT - 3) + "***"
    assert piece.left_out == 4


@pytest.mark.parametrize(
    ("over", "left_out"), [("", 0), ("x", 1), ("é", 2), ("\U0001f512", 4), ("\ud800", 3)], ids=ascii
)
def test_what_is_left_out_is_counted_in_bytes(recorder: Recorder, over: str, left_out: int) -> None:
    """Characters are kept up to the limit; the rest is told in bytes of UTF-8, hostile text included."""
    with recorder.open() as buffer:
        recorder.record(EvidenceKind.OUTPUT, "t", "x" * BODY_LIMIT + over)
    assert buffer.evidence[0].body == "x" * BODY_LIMIT
    assert buffer.evidence[0].left_out == left_out


def test_a_buffer_keeps_the_first_pieces(recorder: Recorder) -> None:
    """A check that loops over thousands of requests keeps a bounded number, and the others are counted."""
    with recorder.open() as buffer:
        for n in range(PIECES_LIMIT + 3):
            recorder.record(EvidenceKind.OUTPUT, str(n))
    assert [e.title for e in buffer.evidence] == [str(n) for n in range(PIECES_LIMIT)]
    assert buffer.dropped == 3


def test_what_is_kept_for_the_next_audit_has_a_limit_of_its_own(recorder: Recorder) -> None:
    """Statements that were recorded before take no room from it, nor it from those that follow."""
    with recorder.open() as buffer:
        for n in range(PIECES_LIMIT - 1):
            recorder.record(EvidenceKind.OUTPUT, str(n))
        for n in range(KEPT_LIMIT + 2):
            recorder.record(EvidenceKind.OUTPUT, f"kept {n}", facts={KEPT: True})
        for n in range(PIECES_LIMIT - 1, PIECES_LIMIT + 3):
            recorder.record(EvidenceKind.OUTPUT, str(n))
    titles = [e.title for e in buffer.evidence]
    assert [t for t in titles if t.startswith("kept ")] == [f"kept {n}" for n in range(KEPT_LIMIT)]
    assert [t for t in titles if not t.startswith("kept ")] == [str(n) for n in range(PIECES_LIMIT)]
    assert buffer.dropped == 2 + 3


def test_acknowledged_items_and_notes_keep_their_order(recorder: Recorder) -> None:
    """In the buffer that is open."""
    with recorder.open() as buffer:
        for item in ("hit-rate:a", "hit-rate:b"):
            recorder.acknowledge(item)
        recorder.note("one")
        recorder.note("two")
    assert buffer.acknowledged == ["hit-rate:a", "hit-rate:b"]
    assert buffer.notes == ["one", "two"]


def test_the_present_is_told_in_utc() -> None:
    """RFC 3339, to the millisecond."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", utc_now())


def test_what_another_thread_sees_while_this_one_connects_is_kept(recorder: Recorder) -> None:
    """A pause is the thread's own: one that connects takes nothing from one that asks."""
    with recorder.open() as buffer, recorder.paused():
        recorder.record(EvidenceKind.OUTPUT, "select version()")
        other = threading.Thread(target=recorder.record, args=(EvidenceKind.OUTPUT, "select 1"))
        other.start()
        other.join()
    assert [e.title for e in buffer.evidence] == ["select 1"]

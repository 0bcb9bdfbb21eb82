"""The file itself: read with a clear word about each wrong line, added to, never overwritten."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from unit.ledger.ledgers import BARE, SLOW, assigned, at, closed, disputed, filed, found, gone, resolved

from pytest_backend_audit.ledger import LedgerError, Place, State, append, create, held, read
from pytest_backend_audit.ledger.events import LINE_LIMIT, TYPES, Replaced, Retired, decode, encode

EVENTS = [
    assigned(owner="Lin"),
    filed(),
    filed(instants={"prod": at(0), "stage": at(1)}),
    found("F-0001"),
    disputed(),
    resolved(upheld=False),
    closed(),
    found("F-0001", how="reopened"),
    found("F-0001", how="seen"),
    found("F-0001", how="seen", told=False),
    gone("F-0001"),
    Replaced(at(5), "Grace", "policy", "main:audit.yaml", "trunk:audit.yaml", "trunk", "the branch was renamed"),
    Retired(at(5), "Grace", "stage", "moved into prod"),
]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Where the ledger of orders is, with its folder."""
    made = Place(tmp_path, "orders")
    made.folder.mkdir(parents=True)
    return made


def put(place: Place, *lines: str | bytes, end: bytes = b"\n") -> None:
    """Write a ledger as it stands in the tree."""
    raw = [line if isinstance(line, bytes) else line.encode() for line in lines]
    place.ledger.write_bytes(b"\n".join(raw) + end)


def said(place: Place) -> str:
    """Why the ledger can't be read."""
    with pytest.raises(LedgerError) as caught:
        read(place)
    return str(caught.value)


def test_every_event_reads_back() -> None:
    """Each type, word for word; a line is ASCII and says its type and version first."""
    assert {e.type for e in EVENTS} == set(TYPES)
    for event in EVENTS:
        line = encode(event)
        assert line.startswith(f'{{"schema_version":1,"type":"{event.type}",')
        assert line.isascii()
        assert decode(line.encode()) == event


def test_a_filing_of_an_older_version_reads() -> None:
    """It has one instant, which is that of every environment."""
    line = encode(filed()).replace(',"instants":{}', "")
    assert "instants" not in line
    made = decode(line.encode())
    assert made == filed()
    assert filed(instants={"prod": at(3)}).instant_in("prod") == at(3)
    assert filed().instant_in("prod") == at(0)


def test_texts_of_every_kind_survive() -> None:
    """Line feeds, other alphabets, and what would act on a terminal; all on one line."""
    event = assigned(owner="Łucja\n注\x1b[31m\u202e\udce9")
    assert decode(encode(event).encode()) == event
    assert "\n" not in encode(event)


def test_no_ledger_is_an_empty_one(tmp_path: Path) -> None:
    """The first audit of a service."""
    assert read(Place(tmp_path, "orders")) == State()


def test_what_was_added_is_read(place: Place) -> None:
    """In its order, over several times; blank lines and a lost last line feed do no harm."""
    append(place, [filed()])
    place.ledger.write_bytes(place.ledger.read_bytes().rstrip(b"\n"))
    append(place, [found("F-0001"), closed()])
    place.ledger.write_bytes(place.ledger.read_bytes() + b"\n\n")
    append(place, [found("F-0002", SLOW)])
    state = read(place)
    assert [e.type for _, e in state.events] == ["filed", "opened", "closed", "opened"]
    assert [line for line, _ in state.events] == [1, 2, 3, 6]


def test_conflict_marks_are_named_with_the_way_out(place: Place) -> None:
    """All of them, before anything else is said of the file."""
    put(place, encode(filed()), "<<<<<<< HEAD", encode(closed()), "=======", "{", ">>>>>>> other")
    assert said(place) == (
        "audits/orders/ledger.jsonl: a merge left its conflict marks in lines 2, 4, 6. Keep the lines of both sides, "
        "take these out; `audits/*/ledger.jsonl merge=union` in .gitattributes has git do so by itself"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '{"schema_version":1,"type":"clo',
            """not JSON, cut short or torn apart: '{"schema_version":1,"type":"clo'; restore the line from git, or """
            "take it out",
        ),
        ("[]", "no event of a ledger: it has no type; take the line out, or restore it from git"),
        ('{"a":1}', "no event of a ledger: it has no type; take the line out, or restore it from git"),
        (
            '{"schema_version":2,"type":"closed"}',
            "an event of version 2, and this version of pytest-backend-audit reads 1; install a later one",
        ),
        (
            '{"schema_version":1,"type":"forgiven"}',
            f"an event of the type 'forgiven', written by a later version? known are {', '.join(TYPES)}",
        ),
        (
            '{"schema_version":1,"type":"assigned","at":"x","by":"Kim"}',
            "assigned: fingerprint: Field required; restore the line from git",
        ),
        (
            encode(found("F-0001", told=False)),
            "opened: finding: Field required; restore the line from git",
        ),
        (
            encode(filed(file="../../2026-08-31")),
            "filed: file: found '../../2026-08-31', which we never write; restore the line from git",
        ),
        (
            encode(filed(instants={"prod": "today"})),
            "filed: instants: 'prod': found 'today', which we never write; restore the line from git",
        ),
        (
            encode(closed("\x1b[2JF-0001")),
            "closed: number: found '\\x1b[2JF-0001', which we never write; restore the line from git",
        ),
        (
            encode(assigned("x")),
            "assigned: fingerprint: found 'x', which we never write; restore the line from git",
        ),
        (
            encode(assigned(due="soon")),
            "assigned: due: found 'soon', which we never write; restore the line from git",
        ),
        (
            encode(assigned(due="2027-99-05")),
            "assigned: due: there is no day 2027-99-05; restore the line from git",
        ),
        (
            '{"schema_version":1,"type":["closed"]}',
            f"an event of the type ['closed'], written by a later version? known are {', '.join(TYPES)}",
        ),
    ],
)
def test_a_wrong_line_is_named(place: Place, line: str, message: str) -> None:
    """With file, line and what stands there."""
    put(place, encode(filed()), line)
    assert said(place) == f"audits/orders/ledger.jsonl:2: {message}"


def test_every_wrong_line_is_named_at_once(place: Place) -> None:
    """Up to a number that one can read."""
    put(place, "{", encode(filed()), b"\xff\xfe", *["x"] * 30)
    lines = said(place).splitlines()
    assert len(lines) == 21
    assert lines[0].startswith("audits/orders/ledger.jsonl:1: not JSON")
    assert lines[1].startswith("audits/orders/ledger.jsonl:3: not JSON")
    assert lines[-1] == "and 12 more lines"


def test_a_long_or_deep_line_is_wrong_too(place: Place) -> None:
    """Nothing is read without a bound."""
    put(place, '"' + "a" * LINE_LIMIT + '"')
    assert (
        said(place)
        == f"audits/orders/ledger.jsonl:1: longer than any event ({LINE_LIMIT} bytes); restore the line from git"
    )
    put(place, "[" * 100_000)
    assert said(place).startswith("audits/orders/ledger.jsonl:1: not JSON, cut short or torn apart: '[[[")


def test_a_line_s_own_control_characters_are_shown_as_numbers(place: Place) -> None:
    """They could act on the terminal."""
    put(place, b"\x1b[31mred")
    assert "\\x1b[31mred" in said(place)


def test_another_service_s_ledger_is_refused(place: Place) -> None:
    """Where the file system takes two names for one."""
    append(place, [filed(service="Orders")])
    assert said(place) == (
        "audits/orders/ledger.jsonl: it is the ledger of 'Orders', not of 'orders'; this file system takes the two "
        "names for one: rename a service in audit.yaml"
    )


def test_a_folder_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    """A link in the repository doesn't have us read or write outside of it."""
    top, elsewhere = tmp_path / "top", tmp_path / "elsewhere"
    (top / "audits").mkdir(parents=True)
    elsewhere.mkdir()
    (top / "audits" / "orders").symlink_to(elsewhere)
    place = Place(top, "orders")
    message = f"audits/orders leads out of the repository, to {elsewhere}; make it a folder"
    assert said(place) == message
    with pytest.raises(LedgerError, match=message), held(place):
        pass
    assert list(elsewhere.iterdir()) == []


def test_a_ledger_that_is_a_link_is_not_written_through(place: Place, tmp_path: Path) -> None:
    """Nor one that can't be written."""
    victim = tmp_path / "victim"
    victim.write_text("")
    place.ledger.symlink_to(victim)
    with pytest.raises(LedgerError, match=r"^audits/orders/ledger.jsonl can't be written: .*; nothing was added$"):
        append(place, [filed()])
    assert victim.read_text() == ""


def test_a_full_disk_adds_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a part of a line, which would tear the ledger."""
    append(place, [filed()])
    before = place.ledger.read_bytes()
    write = os.write
    calls = []

    def full(handle: int, data: bytes) -> int:
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, bytes(data[:10]))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(LedgerError, match=r"can't be written: No space left on device; nothing was added$"):
        append(place, [found("F-0001")])
    assert len(calls) == 2
    assert place.ledger.read_bytes() == before


def test_a_card_is_never_overwritten(place: Place) -> None:
    """Nor is a part of one left behind."""
    path = place.folder / "2026-08-31.md"
    create(path, "one\n")
    with pytest.raises(FileExistsError):
        create(path, "two\n")
    assert path.read_text() == "one\n"


def test_who_holds_the_folder_keeps_others_out(place: Place) -> None:
    """They wait, and say at last what for; no lock file is left for git."""
    with held(place), pytest.raises(LedgerError) as caught, held(place, patience=0.0):
        pass
    assert str(caught.value) == ("audits/orders: another backend-audit has been writing there for 0 s; try again")
    with held(place, patience=0.0):
        assert list(place.folder.iterdir()) == []


def test_another_process_waits_for_the_folder(place: Place) -> None:
    """A real one, which holds it until it is told to let go."""
    code = (
        "import sys; from pathlib import Path; from pytest_backend_audit.ledger import Place, held, append\n"
        "from pytest_backend_audit.ledger.events import decode\n"
        "place = Place(Path(sys.argv[1]), 'orders')\n"
        "with held(place):\n"
        "    print('held', flush=True); sys.stdin.readline()\n"
        "    append(place, [decode(sys.argv[2].encode())])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(place.top), encode(filed())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LedgerError, match="another backend-audit"), held(place, patience=0.0):
            pass
        other.stdin.write("\n")
        other.stdin.flush()
        with held(place):
            append(place, [found("F-0001")])
        assert other.wait(30) == 0
    assert [e.type for _, e in read(place).events] == ["filed", "opened"]


def test_git_s_union_merge_of_two_branches_is_read(place: Place) -> None:
    """Each branch files, with the same next number; what git makes of both has all lines, and is settled."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "Kim", f"GIT_{who}_EMAIL": "kim@example.org"}

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=place.top, env=env, check=True, capture_output=True)

    def commit() -> None:
        git("add", "-A")
        git("commit", "-q", "-m", "state")

    git("init", "-q", "-b", "main")
    (place.top / ".gitattributes").write_text("audits/*/ledger.jsonl merge=union\n")
    append(place, [filed(), found("F-0001")])
    commit()
    git("checkout", "-q", "-b", "other")
    append(place, [filed(1, "2026-09-30", heads=("cd" * 32,)), found("F-0002", SLOW)])
    commit()
    git("checkout", "-q", "main")
    append(place, [filed(2, "2026-10-01", heads=("ef" * 32,)), found("F-0002", "cc" * 32)])
    commit()
    git("merge", "-q", "other")
    state = read(place)
    assert sorted(f.file for f in state.filings) == ["2026-08-31", "2026-09-30", "2026-10-01"]
    assert {t.fingerprint: t.number for t in state.findings} == {BARE: "F-0001", "cc" * 32: "F-0002", SLOW: "F-0002-2"}
    assert any("F-0002 was given on two branches" in notice for notice in state.notices)


def test_the_lock_is_the_folder_s(place: Place) -> None:
    """So that git, which replaces files, can't take it away."""
    with held(place):
        handle = os.open(place.folder, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(handle)


def test_the_ledger_is_json_for_others_too(place: Place) -> None:
    """One object a line."""
    append(place, EVENTS)
    assert [json.loads(line)["type"] for line in place.ledger.read_text().splitlines()] == [e.type for e in EVENTS]

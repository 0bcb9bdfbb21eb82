"""Joining run folders: what is refused, and what lies in the new folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit.scoring.scoring_cases import SEALED, check, inputs, passed

from pytest_backend_audit import merging
from pytest_backend_audit.cli import main
from pytest_backend_audit.journal import Writer
from pytest_backend_audit.merging import MergeError, merge
from pytest_backend_audit.model import Evidence, EvidenceKind, Mode, Seal
from pytest_backend_audit.model.policy import Protected

FIT = "only runs of one commit, one audit.yaml, one standard and one version can be merged"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are named from where the test runs."""
    monkeypatch.chdir(tmp_path)


def written(folder: str, ran: str = "a::test_a", seal: Seal | None = SEALED, **fields: Any) -> Path:
    """A formal run of one of two checks."""
    writer = Writer(Path(folder))
    plan = [check("a::test_a", 2), check("a::test_b", 3)]
    writer.start(inputs(plan, **{"selected": (ran,), "narrowing": ("--audit-dimension=4.1",), **fields}))
    writer.attempt(passed(ran))
    if seal:
        writer.seal(seal)
    writer.close()
    return Path(folder)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"commit": "9f9f9f9f"}, f"one and two differ in their commit: 1a2b3c4d and 9f9f9f9f; {FIT}"),
        ({"config_digest": "feed"}, f"one and two differ in their audit.yaml digest: none and feed; {FIT}"),
        (
            {"plugin_version": "0.0.1"},
            f"one and two differ in their version of pytest-backend-audit: 0.1.0 and 0.0.1; {FIT}",
        ),
        (
            {"protected": Protected("main", "9f" * 20, "main:audit.yaml", "ab" * 32)},
            f"one and two differ in their protected policy: none and main:audit.yaml; {FIT}",
        ),
        ({"policy": {"sought": {"4.1": 3}}}, f"one and two differ in their policy (sought); {FIT}"),
        ({"mode": Mode.REHEARSAL}, "two: a rehearsal; only formal runs (--audit-sha) can be merged"),
        (
            {"seal": Seal("", 0, invalid="the build changed")},
            "two: the run is invalid: the build changed; leave it out, and run that part again",
        ),
        (
            {"seal": None},
            "two: the run is torn, or was copied in part: two/journal.jsonl:3: the journal ends without a "
            "seal: the run was cut short",
        ),
    ],
    ids=["commit", "audit.yaml", "version", "protected", "policy", "rehearsal", "invalid", "torn"],
)
def test_runs_that_do_not_belong_together(fields: dict[str, Any], message: str) -> None:
    """The message names the folders; nothing is left behind."""
    one = written("one")
    two = written("two", "a::test_b", **{"instant": "2026-08-31T12:00:00Z", **fields})
    with pytest.raises(MergeError) as caught:
        merge([one, two], Path("out"))
    assert str(caught.value) == message
    assert sorted(p.name for p in Path().iterdir()) == ["one", "two"]


def altered(folder: Path) -> None:
    """Change a word."""
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"passed"', b'"failed"'))


def without_evidence(folder: Path) -> None:
    """A run with a large piece of evidence, whose file did not arrive."""
    (folder / "journal.jsonl").unlink()
    writer = Writer(folder)
    writer.start(inputs([check("a::test_a", 2)]))
    writer.attempt(passed("a::test_a", Evidence(EvidenceKind.OUTPUT, "SHOW ALL", "x" * 5000)))
    writer.seal(SEALED)
    writer.close()
    (next((folder / "evidence").iterdir())).unlink()


def linked(folder: Path) -> None:
    """Put a link among the evidence."""
    (folder / "evidence").mkdir(exist_ok=True)
    (folder / "more").mkdir()
    (folder / "more" / "x").symlink_to("/etc/passwd")


def piped(folder: Path) -> None:
    """Something that can be read for ever."""
    os.mkfifo(folder / "pipe")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            altered,
            "one: the run is altered, or was copied in part: one/journal.jsonl:2: this line was changed: its "
            "hash does not fit its text",
        ),
        (
            without_evidence,
            "one: the run is altered, or was copied in part: one/journal.jsonl:2: one/evidence/"
            f"{hashlib.sha256(b'x' * 5000).hexdigest()}: evidence can't be read: No such file or directory",
        ),
        (linked, "one/more/x: a symbolic link; a run folder holds none, so it is not followed"),
        (piped, "one/pipe: neither a file nor a folder; a run folder holds nothing else"),
    ],
)
def test_a_run_that_is_not_as_it_was(spoil: Callable[[Path], None], message: str) -> None:
    """It is not merged, and nothing is followed out of its folder or waited for."""
    spoil(written("one"))
    with pytest.raises(MergeError) as caught:
        merge([Path("one")], Path("out"))
    assert str(caught.value) == message
    assert sorted(p.name for p in Path().iterdir()) == ["one"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("one", "one: that is one of the runs to merge; name a new folder"),
        ("one/../one/", "one: that is one of the runs to merge; name a new folder"),
        ("one/merged/here", "one/merged/here: that lies inside the run one; name a folder elsewhere"),
        ("full", "full: the folder is not empty; name a new one, nothing is ever overwritten"),
        ("file", "file: that is no folder; name a new one"),
        ("link", "link: that is no folder; name a new one"),
        ("file/x", "file/x can't be made: Not a directory; name a folder elsewhere"),
    ],
)
def test_where_no_merge_can_be_put(place: str, message: str) -> None:
    """Not over or into a run, nor over anything else."""
    one = written("one")
    Path("full").mkdir()
    Path("full/x").touch()
    Path("file").touch()
    Path("link").symlink_to("full")
    with pytest.raises(MergeError) as caught:
        merge([one], Path(place))
    assert str(caught.value).replace("one/../one", "one") == message


def test_the_sources_of_a_merge_are_its_runs() -> None:
    """So a merge may not be put inside one of them, nor over it."""
    merge([written("one"), written("two", "a::test_b")], Path("out"))
    with pytest.raises(MergeError, match=r"^out/sources/01/x: that lies inside the run out; name a folder elsewhere$"):
        merge([Path("out")], Path("out/sources/01/x"))


def test_a_merge_that_was_altered_is_not_merged_again() -> None:
    """Each of its sources may be sound; that one of them is named no longer must not be forgotten."""
    merge([written("one"), written("two", "a::test_b")], Path("out"))
    named = json.loads(Path("out/merge.json").read_text())
    named["sources"] = named["sources"][:1]
    Path("out/merge.json").write_text(json.dumps(named))
    with pytest.raises(MergeError, match=r"^out: the merge was altered: .*sources/02.*; merge its runs anew$"):
        merge([Path("out")], Path("again"))


def test_the_copies_are_whole_and_independent() -> None:
    """No file is shared with its run; what is no part of the run stays behind; an empty folder is taken."""
    one = written("one")
    (one / "evidence").mkdir(exist_ok=True)
    (one / "faults.jsonl").write_text("{}\n")
    (one / ".running").touch()
    (one / "earlier/001-1a2b3c4").mkdir(parents=True)
    (one / "earlier/001-1a2b3c4/journal.jsonl").touch()
    Path("out").mkdir()
    made = merge([one], Path("out"))
    copy = Path("out/sources/01")
    assert sorted(p.relative_to(copy).as_posix() for p in copy.rglob("*") if p.is_file()) == [
        "faults.jsonl",
        "journal.jsonl",
    ]
    assert {p.stat().st_nlink for p in copy.rglob("*") if p.is_file()} == {1}
    assert (made.missing, made.finished.card.partial) == (("a::test_b",), ("--audit-dimension=4.1",))


def test_a_run_that_changes_while_it_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrived is looked at, not what was read."""
    one = written("one")
    copied = merging._copy_file

    def cut(source: Path, to: Path) -> None:
        copied(source, to)
        to.write_bytes(to.read_bytes()[:-30])

    monkeypatch.setattr(merging, "_copy_file", cut)
    with pytest.raises(MergeError, match=r"^one: changed while it was copied; wait until its run has ended, and merge"):
        merge([one], Path("out"))
    assert sorted(p.name for p in Path().iterdir()) == ["one"]


def test_of_two_copies_the_fuller_one_is_taken() -> None:
    """Whichever is named first, so that the result does not depend on it."""
    bare, full = written("bare"), written("full")
    (full / "notes.md").write_text("seen by Kim\n")
    for number, given in enumerate(([bare, full], [full, bare])):
        made = merge(given, Path(f"out{number}"))
        assert made.dropped == ((bare, full),)
        assert (made.folder / "sources/01/notes.md").is_file()


def test_the_gate_of_a_merge(capsys: pytest.CaptureFixture[str]) -> None:
    """It looks at every run of it before it looks at the card."""
    merge([written("one"), written("two", "a::test_b")], Path("out"))
    assert main(["gate", "out", "--min", "significant-technical-debt"]) == 1
    assert capsys.readouterr().out == (
        "out: gate significant-technical-debt: not passed, own criteria, the standard is not loaded; audit.yaml loads "
        "it: standard: bundled (rows that have a check) or default (all)\n"
        "  orders, prod, 1a2b3c4, 2026-08-31\n"
    )
    altered(Path("out/sources/02"))
    assert main(["gate", "out", "--min", "significant-technical-debt"]) == 1
    assert capsys.readouterr().out == (
        "out: gate significant-technical-debt: not passed, the run was altered: out/sources/02/journal.jsonl:2: this "
        "line was changed: its hash does not fit its text\n"
    )


def test_what_the_command_says_of_what_is_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit 2."""
    assert main(["merge", "nowhere", "-o", "out"]) == 2
    assert capsys.readouterr().err.startswith("backend-audit: nowhere: there is no such folder; ")

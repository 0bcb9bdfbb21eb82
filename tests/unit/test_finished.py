"""A run, or a merge of runs, read back from its folder."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.scoring.scoring_cases import SEALED, check, inputs, passed

from pytest_backend_audit import finished
from pytest_backend_audit.cli import main
from pytest_backend_audit.journal import RunError, State, Writer, read_run


def written(folder: Path, ran: str) -> Path:
    """A shard: two planned checks, of which one ran."""
    writer = Writer(folder)
    plan = [check("a::test_a", 2), check("a::test_b", 3)]
    writer.start(inputs(plan, selected=(ran,), narrowing=("--audit-dimension=4.1",)))
    writer.attempt(passed(ran))
    writer.seal(SEALED)
    return folder


def test_one_run(tmp_path: Path) -> None:
    """Its one record, and the card that follows from it."""
    found = finished.load(written(tmp_path / "run", "a::test_a"))
    assert not found.merged
    assert [r.folder for r in found.records] == [tmp_path / "run"]
    assert found.card.partial == ("--audit-dimension=4.1",)
    assert found.sign_off is None


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    """Two shards and their list."""
    folder = tmp_path / "merged"
    for number, ran in enumerate(("a::test_a", "a::test_b"), 1):
        written(folder / "sources" / f"{number:02}", ran)
    named = [finished.Source(f"sources/{n:02}", read_run(folder / f"sources/{n:02}").head, "prod") for n in (1, 2)]
    (folder / "merge.json").write_text(finished.merge_text(named), "utf-8")
    return folder


def test_a_merge_of_runs(merged: Path) -> None:
    """The one card of the runs that its list names, which says what it is made from."""
    found = finished.load(merged)
    assert found.merged
    assert finished.sources(merged) == (merged / "sources/01", merged / "sources/02")
    assert found.heads == tuple(s.head for s in finished.merge_list(merged))
    assert found.card.partial == ()
    assert found.card.dimensions[0].would_be == 3
    assert found.card.merged == ("2026-08-31T10:00:00Z in prod: 1 of 2 checks answered",) * 2
    good = finished.verify(merged)
    assert (good.state, good.lines, good.problems) == (State.INTACT, 6, ())
    assert good.head == hashlib.sha256((merged / "merge.json").read_bytes()).hexdigest()


def exchange(folder: Path) -> None:
    """Put another good run in the place of one."""
    shutil.rmtree(folder / "sources/02")
    written(folder / "sources/02", "a::test_a")


def tear(folder: Path) -> None:
    """Cut the end off one journal."""
    journal = folder / "sources/02/journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-30])


def alter(folder: Path) -> None:
    """Change a word in one journal."""
    journal = folder / "sources/02/journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"passed"', b'"failed"'))


@pytest.mark.parametrize(
    ("spoil", "state", "problem", "said"),
    [
        (
            exchange,
            State.ALTERED,
            "/journal.jsonl: not the run that merge.json names, or not all of it; merge again",
            "/journal.jsonl: not the run that merge.json names, or not all of it; merge again",
        ),
        (
            tear,
            State.TORN,
            "/journal.jsonl:3: the last line is incomplete: the run was cut short while writing it",
            "/journal.jsonl: not the run that merge.json names, or not all of it; merge again",
        ),
        (
            alter,
            State.ALTERED,
            "/journal.jsonl:2: this line was changed: its hash does not fit its text",
            "/journal.jsonl:2: this line was changed: its hash does not fit its text. "
            "The run proves nothing any more; run the audit again",
        ),
    ],
)
def test_a_merge_that_was_changed(
    spoil: Callable[[Path], None], state: State, problem: str, said: str, merged: Path
) -> None:
    """Verifying names the place; no card is made of it."""
    spoil(merged)
    found = finished.verify(merged)
    assert (found.state, found.problems) == (state, (f"{merged}/sources/02{problem}",))
    with pytest.raises(RunError) as caught:
        finished.load(merged)
    assert str(caught.value) == f"{merged}/sources/02{said}"


def test_what_lies_beside_the_merged_runs(merged: Path) -> None:
    """A run that the list does not name is no part of the merge."""
    written(merged / "sources/03", "a::test_b")
    found = finished.verify(merged)
    assert (found.state, found.problems) == (State.ALTERED, (f"{merged}/sources/03: merge.json does not name it",))
    with pytest.raises(RunError, match=r"/sources/03: merge\.json does not name it; take it away, or merge again$"):
        finished.load(merged)


def test_a_merge_that_was_copied_in_part(merged: Path) -> None:
    """One of its runs is not there, or has no journal yet."""
    (merged / "sources/02/journal.jsonl").unlink()
    for reading in (finished.load, finished.verify):
        with pytest.raises(RunError) as caught:
            reading(merged)
        assert str(caught.value) == (
            f"{merged}/sources/02: merge.json names this run, and its journal.jsonl is not there: was the folder "
            "copied in part? Copy it again, or merge again"
        )


def missing(folder: Path) -> None:
    """Take one journal away."""
    (folder / "sources/02/journal.jsonl").unlink()


def emptied(folder: Path) -> None:
    """Have a list without runs."""
    (folder / "merge.json").write_text("[]")


@pytest.mark.parametrize("spoil", [exchange, tear, alter, missing, emptied])
def test_a_merge_that_is_no_good_is_told_as_a_run_is(
    spoil: Callable[[Path], None], merged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verify ends with 1: it is a merge, though one can't say more of it."""
    assert main(["verify", str(merged)]) == 0
    spoil(merged)
    capsys.readouterr()
    assert main(["verify", str(merged)]) == 1
    assert str(merged) in "".join(capsys.readouterr())


def test_a_merge_that_leads_out_of_its_folder(merged: Path, tmp_path: Path) -> None:
    """A link is not followed."""
    (merged / "sources/02").rename(tmp_path / "elsewhere")
    (merged / "sources/02").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"sources/02: a symbolic link, not a run folder of this merge; merge again$"):
        finished.load(merged)


HEAD = "ab" * 32


def listed(*sources: object, version: object = 1) -> str:
    """The text of a list."""
    return json.dumps({"schema_version": version, "sources": sources})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (listed({"folder": "../other", "head": HEAD}), "names '../other', which is no place of a merged run"),
        (listed({"folder": "/etc", "head": HEAD}), "names '/etc', which is no place of a merged run"),
        (listed({"folder": "sources/01/..", "head": HEAD}), "names 'sources/01/..', which is no place of a merged run"),
        (listed({"folder": "sources/01", "head": "x"}), "sources/01 has the impossible head 'x'"),
        (listed({"folder": "sources/01"}), "can't be read as the list of merged runs (no 'head')"),
        (listed(version=2), "can't be read as the list of merged runs (version 2; this version reads 1)"),
        ("{}", "can't be read as the list of merged runs (no 'schema_version')"),
        ("[" * 100_000, "can't be read as the list of merged runs"),
        (listed(), "names no run"),
        (
            " " * (finished.MERGE_LIMIT + 1),
            f"can't be read as the list of merged runs (larger than {4 * 1024 * 1024} bytes)",
        ),
    ],
    ids=["above", "absolute", "back", "bad head", "no head", "version", "empty", "deep", "no run", "huge"],
)
def test_a_bad_list_of_merged_runs(text: str, said: str, tmp_path: Path) -> None:
    """One sentence; nothing outside the folder is read."""
    (tmp_path / "merge.json").write_text(text)
    with pytest.raises(RunError) as caught:
        finished.load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'merge.json'}: {said}")
    assert str(caught.value).endswith("; merge again")


def test_a_run_that_is_named_twice(merged: Path) -> None:
    """A list of ours never does."""
    one, _ = finished.merge_list(merged)
    (merged / "merge.json").write_text(finished.merge_text([one, one]), "utf-8")
    with pytest.raises(RunError, match=r"merge.json: names a run twice; merge again$"):
        finished.load(merged)

"""A run, or a merge of runs, read back from its folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.scoring.scoring_cases import SEALED, check, inputs, passed

from pytest_backend_audit import finished
from pytest_backend_audit.journal import RunError, Writer


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


def test_a_merge_of_runs(tmp_path: Path) -> None:
    """The one card of the runs that its list names."""
    written(tmp_path / "sources" / "01", "a::test_a")
    written(tmp_path / "sources" / "02", "a::test_b")
    (tmp_path / "merge.json").write_text(json.dumps({"sources": [{"folder": "sources/01"}, {"folder": "sources/02"}]}))
    found = finished.load(tmp_path)
    assert found.merged
    assert len(found.heads) == 2
    assert found.card.partial == ()
    assert found.card.dimensions[0].would_be == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"sources": [{"folder": "../other"}]}',
            "names ../other, which is not below it; merge the runs again",
        ),
        ('{"sources": [{"folder": "/etc"}]}', "names /etc, which is not below it; merge the runs again"),
        ("{}", "can't be read as the list of merged runs ('sources'); merge again"),
        ('{"sources": []}', "names no run; merge again"),
    ],
)
def test_a_bad_list_of_merged_runs(text: str, said: str, tmp_path: Path) -> None:
    """One sentence; nothing outside the folder is read."""
    (tmp_path / "merge.json").write_text(text)
    with pytest.raises(RunError) as caught:
        finished.load(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'merge.json'}: {said}"

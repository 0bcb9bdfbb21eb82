"""What the loader says about a standard that can't be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.standard.standard_texts import SOUND, WRONG, Wrong

from pytest_backend_audit.errors import StandardError
from pytest_backend_audit.standard import load


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(source: str | Path = "mine.yaml") -> list[str]:
    """What the loader says, one text a problem."""
    with pytest.raises(StandardError) as caught:
        load(source)
    assert str(caught.value) == "\n".join(str(p) for p in caught.value.problems)
    return [str(p) for p in caught.value.problems]


def test_the_sound_text_is_sound(here: Path) -> None:
    """What the cases change is a standard that loads."""
    (here / "mine.yaml").write_text(SOUND)
    assert [row.name for row in load("mine.yaml").rows] == ["1/fast/L2"]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_each_mistake_names_file_line_key_and_cure(case: Wrong, here: Path) -> None:
    """One change makes exactly these messages, in the order of the file."""
    assert SOUND.count(case.old) == 1
    (here / "mine.yaml").write_text(SOUND.replace(case.old, case.new))
    assert problems() == list(case.messages)


def test_all_problems_come_at_once(here: Path) -> None:
    """Somebody who made three mistakes reads of three."""
    wrong = SOUND.replace("level: 2", "level: 9").replace("  p0:", "  p9:").replace("floor: 4", "flor: 4")
    (here / "mine.yaml").write_text(wrong)
    assert problems() == [
        'mine.yaml:11: dispositions[0].flor: unknown key; did you mean "floor"?',
        'mine.yaml:11: dispositions[0]: "floor" is missing',
        "mine.yaml:14: overrides.p9: unknown override; allowed are blocking-l1, verbal-only, p0",
        'mine.yaml:25: dimensions[0].rows[0].level: expected a whole number from 1 to 5, found "9"',
    ]


def test_a_main_part_that_is_missing_is_named(here: Path) -> None:
    """Without dispositions there is nothing to go on with, and the rest is not guessed at."""
    start, end = SOUND.index("dispositions:"), SOUND.index("overrides:")
    (here / "mine.yaml").write_text(SOUND[:start] + SOUND[end:])
    assert problems() == ['mine.yaml:1: "dispositions" is missing']


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"",
            "mine.yaml:1: expected a mapping with id, name, version, levels, dispositions, dimensions, found nothing",
        ),
        (
            b"- a\n",
            "mine.yaml:1: expected a mapping with id, name, version, levels, dispositions, dimensions, found a list",
        ),
        (b"id: [\n", "mine.yaml:2: not YAML: expected the node content, but found '<stream end>'"),
        (b"id: \xe9\n", "mine.yaml:1: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        (b"id: a\n\tname: b\n", "mine.yaml:2: a tab where YAML wants spaces; indent with spaces"),
    ],
    ids=["empty", "a-list", "torn", "latin-1", "tab"],
)
def test_what_is_no_standard_at_all_gets_one_message(content: bytes, message: str, here: Path) -> None:
    """A file that can't be read as a mapping ends in one line."""
    (here / "mine.yaml").write_bytes(content)
    assert problems() == [message]


def test_pending_rows_must_exist(here: Path) -> None:
    """A listed row of an unknown dimension or criterion, or a second time, is refused by its line."""
    (here / "mine.yaml").write_text(SOUND + "pending: pending.txt\n")
    (here / "pending.txt").write_text("# to come\n1/fast/L2\n\n9/fast/L2\n1/slow-and-steady/L5\n1/fast/L2  # again\n")
    assert problems() == [
        'pending.txt:4: 9/fast/L2: no such row; did you mean "1/fast/L2"?',
        "pending.txt:5: 1/slow-and-steady/L5: no such row",
        "pending.txt:6: 1/fast/L2: listed already on line 2",
    ]


def test_a_pending_list_that_is_not_there(here: Path) -> None:
    """A named list must exist."""
    (here / "mine.yaml").write_text(SOUND + "pending: pending.txt\n")
    assert problems() == ["pending.txt: can't be read: No such file or directory"]


@pytest.mark.usefixtures("here")
def test_an_unknown_standard_lists_the_known_ones() -> None:
    """The nearest registered name is offered."""
    with pytest.raises(StandardError) as caught:
        load("batchjobs", names={"batch-jobs": Path("somewhere")})
    assert str(caught.value) == (
        "batchjobs: there is no standard of that name and no such file or folder; "
        'did you mean "batch-jobs"? (names: batch-jobs, default)'
    )


def test_a_folder_without_a_main_file(here: Path) -> None:
    """A folder is a standard by its standard.yaml."""
    (here / "mine").mkdir()
    assert problems("mine") == ["mine/standard.yaml: there is no such file"]

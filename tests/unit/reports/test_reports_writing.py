"""Writing report files: all of them, whole, with one clear message when they can't be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.reports.cards import CARDS, FULL, HOSTILE, PARTIAL

from pytest_backend_audit.reports import FORMATS, chunks, render
from pytest_backend_audit.reports.writing import write, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_backend_audit.model import Card

FILES = ["scorecard.json", "scorecard.md", "scorecard.html", "junit.xml", "findings.json"]


@pytest.mark.parametrize("name", CARDS)
def test_all_formats_are_written_as_rendered(name: str, tmp_path: Path) -> None:
    """The files hold what `render` gives, in UTF-8, and nothing else is left in the folder."""
    folder = tmp_path / "new" / "audit-report"
    assert [path.name for path in write_all(CARDS[name], folder)] == FILES
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    for key, format_ in FORMATS.items():
        if format_.filename:
            assert (folder / format_.filename).read_bytes() == render(CARDS[name], key).encode()


def test_writing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    """The same card gives the same files, over an older card's."""
    first = {path.name: path.read_bytes() for path in write_all(FULL, tmp_path / "one")}
    write_all(HOSTILE, tmp_path / "two")
    assert {path.name: path.read_bytes() for path in write_all(FULL, tmp_path / "two")} == first


def test_further_formats(tmp_path: Path) -> None:
    """Another plugin's format is named by its file name, or by its ending."""
    made = write_all(PARTIAL, tmp_path, {"csv": lambda card: f"{card.basis}\n", "levels.txt": lambda _: "\ud800"})
    assert [path.name for path in made[-2:]] == ["scorecard.csv", "levels.txt"]
    assert (tmp_path / "scorecard.csv").read_text() == "Backend Systems Audit Scorecard\n"
    assert (tmp_path / "levels.txt").read_text() == "\\ud800"


def _raises(card: Card) -> str:
    raise KeyError(card.basis)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("csv", _raises, "the report format 'csv' failed: KeyError: 'Backend Systems Audit Scorecard'"),
        ("csv", lambda _: b"bytes", "the report format 'csv' gave a bytes, not a text"),
        ("../x.csv", str, "the report format '../x.csv' can't be written: its name is not a free file name"),
        ("junit.xml", str, "the report format 'junit.xml' can't be written: its name is not a free file name"),
    ],
)
def test_further_format_that_fails(name: str, make: object, message: str, tmp_path: Path) -> None:
    """It takes none of our own files with it, and is named."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the whole message is compared
        write_all(FULL, tmp_path, {name: make})  # type: ignore[dict-item]
    assert str(caught.value) == message
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_failure_keeps_the_earlier_file(tmp_path: Path) -> None:
    """A file that can't be finished leaves the old one whole and nothing beside it."""
    path = tmp_path / "scorecard.json"
    path.write_text("old")

    def full_disk() -> Iterator[str]:
        yield "half"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError) as caught:  # noqa: PT011 - the whole message is compared
        write(path, full_disk())
    assert str(caught.value) == f"{path} can't be written: No space left on device"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    """The message names the folder."""
    (tmp_path / "report").write_text("")
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the whole message is compared
        write_all(FULL, tmp_path / "report")
    assert str(caught.value) == f"the report folder {tmp_path / 'report'} can't be made: File exists"


def test_target_that_is_a_folder(tmp_path: Path) -> None:
    """A file that can't take its place is named."""
    (tmp_path / "scorecard.json").mkdir()
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the whole message is compared
        write_all(FULL, tmp_path)
    assert str(caught.value) == f"{tmp_path / 'scorecard.json'} can't be written: Is a directory"


def test_unknown_format() -> None:
    """The message lists the formats."""
    with pytest.raises(ValueError, match="no report format 'pdf'; there are terminal, json, md, html, junit, findings"):
        chunks(FULL, "pdf")

"""What checks kept for the next audit, as it is filed beside a card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.scoring.scoring_cases import OUTPUT, attempt, passed

from pytest_backend_audit import kept
from pytest_backend_audit.kept import Kept, KeptError
from pytest_backend_audit.model import Evidence, EvidenceKind


def keeping(name: str, body: str) -> Evidence:
    """A kept value, as the recorder makes one."""
    return Evidence(EvidenceKind.OUTPUT, name, body, facts={"kept": True})


def test_there_and_back(tmp_path: Path) -> None:
    """Values by check and name, the later of two; what can't be read is named; other evidence is left out."""
    attempts = [
        passed("b", keeping("rows", '{"orders": 7}'), OUTPUT),
        passed("a", keeping("p99", "0.2"), keeping("plan", "[1, <redacted>]")),
        passed("a", keeping("p99", "0.3")),
    ]
    path = tmp_path / "2026-08-31.kept.jsonl"
    assert kept.beside(tmp_path / "2026-08-31.md") == path
    path.write_text(kept.text(attempts), "utf-8")
    assert path.read_text("utf-8") == (
        '{"check":"a","name":"p99","value":0.3}\n'
        '{"check":"a","name":"plan","lost":true}\n'
        '{"check":"b","name":"rows","value":{"orders":7}}\n'
    )
    assert kept.read(path) == {"a": Kept({"p99": 0.3}, ("plan",)), "b": Kept({"rows": {"orders": 7}})}


def test_nothing_kept() -> None:
    """There is no file to write."""
    assert kept.text([passed("a"), attempt("b")]) == ""


def test_what_does_not_fit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And lost, so that the next audit can say so."""
    monkeypatch.setattr(kept, "LIMIT", 60)
    text = kept.text([passed("a", keeping("small", "1"), keeping("large", json.dumps("x" * 60)))])
    (tmp_path / "x").write_text(text)
    assert kept.read(tmp_path / "x") == {"a": Kept({"small": 1}, ("large",))}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"check":"a","name":"x","value":1}\n<<<<<<< HEAD\n', "x:2: not a kept value; restore it from"),
        (b'{"check":"a","name":"x"}\n', "x:1: not a kept value; restore it from the repository's history"),
        (b"[1]\n", "x:1: not a kept value"),
        (b"[" * 100_000, "x:1: not a kept value"),
        (b" " * (2 * kept.LIMIT + 1), "x: larger than any such file (2097152 bytes)"),
    ],
    ids=["conflict marks", "no value", "a list", "deep", "huge"],
)
def test_what_is_no_such_file(content: bytes, said: str, tmp_path: Path) -> None:
    """One sentence that names the line."""
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(KeptError) as caught:
        kept.read(tmp_path / "x")
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(said)

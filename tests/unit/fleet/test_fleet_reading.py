"""From paths to audits: what is found, what is not a filed card, and what can't be read."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pytest
from unit.fleet.fleet_cards import EVIL, audit, write, write_all

from pytest_backend_audit import filed
from pytest_backend_audit.cli import main
from pytest_backend_audit.fleet import cards, words
from pytest_backend_audit.fleet.audits import Unread
from pytest_backend_audit.fleet.reading import WRITES_THEM, collect
from pytest_backend_audit.fleet.stores import batches

NOT_JSON = "not JSON; restore it from the repository's history"


def found(*paths: Path | str) -> set[tuple[str, str]]:
    """Service and day of every audit that the paths hold, where all can be read."""
    collected = collect([str(p) for p in paths])
    assert collected.unread == ()
    return {(a.service, a.at.date().isoformat()) for a in collected.audits}


ALL = {("orders", "2026-03-02"), ("orders", "2026-08-31"), ("orders", "2026-08-01"), ("billing", "2026-06-15")}
ALL |= {("search", "2026-10-05")}


def test_folders_files_and_patterns(tmp_path: Path) -> None:
    """A folder with all below it; a card by its name, or by that of the Markdown beside it; a pattern of either."""
    write_all(tmp_path)
    orders = tmp_path / "orders-prod" / "audits" / "orders"
    (orders / "2026-08-31.md").write_text("# Orders\n")
    assert found(tmp_path) == ALL
    assert found(orders) == {("orders", "2026-03-02"), ("orders", "2026-08-31")}
    assert found(orders / "2026-08-31.json") == {("orders", "2026-08-31")}
    assert found(orders / "2026-08-31.md") == {("orders", "2026-08-31")}
    assert found(tmp_path / "orders-*") == {a for a in ALL if a[0] == "orders"}
    assert found(f"{tmp_path}/**/2026-0[36]*.json") == {("orders", "2026-03-02"), ("billing", "2026-06-15")}
    assert found(tmp_path.as_uri()) == ALL


def test_a_file_that_two_paths_name_is_read_once(tmp_path: Path) -> None:
    """Also by way of a link."""
    path = write(tmp_path / "here", audit("orders", "2026-08-31"))
    (tmp_path / "there").symlink_to(tmp_path / "here")
    assert len(collect([str(tmp_path / "here"), str(path), str(tmp_path / "there")]).audits) == 1


def test_a_ledger_that_has_lost_its_cards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its service would be missing from the fleet, and nobody would see it."""
    write(tmp_path / "pay", audit("pay", "2026-08-31"))
    alone = tmp_path / "ship" / "audits" / "ship" / "ledger.jsonl"
    alone.parent.mkdir(parents=True)
    alone.write_text('{"schema_version":1,"type":"assigned"}\n')
    assert collect([str(tmp_path)]).unread == ()
    alone.write_text('{"schema_version":1,"type":"filed"}\n')
    said = "it tells of filed cards, and none of them is there; restore them from git"
    assert collect([str(tmp_path)]).unread == (Unread(str(alone), said),)
    assert main(["fleet", str(tmp_path), "--min", "significant-technical-debt"]) == 1
    assert "ledger.jsonl" in capsys.readouterr().out
    with pytest.raises(ValueError, match="none of 1 filed cards can be read; the first is") as caught:
        collect([str(tmp_path / "ship")])
    assert str(caught.value).endswith(f"{alone}: {said}")


def test_a_ledger_in_a_folder_that_can_not_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, and the rest of the fleet is there."""
    write(tmp_path / "pay", audit("pay", "2026-08-31"))
    alone = tmp_path / "ship" / "audits" / "ship" / "ledger.jsonl"
    alone.parent.mkdir(parents=True)
    alone.write_text('{"schema_version":1,"type":"filed"}\n')
    look = Path.is_symlink

    def refused(path: Path) -> bool:
        if path == alone:  # as the system answers who may not enter; a superuser always may
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return look(path)

    monkeypatch.setattr(Path, "is_symlink", refused)
    found = collect([str(tmp_path)])
    assert [a.service for a in found.audits] == ["pay"]
    assert found.unread == (Unread(str(alone), "can't be read: Permission denied"),)


def test_what_does_not_claim_to_be_a_card_is_no_matter(tmp_path: Path) -> None:
    """Other JSON, other files of audits/, hidden folders and those of packages."""
    card = write(tmp_path, audit("orders", "2026-08-31"))
    for name in ("package.json", "audits/index.json", "audits/orders/notes.json", "x/audits/orders/2026-8-1.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"dimensions": [], "broken": ')
    (tmp_path / "audits/orders/ledger.jsonl").write_text("{}\n{}\n")
    for name in (".git", "node_modules"):
        (tmp_path / name / "audits/orders").mkdir(parents=True)
        (tmp_path / name / "audits/orders/2026-01-01.json").write_text("broken")
    assert found(tmp_path) == {("orders", "2026-08-31")}
    card.rename(tmp_path / "any-name.json")
    assert found(tmp_path) == {("orders", "2026-08-31")}


def test_a_card_that_cannot_be_read_is_listed_and_stops_nothing(tmp_path: Path) -> None:
    """Each with its reason, wherever a card belongs or a file begins as one."""
    good = write(tmp_path, audit("orders", "2026-08-31"))
    text = good.read_text("utf-8")
    folder = good.parent
    broken = {
        "2026-01-01.json": (text[:3000], NOT_JSON),
        "2026-01-02.json": ("<<<<<<< HEAD\n" + text, filed.MARKED),
        "2026-01-03.json": ("[" * 200_000, NOT_JSON),
        "2026-01-04.json": ("[]", "no filed card; `backend-audit file` writes them"),
        "2026-01-05-2.json": (
            text.replace('"schema_version": 1', '"schema_version": 2'),
            "a filed card of version 2; this version reads 1",
        ),
        "2026-01-06.json": (
            text.replace('"maximum": 40', '"maximum": "x"'),
            "maximum: Input should be a valid integer",
        ),
        "2026-01-07.json": (text.replace('"level": 2', '"level": 6'), "dimensions: 4.1: a level is 1 to 5, found 6"),
        "2026-01-08.json": (
            text.replace('"level": 2', '"level": 1' + "0" * 60),
            "dimensions: 4.1: a level is 1 to 5, found 1000000000000000000000000000000000000000",
        ),
        "2026-01-14.json": (text.replace('"level": 2', '"level": 1' + "0" * 5000), NOT_JSON),
        "2026-01-09.json": (text.replace('"total": 16', '"total": 41'), "total: 0 to 40, found 41"),
        "2026-01-10.json": (text.replace("2026-08-31T10:00:00Z", "soon"), "instant: no date and time: 'soon'"),
        "2026-01-11.json": (text.replace('"service": "orders"', '"service": " "'), "service: empty"),
        "2026-01-12.json": (text.replace('"id": "4.2"', '"id": "4.1"'), "dimensions: one stands there twice"),
        "2026-01-13.json": (text.replace('"maximum": 40', '"maximum": 99'), "maximum: 0 to 40, found 99"),
        "torn.json": (text[:500], NOT_JSON),
    }
    for name, (content, _) in broken.items():
        (folder / name).write_text(content)
    (folder / "2026-02-01.json").write_bytes(b"\xff" + text.encode())
    (folder / "2026-02-02.json").symlink_to("/etc/passwd")
    os.mkfifo(folder / "2026-02-03.json")
    (folder / "2026-02-04.json").write_bytes(b" " * (filed.LIMIT + 1))
    collected = collect([str(tmp_path)])
    assert [a.place for a in collected.audits] == [str(good)]
    expected = {str(folder / name): reason for name, (_, reason) in broken.items()}
    expected |= {
        str(folder / "2026-02-01.json"): NOT_JSON,
        str(folder / "2026-02-02.json"): "a link; links below a folder are not followed",
        str(folder / "2026-02-03.json"): "no plain file",
        str(folder / "2026-02-04.json"): f"larger than any filed card ({filed.LIMIT} bytes); "
        "`backend-audit file` writes them",
    }
    reasons = {u.place: u.reason for u in collected.unread}
    assert reasons.pop(str(folder / "2026-01-06.json")).startswith(broken["2026-01-06.json"][1])
    del expected[str(folder / "2026-01-06.json")]
    assert reasons == expected


def test_an_unreadable_folder_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what lies beside it is counted."""
    write(tmp_path, audit("orders", "2026-08-31"))
    (tmp_path / "closed").mkdir()
    real = os.scandir

    def scandir(path: str) -> Any:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    collected = collect([str(tmp_path)])
    assert len(collected.audits) == 1
    assert collected.unread == (Unread(str(tmp_path / "closed"), "can't be listed: Permission denied"),)


def test_paths_that_hold_nothing(tmp_path: Path) -> None:
    """One sentence that names the path, also beside another that holds cards."""
    write(tmp_path / "some", audit("orders", "2026-08-31"))
    (tmp_path / "empty").mkdir()
    for path, said in (
        ("empty", f": no filed card is there; {WRITES_THEM}"),
        ("gone", ": there is no such file or folder"),
        ("gone-*", ": matches no file and no folder"),
    ):
        with pytest.raises(ValueError, match=r"\S") as caught:
            collect([str(tmp_path / "some"), str(tmp_path / path)])
        assert str(caught.value) == f"{tmp_path}/{path}{said}"


def test_nothing_but_broken_cards(tmp_path: Path) -> None:
    """Are no fleet."""
    path = write(tmp_path, audit("orders", "2026-08-31"))
    path.write_text("{")
    with pytest.raises(ValueError, match=r"\S") as caught:
        collect([str(tmp_path)])
    assert str(caught.value) == f"none of 1 filed cards can be read; the first is {path}: {NOT_JSON}"


def test_hostile_names_are_kept_as_they_are(tmp_path: Path) -> None:
    """Showing them harmlessly is the formats' part."""
    card = replace(audit("orders", "2026-08-31"), service=EVIL)
    (tmp_path / "card.json").write_text(filed.text(card), "utf-8")
    (one,) = collect([str(tmp_path)]).audits
    assert one.service == EVIL


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda raw: raw, id="as filed"),
        pytest.param(lambda raw: b"\xef\xbb\xbf" + raw, id="byte order mark"),
        pytest.param(lambda raw: raw.replace(b'"maximum": 40', b'"maximum": 40.0'), id="a float"),
        pytest.param(lambda raw: raw.replace(b'"maximum": 40', b'"maximum": "40"'), id="a text"),
        pytest.param(lambda raw: raw.replace(b'"service": "', b'"service": "\\ud800'), id="half a character"),
        pytest.param(lambda raw: raw.replace(b"{\n", b'{\n "new": {"a": [1]},\n', 1), id="a further key"),
        pytest.param(lambda raw: raw.decode().encode("utf-16"), id="UTF-16"),
    ],
)
def test_the_fast_reader_takes_what_the_other_takes(change: Any) -> None:
    """And makes the same of it."""
    raw = change(filed.text(audit("orders", "2026-08-31", fails="hit-rate")).encode())
    assert cards.reader()(raw, "card.json") == filed.parse(raw, "card.json")


def test_without_the_extra_the_other_reader_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slower, and the same."""
    _without(monkeypatch, "msgspec")
    assert cards.reader() is filed.parse


@pytest.fixture
def store() -> Iterator[str]:
    """A store in memory, empty before and after."""
    system = fsspec.filesystem("memory")
    system.rm("/fleet", recursive=True) if system.exists("/fleet") else None
    system.makedirs("/fleet")
    yield "memory://fleet"
    system.rm("/fleet", recursive=True)


def test_an_object_store(store: str) -> None:
    """All below a prefix, one object, a pattern; the same bounds and reasons as of files."""
    system = fsspec.filesystem("memory")
    text = filed.text(audit("orders", "2026-08-31")).encode()
    system.pipe("/fleet/a/audits/orders/2026-08-31.json", text)
    system.pipe("/fleet/cards/search.json", filed.text(audit("search", "2026-10-05")).encode())
    system.pipe("/fleet/other.json", b"{}")
    system.pipe("/fleet/.old/audits/orders/2020-01-01.json", b"broken")
    system.pipe("/fleet/node_modules/audits/orders/2020-01-01.json", b"broken")
    system.pipe("/fleet/a/audits/orders/2026-01-01.json", b"")
    system.pipe("/fleet/a/audits/orders/2026-01-02.json", b" " * (filed.LIMIT + 100))
    collected = collect([store])
    assert sorted((a.service, a.place) for a in collected.audits) == [
        ("orders", "memory:///fleet/a/audits/orders/2026-08-31.json"),
        ("search", "memory:///fleet/cards/search.json"),
    ]
    assert collected.unread == (
        Unread("memory:///fleet/a/audits/orders/2026-01-01.json", NOT_JSON),
        Unread(
            "memory:///fleet/a/audits/orders/2026-01-02.json",
            f"larger than any filed card ({filed.LIMIT} bytes); `backend-audit file` writes them",
        ),
    )
    assert found(f"{store}/cards/*") == {("search", "2026-10-05")}
    assert found(f"{store}/a/audits/orders/2026-08-31.json") == {("orders", "2026-08-31")}
    assert found(f"{store}/a*/audits/*/2026-08*") == {("orders", "2026-08-31")}


def test_no_ledger_is_read_in_a_store(store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So what was changed there counts, which the table, the page and the numbers say."""
    system = fsspec.filesystem("memory")
    for number, service in enumerate(("orders", "search"), 1):
        asked = ["fleet", store, "--as-of", "2026-11-29", "--min", "significant-technical-debt"]
        text = filed.text(audit(service, "2026-08-31")).encode()
        system.pipe(f"/fleet/audits/{service}/2026-08-31.json", text)
        assert main([*asked, "-o", str(tmp_path / "page.html")]) == 0
        out = " ".join(capsys.readouterr().out.split())
        said = f"{words.several(number, 'card')} at URLs, where no ledger is read: one that was changed counts as it is"
        assert f"Held to no ledger: {said}" in out
        assert f"<li>held to no ledger: {said}</li>" in (tmp_path / "page.html").read_text("utf-8")
        assert main([*asked, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["counts"]["at_urls"] == number


def test_a_store_is_asked_for_a_bounded_number_of_bytes_at_once() -> None:
    """As all of them stand in memory; a file counts for what is read of it, all of that where its size is not told."""
    sizes: dict[str, int | None] = dict.fromkeys("abcdef", filed.LIMIT)
    assert list(batches(sizes)) == [["a", "b", "c", "d"], ["e", "f"]]
    assert list(batches({**sizes, "b": None})) == [["a", "b", "c"], ["d", "e", "f"]]
    assert list(batches({"a": 10**12, "b": 10**12, "c": 1})) == [["a", "b", "c"]]
    assert [len(b) for b in batches({f"{n}": 1 for n in range(130)})] == [64, 64, 2]
    assert list(batches({})) == []


def test_more_objects_than_are_asked_for_at_once(store: str) -> None:
    """None is lost between two batches."""
    system = fsspec.filesystem("memory")
    days = [f"2026-{month:02}-{day:02}" for month in range(1, 7) for day in range(1, 28)]
    for day in days:
        system.pipe(f"/fleet/audits/orders/{day}.json", filed.text(audit("orders", day)).encode())
    assert found(store) == {("orders", day) for day in days}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory://nowhere", "memory://nowhere: there is no such file or folder"),
        ("nope://x", "nope://x: can't be listed: Protocol not known: nope"),
        (
            "s3://bucket/prefix",
            's3://bucket/prefix: its driver is not installed: pip install "pytest-backend-audit[fleet]" s3fs',
        ),
        ("nope://x?sig=abcdef&a=1", "nope://x?sig=[redacted]&a=1: can't be listed: Protocol not known: nope"),
        (
            "gs://me:secret@bucket/prefix",
            "gs://me:[redacted]@bucket/prefix: its driver is not installed: "
            'pip install "pytest-backend-audit[fleet]" gcsfs',
        ),
    ],
)
def test_a_store_that_is_not_there(url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the way out, without the URL's secrets."""
    _without(monkeypatch, "s3fs", "gcsfs")
    with pytest.raises(ValueError, match=r"\S") as caught:
        collect([url])
    assert str(caught.value) == said


def test_without_fsspec(monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL needs the extra, and the message says how to get it."""
    _without(monkeypatch, "fsspec")
    with pytest.raises(ValueError, match=r"\S") as caught:
        collect(["s3://bucket"])
    assert str(caught.value) == (
        "s3://bucket: object stores are read by fsspec, which is not installed: "
        'pip install "pytest-backend-audit[fleet]"'
    )


def test_equal_parts_of_cards_are_kept_once(tmp_path: Path) -> None:
    """Ten thousand cards have most of their criteria and findings in common."""
    for day in ("2026-08-30", "2026-08-31"):
        write(tmp_path, audit("orders", day, fails="hit-rate"))
    one, other = collect([str(tmp_path)]).audits
    for a, b in zip((*one.criteria, *one.dimensions), (*other.criteria, *other.dimensions), strict=True):
        assert a is b


def _without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Let these packages not be installed."""
    for name in packages:
        monkeypatch.setitem(sys.modules, name, None)

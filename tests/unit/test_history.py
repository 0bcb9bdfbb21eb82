"""Earlier runs are read from what they left behind, however little that is, and never removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.scoring.scoring_cases import SEALED, check, failed, inputs, passed

from pytest_backend_audit import document, filed, finished, history
from pytest_backend_audit.document import rotation
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.journal import Writer, read_run
from pytest_backend_audit.model import (
    Attempt,
    Document,
    Failure,
    FiledCard,
    FiledCheck,
    FiledDimension,
    Outcome,
    PriorCheck,
    Status,
)
from pytest_backend_audit.priors import joined

SHA = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
OTHER = "9" * 40


def card(commit: str = SHA, *checks: tuple[str, str, int], **changes: Any) -> dict[str, Any]:
    """A scorecard.json with what is read of it."""
    results = [{"check": {"id": i}, "outcome": o, "limit": n, "carried": ""} for i, o, n in checks]
    data = {
        "mode": "formal",
        "instant": "2026-11-24T08:00:00.000Z",
        "document": {"commit": commit},
        "partial": [],
        "invalid": "",
        "total": 23,
        "maximum": 40,
        "disposition": {"id": "conditional-production", "name": "Conditional production"},
        "dimensions": [{"id": "4.1", "level": 3, "would_be": 4, "criteria": [{"id": "a", "checks": results}]}],
    }
    return data | changes


def leave_card(folder: Path, data: dict[str, Any]) -> Path:
    """A run folder with that card."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scorecard.json").write_text(json.dumps(data))
    return folder


def leave_journal(folder: Path, *failing: str, commit: str = SHA) -> Path:
    """A run folder whose run was killed after these checks had failed."""
    checks = [check(i, n) for i, n in (("a", 3), ("b", 5), ("c", 2))]
    writer = Writer(folder)
    writer.start(inputs(checks, instant="2026-11-24T07:00:00.000Z", document=Document(commit=commit)))
    for name in failing:
        writer.attempt(Attempt(check=name, instance=name, status=Status.FAILED, reason="no index"))
    writer.attempt(Attempt(check="c", instance="c", status=Status.PASSED))
    writer.close()
    return folder


def test_no_report_folder_is_no_earlier_run(tmp_path: Path) -> None:
    """The first run has number 1, and its folder is made."""
    assert history.earlier(tmp_path / "audit-report", SHA) == history.Earlier()
    assert document.rotate(tmp_path / "audit-report") == 1
    assert [p.name for p in (tmp_path / "audit-report").iterdir()] == [".running"]


def test_runs_of_this_commit_are_listed_with_what_they_found(tmp_path: Path) -> None:
    """The latest and the earlier ones, in their order; runs of other commits are not."""
    part = card(SHA, ("a", "passed", 5), total=None, partial=["-k"], disposition=None)
    part["dimensions"].append({"id": "4.2", "level": 1, "would_be": 1, "criteria": [{"id": "b", "checks": []}]})
    leave_card(tmp_path / "earlier" / "001-1a2b3c4", part)
    leave_card(tmp_path / "earlier" / "002-9999999", card(OTHER))
    leave_journal(tmp_path / "earlier" / "003-1a2b3c4", "b")
    leave_card(tmp_path / "earlier" / "004-1a2b3c4", card(invalid="the build changed"))
    leave_card(tmp_path, card(mode="rehearsal"))
    assert history.earlier(tmp_path, SHA).lines == (
        "run 001-1a2b3c4, 2026-11-24T08:00:00.000Z, formal: partial, 4.1 L4",
        "run 003-1a2b3c4, 2026-11-24T07:00:00.000Z, formal: cut short, 1 failed by then",
        "run 004-1a2b3c4, 2026-11-24T08:00:00.000Z, formal: invalid",
        "run 005-1a2b3c4, 2026-11-24T08:00:00.000Z, rehearsal: total 23 of 40, Conditional production",
    )


def test_outside_git_nothing_is_earlier(tmp_path: Path) -> None:
    """Without a commit there is nothing to compare."""
    leave_card(tmp_path, card(""))
    assert history.earlier(tmp_path, "") == history.Earlier()


def test_a_failure_at_this_commit_is_remembered_with_its_lowest_limit(tmp_path: Path) -> None:
    """Whatever passed before or after: the same code failed once."""
    leave_card(tmp_path / "earlier" / "001-1a2b3c4", card(SHA, ("a", "failed", 2), ("b", "passed", 5)))
    leave_card(tmp_path / "earlier" / "002-1a2b3c4", card(SHA, ("a", "failed", 1), ("b", "could-not-run", 2)))
    leave_card(tmp_path / "earlier" / "003-1a2b3c4", card(SHA, ("a", "passed", 5)))
    assert history.earlier(tmp_path, SHA).checks == {"a": PriorCheck(Outcome.FAILED, 1, "earlier run 002-1a2b3c4")}


def test_a_carried_failure_stays_a_failure(tmp_path: Path) -> None:
    """A check that could not run twice in a row has not got better."""
    data = card(SHA, ("a", "could-not-run", 1))
    data["dimensions"][0]["criteria"][0]["checks"][0]["carried"] = "prior audit 2026-08-01"
    assert history.load_prior(leave_card(tmp_path, data)).checks["a"].outcome is Outcome.FAILED


def test_failures_of_a_killed_run_are_read_from_its_journal(tmp_path: Path) -> None:
    """Killing a run before it has a card forgets nothing; the torn last line is passed over."""
    leave_journal(tmp_path, "a", "b")
    with (tmp_path / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"n":5,"prev":"')
    assert history.earlier(tmp_path, SHA).checks == {
        "a": PriorCheck(Outcome.FAILED, 2, "earlier run 001-1a2b3c4"),
        "b": PriorCheck(Outcome.FAILED, 4, "earlier run 001-1a2b3c4"),
    }


@pytest.mark.parametrize(
    "garbage",
    [
        *(b"", b"\xff\xfe", b"[]", b'{"dimensions": 3}', b"[" * 100_000, b'{"document": {"commit": 3}}'),
        b'{"dimensions": [{"id": "4.1", "would_be": 1e999}]}',
    ],
    ids=["empty", "binary", "list", "number", "deep", "number-commit", "number-without-end"],
)
def test_garbage_is_listed_and_stops_nothing(tmp_path: Path, garbage: bytes) -> None:
    """A run of this commit that can't be read may have found something; others are passed over."""
    for name in ("001-1a2b3c4", "002-9999999"):
        folder = tmp_path / "earlier" / name
        folder.mkdir(parents=True)
        (folder / "scorecard.json").write_bytes(garbage)
        (folder / "journal.jsonl").write_bytes(garbage)
    (tmp_path / "earlier" / "notes").mkdir()
    assert history.earlier(tmp_path, SHA) == history.Earlier(("run 001-1a2b3c4: can't be read",), {})
    assert document.rotate(tmp_path) == 3


def test_a_prior_audit_gives_levels_before_the_cap(tmp_path: Path) -> None:
    """From a run folder and from the file alone."""
    leave_card(tmp_path, card(SHA, ("a", "failed", 2), ("b", "passed", 5)))
    source = "prior audit 2026-11-24 of 1a2b3c4 (without its journal)"
    plain = source.partition(" (")[0]
    expected = history.Prior(
        {"4.1": 4},
        {"a": PriorCheck(Outcome.FAILED, 2, plain), "b": PriorCheck(Outcome.PASSED, 5, plain)},
        source,
    )
    assert history.load_prior(tmp_path) == expected
    assert history.load_prior(str(tmp_path / "scorecard.json")) == expected


@pytest.mark.parametrize(
    ("changes", "remark", "kind"),
    [
        ({"partial": ["-k"]}, "partial, ", "a partial run"),
        ({"mode": "rehearsal"}, "rehearsal, ", "a rehearsal"),
        ({"invalid": "the build changed"}, "", "an invalid run"),
    ],
)
def test_a_prior_audit_that_was_none(tmp_path: Path, changes: dict[str, Any], remark: str, kind: str) -> None:
    """A rehearsal is compared with it, and its head says what it is; a formal audit is not."""
    prior = leave_card(tmp_path, card(**changes))
    assert history.load_prior(prior).source == f"prior audit 2026-11-24 of 1a2b3c4 ({remark}without its journal)"
    message = (
        f"^--audit-prior={prior}: {kind}, and a formal audit is compared with a whole formal one; name one, or leave "
        "the option out$"
    )
    with pytest.raises(AuditUsageError, match=message):
        history.load_prior(prior, formal=True)


def leave_run(folder: Path, reason: str = "no index", **fields: Any) -> Path:
    """The folder of a run that ended, of whose two checks one failed."""
    writer = Writer(folder)
    plan = [check("a::test_a", 3), check("a::test_b", 3)]
    writer.start(inputs(plan, instant="2026-11-24T08:00:00.000Z", document=Document(commit=SHA), **fields))
    writer.attempt(failed("a::test_a", reason=reason))
    writer.attempt(passed("a::test_b"))
    writer.seal(SEALED)
    return folder


def test_a_run_is_told_of_by_its_journal(tmp_path: Path) -> None:
    """Whatever was written into the card beside it."""
    edited = card(SHA, ("a::test_a", "passed", 5))
    leave_card(leave_run(tmp_path), edited)
    assert history.earlier(tmp_path, SHA).checks == {
        "a::test_a": PriorCheck(Outcome.FAILED, 2, "earlier run 001-1a2b3c4")
    }
    source = "prior audit 2026-11-24 of 1a2b3c4"
    for named in (tmp_path, tmp_path / "scorecard.json", tmp_path / "scorecard.md"):
        prior = history.load_prior(named, formal=True)
        assert (prior.source, prior.levels["4.1"]) == (source, 2)
        assert prior.checks == {
            "a::test_a": PriorCheck(Outcome.FAILED, 2, source),
            "a::test_b": PriorCheck(Outcome.PASSED, 5, source),
        }


def test_an_altered_run_is_no_prior_audit(tmp_path: Path) -> None:
    """It is still an earlier run of its commit, with the failures that its lines tell of."""
    journal = leave_run(tmp_path) / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"no index", b"an index"))
    with pytest.raises(AuditUsageError, match=f"^--audit-prior={tmp_path}: the run was altered: {journal}:2: "):
        history.load_prior(tmp_path)
    found = history.earlier(tmp_path, SHA)
    assert found.lines == (
        "run 001-1a2b3c4, 2026-11-24T08:00:00.000Z, formal: can't be read, line 2: this line was "
        "changed: its hash does not fit its text",
    )
    assert found.checks == {"a::test_a": PriorCheck(Outcome.FAILED, 2, "earlier run 001-1a2b3c4")}


def test_a_run_whose_journal_can_not_be_read(tmp_path: Path) -> None:
    """Its card has a word, and the line says whose word it is."""
    leave_card(leave_run(tmp_path), card(SHA, ("a::test_a", "failed", 1)))
    (tmp_path / "journal.jsonl").write_bytes(b"\xff")
    found = history.earlier(tmp_path, SHA)
    assert found.lines[0].endswith("total 23 of 40, Conditional production, by a card whose journal can't be read")
    assert found.checks["a::test_a"].limit == 1


def filed_card(folder: Path, name: str = "2026-11-24", **changes: Any) -> Path:
    """A filed card, its Markdown beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    checks = [
        ("a", Outcome.FAILED, 2, False),
        ("b", Outcome.COULD_NOT_RUN, 1, True),
        ("c", Outcome.PASSED, 5, False),
    ]
    made = FiledCard(
        service="orders",
        environment="prod",
        environment_kind="prod",
        commit=SHA,
        instant="2026-11-24T08:00:00.000Z",
        lead_auditor="Ada",
        second_reviewer="",
        standard="default",
        basis="the standard",
        plugin_version="0.1.0",
        dimensions=tuple(FiledDimension(f"4.{n}", "Name", 3, 4 if n == 1 else 3, 5, "1") for n in range(1, 9)),
        checks=tuple(
            FiledCheck(id_, "4.1", id_, 3, outcome, limit, carried) for id_, outcome, limit, carried in checks
        ),
        findings=(),
        total=23,
        maximum=40,
        minimum=3,
        disposition="conditional-production",
        disposition_name="Conditional production",
    )
    (folder / f"{name}.md").write_text("# Backend systems audit")
    file = folder / f"{name}.json"
    file.write_text(filed.text(replace(made, **changes)))
    return file


def test_a_filed_card_is_a_prior_audit(tmp_path: Path) -> None:
    """By the name of its JSON or of its Markdown; a failure that it carried over is still one."""
    file = filed_card(tmp_path)
    source = "prior audit 2026-11-24 of 1a2b3c4"
    expected = history.Prior(
        {"4.1": 4} | {f"4.{n}": 3 for n in range(2, 9)},
        {
            "a": PriorCheck(Outcome.FAILED, 2, source),
            "b": PriorCheck(Outcome.FAILED, 1, source),
            "c": PriorCheck(Outcome.PASSED, 5, source),
        },
        source,
        "orders",
    )
    assert history.load_prior(file) == expected
    assert history.load_prior(file.with_suffix(".md")) == expected


def test_a_failure_that_stands_is_told_to_later_audits(tmp_path: Path) -> None:
    """With its own limit, however low the present one is; cards of older versions tell of none, and read."""
    file = filed_card(tmp_path)
    checks = (
        FiledCheck("a", "4.1", "a", 5, Outcome.COULD_NOT_RUN, 2, stands=Failure(Outcome.FAILED, 4)),
        FiledCheck("b", "4.1", "b", 5, Outcome.BROKEN, 1, stands=Failure(Outcome.UNSUPPORTED, 1)),
    )
    file.write_text(filed.text(replace(filed.read(file), checks=checks)))
    told = [(id_, known.outcome, known.limit) for id_, known in history.load_prior(file).checks.items()]
    assert told == [("a", Outcome.FAILED, 4), ("b", Outcome.UNSUPPORTED, 1)]
    assert {id_: c.limit for id_, c in history.earlier(tmp_path / "none", SHA, {file: ""}).checks.items()} == {"a": 4}
    data = json.loads(file.read_text())
    for one in data["checks"]:
        del one["stands"]
    file.write_text(json.dumps(data))
    told = [(id_, known.outcome, known.limit) for id_, known in history.load_prior(file).checks.items()]
    assert told == [("a", Outcome.COULD_NOT_RUN, 2), ("b", Outcome.BROKEN, 1)]


def test_filed_runs_of_the_commit_are_earlier_ones(tmp_path: Path) -> None:
    """One that was filed twice, unsigned and signed, counts as it stood last; one still here is told of once."""
    audits = tmp_path / "audits"
    files = [
        filed_card(audits),
        filed_card(audits, "2026-11-24-2", total=25),
        filed_card(audits, "2026-11-25", commit=OTHER, instant="2026-11-25T08:00:00.000Z"),
    ]
    as_filed = {file: [filed.digest(file.read_bytes())] for file in files}
    report = tmp_path / "audit-report"
    source = "earlier run filed as 2026-11-24-2"
    found = history.earlier(report, SHA, as_filed)
    assert found.lines == (
        "run filed as 2026-11-24-2, 2026-11-24T08:00:00.000Z, formal: total 25 of 40, Conditional production",
    )
    assert found.checks == {
        "a": PriorCheck(Outcome.FAILED, 2, source),
        "b": PriorCheck(Outcome.FAILED, 1, source),
    }
    leave_card(report, card(SHA))
    assert history.earlier(report, SHA, as_filed).lines == (
        "run 001-1a2b3c4, 2026-11-24T08:00:00.000Z, formal: total 23 of 40, Conditional production",
    )


def test_a_scorecard_in_a_filed_card_s_place(tmp_path: Path) -> None:
    """Nobody filed it, so that nothing it tells counts."""
    file = leave_card(tmp_path, card(SHA)).joinpath("scorecard.json").rename(tmp_path / "2026-11-24.json")
    assert history.load_prior(file).source.endswith(" (without its journal)")
    with pytest.raises(AuditUsageError, match=r"2026-11-24\.json: no scorecard of ours; as a filed card, "):
        history.load_prior(file, digests=["of another"])


def test_a_filed_card_that_was_changed(tmp_path: Path) -> None:
    """By its digest when it was filed; other ends of lines, or a formatter's layout, are no change."""
    file = filed_card(tmp_path)
    raw = file.read_bytes()
    digests = [filed.digest(raw), filed.content_digest(raw), "of another branch"]
    for same in (raw.replace(b"\n", b"\r\n"), json.dumps(json.loads(raw), indent=4, sort_keys=True).encode()):
        file.write_bytes(same)
        assert history.load_prior(file, digests=digests).levels["4.1"] == 4
    file.write_bytes(raw.replace(b'"failed"', b'"passed"'))
    message = rf"^{file}: changed since it was filed, by the ledger beside it; restore it from git$"
    with pytest.raises(AuditUsageError, match=message):
        history.load_prior(file, digests=digests)
    assert history.earlier(tmp_path / "none", SHA, {file: digests, tmp_path / "2026-11-25.json": ""}).lines == (
        "run filed as 2026-11-24: changed since it was filed, by the ledger beside it; restore it from git",
        "run filed as 2026-11-25: can't be read: No such file or directory",
    )


def test_a_merge_is_told_of_by_the_journals_of_its_runs(tmp_path: Path) -> None:
    """Whatever was written into the card of the whole."""
    source = leave_run(tmp_path / "sources" / "01")
    named = [finished.Source("sources/01", read_run(source).head, "prod")]
    (tmp_path / "merge.json").write_text(finished.merge_text(named), "utf-8")
    leave_card(tmp_path, card(SHA, ("a::test_a", "passed", 5)))
    assert history.earlier(tmp_path, SHA).checks == {
        "a::test_a": PriorCheck(Outcome.FAILED, 2, "earlier run 001-1a2b3c4")
    }
    (source / "journal.jsonl").write_bytes(b"")
    (line,) = history.earlier(tmp_path, SHA).lines
    assert line.endswith(", by a card whose journal can't be read")


def test_a_prior_audit_that_is_not_there(tmp_path: Path) -> None:
    """Each lack has its message."""
    with pytest.raises(AuditUsageError, match=r"=nosuch: there is no run folder, scorecard.json or filed card"):
        history.load_prior("nosuch")
    (tmp_path / "scorecard.json").write_text("{}")
    with pytest.raises(AuditUsageError, match=r": its scorecard.json is no scorecard of ours; name a run folder$"):
        history.load_prior(tmp_path)
    with pytest.raises(AuditUsageError, match=r": no scorecard of ours; as a filed card, .*no filed card; "):
        history.load_prior(tmp_path / "scorecard.json")
    killed = leave_journal(tmp_path / "killed")
    assert history.load_prior(killed).checks["c"].outcome is Outcome.UNSUPPORTED
    with pytest.raises(AuditUsageError, match=r": a run that did not end, and a formal audit is compared with a"):
        history.load_prior(killed, formal=True)


def test_joined_records_keep_the_lowest_failure() -> None:
    """A pass at this commit does not wash away the prior audit's failure."""
    failed, worse = PriorCheck(Outcome.FAILED, 2, "prior"), PriorCheck(Outcome.FAILED, 1, "earlier")
    passed = PriorCheck(Outcome.PASSED, 5, "earlier")
    assert joined({"a": failed, "b": failed}, {"a": passed, "b": worse}) == {"a": failed, "b": worse}
    assert joined({"a": passed}, {"a": failed}) == {"a": failed}


def test_a_run_moves_as_a_whole(tmp_path: Path) -> None:
    """Journal, evidence and reports move together under the next number and the run's own SHA."""
    leave_journal(tmp_path, commit=OTHER)
    (tmp_path / "evidence" / "ab").write_text("1")
    (tmp_path / "scorecard.html").write_text("<html>")
    (tmp_path / "earlier" / "007-1a2b3c4").mkdir(parents=True)
    assert document.rotate(tmp_path) == 9
    moved = tmp_path / "earlier" / "008-9999999"
    assert sorted(p.name for p in moved.iterdir()) == ["evidence", "journal.jsonl", "scorecard.html"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [".running", "earlier"]
    assert document.rotate(tmp_path) == 9


def test_a_run_without_a_commit_moves_too(tmp_path: Path) -> None:
    """Rehearsals outside git."""
    leave_journal(tmp_path, commit="")
    assert document.rotate(tmp_path) == 2
    assert (tmp_path / "earlier" / "001-none" / "journal.jsonl").is_file()


def test_what_a_killed_rotation_left_moves_next_time(tmp_path: Path) -> None:
    """Reports without their journal are no reason to refuse the folder, once it is one of ours."""
    (tmp_path / "earlier").mkdir()
    (tmp_path / "junit.xml").write_text("")
    assert document.rotate(tmp_path) == 2
    assert (tmp_path / "earlier" / "001-none" / "junit.xml").is_file()


def test_a_folder_of_others_is_not_touched(tmp_path: Path) -> None:
    """A mistyped --audit-report moves nobody's files."""
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(AuditUsageError) as caught:
        document.rotate(tmp_path)
    assert str(caught.value) == (
        f"--audit-report={tmp_path}: the folder holds thesis.tex and no run of an audit; "
        "nothing is touched there. Give the report a folder of its own"
    )
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_report_folder(tmp_path: Path) -> None:
    """Also where a folder above it is one."""
    (tmp_path / "report").write_text("")
    for path in (tmp_path / "report", tmp_path / "report" / "below"):
        with pytest.raises(AuditUsageError) as caught:
            document.rotate(path)
        assert str(caught.value) == f"--audit-report={path}: that is a file; name a folder"


def test_a_folder_that_can_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message; root may write everywhere, so the refusal is the system call's own."""
    leave_journal(tmp_path)

    def refuse(path: Path, target: Path) -> Path:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(AuditUsageError, match=r"can't be made ready: Permission denied; make it writable, or name"):
        document.rotate(tmp_path)


def test_two_runs_at_once(tmp_path: Path) -> None:
    """The folder is the first one's until its process ends, even by a kill; the second one is refused."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom pytest_backend_audit import document\n"
        "document.rotate(Path(sys.argv[1]))\nprint('held', flush=True)\nsys.stdin.read()\n"
    )
    argv = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        leave_journal(tmp_path)
        with pytest.raises(AuditUsageError, match=r"another audit is writing there; wait for it, or give this one"):
            document.rotate(tmp_path)
        assert (tmp_path / "journal.jsonl").is_file()
        first.kill()
    assert document.rotate(tmp_path) == 2


def test_a_number_is_claimed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the next number's folder appears in between, the run takes the one after."""
    leave_journal(tmp_path)
    (tmp_path / "earlier" / "001-1a2b3c4").mkdir(parents=True)
    monkeypatch.setattr(rotation, "next_number", lambda _: 1)
    document.rotate(tmp_path)
    assert (tmp_path / "earlier" / "002-1a2b3c4" / "journal.jsonl").is_file()


def test_what_the_prior_audit_knew_of_stays_known() -> None:
    """Also where an earlier run at the same SHA has the word: a second run of a commit finds nothing new."""
    prior = {
        "a": PriorCheck(Outcome.FAILED, 1, "prior audit 2026-08-01"),
        "b": PriorCheck(Outcome.PASSED, 5, "prior audit"),
    }
    earlier = {name: PriorCheck(Outcome.FAILED, 1, "earlier run 001-1a2b3c4") for name in "ab"}
    for first, second in ((prior, earlier), (earlier, prior)):
        both = joined(first, second)
        assert {name: (check.outcome, check.known) for name, check in both.items()} == {
            "a": (Outcome.FAILED, True),
            "b": (Outcome.FAILED, False),
        }

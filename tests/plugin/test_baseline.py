"""What one audit keeps, and the next finds by --audit-prior."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from unit.cli.command import backend_audit

from pytest_backend_audit.journal import read_run

KEEPING = """
@audit(dimension="4.1", level=3)
def test_rows(audit_baseline, audit_evidence):
    audit_evidence.keep("rows", {"orders": NOW})
    if audit_baseline is None:
        raise CouldNotRun("nothing to compare with")
    before = audit_baseline.kept["rows"]["orders"]
    assert before == NOW, f"{before} in the {audit_baseline.source}, now NOW"


@audit(dimension="4.1", level=3)
def test_nothing_kept(audit_baseline, audit_evidence):
    audit_evidence.command("true", "")
    assert audit_baseline is None or not audit_baseline.kept
"""
LATE = """
import pathlib, time

def pytest_configure(config):
    give_up = time.monotonic() + 30
    while getattr(config, "workerinput", {}).get("workerid") == "LATE":
        if any(pathlib.Path("audit-report").glob("earlier/*/journal.jsonl")) or time.monotonic() > give_up:
            break
        time.sleep(0.01)
"""
NOTHING = "nothing to compare with"


def keeping(project, number: int) -> None:
    """The suite, of which the number of rows has become this."""
    project.suite(KEEPING.replace("NOW", str(number)))


def reason(project) -> str:
    """Why the check failed, or could not run."""
    return next(a.reason for a in project.record().attempts if a.instance.endswith("test_rows"))


def moved(project) -> str:
    """The report folder of the latest run, kept under a name of its own."""
    (project.path / "audit-report").rename(project.path / "prior")
    return "--audit-prior=prior"


def test_a_check_finds_what_it_kept(project, workers) -> None:
    """Also where it could not run for want of it; in workers, too."""
    keeping(project, 7)
    project.commit()
    project.run("--audit", *workers)
    assert project.statuses() == {"test_rows": "could-not-run", "test_nothing_kept": "passed"}
    prior = moved(project)
    project.run("--audit", prior, *workers)
    assert project.statuses() == {"test_rows": "passed", "test_nothing_kept": "passed"}
    keeping(project, 8)
    day = project.record().inputs.instant[:10]
    project.run("--audit", prior, *workers)
    commit = project.git("rev-parse", "--short=7", "HEAD")
    assert reason(project).startswith(f"7 in the prior audit {day} of {commit} (rehearsal), now 8")


def test_the_report_folder_of_before_may_be_the_prior(project, workers) -> None:
    """Though it is moved away before the checks begin."""
    keeping(project, 7)
    project.run("--audit")
    for _ in range(2):
        project.run("--audit", "--audit-prior=audit-report", *workers)
        assert project.statuses()["test_rows"] == "passed"


@pytest.mark.parametrize("late", ["gw0", "gw1"])
def test_a_worker_that_starts_late_finds_it_too(project, late) -> None:
    """By then the other one has collected, and the report folder of before has been moved away."""
    keeping(project, 7)
    project.run("--audit")
    (project.path / "conftest.py").write_text(LATE.replace("LATE", late), "utf-8")
    project.run("--audit", "--audit-prior=audit-report", "-n2")
    assert project.statuses() == {"test_rows": "passed", "test_nothing_kept": "passed"}


def test_a_card_has_a_baseline_where_its_journal_lies_beside_it(project) -> None:
    """A card by itself has levels to compare with, and no evidence."""
    keeping(project, 7)
    project.run("--audit")
    moved(project)
    project.run("--audit", "--audit-prior=prior/scorecard.json")
    assert project.statuses()["test_rows"] == "passed"
    (project.path / "prior" / "card.json").write_bytes((project.path / "prior" / "scorecard.json").read_bytes())
    project.run("--audit", "--audit-prior=prior/card.json")
    assert reason(project) == NOTHING


def test_an_altered_prior_audit_is_none(project) -> None:
    """The audit does not begin, and says what is wrong with it."""
    keeping(project, 7)
    project.run("--audit")
    prior = moved(project)
    journal = project.path / "prior" / "journal.jsonl"
    journal.write_text(journal.read_text("utf-8").replace('{\\"orders\\": 7}', '{\\"orders\\": 9}'), "utf-8")
    result = project.run("--audit", prior)
    assert result.ret == 4
    assert result.errlines == [
        "ERROR: --audit-prior=prior: the run was altered: prior/journal.jsonl:3: this line was changed: its hash does "
        "not fit its text",
        "",
    ]


def test_what_was_redacted_or_cut_is_lost_and_told(project) -> None:
    """By its name; the rest is there."""
    project.suite("""
@audit(dimension="4.1", level=3)
def test_kept(audit_baseline, audit_evidence):
    audit_evidence.keep("large", "x" * 70_000)
    audit_evidence.keep("small", [1, None, "two"])
    if audit_baseline:
        assert (dict(audit_baseline.kept), audit_baseline.lost) == ({"small": [1, None, "two"]}, ("large",))
        assert [piece.title for piece in audit_baseline.evidence] == ["large", "small"]
""")
    project.run("--audit")
    project.run("--audit", moved(project))
    assert project.statuses() == {"test_kept": "passed"}


@pytest.mark.parametrize("value", ["{1, 2}", "float('nan')"])
def test_what_has_no_form_in_json_is_a_mistake_of_the_check(project, value: str) -> None:
    """Told where it is kept, not where it is missed."""
    project.suite(f"""
@audit(dimension="4.1", level=3)
def test_kept(audit_evidence):
    audit_evidence.keep("odd", {value})
""")
    project.run("--audit")
    assert project.statuses() == {"test_kept": "broken"}


def test_a_check_off_audit_never_reads_it(project) -> None:
    """It is skipped, whatever --audit-prior would be."""
    keeping(project, 7)
    assert json.dumps(project.run().parseoutcomes()) == '{"skipped": 2}'


FILING = """\
version: 1
service: orders
environment: prod
lead_auditor: Ada
second_reviewer: Grace
distribution: team
prior_audit: none
runbook: runbook.md
owners: {OWNERS}
suites: none
incidents: []
"""


def test_what_was_kept_is_filed_and_found(project, workers) -> None:
    """The audit after it finds it by itself, when the run folder is long gone; so it does if the card is named."""
    keeping(project, 7)
    project.config(FILING.replace("OWNERS", ", ".join(f"'4.{n}': Ada" for n in range(1, 9))))
    (project.path / "runbook.md").write_text("Audits lie in audits/orders/.\n", "utf-8")
    project.commit()
    project.run("--audit-sha=HEAD", *workers)
    done = backend_audit("file", "audit-report", "--who", "Ada", cwd=project.path)
    assert done.returncode == 0, done.stderr
    (kept,) = project.path.glob("audits/orders/*.kept.jsonl")
    assert kept.read_text("utf-8") == '{"check":"test_checks.py::test_rows","name":"rows","value":{"orders":7}}\n'
    shutil.rmtree(project.path / "audit-report")
    for prior in ([], [f"--audit-prior={kept.with_name(kept.name.replace('.kept.jsonl', '.md'))}"]):
        project.run("--audit", *prior, *workers)
        assert project.statuses() == {"test_rows": "passed", "test_nothing_kept": "passed"}
    kept.write_text(kept.read_text().replace("7", "9"))
    project.run("--audit")
    assert reason(project) == NOTHING
    (told,) = [n for n in project.record().inputs.notices if "compared with no prior audit" in n]
    assert told.endswith(f"/{kept.name}: changed since it was filed, by the ledger beside it; restore it from git")
    result = project.run("--audit", f"--audit-prior={kept.with_name(kept.name.replace('.kept.jsonl', '.md'))}")
    assert (
        result.ret,
        result.errlines[0].endswith(": changed since it was filed, by the ledger beside it; restore it from git"),
    ) == (4, True)


def test_a_merge_has_what_its_runs_kept(project) -> None:
    """The value of the last run that looked."""
    keeping(project, 7)
    project.config()
    project.commit()
    project.run("--audit-sha=HEAD", "--audit-report=audit-report/one")
    # In a process of its own: pytester makes this one forget modules.
    merge = "import sys; from pytest_backend_audit.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", merge, "merge", "audit-report/one", "-o", "audit-report/merged"]
    subprocess.run(command, cwd=project.path, check=True, capture_output=True)
    project.run("--audit", "--audit-prior=audit-report/merged", "--audit-report=audit-report/two")
    found = read_run(project.path / "audit-report/two")
    assert [a.status.value for a in found.attempts] == ["passed", "passed"]

"""Real formal runs, joined by ``backend-audit merge``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

DIMENSIONS = tuple(f"4.{n}" for n in range(1, 9))
CONFIG = """\
version: 1
service: orders
environments:
  prod: {kind: prod}
  stage: {kind: stage}
lead_auditor: Ada
suites: none
standard: none
incidents: []
"""
CHECK = """
@audit(dimension="{dimension}", criterion="bare-{name}", level=2)
def test_bare_{word}(audit_evidence):
    audit_evidence.command("look {name}", "fine")


@audit(dimension="{dimension}", criterion="probe-{name}", level=3, needs=("probes",))
def test_probe_{word}(audit_evidence):
    audit_evidence.command("probe {name}", "fine")
"""
SUITE = "".join(CHECK.format(dimension=d, name=d.replace(".", "-"), word=d.replace(".", "_")) for d in DIMENSIONS)


def backend_audit(project, *arguments: str, status: int = 0) -> tuple[str, str]:
    """Run the command in the repository; what it wrote to standard output and error."""
    code = "import sys; from pytest_backend_audit.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=project.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def audited(project, folder: str, *arguments: str) -> str:
    """One formal run, in a folder of its own below runs/."""
    project.run("--audit-sha=HEAD", f"--audit-report=runs/{folder}", *arguments)
    return f"runs/{folder}"


def contents(folder: Path) -> dict[str, bytes]:
    """Path -> bytes of every file."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def orders(project):
    """A repository with two checks in each dimension, one of which probes."""
    project.suite(SUITE)
    project.config(CONFIG)
    project.commit()
    (project.path / ".gitignore").write_text("runs/\nout/\n__pycache__/\nrunpytest-*\nstdout\nstderr\n", "utf-8")
    project.commit()
    return project


def card(folder: Path) -> dict[str, object]:
    """scorecard.json of a folder."""
    data: dict[str, object] = json.loads((folder / "scorecard.json").read_text("utf-8"))
    return data


def names(folder: Path) -> Sequence[str]:
    """Files and folders at the top of a merge."""
    return sorted(p.name for p in folder.iterdir())


def test_eight_shards_are_one_audit(orders) -> None:
    """A dimension each, each of them partial; merged they are whole, in any order and grouping, to the byte."""
    allow = ("--audit-env=stage", "--audit-allow=probes")
    runs = [audited(orders, d, f"--audit-dimension={d}", *allow) for d in DIMENSIONS]
    for run in runs:
        assert card(orders.path / run)["partial"] == [f"--audit-dimension={run[-3:]}"]
    said, _ = backend_audit(orders, "merge", *runs, "-o", "out/all")
    commit = orders.git("rev-parse", "--short=7", "HEAD")
    lines = said.splitlines()
    assert lines[0] == f"Merged 8 runs of orders at {commit} into out/all"
    assert lines[1:9] == [f"  sources/0{n}  stage  2 of 16 checks answered  runs/4.{n}" for n in range(1, 9)]
    assert lines[9] == "Whole: each planned check was run"
    assert max(map(len, lines)) <= 80
    made = orders.path / "out/all"
    assert names(made) == [
        *("findings.json", "junit.xml", "merge.json", "scorecard.html", "scorecard.json", "scorecard.md", "sources"),
    ]
    told = card(made)
    assert (told["partial"], told["total"]) == ([], 24)
    assert told["disposition"]["qualifier"].endswith("proven outside prod (stage)")
    assert told["dimensions"][3]["criteria"][0]["proven_in"] == ["stage"]
    for number, run in enumerate(runs, 1):
        assert contents(made / f"sources/0{number}") == {
            k: v for k, v in contents(orders.path / run).items() if k != ".running"
        }
    # In another order; a merge of merges; with repetitions.
    backend_audit(orders, "merge", *reversed(runs), "-o", "out/reversed")
    backend_audit(orders, "merge", *runs[:3], "-o", "out/left")
    backend_audit(orders, "merge", *runs[3:], "-o", "out/right")
    assert card(orders.path / "out/left")["total"] is None
    backend_audit(orders, "merge", "out/right", "out/left", "-o", "out/grouped")
    shutil.copytree(orders.path / runs[2], orders.path / "runs/copy")
    again, _ = backend_audit(orders, "merge", "out/all", runs[0], "runs/copy", "-o", "out/again")
    assert "Dropped runs/4.1: it is the same run as out/all/sources/01\n" in again
    assert "Dropped runs/copy: it is the same run as out/all/sources/03\n" in again
    backend_audit(orders, "merge", "out/all", "-o", "out/once-more")
    for other in ("reversed", "grouped", "again", "once-more"):
        assert contents(orders.path / "out" / other) == contents(made)
    # What looks at a run looks at a merge as well.
    assert backend_audit(orders, "verify", "out/all")[0].startswith("out/all: intact; good lines: 32; head ")
    shown = backend_audit(orders, "show", "out/all")[0].splitlines()
    assert "8 runs merged" in shown[0]
    assert (max(map(len, shown)) <= 80, len(shown) <= 25) == (True, True)
    before = contents(made)
    backend_audit(orders, "render", "out/all")
    assert contents(made) == before
    assert backend_audit(orders, "report", "out/all", "--format", "md")[0] == (made / "scorecard.md").read_text("utf-8")


def test_prod_for_what_reads_and_stage_for_the_rest(orders) -> None:
    """Whole as far as anything goes, and each criterion says where it was proven."""
    prod = audited(orders, "prod", "--audit-env=prod")
    stage = audited(orders, "stage", "--audit-env=stage", "--audit-allow=probes", "-k", "probe")
    made = orders.path / "out/both"
    alone, _ = backend_audit(orders, "merge", prod, prod, "-o", "out/alone")
    assert "Whole: each planned check was tried, 8 could not run\n" in alone
    assert "Dropped runs/prod: it was named twice\n" in alone
    said, _ = backend_audit(orders, "merge", stage, prod, "-o", "out/both")
    assert "Whole: each planned check was run\n" in said
    assert "  sources/01  prod   8 of 16 checks answered  runs/prod\n" in said
    assert "  sources/02  stage  8 of 16 checks answered  runs/stage\n" in said
    assert "partly proven outside prod (stage)" in " ".join(said.split())
    told = card(made)
    first = {k["id"]: k["proven_in"] for k in told["dimensions"][0]["criteria"]}
    assert first == {"bare-4-1": ["prod"], "probe-4-1": ["stage"]}
    assert [d["would_be"] for d in told["dimensions"]] == [3] * 8
    text = (made / "scorecard.md").read_text("utf-8")
    assert "| Criterion | Level | Outcome | Limit | Check | Reason | Answered in |" in text
    assert "Merged from 2 runs, which lie in `sources/`:" in text
    assert {f["severity"] for f in told["findings"]} == {"low"}
    assert {f["severity"] for f in card(orders.path / prod)["findings"]} == {"medium"}


def test_what_no_run_ran_is_named(orders) -> None:
    """In the list, in JSON, and in the card, which has levels only."""
    one = audited(orders, "one", "--audit-env=stage", "--audit-allow=probes", "--audit-dimension=4.1")
    two = audited(orders, "two", "--audit-env=stage", "--audit-dimension=4.2", "-k", "bare")
    said, _ = backend_audit(orders, "merge", one, two, "-o", "out/some")
    listed = said.partition("Partial: 13 planned checks were run in none of the runs:\n")[2].splitlines()
    assert listed[:6] == [f"  test_checks.py::test_bare_4_{n}" for n in range(3, 9)]
    assert listed[6] == "  test_checks.py::test_probe_4_2"
    told = json.loads(backend_audit(orders, "merge", one, two, "-o", "out/json", "--json")[0])
    assert len(told["missing"]) == 13
    assert (told["total"], told["disposition"], told["dropped"]) == (None, None, [])
    assert [s["from"] for s in told["sources"]] == [one, two]


PAIR = """
@pytest.mark.parametrize("side", ["good", "bad"])
@audit(dimension="4.1", level=2)
def test_pair(audit_evidence, side):
    audit_evidence.command("look", side)
    assert side == "good"
"""


@pytest.mark.parametrize(
    "left_out",
    [
        ("--deselect=test_pair.py::test_pair[bad]", "--deselect=test_pair.py::test_pair[bad]"),
        ("-knot test_pair", "test_pair.py::test_pair[good]"),
        ("--audit-dimension=4.2", "test_pair.py::test_pair[good]"),
    ],
)
def test_an_instance_that_no_run_ran_is_named(orders, left_out: tuple[str, str]) -> None:
    """However a failing instance of a check is left out, the merge is partial, and the gate says no."""
    orders.suite(PAIR, "test_pair.py")
    orders.commit()
    stage = ("--audit-env=stage", "--audit-allow=probes")
    runs = [audited(orders, str(n), *stage, option) for n, option in enumerate(left_out)]
    runs.append(audited(orders, "rest", *stage, "--deselect=test_pair.py"))
    merged, _ = backend_audit(orders, "merge", *runs, "-o", "out/merged")
    named = "Partial: 1 planned check was run in none of the runs:\n  test_pair.py::test_pair[bad]\n"
    assert named in merged


def test_what_does_not_belong_together(orders) -> None:
    """A rehearsal, another commit, another audit.yaml, a spoiled or shortened run: one line that names the folders."""
    one = audited(orders, "one", "--audit-env=prod")
    orders.run("--audit", "--audit-env=prod", "--audit-report=runs/rehearsal")
    orders.config(CONFIG + "sought: {'4.6': 4}\n")
    orders.commit()
    two = audited(orders, "two", "--audit-env=prod")
    broken = orders.path / shutil.copytree(orders.path / one, orders.path / "runs/broken")
    (broken / "journal.jsonl").write_bytes((broken / "journal.jsonl").read_bytes()[:-20])
    linked = shutil.copytree(orders.path / one, orders.path / "runs/linked")
    (linked / "notes.md").symlink_to(orders.path / "audit.yaml")
    commits = [orders.git("rev-parse", r) for r in ("HEAD~1", "HEAD")]
    fit = "only runs of one commit, one audit.yaml, one standard and one version can be merged"
    for runs, message in (
        ((one, two), f"{one} and {two} differ in their commit: {commits[0]} and {commits[1]}; {fit}"),
        ((one, "runs/rehearsal"), "runs/rehearsal: a rehearsal; only formal runs (--audit-sha) can be merged"),
        (
            (one, "runs/broken"),
            "runs/broken: the run is torn, or was copied in part: runs/broken/journal.jsonl:18: "
            "the last line is incomplete: the run was cut short while writing it",
        ),
        (
            ("runs/linked",),
            "runs/linked/notes.md: a symbolic link; a run folder holds none, so it is not followed",
        ),
    ):
        out, err = backend_audit(orders, "merge", *runs, "-o", "out/none", status=2)
        assert (out, err) == ("", f"backend-audit: {message}\n")
        assert list(orders.path.glob("out/*")) == []


EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "backend-audit-shards.yml"


def test_the_example_workflow(project) -> None:
    """Its steps do what the page says: eight jobs, of which one finds no check, one card, and a gate that answers."""
    validate = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", EXAMPLE]
    assert subprocess.run(validate, capture_output=True, text=True, check=False).returncode == 0
    jobs = yaml.safe_load(EXAMPLE.read_text("utf-8"))["jobs"]
    (audit,) = (s["run"] for s in jobs["dimension"]["steps"] if s.get("name") == "Audit")
    merging, gate = (s["run"] for s in jobs["verdict"]["steps"] if s.get("name") in {"Merge", "Gate"})
    assert jobs["dimension"]["strategy"]["matrix"]["dimension"] == list(DIMENSIONS)
    bare = CHECK.partition("\n\n\n@audit")[0] + "\n"
    project.suite("".join(bare.format(dimension=d, name=f"x{d[-1]}", word=f"x{d[-1]}") for d in DIMENSIONS[:-1]))
    own = ", ".join(f"bare-x{d[-1]}: ours" for d in DIMENSIONS[:-1])
    config = "version: 1\nservice: orders\nenvironment: stage\nlead_auditor: Ada\nsuites: none\n"
    project.config(f"{config}criteria: {{{own}}}\n")
    project.commit()
    (project.path / ".gitignore").write_text("runs/\naudit-report/\n__pycache__/\n", "utf-8")
    project.commit()
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {**os.environ, "PATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}

    def step(text: str, **more: str) -> subprocess.CompletedProcess[str]:
        # As GitHub runs a step.
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text]
        return subprocess.run(
            command, cwd=project.path, env={**environ, **more}, capture_output=True, text=True, check=False
        )

    for dimension in DIMENSIONS:
        done = step(audit, DIMENSION=dimension)
        assert done.returncode == 0, done.stdout + done.stderr
        # The artifacts' names, and what gets lost on the way: empty folders and hidden files.
        (project.path / "runs" / dimension).rename(project.path / "runs" / f"run-{dimension}")
        (project.path / "runs" / f"run-{dimension}" / ".running").unlink()
    done = step(merging)
    assert "Whole: each planned check was run\n" in done.stdout, done.stdout + done.stderr
    done = step(gate)
    card = json.loads((project.path / "audit-report" / "scorecard.json").read_text("utf-8"))
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "audit-report: gate significant-technical-debt: passed, the disposition is Significant technical debt\n"
        f"  orders, stage, {project.git('rev-parse', 'HEAD')[:7]}, {card['document']['audited_at'][:10]}\n",
        "",
    )
    assert len(list((project.path / "audit-report" / "sources").iterdir())) == 8

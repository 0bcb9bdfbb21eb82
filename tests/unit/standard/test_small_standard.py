"""Another standard takes the default's place, with its own dimensions, rows and dispositions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.standard import digest, edition, from_data, load, to_data
from pytest_backend_audit.standard.model import (
    Defect,
    Dimension,
    Disposition,
    Proof,
    RequiredAction,
    Row,
    Setting,
    Stricter,
)

SMALL = Path(__file__).with_name("data") / "small"
MEASURED = frozenset({EvidenceKind.OUTPUT, EvidenceKind.DASHBOARD, EvidenceKind.POSTMORTEM, EvidenceKind.LOAD})
LATE = Setting("late-after", 60, Stricter.LOWER, "s", "the team's agreement", "when a job is late")


def test_every_value_arrives() -> None:
    """Head, dimensions, rows and matrix are those of the files, with a version as written."""
    small = load(SMALL)
    assert (small.id, small.name, small.version, small.reviewer_from) == (
        "batch-jobs",
        "Batch Job Checklist",
        "2.10",
        5,
    )
    assert small.dimensions == (
        Dimension("runs", "Runs", "Whether jobs start and end.", "runs", blocking=True, fixed_levels=(2,)),
        Dimension("data", "Data", "What the jobs leave behind.", ""),
    )
    assert small.rows == (
        Row(
            "runs",
            "on-time",
            2,
            "Jobs end in time.",
            ((Proof.MEASURED,),),
            MEASURED,
            (LATE,),
            (Defect("the job hangs"), Defect("the job never starts", common_finding=True)),
        ),
        Row(
            "runs",
            "on-time",
            4,
            "Lateness is alerted on.",
            ((Proof.MEASURED,), (Proof.ATTESTED,)),
            MEASURED,
            (LATE,),
        ),
        Row(
            "data",
            "row-counts",
            3,
            "Each job's row count is checked.",
            ((Proof.MEASURED, Proof.SCANNED),),
            frozenset({EvidenceKind.OUTPUT}),
            (LATE,),
        ),
    )
    assert small.dispositions == (
        Disposition("go", "Go", 7, 3, (RequiredAction("Look again.", months=3),), needs_sign_off=True),
        Disposition("wait", "Wait", 4, None),
        Disposition("stop", "Stop", None, None),
    )
    assert (small.overrides, small.slo_classes, small.pending, small.tools) == ({}, (), (), {})


@pytest.mark.parametrize(
    "source", [str(SMALL), SMALL / "standard.yaml", "batch"], ids=["folder-as-text", "main-file", "registered-name"]
)
def test_it_is_found_by_folder_file_or_name(source: str | Path) -> None:
    """All ways lead to the same standard."""
    assert load(source, names={"batch": SMALL}) == load(SMALL)


def test_data_comes_back_as_the_same_standard() -> None:
    """What the journal copies is enough to build the standard again."""
    small = load(SMALL)
    text = json.dumps(to_data(small))
    assert from_data(json.loads(text)) == small
    assert digest(from_data(json.loads(text))) == digest(small)


def test_the_digest_changes_with_any_value() -> None:
    """A standard that asks for less is another standard."""
    small = load(SMALL)
    digests = {
        digest(small),
        digest(replace(small, reviewer_from=4)),
        digest(replace(small, rows=small.rows[:2])),
        digest(replace(small, pending=("runs/on-time/L4",))),
    }
    assert len(digests) == 4


def test_the_digest_is_the_same_in_every_process() -> None:
    """Sets have no order of their own, and the digest does not take one from the hash seed."""
    code = f"from pytest_backend_audit.standard import *; print(digest(load({str(SMALL)!r})))"
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout.strip()
        for seed in ("1", "2", "3")
    }
    assert told == {digest(load(SMALL)).encode()}


def test_an_edition_leaves_pending_rows_out_and_says_so() -> None:
    """Its name counts, its list keeps what is missing, and making it twice changes nothing."""
    small = replace(load(SMALL), pending=("runs/on-time/L4",))
    left = edition(small)
    assert left.name == "Batch Job Checklist, 2 of 3 rows"
    assert [row.name for row in left.rows] == ["runs/on-time/L2", "data/row-counts/L3"]
    assert left.pending == ("runs/on-time/L4",)
    assert edition(left) == left
    assert edition(load(SMALL)) == load(SMALL)


def test_settings_are_found_by_name() -> None:
    """A setting that several rows share is one setting."""
    assert load(SMALL).settings() == {"late-after": LATE}


def test_the_model_loads_no_driver_and_no_yaml() -> None:
    """Scoring takes the values of a standard without pytest, PyYAML or pydantic."""
    code = (
        "import sys, pytest_backend_audit.standard.model as _; "
        "print([m for m in ('pytest', 'yaml', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"

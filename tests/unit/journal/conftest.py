"""A small run, written to disk: one start, two attempts, a notice and a seal; one piece of evidence is a blob."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_backend_audit.journal import Writer
from pytest_backend_audit.model import (
    Attempt,
    Check,
    Document,
    Evidence,
    EvidenceKind,
    Inputs,
    Mode,
    Policy,
    Seal,
    Status,
)

INDEXES = "test_indexes.py::test_lead"
HIT_RATE = "test_cache.py::test_rate"


@pytest.fixture
def inputs() -> Inputs:
    """The first line's content."""
    return Inputs(
        plugin_version="0.1.0",
        mode=Mode.FORMAL,
        instant="2026-11-24T09:00:00.000Z",
        document=Document(service="orders", commit="a" * 40),
        policy=Policy(sought={"4.6": 4}, weights={"4.1": "1.10"}),
        standard={"id": "own"},
        standard_loaded=False,
        plan=(Check(INDEXES, "4.1", 3, "foreign-key-indexes"), Check(HIT_RATE, "4.3", 2)),
        selected=(INDEXES, HIT_RATE),
        options={"gate": None, "allow": ["load"]},
    )


@pytest.fixture
def attempts() -> tuple[Attempt, ...]:
    """Two executions; the second one's answer is longer than what stands in a line."""
    return (
        Attempt(
            INDEXES,
            INDEXES,
            Status.FAILED,
            reason="1 foreign key without an index: public.orders.customer_id — see \u202edocs",
            where="test_indexes.py:12",
            evidence=(
                Evidence(
                    EvidenceKind.OUTPUT, "select 1", "1", facts={"rows": 1, "whole": True, "rate": 0.5, "x": None}
                ),
            ),
            started="2026-11-24T09:00:01.000Z",
            duration=0.25,
            worker="gw1",
        ),
        Attempt(HIT_RATE, HIT_RATE, Status.PASSED, evidence=(Evidence(EvidenceKind.OUTPUT, "INFO", "k:v\r\n" * 900),)),
    )


@pytest.fixture
def seal() -> Seal:
    """The last line's content."""
    return Seal(ended="2026-11-24T09:00:02.000Z", exit_status=1, notices=("a log was large",))


@pytest.fixture
def run(tmp_path: Path, inputs: Inputs, attempts: tuple[Attempt, ...], seal: Seal) -> Path:
    """The folder of a finished run."""
    folder = tmp_path / "run"
    writer = Writer(folder)
    writer.start(inputs)
    writer.attempt(attempts[0])
    writer.notice("a fixture failed to close")
    writer.attempt(attempts[1])
    writer.seal(seal)
    return folder

"""``backend-audit gate``: what passes, what does not, and what is no question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.cli.command import without_reader
from unit.scoring.scoring_cases import NAMES, SEALED, all_at, broken

from pytest_backend_audit.cli import main
from pytest_backend_audit.cli.runs import NO_RUN
from pytest_backend_audit.journal import Writer
from pytest_backend_audit.model import Mode, Seal

ALLOWED = "allowed are production-ready, production-with-watchlist, conditional-production, significant-technical-debt"
RUN = "  orders, prod, 1a2b3c4, 2026-08-31\n"
"""Of which run the command speaks."""
TOLD = {"commit": "1a2b3c4d", "environment": "prod", "instant": "2026-08-31T10:00:00Z"}
"""The same as JSON."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the command looks in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "audit-report"


def write(folder: Path, level: Mapping[str, int] | int, seal: Seal | None = SEALED, **fields: Any) -> Path:
    """A run in which each dimension reaches that level, or its own; its journal."""
    inputs, attempts = all_at(level, **{"loaded": True, **fields})
    writer = Writer(folder)
    writer.start(inputs)
    for attempt in attempts:
        writer.attempt(attempt)
    if seal:
        writer.seal(seal)
    writer.close()
    return folder / "journal.jsonl"


@pytest.mark.parametrize("minimum", ["conditional-production", "significant-technical-debt"])
def test_a_run_at_or_above_the_minimum_passes(here: Path, minimum: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight dimensions at L3 without a sign-off make 24 of 40: conditional production."""
    write(here, 3)
    assert main(["gate", "--min", minimum]) == 0
    assert capsys.readouterr() == (
        f"audit-report: gate {minimum}: passed, the disposition is Conditional production\n{RUN}",
        "",
    )


def test_the_minimum_of_audit_yaml(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts where none is given; where neither is, nothing is judged, and an unset variable is no minimum."""
    journal = write(here, 2, policy={"gate": "significant-technical-debt"}, config={"gate": "conditional-production"})
    assert main(["gate"]) == 1
    assert main(["gate", "--min", "significant-technical-debt"]) == 0
    assert capsys.readouterr().out == (
        f"audit-report: gate conditional-production: not passed, the disposition is Significant technical debt\n{RUN}"
        f"audit-report: gate significant-technical-debt: passed, the disposition is Significant technical debt\n{RUN}"
    )
    assert main(["gate", "--min="]) == 2
    assert capsys.readouterr().err == f"backend-audit: --min=: no such disposition; {ALLOWED}\n"
    journal.unlink()
    write(here, 2)
    assert main(["gate"]) == 2
    assert capsys.readouterr().err == (
        f"backend-audit: no minimum: give --min DISPOSITION, or gate in audit.yaml; {ALLOWED}\n"
    )
    journal.write_bytes(b"")
    assert main(["gate"]) == 1
    assert capsys.readouterr().out.startswith("audit-report: gate: not passed, the run did not end: ")


def test_failing_checks_alone_do_not_close_the_gate(here: Path) -> None:
    """Pytest's own status 1 says that checks failed; the disposition has taken that into account."""
    write(here, 3, replace(SEALED, exit_status=1))
    assert main(["gate", "--min", "conditional-production"]) == 0


def test_a_run_below_the_minimum_does_not_pass(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight dimensions at L1 make 8 of 40; two of them block, but there is no tier below the last."""
    write(here, 1)
    assert main(["gate", "--min", "significant-technical-debt"]) == 1
    assert capsys.readouterr() == (
        f"audit-report: gate significant-technical-debt: not passed, the disposition is Not production-grade\n{RUN}",
        "",
    )


def test_the_verdict_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same for scripts, passed or not."""
    write(here, 2)
    assert main(["gate", "--min", "significant-technical-debt", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "gate": "significant-technical-debt",
        "passed": True,
        "disposition": "significant-technical-debt",
        "reason": "passed, the disposition is Significant technical debt",
        "signed_by": None,
        "no_sign_off": "",
        "not_looked": "",
        **TOLD,
    }
    assert main(["gate", "--min", "conditional-production", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "gate": "conditional-production",
        "passed": False,
        "disposition": "significant-technical-debt",
        "reason": "not passed, the disposition is Significant technical debt",
        "signed_by": None,
        "no_sign_off": "",
        "not_looked": "",
        **TOLD,
    }


@pytest.mark.parametrize("minimum", ["production-ready", "production-with-watchlist"])
def test_the_two_highest_take_a_signature(here: Path, minimum: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that would reach them once signed does not pass, and is told what is missing."""
    write(here, 5)
    assert main(["gate", "--min", minimum]) == 1
    assert capsys.readouterr() == (
        f"audit-report: gate {minimum}: not passed, the disposition is Conditional production; "
        "not signed: 4.1, 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4.8 (backend-audit sign)\n"
        f"{RUN}",
        "",
    )


@pytest.mark.parametrize(
    ("minimum", "passes"),
    [("significant-technical-debt", True), ("conditional-production", False), ("production-ready", False)],
)
def test_a_signature_that_would_not_do_is_not_asked_for(
    here: Path, minimum: str, passes: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """One dimension would stand at L5 once signed, and seven at L2 hold the disposition where it is."""
    write(here, {**dict.fromkeys(NAMES, 2), "4.2": 5})
    assert main(["gate", "--min", minimum]) == (0 if passes else 1)
    word = "passed" if passes else "not passed"
    assert capsys.readouterr() == (
        f"audit-report: gate {minimum}: {word}, the disposition is Significant technical debt\n{RUN}",
        "",
    )


@pytest.mark.parametrize(
    ("minimum", "message"),
    [
        ("not-production-grade", f": every run reaches the last disposition; {ALLOWED}"),
        ("conditional", f": no such disposition, did you mean conditional-production? {ALLOWED}"),
        ("9", f": no such disposition; {ALLOWED}"),
    ],
)
def test_what_is_no_question(here: Path, minimum: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A minimum that no run can fail, or that there is not, is a usage error."""
    write(here, 3)
    assert main(["gate", "--min", minimum]) == 2
    assert capsys.readouterr() == ("", f"backend-audit: --min={minimum}{message}\n")


@pytest.mark.parametrize(
    ("fields", "seal", "reason"),
    [
        pytest.param(
            {"mode": Mode.REHEARSAL},
            SEALED,
            "a rehearsal has no disposition (--audit-sha makes the audit formal)",
            id="rehearsal",
        ),
        pytest.param(
            {"narrowing": ("-k left out 2 checks",)}, SEALED, "the run is partial: -k left out 2 checks", id="partial"
        ),
        pytest.param({}, None, "the run did not end; audit again: pytest --audit-sha=HEAD", id="torn"),
        pytest.param(
            {},
            replace(SEALED, interrupted="interrupted: SIGTERM", exit_status=2),
            "the run was interrupted: interrupted: SIGTERM",
            id="interrupted",
        ),
        pytest.param(
            {}, replace(SEALED, invalid="the build changed"), "the run is invalid: the build changed", id="invalid"
        ),
        pytest.param(
            {},
            replace(SEALED, broken=("test_x.py could not be imported",)),
            "something outside the checks broke: test_x.py could not be imported",
            id="broken module",
        ),
        pytest.param({}, replace(SEALED, exit_status=5), "nothing was collected", id="nothing collected"),
        pytest.param(
            {"loaded": False},
            SEALED,
            "own criteria, the standard is not loaded; audit.yaml loads it: "
            "standard: bundled (rows that have a check) or default (all)",
            id="own criteria",
        ),
    ],
)
def test_a_run_that_proves_nothing_does_not_pass(
    here: Path, fields: dict[str, Any], seal: Seal | None, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever its levels are, and with the reason."""
    write(here, 3, seal, **fields)
    assert main(["gate", "--min", "conditional-production"]) == 1
    assert capsys.readouterr() == (f"audit-report: gate conditional-production: not passed, {reason}\n{RUN}", "")


def test_what_a_service_said_is_no_line_of_its_own(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log of CI takes a line that begins so for a command; a terminal takes an escape for one."""
    write(here, 3, replace(SEALED, broken=("teardown: Error: no\n::stop-commands::x\x1b[2J",)))
    assert main(["gate", "--min", "conditional-production"]) == 1
    assert capsys.readouterr() == (
        "audit-report: gate conditional-production: not passed, something outside the checks broke: teardown: Error: "
        f"no ::stop-commands::x\\x1b[2J\n{RUN}",
        "",
    )


def test_a_broken_check_does_not_pass(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A check that is wrong itself must not hide behind a level that is high enough."""
    inputs, attempts = all_at(3, loaded=True)
    writer = Writer(here)
    writer.start(inputs)
    for attempt in [*attempts, broken(attempts[0].check)]:
        writer.attempt(attempt)
    writer.seal(SEALED)
    assert main(["gate", "--min", "significant-technical-debt"]) == 1
    assert f"not passed, a check is broken: {attempts[0].check}\n" in capsys.readouterr().out


def test_an_altered_run_does_not_pass(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not even scored."""
    journal = write(here, 3)
    journal.write_bytes(journal.read_bytes().replace(b'"exit_status":0', b'"exit_status":1'))
    assert main(["gate", "--min", "conditional-production", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [found[name] for name in TOLD] == [None, None, None]
    assert found["passed"] is False
    assert found["disposition"] is None
    assert found["reason"].startswith("not passed, the run was altered: audit-report/journal.jsonl:")


def test_a_run_that_never_began_does_not_pass(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed before its first line was whole."""
    Writer(here).close()
    assert main(["gate", "--min", "conditional-production"]) == 1
    assert "not passed, the run did not end: audit-report/journal.jsonl:1: " in capsys.readouterr().out


def test_no_worse(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --no-worse a fall since the prior audit closes a gate that the disposition opens."""
    write(here, 3, prior_levels={"4.1": 4})
    assert main(["gate", "--min", "conditional-production"]) == 0
    assert main(["gate", "--min", "conditional-production", "--no-worse"]) == 1
    assert capsys.readouterr().out.splitlines()[2] == (
        "audit-report: gate conditional-production: not passed, worse than the prior audit: 4.1 fell from L4 to L3"
    )


def test_a_minimum_that_is_missed_hides_nothing_that_got_worse(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both reasons are told, as text and as JSON."""
    write(here, 2, prior_levels={"4.1": 3})
    gate = ["gate", "--min", "conditional-production", "--no-worse"]
    said = (
        "not passed, the disposition is Significant technical debt; worse than the prior audit: 4.1 fell from L3 to L2"
    )
    assert main(gate) == 1
    assert capsys.readouterr() == (f"audit-report: gate conditional-production: {said}\n{RUN}", "")
    assert main([*gate, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reason"] == said


def test_a_reader_that_goes_away_is_no_file_that_cannot_be_read(here: Path) -> None:
    """Quiet, and 141: nobody heard that the gate is passed."""
    write(here, 3)
    assert without_reader("gate", "--min", "conditional-production", cwd=here.parent) == (141, b"")


def test_no_run_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on standard error and exit 2."""
    assert main(["gate", "none", "--min", "conditional-production"]) == 2
    assert capsys.readouterr() == ("", f"backend-audit: none: there is no such folder; {NO_RUN}\n")

"""`backend-audit standard show` and `backend-audit standard check`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.standard.standard_texts import SOUND

from pytest_backend_audit.cli import main

SMALL = str(Path(__file__).with_name("data") / "small")

OVERVIEW = """\
Batch Job Checklist, version 2.10 (batch-jobs)
3 rows in 2 dimensions

        Dimension  L1  L2  L3  L4  L5  rows
  runs  Runs           1       1       2
  data  Data               1           1

Levels
  L1  Absent    Nothing is there.
  L2  Started   Something is there.
  L3  Meant     It is there on purpose.
  L4  Measured  It is measured.
  L5  Kept      It is kept by machines.
  From L5 on a level is recorded once a second reviewer has signed.

Dispositions, from the top
  Go (go)
    at least 7 of 10, each dimension at least L3, signed
    - Look again. (3 months)
  Wait (wait)
    at least 4 of 10
  Stop (stop)
    any total
"""

DIMENSION = """\
runs Runs; L1 here lowers the disposition
Whether jobs start and end.

L2  on-time: measured
    Jobs end in time.

L4  on-time: measured + attested
    Lateness is alerted on.
"""

CRITERION = """\
4.2 Connection Management: headroom

L3  Connections in use stay well under the server's maximum; their states and
    applications are on record.
    proof: measured
    accepted evidence: dashboard, load, output, postmortem
    setting connections-used-ratio: 0.8 ratio, lower is stricter
      the share of max_connections in use must stay under this
      from: default of this package; the scorecard computes the share and gives
      no number
    must turn it red: max_connections is nearly used up
"""


def test_show_gives_the_whole_standard(capsys: pytest.CaptureFixture[str]) -> None:
    """Dimensions with their rows by level, levels and the matrix."""
    assert main(["standard", "show", "--standard", SMALL]) == 0
    assert capsys.readouterr().out == OVERVIEW


def test_show_gives_one_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    """Its scope and its rows."""
    assert main(["standard", "show", "--standard", SMALL, "--dimension", "runs"]) == 0
    assert capsys.readouterr().out == DIMENSION


def test_show_gives_one_criterion(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything that its rows hold."""
    assert main(["standard", "show", "--criterion", "headroom"]) == 0
    assert capsys.readouterr().out == CRITERION


def test_rows_without_a_check_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    """The reader learns what an audit can't assess yet, and which defects are common ones."""
    assert main(["standard", "show", "--criterion", "dr-drill"]) == 0
    assert " (no bundled check yet)\n" in capsys.readouterr().out
    assert main(["standard", "show", "--criterion", "ssrf"]) == 0
    assert "    must turn it red: any URL is fetched (a common finding)\n" in capsys.readouterr().out


@pytest.mark.parametrize("dimension", [None, "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8"])
def test_show_fits_eighty_columns(dimension: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """The overview and every dimension of the default standard."""
    assert main(["standard", "show", *(["--dimension", dimension] if dimension else [])]) == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 80


def test_every_criterion_fits_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Sources and meanings of settings are wrapped."""
    assert main(["standard", "show", "--json"]) == 0
    names = {row["criterion"] for row in json.loads(capsys.readouterr().out)["rows"]}
    assert len(names) == 147
    for name in sorted(names)[::10]:
        assert main(["standard", "show", "--criterion", name]) == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 80


def test_show_gives_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Whole, or what was asked for."""
    assert main(["standard", "show", "--json", "--criterion", "hit-rate"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert list(data) == ["dimensions", "rows"]
    assert [d["id"] for d in data["dimensions"]] == ["4.3"]
    assert [(r["criterion"], r["level"]) for r in data["rows"]] == [("hit-rate", 3), ("hit-rate", 4)]
    assert main(["standard", "show", "--json", "--standard", SMALL]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == "2.10"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--dimension", "4.9"],
            'the standard has no dimension "4.9"; it has 4.1, 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4.8',
        ),
        (["--criterion", "poolr"], 'the standard has no criterion "poolr"; did you mean "pooler"?'),
        (
            ["--dimension", "4.4", "--criterion", "histogram"],
            'dimension 4.4 has no criterion "histogram"; did you mean "histograms"?',
        ),
    ],
)
def test_unknown_names_are_a_usage_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the nearest name."""
    assert main(["standard", "show", *arguments]) == 2
    assert capsys.readouterr() == ("", f"backend-audit: {message}\n")


def test_check_counts_a_sound_standard(capsys: pytest.CaptureFixture[str]) -> None:
    """And exits with 0."""
    assert main(["standard", "check", SMALL]) == 0
    assert capsys.readouterr() == ("OK: 2 dimensions, 3 rows\n", "")


def test_check_says_all_that_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, and exits with 1."""
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(SOUND.replace("level: 2", "level: 6").replace("floor: 4, ", ""))
    assert main(["standard", "check", "mine.yaml"]) == 1
    assert capsys.readouterr() == (
        "",
        'mine.yaml:11: dispositions[0]: "floor" is missing\n'
        'mine.yaml:25: dimensions[0].rows[0].level: expected a whole number from 1 to 5, found "6"\n',
    )


def test_check_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that is not there is one message."""
    assert main(["standard", "check", str(tmp_path / "gone")]) == 1
    assert capsys.readouterr().err == (
        f"{tmp_path / 'gone'}: there is no standard of that name and no such file or folder (names: default)\n"
    )

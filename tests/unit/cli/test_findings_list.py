"""``backend-audit findings list``: a table that fits a terminal of 80 columns."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from unit.ledger.ledgers import SLOW, assigned, closed, disputed, filed, found, gone, resolved

from pytest_backend_audit.cli import main
from pytest_backend_audit.ledger import Place
from pytest_backend_audit.ledger.events import Event, encode
from pytest_backend_audit.model import Severity

TITLE = "authentication L2 failed: 1 of 6 operations - GET /v1/admin/totals answered 200; expected is 401 or 403"


def listed(top: Path, capsys: pytest.CaptureFixture[str], *events: Event, options: tuple[str, ...] = ()) -> str:
    """What the command shows of a ledger with these events."""
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    place = Place(top, "orders")
    place.folder.mkdir(parents=True)
    place.ledger.write_text("".join(f"{encode(event)}\n" for event in (filed(), *events)), "utf-8")
    assert main(["findings", "list", "--repository", str(top), *options]) == 0
    return capsys.readouterr().out


def test_it_fits_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was found goes on below itself, beside who is to mend it."""
    critical = {"dimension": "4.7", "severity": Severity.CRITICAL, "title": TITLE, "due": "", "owner": "Sam Example"}
    assert listed(tmp_path, capsys, found("F-0001", **critical), found("F-0002", SLOW)) == (
        "F-0001  open  critical  no date     Sam Example  4.7 authentication L2 failed: 1\n"
        "                                                 of 6 operations - GET\n"
        "                                                 /v1/admin/totals answered 200;\n"
        "                                                 expected is 401 or 403\n"
        "F-0002  open  high      2026-11-30  Kim          4.1 bare L3 failed: 2 foreign\n"
        "                                                 keys without an index\n"
        "audits/orders/ledger.jsonl: 2 open\n"
    )


def test_a_long_name_of_an_owner_leaves_room_for_the_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stands above what was found, and is cut where the line ends."""
    long = "Platform Engineering, Berlin and Hamburg, night shift"
    events = found("F-0001"), found("F-0002", SLOW), disputed(), assigned(owner=long), assigned(SLOW, owner="Kim")
    assert listed(tmp_path, capsys, *events) == (
        "F-0001  disputed  high  2026-11-30  Platform Engineering, Berlin and Hamburg, n…\n"
        "                                                        4.1 bare L3 failed: 2\n"
        "                                                        foreign keys without an\n"
        "                                                        index (disputed by Lin:\n"
        "                                                        the table is empty)\n"
        "F-0002  open      high  2026-11-30  Kim                 4.1 bare L3 failed: 2\n"
        "                                                        foreign keys without an\n"
        "                                                        index\n"
        "audits/orders/ledger.jsonl: 1 disputed, 1 open\n"
    )


def test_who_closed_it_and_how(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By a dispute that was upheld, or by its check; in JSON as well. What is open again tells nothing of it."""
    upheld = found("F-0001", title="A"), disputed(minute=1), resolved(upheld=True, minute=2)
    again = replace(found("F-0002", SLOW, 4, how="reopened", title="B"), file="2026-09-30")
    reopened = found("F-0002", SLOW, title="B"), closed("F-0002", SLOW, 3), filed(4, "2026-09-30"), again
    third = found("F-0003", "cc" * 32, 5, title="C"), closed("F-0003", "cc" * 32, 6)
    shown = listed(tmp_path, capsys, *upheld, *reopened, *third, options=("--all",))
    assert shown == (
        "F-0001  closed  high  2026-11-30  Kim  4.1 A; closed by dispute (Grace)\n"
        "F-0002  open    high  2026-11-30  Kim  4.1 B\n"
        "F-0003  closed  high  2026-11-30  Kim  4.1 C; closed by its check (Kim)\n"
        "audits/orders/ledger.jsonl: 2 closed, 1 open\n"
    )
    assert main(["findings", "list", "--repository", str(tmp_path), "--all", "--json"]) == 0
    told = {f["id"]: f["closing"] for f in json.loads(capsys.readouterr().out)["findings"]}
    assert told == {"F-0001": "closed by dispute (Grace)", "F-0002": "", "F-0003": "closed by its check (Kim)"}


def test_each_environment_s_own_text_is_told_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where they differ; and where all that is left is in one of them, that too."""
    both = filed(1, "2026-09-01", environment="prod, stage")
    one = found("F-0001", title="ops"), found("F-0001", how="seen", environment="stage", title="ci-bot")
    (tmp_path / "one").mkdir()
    shown = " ".join(listed(tmp_path / "one", capsys, both, *one).split())
    assert "4.1 ops (in prod); ci-bot (in stage)" in shown
    (tmp_path / "other").mkdir()
    away = filed(2, "2026-09-30"), gone("F-0001", minute=2)
    shown = " ".join(listed(tmp_path / "other", capsys, both, *one, *away).split())
    assert "4.1 ci-bot (in stage)" in shown
    assert "ops" not in shown


def test_what_is_about_a_dimension_is_closed_by_no_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is none behind it: a whole audit no longer had it."""
    events = found("F-0001", title="1 row without a check", check="coverage"), closed("F-0001", minute=1)
    shown = listed(tmp_path, capsys, *events, options=("--all",))
    assert " 4.1 1 row without a check; closed by a whole audit (Kim) " in " ".join(shown.split())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--due", "0001-01-01"), "--due: 0001-01-01 is past; today is "),
        (("--due", "9999-12-31"), "--due: 9999-12-31 is more than 10 years ahead\n"),
        (("--due", "soon"), "--due: found 'soon'; a date is written as 2027-01-31\n"),
        (("--due", "2027-02-30"), "found '2027-02-30'; a date is written as 2027-01-31, and there is no such day\n"),
        (("--owner", "x" * 201), "--owner: 201 characters; a name has 200 at most\n"),
        (("--owner", " "), "--owner: an empty text says nothing\n"),
    ],
)
def test_what_nobody_is_assigned(given: tuple[str, str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A day that can't be meant, or a name that is none."""
    with pytest.raises(SystemExit) as caught:
        main(["findings", "assign", "F-0001", *given])
    assert (caught.value.code, said in capsys.readouterr().err) == (2, True)


@pytest.mark.parametrize(
    ("given", "said"), [(" \n", "an empty text names nobody"), ("x" * 201, "201 characters; a name has 200 at most")]
)
def test_who_is_nobody(given: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the ledger keeps of who did it has a bound, and one line."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    command = ["findings", "dispute", "F-0001", "--reason", "no", "--repository", str(tmp_path), "--who", given]
    assert main(command) == 2
    assert capsys.readouterr().err == f"backend-audit: --who: {said}\n"

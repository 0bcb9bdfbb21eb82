"""``backend-audit`` itself: help, names, streams, exit statuses, whatever the command."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from unit.cli.command import PROGRAM, backend_audit

from pytest_backend_audit import __version__, cli
from pytest_backend_audit.cli.runs import NO_RUN

HELP = """\
usage: backend-audit [-h] [--version] COMMAND ...

Audit a backend service: set up, look at runs, judge them.

options:
  -h, --help  show this help message and exit
  --version   print the version, and stop

commands:
  COMMAND
    init      write audit.yaml, an example check and the rights it needs
    doctor    reach every target and tool, and say what could not run
    plan      rows, checks, needs and what could not run, without running
    demo      audit a reference service on embedded servers
    show      the card of a run, in the terminal
    report    one report format of a run, to standard output
    render    write all reports of a run again
    verify    tell whether a run is intact, torn or altered
    sign      sign the levels of a run as its second reviewer
    revert    undo the faults that a killed run left behind
    merge     join runs of one commit: shards of CI, or prod and stage
    compare   what changed from one audit to the next
    trend     all filed audits of a service, one after the other
    gate      exit 1 if a run's disposition is below a minimum
    file      file a run's card and findings in the repository
    findings  the ledger of findings: list, assign, close
    fleet     many services at once, from their filed cards
    schema    print a JSON Schema
    standard  show a standard, or check one of your own

Exit status: 0 fine, 1 a verdict says no, 2 usage. `backend-audit COMMAND
--help` says more.
"""


def test_without_arguments_the_help_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, since nothing was done; asked for, it is on standard output and fine."""
    assert cli.main([]) == 2
    assert capsys.readouterr() == ("", HELP)
    with pytest.raises(SystemExit) as exited:
        cli.main(["--help"])
    assert exited.value.code == 0
    assert capsys.readouterr() == (HELP, "")


@pytest.mark.parametrize("command", [[name] for name in cli.COMMANDS] + [["standard", "show"], ["standard", "check"]])
def test_every_help_fits_and_says_what_it_does(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """80 columns; a description, and the exit statuses."""
    with pytest.raises(SystemExit) as exited:
        cli.main([*command, "--help"])
    assert exited.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [line for line in out.splitlines() if len(line) > 80] == []
    assert out.startswith(f"usage: backend-audit {' '.join(command)} ")
    described = out.partition("\n\n")[2].partition("\n\n")[0]
    assert described[:1].isupper()
    assert "Exit status: 0 " in " ".join(out.split())


def test_the_list_and_each_commands_own_help_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """The one-liners are written twice, since a command's module is loaded when it is used only."""
    whole = cli.build_parser().format_help()
    for text in cli.COMMANDS.values():
        assert text in whole


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Name and number."""
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr() == (f"pytest-backend-audit {__version__}\n", "")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("plann", "did you mean plan?"), ("redner", "did you mean render?"), ("xyz", "`backend-audit --help` lists them")],
)
def test_an_unknown_command(name: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line with the nearest name, and exit 2."""
    assert cli.main([name, "--json"]) == 2
    assert capsys.readouterr() == ("", f"backend-audit: unknown command '{name}'; {hint}\n")


def test_a_reader_that_goes_away_is_no_success(tmp_path: Path) -> None:
    """As `backend-audit ... | head`: quiet, and 141, because a gate that nobody heard must not count as passed."""
    program = subprocess.Popen(
        [*PROGRAM, "schema", "audit"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    complaint = program.stderr.read()
    program.stderr.close()
    assert (program.wait(60), complaint) == (141, b"")


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """What could not be written is no success either."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, "standard", "show"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (2, b"backend-audit: the output: No space left on device\n")


def test_closed_streams(tmp_path: Path) -> None:
    """A command whose output nobody wants still has its exit status."""
    for arguments, status in (["schema", "audit"], 0), (["show"], 2), (["nonsense"], 2):
        done = subprocess.run(
            ["/bin/sh", "-c", 'exec "$@" >&- 2>&-', "sh", *PROGRAM, *arguments], cwd=tmp_path, timeout=60, check=False
        )
        assert done.returncode == status


def test_a_terminal_that_knows_ascii_only(tmp_path: Path) -> None:
    """Other characters are shown by their numbers; nothing is lost, and no traceback comes."""
    folder = tmp_path / "berichte-für-alle"
    done = backend_audit("show", str(folder), cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"backend-audit: {tmp_path}/berichte-f\\xfcr-alle: there is no such folder; {NO_RUN}\n")


def test_ctrl_c_is_a_word_and_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback."""
    from pytest_backend_audit.cli import schema

    def interrupted(_args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "run", interrupted)
    assert cli.main(["schema", "audit"]) == 130
    assert capsys.readouterr() == ("", "interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "usage", "error"),
    [
        (
            ["findings", "list", "--opne"],
            "usage: backend-audit findings list [-h] ",
            "backend-audit findings list: error: unrecognized arguments: --opne; did you mean --open?\n",
        ),
        (
            ["gate", "--min", "x", "--no-wrose=1", "run"],
            "usage: backend-audit gate [-h] ",
            "backend-audit gate: error: unrecognized arguments: --no-wrose=1; did you mean --no-worse?\n",
        ),
        (
            ["verify", "a", "b"],
            "usage: backend-audit verify [-h] ",
            "backend-audit verify: error: unrecognized arguments: b\n",
        ),
        (
            ["--versoin"],
            "usage: backend-audit [-h] [--version] ",
            "backend-audit: error: unrecognized arguments: --versoin; did you mean --version?\n",
        ),
    ],
)
def test_the_command_tells_its_own_usage(
    arguments: list[str], usage: str, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the nearest of its options, however deep it lies."""
    with pytest.raises(SystemExit) as exited:
        cli.main(arguments)
    assert exited.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.startswith(usage), err.endswith(error)) == ("", True, True), err


@pytest.mark.parametrize(("typed", "meant"), [("lst", "list"), ("clsoe", "close"), ("zzz", "")])
def test_a_mistyped_action_or_choice_gets_the_nearest(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where one is near."""
    with pytest.raises(SystemExit):
        cli.main(["findings", typed])
    err = capsys.readouterr().err
    assert f"argument ACTION: invalid choice: '{typed}' (choose from " in err
    assert err.endswith(f"; did you mean {meant}?\n" if meant else ")\n")

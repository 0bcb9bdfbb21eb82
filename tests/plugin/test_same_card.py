"""Plain, -n0, -n2 and -n4 make the same card, byte for byte."""

from __future__ import annotations

import re

from plugin.conftest import CONFIG, Project

SUITE = (
    "@pytest.fixture(scope='module')\ndef load(audit_evidence): audit_evidence.load('vegeta', 'p99 12 ms')\n"
    + "".join(
        f"@audit(dimension='4.{n}', level={level})\n"
        f"def test_{n}_{level}(audit_evidence, load): audit_evidence.command('seq {n}', '{level}' * {n * 900})\n"
        for n in range(1, 9)
        for level in (2, 3, 4)
    )
    + "@audit(dimension='4.1', level=5)\ndef test_failed(): assert not ['a'], '1 bare: a'\n"
    + "@audit(dimension='4.2', level=5)\ndef test_skipped(): pytest.skip('no server')\n"
    + "@audit(dimension='4.3', level=5)\ndef test_broken(): {}['key']\n"
    + "@audit(dimension='4.4', level=5)\n@pytest.mark.parametrize('n', range(9))\n"
    + "def test_many(n): assert n != 4, f'{n} is bad'\n"
    + "@audit(dimension='4.5', level=5, needs=('writes',))\ndef test_disturbs(): pytest.fail('two rows')\n"
)

VOLATILE = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r'"duration": [0-9.e-]+', '"duration": <seconds>'),
    (r'time="[0-9.e-]+"', 'time="<seconds>"'),
    (r'"worker": "(gw\d+)?"', '"worker": "<worker>"'),
]


def blanked(text: str) -> str:
    """The text without times and workers."""
    for pattern, mark in VOLATILE:
        text = re.sub(pattern, mark, text)
    return text


def test_the_card_is_the_same_however_it_was_run(project: Project) -> None:
    """Every report of four runs, compared as text."""
    project.config(CONFIG)
    project.suite(SUITE)
    reports: dict[str, dict[str, str]] = {}
    for options in ((), ("-n0",), ("-n2",), ("-n4",)):
        # A folder each, so that none is the second run.
        folder = project.path / f"report{'-'.join(options)}"
        project.run("--audit", "--audit-allow=writes", f"--audit-report={folder.name}", *options)
        names = ("scorecard.json", "scorecard.md", "scorecard.html", "junit.xml", "findings.json")
        reports[" ".join(options)] = {n: blanked((folder / n).read_text("utf-8")) for n in names}
    plain = reports.pop("")
    assert '"outcome": "failed"' in plain["scorecard.json"]
    for options, others in reports.items():
        for name, text in others.items():
            assert text == plain[name], f"{name} differs with {options}"


def test_disturbing_checks_run_last_and_alone(project: Project) -> None:
    """Under xdist every reader has reported before the first disturbing check starts; those run one by one."""
    project.suite(
        "import time\nfrom pathlib import Path\n"
        "LOG = Path(__file__).with_name('log')\n"
        "def note(what):\n    with LOG.open('a') as f: f.write(what + '\\n')\n"
        + "".join(
            f"@audit(dimension='4.1', level=2)\ndef test_reader_{n}():\n    note('+r'); note('-r')\n" for n in range(9)
        )
        + "".join(
            "@audit(dimension='4.1', level=2, needs=('faults',))\n"
            f"def test_disturber_{n}():\n    note('+d'); note('-d')\n"
            for n in range(3)
        )
    )
    project.run("--audit", "--audit-allow=faults", "-n3").assert_outcomes(passed=12)
    log = (project.path / "log").read_text("utf-8").split()
    assert sorted(log[:18]) == ["+r"] * 9 + ["-r"] * 9
    assert log[18:] == ["+d", "-d"] * 3
    assert len({a.worker for a in project.record().attempts if "disturber" in a.check}) == 1


def test_a_crash_of_the_disturbing_worker_loses_only_its_check(project: Project) -> None:
    """The others run on the worker that replaces it."""
    project.suite(
        "import os\n"
        "@audit(dimension='4.1', level=2)\ndef test_reader(audit_evidence): audit_evidence.command('true', '')\n"
        "@audit(dimension='4.1', level=2, needs=('faults',))\ndef test_a_crashes(): os._exit(3)\n"
        "@audit(dimension='4.1', level=2, needs=('faults',))\ndef test_b_runs(): pass\n"
    )
    project.run("--audit", "--audit-allow=faults", "-n2")
    assert project.statuses() == {"test_reader": "passed", "test_a_crashes": "could-not-run", "test_b_runs": "passed"}

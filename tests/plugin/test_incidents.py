"""Incidents from audit.yaml, from a file and from plugins join; an open P0 lowers the disposition by one tier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from plugin.conftest import CONFIG, Project
from pytest_backend_audit.model import Incident

OWN = """\
id: own
name: Our own
version: "1"
reviewer_from: 5
levels:
  - {number: 1, name: A, definition: a}
  - {number: 2, name: B, definition: b}
  - {number: 3, name: C, definition: c}
  - {number: 4, name: D, definition: d}
  - {number: 5, name: E, definition: e}
dispositions:
  - {id: good, name: Good, floor: 6, minimum: 3}
  - {id: bad, name: Bad, floor: null, minimum: null}
overrides:
  p0: An open P0 where a dimension is healthy.
dimensions:
  - id: "1"
    name: Healthy
    scope: Ours.
    rows:
      - {criterion: mended, level: 3, clause: Mended., proof: measured, defects: [it is broken]}
      - {criterion: mended, level: 4, clause: Mended., proof: measured, defects: [it is broken]}
  - id: "2"
    name: Poor
    scope: Ours.
    rows:
      - {criterion: poor, level: 3, clause: Poor., proof: measured, defects: [it is broken]}
"""
SUITE = """
@pytest.mark.parametrize("n", range(1))
@audit(dimension="1", criterion="mended", level=3)
def test_three(audit_evidence, n):
    audit_evidence.query("SELECT 1", [[1]])


@audit(dimension="1", criterion="mended", level=4)
def test_four(audit_evidence):
    audit_evidence.query("SELECT 1", [[1]])


@audit(dimension="2", criterion="poor", level=3)
def test_poor(audit_evidence):
    audit_evidence.query("SELECT 1", [[1]])
"""
NOW = datetime.now(UTC)


def days(ago: int) -> str:
    """The day that lies so many days back."""
    return (NOW - timedelta(days=ago)).date().isoformat()


@pytest.fixture
def standing(project: Project) -> Project:
    """A suite that reaches the upper disposition by a standard of the project's own."""
    (project.path / "own.yaml").write_text(OWN)
    project.suite(SUITE)
    return project


def audited(project: Project, more: str = "") -> list[object]:
    """Id of the disposition, the overrides, and the incidents of a formal audit's card."""
    project.config(CONFIG + "standard: ./own.yaml\n" + more)
    project.commit()
    result = project.run("--audit-sha=HEAD")
    assert result.ret == 0, result.stderr.str()
    card = project.card()
    return [card["disposition"]["id"], card["overrides"], card["incidents"]]  # type: ignore[index]


def entry(id_: str, opened: str, resolved: str | None = None, *dimensions: str, origin: str) -> dict[str, object]:
    """An incident as the card has it."""
    return {
        "id": id_,
        "severity": "P0",
        "opened": opened,
        "resolved": resolved,
        "dimensions": list(dimensions),
        "reference": "",
        "origin": origin,
    }


@pytest.mark.parametrize(("more", "counts"), [("", None), ("incidents:\n", None), ("incidents: []\n", [])])
def test_not_stated_is_no_override_and_is_told(standing: Project, more: str, counts: object) -> None:
    """Something else than none."""
    assert audited(standing, more) == ["good", [], counts]
    notices = standing.card()["notices"]
    assert (notices == []) == (counts is not None)
    assert "incidents are not stated" in str(notices or "incidents are not stated")


@pytest.mark.parametrize(
    ("incident", "since"),
    [
        (f"{{id: I, severity: P0, opened: {days(3)}, dimensions: ['1']}}", "opened in the last 30 days"),
        (f"{{id: I, severity: p0, opened: {days(90)}, dimensions: ['2', '1']}}", "older than 30 days and still open"),
        (f"{{id: I, severity: P0, opened: {days(3)}, resolved: {days(1)}, dimensions: ['1']}}", ""),
        (f"{{id: I, severity: P1, opened: {days(3)}, dimensions: ['1']}}", ""),
        (f"{{id: I, severity: P0, opened: {days(3)}, dimensions: ['2']}}", ""),
        (f"{{id: I, severity: P0, opened: {days(3)}}}", ""),
    ],
)
def test_an_open_p0_in_a_healthy_dimension_costs_one_tier(standing: Project, incident: str, since: str) -> None:
    """A resolved one, a lesser one, and one where the level is low anyway don't."""
    disposition, overrides, _ = audited(standing, f"incidents: [{incident}]\n")
    opened = incident.partition("opened: ")[2][:10]
    told = [f"An open P0 where a dimension is healthy: I ({since}, {opened}) in 1 Healthy at L4"] if since else []
    assert (disposition, overrides) == ("bad" if since else "good", told)


def test_all_sources_join(standing: Project, workers: tuple[str, ...]) -> None:
    """The card says who tells of each; one that is told twice is told so."""
    (standing.path / "ops").mkdir()
    (standing.path / "ops" / "incidents.yaml").write_text(
        f"- {{id: I-2, severity: P0, opened: {days(9)}, resolved: {days(8)}}}\n"
        f"- {{id: I-1, severity: P0, opened: {days(5)}, resolved: {days(4)}}}\n"
    )
    (standing.path / "conftest.py").write_text(
        "from datetime import datetime, date, timezone\n"
        "from pytest_backend_audit.model import Incident\n\n\n"
        "def pytest_audit_incidents(config, service):\n"
        "    assert service == 'orders'\n"
        "    return [\n"
        "        {'id': 'I-3', 'severity': 'p0', 'opened': datetime(2026, 1, 5, 8, 30, tzinfo=timezone.utc),\n"
        "         'resolved': date(2026, 1, 6), 'dimensions': ('1',)},\n"
        "        Incident('I-4', 'P0', '2026-01-07', '2026-01-08'),\n"
        "    ]\n"
    )
    standing.config(
        CONFIG + f"standard: ./own.yaml\nincidents_file: ops/incidents.yaml\n"
        f"incidents: [{{id: I-1, severity: P0, opened: {days(6)}}}]\n"
    )
    standing.commit()
    result = standing.run("--audit-sha=HEAD", *workers)
    assert standing.card()["incidents"] == [
        entry("I-1", days(6), None, origin="audit.yaml:8"),
        entry("I-2", days(9), days(8), origin="ops/incidents.yaml:1"),
        entry("I-3", "2026-01-05T08:30:00+00:00", "2026-01-06", "1", origin="conftest.py"),
        entry("I-4", "2026-01-07", "2026-01-08", origin="conftest.py"),
    ]
    said = f"incident I-1 is told 2 times (audit.yaml:8, ops/incidents.yaml:2); what counts: P0, opened {days(6)}, open"
    assert standing.card()["notices"] == [said]
    result.stdout.fnmatch_lines(["Notice       incident I-1 is told 2 times (audit.yaml:8,*"])
    assert standing.record().inputs.policy.incidents[0] == Incident("I-1", "P0", days(6), origin="audit.yaml:8")  # type: ignore[index]


@pytest.mark.parametrize(
    ("answer", "counts"), [("[]", []), ("None", None)], ids=["an empty list states", "None does not"]
)
def test_a_plugin_may_say_that_there_were_none_or_nothing(standing: Project, answer: str, counts: object) -> None:
    """Only the first is a statement."""
    (standing.path / "conftest.py").write_text(f"def pytest_audit_incidents(config, service):\n    return {answer}\n")
    assert audited(standing)[2] == counts


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("{}", "returned dict; allowed: a list of incidents, or None"),
        ("['I-1']", 'incidents[0]: found "I-1"; allowed: a mapping'),
        (
            "[{'id': 'I-1', 'severity': 'P0'}]",
            "incidents[0].opened: missing; wanted: When it began: a day (UTC), or an "
            "instant with its zone, such as `2026-11-20T08:30:00Z`",
        ),
        (
            "[{'id': 'I-1', 'severity': 'P0', 'opened': datetime(2026, 1, 5)}]",
            'incidents[0].opened: found "2026-01-05T00:00:00"; allowed: a day as YYYY-MM-DD (UTC), or an instant with '
            "its zone as 2026-11-20T08:30:00Z",
        ),
        (
            "[{'id': 'I-1', 'severity': 'P0', 'opened': '2026-01-05', 'dimensions': ['9']}]",
            'incidents[0].dimensions[0]: found "9", which is no dimension; allowed: 1, 2',
        ),
        (
            "[{'id': 'I-1', 'severity': 'P0', 'opened': '2026-01-05', 'reference': object}]",
            "an incident holds what has no form in JSON: Object of type type is not JSON serializable",
        ),
        ("[{'id': 'x' * 2_000_000}]", "more than 1,048,576 characters; tell of those that are open or recent"),
    ],
)
def test_what_a_plugin_tells_is_held_to_the_form_and_the_error_names_it(
    standing: Project, answer: str, said: str
) -> None:
    """One line, and no audit."""
    (standing.path / "ours.py").write_text(
        f"from datetime import datetime\n\ndef pytest_audit_incidents(config, service):\n    return {answer}\n"
    )
    standing.config(CONFIG + "standard: ./own.yaml\n")
    result = standing.run("--audit", "-p", "ours")
    assert result.stderr.lines == [f"ERROR: pytest_audit_incidents of plugin ours: {said}", ""]
    assert result.ret == 4


def test_a_plugin_that_fails_is_named_by_its_line(standing: Project) -> None:
    """A tracker that is down: without its answer nobody knows whether a P0 is open."""
    (standing.path / "conftest.py").write_text(
        "def pytest_audit_incidents(config, service):\n    raise TimeoutError('tracker')\n"
    )
    standing.config(CONFIG + "standard: ./own.yaml\n")
    result = standing.run("--audit")
    assert result.stderr.lines == ["ERROR: pytest_audit_incidents failed: TimeoutError: tracker (conftest.py:2)", ""]
    listed = standing.run("--audit", "--collect-only", "-q")
    assert listed.ret == 0  # nothing is audited, so nobody is asked


def test_the_file_is_part_of_the_commit(standing: Project) -> None:
    """As audit.yaml is: tracked and unchanged in a formal audit."""
    standing.config(CONFIG + "standard: ./own.yaml\nincidents_file: incidents.yaml\n")
    standing.commit()
    (standing.path / "incidents.yaml").write_text("[]\n")
    result = standing.run("--audit-sha=HEAD")
    assert result.stderr.lines == [
        "ERROR: --audit-sha=HEAD: incidents.yaml is not tracked:",
        "  git add incidents.yaml && git commit -m 'Audit configuration'",
        "or rehearse without a commit: --audit",
        "",
    ]
    assert standing.run("--audit").ret == 0
    standing.commit()
    (standing.path / "incidents.yaml").write_text("[ ]\n")
    assert "changed: incidents.yaml" in standing.run("--audit-sha=HEAD").stderr.str()


def test_incidents_of_the_policy_count_too(standing: Project) -> None:
    """One that the branch has closed is open until that is merged; the file is read at that revision."""
    file = standing.path / "incidents.json"
    open_ = f'[{{"id": "I-1", "severity": "P0", "opened": "{days(3)}", "dimensions": ["1"]}}]'
    file.write_text(open_)
    standing.config(CONFIG + "standard: ./own.yaml\nincidents_file: incidents.json\n")
    standing.commit()
    standing.git("checkout", "-q", "-b", "closing")
    file.write_text(open_.replace("}]", f', "resolved": "{days(1)}"}}]'))
    standing.commit()
    standing.run("--audit-sha=HEAD")
    assert standing.card()["disposition"]["id"] == "good"  # type: ignore[index]
    standing.run("--audit-sha=HEAD", "--audit-policy=main")
    assert standing.card()["disposition"]["id"] == "bad"  # type: ignore[index]
    assert standing.card()["policy"]["differences"] == [  # type: ignore[index]
        {
            "key": "incidents.I-1",
            "here": f"P0, opened {days(3)}, resolved {days(1)}, 1",
            "here_origin": "incidents.json:1",
            "there": f"P0, opened {days(3)}, open, 1",
            "there_origin": "main:incidents.json:1",
            "taken": f"P0, opened {days(3)}, open, 1",
        }
    ]

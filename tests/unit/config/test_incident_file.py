"""A file of incidents is read as strictly as audit.yaml: YAML or JSON, with the line of what is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pytest_backend_audit import standard
from pytest_backend_audit.config import load
from pytest_backend_audit.config.incident_file import read_incidents
from pytest_backend_audit.config.incidents import joined
from pytest_backend_audit.errors import ConfigError
from pytest_backend_audit.model import Incident

STANDARD = standard.load("default")
TODAY = date(2026, 11, 24)

AT = "ops/incidents.yaml:1: "
FORM = "allowed: a list of incidents, or a mapping whose one key is incidents"
SCALE = "allowed: P0 (the gravest) to P5; write yours on that scale"


def read(text: str | bytes, name: str = "ops/incidents.yaml") -> tuple[Incident, ...]:
    """The incidents of a text."""
    raw = text if isinstance(text, bytes) else text.encode()
    return read_incidents(name, raw, TODAY, STANDARD)


def refusal(text: str | bytes, name: str = "ops/incidents.yaml") -> list[str]:
    """What is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        read(text, name)
    return str(caught.value).splitlines()


ONE = Incident("I-1", "P0", "2026-11-20", None, ("4.6",), "", "ops/incidents.yaml:1")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- {id: I-1, severity: p0, opened: 2026-11-20, dimensions: [4.6]}\n", 1),
        ("# Ours\nincidents:\n  - id: I-1\n    severity: P0\n    opened: 2026-11-20\n    dimensions: ['4.6']\n", 3),
    ],
)
def test_yaml_is_a_list_or_has_one_under_its_key(text: str, line: int) -> None:
    """Either way with the line of each."""
    assert read(text) == (Incident("I-1", "P0", "2026-11-20", None, ("4.6",), "", f"ops/incidents.yaml:{line}"),)


def test_json_keeps_its_tabs_and_its_escapes() -> None:
    """As exports have them: YAML would refuse the first and break the second."""
    text = '{\n\t"incidents": [\n\t\t{"id": "\\ud83d\\udd25\\t1", "severity": "P1", "opened": "2026-11-20"}]}\n'
    assert read(text, "x.json") == (Incident("\U0001f525\t1", "P1", "2026-11-20", origin="x.json:3"),)


def test_an_empty_list_says_that_there_were_none() -> None:
    """Which is something else than not stated."""
    assert read("[]\n") == read("incidents: []\n") == read("[]", "x.json") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "",
            AT + "found nothing; " + FORM,
        ),
        (
            "incidents: {}\n",
            AT + "found a mapping; " + FORM,
        ),
        (
            "incidents: []\nsought: {4.6: 1}\n",
            AT + "found a mapping; " + FORM,
        ),
        ("- I-1\n", 'ops/incidents.yaml:1: incidents[0]: found "I-1"; allowed: a mapping'),
        (
            "- {id: I-1, severity: critical, opened: 2026-11-20}\n",
            AT + 'incidents[0].severity: found "critical"; ' + SCALE,
        ),
        (
            "- {id: I-1, severity: SEV0, opened: 2026-11-20}\n",
            AT + 'incidents[0].severity: found "SEV0"; ' + SCALE,
        ),
        (
            "- {id: I-1, severity: P0, opened: 2026-11-25}\n",
            AT + "incidents[0].opened: found 2026-11-25, in the future; allowed: up to 2026-11-24 (UTC)",
        ),
        (
            "- {id: I-1, severity: P0, opened: 2026-11-24T23:00:00-02:00}\n",
            "ops/incidents.yaml:1: incidents[0].opened: found 2026-11-24T23:00:00-02:00, in the future; allowed: up to "
            "2026-11-24 (UTC)",
        ),
        (
            "- {id: I-1, severity: P0, opened: 2026-11-20T10:00:00Z, resolved: 2026-11-20T10:30:00+01:00}\n",
            "ops/incidents.yaml:1: incidents[0].resolved: found 2026-11-20T10:30:00+01:00; allowed: not before it was "
            "opened, 2026-11-20T10:00:00Z",
        ),
        (
            "- {id: I-1, severity: P0, opened: 2026-11-20}\n- {id: I-1, severity: P0, opened: 2026-11-20}\n",
            'ops/incidents.yaml:2: incidents[1].id: found "I-1" again, first on line 1; keep one of the two',
        ),
        (
            "- {id: I-1, severity: P0, opened: 2026-11-20, dimensions: [4.9]}\n",
            AT
            + 'incidents[0].dimensions[0]: found "4.9", which is no dimension; allowed: 4.1, 4.2, 4.3, 4.4, 4.5, 4.6, '
            '4.7, 4.8; did you mean "4.8"?',
        ),
        (b"\xff", "ops/incidents.yaml:1: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"#" * (1 << 20) + b"#", "ops/incidents.yaml: larger than 1,048,576 bytes, the most that is read"),
        ("- {}\n" * 20_001, "ops/incidents.yaml:20000: more than 20,000 keys and values, the most that is read"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str | bytes, said: str) -> None:
    """In one message."""
    assert refusal(text) == [said]


def test_what_is_yaml_and_no_json_is_no_json() -> None:
    """The name says what it is."""
    assert refusal("[{'id': 1}]", "x.json") == ["x.json:1: not JSON: Expecting property name enclosed in double quotes"]


def test_resolved_on_the_day_on_which_it_was_opened() -> None:
    """A day holds all of its instants."""
    [incident] = read("- {id: I-1, severity: P0, opened: 2026-11-20T10:00:00Z, resolved: 2026-11-20}\n")
    assert (incident.opened, incident.resolved) == ("2026-11-20T10:00:00Z", "2026-11-20")


def test_the_file_is_looked_for_beside_audit_yaml_and_in_the_repository_only(tmp_path: Path) -> None:
    """What leads out of it is refused, a link too."""
    top = tmp_path / "orders"
    (top / "service").mkdir(parents=True)
    (top / "incidents.yaml").write_text("- {id: I-1, severity: P0, opened: 2026-11-20}\n")
    (tmp_path / "outside.yaml").write_text("[]\n")
    (top / "service" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    audit = top / "service" / "audit.yaml"

    def told(named: str) -> str:
        audit.write_text(f"version: 1\nenvironment: local\nincidents_file: {named}\n")
        try:
            config = load(audit, environ={}, formal=False, today=TODAY, within=top)
        except ConfigError as error:
            return str(error)
        return ", ".join(i.origin for i in config.policy().incidents or ())

    assert told("../incidents.yaml") == "../incidents.yaml:1"
    refused = 'audit.yaml:3: incidents_file: found "{}"; allowed: a file of the repository'
    for named in ("../../outside.yaml", "link.yaml", "/etc/hostname"):
        assert told(named) == refused.format(named)
    assert told("gone.yaml") == (
        'audit.yaml:3: incidents_file: found "gone.yaml", which can\'t be read: No such file or directory'
    )
    assert told("../service") == (
        'audit.yaml:3: incidents_file: found "../service", which can\'t be read: Is a directory'
    )


def test_an_incident_that_is_told_twice_is_one_and_the_graver() -> None:
    """And that it was told twice is said."""
    here = Incident("I-1", "P1", "2026-11-20", None, ("4.6",), "", "audit.yaml:4")
    there = Incident("I-1", "P0", "2026-11-21", "2026-11-22", ("4.1",), "", "ops.json:2")
    other = Incident("I-2", "P0", "2026-11-21", None, (), "", "ops.json:9")
    assert joined([here, there, other]) == (
        (Incident("I-1", "P0", "2026-11-20", None, ("4.1", "4.6"), "", "audit.yaml:4"), other),
        (
            "incident I-1 is told 2 times (audit.yaml:4, ops.json:2); "
            "what counts: P0, opened 2026-11-20, open, 4.1, 4.6",
        ),
    )

"""An audit.yaml that can't be used ends the run at once: every error with its line, status 4, no traceback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plugin.conftest import CONFIG, Project

BAD = Path(__file__).parents[1] / "unit" / "config" / "bad"
CHECK = "@audit(dimension='4.1', level=2)\ndef test_it(audit_evidence): audit_evidence.command('true', 'ok')\n"


def refusal(project: Project, content: bytes, *arguments: str) -> list[str]:
    """What pytest says of an audit.yaml with this content."""
    project.suite(CHECK)
    (project.path / "audit.yaml").write_bytes(content)
    result = project.run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not (project.path / "audit-report").exists()
    first, *others = [line for line in result.errlines if line]
    return [first.removeprefix("ERROR: "), *others]


@pytest.mark.parametrize("file", sorted(BAD.glob("*.yaml")), ids=lambda p: p.stem)
def test_each_stored_file_gives_its_stored_errors(
    project: Project, monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    """All at once, as the loader has them; what depends on the day of the run left out."""
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("PG_USER", "audit")
    expected = [
        line for line in file.with_suffix(".txt").read_text("utf-8").splitlines() if "in the future" not in line
    ]
    told = refusal(project, file.read_bytes(), "--audit-sha=HEAD")
    assert [line for line in told if "in the future" not in line] == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version: 1\nservice: \xff\xfe\n", "audit.yaml:2: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"version: 1\nservice: a\x00b\n", "audit.yaml:2: character U+0000 is not allowed in YAML"),
        (CONFIG.encode() + b"# " + b"x" * (2 << 20), "audit.yaml"),
        (b"version: 1\nservice: " + b"[" * 5000 + b"]" * 5000, "audit.yaml:2"),
        (b"version: 1\nowners: {" + b", ".join(b"k%d: v" % n for n in range(30_000)) + b"}\n", "audit.yaml"),
    ],
    ids=["not UTF-8", "NUL", "huge", "deep", "many"],
)
def test_what_is_hardly_text_is_one_error(project: Project, content: bytes, message: str) -> None:
    """Too large, too deep, not text: refused before anything is made of it."""
    (told,) = refusal(project, content, "--audit")
    assert told.startswith(message)
    assert len(told) < 300


def test_a_folder_in_its_place(project: Project) -> None:
    """Named by hand, it is no file."""
    project.suite(CHECK)
    (project.path / "audit.yaml").mkdir()
    result = project.run("--audit", "--audit-config=audit.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [
        "ERROR: --audit-config=audit.yaml: there is no such file; `backend-audit init` writes one"
    ]


def test_an_environment_that_is_not_there(project: Project) -> None:
    """The names that there are."""
    file = b"version: 1\nsuites: none\nenvironments: {stage: {kind: stage}, prod: {kind: prod}}\n"
    (told,) = refusal(project, file, "--audit", "--audit-env=staeg")
    assert re.fullmatch(r"audit\.yaml:3: .*staeg.*prod.*", told)


def test_an_unset_variable_costs_a_rehearsal_one_target_and_a_formal_audit_everything(project: Project) -> None:
    """In a rehearsal the check that needs it could not run, and says which variable is missing."""
    config = CONFIG + 'targets: {postgres: {dsn: "${AUDIT_POSTGRES_DSN}"}}\n'
    assert refusal(project, config.encode(), "--audit-sha=HEAD") == [
        "audit.yaml:6: targets.postgres.dsn: AUDIT_POSTGRES_DSN is not set in the environment; a formal audit needs it"
    ]
    project.suite(CHECK + "@audit(dimension='4.1', level=3)\ndef test_db(audit_postgres): pass\n")
    assert project.run("--audit").ret == 0
    assert {a.instance.rpartition("::")[2]: a.reason for a in project.record().attempts} == {
        "test_it": "",
        "test_db": "targets.postgres: AUDIT_POSTGRES_DSN is not set in the environment (audit.yaml:6)",
    }


def test_errors_are_said_once_under_xdist(project: Project) -> None:
    """By the controller, before any worker starts."""
    (told,) = refusal(project, (BAD / "not-yaml.yaml").read_bytes(), "--audit", "-n2")
    assert told == "audit.yaml:3: not YAML: expected ',' or '}', but got '<scalar>'"

"""Whether the runbook refers to the filed audits, as it was at the audited commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pytest_backend_audit.cli.runbook import trouble
from pytest_backend_audit.ledger import Place

REFERS = "Audits: [all](../audits/order%20desk/)\n"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A repository whose runbook refers to the audits, in two places."""
    top = tmp_path / "desk"
    for name, text in (("docs/runbook.md", REFERS), ("desk/runbook.md", REFERS), ("docs/other.md", "nothing\n")):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    git(top, "init", "-q", "-b", "main")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "Docs")
    return Place(top, "order desk")


def git(top: Path, *arguments: str) -> str:
    """Run git there."""
    kim = {f"GIT_{who}_{what}": "kim@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {**os.environ, **kim, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *arguments], cwd=top, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("runbook", "config"),
    [
        ("docs/runbook.md", "audit.yaml"),
        ("./docs/../docs/runbook.md", "audit.yaml"),
        ("docs/runbook.md#audits", "audit.yaml"),
        ("runbook.md", "desk/audit.yaml"),
        ("../docs/runbook.md", "desk/audit.yaml"),
    ],
)
def test_a_runbook_that_refers_to_the_audits(place: Place, runbook: str, config: str) -> None:
    """By a path from the top or from audit.yaml; a link to one of its sections is one to it."""
    assert trouble(place, "HEAD", runbook, config) == ("", "")


def test_a_runbook_that_does_not(place: Place) -> None:
    """What is in the tree now doesn't count."""
    commit = git(place.top, "rev-parse", "HEAD")
    (place.top / "docs" / "other.md").write_text(REFERS)
    assert trouble(place, commit, "docs/other.md", "audit.yaml") == (
        "the runbook docs/other.md does not refer to audits/order%20desk/, where its audits are; add a line that does, "
        "commit, and audit that commit",
        "",
    )


@pytest.mark.parametrize("runbook", ["docs/none.md", "docs", "/etc/passwd", "../../etc/passwd", ".", "ask Kim"])
def test_a_runbook_that_is_not_there(place: Place, runbook: str) -> None:
    """Nothing outside of the commit is looked at."""
    commit = git(place.top, "rev-parse", "HEAD")
    assert trouble(place, commit, runbook, "audit.yaml") == (
        f"runbook: {runbook} is no file of commit {commit[:12]}; name one in audit.yaml, from the top of the "
        "repository, that refers to audits/order%20desk/, or a URL; commit, and audit that commit",
        "",
    )


def test_a_runbook_elsewhere_is_not_looked_into(place: Place) -> None:
    """And that is said."""
    assert trouble(place, "HEAD", "https://wiki.example.org/desk", "audit.yaml") == (
        "",
        "https://wiki.example.org/desk can't be looked into from here; see that it refers to audits/order%20desk/",
    )

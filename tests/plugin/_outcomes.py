"""A suite of one check, and what becomes of it."""

from __future__ import annotations

from plugin.conftest import Project

MARK = "@audit(dimension='4.1', level=3)\n"
SEEN = "    audit_evidence.command('true', 'ok')\n"


def outcome(project: Project, name: str = "test_it") -> tuple[str, int]:
    """Outcome and limit of a check of the latest run's card."""
    for dimension in project.card()["dimensions"]:  # type: ignore[attr-defined]
        for criterion in dimension["criteria"]:
            for check in criterion["checks"]:
                if check["check"]["id"].rpartition("::")[2] == name:
                    return check["outcome"], check["limit"]
    raise AssertionError(f"{name} is not on the card")


def run_one(project: Project, body: str, *arguments: str) -> tuple[str, int]:
    """Outcome of a suite's ``test_it``."""
    project.suite(body)
    project.run("--audit", *arguments)
    return outcome(project)

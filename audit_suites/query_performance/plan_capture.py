"""CI captures plans by itself.

Read is what CI runs at the audited commit: the commands of its pipelines, and of scripts and targets that they call. A
command counts if it makes the database tell plans (EXPLAIN, auto_explain, an ORM's explain), itself or by a file of the
repository that it runs: a program, statements, tests. So does an audit by this package, whose evidence has plans, if it
runs the bundled checks of 4.1; where nothing but audits would capture plans, and audit.yaml declares no
targets.postgres to capture them from, the check could not run. What is commented out counts for nothing, nor does what
waits for somebody to start it, or for a condition that is never true.
That the captured plans are worth having is not judged here: plan-regressions compares those that audits keep.

Impact: Plans that nobody has written down can't be compared: after a release that made the database slow nobody can say
what a statement's plan was before it.

Remediation: Have a job of CI fill a database with data like production's, run the service's statements under
auto_explain or EXPLAIN (FORMAT JSON), and keep what comes out as the job's artifact.

Verification: The artifacts of the newest run on the main branch have the plans of its commit.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.ci_files import commands, pipelines
from pytest_backend_audit.analysis.plan_capture import capturing
from pytest_backend_audit.analysis.text import lines, listed


@audit(dimension="4.1", criterion="plan-capture", level=5)
def test_ci_captures_plans(audit_source: Any, audit_declared: Any) -> None:
    """CI captures plans by itself."""
    paths = audit_source.files()
    files = pipelines(paths)
    assert files, (
        "the repository has no pipeline of CI to capture plans (.github/workflows, .gitlab-ci.yml, ...), none that git "
        "tracks; if one lies there, git add it and commit"
    )
    found = commands(paths, audit_source.read)
    captures = capturing(found, paths, audit_source.read, audit_declared("suites", "none"))
    by_itself = [capture for capture in captures if not capture.asleep]
    assert by_itself, (
        f"none of {len(found)} commands that CI runs captures plans (read: {listed(files)})"
        f"{lines(f'{capture}: {capture.asleep}' for capture in captures)}\n"
        "a step that does: psql \"$DATABASE_URL\" --command 'EXPLAIN (FORMAT JSON) SELECT ...' --output plans.json"
    )
    if all(capture.audit for capture in by_itself):
        audit_declared("targets.postgres.dsn")  # without one there is nothing that an audit could capture plans from
    for capture in by_itself:
        for place in dict.fromkeys([capture.begun, (capture.path, capture.line)]):
            audit_source.reference(*place)

"""The hooks that other plugins and conftest files may implement. None can change an outcome.

Each docstring shows an implementation that works as it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_backend_audit.ledger import Tracked
    from pytest_backend_audit.ledger.events import Event
    from pytest_backend_audit.model import Card, Check, Evidence, Finding


@pytest.hookspec
def pytest_audit_suites() -> list[Path]:  # type: ignore[empty-body]
    """Folders with more bundled suites; each of their files is one criterion.

    ::

        def pytest_audit_suites():
            return [Path(__file__).parent / "suites"]
    """


@pytest.hookspec
def pytest_audit_standards() -> Mapping[str, Path]:  # type: ignore[empty-body]
    """Standards that audit.yaml may name in ``standard:``, with the folder or file of each.

    ::

        def pytest_audit_standards():
            return {"payments": Path(__file__).parent / "payments.yaml"}
    """


@pytest.hookspec
def pytest_audit_targets() -> Mapping[str, str]:  # type: ignore[empty-body]
    """More kinds of targets: name in audit.yaml's ``targets`` -> "package.module:factory", imported on first use.

    The factory takes the runtime and the target's mapping from audit.yaml, and returns what a fixture hands out.

    ::

        def pytest_audit_targets():
            return {"kafka": "our_plugin.kafka:connect"}
    """


@pytest.hookspec(firstresult=True)
def pytest_audit_build(config: pytest.Config) -> str | None:
    """The commit that the running service was built from, where it can't tell by itself.

    ::

        def pytest_audit_build(config):
            return os.environ.get("DEPLOYED_SHA")
    """


@pytest.hookspec
def pytest_audit_incidents(config: pytest.Config, service: str) -> list[Mapping[str, object]] | None:
    """Incidents of the service, from where the team keeps them; they join those of audit.yaml.

    Each has the keys that an entry of audit.yaml's ``incidents`` has; days and instants may be Python's own, an instant
    with its zone. An empty list says that there were none, None says nothing. A P0 that is open where a dimension has
    L4 or more lowers the disposition.

    ::

        def pytest_audit_incidents(config, service):
            return [
                {"id": i.key, "severity": "P0", "opened": i.created, "resolved": i.closed, "dimensions": i.labels}
                for i in tracker.search(service=service, priority="highest")
            ]
    """


@pytest.hookspec
def pytest_audit_redact(text: str) -> str | None:
    """One more redaction: return the text without what must not be kept, or None to leave it.

    It runs after the built-in redaction, on everything that is stored or shown.

    ::

        def pytest_audit_redact(text):
            return re.sub(r"ACC-[0-9]{8}", "[account]", text)
    """


@pytest.hookspec
def pytest_audit_evidence(check: Check, evidence: Evidence) -> None:
    """Told of each piece of evidence as it enters the journal.

    ::

        def pytest_audit_evidence(check, evidence):
            print(check.id, evidence.title)
    """


@pytest.hookspec
def pytest_audit_finding(finding: Finding) -> None:
    """Told of each finding once the card is computed.

    ::

        def pytest_audit_finding(finding):
            tracker.open(finding.title, finding.severity)
    """


@pytest.hookspec
def pytest_audit_report_formats() -> Mapping[str, Callable[[Card], str]]:  # type: ignore[empty-body]
    """More report formats: file name -> function from the card to its text.

    ::

        def pytest_audit_report_formats():
            return {"levels.txt": lambda card: ", ".join(f"{d.id} {d.level}" for d in card.dimensions)}
    """


@pytest.hookspec
def pytest_audit_scorecard(scorecard: Card, config: pytest.Config) -> None:
    """Told of the finished card, after the reports are written.

    ::

        def pytest_audit_scorecard(scorecard, config):
            notify(f"{scorecard.inputs.document.service}: {scorecard.total}")
    """


@pytest.hookspec
def pytest_audit_finding_event(event: Event, finding: Tracked | None) -> None:
    """Told of what becomes of a finding: `backend-audit file` and `backend-audit findings` call it for trackers.

    Called once the ledger is written, outside of a pytest run, so in installed plugins only (entry point ``pytest11``),
    not in conftest files. `event.type` is opened, reopened, seen, gone, assigned, disputed, resolved, closed or
    retired; of a finding that several environments have, one is gone or closed in those that `event.environment` names.
    `finding` is how it stands once the command is done, with `status`, `where` (the environments in which it is open),
    `owner` and `due`; None for one that is assigned before it is filed.

    ::

        def pytest_audit_finding_event(event, finding):
            if finding is not None and finding.status.is_open:
                tracker.open(finding.number, finding.finding.title, finding.owner, finding.due)  # or bring up to date
            elif finding is not None:
                tracker.close(finding.number)
    """

"""What is known of a service's earlier audits when one begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_backend_audit import filed, past
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.model.filed import FiledCard, FiledDimension

CARD = FiledCard(
    service="billing",
    environment="prod",
    environment_kind="prod",
    commit="1a" * 20,
    instant="2026-11-24T08:00:00.000Z",
    lead_auditor="Ada",
    second_reviewer="",
    standard="default",
    basis="the standard",
    plugin_version="0.1.0",
    dimensions=(FiledDimension("4.1", "Query Performance", 3, 4, 5, "1"),),
    checks=(),
    findings=(),
    total=4,
    maximum=5,
    minimum=3,
    disposition="conditional-production",
    disposition_name="Conditional production",
)


def known(tmp_path: Path, service: str) -> past.Past:
    """With a filed card of billing that is asked for."""
    (tmp_path / "card.json").write_text(filed.text(CARD), "utf-8")
    return past.known(
        tmp_path / "audit-report",
        "",
        asked=str(tmp_path / "card.json"),
        repository=tmp_path,
        service=service,
        environment="prod",
        formal=True,
    )


def test_an_audit_of_another_service_is_no_prior_one(tmp_path: Path) -> None:
    """Held against somebody else's levels, no fall would show."""
    message = (
        f"^--audit-prior={tmp_path}/card.json: an audit of 'billing', and this is one of 'orders'; name one of the"
    )
    with pytest.raises(AuditUsageError, match=message):
        known(tmp_path, "orders")


@pytest.mark.parametrize("service", ["billing", ""])
def test_a_prior_audit_of_the_service(tmp_path: Path, service: str) -> None:
    """Or one that an audit without a name for its service is compared with."""
    assert known(tmp_path, service).prior.levels == {"4.1": 4}

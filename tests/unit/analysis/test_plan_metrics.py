"""Series by which a flipped plan shows, by the names of several exporters. Pure."""

import pytest

from pytest_backend_audit.analysis.plan_metrics import proposed, tells_plans


@pytest.mark.parametrize(
    ("name", "tells"),
    [
        ("pg_stat_user_tables_seq_scan", True),
        ("pg_stat_user_tables_seq_tup_read", True),
        ("ccp_stat_user_tables_seq_scan", True),
        ("postgresql_sequential_scans_total", True),
        ("postgresql_seq_scans", True),
        ("query_plan_changes_total", True),
        ("pg_plan_flips", True),
        ("pg_stat_user_tables_idx_scan", False),
        ("planned_maintenance", False),
        ("pg_stat_statements_calls_total", False),
        ("consequence_scans", False),
    ],
)
def test_names_tell(name: str, tells: bool) -> None:
    """Of postgres_exporter, pgMonitor, OpenTelemetry's collector, and of a team's own."""
    assert tells_plans(name) is tells


def test_a_rule_is_proposed_for_what_is_there() -> None:
    """For rows rather than for scans; none where nothing tells."""
    names = ["up", "pg_stat_user_tables_seq_scan", "pg_stat_user_tables_seq_tup_read"]
    head = "{alert: UnexpectedSequentialScans, expr: "
    assert proposed(names) == head + "'rate(pg_stat_user_tables_seq_tup_read[5m]) > 100000', for: 10m}"
    assert proposed(names[:2]) == head + "'rate(pg_stat_user_tables_seq_scan[5m]) > 1', for: 10m}"
    assert proposed(names[:1]) == ""

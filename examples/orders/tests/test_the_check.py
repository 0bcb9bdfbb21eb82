"""The check gives both its answers, on literal rows and without a server."""

from audits.checks import test_order_totals as checks

from pytest_backend_audit.testing import rows, run_check


def test_a_negative_total_is_named():
    """With the ids of the orders."""
    ran = run_check(checks.test_no_order_has_a_negative_total, audit_postgres=rows((17,), (23,)))
    assert ran.status == "failed"
    assert "2 orders with a negative total, such as [(17,), (23,)]" in ran.reason


def test_sound_orders_pass_with_evidence():
    """A pass that recorded nothing would count as L1."""
    ran = run_check(checks.test_no_order_has_a_negative_total, audit_postgres=rows())
    assert ran.status == "passed"
    assert [evidence.title for evidence in ran.evidence] == [checks.NEGATIVE]

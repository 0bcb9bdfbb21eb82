"""No order has a negative total.

Impact: a refund is paid twice.
Remediation: mend the rows that the message names, then ALTER TABLE orders ADD CHECK (total_cents >= 0).
Verification: run the check again.
Effort: S
"""

from pytest_backend_audit import audit

NEGATIVE = "SELECT id FROM orders WHERE total_cents < 0 ORDER BY id"


@audit(dimension="4.6", criterion="order-totals", level=3)
def test_no_order_has_a_negative_total(audit_postgres):
    """Looked at is every order that there is."""
    bad = audit_postgres.execute(NEGATIVE).fetchall()
    assert not bad, f"{len(bad)} orders with a negative total, such as {bad[:3]}"

"""Totals of orders agree with their lines: a check that the team has added to the standard's.

Impact: customers are charged something else than what they were shown.
Remediation: compute totals again from the lines, and find the writer that left them apart.
Verification: this check passes.
Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import audit

TOTALS_APART = """
SELECT o.id, o.total_cents, sum(i.quantity * i.unit_price_cents)::bigint AS lines_cents
  FROM orders o JOIN order_items i ON i.order_id = o.id
 GROUP BY o.id
HAVING o.total_cents <> sum(i.quantity * i.unit_price_cents)
 ORDER BY o.id
 LIMIT 20
"""


@audit(dimension="4.6", criterion="order-totals", level=3)
def test_totals_are_the_sum_of_their_lines(audit_postgres: Any) -> None:
    """No order claims a total other than the sum of its lines."""
    apart = audit_postgres.execute(TOTALS_APART).fetchall()
    assert not apart, f"{len(apart)} orders whose total is not the sum of their lines, such as {apart[:3]}"

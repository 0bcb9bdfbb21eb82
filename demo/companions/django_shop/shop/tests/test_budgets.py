"""What requests cost the database, and when they ask it."""

from __future__ import annotations

from unittest import mock

from django.db import connections
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from shop import prices
from shop.models import Customer, Line, Order


class BudgetTests(TestCase):
    """Each page has a number of statements that it may cost, however much there is on it."""

    @classmethod
    def setUpTestData(cls) -> None:
        """Thirty orders of three lines each."""
        customer = Customer.objects.create(name="Ada")
        orders = Order.objects.bulk_create(Order(customer=customer) for _ in range(30))
        Line.objects.bulk_create(Line(order=o, sku=f"SKU-{n:04}", quantity=1) for o in orders for n in range(3))

    def test_a_page_of_orders(self) -> None:
        """The orders with their customers, and all lines."""
        with self.assertNumQueries(2):
            answer = self.client.get("/orders", {"limit": 30})
        self.assertEqual([len(order["lines"]) for order in answer.json()["orders"]], [3] * 30)

    def test_a_quote(self) -> None:
        """How often the article was ordered."""
        with mock.patch.object(prices, "ask", return_value=510), self.assertNumQueries(1):
            answer = self.client.get(reverse("quote", args=["SKU-0001"]))
        self.assertEqual(answer.json(), {"sku": "SKU-0001", "unit_price_cents": 510, "ordered": 30})

    def test_a_quote_takes_no_connection_along_to_the_pricing_service(self) -> None:
        """Nothing has been asked of the database when the price is asked for."""
        with CaptureQueriesContext(connections["default"]) as asked:
            before: list[int] = []

            async def price(_: str) -> int:
                before.append(len(asked))
                return 510

            with mock.patch.object(prices, "ask", price):
                self.client.get(reverse("quote", args=["SKU-0001"]))
        self.assertEqual(before, [0])

    def test_ready(self) -> None:
        """One statement says that the database is there."""
        with self.assertNumQueries(1):
            self.assertEqual(self.client.get("/readyz").status_code, 200)

"""What customers see."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from shop import prices
from shop.models import Line, Order

LARGEST = 100
"""Orders that a page holds at most, whatever is asked for."""


def orders(request: HttpRequest) -> JsonResponse:
    """The newest orders with their lines."""
    asked = request.GET.get("limit", "20")
    limit = min(max(int(asked) if asked.isdecimal() else 20, 1), LARGEST)
    page = Order.objects.select_related("customer").prefetch_related("lines").order_by("-id")[:limit]
    return JsonResponse({"orders": [_shown(order) for order in page]})


async def quote(request: HttpRequest, sku: str) -> JsonResponse:  # noqa: ARG001 - every view is given it
    """What an article costs, and how often it was ordered."""
    # The price first: a connection taken before that would wait for another team's service, and others for it.
    price = await prices.ask(sku)
    ordered = await Line.objects.filter(sku=sku).acount()
    return JsonResponse({"sku": sku, "unit_price_cents": price, "ordered": ordered})


def _shown(order: Order) -> dict[str, object]:
    lines = [{"sku": line.sku, "quantity": line.quantity} for line in order.lines.all()]
    return {"id": order.pk, "customer": order.customer.name, "lines": lines}

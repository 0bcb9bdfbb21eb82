"""Which endpoints the requests of tests go to."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis.asked_endpoints import asked, route_names
from pytest_backend_audit.analysis.sent_requests import Request
from pytest_backend_audit.targets.endpoints import Endpoint

ENDPOINTS = [
    Endpoint("GET", "/v1/orders", operation_id="list_orders_v1_orders_get"),
    Endpoint("POST", "/v1/orders"),
    Endpoint("GET", "/v1/orders/{order_id}"),
    Endpoint("GET", "/v1/orders/export"),
    Endpoint("GET", "/v1/orders/{order_id}/lines/"),
    Endpoint("GET", "/api/customers/{id}"),
]
URLS = """
urlpatterns = [
    path("orders/", OrderList.as_view(), name="order-list"),
    path("orders/<int:pk>", order, name="order"),
    re_path(r"^orders/(?P<pk>[0-9]+)/lines/$", lines, name="lines"),
    path("admin/", admin.site.urls),
]
router.register("customers", CustomerViewSet, basename="customer")
"""


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/v1/orders", ["GET /v1/orders"]),
        ("GET", "/v1/orders/", ["GET /v1/orders"]),
        ("", "/v1/orders", ["GET /v1/orders", "POST /v1/orders"]),
        ("PUT", "/v1/orders", []),
        ("GET", "/v1/orders/7", ["GET /v1/orders/{order_id}"]),
        ("GET", "/v1/orders/{}", ["GET /v1/orders/{order_id}"]),
        ("GET", "/v1/orders/export", ["GET /v1/orders/export"]),
        ("GET", "/v1/orders/{}/lines", ["GET /v1/orders/{order_id}/lines/"]),
        ("GET", "/customers/3", ["GET /api/customers/{id}"]),
        ("POST", "{}/v1/orders", ["POST /v1/orders"]),
        ("GET", "/v1/invoices", []),
        ("GET", "name:list_orders", ["GET /v1/orders"]),
        ("GET", "name:shop:order-list", ["GET /v1/orders"]),
        ("GET", "name:order", ["GET /v1/orders/{order_id}"]),
        ("GET", "name:lines", ["GET /v1/orders/{order_id}/lines/"]),
        ("GET", "name:customer-detail", ["GET /api/customers/{id}"]),
        ("GET", "name:invoices", []),
    ],
)
def test_where_a_request_goes(method: str, path: str, found: list[str]) -> None:
    """By path, by the end of a path, or by the name of a route; what is literal goes before what is a parameter."""
    assert [str(e) for e in asked(Request(method, path), ENDPOINTS, route_names([URLS, "def broken(:"]))] == found

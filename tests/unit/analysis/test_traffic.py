"""Which operations are busy, by the labels of frameworks' counters. Pure."""

import pytest

from pytest_backend_audit.analysis.traffic import operation, ranked


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"method": "GET", "route": "/v1/orders/{order_id}", "status": "200"}, ("GET", "/v1/orders/{}")),
        ({"http_request_method": "post", "http_route": "/a/<int:b>/"}, ("POST", "/a/{}")),
        ({"handler": "/users/:id", "code": "200"}, ("GET", "/users/{}")),
        ({"handler": "prometheus"}, None),
        ({"job": "orders"}, None),
        ({"path": "/"}, ("GET", "/")),
    ],
)
def test_labels_tell_an_operation(labels, found) -> None:
    """Whatever the framework calls them, and however it writes parameters."""
    assert operation(labels) == found


def test_the_busiest_come_first_and_the_others_keep_their_order() -> None:
    """Over all instances and statuses."""
    operations = {("GET", "/a"): "a", ("GET", "/b/{id}"): "b", ("POST", "/a"): "post", ("GET", "/c"): "c"}
    counts = [
        ({"method": "GET", "route": "/b/{b_id}", "status": "200"}, 3.0),
        ({"method": "GET", "route": "/b/{b_id}", "status": "404"}, 2.0),
        ({"method": "POST", "route": "/a"}, 4.0),
        ({"method": "GET", "route": "unmatched"}, 99.0),
    ]
    assert ranked(operations, counts) == [("b", 5.0), ("post", 4.0), ("a", 0.0), ("c", 0.0)]

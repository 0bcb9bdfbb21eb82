"""Whether statements come more often with more rows. Pure."""

from pytest_backend_audit.analysis.attribution import Counts, parts
from pytest_backend_audit.analysis.growth import grown, growths, hidden

LIST, ITEMS = "SELECT id FROM orders LIMIT $1", "SELECT sku\n FROM items WHERE order_id = $1"


def found(small: dict[str, int], large: dict[str, int], others: dict[str, int]):
    """Ten requests each; others counted for as long."""
    beside = Counts(others, 1.0)
    return growths(parts(Counts(small, 1.0), beside), parts(Counts(large, 1.0), beside), 10)


def test_a_statement_a_row_has_grown() -> None:
    """And the one that lists them hasn't; both are told with what they cost per request."""
    compared = found({LIST: 10, ITEMS: 100}, {LIST: 10, ITEMS: 400}, {})
    assert [str(growth) for growth in grown(compared)] == [
        "10.0, then 40.0 x SELECT sku FROM items WHERE order_id = $1"
    ]
    assert hidden(compared) == []


def test_one_that_comes_with_large_pages_only_has_grown() -> None:
    """Twice in each request."""
    compared = found({LIST: 10}, {LIST: 10, ITEMS: 20}, {})
    assert list(map(str, grown(compared))) == ["0.0, then 2.0 x SELECT sku FROM items WHERE order_id = $1"]


def test_what_others_send_is_no_growth() -> None:
    """Though it came a few times more in one of the windows."""
    compared = found({LIST: 14, ITEMS: 12}, {LIST: 19, ITEMS: 16}, {LIST: 6, ITEMS: 5})
    assert (grown(compared), hidden(compared)) == ([], [])


def test_much_of_others_hides_it() -> None:
    """Nobody can say; neither pass nor fail."""
    compared = found({ITEMS: 1000}, {ITEMS: 1040}, {ITEMS: 990})
    assert (grown(compared), len(hidden(compared))) == ([], 1)

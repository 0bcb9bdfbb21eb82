"""Whether requests kept to their route's statements. Pure."""

from pytest_backend_audit.analysis.attribution import Counts, parts
from pytest_backend_audit.analysis.budgets import Spending

LIST, ITEMS = "SELECT id FROM orders LIMIT $1", "SELECT sku FROM items WHERE order_id = ANY($1)"


def spent(budget: int, ours: dict[str, int], others: dict[str, int], rounds: int = 1) -> Spending:
    """Ten requests a round; others were counted for three times as long."""
    spending = Spending(budget)
    for _ in range(rounds):
        spending.add(10, parts(Counts(ours, 0.2), Counts(others, 0.6)))
    return spending


def test_requests_at_their_budget_keep_to_it() -> None:
    """And none are neither over it nor within it."""
    spending = spent(2, {LIST: 10, ITEMS: 10}, {})
    assert (spending.over, spending.within) == (False, True)
    assert (Spending(2).over, Spending(2).within) == (False, False)


def test_one_statement_more_is_over_it() -> None:
    """Once a second round has confirmed it; the message tells what it was."""
    once = spent(1, {LIST: 10, ITEMS: 10}, {})
    assert (once.over, once.within) == (False, False)
    spending = spent(1, {LIST: 10, ITEMS: 10}, {}, rounds=2)
    assert (spending.over, spending.within) == (True, False)
    assert str(spending) == f"2.0 statements a request, its budget is 1: in 20 requests 20 x {LIST}; 20 x {ITEMS}"


def test_what_others_send_is_taken_off() -> None:
    """As far as it can be told; a few rounds more make it clear."""
    ours, others = {LIST: 13, ITEMS: 14, "SELECT $1": 9}, {LIST: 9, ITEMS: 12, "SELECT $1": 27}
    assert (spent(2, ours, others).over, spent(2, ours, others).within) == (False, True)
    assert (spent(1, ours, others).over, spent(1, ours, others).within) == (False, False)
    clear = spent(1, ours, others, rounds=6)
    assert (clear.over, clear.within) == (True, False)
    assert str(clear) == (
        f"2.0 statements a request, its budget is 1: in 60 requests 84 x {ITEMS} (others send 24.0 in that time); "
        f"78 x {LIST} (others send 18.0 in that time)"
    )


def test_a_few_of_others_in_a_short_while_are_no_excess() -> None:
    """Of a route that makes none: three statements came by, and hardly one was to be expected."""
    spending = Spending(0)
    spending.add(10, parts(Counts({LIST: 1, ITEMS: 1, "UPDATE orders": 1}, 0.02), Counts({LIST: 5, ITEMS: 7}, 0.5)))
    assert (spending.over, spending.within) == (False, True)


def test_a_clump_of_others_in_one_round_is_no_excess() -> None:
    """As a list view's rows, loaded by others while our writes ran slowly on a busy machine; the other rounds tell."""
    usual = Counts({LIST: 3, ITEMS: 5}, 1.0)
    spending = Spending(2)
    for times in (38, 21, 20):
        spending.add(10, parts(Counts({"INSERT": 10, "UPDATE": 10, ITEMS: times}, 1.0), usual))
    assert spending.whole.least > spending.budget * spending.requests  # by Poisson's law it would be certain
    assert (spending.over, spending.within) == (True, False)
    calm = Spending(2)
    for times in (58, 5, 6):
        calm.add(10, parts(Counts({"INSERT": 10, "UPDATE": 10, ITEMS: times}, 1.0), usual))
    assert calm.whole.least > calm.budget * calm.requests
    assert calm.over is False

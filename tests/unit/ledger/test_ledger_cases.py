"""Cases of a check with parameters: what has yet to pass, and what was taken out before it did."""

from __future__ import annotations

from pytest_backend_audit.cases import LIMIT, taken_out, yet_to_pass
from pytest_backend_audit.ledger.cases import passed
from pytest_backend_audit.model import Outcome, YetToPass

P, F, N = Outcome.PASSED, Outcome.FAILED, Outcome.COULD_NOT_RUN


def test_what_has_yet_to_pass() -> None:
    """What answered and did not pass; where nothing answered, what could not run; and what did not pass before."""
    assert yet_to_pass({"[a]": P, "[b]": F, "[c]": N, "[d]": Outcome.WEAK}, YetToPass()) == YetToPass(("[b]", "[d]"))
    assert yet_to_pass({"[a]": N, "[b]": P}, YetToPass()) == YetToPass(("[a]",))
    assert yet_to_pass({"[a]": F, "[b]": N}, YetToPass(("[b]", "[gone]"), 3)).cases == ("[a]", "[b]", "[gone]")
    assert yet_to_pass({"[a]": F, "[b]": P}, YetToPass(("[b]",), 2)) == YetToPass(("[a]",))
    assert len(yet_to_pass({f"[{n}]": F for n in range(LIMIT + 1)}, YetToPass()).cases) == LIMIT


def test_a_case_that_goes_by_its_place_is_missed_until_there_are_as_many_again() -> None:
    """The one that has its name now is another; a filing in between does not forget it."""
    before = YetToPass(("[m1]",), 3)
    fewer = {"[m0]": F, "[m1]": P}
    assert taken_out(fewer, before) == ("[m1]",)
    between = yet_to_pass(fewer, before, by_place=True)
    assert between == YetToPass(("[m0]", "[m1]"), 3)
    assert taken_out({"[m0]": P, "[m1]": P}, between) == ("[m0]", "[m1]")
    assert taken_out({"[m0]": P, "[m1]": P, "[m2]": P}, between) == ()
    assert yet_to_pass({}, before) == before


def test_a_case_with_a_name_is_missed_only_where_it_is_not_there() -> None:
    """However many others went."""
    assert taken_out({"[orders]": P}, YetToPass(("[orders]",), 3)) == ()
    assert taken_out({"[orders]": P}, YetToPass(("[users]",), 2)) == ("[users]",)
    assert taken_out({"[v2]": P}, YetToPass(("[v2]",), 2)) == ()
    assert taken_out({"[http1-v1]": P, "[http2-v1]": P}, YetToPass(("[http2-v1]",), 3)) == ()
    assert taken_out({"[http-a0]": P, "[http-a1]": P}, YetToPass(("[http-a1]",), 3)) == ("[http-a1]",)


def test_what_makes_up_for_a_case_that_can_not_run_there() -> None:
    """That each that did not pass did; where none is known, nothing is."""
    assert passed({"[a]": P, "[b]": N}, YetToPass(("[a]",), 2))
    assert not passed({"[a]": P, "[b]": N}, YetToPass(("[a]", "[b]"), 2))
    assert not passed({"[a]": P}, YetToPass())

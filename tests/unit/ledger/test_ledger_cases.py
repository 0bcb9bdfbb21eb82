"""Cases of a check with parameters: what has yet to pass, and what was taken out before it did."""

from __future__ import annotations

from pytest_backend_audit.cases import LIMIT, taken_out, yet_to_pass
from pytest_backend_audit.model import Outcome, YetToPass

P, F, N = Outcome.PASSED, Outcome.FAILED, Outcome.COULD_NOT_RUN


def test_what_has_yet_to_pass() -> None:
    """What answered and did not pass, now or before; and apart from it what could not run."""
    assert yet_to_pass({"[a]": P, "[b]": F, "[c]": N, "[d]": Outcome.WEAK}, YetToPass()) == YetToPass(
        ("[b]", "[d]"), 0, ("[c]",)
    )
    assert yet_to_pass({"[a]": N, "[b]": P}, YetToPass()) == YetToPass((), 0, ("[a]",))
    assert yet_to_pass({"[a]": F, "[b]": N}, YetToPass(("[b]", "[gone]"), 3)).cases == ("[a]", "[b]", "[gone]")
    assert yet_to_pass({"[a]": F, "[b]": P}, YetToPass(("[b]",), 2)) == YetToPass(("[a]",))
    assert yet_to_pass({"[a]": F, "[b]": P}, YetToPass((), 3, ("[b]", "[gone]"))) == YetToPass(("[a]",), 3, ("[gone]",))
    many = yet_to_pass({f"[{n}]": F if n else N for n in range(LIMIT + 1)}, YetToPass())
    assert (len(many.cases), many.could_not_run) == (LIMIT, ())


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


def test_what_could_not_run_and_was_taken_out_is_missed_too() -> None:
    """Nothing shows that it passes."""
    assert taken_out({"[a]": P}, YetToPass(("[b]",), 0, ("[a]", "[c]"))) == ("[b]", "[c]")

"""Of two audit.yaml the stricter counts: key by key, item by item, and what differs is listed with both origins."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_backend_audit import standard
from pytest_backend_audit.config.incidents import begins, ends
from pytest_backend_audit.config.policy import join, stricter_standard
from pytest_backend_audit.config.terms import Terms
from pytest_backend_audit.model import Acknowledged, Difference, Incident, Need, NotApplicable, Policy
from pytest_backend_audit.standard.model import Stricter

STANDARD = standard.load("default")
SETTINGS = STANDARD.settings()
GATES = [d.id for d in STANDARD.dispositions if d.floor is not None]
DIMENSIONS = [d.id for d in STANDARD.dimensions]


def ours(**policy: object) -> Terms:
    """Terms of audit.yaml, without lines."""
    return Terms("audit.yaml", Policy(**policy))  # type: ignore[arg-type]


def theirs(**policy: object) -> Terms:
    """Terms of the protected policy."""
    return Terms("main:audit.yaml", Policy(**policy))  # type: ignore[arg-type]


def told(here: Terms, there: Terms) -> list[str]:
    """The differences, a line each."""
    differences = join(here, there, STANDARD).differences
    return [f"{d.key}: {d.here} ({d.here_origin}), {d.there} ({d.there_origin}): {d.taken}" for d in differences]


def away(criterion: str, since: str, expires: str) -> NotApplicable:
    """A criterion that does not apply."""
    return NotApplicable(criterion, "internal", "Ann", since, expires)


def known(item: str, expires: str, who: str = "Ann") -> Acknowledged:
    """A known item."""
    return Acknowledged(item, "small", who, "OPS-1", expires)


# Each key


@pytest.mark.parametrize(
    ("here", "there", "taken"),
    [
        ("conditional-production", "significant-technical-debt", "conditional-production"),
        ("significant-technical-debt", "conditional-production", "conditional-production"),
        (None, "conditional-production", "conditional-production"),
        ("conditional-production", None, "conditional-production"),
        (None, None, None),
    ],
)
def test_the_higher_gate_counts(here: str | None, there: str | None, taken: str | None) -> None:
    """None is the lowest."""
    joined = join(ours(gate=here), theirs(gate=there), STANDARD)
    assert joined.terms.policy.gate == taken
    assert len(joined.differences) == (here != there)


def test_the_higher_level_is_sought() -> None:
    """What is not set is 5."""
    here, there = ours(sought={"4.6": 3, "4.2": 4}), theirs(sought={"4.6": 4, "4.1": 4, "4.2": 4})
    assert join(here, there, STANDARD).terms.policy.sought == {"4.6": 4, "4.2": 4, "4.1": 5}
    assert told(here, there) == [
        "sought.4.6: 3 (audit.yaml), 4 (main:audit.yaml): 4",
        "sought.4.1: not set (audit.yaml), 4 (main:audit.yaml): 5",
    ]


@pytest.mark.parametrize(
    ("name", "here", "there", "taken"),
    [
        ("cache-hit-ratio", 0.9, 0.97, 0.97),  # higher is stricter
        ("cache-hit-ratio", 0.97, 0.9, 0.97),
        ("cache-hit-ratio", 0.5, None, SETTINGS["cache-hit-ratio"].default),
        ("cache-hit-ratio", None, 0.5, SETTINGS["cache-hit-ratio"].default),
        ("token-lifetime", 60, 90, 60),  # lower is stricter
        ("token-lifetime", 90, 60, 60),
        ("tls-minimum", "TLSv1.3", "TLSv1.2", "TLSv1.2"),  # nobody can tell: the protected word
        ("tls-minimum", "TLSv1.1", None, "TLSv1.2"),
    ],
)
def test_the_stricter_threshold_counts(name: str, here: object, there: object, taken: object) -> None:
    """By the direction that the standard gives; what is not set is the standard's default."""
    one = ours(thresholds={} if here is None else {name: here})
    two = theirs(thresholds={} if there is None else {name: there})
    assert join(one, two, STANDARD).terms.policy.thresholds == {name: taken}


def test_a_threshold_tells_its_origin() -> None:
    """Who is judged by a value that audit.yaml does not have must see where it comes from."""

    def origin(here: Terms, there: Terms) -> str:
        return join(here, there, STANDARD).terms.origin("thresholds", "cache-hit-ratio")

    one = Terms("audit.yaml", Policy(thresholds={"cache-hit-ratio": 0.9}), origins={_RATIO: "audit.yaml:8"})
    two = Terms("main:audit.yaml", Policy(thresholds={"cache-hit-ratio": 0.97}), origins={_RATIO: "main:audit.yaml:9"})
    assert origin(one, two) == "main:audit.yaml:9"
    assert origin(two, one) == "main:audit.yaml:9"
    assert origin(one, theirs()) == "standard, not changed in main:audit.yaml"
    assert origin(one, one) == "audit.yaml:8"


_RATIO = ("thresholds", "cache-hit-ratio")


def test_weights_are_the_policys() -> None:
    """No weight is stricter than another: more of one is less of all others."""
    here, there = ours(weights={"4.7": "3", "4.1": "2.0"}), theirs(weights={"4.1": "2", "4.2": "0.5"})
    assert join(here, there, STANDARD).terms.policy.weights == {"4.1": "2", "4.2": "0.5"}
    assert told(here, there) == [
        "weights.4.7: 3 (audit.yaml), not set (main:audit.yaml): 1",
        "weights.4.2: not set (audit.yaml), 0.5 (main:audit.yaml): 0.5",
    ]


def test_an_exception_holds_only_if_both_have_it_and_while_both_do() -> None:
    """One in one file alone is told; of two dates the narrower counts; who and why are those of audit.yaml."""
    here = ours(
        acknowledged=(known("a:x", "2027-12-20", "Bob"), known("a:new", "2027-01-01")),
        not_applicable=(away("waf", "2026-10-01", "2027-01-01"), away("sbom", "2026-10-01", "2027-01-01")),
    )
    there = theirs(
        acknowledged=(known("a:x", "2026-12-20"), known("a:gone", "2027-01-01")),
        not_applicable=(away("waf", "2026-11-01", "2027-02-01"),),
    )
    policy = join(here, there, STANDARD).terms.policy
    assert policy.acknowledged == (known("a:x", "2026-12-20", "Bob"),)
    assert policy.not_applicable == (away("waf", "2026-11-01", "2027-01-01"),)
    assert told(here, there) == [
        "not_applicable.waf: 2026-10-01 to 2027-01-01 (audit.yaml), 2026-11-01 to 2027-02-01 (main:audit.yaml): "
        "2026-11-01 to 2027-01-01",
        "not_applicable.sbom: 2026-10-01 to 2027-01-01 (audit.yaml), none (main:audit.yaml): none",
        "acknowledged.a:x: until 2027-12-20 (audit.yaml), until 2026-12-20 (main:audit.yaml): until 2026-12-20",
        "acknowledged.a:new: until 2027-01-01 (audit.yaml), none (main:audit.yaml): none",
        "acknowledged.a:gone: none (audit.yaml), until 2027-01-01 (main:audit.yaml): none",
    ]


def test_a_check_is_left_out_only_if_both_leave_it_out() -> None:
    """The reason is audit.yaml's."""
    here, there = ours(leave_out={"hit-rate": "ours", "waf": "new"}), theirs(leave_out={"hit-rate": "theirs"})
    assert join(here, there, STANDARD).terms.policy.leave_out == {"hit-rate": "ours"}
    assert told(here, there) == ["leave_out.waf: left out (audit.yaml), none (main:audit.yaml): none"]


def test_only_what_both_allow_is_allowed() -> None:
    """In prod and canary."""
    here = Terms("audit.yaml", allow=(Need.LOAD, Need.FAULTS))
    there = Terms("main:audit.yaml", allow=(Need.PROBES, Need.LOAD))
    joined = join(here, there, STANDARD)
    assert joined.terms.allow == (Need.LOAD,)
    assert told(here, there) == ["allow: load, faults (audit.yaml), probes, load (main:audit.yaml): load"]


@pytest.mark.parametrize(
    ("here", "there", "taken"),
    [
        ("none", "all", "all"),
        ("all", "none", "all"),
        (("4.1",), ("4.3", "4.1"), ("4.3", "4.1")),
        (("4.3",), ("4.1",), ("4.1", "4.3")),
        (("4.3",), "none", ("4.3",)),
        (tuple(DIMENSIONS), "all", tuple(DIMENSIONS)),
    ],
)
def test_the_suites_of_both_are_run(here: object, there: object, taken: object) -> None:
    """A check that failed would be worse than one that is not there: leaving suites out can lift a level."""
    one, two = (Terms(name, suites=s) for name, s in (("audit.yaml", here), ("main:audit.yaml", there)))  # type: ignore[arg-type]
    assert join(one, two, STANDARD).terms.suites == taken


@pytest.mark.parametrize(
    ("here", "there", "taken"),
    [
        ("none", "default", "default"),
        ("default", "bundled", "default"),
        ("bundled", "none", "bundled"),
        ("default", "./own.yaml", "./own.yaml"),
        ("./own.yaml", "none", "none"),
        ("./own.yaml", "./other.yaml", "./other.yaml"),
    ],
)
def test_the_standard_with_more_rows_counts_else_the_policys(here: str, there: str, taken: str) -> None:
    """Only ours can be compared: each has all rows of the one before it."""
    assert stricter_standard(here, there) == taken


@pytest.mark.parametrize(
    ("here", "there", "taken"),
    [
        # The worse severity, the dimensions of both.
        (
            Incident("I", "P1", "2026-11-20", None, ("4.6",)),
            Incident("I", "P0", "2026-11-20", None, ("4.1",), "docs/I.md"),
            Incident("I", "P0", "2026-11-20", None, ("4.1", "4.6"), "docs/I.md"),
        ),
        # Open as long as one of them says so, and since when the first of them says so.
        (
            Incident("I", "P0", "2026-11-22", "2026-11-23"),
            Incident("I", "P0", "2026-11-20"),
            Incident("I", "P0", "2026-11-20"),
        ),
        # A day ends later than any instant in it.
        (
            Incident("I", "P0", "2026-11-20", "2026-11-23T10:00:00Z"),
            Incident("I", "P0", "2026-11-20T10:00:00Z", "2026-11-23"),
            Incident("I", "P0", "2026-11-20", "2026-11-23"),
        ),
        # Zones: the 23rd at 23:30 in New York is the 24th.
        (
            Incident("I", "P0", "2026-11-20", "2026-11-23T23:30:00-05:00"),
            Incident("I", "P0", "2026-11-20", "2026-11-24T04:00:00Z"),
            Incident("I", "P0", "2026-11-20", "2026-11-23T23:30:00-05:00"),
        ),
    ],
)
def test_of_two_reports_of_an_incident_the_graver_counts(here: Incident, there: Incident, taken: Incident) -> None:
    """Field by field."""
    joined = join(ours(incidents=(here,)), theirs(incidents=(there,)), STANDARD)
    assert joined.terms.policy.incidents == (taken,)


def test_the_incidents_of_both_count() -> None:
    """What one has not stated at all is told once; what it has not listed is told one by one."""
    one, two = Incident("I-1", "P0", "2026-11-20"), Incident("I-2", "P1", "2026-11-21", "2026-11-22", ("4.6",))
    assert join(ours(), theirs(), STANDARD).terms.policy.incidents is None
    assert join(ours(), theirs(incidents=(one,)), STANDARD).terms.policy.incidents == (one,)
    assert told(ours(), theirs(incidents=(one,))) == [
        "incidents: not set (audit.yaml), 1 incident (main:audit.yaml): 1 incident"
    ]
    assert join(ours(incidents=(one,)), theirs(incidents=(two,)), STANDARD).terms.policy.incidents == (one, two)
    assert told(ours(incidents=(one,)), theirs(incidents=(two,))) == [
        "incidents.I-1: P0, opened 2026-11-20, open (audit.yaml), none (main:audit.yaml): P0, opened 2026-11-20, open",
        "incidents.I-2: none (audit.yaml), P1, opened 2026-11-21, resolved 2026-11-22, 4.6 (main:audit.yaml): "
        "P1, opened 2026-11-21, resolved 2026-11-22, 4.6",
    ]


@pytest.mark.parametrize(("here", "there"), [(True, True), (True, False), (False, True), (False, False)])
def test_the_author_may_sign_only_if_both_say_so(here: bool, there: bool) -> None:
    """And the reviewers' keys are where the policy says."""
    one = Terms("audit.yaml", allow_author=here, allowed_signers="mine")
    two = Terms("main:audit.yaml", allow_author=there, allowed_signers="audits/allowed_signers")
    terms = join(one, two, STANDARD).terms
    assert (terms.allow_author, terms.allowed_signers) == (here and there, "audits/allowed_signers")
    author = [f"sign_off.allow_author: {str(here).lower()} (audit.yaml), {str(there).lower()} (main:audit.yaml): false"]
    assert told(one, two) == [
        *(author if here != there else []),
        "sign_off.allowed_signers: mine (audit.yaml), audits/allowed_signers (main:audit.yaml): audits/allowed_signers",
    ]


def test_owners_and_the_files_name_are_audit_yamls() -> None:
    """They are no policy."""
    joined = join(ours(owners={"4.1": "Ann"}), theirs(owners={"4.1": "Bob"}), STANDARD)
    assert (joined.terms.policy.owners, joined.terms.name, joined.differences) == ({"4.1": "Ann"}, "audit.yaml", ())


def test_a_difference_has_both_origins() -> None:
    """So that either can be found and mended."""
    here = Terms("audit.yaml", Policy(sought={"4.6": 3}), origins={("sought", "4.6"): "audit.yaml:12"})
    there = Terms("main:audit.yaml", Policy(sought={"4.6": 4}), origins={("sought", "4.6"): "main:audit.yaml:9"})
    assert join(here, there, STANDARD).differences == (
        Difference("sought.4.6", "3", "audit.yaml:12", "4", "main:audit.yaml:9", "4"),
    )


# What holds for any two files

DAYS = st.sampled_from(["2026-10-01", "2026-11-01", "2026-11-20", "2026-12-01", "2027-01-01"])
NUMBERS = sorted(name for name, s in SETTINGS.items() if not isinstance(s.default, str | bool))[:6]


@st.composite
def some_incident(draw: st.DrawFn, id_: str) -> Incident:
    """Opened and perhaps resolved, in any order of days and instants."""
    moments = st.one_of(DAYS, st.sampled_from(["2026-11-20T12:00:00Z", "2026-11-20T23:30:00-05:00"]))
    dimensions = draw(st.sets(st.sampled_from(DIMENSIONS), max_size=2))
    resolved = draw(st.none() | moments)
    return Incident(id_, draw(st.sampled_from(["P0", "P1", "P2"])), draw(moments), resolved, tuple(sorted(dimensions)))


@st.composite
def some_terms(draw: st.DrawFn, name: str) -> Terms:
    """Policy keys as some audit.yaml has them."""
    items, criteria = draw(st.sets(st.sampled_from("abc"))), draw(st.sets(st.sampled_from(["waf", "sbom"])))
    incidents = None
    if draw(st.booleans()):
        incidents = tuple(draw(some_incident(id_)) for id_ in sorted(draw(st.sets(st.sampled_from("IJ")))))
    dimensions = st.sampled_from(DIMENSIONS[:3])
    policy = Policy(
        sought=draw(st.dictionaries(dimensions, st.integers(1, 5))),
        weights=draw(st.dictionaries(dimensions, st.sampled_from(["1", "1.0", "2", "0.5"]))),
        thresholds=draw(st.dictionaries(st.sampled_from([*NUMBERS, "tls-minimum"]), st.integers(0, 3))),
        not_applicable=tuple(away(c, draw(DAYS), draw(DAYS)) for c in sorted(criteria)),
        acknowledged=tuple(known(f"x:{i}", draw(DAYS)) for i in sorted(items)),
        incidents=incidents,
        leave_out=draw(st.dictionaries(st.sampled_from(["hit-rate", "waf"]), st.just("ours"))),
        gate=draw(st.none() | st.sampled_from(GATES)),
    )
    allow = draw(st.sets(st.sampled_from(list(Need))))
    suites = draw(st.sampled_from(["all", "none", ("4.1",), ("4.3", "4.1")]))
    return Terms(name, policy, tuple(sorted(allow)), suites, draw(st.sampled_from(["none", "bundled", "default"])))


PAIRS = (some_terms("audit.yaml"), some_terms("main:audit.yaml"))


def looser(one: Terms, other: Terms) -> Iterator[str]:
    """In what the first is milder than the second; written apart from `join`."""
    a, b = one.policy, other.policy
    order = [*GATES, None]
    if order.index(a.gate) > order.index(b.gate):
        yield "gate"
    yield from (f"sought {d}" for d in DIMENSIONS if a.sought.get(d, 5) < b.sought.get(d, 5))
    for name in NUMBERS:
        x, y = (float(t.thresholds.get(name, SETTINGS[name].default)) for t in (a, b))
        if (x < y) if SETTINGS[name].stricter is Stricter.HIGHER else (x > y):
            yield name
    mine = {e.criterion: e for e in b.not_applicable}
    yield from (
        e.criterion
        for e in a.not_applicable
        if e.criterion not in mine or e.since < mine[e.criterion].since or e.expires > mine[e.criterion].expires
    )
    expiries = {e.item: e.expires for e in b.acknowledged}
    yield from (e.item for e in a.acknowledged if e.expires > expiries.get(e.item, ""))
    yield from (f"leave_out {c}" for c in a.leave_out if c not in b.leave_out)
    yield from (f"allow {n}" for n in one.allow if n not in other.allow)
    everything = {"all": set(DIMENSIONS), "none": set()}
    mine_run, theirs_run = (everything[t.suites] if isinstance(t.suites, str) else set(t.suites) for t in (one, other))
    yield from (f"suite {d}" for d in theirs_run - mine_run)
    if ["none", "bundled", "default"].index(one.standard) < ["none", "bundled", "default"].index(other.standard):
        yield "standard"
    reported = {i.id: i for i in a.incidents or ()}
    for incident in b.incidents or ():
        kept = reported.get(incident.id)
        if (
            kept is None
            or kept.severity > incident.severity
            or begins(kept.opened) > begins(incident.opened)
            or not set(kept.dimensions) >= set(incident.dimensions)
            or (kept.resolved and (not incident.resolved or ends(kept.resolved) < ends(incident.resolved)))
        ):
            yield f"incident {incident.id}"


def _facts(i: Incident) -> tuple[object, ...]:
    return (i.id, i.severity, begins(i.opened), i.resolved and ends(i.resolved), i.dimensions)


def effective(terms: Terms) -> dict[str, object]:
    """What an audit goes by, less the order of lists and what is said in the words of one side."""
    policy = terms.policy
    incidents = policy.incidents
    return {
        "sought": {d: policy.sought.get(d, 5) for d in DIMENSIONS},
        "weights": {d: Fraction(policy.weights.get(d, "1")) for d in DIMENSIONS},
        "thresholds": {n: policy.thresholds.get(n, SETTINGS[n].default) for n in [*NUMBERS, "tls-minimum"]},
        "not_applicable": {(e.criterion, e.since, e.expires) for e in policy.not_applicable},
        "acknowledged": {(e.item, e.expires) for e in policy.acknowledged},
        "leave_out": set(policy.leave_out),
        "gate": policy.gate,
        "allow": set(terms.allow),
        "suites": {"all": set(DIMENSIONS), "none": set()}.get(str(terms.suites), set(terms.suites)),
        "standard": terms.standard,
        "incidents": None if incidents is None else {_facts(i) for i in incidents},
    }


@given(*PAIRS)
def test_what_counts_is_never_looser_than_either(here: Terms, there: Terms) -> None:
    """That is what the policy is for."""
    taken = join(here, there, STANDARD).terms
    assert (list(looser(taken, here)), list(looser(taken, there))) == ([], [])


@given(*PAIRS)
def test_it_does_not_matter_which_is_which(here: Terms, there: Terms) -> None:
    """Except where nobody can tell which is stricter: weights, and thresholds without direction."""
    one, two = (effective(join(*pair, STANDARD).terms) for pair in ((here, there), (there, here)))
    for neither in (one, two):
        del neither["weights"]
        del neither["thresholds"]["tls-minimum"]  # type: ignore[attr-defined]
    assert one == two


@given(*PAIRS)
def test_holding_to_the_same_policy_twice_is_holding_to_it_once(here: Terms, there: Terms) -> None:
    """And a file held to itself is that file, without differences."""
    once = join(here, there, STANDARD).terms
    assert effective(join(once, there, STANDARD).terms) == effective(once)
    itself = join(here, here, STANDARD)
    assert (effective(itself.terms), itself.differences) == (effective(here), ())


@given(*PAIRS)
def test_without_a_difference_both_say_the_same(here: Terms, there: Terms) -> None:
    """What is not listed counts as audit.yaml has it."""
    joined = join(here, there, STANDARD)
    before, after = effective(here), effective(joined.terms)
    listed = {d.key.partition(".")[0] for d in joined.differences}
    assert {key for key in before if before[key] != after[key]} <= listed

"""By which audit.yaml and policy a finding was found, and what may close it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.ledger.ledgers import at, filed, found
from unit.scoring.scoring_cases import inputs

from pytest_backend_audit.ledger import terms
from pytest_backend_audit.ledger.events import Event, Filed
from pytest_backend_audit.ledger.state import State, fold
from pytest_backend_audit.model import Document, Inputs, Protected


def audit(minute: int, config: str = "audit.yaml", policy: str = "", environment: str = "prod") -> tuple[Event, Event]:
    """An audit of that minute that has the finding: its filing, and what it tells."""
    name = f"2026-08-31-{minute + 2}"
    line = filed(minute, name, config=config, policy=policy, environment=environment, heads=(f"{minute:02}" * 32,))
    told = replace(found("F-0001", minute=minute, environment=environment), file=name)
    return line, told


def ledger(*audits: tuple[Event, Event]) -> State:
    """In the order in which they were filed."""
    return fold(enumerate((event for one in audits for event in one), 1))


def of(state: State, *where: str) -> terms.Terms | None:
    """The terms of the one finding."""
    (tracked,) = state.findings
    return terms.of(tracked, state, where or ("prod",))


def run(config: str = "audit.yaml", policy: str = "") -> Inputs:
    """What a run judged by."""
    held = Protected(given=policy.partition(":")[0], revision="", name=policy, digest="d") if policy else None
    return inputs([], config_path=config, protected=held, document=Document(environment="prod"))


def test_the_latest_audit_counts_not_the_latest_line() -> None:
    """One that was made earlier may be filed late; one of another environment says nothing here."""
    state = ledger(audit(2, "ops/audit.yaml"), audit(1), audit(3, "other.yaml", environment="stage"))
    known = of(state)
    assert known is not None
    assert known.filing.config == "ops/audit.yaml"
    assert of(state, "canary") is None


@pytest.mark.parametrize(
    ("config", "policy", "why"),
    [
        ("audit.yaml", "main:audit.yaml", ""),
        ("audit.yaml", "", "held audit.yaml to main:audit.yaml, and this run to nothing"),
        ("audit.yaml", "HEAD:audit.yaml", "held audit.yaml to main:audit.yaml, and this run to HEAD:audit.yaml"),
        ("checks:audit.yaml", "main:audit.yaml", "judged by audit.yaml, and this run by checks:audit.yaml"),
        ("", "main:audit.yaml", "judged by audit.yaml, and this run by no audit.yaml"),
    ],
)
def test_a_policy_is_asked_for_from_then_on(config: str, policy: str, why: str) -> None:
    """Though a later audit was held to none."""
    state = ledger(audit(1, policy="main:audit.yaml"), audit(2))
    said = terms.unlike(run(config, policy), of(state), lambda _: True)
    assert said.endswith(why)
    assert bool(said) == bool(why)


def test_an_audit_yaml_that_is_gone_is_not_asked_for() -> None:
    """Nobody could judge by it."""
    state = ledger(audit(1, "old.yaml"))
    assert terms.unlike(run(), of(state), lambda path: path != "old.yaml") == ""
    assert terms.unlike(run(), None, lambda _: True) == ""


def test_a_line_of_an_older_version_asks_for_nothing() -> None:
    """It tells of neither."""
    assert terms.unlike(run("any.yaml"), of(ledger(audit(1, ""))), lambda _: True) == ""


MERGED = filed(
    environment="prod-eu, prod-us, stage",
    environment_kind="prod, stage",
    instants={"prod-eu": at(1)},
    kinds={"prod-eu": "prod", "prod-us": "prod", "stage": "stage"},
)


@pytest.mark.parametrize(
    ("kind", "named", "expected"),
    [
        ("prod", {"europe", "prod-us", "stage"}, "prod-eu"),
        ("stage", {"europe", "prod-us", "stage", "test"}, None),
        ("stage", {"prod-eu", "prod-us", "test"}, "stage"),
        ("prod", {"europe", "us", "stage"}, ""),
        ("prod", {"prod-eu", "prod-us", "stage"}, None),
        ("canary", {"europe"}, None),
    ],
)
def test_which_environment_got_another_name(kind: str, named: set[str], expected: str | None) -> None:
    """Of a merge, that of its environments which nobody names any more; of several nobody knows which."""
    state = fold([(1, MERGED)])
    told = state.renamed(kind, named)
    assert (told and told[0]) == expected
    assert told is None or isinstance(told[1], Filed)


def test_digests_of_a_ledger() -> None:
    """Those of each name; none at all where no line tells any."""
    one, other = filed(card="a" * 64), filed(card="b" * 64, heads=("cd" * 32,))
    assert fold([(1, one), (2, other)]).digests() == {"2026-08-31": {"a" * 64, "b" * 64}}
    assert fold([(1, filed())]).digests() == {}

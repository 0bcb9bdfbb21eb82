"""What a merge is compared with: a merge of the same environments, else what each was. Real runs and repositories."""

from __future__ import annotations

import json
import shutil

import pytest

from plugin._filing import OWNERS, TWO, audited, command, good, kept, made, merged, state
from plugin.test_sign_off import STANDARD

OWN = (
    STANDARD.partition("dimensions:")[0]
    .replace("floor: 4", "floor: 9")
    .replace("floor: 2, minimum: 2", "floor: 2, minimum: null")
    + """\
dimensions:
  - id: api
    name: API
    scope: Whether it is up.
    folder: api
    rows:
      - {criterion: api-up, level: 3, clause: It answers., proof: measured}
  - id: rel
    name: Reliability
    scope: Whether it drains.
    folder: rel
    rows:
      - {criterion: drain, level: 3, clause: It drains., proof: measured}
"""
)
CHECKS = """
from pathlib import Path

from pytest_backend_audit import audit


@audit(dimension="api", criterion="api-up", level=3)
def test_api(audit_evidence, audit_run):
    audit_evidence.command("curl", "200")
    assert audit_run.environment == "prod", "api is down"


@audit(dimension="rel", criterion="drain", level=3)
def test_drain(audit_evidence, audit_run):
    if audit_run.environment == "prod":
        raise pytest.skip.Exception("not in prod", _use_item_location=True)
    audit_evidence.command("drain", "ok")
    assert not Path("broken").exists(), "it does not drain"
"""


@pytest.fixture
def orders(project):
    """Prod can't look at one dimension, and stage fails in the other: together they have a pass in one of them."""
    orders = made(project)
    state(orders, TWO)
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace(OWNERS, "api: Kim, rel: Kim") + "standard: own.yaml\n")
    (orders.path / "own.yaml").write_text(OWN)
    (orders.path / "checks" / "test_orders.py").write_text("import pytest\n" + CHECKS)
    orders.commit()
    return orders


def whole(orders) -> str:
    """A merge of a run of each environment."""
    for folder in orders.path.glob("audit-report-*"):
        shutil.rmtree(folder)
    runs = []
    for environment in ("prod", "stage"):
        audited(orders, f"--audit-env={environment}", "--audit-no-worse")
        runs.append(kept(orders, f"audit-report-{environment}"))
    return merged(orders, runs)


def no_worse(orders, run: str) -> tuple[int, str]:
    """Exit status of the gate, and what it says of worse."""
    done = command(orders, "gate", run, "--min", "conditional-production", "--no-worse", "--json")
    said = json.loads(done.stdout)["reason"].partition("worse than the prior audit: ")[2]
    return done.returncode, said.partition(" (")[0]


def breaks(orders) -> None:
    """What only stage can look at fails there from now on."""
    (orders.path / "broken").touch()
    orders.commit()


def test_a_merge_is_compared_with_the_merge_before_it(orders) -> None:
    """Nothing has fallen where nothing changed, though prod by itself stood higher; and what fell in stage has."""
    good(orders, "file", whole(orders))
    orders.commit()
    run = whole(orders)
    assert no_worse(orders, run) == (0, "")
    card = json.loads((orders.path / run / "scorecard.json").read_text())
    assert [(d["id"], d["prior"], d["would_be"]) for d in card["dimensions"]] == [("api", 1, 1), ("rel", 3, 3)]
    breaks(orders)
    run = whole(orders)
    assert no_worse(orders, run) == (1, "in stage, rel fell from L3 to L1")
    compared = command(orders, "compare", run, "--no-worse")
    assert (compared.returncode, "rel fell from L3 to L1" in compared.stdout) == (1, True)


def test_a_merge_of_environments_with_audits_of_their_own_is_compared_with_each(orders) -> None:
    """What they reach together was never reached before; what one of them had reached by itself was."""
    for environment in ("prod", "stage"):
        audited(orders, f"--audit-env={environment}")
        good(orders, "file")
        orders.commit()
    run = whole(orders)
    assert no_worse(orders, run) == (0, "")
    card = json.loads((orders.path / run / "scorecard.json").read_text())
    assert [(d["id"], d["prior"]) for d in card["dimensions"]] == [("api", None), ("rel", None)]
    breaks(orders)
    assert no_worse(orders, whole(orders)) == (1, "in stage, rel fell from L3 to L1")


def test_a_failure_of_stage_is_not_carried_over_to_prod(orders) -> None:
    """An audit of prod after a merge goes on from what prod was in it: there the check could not run."""
    breaks(orders)
    good(orders, "file", whole(orders))
    orders.commit()
    audited(orders, "--audit-env=prod")
    checks = [r for d in orders.card()["dimensions"] for c in d["criteria"] for r in c["checks"]]
    assert [(r["check"]["criterion"], r["outcome"], r["limit"], r["carried"]) for r in checks] == [
        ("api-up", "passed", 5, ""),
        ("drain", "could-not-run", 2, ""),
    ]

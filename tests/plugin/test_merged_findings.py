"""What a merge opens, and lets go, in which of its environments: real runs and repositories, real commands."""

from __future__ import annotations

import json
import shutil

import pytest

from plugin._filing import audited, good, kept, ledger, made_two, mended, merged, numbers
from plugin.test_place_by_place import tls
from pytest_backend_audit.ledger import Status

CASES = """\
import os

def pytest_generate_tests(metafunc):
    if "replica" in metafunc.fixturenames:
        here = metafunc.config.getoption("--audit-env")
        names = {"prod": ["orders"], "stage": ["orders", "replica"]}[here]
        metafunc.parametrize("replica", os.environ.get(f"REPLICAS_{here}", " ".join(names)).split())
"""


@pytest.fixture
def orders(project):
    """A repository whose audit can be filed, of prod and of stage."""
    return made_two(project)


def both(orders, *paths: str) -> str:
    """A merge of a run of each, prod's in a part for each path."""
    for folder in orders.path.glob("audit-report-*"):
        shutil.rmtree(folder)
    runs = []
    for n, part in enumerate([(path,) for path in paths] or [()]):
        audited(orders, "--audit-env=prod", *part)
        runs.append(kept(orders, f"audit-report-prod-{n}"))
    audited(orders, "--audit-env=stage")
    runs.append(kept(orders, "audit-report-stage"))
    return merged(orders, runs)


def by_replica(orders, body: str) -> None:
    """A check whose cases are its environment's own."""
    tls(orders, "    pass\n")
    suite = orders.path / "checks" / "test_orders.py"
    before, _, _ = suite.read_text().partition("@pytest.mark.parametrize")
    mark = '@audit(dimension="4.7", criterion="tls", level=3)\n'
    suite.write_text(f"{before}{mark}def test_tls(audit_evidence, audit_run, replica):\n{body}")
    (orders.path / "conftest.py").write_text(CASES)
    orders.commit()


DOWN = """\
    if audit_run.environment == "stage" and Path("stdown").exists():
        pytest.skip("stage is down")
    audit_evidence.command("testssl", "TLS 1.3")
"""


def test_what_could_not_run_is_open_where_it_could_not(orders) -> None:
    """A pass elsewhere, with other parameters, is no word on it; it goes once it has passed there."""
    by_replica(orders, DOWN)
    (orders.path / "stdown").touch()
    good(orders, "file", both(orders))
    number = numbers(orders)["test_tls"]
    assert ledger(orders).find(number).where == ("stage",)
    (orders.path / "stdown").unlink()
    good(orders, "file", both(orders))
    assert ledger(orders).find(number).status is Status.GONE


FAILS_IN_PROD = """\
    audit_evidence.command("testssl", "TLS 1.3")
    assert audit_run.environment == "stage" or Path("prod-is-well").exists(), "TLS 1.0 is on"
"""


def test_a_failure_is_open_where_it_failed(orders) -> None:
    """Nothing is to be mended where the check passed; and there a merge shows that what had failed passes now."""
    tls(orders, '    audit_evidence.command("testssl", "TLS 1.3")\n    assert False, "TLS 1.0 is on"\n')
    good(orders, "file", both(orders))
    number = numbers(orders)["test_tls"]
    assert ledger(orders).find(number).where == ("prod", "stage")
    tls(orders, FAILS_IN_PROD)
    said = good(orders, "file", both(orders))
    assert f"note: {number} is gone here, and still open in prod\n" in said
    assert ledger(orders).find(number).where == ("prod",)
    assert [(e.environment, e.reason) for _, e in ledger(orders).find(number).history if e.type == "gone"] == [
        ("stage", "its check passed")
    ]
    (orders.path / "prod-is-well").touch()
    assert "closed, its check passed" in good(orders, "findings", "close", number, "--env", "prod")


def test_a_filed_merge_tells_what_became_of_each_check_where(orders) -> None:
    """Also of one that only one of the environments has: an audit of the other one is compared without it."""
    tls(orders, FAILS_IN_PROD)
    for folder in orders.path.glob("audit-report-*"):
        shutil.rmtree(folder)
    audited(orders, "--audit-env=prod", "--deselect=checks/test_orders.py::test_index")
    runs = [kept(orders, "audit-report-prod")]
    audited(orders, "--audit-env=stage")
    runs.append(kept(orders, "audit-report-stage"))
    good(orders, "file", merged(orders, runs))
    (card,) = (orders.path / "audits" / "orders").glob("*.json")
    parts = json.loads(card.read_text())["parts"]
    assert {
        place: {c["id"].rpartition("::")[2]: c["outcome"] for c in part["checks"]} for place, part in parts.items()
    } == {"prod": {"test_tls": "failed"}, "stage": {"test_index": "failed", "test_tls": "passed"}}
    assert [part["partial"] for part in parts.values()] == [True, False]
    assert [d["id"] for d in parts["prod"]["dimensions"]] == ["4.7"]


def test_a_shard_by_path_knows_all_cases_of_its_checks(orders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though stage has others: the merge speaks for prod, and says that the case was taken out."""
    by_replica(
        orders,
        '    audit_evidence.command("testssl", "TLS 1.3")\n    assert replica != "bad", "TLS 1.0 is on"\n',
    )
    suite = orders.path / "checks" / "test_orders.py"
    text = suite.read_text()
    first = text.index("@audit(")
    second = text.index('@audit(dimension="4.7"')
    suite.write_text(text[:first] + text[second:])
    (orders.path / "checks" / "test_others.py").write_text(text[:second])
    orders.commit()
    shards = ("checks/test_orders.py", "checks/test_others.py")
    monkeypatch.setenv("REPLICAS_prod", "bad good")
    good(orders, "file", both(orders, *shards))
    number = numbers(orders)["test_tls"]
    monkeypatch.setenv("REPLICAS_prod", "other good")
    mended(orders)
    said = good(orders, "file", both(orders, *shards))
    assert f"note: {number} is gone unmended: a case that did not pass is no longer part of its check\n" in said


NARROWED = [
    ("checks/test_orders.py::test_index", "checks/test_orders.py::test_tls[/v1/orders]"),
    ("-p", "cacheprovider", "--lf"),
]


@pytest.mark.parametrize("narrowed", NARROWED, ids=["a node id with a slash", "what failed last"])
@pytest.mark.parametrize("marks", [1, 2], ids=["one mark", "two marks"])
def test_an_instance_that_was_never_collected_is_not_taken_out(orders, narrowed: tuple[str, ...], marks: int) -> None:
    """However pytest was kept from it: the case that had failed has not passed in prod."""
    tls(orders, "    pass\n")
    suite = orders.path / "checks" / "test_orders.py"
    before, _, _ = suite.read_text().partition("@pytest.mark.parametrize")
    mark = '@audit(dimension="4.7", criterion="tls", level=3)\n'
    mark += '@audit(dimension="4.7", criterion="authentication", level=3)\n' if marks == 2 else ""
    cases = '@pytest.mark.parametrize("path", ["/v1/orders", "/v1/items"])\n'
    suite.write_text(
        f"{before}{cases}{mark}def test_tls(audit_evidence, audit_run, path):\n"
        '    audit_evidence.command("curl", "TLS 1.3")\n'
        '    bad = Path("bad").read_text().split()\n'
        '    assert audit_run.environment != "prod" or path not in bad, "TLS 1.0 is on"\n'
    )
    (orders.path / "bad").write_text("/v1/items")
    orders.commit()
    audited(orders, "--audit-env=prod")
    good(orders, "file")
    numbers_of = [t.number for t in ledger(orders).findings if "test_tls" in t.finding.check]
    if "--lf" in narrowed:
        # What failed last is another case, as in a loop of somebody who mends one after the other.
        (orders.path / "bad").write_text("/v1/orders")
        orders.commit()
        orders.run("--audit", "--audit-env=prod", "-p", "cacheprovider")
        (orders.path / "bad").write_text("")
        orders.commit()
    orders.pytester.runpytest_subprocess("--audit-sha=HEAD", "--audit-env=prod", *narrowed)
    assert not [text for text in orders.card()["notices"] if "no longer part" in text]
    runs = [kept(orders, "audit-report-prod")]
    audited(orders, "--audit-env=stage")
    runs.append(kept(orders, "audit-report-stage"))
    good(orders, "file", merged(orders, runs))
    assert [ledger(orders).find(number).where for number in numbers_of] == [("prod",)] * marks

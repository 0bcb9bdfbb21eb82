"""A case that had failed is taken out of its check: every command says so. Real runs and repositories."""

from __future__ import annotations

import pytest

from plugin._filing import audited, command, good, made, numbers

OUT = "4.7 tls: [2] had not passed, and is no longer part of the check"


@pytest.fixture
def orders(project):
    """A repository whose audit was filed, and in which the case that failed was taken out afterwards."""
    orders = made(project)
    audited(orders)
    good(orders, "file")
    suite = orders.path / "checks" / "test_orders.py"
    suite.write_text(suite.read_text().replace("[1, 2]", "[1]"))
    orders.commit()
    return orders


def test_the_audit_says_so_and_is_worse(orders) -> None:
    """On its card, in what it says of the prior audit, and by its exit status if it was asked to be no worse."""
    result = orders.run("--audit-sha=HEAD", "--audit-no-worse")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert orders.card()["verdict"]["reason"] == f"worse than the prior audit: {OUT}"
    assert (
        f"nothing shows that it is mended: {OUT}; `backend-audit file` takes note of that, and the next audit is "
        "compared without it"
    ) in orders.card()["notices"]
    checks = [r for d in orders.card()["dimensions"] for c in d["criteria"] for r in c["checks"]]
    assert [(r["outcome"], r["taken_out"]) for r in checks if r["check"]["criterion"] == "tls"] == [("passed", ["[2]"])]
    comment = good(orders, "report", "--format", "pr-comment")
    assert "0 new findings, 0 checks mended, 1 without a case that had not passed\n" in comment


def test_gate_and_compare_say_so(orders) -> None:
    """The gate is not passed, and the comparison is worse."""
    audited(orders)
    gated = command(orders, "gate", "--min", "significant-technical-debt", "--no-worse")
    assert gated.returncode == 1
    assert f"worse than the prior audit: {OUT}" in " ".join(gated.stdout.split())
    compared = command(orders, "compare", "--no-worse")
    assert compared.returncode == 1
    assert OUT in " ".join(compared.stdout.split())


def test_against_a_run_it_is_said_too(orders) -> None:
    """Without a ledger, the prior run's own cases tell."""
    kept = orders.path / "audit-report-before"
    (orders.path / "audit-report").rename(kept)
    result = orders.run("--audit-sha=HEAD", f"--audit-prior={kept}", "--audit-no-worse")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert orders.card()["verdict"]["reason"] == f"worse than the prior audit: {OUT}"


def test_what_a_run_leaves_out_is_not_taken_out(orders) -> None:
    """A narrowed run says nothing of it; nor does one once the audit without the case was filed."""
    orders.git("revert", "--no-edit", "HEAD")
    orders.run("--audit-sha=HEAD", "-k", "not tls or 1")
    assert not [text for text in orders.card()["notices"] if "no longer part" in text]
    orders.git("revert", "--no-edit", "HEAD")
    audited(orders)
    assert f"note: {numbers(orders)['test_tls']} is gone unmended" in good(orders, "file")
    orders.commit()
    audited(orders)
    assert not [text for text in orders.card()["notices"] if "no longer part" in text]


def test_a_name_that_ends_in_digits_is_no_place(orders) -> None:
    """One of three versions was retired, another one mended: it has passed, and is there."""
    suite = orders.path / "checks" / "test_orders.py"
    text = suite.read_text().replace("[1]", '["v0", "v1", "v2"]').replace("n == 1", 'n == "v0"')
    suite.write_text(text)
    orders.commit()
    audited(orders)
    good(orders, "file")
    suite.write_text(text.replace('"v0", "v1", "v2"', '"v0", "v2"'))
    (orders.path / "tls").touch()
    orders.commit()
    orders.run("--audit-sha=HEAD", "--audit-no-worse")
    assert orders.card()["verdict"]["reason"] == (
        "worse than the prior audit: 4.7 tls: [2], [v1] had not passed, and are no longer part of the check"
    )

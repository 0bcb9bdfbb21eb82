"""What a check's source tells of the keys of audit.yaml that it can't do without."""

from __future__ import annotations

from typing import Any

from pytest_backend_audit.cli.foreseen import asked
from pytest_backend_audit.suites.scalability import no_affinity
from pytest_backend_audit.suites.security import authentication

INSTANCE = "targets.http.instance"


def test_keys_are_read_from_constants() -> None:
    """Plain, by name, and made of both; those that have a default are not asked for."""

    def check(audit_declared: Any) -> None:
        first, second = audit_declared("pools"), audit_declared(f"{INSTANCE}.url")
        third = list(audit_declared("identities"))
        assert audit_declared(INSTANCE), (first, second, third)
        audit_declared("targets.http.metrics", ())
        audit_declared("targets.http.ready", default="")
        audit_declared("pools")

    assert asked(check) == ("pools", "targets.http.instance.url", "identities", "targets.http.instance")


def test_what_may_not_come_about_is_not_foreseen() -> None:
    """A warning that is wrong would be worse than none."""

    def check(audit_declared: Any, names: list[str]) -> None:
        if names:
            audit_declared("pools")
        for name in names:
            audit_declared(f"targets.{name}.x")
        audit_declared(names[0])
        _ = names and audit_declared("load")
        _ = audit_declared("tenants") if names else None

        def inner() -> None:
            audit_declared("identities")

        inner()

    assert asked(check) == ()


def test_what_has_no_source_asks_for_nothing() -> None:
    """Built in, or made by exec."""
    assert asked(len) == ()


def test_the_bundled_checks_that_need_them_say_so() -> None:
    """An identity, and how an answer tells its instance."""
    [behind_a_login] = [f for n, f in vars(authentication).items() if n.startswith("test_") and asked(f)]
    assert asked(behind_a_login) == ("identities",)
    [spread] = [f for n, f in vars(no_affinity).items() if n.startswith("test_")]
    assert asked(spread) == ("targets.http.instance.url",)

"""No tenant is ever served another tenant's entry.

Each endpoint that audit.yaml classes as read-cacheable, and doesn't call shared, is read twice as its own identity, so
that the cache has the entry, and then as an identity of each other tenant. Whatever these get, it must not be what the
first one got; and what the first one gets must stay the same. Fields that differ from one answer to the next are left
out of the comparison; nothing of the answers is shown. An identity that is not let in (401 of all these endpoints, 429,
an error of the server, a redirect) has tried nothing.

Impact: A customer reads what belongs to another, without an error, an alert, or a trace in any log.

Remediation: Put the tenant, or whatever else decides who may see an answer, into every key of the cache, in the one
place where keys are made; check rights before the cache is asked, not in what loads an entry.

Verification: GET the same path as a user of each tenant, the owner first: the others get 403, 404, or their own.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.answers import Leaves, holds, lasting, leaves
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites._costs import get
from pytest_backend_audit.suites.caching._asking import cacheable, hit_by, whole_cache

UNKNOWN = 401
ELSEWHERE = frozenset({407, 408, 429})
"""Refusals that have nothing to do with what was asked for."""


@audit(dimension="4.3", criterion="tenant-isolation", level=3)
def test_no_tenant_gets_an_entry_of_another(
    audit_endpoints: Any, audit_identity: Any, audit_redis: Any, audit_declared: Any, audit_acknowledged: Any
) -> None:
    """No tenant is ever served another tenant's entry."""
    tenants = audit_declared("tenants", {})
    if len(set(tenants.values())) < 2:
        raise CouldNotRun(
            f"{len(set(tenants.values()))} tenants have a test identity, needed are two: give identities a tenant "
            f"({audit_declared.origin('identities')})"
        )
    cache, endpoints = whole_cache(audit_redis), [e for e in cacheable(audit_endpoints) if not e.shared]
    if not endpoints:
        raise CouldNotRun("every read-cacheable endpoint is declared as shared: nothing belongs to a tenant")

    wrong: dict[str, str] = {}
    untried: list[str] = []
    for endpoint in endpoints:
        owner = endpoint.identity or next(iter(tenants))
        if owner not in tenants:
            raise CouldNotRun(f"whose data is {endpoint}? Give the identity {owner} a tenant ({endpoint.origin})")
        client = audit_identity(owner)
        entry = _entry(client, endpoint, cache)
        for name in _one_of_each_other(tenants, tenants[owner]):
            answer = audit_identity(name).get(endpoint.url())
            if not _tried(answer.status_code, audit_identity(name), audit_endpoints):
                untried.append(f"{name} ({tenants[name]}) got {answer.status_code} of {endpoint}")
            if answer.is_success and holds(leaves(answer.text), entry):
                wrong[str(endpoint)] = (
                    f"{name} ({tenants[name]}) got {answer.status_code} with what {owner} ({tenants[owner]}) had got"
                )
        if str(endpoint) not in wrong and not holds(leaves(get(client, endpoint).text), entry):
            wrong[str(endpoint)] = f"{owner} ({tenants[owner]}) got another answer after other tenants had asked"
    left = audit_acknowledged(wrong)
    assert not left, (
        f"{len(left)} of {len(endpoints)} read-cacheable endpoints serve one tenant's entry to another"
        f"{lines(f'{name}: {wrong[name]}' for name in left)}\n"
        f"where all tenants rightly get the same, declare the endpoint as shared; to acknowledge: {left.names}"
    )
    if untried:
        raise CouldNotRun(
            f"whether others get an entry was not tried: {listed(untried)}; an identity of each tenant has to be let "
            f"in: are its credentials good ({audit_declared.origin('identities')})?"
        )


def _tried(status: int, client: Any, endpoints: Any) -> bool:
    """Whether an answer tells of the thing that was asked for, not of who asked, how often, or of the service's state.

    Some services answer 401 to whoever is known and may not: one who is let in elsewhere is known.
    """
    if status == UNKNOWN:
        return any(client.get(endpoint.url()).is_success for endpoint in cacheable(endpoints))
    return 200 <= status < 300 or (400 <= status < 500 and status not in ELSEWHERE)


def _entry(client: Any, endpoint: Any, cache: Any) -> Leaves:
    """What the owner gets each time, when the cache has had the time to keep it."""
    first = leaves(get(client, endpoint).text)
    again: list[Leaves] = []
    if not hit_by(lambda: again.append(leaves(get(client, endpoint).text)), cache):
        raise CouldNotRun(f"{endpoint} read again was no hit in the cache: there is no entry that others could get")
    entry = lasting(first, again[-1])
    if not entry:
        raise CouldNotRun(f"{endpoint} answers something else each time: nothing to know an entry by")
    return entry


def _one_of_each_other(tenants: dict[str, str], own: str) -> list[str]:
    """An identity of each tenant but one."""
    return list({tenant: name for name, tenant in reversed(tenants.items()) if tenant != own}.values())

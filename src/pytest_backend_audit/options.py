"""The names that users write: options, ini values, fixtures. Only names and texts, nothing that costs an import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

NEEDS_AUDIT: dict[str, object] = {
    "audit_config": None,
    "audit_env": None,
    "audit_suite": None,
    "audit_dimension": [],
    "audit_allow": None,
    "audit_report": None,
    "audit_prior": None,
    "audit_policy": None,
    "audit_gate": None,
    "audit_no_worse": False,
}
"""Options that mean nothing without an audit, with their value when not given."""

DEFAULT_REPORT = "audit-report"
DEFAULT_TIMEOUT = "300"


FIXTURES = frozenset(
    {
        "audit_acknowledged",
        "audit_attestation",
        "audit_baseline",
        "audit_command",
        "audit_declared",
        "audit_downstream",
        "audit_endpoints",
        "audit_evidence",
        "audit_faults",
        "audit_http",
        "audit_identity",
        "audit_load",
        "audit_pgbouncer",
        "audit_postgres",
        "audit_postgres_connect",
        "audit_prometheus",
        "audit_query_budget",
        "audit_queues",
        "audit_redis",
        "audit_run",
        "audit_settings",
        "audit_source",
        "audit_window",
    }
)
"""Names of our fixtures, known without importing them; a test holds the list to the truth."""


def add_options(parser: pytest.Parser) -> None:
    """Declare everything a user can set on the command line or in the ini file."""
    group = parser.getgroup("backend audit")
    add = group.addoption
    add("--audit", action="store_true", help="rehearse an audit: levels, no disposition")
    add("--audit-sha", metavar="REV", help="formal audit of that commit, which must be HEAD; implies --audit")
    add("--audit-config", metavar="PATH", help="default: audit.yaml in rootdir, else at the top of the git tree")
    add("--audit-env", metavar="NAME", help="which block of `environments` in audit.yaml, where there are several")
    add("--audit-suite", metavar="LIST", help="bundled suites to add: all, none, or dimensions such as 4.1,4.3")
    add(
        "--audit-dimension", metavar="4.x", action="append", default=[], help="only this dimension; partial; repeatable"
    )
    add("--audit-allow", metavar="LIST", help="of load, writes, faults, probes: what checks may do beyond reading")
    add("--audit-report", metavar="DIR", help=f"report folder (default: {DEFAULT_REPORT})")
    add("--audit-prior", metavar="PATH", help="run folder or filed card to compare with (default: the ledger's latest)")
    add(
        "--audit-policy",
        metavar="REV|PATH",
        help="where policy keys of audit.yaml are read from as well, such as origin/main; the stricter wins",
    )
    add(
        "--audit-gate",
        metavar="DISPOSITION",
        help="exit 1 below it: conditional-production or significant-technical-debt",
    )
    add("--audit-no-worse", action="store_true", help="exit 1 too if a dimension fell or a new high finding came")
    parser.addini("audit_paths", "where audit checks live (default: testpaths, else rootdir)", type="args", default=[])
    parser.addini("audit_config", "path of audit.yaml, from rootdir", default="")
    parser.addini(
        "audit_timeout",
        "deadline of each of a check's set-up, call and teardown, in seconds; 0 for none",
        default=DEFAULT_TIMEOUT,
    )


def is_on(config: pytest.Config) -> bool:
    """Whether this run is an audit."""
    return bool(config.option.audit or config.option.audit_sha)


def asked_of_us(item: pytest.Item) -> list[str]:
    """Names of our fixtures that a test asks for.

    A fixture of the team's own may have the same name. It is ours all the same if it asks for what it overrides.
    """
    names = [n for n in getattr(item, "fixturenames", ()) if n.startswith("audit_") and n in FIXTURES]
    if not names:
        return names
    known = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    return sorted(n for n in names if _is_ours(n, known.get(n, ())))


def _is_ours(name: str, definitions: Sequence[pytest.FixtureDef[Any]]) -> bool:
    for definition in reversed(definitions):
        if definition.func.__module__.startswith("pytest_backend_audit."):
            return True
        if name not in definition.argnames:
            return False
    return True


def runs_nothing(config: pytest.Config) -> bool:
    """Whether pytest only lists or sets up: such a run is no audit, and leaves no record."""
    names = ("collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test", "markers", "cacheshow")
    return any(getattr(config.option, name, None) for name in names)


def orphans(config: pytest.Config) -> list[str]:
    """Options that were given although no audit is on."""
    return [
        "--" + name.replace("_", "-") for name, unset in NEEDS_AUDIT.items() if getattr(config.option, name) != unset
    ]

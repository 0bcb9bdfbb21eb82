"""Plans are compared with those of the prior audit, and each that changed was investigated.

Of each of the top statements the generic plan is made and kept in the evidence: which index leads to the rows of each
table, how tables are joined, what is sorted. The next audit that is given this one by --audit-prior makes the plans of
the same statements anew, whether anybody has sent them since or not, and compares. Tables that are small may be read in
whatever way, partitions count for their table, and how many processes share the work is no matter. A plan that has but
come to reach a table by a new index, where all of it was read or its rows were sorted before, is better: it is listed
in the evidence, and the next comparison is with it. Any other plan that changed stays a finding from audit to audit,
until it is as it was or is acknowledged; then the next comparison is with the new one. Statements that can't be planned
any more, since what they read is gone, are listed in the evidence.

Impact: A dropped index, statistics of a bad day or a new version of the server turn a statement's plan over, and nobody
looks before the table is large enough to hurt.

Remediation: Look at what changed between the two audits: make the index again that the message tells, ANALYZE the
table, or acknowledge the new plan with what was found. Keep the report folder of each audit for the next one.

Verification: pytest --audit --audit-suite=4.1 --audit-prior=REPORT, with the report folder of the prior audit.

Effort: S
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.hazards import Table
from pytest_backend_audit.analysis.plan_steps import (
    Flip,
    Kept,
    changed,
    improved,
    indexes_of,
    key,
    known,
    making,
    steps,
)
from pytest_backend_audit.analysis.plans import Node
from pytest_backend_audit.analysis.statements import shortened
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites.query_performance._plans import Plans, again, all_planned, plans

PREFIX = "plan "
NO_RIGHT = "may not read"
"""Of the reason why a statement can't be planned: it is there, and the audit's role has no right to it."""
# With a partition's index comes the one of its table, which has it as a part.
INDEXES = """
SELECT n.nspname AS schema, x.relname AS name,
    quote_ident(n.nspname) || '.' || quote_ident(x.relname) AS itself,
    quote_ident(rn.nspname) || '.' || quote_ident(r.relname) AS root, pg_get_indexdef(r.oid) AS definition
FROM unnest(%s::text[], %s::text[]) AS wanted (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema
JOIN pg_catalog.pg_class x ON x.relnamespace = n.oid AND x.relname = wanted.name AND x.relkind IN ('i', 'I')
JOIN pg_catalog.pg_class r ON r.oid = coalesce(pg_partition_root(x.oid), x.oid)
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
"""
THERE = "SELECT name FROM unnest(%s::text[]) AS wanted (name) WHERE to_regclass(name) IS NOT NULL"


@dataclass(frozen=True)
class Keeping:
    """What one audit leaves to the next, and has been left."""

    baseline: Any
    evidence: Any
    instant: str


@pytest.fixture
def keeping(audit_baseline: Any, audit_evidence: Any, audit_run: Any) -> Keeping:
    """What the prior audit kept, and where this one keeps things."""
    return Keeping(audit_baseline, audit_evidence, audit_run.instant)


@audit(dimension="4.1", criterion="plan-regressions", level=4)
def test_plans_are_those_of_the_prior_audit(
    audit_postgres: Any, audit_settings: Any, audit_acknowledged: Any, keeping: Keeping
) -> None:
    """Plans are compared with those of the prior audit, and each that changed was investigated."""
    with _as_before_if_it_ends(keeping):
        most, large = audit_settings.value("top-statements"), audit_settings.value("large-table-rows")
        before = _before(keeping.baseline)
        top = plans(audit_postgres, most.number, large.number)
        sent = {key(statement.asked) for statement in top.planned}
        others = {name: kept for name, kept in before.items() if name not in sent}
        rest = again(audit_postgres, [(kept.statement, kept.search_path) for kept in others.values()])
        now = {kept.key: kept for kept in _kept(audit_postgres, keeping.instant, top, rest)}
        small = {table.name for seen in (top, rest) for table in seen.tables.values() if table.rows <= large.number}

        compared = {name: kept for name, kept in before.items() if name in now}
        other = {name: k for name, k in compared.items() if changed(k, now[name], small)}
        better = {name: k for name, k in other.items() if improved(k, now[name], small)}
        flipped = {name: k for name, k in other.items() if name not in better}
        gone = _gone(audit_postgres, flipped.values())
        flips = [
            Flip(k, now[name], tuple(made for index, made in k.indexes.items() if index in gone))
            for name, k in flipped.items()
        ]
        left = audit_acknowledged(flips, key="item")
    # A change that nobody has looked into is still one for the next audit, and what can't be seen now may be then.
    open_ = {flip.now.key for flip in left}
    settled = {flip.now.key for flip in flips} - open_ | better.keys()
    hidden = {name: s.reason for name, s in zip(others, rest.statements, strict=True) if NO_RIGHT in s.reason}
    unseen = {name: kept for name, kept in before.items() if name not in now}
    # So may what could not be planned today for another reason, though it comes last.
    for place, (name, kept) in enumerate({**now, **{name: before[name] for name in hidden}, **unseen}.items()):
        # Those that have not been among the top ones for long make room in the end.
        if place < 2 * most.number or name in open_:
            chosen = kept if name in settled else before.get(name, kept)
            if name not in open_ and name in now:
                chosen = replace(chosen, known=kept.known)
            keeping.evidence.keep(f"{PREFIX}{name}", chosen.data())

    if not before:
        raise CouldNotRun(_nothing(keeping.baseline, len(now)))
    source = keeping.baseline.source
    lost = [s for s in rest.unplanned if s.plan is None and NO_RIGHT not in s.reason]
    keeping.evidence.command(
        f"plans compared with those of the {source}",
        f"{len(compared)} of {len(before)} statements compared, {len(flips)} have another plan, of these not "
        f"acknowledged {len(left)}; {len(now) - len(compared)} are new; {len(lost)} can't be planned any more"
        f"{lines(f'{shortened(s.query)}: {s.reason}' for s in lost)}",
    )
    if better:
        keeping.evidence.command(
            f"plans that are better than those of the {source}",
            f"{len(better)} of {len(compared)} statements reach a table by a new index"
            f"{lines(Flip(k, now[name]) for name, k in better.items())}",
        )
    assert not left, (
        f"{len(left)} of {len(compared)} statements have another plan than in the {source} (tables of at "
        f"most {large} left out):{lines(left)}\nto acknowledge, once it is known why: {left.names}"
    )
    if hidden:
        told = [f"{shortened(before[name].statement)}: {reason}" for name, reason in hidden.items()]
        raise CouldNotRun(f"{len(hidden)} of {len(before)} statements can't be planned:{lines(told)}")
    if unread := sorted(n for n in keeping.baseline.lost if n.startswith(PREFIX) and n not in keeping.baseline.kept):
        raise CouldNotRun(f"{len(unread)} plans that the {source} kept can't be read: {listed(unread)}")
    if not compared:
        raise CouldNotRun(f"none of {len(before)} statements of the {source} can be planned any more")
    all_planned(top, audit_acknowledged)


@contextmanager
def _as_before_if_it_ends(keeping: Keeping) -> Iterator[None]:
    """Where the block ends by an error, the next audit is left what this one was: a change must not be forgotten."""
    try:
        yield
    except BaseException:
        for name, data in _prior(keeping.baseline).items():
            keeping.evidence.keep(f"{PREFIX}{name}", data)
        raise


def _prior(baseline: Any) -> dict[str, Any]:
    """What the prior audit kept, by the statements' keys, as it has it."""
    return {n.removeprefix(PREFIX): d for n, d in baseline.kept.items() if n.startswith(PREFIX)} if baseline else {}


def _before(baseline: Any) -> dict[str, Kept]:
    """What the prior audit kept, by the statements' keys.

    Raises:
        CouldNotRun: It was another version of this package that kept it.
    """
    try:
        return {name: Kept.read(data) for name, data in _prior(baseline).items()}
    except ValueError as error:
        raise CouldNotRun(
            f"the {baseline.source} kept plans as another version does ({error}): audit once without "
            "--audit-prior, and give the next audit that one's report folder"
        ) from None


def _kept(audit_postgres: Any, instant: str, *seen: Plans) -> Iterable[Kept]:
    """The plans as they are to be kept."""
    planned = [(statement, plans_.tables) for plans_ in seen for statement in plans_.planned]
    names = {name for statement, _ in planned if statement.plan for name in indexes_of(statement.plan)}
    had = [_had(statement.plan, tables) for statement, tables in planned]
    indexes = _indexes(audit_postgres, names.union(*had))
    roots = {(row.schema, row.name): row.root for row in indexes}
    made = {row.root: making(row.definition) for row in indexes}
    for (statement, tables), theirs in zip(planned, had, strict=True):
        if statement.plan is None:
            continue
        found = steps(statement.plan, {name: table.name for name, table in tables.items()}, roots)
        mine = {roots[name] for name in indexes_of(statement.plan) if name in roots}
        own = {name: made[name] for name in sorted(mine)}
        noted = {known(table, made[roots[name]]) for name, table in theirs.items() if name in roots}
        yield Kept(statement.asked, found, statement.search_path, own, instant, tuple(sorted(noted)))


def _had(plan: Node | None, tables: Mapping[str, Table]) -> dict[tuple[str, str], str]:
    """Schema and name of each index of the tables in a plan, used or not -> the table."""
    return {
        (str(node.facts.get("Schema", "")), index): tables[node.table].name
        for node in (plan.walk() if plan else ())
        if node.table in tables
        for index in tables[node.table].indexes
    }


def _indexes(audit_postgres: Any, names: Iterable[tuple[str, str]]) -> list[Any]:
    wanted = [list(part) for part in zip(*sorted(names), strict=True)] or [[], []]
    rows: list[Any] = audit_postgres.execute(INDEXES, wanted).fetchall()
    return rows


def _gone(audit_postgres: Any, flipped: Iterable[Kept]) -> set[str]:
    """Indexes of these plans that are no more."""
    names = sorted({name for kept in flipped for name in kept.indexes})
    there = {row.name for row in audit_postgres.execute(THERE, [names]).fetchall()} if names else set()
    return set(names) - there


def _nothing(baseline: Any, kept: int) -> str:
    """Why there is nothing to compare with, and what to do."""
    cure = f"this run has kept {kept} plans: give the next audit its report folder, --audit-prior=REPORT"
    if baseline is None:
        return f"no prior audit with plans was given; {cure}"
    unread = f", {len(baseline.lost)} can't be read: {listed(baseline.lost)}" if baseline.lost else ""
    return f"the {baseline.source} has kept no plan{unread}; {cure}"

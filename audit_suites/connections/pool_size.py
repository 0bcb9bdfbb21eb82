"""Each pool has a size that somebody set.

audit.yaml tells the size of each pool (pools.NAME.size), and whose the connections are (application_name, else all).
The size is then looked for where it holds: in the most connections that the metrics page of each instance tells of the
pool, else in the lines of the audited tree that set one (those of tests, remarks, caches and threads don't). The
server's own count, or the pooler's, must not be over the declared sizes, and a connection that belongs to no declared
pool comes out of one whose size nobody knows.

Impact: A library's default is nobody's decision: five connections where forty requests wait for one, or as many as
there are requests, until the server refuses.

Remediation: Set the pool's size in its configuration (max_size, pool_size with max_overflow, SetMaxOpenConns,
maximumPoolSize), declare it in audit.yaml, and export it beside the pool's other numbers.

Verification: The metrics page's maximum is the declared size, and SELECT application_name, count(*) FROM
pg_stat_activity GROUP BY 1 shows no more.

Effort: S
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.pool_metrics import MOST, assigned, exported
from pytest_backend_audit.analysis.pools import by_pool
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites.connections._seeing import connected, console_of, declared_pools, looked, metrics_pages

SETS_A_SIZE = (
    r"(?i)\b\w*(?:max[_-]?(?:pool[_-]?)?size|pool[_-]?size|max[_-]?open[_-]?conns?|max[_-]?conns|pool[_-]?max(?:imum)?"
    r"|connection[_-]?limit|max[_-]?active)\w*\b[\"']?\s*(?:[:=(]|,)\s*\S"
)
"""A line that gives one of the usual settings a value."""
REMARK = r"^\s*(?:#|//|/?\*|;|<!--)"
ELSE = (
    r"(?i)lru|cache|deque|queue(?!pool)|thread(?!ed)|executor|redis|valkey|http|buffer|bytes|body|upload|batch|image"
    r"|(?<![a-z])(?:ttl|page|log(?:s|ger|ging|file)?)(?![a-z])"
)
"""Before the value: what has a largest size, or a pool, and is none of connections to a database."""
TESTS = (
    r"(?:^|/)(?:tests?|testing|spec|__tests__|node_modules|vendor)/|(?:^|/)(?:test_|conftest)|[._](?:test|spec)\.\w+$"
)
KINDS = (
    "py",
    "go",
    "java",
    "kt",
    "ts",
    "js",
    "rb",
    "cs",
    "rs",
    "yaml",
    "yml",
    "toml",
    "properties",
    "json",
    "env",
    "ini",
)


@audit(dimension="4.2", criterion="pool-size", level=2)
def test_each_pool_has_the_size_that_was_set(
    audit_postgres: Any, audit_declared: Any, audit_acknowledged: Any, request: pytest.FixtureRequest
) -> None:
    """Each pool has a size that somebody set."""
    pools = declared_pools(audit_declared)
    console = console_of(audit_declared, request)
    belonging, stray = by_pool(looked(lambda: connected(audit_postgres, console, pools), bool), pools)
    unknown = audit_acknowledged(sorted({session.who for session in stray}))
    assert not unknown, (
        f"{len([s for s in stray if s.who in unknown])} connections belong to no declared pool: {listed(unknown)}; add "
        f"theirs to pools ({audit_declared.origin('pools')}); to acknowledge: {unknown.names}"
    )
    if not any(belonging.values()):
        raise CouldNotRun(f"nobody is connected out of {listed(pools)}: audit while the service is used")

    wrong = []
    unsaid = set(pools)
    if audit_declared.configured("http") and audit_declared("targets.http.metrics", ()):
        for url, (page, _) in metrics_pages(request.getfixturevalue("audit_http"), audit_declared).items():
            for name, told in assigned(pools, exported(page)).items():
                if (most := told.get(MOST)) is not None:
                    unsaid.discard(name)
                    if most not in {pools[name].size, pools[name].size * pools[name].processes}:
                        wrong.append((name, f"{url} says that it has at most {most:g}"))
    for name, pool in pools.items():
        all_of_it = pool.size * pool.processes * pool.instances
        if len(belonging[name]) > all_of_it:
            wrong.append((name, f"it has {len(belonging[name])} connections, and {all_of_it} may be"))
    left = audit_acknowledged(dict.fromkeys(name for name, _ in wrong))
    said = [
        f"{n}: declared is {pools[n].size} ({audit_declared.origin(f'pools.{n}')}), {w}" for n, w in wrong if n in left
    ]
    assert not left, (
        f"{len(left)} of {len(pools)} pools don't have the size that is declared{lines(said)}\n"
        f"to acknowledge: {left.names}"
    )
    if unsaid:
        source = request.getfixturevalue("audit_source")
        found = [match for kind in KINDS for match in source.grep(SETS_A_SIZE, f"**/*.{kind}")]
        setting = [match for match in found if _sets_one(match.path, match.text)]
        assert setting, (
            f"no size is set for {listed(sorted(unsaid))}: no metrics page tells its maximum, and no line of the tree "
            "sets one; the library's default holds"
        )


def _sets_one(path: str, text: str) -> bool:
    """Whether a line sets the size of a pool of connections, as far as it tells."""
    if re.search(TESTS, path) or re.match(REMARK, text):
        return False
    return any(not re.search(ELSE, text[: match.end()]) for match in re.finditer(SETS_A_SIZE, text))

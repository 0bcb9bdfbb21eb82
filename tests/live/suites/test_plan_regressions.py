"""Plans from one audit to the next, on real servers, as a role that may only read gets them."""

from __future__ import annotations

import json

import psycopg
import pytest

from pytest_backend_audit.analysis.plan_steps import key
from pytest_backend_audit.baseline import Baseline
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.plan_regressions import (
    Keeping,
)
from pytest_backend_audit.suites.query_performance.plan_regressions import (
    test_plans_are_those_of_the_prior_audit as check,
)
from pytest_backend_audit.targets.evidence import ByHand
from pytest_backend_audit.testing import run_check
from pytest_backend_audit.testing.running import INSTANT

pytestmark = pytest.mark.live
TABLES = """
CREATE EXTENSION pg_stat_statements;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id int PRIMARY KEY, tenant int, name text);
INSERT INTO shop.orders SELECT n, n % 500, 'n' || n FROM generate_series(1, 20000) n;
CREATE INDEX orders_tenant_idx ON shop.orders (tenant, id);
CREATE TABLE shop.small (id int PRIMARY KEY, name text);
INSERT INTO shop.small SELECT n, 'n' || n FROM generate_series(1, 500) n;
CREATE TABLE shop."T t" (month int, b int) PARTITION BY RANGE (month);
CREATE TABLE shop.part_1 PARTITION OF shop."T t" FOR VALUES FROM (1) TO (2);
CREATE TABLE shop.part_2 PARTITION OF shop."T t" FOR VALUES FROM (2) TO (3);
INSERT INTO shop."T t" SELECT 1 + n % 2, n FROM generate_series(1, 12000) n;
CREATE INDEX "T b" ON shop."T t" (b);
GRANT USAGE ON SCHEMA shop TO looker;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO looker;
"""
LISTED = "SELECT name FROM orders WHERE tenant = {} ORDER BY id LIMIT 10"
GONE = "an index of it is gone: CREATE INDEX CONCURRENTLY orders_tenant_idx ON shop.orders USING btree (tenant, id);"


class Served:
    """A database and a service that uses it, audited again and again."""

    def __init__(self, database, service, audit_yaml) -> None:
        self.admin, self.looker, self._service, self._audit_yaml = (
            database.admin, database.looker, service, audit_yaml,
        )  # fmt: skip
        self.baseline: Baseline | None = None

    def sends(self, *statements: str) -> None:
        """Statements of the service, as the only ones that are counted."""
        self.admin.execute("SELECT pg_stat_statements_reset()")
        for statement in statements:
            self._service.execute(statement)

    def audit(self, more: str = "", top: int = 20):
        """The check; what it keeps is the next one's baseline."""
        around = self._audit_yaml(f"thresholds: {{large-table-rows: 10000, top-statements: {top}}}\n{more}")
        ran = run_check(
            check,
            on=around.runtime.recorder,
            audit_postgres=self.looker,
            audit_settings=around.settings,
            audit_acknowledged=around.acknowledged,
            keeping=Keeping(self.baseline, ByHand(around.runtime), INSTANT),
        )
        kept = {piece.title: json.loads(piece.body) for piece in ran.evidence if piece.facts.get("kept")}
        self.baseline = Baseline("prior audit 2026-01-15 of 1a2b3c4", INSTANT, "1a2b3c4" * 6, ran.evidence, kept)
        return ran


@pytest.fixture
def served(superuser, database, audit_yaml):
    """The service's role has its tables on its search_path."""
    for statement in filter(str.strip, TABLES.split(";")):
        database.admin.execute(statement)
    database.admin.execute("VACUUM ANALYZE")
    database.admin.execute("CREATE ROLE service LOGIN SUPERUSER PASSWORD 'fake-service-0001'")
    database.admin.execute(f"ALTER ROLE service IN DATABASE {database.name} SET search_path = shop, public")
    dsn = (superuser % database.name).partition("@")[2]
    with psycopg.connect(f"postgresql://service:fake-service-0001@{dsn}", autocommit=True) as service:
        made = Served(database, service, audit_yaml)
        made.sends(LISTED.format(7))
        yield made
    database.admin.execute("DROP ROLE service")


def test_without_a_prior_audit_the_first_plans_are_kept(served) -> None:
    """Which is no success, and says how the next audit comes to compare."""
    ran = served.audit()
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "no prior audit with plans was given; this run has kept 1 plans: give the next audit its report folder, "
        "--audit-prior=REPORT",
    )
    [(name, kept)] = served.baseline.kept.items()
    assert name.startswith("plan ")
    assert kept["statement"] == "SELECT name FROM orders WHERE tenant = $1 ORDER BY id LIMIT $2"
    assert kept["steps"] == [[0, "", "shop.orders", "by", ["shop.orders_tenant_idx"]]]
    assert list(kept["indexes"]) == ["shop.orders_tenant_idx"]


def test_the_same_plans_pass(served) -> None:
    """Also of statements that nobody has sent since, and beside new ones."""
    served.audit()
    served.sends("SELECT name FROM orders WHERE id = 3")
    ran = served.audit()
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    told = next(e for e in ran.evidence if e.title.startswith("plans compared"))
    assert told.body == (
        "1 of 1 statements compared, 0 have another plan, of these not acknowledged 0; 1 are new; "
        "0 can't be planned any more"
    )
    assert len(served.baseline.kept) == 2


def test_plans_can_be_asked_for_often_on_one_connection(served) -> None:
    """Though the driver prepares what it is asked often, and a generic plan of a prepared statement can't be had."""
    served.sends("SELECT name FROM orders WHERE tenant = ANY('{1,2}') AND id < 7")
    served.audit()
    assert {served.audit().status for _ in range(8)} == {Status.PASSED}


def test_an_index_that_was_dropped_is_told_with_what_makes_it(served) -> None:
    """Until it is there again; a change that nobody looked into is one in the audit after the next as well."""
    served.audit()
    served.admin.execute("DROP INDEX shop.orders_tenant_idx")
    for _ in range(2):
        ran = served.audit()
        assert ran.status is Status.FAILED
        lines = ran.reason.splitlines()
        assert lines[0] == (
            "1 of 1 statements have another plan than in the prior audit 2026-01-15 of 1a2b3c4 (tables of at most "
            "10000 rows (audit.yaml:3) left out):"
        )
        assert "since 2026-01-15: shop.orders by shop.orders_tenant_idx" in lines[2]
        assert GONE in ran.reason
        assert lines[-1].startswith("  to acknowledge, once it is known why: plan-regressions:")
    served.admin.execute(GONE.partition(": ")[2])
    assert served.audit().status is Status.PASSED


def test_an_acknowledged_change_is_what_the_next_audit_compares_with(served) -> None:
    """That very plan: another one is another item."""
    served.audit()
    first = served.baseline
    served.admin.execute("DROP INDEX shop.orders_tenant_idx")
    item = served.audit().reason.rpartition(": ")[2].strip()
    known = f"acknowledged: [{{item: '{item}', reason: r, who: w, ticket: T-1, expires: 2026-02-01}}]"
    ran = served.audit(known)
    assert (ran.status, ran.acknowledged) == (Status.PASSED, (item,))
    assert served.audit().status is Status.PASSED
    served.baseline = first
    served.admin.execute("CREATE INDEX other_idx ON shop.orders (tenant, id, name)")
    ran = served.audit(known)
    assert ran.status is Status.FAILED
    assert "by shop.other_idx" in ran.reason


def better(ran) -> list[str]:
    """What is said of plans that are better; nothing where there are none."""
    return [line for e in ran.evidence if e.title.startswith("plans that are better") for line in e.body.splitlines()]


def test_a_new_index_where_all_was_read_is_no_regression(served) -> None:
    """As another finding asked for it; from then on its plan is the one to compare with."""
    served.admin.execute("DROP INDEX shop.orders_tenant_idx")
    served.sends("SELECT name FROM orders WHERE tenant = 7")
    served.audit()
    served.admin.execute("CREATE INDEX orders_wanted_idx ON shop.orders (tenant)")
    ran = served.audit()
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert better(ran) == [
        "1 of 1 statements reach a table by a new index",
        "- SELECT name FROM orders WHERE tenant = $1",
        "  since 2026-01-15: shop.orders from beginning to end",
        "  now: shop.orders by shop.orders_wanted_idx",
    ]
    again = served.audit()
    assert (again.status, better(again)) == (Status.PASSED, [])
    served.admin.execute("DROP INDEX shop.orders_wanted_idx")
    ran = served.audit()
    assert ran.status is Status.FAILED
    assert "since 2026-01-15: shop.orders by shop.orders_wanted_idx" in ran.reason


def test_a_new_index_that_saves_a_sort_is_no_regression(served) -> None:
    """Where it leads to the rows by the columns of the one before."""
    served.admin.execute("DROP INDEX shop.orders_tenant_idx")
    served.admin.execute("ALTER TABLE shop.orders DROP CONSTRAINT orders_pkey")
    served.admin.execute("CREATE INDEX orders_few_idx ON shop.orders (tenant)")
    served.audit()
    served.admin.execute("CREATE INDEX orders_tenant_idx ON shop.orders (tenant, id)")
    ran = served.audit()
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert better(ran)[2:] == [
        "  since 2026-01-15: Sort; shop.orders by shop.orders_few_idx",
        "  now: shop.orders by shop.orders_tenant_idx",
    ]


def test_an_index_of_a_partitioned_table_may_be_the_new_one(served) -> None:
    """By the names of the table and its index; one that was there before and not used is none."""
    served.sends('SELECT month FROM "T t" WHERE b = 7')
    served.admin.execute('DROP INDEX shop."T b"')
    served.audit()
    served.admin.execute('CREATE INDEX "T b" ON shop."T t" (b)')
    ran = served.audit()
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert better(ran)[-1] == '  now: shop."T t" by shop."T b"'
    served.looker.execute("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off")
    served.baseline = None
    served.admin.execute('DROP INDEX shop."T b"')
    served.audit()
    served.admin.execute('CREATE INDEX "T b" ON shop."T t" (b)')
    assert served.audit().status is Status.PASSED  # not used, and known from now on
    served.looker.execute("RESET ALL")
    ran = served.audit()
    assert (ran.status, better(ran)) == (Status.FAILED, [])
    assert 'since 2026-01-15: shop."T t" from beginning to end\n    now: shop."T t" by shop."T b"' in ran.reason


def test_another_index_on_the_same_columns_is_no_change(served) -> None:
    """Whatever it is called."""
    served.audit()
    served.admin.execute("DROP INDEX shop.orders_tenant_idx")
    served.admin.execute("CREATE INDEX renamed_idx ON shop.orders (tenant, id)")
    assert served.audit().status is Status.PASSED


def test_small_tables_may_be_read_in_whatever_way(served) -> None:
    """The planner's choice there says nothing."""
    served.sends("SELECT name FROM small WHERE id = 3")
    served.audit()
    served.admin.execute("ALTER TABLE shop.small DROP CONSTRAINT small_pkey")
    assert served.audit().status is Status.PASSED


def test_a_new_partition_is_no_change(served) -> None:
    """Its index is a part of the table's."""
    served.sends('SELECT month FROM "T t" WHERE b = 7')
    served.audit()
    [kept] = served.baseline.kept.values()
    assert kept["steps"] == [[0, "", 'shop."T t"', "by", ['shop."T b"']]]
    served.admin.execute('CREATE TABLE shop.part_3 PARTITION OF shop."T t" FOR VALUES FROM (3) TO (4)')
    served.admin.execute('INSERT INTO shop."T t" SELECT 3, n FROM generate_series(1, 6000) n')
    served.admin.execute("ANALYZE")
    served.admin.execute("GRANT SELECT ON ALL TABLES IN SCHEMA shop TO looker")
    served.sends('SELECT month FROM "T t" WHERE b = 8')
    assert served.audit().status is Status.PASSED


def test_an_index_of_a_partitioned_table_is_told_with_what_makes_it(served) -> None:
    """On all partitions, by a statement that the server accepts."""
    served.sends('SELECT month FROM "T t" WHERE b = 7')
    served.audit()
    served.admin.execute('DROP INDEX shop."T b"')
    ran = served.audit()
    assert ran.status is Status.FAILED
    told = 'an index of it is gone: CREATE INDEX "T b" ON shop."T t" USING btree (b);'
    assert told in ran.reason
    served.admin.execute(told.partition(": ")[2])
    assert served.audit().status is Status.PASSED


def test_catalogs_may_be_read_in_whatever_way(served) -> None:
    """As monitoring reads them: that isn't kept any more, and of what earlier audits kept the plan is no matter."""
    served.sends("SELECT relname, seq_scan FROM pg_stat_user_tables", LISTED.format(7))
    served.audit()
    [(_, kept)] = served.baseline.kept.items()
    assert kept["statement"] == "SELECT name FROM orders WHERE tenant = $1 ORDER BY id LIMIT $2"
    asked = "SELECT relname FROM pg_class"
    other = [[0, "", "pg_catalog.pg_class", "by", ["pg_catalog.pg_class_oid_index"]]]
    served.baseline.kept[f"plan {key(asked)}"] = kept | {"statement": asked, "steps": other, "indexes": {}}
    ran = served.audit()
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_what_a_prior_audit_says_is_not_executed(served) -> None:
    """A text in it that is several statements can't be planned."""
    served.audit()
    [(name, kept)] = served.baseline.kept.items()
    served.baseline.kept[name] = kept | {"statement": "SELECT 1 FROM shop.small; COMMIT; DROP TABLE shop.small"}
    served.admin.execute("ALTER TABLE shop.small OWNER TO looker")
    served.admin.execute("SELECT pg_stat_statements_reset()")
    served.sends("SELECT name FROM small WHERE id = 3")
    ran = served.audit()
    assert served.admin.execute("SELECT count(*) FROM shop.small").fetchone() == (500,)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith("none of 1 statements of the prior audit")


def test_what_was_not_among_the_top_for_long_makes_room(served) -> None:
    """Twice as many are kept as are looked at; one that changed stays until somebody has looked into it."""
    served.audit(top=2)  # one is what resets the counters
    changed = set(served.baseline.kept)
    served.admin.execute("DROP INDEX shop.orders_tenant_idx")
    for column in ("id", "tenant", "name", "ctid", "tableoid"):
        served.sends(f"SELECT count(*) FROM orders WHERE {column}::text = 'x'")
        served.audit(top=2)
    assert len(served.baseline.kept) == 2 * 2 + 1
    assert changed < served.baseline.kept.keys()


def test_statements_that_read_what_is_gone_are_told(served) -> None:
    """If there are no others, nothing was compared; what the audit has no right to was not compared either."""
    served.audit()
    served.admin.execute("REVOKE SELECT ON shop.orders FROM looker")
    served.sends("SELECT name FROM small WHERE id = 3")
    first = served.baseline
    ran = served.audit()
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith("1 of 1 statements can't be planned:")
    assert first.kept.keys() < served.baseline.kept.keys()
    served.admin.execute("DROP TABLE shop.orders")
    served.baseline = first
    ran = served.audit()
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason == "none of 1 statements of the prior audit 2026-01-15 of 1a2b3c4 can be planned any more"

"""Counting statements of this process with the real Django and the real SQLAlchemy, against a real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import sqlalchemy
from django.conf import settings
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.budget import QueryBudget
from pytest_backend_audit.testing import runtime_for

WRITER = {"user": "meddler", "password": "may-write-some-tables"}


@pytest.fixture
def audit(tmp_path):
    """An audit without a database in its audit.yaml."""
    return runtime_for("version: 1\nservice: orders\nenvironment: stage\n", folder=tmp_path)


@pytest.fixture
def budget(audit) -> QueryBudget:
    """As the fixture makes it; asking the server would be a mistake here."""
    return QueryBudget(audit, lambda: pytest.fail("it asked for the server"))


@pytest.fixture(scope="module")
def django(monitored) -> Iterator[SimpleNamespace]:
    """Django's two connections, and a model of a table that is there."""
    place = {"ENGINE": "django.db.backends.postgresql", "HOST": monitored.host, "NAME": "postgres"}
    known = {**place, "PORT": monitored.port, "USER": WRITER["user"], "PASSWORD": WRITER["password"]}
    settings.configure(DATABASES={"default": known, "reports": dict(known)}, USE_TZ=True, LOGGING_CONFIG=None)
    import django
    from django.db import connection, connections, models

    django.setup()

    class Customer(models.Model):
        id = models.IntegerField(primary_key=True)
        email = models.TextField()

        class Meta:
            app_label = "shop"
            managed = False
            db_table = "customers"

    yield SimpleNamespace(connection=connection, connections=connections, Customer=Customer)
    connections.close_all()


class Base(DeclarativeBase):
    """Of the one model."""


class Customer(Base):
    """A table that is there."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]


@pytest.fixture
def engine(monitored) -> Iterator[sqlalchemy.Engine]:
    """SQLAlchemy's, to the same database."""
    url = sqlalchemy.URL.create(
        "postgresql+psycopg", host=monitored.host, port=monitored.port, database="postgres",
        username=WRITER["user"], password=WRITER["password"],
    )  # fmt: skip
    made = sqlalchemy.create_engine(url)
    yield made
    made.dispose()


def test_django_one_by_one(audit, budget, django):
    """The same statement with other values is the same one; those that steer a transaction don't count."""
    from django.db import transaction

    with audit.recorder.open() as buffer, budget(of=django.connection) as counted, transaction.atomic():
        for n in range(3):
            with transaction.atomic():
                assert django.Customer.objects.filter(email=f"user{n + 1}@example.org").count() == 1
    assert counted.by_query == {
        'SELECT COUNT(*) AS "__count" FROM "customers" WHERE "customers"."email" = ?': 3,
    }
    last = buffer.evidence[-1]
    assert (last.title, last.target, last.facts) == (
        "statements of the block (Django, connection default)",
        "Django, connection default",
        {"statements": 3, "limit": None},
    )
    assert "example.org" not in last.body


def test_django_over_the_limit(budget, django):
    """The check fails, and names what was sent how often."""

    def one_by_one():
        with budget(limit=1, what="GET /orders", of=django.connection):
            for n in range(1, 3):
                django.Customer.objects.get(pk=n)

    with pytest.raises(pytest.fail.Exception) as caught:
        one_by_one()
    assert caught.value.msg == (
        'GET /orders cost 2 statements, the budget is 1: 2 x SELECT "customers"."id", "customers"."email" FROM '
        '"customers" WHERE "customers"."id" = ? LIMIT ?'
    )


def test_django_counts_what_is_sent_for_many_parameters_as_often(budget, django):
    """As the server does."""
    with budget(limit=2, of=django.connection) as counted, django.connection.cursor() as cursor:
        cursor.executemany("SELECT email FROM customers WHERE id = %s", [(1,), (2,)])
    assert counted.by_query == {"SELECT email FROM customers WHERE id = %s": 2}


def test_django_all_connections(audit, budget, django):
    """What any of them sends counts, and is added up."""
    with audit.recorder.open() as buffer, budget(limit=2, of=django.connections) as counted:
        for alias in ("default", "reports"):
            assert django.Customer.objects.using(alias).count() == 50
    assert counted.statements == 2
    assert buffer.evidence[-1].title == "statements of the block (Django, connections default, reports)"


def test_django_without_a_server_could_not_run(budget, django):
    """It says which connection."""
    gone = type(django.connections["reports"])(
        {**django.connections["reports"].settings_dict, "PORT": 1}, alias="archive"
    )
    with pytest.raises(CouldNotRun, match=r"Django's connection archive can't be opened: .*port 1"):
        budget(of=gone).__enter__()


def test_django_in_another_thread_is_not_taken_for_cheap(budget, django):
    """Its connection is another one there: nothing was counted, which is no success."""

    def elsewhere():
        with budget(limit=3, what="GET /orders", of=django.connection):
            thread = threading.Thread(target=lambda: (django.Customer.objects.count(), django.connection.close()))
            thread.start()
            thread.join()

    with pytest.raises(CouldNotRun, match=r"GET /orders sent no statement through what was counted \(Django, connec"):
        elsewhere()


def test_what_may_send_nothing_and_does_is_within_its_budget(budget, django, engine):
    """A limit of 0 is kept by silence."""
    with budget(limit=0, of=django.connection) as by_django, budget(limit=0, of=engine) as by_sqlalchemy:
        pass
    assert (by_django.statements, by_sqlalchemy.statements) == (0, 0)


def test_django_whose_log_has_overflowed_could_not_run(budget, django, monkeypatch):
    """Its log keeps the last so many statements: beyond, it would tell of none."""
    from collections import deque

    monkeypatch.setattr(django.connection, "queries_log", deque(maxlen=2))

    def three():
        with budget(limit=1, of=django.connection):
            for _ in range(3):
                django.Customer.objects.count()

    with pytest.raises(CouldNotRun, match="connection default keeps its last 2 statements, and has dropped some"):
        three()


def test_sqlalchemy_one_by_one(audit, budget, engine):
    """Savepoints don't count; evidence tells the server and the database, and nobody's password."""
    with audit.recorder.open() as buffer, budget(of=engine) as counted, Session(engine) as session:
        for n in range(1, 4):
            with session.begin_nested():
                assert session.get_one(Customer, n).id == n
    statement = "SELECT customers.id, customers.email FROM customers WHERE customers.id = %(pk_1)s::INTEGER"
    assert counted.by_query == {statement: 3}
    last = buffer.evidence[-1]
    assert (last.title, last.body) == (
        "statements of the block (SQLAlchemy, 127.0.0.1/postgres)",
        f"3 x {statement}",
    )


def test_sqlalchemy_over_the_limit(budget, engine):
    """The check fails; the literals of handwritten SQL stay out of the message."""

    def one_by_one():
        with budget(limit=2, what="GET /orders", of=engine), engine.connect() as connection:
            for n in range(1, 4):
                connection.execute(sqlalchemy.text(f"SELECT email FROM customers WHERE id = {n} /* request {n} */"))

    with pytest.raises(pytest.fail.Exception) as caught:
        one_by_one()
    assert caught.value.msg == (
        "GET /orders cost 3 statements, the budget is 2: 3 x SELECT email FROM customers WHERE id = ?"
    )


def test_sqlalchemy_every_engine_or_one_connection(budget, engine):
    """The class stands for all engines; one connection for itself alone; and nothing listens afterwards."""
    count = sqlalchemy.select(sqlalchemy.func.count()).select_from(Customer)
    with engine.connect() as ours, engine.connect() as another:
        with budget(of=sqlalchemy.Engine) as all_, budget(of=ours) as one:
            assert (ours.scalar(count), another.scalar(count)) == (50, 50)
        ours.scalar(count)
    assert (all_.statements, one.statements) == (2, 1)


def test_sqlalchemy_many_parameters(budget, engine):
    """Each set counts, as the server counts it."""
    with budget(limit=2, of=engine) as counted, engine.connect() as connection:
        connection.execute(
            sqlalchemy.text("INSERT INTO customers (id, email) VALUES (:id, :email) ON CONFLICT DO NOTHING"),
            [{"id": 1, "email": "a"}, {"id": 2, "email": "b"}],
        )
    assert counted.statements == 2


def test_sqlalchemy_asynchronous(budget, engine):
    """The engine is the synchronous one's, from whichever thread."""

    async def ask(of_connection: bool) -> int:
        asynchronous = create_async_engine(engine.url)
        async with asynchronous.connect() as connection:
            with budget(limit=1, of=connection if of_connection else asynchronous) as counted:
                await connection.execute(sqlalchemy.select(Customer).limit(1))
        await asynchronous.dispose()
        return counted.statements

    assert (asyncio.run(ask(of_connection=False)), asyncio.run(ask(of_connection=True))) == (1, 1)


def test_sqlalchemy_asynchronous_connections_count_for_themselves(budget, engine):
    """Another connection of the same engine is not one's own; one that is not open has nothing to listen to."""

    async def ask() -> int:
        asynchronous = create_async_engine(engine.url)
        async with asynchronous.connect() as ours, asynchronous.connect() as another:
            with budget(limit=1, of=ours) as counted:
                for connection in (ours, another):
                    await connection.execute(sqlalchemy.select(Customer).limit(1))
        with pytest.raises(CouldNotRun, match="is not open yet"):
            budget(of=asynchronous.connect()).__enter__()
        await asynchronous.dispose()
        return counted.statements

    assert asyncio.run(ask()) == 1


def test_what_can_not_be_counted(budget, engine, django):
    """The message says what can."""
    for source in (Session(engine), "default", django.Customer):
        with pytest.raises(TypeError, match="statements can be counted of django"):
            budget(of=source).__enter__()

"""What an exception means: the service failed, we could not look, or the check is wrong."""

import httpx
import psycopg
import pytest
import redis

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Status
from pytest_backend_audit.targets.classify import classify
from pytest_backend_audit.testing import recorder

REQUEST = httpx.Request("GET", "http://orders.internal:8000/v1/orders?token=1")


def raised(error):
    """The same error, as it comes out of a check."""
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def judged(error, answered=(), faults=()):
    """Status and reason."""
    used = recorder()
    used.answered.update(answered)
    used.faults_on.update(faults)
    return classify(error, used)


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (AssertionError("3 keys without a TTL"), Status.FAILED, "3 keys without a TTL"),
        (AssertionError(), Status.FAILED, "assertion failed"),
        (pytest.fail.Exception("over budget"), Status.FAILED, "over budget"),
        (
            pytest.fail.Exception("Timeout (>2.0s) from pytest-timeout."),
            Status.COULD_NOT_RUN,
            "deadline of the check passed: Timeout (>2.0s) from pytest-timeout.",
        ),
        (pytest.skip.Exception("not today"), Status.COULD_NOT_RUN, "not today"),
        (CouldNotRun("no server"), Status.COULD_NOT_RUN, "no server"),
        (KeyError("x"), Status.BROKEN, "KeyError: 'x'"),
        (ConnectionError("own"), Status.BROKEN, "ConnectionError: own"),
        (redis.ConnectionError("gone"), Status.COULD_NOT_RUN, "redis: ConnectionError: gone"),
        (redis.TimeoutError("slow"), Status.COULD_NOT_RUN, "redis: TimeoutError: slow"),
        (redis.AuthenticationError("who"), Status.COULD_NOT_RUN, "redis: AuthenticationError: who"),
        (
            redis.exceptions.NoPermissionError("no"),
            Status.COULD_NOT_RUN,
            "redis: NoPermissionError: no - use the ACL that `backend-audit init` writes",
        ),
        (redis.exceptions.BusyLoadingError("loading"), Status.COULD_NOT_RUN, "redis: BusyLoadingError: loading"),
        (redis.ResponseError("wrong type"), Status.BROKEN, "ResponseError: wrong type"),
        (
            redis.ResponseError("unknown command 'CONFIG', with args beginning with: 'GET'"),
            Status.COULD_NOT_RUN,
            "redis: ResponseError: unknown command 'CONFIG', with args beginning with: 'GET' - the server lacks it, as "
            "managed ones do",
        ),
        (
            psycopg.OperationalError("server closed the connection unexpectedly"),
            Status.COULD_NOT_RUN,
            "postgres: the connection was lost: OperationalError: server closed the connection unexpectedly",
        ),
        (psycopg.ProgrammingError("no results"), Status.BROKEN, "ProgrammingError: no results"),
        (
            psycopg.errors.InsufficientPrivilege("permission denied for table customers"),
            Status.COULD_NOT_RUN,
            "postgres: InsufficientPrivilege: permission denied for table customers (SQLSTATE 42501) - grant the "
            "monitoring role what it needs (`backend-audit init` writes the SQL)",
        ),
        (
            psycopg.errors.TooManyConnections("too many"),
            Status.COULD_NOT_RUN,
            "postgres: TooManyConnections: too many (SQLSTATE 53300)",
        ),
        (
            psycopg.errors.ConnectionFailure("gone"),
            Status.COULD_NOT_RUN,
            "postgres: ConnectionFailure: gone (SQLSTATE 08006)",
        ),
        (
            psycopg.errors.InvalidPassword("wrong"),
            Status.COULD_NOT_RUN,
            "postgres: InvalidPassword: wrong (SQLSTATE 28P01)",
        ),
        (
            psycopg.errors.CannotConnectNow("starting up"),
            Status.COULD_NOT_RUN,
            "postgres: CannotConnectNow: starting up (SQLSTATE 57P03)",
        ),
        (
            psycopg.errors.IdleInTransactionSessionTimeout("idle"),
            Status.COULD_NOT_RUN,
            "postgres: IdleInTransactionSessionTimeout: idle (SQLSTATE 25P03)",
        ),
        (psycopg.errors.UndefinedColumn("no x"), Status.BROKEN, "UndefinedColumn: no x (SQLSTATE 42703)"),
    ],
)
def test_each_kind_of_error(error, status, reason):
    """The table of design section 3."""
    assert judged(raised(error)) == (status, reason)


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadTimeout])
def test_a_service_that_never_answered_in_the_check_could_not_be_looked_at(kind):
    """Nothing is known of it."""
    assert judged(raised(kind("refused", request=REQUEST))) == (
        Status.COULD_NOT_RUN,
        f"targets.http: GET http://orders.internal:8000/v1/orders: {kind.__name__}: refused "
        "(it has not answered in this check)",
    )


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError])
def test_a_service_that_breaks_off_after_it_answered_has_failed(kind):
    """That is what a check of a failover looks for."""
    assert judged(raised(kind("reset", request=REQUEST)), answered=["orders.internal:8000"]) == (
        Status.FAILED,
        f"the service broke off: GET http://orders.internal:8000/v1/orders: {kind.__name__}: reset",
    )


def test_another_servers_answer_proves_nothing():
    """Host and port count."""
    error = raised(httpx.ConnectError("refused", request=REQUEST))
    assert judged(error, answered=["orders.internal:9000"])[0] is Status.COULD_NOT_RUN


def test_while_a_fault_of_ours_is_on_breaking_off_is_a_failure():
    """The service is meant to cope with it."""
    error = raised(httpx.ReadTimeout("slow", request=REQUEST))
    assert judged(error, faults=["latency"])[0] is Status.FAILED


def test_a_reason_is_one_printable_line():
    """Whatever a server put into its message."""
    error = raised(redis.ConnectionError("a\x1b[31m\nb\u202ec\x00"))
    assert judged(error) == (Status.COULD_NOT_RUN, "redis: ConnectionError: a [31m b c")

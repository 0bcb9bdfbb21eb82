"""What `backend-audit init` writes for the monitoring role and the Redis user is accepted, and only reads."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg
import pytest
import redis

from pytest_backend_audit import cli
from pytest_backend_audit.targets.pgguards import excess_rights
from pytest_backend_audit.targets.rediscommands import ADMINISTRATIVE_READS, granted_beyond_reading

ADMIN_PASSWORD = "super-secret-0001"
PASSWORD = 'it\'s a "password"'


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The files of init for a service with both systems."""
    images = "services: {db: {image: postgres}, cache: {image: redis}}\n"
    (tmp_path / "compose.yaml").write_text(images)
    assert cli.main(["init", str(tmp_path), "--yes"]) == 0
    return tmp_path / "audits"


@pytest.mark.needs("psql")
def test_the_monitoring_role_sees_everything_and_changes_nothing(postgres_server, written: Path) -> None:
    """The SQL runs, twice too; the role reads statistics of others, and our own guard finds no right beyond reading."""
    command = ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-v", f"password={PASSWORD}", "-f", "monitoring-role.sql"]
    admin = postgres_server.dsn(password=ADMIN_PASSWORD)
    for _ in range(2):
        done = subprocess.run([*command, admin], cwd=written, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    place = {"host": postgres_server.host, "port": postgres_server.port, "dbname": "postgres"}
    with psycopg.connect(**place, user="backend_audit", password=PASSWORD, autocommit=True) as role:
        assert excess_rights(role) == []
        settings = "SELECT current_setting('default_transaction_read_only'), current_setting('statement_timeout')"
        assert role.execute(settings).fetchone() == ("on", "1min")
        # Nothing that a check looks at is hidden by a value of the role's own.
        looked_at = ["log_min_duration_statement", "log_min_messages", "idle_in_transaction_session_timeout"]
        own = "SELECT name FROM pg_settings WHERE name = ANY(%s) AND source IN ('user', 'database user')"
        assert role.execute(own, (looked_at,)).fetchall() == []
        others = "SELECT count(*) FROM pg_stat_activity WHERE query = '<insufficient privilege>'"
        assert role.execute(others).fetchone() == (0,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            role.execute("CREATE TABLE mine (id int)")


def test_the_redis_user_reads_and_no_more(valkey_server, written: Path) -> None:
    """The ACL line is accepted; each administrative read is let through, and what changes anything is not."""
    line = (written / "redis.acl").read_text().splitlines()[-1]
    words = re.sub("PASSWORD", "p4ss-of-the-audit", line).split()
    assert words[:2] == ["user", "backend-audit"]
    with redis.Redis.from_url(valkey_server.url()) as admin:
        assert admin.execute_command("ACL", "SETUSER", *words[1:]) == b"OK"
        rules = admin.acl_getuser("backend-audit")["commands"]
        assert granted_beyond_reading(rules if isinstance(rules, str) else " ".join(rules)) == []
        refused = [
            name
            for name in sorted(ADMINISTRATIVE_READS)
            if admin.execute_command("ACL", "DRYRUN", "backend-audit", *_complete(name)) != b"OK"
        ]
        # Refused without harm: clients go on without it, and Redis 7.0 would refuse the whole line for its sake.
        assert refused == ["CLIENT SETINFO"]
        for command in ("SET k v", "KEYS *", "FLUSHALL", "CONFIG SET maxmemory 1", "BLPOP k 0", "SORT k", "EVAL x 0"):
            assert admin.execute_command("ACL", "DRYRUN", "backend-audit", *command.split()) != b"OK", command
        for command in ("GET k", "SCAN 0", "TTL k", "OBJECT IDLETIME k", "DBSIZE"):
            assert admin.execute_command("ACL", "DRYRUN", "backend-audit", *command.split()) == b"OK", command


def _complete(name: str) -> list[str]:
    """The command with as many arguments as it asks for."""
    more = {
        "AUTH": "x", "SELECT": "0", "CLIENT SETNAME": "x", "CLIENT SETINFO": "lib-name x", "CONFIG GET": "maxmemory",
        "LATENCY HISTORY": "x", "LATENCY GRAPH": "x", "ACL GETUSER": "x", "MEMORY USAGE": "k",
    }  # fmt: skip
    return [*name.split(), *more.get(name, "").split()]

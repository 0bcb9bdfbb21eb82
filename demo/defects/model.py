"""What an entry of the catalogue holds: a defect, how it comes about, and who has to see it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Where(StrEnum):
    """Which part of the stack a defect is in."""

    SERVICE = "service"
    DATABASE = "database"
    CONNECTIONS = "database connections"
    POOLER = "pooler"
    CACHE = "cache"
    BALANCER = "load balancer"
    RULES = "alerting rules"
    FLEET = "number of instances"
    RECORDS = "records of the team"
    SOURCE = "source tree"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Entry):
    """A server's setting while the defect is on."""

    to: str
    """What it is set to."""
    shown: str
    """What the server then says it is."""
    sound: str
    """What it says without the defect."""
    restart: bool = False
    """Whether the server has to start anew for it (PostgreSQL only)."""


class Witness(_Entry):
    """One check that has to see the defect."""

    level: int = Field(ge=1, le=5)
    """The row's, within the defect's criterion."""
    defect: str = ""
    """The defect, in the words of the standard's row; empty for one that the row doesn't list."""
    check: str
    """The check that has to turn red, below ``pytest_backend_audit.suites``."""
    says: tuple[str, ...] = Field(min_length=1)
    """What its message must hold."""
    also: tuple[str, ...] = ()
    """Other checks that the defect must turn red too, since it is in their way as well."""
    maybe: tuple[str, ...] = ()
    """Other checks that it may turn red."""
    thresholds: Mapping[str, int | float] = Field(default_factory=dict)
    """Settings of the audit, where the reference stack is too young for the standard's."""


class Remedy(_Entry):
    """What the failing check tells to do, done: the check is green afterwards, the defect still being on."""

    sql: tuple[str, ...] = ()
    """Statements that stand in the message word for word; each is run by itself, as superuser."""
    redis: tuple[str, ...] = ()
    """Command lines that do."""
    rules: tuple[str, ...] = ()
    """Rules of Prometheus that do, as YAML in one line."""
    undo: tuple[str, ...] = ()
    """Statements that bring the defect back, so that switching it off finds what it expects."""


class Defect(_Entry):
    """One thing that is wrong."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    dimension: str
    """From the name of the file."""
    criterion: str
    """The criterion whose checks have to find it."""
    wrong: str
    """What is wrong, in one sentence."""
    where: Where
    excludes: tuple[str, ...] = ()
    """Defects that it takes the place of."""
    sql: tuple[str, ...] = ()
    """Statements that bring it about (superuser, each by itself)."""
    fails: str = ""
    """SQLSTATE with which they must fail, where the failure's remains are the defect."""
    undo: tuple[str, ...] = ()
    """Statements that put things right."""
    settings: Mapping[str, Change] = Field(default_factory=dict)
    """PostgreSQL's, by name."""
    cache: Mapping[str, Change] = Field(default_factory=dict)
    """The cache's, by name."""
    latency: Mapping[str, float] = Field(default_factory=dict)
    """Dependency behind the fault proxy -> seconds by which its answers are later."""
    redis: tuple[str, ...] = ()
    """Command lines that bring it about in the cache (as a user who may do everything)."""
    redis_undo: tuple[str, ...] = ()
    """Command lines that put things right."""
    pooler: Mapping[str, str | int] = Field(default_factory=dict)
    """Options of `PgBouncer.restart`."""
    direct: bool = False
    """Whether the service connects past the pooler."""
    rules: Mapping[str, str] = Field(default_factory=dict)
    """Alert of Prometheus -> the expression that it has instead; empty where there is no such alert any more."""
    hold: int = 0
    """Connections of a forgotten batch job."""
    locks: str = ""
    """Statement that one session runs in a transaction which it doesn't end, and that a second one waits to run."""
    busy: bool = False
    """Whether it only shows under more traffic."""
    needs: tuple[str, ...] = ()
    """Programs that the machine must have, such as ``pgbouncer``."""
    unattested: str = ""
    """Criterion that audit.yaml has no record of a review for."""
    tree: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    """File of the service's repository -> text in it -> what stands there instead; without texts it is missing."""
    companion: str = ""
    """Service of ``demo/companions`` that has it, where the reference service can't: that one's own test throws it."""
    note: str = ""
    witnesses: tuple[Witness, ...] = ()
    remedy: Remedy | None = None

    @property
    def in_code_alone(self) -> bool:
        """Whether all that is wrong is what the instances are told to run: nothing else has to change for it."""
        elsewhere = (self.sql, self.settings, self.cache, self.latency, self.redis, self.pooler, self.rules, self.locks)
        return self.where is Where.SERVICE and not any((*elsewhere, self.direct, self.hold, self.busy, self.needs))

    def row(self, witness: Witness) -> str:
        """The standard's name of the row: ``4.1/query-logging/L2``."""
        return f"{self.dimension}/{self.criterion}/L{witness.level}"

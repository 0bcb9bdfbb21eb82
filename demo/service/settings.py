"""Everything the service is told from outside, read once from the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

CONNECTIONS = 200
"""Connections that an instance has at most; who comes to it with one more is told 503 at once."""


class SettingsError(ValueError):
    """A variable is missing or makes no sense; the message names it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is calling."""

    name: str
    tenant: str
    role: str
    """``user`` or ``admin``."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one instance."""

    port: int
    instance: str
    """Name of this instance, unique in the fleet."""
    revision: str
    """Commit that the instance was built from."""
    database_url: str
    application_name: str
    """What the instance calls itself to the database; empty leaves it anonymous."""
    pool_min: int
    pool_max: int
    pool_max_lifetime: int
    """Seconds that a connection lives at most."""
    pool_max_idle: int
    """Seconds that a connection may lie idle, while there are more than `pool_min`."""
    prepare: bool
    """Whether statements are prepared: the database does it, a pooler before it may not know how."""
    redis_url: str
    pricing_url: str
    identities: Mapping[str, Identity]
    """SHA-256 of a bearer token, in hex -> whose it is. The service never holds a token itself."""
    defects: frozenset[str]
    """Names of the switches that are on; empty in a sound service."""
    host: str = "127.0.0.1"

    def has(self, defect: str) -> bool:
        """Whether this seeded defect is switched on."""
        return defect in self.defects

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the ``ORDERS_*`` variables.

        Raises:
            SettingsError: One is missing or can't be understood.
        """
        return cls(
            port=_number(environ, "ORDERS_PORT", 8000),
            instance=_text(environ, "ORDERS_INSTANCE"),
            revision=environ.get("ORDERS_REVISION", ""),
            database_url=_text(environ, "ORDERS_DATABASE_URL"),
            application_name=environ.get("ORDERS_APPLICATION_NAME", ""),
            pool_min=_number(environ, "ORDERS_POOL_MIN", 2),
            pool_max=_number(environ, "ORDERS_POOL_MAX", 8),
            pool_max_lifetime=_number(environ, "ORDERS_POOL_MAX_LIFETIME", 600),
            pool_max_idle=_number(environ, "ORDERS_POOL_MAX_IDLE", 120),
            prepare=environ.get("ORDERS_PREPARE", "") == "1",
            redis_url=_text(environ, "ORDERS_REDIS_URL"),
            pricing_url=_text(environ, "ORDERS_PRICING_URL"),
            identities=_identities(_text(environ, "ORDERS_IDENTITIES")),
            defects=frozenset(name for name in environ.get("ORDERS_DEFECTS", "").split(",") if name),
        )


def _text(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name, "")
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise SettingsError(f"{name} is {value!r}, and should be a whole number") from None


def _identities(text: str) -> Mapping[str, Identity]:
    try:
        entries = json.loads(text)
        return {entry["token_sha256"]: Identity(entry["name"], entry["tenant"], entry["role"]) for entry in entries}
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"ORDERS_IDENTITIES should be a JSON list of name, tenant, role, token_sha256: {error!r}"
        ) from None

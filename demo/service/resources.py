"""What one instance holds for as long as it runs, and how routes get at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from .cache import Cache
from .errors import ApiError
from .metrics import Metrics
from .pricing import Pricing
from .settings import Identity, Settings
from .store import Pool, make_pool
from .warming import WarmUp

# Who calls was found out before the framework saw the request; this says so in the OpenAPI document.
_bearer = HTTPBearer(auto_error=False, description="A token of the identity that calls.")


@dataclass(slots=True)
class Resources:
    """Pools and clients of one instance."""

    settings: Settings
    metrics: Metrics
    pool: Pool
    cache: Cache
    pricing: Pricing
    warm_up: WarmUp

    @classmethod
    def make(cls, settings: Settings) -> Resources:
        """Build everything; nothing connects yet. Needs a running event loop."""
        metrics = Metrics(settings)
        pool = make_pool(settings)
        metrics.watch_pool(pool.get_stats)
        cache, pricing = Cache(settings, metrics), Pricing(settings)
        return cls(settings, metrics, pool, cache, pricing, WarmUp(settings, pool, cache, pricing))

    async def open(self) -> None:
        """Start connecting; an absent database makes the instance unready, not dead."""
        await self.pool.open(wait=False)
        self.warm_up.start()

    async def close(self) -> None:
        """Give everything back."""
        await self.warm_up.stop()
        await self.pricing.close()
        await self.cache.close()
        await self.pool.close(timeout=2.0)


def resources(request: Request) -> Resources:
    """The resources of the instance that answers."""
    held: Resources = request.app.state.resources
    return held


def caller(request: Request, _: Annotated[object, Security(_bearer)]) -> Identity:
    """The identity that calls."""
    identity: Identity | None = request.scope.get("state", {}).get("identity")
    if identity is None:
        raise ApiError(401, "unauthenticated", "A bearer token is needed.")
    return identity


def administrator(identity: Annotated[Identity, Depends(caller)]) -> Identity:
    """The identity that calls, which has to be an administrator."""
    if identity.role != "admin":
        raise ApiError(403, "forbidden", "This is for administrators.")
    return identity


Held = Annotated[Resources, Depends(resources)]
Caller = Annotated[Identity, Depends(caller)]
Administrator = Depends(administrator)

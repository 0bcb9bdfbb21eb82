"""Statements that name the request which made them, so that the database's view of things leads back to the logs."""

from __future__ import annotations

from typing import Any, Self

from psycopg import AsyncCursor
from psycopg.rows import DictRow

from .logs import REQUEST, REQUEST_ID


class TracedCursor(AsyncCursor[DictRow]):
    """Adds ``/*request_id='...'*/`` to each statement, in the form that such comments usually have.

    The middleware lets no other id pass than one of letters, digits, dots, dashes and underscores.
    """

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Run the statement of the request at hand."""
        if isinstance(query, str) and query and (comment := self.comment()):
            query = f"{query} /*{comment}*/"
        return await super().execute(query, params, **options)

    def comment(self) -> str:
        """What is said of the request at hand; nothing outside of one."""
        return f"request_id='{request_id}'" if (request_id := REQUEST_ID.get()) else ""


class RoutedCursor(TracedCursor):
    """Adds the route: what differed from request to request would have to be prepared for each anew."""

    def comment(self) -> str:
        """The route of the request at hand, with its parameters' names."""
        route = getattr(REQUEST.get().get("route"), "path", "")
        return f"route='{route}'" if route else ""

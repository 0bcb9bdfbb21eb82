"""Statements that name the request which made them, so that the database's view of things leads back to the logs."""

from __future__ import annotations

from typing import Any, Self

from psycopg import AsyncCursor
from psycopg.rows import DictRow

from .logs import REQUEST_ID


class TracedCursor(AsyncCursor[DictRow]):
    """Adds ``/*request_id='...'*/`` to each statement, in the form that such comments usually have.

    The middleware lets no other id pass than one of letters, digits, dots, dashes and underscores.
    """

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Run the statement of the request at hand."""
        if isinstance(query, str) and query and (request_id := REQUEST_ID.get()):
            query = f"{query} /*request_id='{request_id}'*/"
        return await super().execute(query, params, **options)

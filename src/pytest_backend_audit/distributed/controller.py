"""The controller's side of an audit under xdist."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.collect import Collected
from pytest_backend_audit.distributed.handover import read
from pytest_backend_audit.distributed.scheduler import Phased

if TYPE_CHECKING:
    from pytest_backend_audit.plan import Phase
    from pytest_backend_audit.session import Session


class Controller:
    """Tells workers what the audit is, learns the plan from the first of them, and brings our scheduler."""

    def __init__(self, folder: Path, told: dict[str, Any], session: Session) -> None:
        self._folder = folder
        self._told = told
        self._session = session
        self._collected: Collected | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand a worker what it can't find out by itself."""
        node.workerinput["backend_audit"] = self._told

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """Begin the record with the plan of the first worker that has collected."""
        if self._collected is None:
            self._collected = read(self._folder, node.gateway.id)
            if self._collected is not None:
                self._session.begin(self._collected)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config) -> Phased:
        """Phase by phase; what disturbs the audited system last and alone."""
        return Phased(config, self._phases)

    def _phases(self) -> Mapping[str, Phase]:
        return self._collected.plan.phases if self._collected is not None else {}

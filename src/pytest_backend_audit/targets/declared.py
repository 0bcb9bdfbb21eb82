"""What audit.yaml says of the systems, for checks that compare it with what they see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_backend_audit.config.examples import cure
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.common import origin_of, settings_of

if TYPE_CHECKING:
    from pytest_backend_audit.runtime import Runtime

REQUIRED: Any = object()


class Declared:
    """Reads keys of audit.yaml by their dotted names: ``audit_declared("targets.http.metrics")``."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __call__(self, key: str, default: Any = REQUIRED) -> Any:
        """The value of a key of the chosen environment: of targets, pools, load, and what is no secret of identities.

        Args:
            key: ``targets.NAME.KEY...``; ``pools``, which gives them by name; ``load``; ``suites``, the
                bundled ones that are asked for; ``identities``, which gives names only; or ``tenants``, which gives
                the tenant of each identity that has one.
            default: What to give where nothing is declared.

        Raises:
            CouldNotRun: Nothing is declared, and there is no default; or a variable of the target is not set.
        """
        value = self._read(key.split("."))
        if value is not None and value not in ((), "", {}):
            return value
        if default is not REQUIRED:
            return default
        origin = self.origin(key)
        if not origin:
            raise CouldNotRun(f"{key} is not configured (there is no audit.yaml; `backend-audit init` writes one)")
        raise CouldNotRun(f"{key} is not configured ({origin}){cure(key)}")

    def configured(self, target: str) -> bool:
        """Whether audit.yaml names a target, for checks that look at it only where there is one.

        Raises:
            CouldNotRun: It does, and a variable of the target is not set.
        """
        config = self._runtime.config
        if config is None or (config.target(target) is None and target not in config.unset):
            return False
        settings_of(self._runtime, target)
        return True

    def origin(self, key: str) -> str:
        """``audit.yaml:LINE`` of a key, or of the nearest key around it.

        ``audit.yaml`` if there is none of either, and nothing without an audit.yaml.
        """
        return origin_of(self._runtime, *key.split("."))

    def _read(self, path: list[str]) -> Any:
        config = self._runtime.config
        if path == ["identities"]:
            return tuple(config.identities) if config is not None else ()
        if path == ["tenants"]:
            known = config.identities if config is not None else {}
            return {name: identity.tenant for name, identity in known.items() if identity.tenant is not None}
        if path == ["pools"]:
            return config.pools if config is not None else {}
        if path in (["load"], ["suites"]):
            return getattr(config, path[0]) if config is not None else None
        if path[0] != "targets" or len(path) < 3:
            raise LookupError(
                "audit_declared reads targets.NAME.KEY, pools, load, suites, identities and tenants, "
                f"not {'.'.join(path)}"
            )
        value = settings_of(self._runtime, path[1])
        for name in path[2:]:
            value = value.get(name) if isinstance(value, dict) else getattr(value, name)
            if value is None:
                return None
        return value

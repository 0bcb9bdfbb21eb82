"""The service's operations: those of its OpenAPI document, and those that audit.yaml declares."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, overload
from urllib.parse import quote, urlencode, urlsplit

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.common import connections, one_line, origin_of, settings_of

if TYPE_CHECKING:
    from pytest_backend_audit.config.model import Endpoint as Declared
    from pytest_backend_audit.runtime import Runtime
    from pytest_backend_audit.standard.model import SloClass

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")


@dataclass(frozen=True, slots=True)
class Objectives:
    """What is promised of an operation; None where nothing is. Milliseconds, and a share of requests."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    availability: float | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation."""

    method: str
    path: str
    """Path template: ``/v1/orders/{id}``."""
    operation_id: str = ""
    secured: bool | None = None
    """Whether the OpenAPI document asks for credentials; None where it says nothing of it."""
    public: bool = False
    """Whether audit.yaml means it to answer without credentials (targets.http.public)."""
    needs_body: bool = False
    required: tuple[str, ...] = ()
    """Query parameters that the document requires."""
    class_: str | None = None
    budget: int | None = None
    """Most statements that one request may cause."""
    objectives: Objectives = Objectives()
    identity: str | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    bodies: Sequence[Any] = ()
    """Bodies of a write that are sent in turn, so that each changes something."""
    shows_at: str = ""
    """Path template of the read that shows what this write changes; empty for its own."""
    shared: bool = False
    """Whether all tenants rightly get the same answer."""
    cold: Mapping[str, range] = field(default_factory=dict)
    """Values of parameters that exist, and of which the cache rarely has one."""
    hot: Mapping[str, range] = field(default_factory=dict)
    """Values of parameters that are asked for most."""
    idempotency: Any = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    """The operation as the document has it."""
    origin: str = ""
    """``audit.yaml:LINE``, or the document."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, **parameters: Any) -> str:
        """The path with its parameters filled in, and the declared query.

        Args:
            parameters: Values beside, or instead of, the declared ones. What is left over gets ``1``, which is no
                secret and mostly well-formed.
        """
        values = {**self.parameters, **parameters}
        path = re.sub(r"\{([^}]*)\}", lambda m: quote(str(values.get(m[1].split(":")[0], 1)), safe=""), self.path)
        return f"{path}?{urlencode(self.query)}" if self.query else path


class Endpoints(Sequence[Endpoint]):
    """All operations, in the order of the document, declared ones after it.

    Attributes:
        source: Where they come from, for evidence: ``/openapi.json (12 operations), audit.yaml (3)``.
    """

    def __init__(self, found: Sequence[Endpoint], source: str) -> None:
        self._found = tuple(found)
        self.source = source

    @overload
    def __getitem__(self, index: int) -> Endpoint: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Endpoint]: ...

    def __getitem__(self, index: int | slice) -> Endpoint | Sequence[Endpoint]:
        return self._found[index]

    def __len__(self) -> int:
        return len(self._found)

    def declared(self) -> list[Endpoint]:
        """Those with a class in audit.yaml."""
        return [e for e in self._found if e.class_ is not None]

    def find(self, method: str, path: str) -> Endpoint | None:
        """The operation with this method and path template, or whose template the path fits."""
        exact = next((e for e in self._found if e.method == method and e.path == path), None)
        return exact or next((e for e in self._found if e.method == method and fits(e.path, path)), None)

    def with_idempotency(self) -> list[Endpoint]:
        """Those that audit.yaml says must have one effect when replayed."""
        return [e for e in self._found if e.idempotency is not None]


def endpoints(runtime: Runtime) -> Endpoints:
    """The service's operations, found once a process.

    Raises:
        CouldNotRun: There is neither an OpenAPI document nor a declaration, or the document can't be read.
    """
    return connections(runtime).get("endpoints", lambda: _discover(runtime), lambda _: True)


def operations(document: Mapping[str, Any], origin: str) -> list[Endpoint]:
    """The operations of an OpenAPI document (3.x, or Swagger 2.0).

    Args:
        document: The document.
        origin: Where it comes from.
    """
    prefix = _prefix(document)
    everywhere = document.get("security")
    found = []
    for path, item in document["paths"].items():
        if not isinstance(item, dict):
            continue
        shared = [p for p in item.get("parameters", []) if isinstance(p, dict)]
        for name, operation in item.items():
            if name.upper() not in METHODS or not isinstance(operation, dict):
                continue
            parameters = shared + [p for p in operation.get("parameters", []) if isinstance(p, dict)]
            security = operation.get("security", everywhere)
            request = operation.get("requestBody")
            found.append(
                Endpoint(
                    method=name.upper(),
                    path=prefix + str(path),
                    operation_id=str(operation.get("operationId", "")),
                    # An empty requirement among them makes credentials optional.
                    secured=None if security is None else bool(security) and {} not in security,
                    needs_body=isinstance(request, dict) and bool(request.get("required")),
                    required=tuple(
                        str(p.get("name")) for p in parameters if p.get("in") == "query" and p.get("required")
                    ),
                    schema=operation,
                    origin=origin,
                )
            )
    return found


def parse_document(text: str, origin: str) -> Mapping[str, Any]:
    """An OpenAPI document from JSON or YAML.

    Raises:
        CouldNotRun: The text is none, whatever status it came with.
    """
    content: Any = None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = _yaml(text)
    told = content if isinstance(content, dict) else {}
    if not (told.get("openapi") or told.get("swagger")) or not isinstance(told.get("paths"), dict):
        raise CouldNotRun(f"{origin} is no OpenAPI document: it begins with {one_line(text[:60], 60)!r}")
    return told


def fits(template: str, path: str) -> bool:
    """Whether a path is an instance of a path template."""
    parts, given = template.strip("/").split("/"), path.strip("/").split("/")
    return len(parts) == len(given) and all("{" in t or t == p for t, p in zip(parts, given, strict=True))


def _discover(runtime: Runtime) -> Endpoints:
    settings = settings_of(runtime, "http")
    config = runtime.config
    assert config is not None
    documented = _documented(runtime, settings) if settings.openapi else []
    if not documented and not config.endpoints:
        raise CouldNotRun(
            "no operation of the service is known: set targets.http.openapi, or declare endpoints "
            f"({origin_of(runtime, 'targets', 'http')})"
        )
    found = {(e.method, e.path): replace(e, public=_is_public(e.path, settings.public)) for e in documented}
    classes = {c.id: c for c in runtime.standard.slo_classes}
    for position, declared in enumerate(config.endpoints):
        key = (declared.method, declared.path)
        base = found.get(key) or Endpoint(*key, public=_is_public(declared.path, settings.public))
        found[key] = _merged(base, declared, classes, origin_of(runtime, "endpoints", position))
    sources = [f"{settings.openapi} ({len(documented)} operations)"] if documented else []
    sources += [f"{config.name} ({len(config.endpoints)})"] if config.endpoints else []
    return Endpoints(list(found.values()), ", ".join(sources))


def _documented(runtime: Runtime, settings: Any) -> list[Endpoint]:
    place = str(settings.openapi)
    with runtime.recorder.paused():
        if place.startswith("/") or urlsplit(place).scheme in {"http", "https"}:
            text = _fetch(runtime, settings, place)
        else:
            from pytest_backend_audit.targets.source import Source  # noqa: PLC0415 - git is asked only here

            try:
                text = Source(runtime).read(place)
            except FileNotFoundError as error:
                raise CouldNotRun(f"targets.http.openapi: {error} ({origin_of(runtime, 'targets', 'http')})") from None
    return operations(parse_document(text, f"targets.http.openapi: {place}"), place)


def _fetch(runtime: Runtime, settings: Any, place: str) -> str:
    import httpx  # noqa: PLC0415 - loaded with the first request

    from pytest_backend_audit.targets.http import open_http  # noqa: PLC0415

    with open_http(runtime, settings) as client:
        try:
            answer = client.get(place, follow_redirects=True)
        except httpx.HTTPError as error:
            told = one_line(error) or type(error).__name__
            raise CouldNotRun(
                f"targets.http.openapi: {place}: {told} ({origin_of(runtime, 'targets', 'http')})"
            ) from None
    if answer.status_code != httpx.codes.OK:
        raise CouldNotRun(
            f"targets.http.openapi: {place} answered {answer.status_code} ({origin_of(runtime, 'targets', 'http')})"
        )
    return answer.text


def _yaml(text: str) -> Any:
    import yaml  # noqa: PLC0415 - only for a document that is no JSON

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def _prefix(document: Mapping[str, Any]) -> str:
    if "swagger" in document:
        return str(document.get("basePath", "")).rstrip("/")
    servers = document.get("servers")
    first = servers[0].get("url", "") if isinstance(servers, list) and servers and isinstance(servers[0], dict) else ""
    # An absolute server URL is where clients find it; base_url of audit.yaml says that for the audit.
    return str(first).rstrip("/") if str(first).startswith("/") else ""


def _is_public(path: str, public: Sequence[str]) -> bool:
    return any(path == p or fits(p, path) for p in public)


def _merged(base: Endpoint, declared: Declared, classes: Mapping[str, SloClass], origin: str) -> Endpoint:
    known = classes.get(declared.class_ or "")
    told = declared.objectives
    availability = told.availability if told.availability is not None else _share(known.availability if known else "")
    return replace(
        base,
        class_=declared.class_,
        budget=declared.budget,
        objectives=Objectives(
            told.p50 if told.p50 is not None or known is None else known.p50,
            told.p95 if told.p95 is not None or known is None else known.p95,
            told.p99 if told.p99 is not None or known is None else known.p99,
            availability,
        ),
        identity=declared.identity,
        query=declared.query,
        parameters=declared.parameters,
        body=declared.body,
        bodies=declared.bodies,
        shows_at=declared.shows_at or "",
        shared=declared.shared,
        cold={name: range(of.first, of.last + 1, of.step) for name, of in declared.cold.items()},
        hot={name: range(of.first, of.last + 1, of.step) for name, of in declared.hot.items()},
        idempotency=declared.idempotency,
        origin=origin,
    )


def _share(text: str) -> float | None:
    found = re.search(r"\d+(?:\.\d+)?", text)
    return float(found[0]) / 100 if found else None

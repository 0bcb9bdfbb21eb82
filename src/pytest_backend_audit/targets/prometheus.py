"""Prometheus, or what speaks its API: instant queries, rules, numbers of series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.classify import answer_key
from pytest_backend_audit.targets.common import connections, one_line, origin_of, timeouts_of
from pytest_backend_audit.targets.http import Hosts, RecordingTransport, Shared, tls_context

if TYPE_CHECKING:
    from pytest_backend_audit.config.targets import Prometheus as Settings
    from pytest_backend_audit.runtime import Runtime


class Prometheus:
    """Reads the Prometheus that watches the service. Every answer becomes evidence."""

    def __init__(self, client: httpx.Client, shared: Shared, selector: dict[str, str], origin: str) -> None:
        self._client = client
        self._shared = shared
        self._origin = origin
        self.selector = selector
        """Labels that pick the service's series, from audit.yaml."""

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Samples of an instant query: ``[{"metric": {...}, "value": [time, "1"]}]``.

        Raises:
            CouldNotRun: The server can't be reached, or refuses the expression.
        """
        data = self._get("/api/v1/query", {"query": promql})
        result = data.get("result", [])
        if data.get("resultType") == "scalar":
            return [{"metric": {}, "value": result}]
        return result if isinstance(result, list) else []

    def rules(self) -> list[dict[str, Any]]:
        """Alerting and recording rules of all groups, each with its ``group``."""
        groups = self._get("/api/v1/rules", {}).get("groups", [])
        return [{**rule, "group": group.get("name", "")} for group in groups for rule in group.get("rules", [])]

    def series_counts(self) -> dict[str, int]:
        """Metric name -> number of series of the service in the newest scrape."""
        matchers = ",".join(f'{k}="{_escaped(v)}"' for k, v in self.selector.items()) or '__name__=~".+"'
        rows = self.query(f"count by (__name__) ({{{matchers}}})")
        return {row["metric"].get("__name__", ""): int(float(row["value"][1])) for row in rows}

    def build_info(self) -> dict[str, Any]:
        """What the server says of its build: ``version``, ``revision`` and more.

        Raises:
            CouldNotRun: It does not say, as some do that speak its API.
        """
        return self._get("/api/v1/status/buildinfo", {})

    def close(self) -> None:
        """Close the client and its connections."""
        self._client.close()
        self._shared.close()

    def _get(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        try:
            answer = self._client.get(path, params=params)
            content = answer.json()
        except httpx.HTTPError as error:
            raise CouldNotRun(
                f"targets.prometheus: {one_line(error) or type(error).__name__} ({self._origin})"
            ) from None
        except ValueError:
            raise CouldNotRun(
                f"targets.prometheus: {path} gave {answer.status_code} and no JSON: is the URL right? ({self._origin})"
            ) from None
        if not isinstance(content, dict) or content.get("status") != "success":
            told = content.get("error", "no result") if isinstance(content, dict) else "no result"
            raise CouldNotRun(
                f"targets.prometheus: {path} answered {answer.status_code}: {one_line(told)} ({self._origin})"
            )
        data = content.get("data")
        return data if isinstance(data, dict) else {}


def open_prometheus(runtime: Runtime, settings: Settings) -> Prometheus:
    """The kept reader of targets.prometheus."""
    return connections(runtime).get("prometheus", lambda: _open(runtime, settings), lambda _: True)


def _open(runtime: Runtime, settings: Settings) -> Prometheus:
    limits = timeouts_of(runtime)
    folder = runtime.config.path.parent if runtime.config is not None else runtime.repository
    origin = origin_of(runtime, "targets", "prometheus")
    shared = Shared(
        runtime=runtime,
        hosts=Hosts(frozenset({answer_key(httpx.URL(settings.url))}), frozenset()),
        inner=httpx.HTTPTransport(verify=tls_context(settings.ca_file, folder), trust_env=False),
        origin=origin,
        deadline=2 * limits.request,
        place="targets.prometheus",
    )
    headers = dict(settings.headers)
    if settings.token is not None:
        headers["Authorization"] = f"Bearer {settings.token}"
    client = httpx.Client(
        base_url=settings.url,
        transport=RecordingTransport(shared),
        trust_env=False,
        timeout=httpx.Timeout(limits.request, connect=limits.connect),
        headers={"User-Agent": "backend-audit", "Accept-Encoding": "identity", **headers},
        auth=(settings.username, settings.password) if settings.username and settings.password is not None else None,
    )
    return Prometheus(client, shared, dict(settings.selector), origin)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')

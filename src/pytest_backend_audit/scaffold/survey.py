"""What a repository tells of its service, by its files alone. Nothing is run and nothing is reached."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_DEPTH = 4
"""Folders below the top that are looked into."""
_ENTRIES = 5_000
"""Files that are looked at."""
_SIZE = 2 * 1024 * 1024
"""Bytes of the largest file that is read."""
_SKIPPED = frozenset({"node_modules", "vendor", "venv", "build", "dist", "target", "__pycache__"})
_OPENAPI = re.compile(r"(openapi|swagger).*\.(json|ya?ml)", re.IGNORECASE)
_COMPOSE = re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml", re.IGNORECASE)
_IMAGES = {
    "postgres": re.compile(r"(^|[/-])(postgres|postgresql|postgis|timescaledb|pgvector)\b"),
    "pgbouncer": re.compile(r"pgbouncer|pgcat|odyssey"),
    "redis": re.compile(r"(^|/)(redis|valkey|keydb|dragonfly)\b|redis-stack"),
    "prometheus": re.compile(r"(^|/)prometheus\b|victoria-metrics"),
}
_VARIABLES = {
    "postgres": re.compile(r"^(POSTGRES|PG(HOST|DATABASE|USER)|DATABASE_URL)|_?POSTGRES"),
    "redis": re.compile(r"REDIS|VALKEY"),
    "prometheus": re.compile(r"PROMETHEUS"),
    "pgbouncer": re.compile(r"PGBOUNCER"),
}
_HEALTH = ("/healthz", "/livez", "/health", "/live", "/health/live")
_READY = ("/readyz", "/ready", "/health/ready", "/readiness")


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found."""

    service: str
    openapi: str = ""
    """File of the OpenAPI document, or the path at which a framework serves it."""
    health: str = ""
    ready: str = ""
    systems: tuple[str, ...] = ()
    """Of postgres, pgbouncer, redis and prometheus, those that the service seems to use."""
    port: int = 8000
    """Port at which the service is published."""
    ci: tuple[str, ...] = ()
    """github, gitlab."""
    seen: tuple[str, ...] = ()
    """What each came from, one sentence each."""


def look(top: Path) -> Survey:
    """Look at a repository."""
    files = list(_files(top))
    names = {path.relative_to(top).as_posix(): path for path in files}
    seen: list[str] = []
    systems: set[str] = set()
    port = 0
    for name, path in names.items():
        if _COMPOSE.fullmatch(path.name):
            found, published = _compose(_yaml(path))
            systems |= found
            port = port or published
            seen.append(f"{name}: {', '.join(sorted(found)) or 'no system that an audit reads'}")
        elif path.name in {".env.example", ".env.sample", ".env.template", "env.example"}:
            found = _variables(_text(path))
            systems |= found
            seen.append(f"{name}: {', '.join(sorted(found)) or 'no system that an audit reads'}")
    openapi, health, ready = _openapi(names, seen)
    ci = [kind for kind, place in (("github", ".github"), ("gitlab", ".gitlab-ci.yml")) if (top / place).exists()]
    seen.extend(f"CI: {kind}" for kind in ci)
    return Survey(
        service=_service(names) or top.resolve().name or "service",
        openapi=openapi,
        health=health,
        ready=ready,
        systems=tuple(s for s in _IMAGES if s in systems),
        port=port or 8000,
        ci=tuple(ci),
        seen=tuple(seen),
    )


def _files(top: Path) -> Iterator[Path]:
    left = _ENTRIES
    for folder, folders, files in os.walk(top):
        here = Path(folder)
        depth = len(here.relative_to(top).parts)
        folders[:] = sorted(f for f in folders if depth < _DEPTH and f not in _SKIPPED and not f.startswith("."))
        for name in sorted(files):
            if left == 0:
                return
            left -= 1
            yield here / name


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace") if path.stat().st_size <= _SIZE else ""
    except OSError:
        return ""


def _yaml(path: Path) -> Any:
    # Other tools' files may use what ours may not: anchors, tags of their own. What can't be read tells nothing.
    try:
        return yaml.safe_load(_text(path))
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def _mapping(value: Any, key: str) -> dict[str, Any]:
    inside = value.get(key) if isinstance(value, dict) else None
    return inside if isinstance(inside, dict) else {}


def _compose(data: Any) -> tuple[set[str], int]:
    """Systems by their images, and the port of the first service that is built here."""
    systems: set[str] = set()
    port = 0
    for service in _mapping(data, "services").values():
        if not isinstance(service, dict):
            continue
        image = str(service.get("image", "")).lower().partition("@")[0]
        systems |= {name for name, form in _IMAGES.items() if form.search(image)}
        if "build" in service and not port:
            port = _published(service.get("ports"))
    return systems, port


def _published(ports: Any) -> int:
    for entry in ports if isinstance(ports, list) else ():
        text = str(entry.get("published", "")) if isinstance(entry, dict) else str(entry).rpartition(":")[0]
        digits = text.rpartition(":")[2]
        if digits.isdigit() and 0 < int(digits) < 65536:
            return int(digits)
    return 0


def _variables(text: str) -> set[str]:
    names = [line.partition("=")[0].removeprefix("export ").strip() for line in text.splitlines() if "=" in line]
    return {
        system for system, form in _VARIABLES.items() if any(form.search(n) for n in names if not n.startswith("#"))
    }


def _openapi(names: dict[str, Path], seen: list[str]) -> tuple[str, str, str]:
    for name, path in names.items():
        if not _OPENAPI.fullmatch(path.name):
            continue
        paths = _mapping(_yaml(path), "paths")
        if paths:
            seen.append(f"{name}: OpenAPI document with {len(paths)} paths")
            return name, next((p for p in _HEALTH if p in paths), ""), next((p for p in _READY if p in paths), "")
    for name, path in names.items():
        if path.name in {"pyproject.toml", "requirements.txt"} and re.search(
            r"\bfastapi\b", _text(path), re.IGNORECASE
        ):
            seen.append(f"{name}: FastAPI, which serves /openapi.json")
            return "/openapi.json", "", ""
    return "", "", ""


def _service(names: dict[str, Path]) -> str:
    """The name that a manifest at the top gives."""
    if "pyproject.toml" in names:
        try:
            data = tomllib.loads(_text(names["pyproject.toml"]))
        except tomllib.TOMLDecodeError:
            data = {}
        if name := _mapping(data, "project").get("name") or _mapping(data.get("tool"), "poetry").get("name"):
            return str(name)
    if "package.json" in names:
        try:
            package = json.loads(_text(names["package.json"]))
        except (ValueError, RecursionError):
            package = None
        if isinstance(package, dict) and isinstance(package.get("name"), str):
            return str(package["name"]).rpartition("/")[2]
    if "go.mod" in names and (found := re.search(r"^module\s+(\S+)", _text(names["go.mod"]), re.MULTILINE)):
        return found[1].rstrip("/").rpartition("/")[2]
    return ""

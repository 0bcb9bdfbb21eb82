"""The command's help, as it prints it, and what ``init`` writes."""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pytest_backend_audit import cli

from .text import fenced, page

COMPOSE = """services:
  db: {image: "postgres:17"}
  cache: {image: "redis:8"}
"""
LANGUAGES = {".yml": "yaml", ".yaml": "yaml", ".py": "python", ".ini": "ini", ".toml": "toml"}
SHOWN = (
    "audit.yaml",
    "audits/checks/test_example_audit.py",
    "audits/monitoring-role.sql",
    "audits/redis.acl",
    "pytest.ini",
    ".gitignore",
    ".gitattributes",
)


def every_command() -> Iterator[tuple[str, list[tuple[str, argparse.ArgumentParser]]]]:
    """Each command with its parser, and those of its actions: the name as it is typed, and the parser."""
    for name in cli.COMMANDS:
        parser = _children(cli.build_parser(name))[name]
        yield name, [(name, parser), *((f"{name} {action}", p) for action, p in _children(parser).items())]


def _children(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    action = next((a for a in parser._actions if isinstance(a, argparse._SubParsersAction)), None)
    return dict(action.choices) if action is not None else {}


def help_of(parser: argparse.ArgumentParser) -> str:
    """The help text in 80 columns, wherever the docs are built."""
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=80)  # type: ignore[assignment]
    return parser.format_help()


def commands() -> str:
    """All help texts."""
    parts = ["# The command `backend-audit`", fenced(help_of(cli.build_parser("schema")))]
    for name, parsers in every_command():
        parts.append(f"## {name}")
        parts += [fenced(help_of(parser)) for _, parser in parsers]
    return page(*parts)


def init() -> str:
    """What ``backend-audit init`` says and writes, from a run in a small repository."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder) / "orders"
        top.mkdir()
        (top / "compose.yaml").write_text(COMPOSE, "utf-8")
        said, written = _init(top, "github")
        there = {n: (top / n).read_text("utf-8") for n in (*SHOWN, ".github/workflows/backend-audit.yml")}
        (top / "again").mkdir()
        _init(top / "again", "gitlab")
        there[".gitlab/backend-audit.yml"] = (top / "again/.gitlab/backend-audit.yml").read_text("utf-8")
    assert written == 0, said
    parts = [page(f"## {name}", fenced(text, LANGUAGES.get(Path(name).suffix, "text"))) for name, text in there.items()]
    return page(
        "# What `backend-audit init` writes",
        "In a repository named `orders` with this `compose.yaml`:",
        fenced(COMPOSE, "yaml"),
        "`backend-audit init --yes --ci github` says:",
        fenced(said),
        "and these are the files; beside them the JSON Schema that audit.yaml names, for editors.",
        *parts,
    )


def _init(top: Path, ci: str) -> tuple[str, int]:
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = cli.main(["init", "--yes", "--ci", ci, str(top)])
    return out.getvalue(), status

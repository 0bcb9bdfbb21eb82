"""The hand-written pages: their links lead somewhere, and what they say of the code is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_backend_audit import cli, options, standard

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = {"options", "fixtures", "hooks", "commands", "audit-yaml", "standard", "criteria"}

OTHERS = {"audit_paths", "audit_timeout", "audit_config", "audit_suites", "audit_monitor"}
"""Ini values, a folder, and a role: names of ours that are no fixtures."""


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that exists, or a page that is made at build time."""
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" in target:
            continue
        path = (page.parent / target).resolve()
        assert path.exists() or (path.parent.name == "reference" and path.stem in GENERATED), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_options_and_scripts_exist(page: Path) -> None:
    """What a page tells the reader to type is there to be typed."""
    text = page.read_text("utf-8")
    for name in re.findall(r"`?backend-audit ([a-z]+)\b", text):
        assert name in cli.COMMANDS, name
    source = (ROOT / "src/pytest_backend_audit/options.py").read_text("utf-8")
    for name in re.findall(r"(?<![\w/])--audit-[a-z-]+[a-z]", text):
        assert f'"{name}"' in source, name
    for name in re.findall(r"\bscripts/([a-z]+)\b", text):
        assert (ROOT / "scripts" / name).is_file(), name
    for name in re.findall(r"\baudit_[a-z_]+\b", text):
        assert name in options.FIXTURES or name in OTHERS, name


def test_the_readme_counts_the_rows() -> None:
    """How much of the standard has a check is said as it is."""
    loaded = standard.load("default")
    bundled = len(loaded.rows) - len(loaded.pending)
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert f"The standard's {len(loaded.rows)} rows are all in the data; {bundled} of them have a bundled check" in text


def test_examples_in_pages_are_python() -> None:
    """Every block that calls itself Python compiles."""
    for page in PAGES:
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)):
            compile(block, f"{page.name}[{number}]", "exec")

"""The reference is made from the code, and leaves nothing out."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from pytest_backend_audit import cli, options, standard
from pytest_backend_audit.config.model import AuditFile

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The extension that makes the pages."""
    spec = importlib.util.spec_from_file_location("generated_reference", ROOT / "docs/_ext/generated_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_option_and_ini_value_is_there(reference: ModuleType) -> None:
    """With its help text."""
    page = reference.page_options()
    for name, keywords in reference.declared().options:
        assert f"| `{name}" in page
        assert keywords["help"].replace("|", "\\|") in page
    for name, text, _ in reference.declared().ini:
        assert f"| `{name}` | {text}" in page


def test_every_fixture_is_there_with_a_text(reference: ModuleType) -> None:
    """None without a docstring."""
    page = reference.page_fixtures()
    for name in options.FIXTURES:
        assert f"## {name}\n\n" in page
    assert all(len(doc) > 20 for _, doc in reference.fixtures())


def test_every_hook_is_there_with_an_example_that_compiles(reference: ModuleType) -> None:
    """Nine hooks, each with its signature and an implementation."""
    hooks = dict(reference.hooks())
    page = reference.page_hooks()
    assert len(hooks) == 9
    for name in hooks:
        part = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        signature, example = part.split("```python\n")[1:]
        assert signature.startswith(f"def {name}(")
        compile(example.partition("```")[0], name, "exec")


def test_every_command_is_there(reference: ModuleType) -> None:
    """With its help, in 80 columns."""
    page = reference.page_commands()
    for name in cli.COMMANDS:
        assert f"## {name}\n\n```text\nusage: backend-audit {name}" in page
    assert max(map(len, page.splitlines())) <= 80


def test_every_key_of_audit_yaml_is_there(reference: ModuleType) -> None:
    """And each says what it means."""
    page = reference.page_config()
    for field in AuditFile.model_fields:
        assert f"| `{field}` |" in page
    assert [key for key, _, _, text in list(reference.keys()) if not text] == []


def test_every_row_of_the_standard_is_there(reference: ModuleType) -> None:
    """Those without a check are marked."""
    page = reference.page_standard()
    loaded = standard.load("default")
    assert page.count("| to come |") == len(loaded.pending)
    assert page.count("[bundled](") == len(loaded.rows) - len(loaded.pending)


def test_every_bundled_criterion_has_its_part(reference: ModuleType) -> None:
    """With all that a finding shows."""
    page = reference.page_criteria()
    assert "not stated" not in page
    assert page.count("**Seen to turn red by:**") == len(list(reference.criteria()))

"""What is public, and what importing it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import pytest_backend_audit

PACKAGE = Path(pytest_backend_audit.__file__).parent
HEAVY = ["httpx", "jinja2", "junit_xml", "psycopg", "pydantic", "redis", "yaml"]
SHELL = ["pytest_backend_audit", "pytest_backend_audit.hookspecs", "pytest_backend_audit.options"]
SHELL += ["pytest_backend_audit.plugin"]


def loaded_after(statement: str, *, also: list[str] = HEAVY) -> list[str]:
    """Modules and packages of ours, and of `also`, that a fresh interpreter holds after a statement."""
    program = (
        f"import sys\n{statement}\n"
        "ours = {'.'.join(m.split('.')[:2]) for m in sys.modules if m.split('.')[0] == 'pytest_backend_audit'}\n"
        f"print(*sorted(ours | sys.modules.keys() & {also!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return done.stdout.split()


def test_all_is_sorted_and_importable() -> None:
    """Each public name exists and belongs to this package."""
    assert list(pytest_backend_audit.__all__) == sorted(pytest_backend_audit.__all__)
    for name in pytest_backend_audit.__all__:
        assert getattr(pytest_backend_audit, name).__module__.startswith("pytest_backend_audit."), name
        assert name in dir(pytest_backend_audit)


def test_a_star_import_brings_the_public_names_only() -> None:
    """No more and no less than ``__all__``."""
    names: dict[str, object] = {}
    exec("from pytest_backend_audit import *", names)
    assert sorted(set(names) - {"__builtins__"}) == list(pytest_backend_audit.__all__)


def test_type_checkers_see_the_same_names() -> None:
    """What is loaded on first use is what the annotations promise."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    (guarded,) = (n for n in tree.body if isinstance(n, ast.If))
    homes = {a.name: n.module for n in guarded.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert sorted(homes) == list(pytest_backend_audit.__all__)
    for name, home in homes.items():
        assert getattr(import_module(str(home)), name) is getattr(pytest_backend_audit, name), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As with any module."""
    with pytest.raises(AttributeError, match=r"^module 'pytest_backend_audit' has no attribute 'adit'$"):
        pytest_backend_audit.adit  # noqa: B018


def test_importing_the_package_loads_nothing_else() -> None:
    """Not even pytest."""
    assert loaded_after("import pytest_backend_audit", also=[*HEAVY, "pytest"]) == ["pytest_backend_audit"]


def test_importing_the_plugin_loads_the_options_only() -> None:
    """Pytest loads the plugin in every run of every project that has it installed."""
    assert loaded_after("import pytest_backend_audit.plugin") == [
        "pytest_backend_audit",
        "pytest_backend_audit.options",
        "pytest_backend_audit.plugin",
    ]


def test_marking_checks_loads_no_driver() -> None:
    """A suite is imported by ordinary test runs too."""
    loaded = loaded_after("from pytest_backend_audit import audit, CouldNotRun, EvidenceKind")
    assert loaded == [
        "pytest_backend_audit",
        "pytest_backend_audit.errors",
        "pytest_backend_audit.marker",
        "pytest_backend_audit.model",
    ]


def test_an_audit_begins_without_models_of_a_file_that_is_not_there() -> None:
    """Where there is no audit.yaml, what reads and checks one is not loaded before the first check."""
    statement = "import pytest_backend_audit.startup, pytest_backend_audit.targets.declared"
    assert set(loaded_after(statement)) & set(HEAVY) == {"yaml"}


def test_names_of_the_configuration_are_loaded_on_first_use() -> None:
    """Each from where it is at home; another one is none, as with any module."""
    config = import_module("pytest_backend_audit.config")
    assert [getattr(config, name).__name__ for name in config.__all__] == config.__all__
    with pytest.raises(AttributeError, match=r"^module 'pytest_backend_audit\.config' has no attribute 'lod'$"):
        config.lod  # noqa: B018


@pytest.mark.parametrize("part", ["journal", "findings", "reports.writing", "reports.scorecard_html", "scoring"])
def test_what_follows_from_a_journal_knows_nothing_of_pytest(part: str) -> None:
    """Cards are computed where no pytest is."""
    assert "pytest" not in loaded_after(f"import pytest_backend_audit.{part}", also=["pytest", "_pytest"])


def test_an_ordinary_run_loads_the_shell_only(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an audit, no module of ours but the shell is imported, and none of what the others need."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("def test_plain(): pass")
    pytester.makeconftest(
        f"""
        import sys
        def pytest_unconfigure():
            mine = sorted(m for m in sys.modules if m.split(".")[0] == "pytest_backend_audit" or m in {HEAVY!r})
            print("loaded:", *mine)
        """
    )
    result = pytester.runpytest_subprocess("-p", "pytest_backend_audit.plugin")
    assert result.ret == 0
    (line,) = (line for line in result.outlines if line.startswith("loaded:"))
    assert line.split()[1:] == SHELL


def imports_of(path: Path) -> set[str]:
    """Full names of all modules and names that a file imports from this package."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{'.' * node.level}{node.module or ''}.{a.name}" for a in node.names)
    return {name for name in found if name.startswith((".", "pytest_backend_audit"))}


def test_bundled_checks_use_public_names_and_analysis_only() -> None:
    """A team's own checks can do whatever ours can; what several files of suites share is written the same way."""
    public = {f"pytest_backend_audit.{name}" for name in pytest_backend_audit.__all__}
    ours = ("pytest_backend_audit.analysis.", "pytest_backend_audit.suites.")
    for path in sorted((PACKAGE / "suites").rglob("*.py")):
        private = {n for n in imports_of(path) - public if not n.startswith(ours)}
        assert private == set(), path

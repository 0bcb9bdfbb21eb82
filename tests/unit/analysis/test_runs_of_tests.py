"""Which tests commands of CI run."""

from __future__ import annotations

import ast

import pytest

from pytest_backend_audit.analysis.ci_files import Command
from pytest_backend_audit.analysis.python_tests import PythonTest, collected
from pytest_backend_audit.analysis.runs_of_tests import runs

SOURCE = """
@pytest.mark.slow
def test_it(): ...

@tag("budget")
class OrdersTests(TestCase):
    def test_list(self): ...
"""
THERE = {
    "tests/budgets/test_orders.py", "tests/conftest.py", "shop/tests.py", "manage.py", "orders/app.py",
    "backend/manage.py", "backend/shop/tests/test_views.py",
}  # fmt: skip


def of(path: str) -> list[PythonTest]:
    """A function of pytest's, and a method of a TestCase."""
    return list(collected(path, ast.parse(SOURCE)))


def left_out(command: str, path: str = "tests/budgets/test_orders.py", folder: str = "", **files: str) -> list[str]:
    """Why each of the two tests is left out by this command; empty where it isn't."""
    given = {name.replace("_", "."): text for name, text in files.items()}
    made = runs(
        [Command(".github/workflows/ci.yml", 9, "test", command, folder)], THERE | set(given), given.__getitem__
    )
    return [run.leaves_out(test) for run in made for test in of(path)]


@pytest.mark.parametrize(
    "command",
    [
        "pytest",
        "python -m pytest -q -n 4 --cov orders tests",
        "poetry run pytest tests/budgets",
        "uv run --frozen coverage run -m pytest -p no:cacheprovider",
        "docker compose run --rm web pytest tests/budgets/test_orders.py",
        "pytest -k 'orders and not postponed' -m 'slow or budget or not slow'",
        "pytest $ARGUMENTS",
    ],
)
def test_all_of_them(command: str) -> None:
    """Whoever starts pytest, and whatever it is told besides."""
    assert left_out(command) == ["", ""]


@pytest.mark.parametrize(
    "command",
    [
        "pip install pytest pytest-django", "uv add --dev pytest", "pytest --version", "pytest --collect-only -q",
        "ruff check tests", "which pytest", "python manage.py migrate",
    ],
)  # fmt: skip
def test_no_run_of_tests(command: str) -> None:
    """Pytest is only installed, asked for its version, or audits."""
    assert left_out(command) == []


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("pytest orders", "looks elsewhere"),
        ("pytest shop/tests.py::test_it", "looks elsewhere"),
        ("pytest --ignore=tests/budgets", "leaves it out"),
        ("pytest --ignore tests/budgets tests", "leaves it out"),
        ("pytest --audit-sha=HEAD", "is an audit"),
        ("pytest --deselect=tests/budgets/test_orders.py::test_it", "leaves it out"),
        ("pytest -m 'not slow'", "-m 'not slow'"),
        ("pytest -k 'not orders'", "-k 'not orders'"),
        ("python manage.py test", "Django's runner finds tests in a TestCase only"),
        ("python -m unittest discover", "unittest finds tests in a TestCase only"),
    ],
)
def test_what_leaves_the_function_out(command: str, why: str) -> None:
    """By place, name, mark or kind."""
    assert left_out(command)[0] == why


@pytest.mark.parametrize(
    ("command", "path", "why"),
    [
        ("python manage.py test", "shop/tests.py", ""),
        ("python manage.py test shop", "shop/tests.py", ""),
        ("python manage.py test shop.tests.OrdersTests --parallel 4", "shop/tests.py", ""),
        ("python manage.py test backend", "shop/tests.py", "looks elsewhere"),
        ("python manage.py test --tag=budget", "shop/tests.py", ""),
        ("python manage.py test --exclude-tag budget", "shop/tests.py", "its tags"),
        ("python backend/manage.py test --settings=backend.settings", "backend/shop/tests/test_views.py", ""),
        ("python backend/manage.py test", "shop/tests.py", "looks elsewhere"),
        ("pytest", "shop/tests.py", "looks for files named test_*.py or *_test.py"),
        ("pytest shop/tests.py", "shop/tests.py", ""),
    ],
)
def test_the_method_of_a_test_case(command: str, path: str, why: str) -> None:
    """Django's runner finds it, in files that begin with test; pytest in those that it looks for."""
    assert left_out(command, path)[1] == why


def test_the_folder_of_the_command() -> None:
    """A step's folder is where it looks from."""
    assert left_out("pytest", folder="backend")[0] == "looks elsewhere"
    assert left_out("python manage.py test shop.tests", "backend/shop/tests/test_views.py", "backend")[1] == ""


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"pytest_ini": "[pytest]\ntestpaths = orders\n"}, "looks elsewhere"),
        ({"pytest_ini": "[pytest]\naddopts = -m 'not slow'\n"}, "-m 'not slow'"),
        ({"pyproject_toml": "[tool.pytest.ini_options]\naddopts = ['-m', 'not slow']\n"}, "-m 'not slow'"),
        ({"pyproject_toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\n"}, ""),
        ({"setup_cfg": "[tool:pytest]\npython_files = check_*.py\n"}, "looks for files named check_*.py"),
        ({"pytest_ini": "[pytest]\ntestpaths = tests\npython_files = test*.py\n"}, ""),
    ],
)
def test_what_the_settings_say(files: dict[str, str], why: str) -> None:
    """Of pytest, in whichever of its files."""
    assert left_out("pytest", **files)[0] == why


def test_tox_and_nox() -> None:
    """What their files have them run."""
    tox = "[tox]\nenvlist = py3\n[testenv]\ndeps = pytest\ncommands =\n    pytest -m 'not slow' {posargs}\n"
    assert left_out("tox -e py3", tox_ini=tox)[0] == "-m 'not slow'"
    assert left_out("tox", tox_toml='commands = [["pytest", "-m", "not slow"]]\n')[0] == "-m 'not slow'"
    assert left_out("tox -e py3", tox_ini="[testenv]\ndeps = pytest\ncommands = pytest {posargs}\n") == ["", ""]
    nox = "@nox.session\ndef tests(session):\n    session.install('pytest')\n    session.run('pytest', 'tests')\n"
    assert left_out("nox -s tests", noxfile_py=nox) == ["", ""]
    assert left_out("pip install tox") == []


def test_programs_that_run_tests() -> None:
    """A library's runtests.py is what it starts; other programs run none."""
    django = "argv = ['manage.py', 'test'] + rest\nexecute_from_command_line(argv)\n"
    assert left_out("coverage run --source shop runtests.py", "shop/tests.py", runtests_py=django)[1] == ""
    assert left_out("python runtests.py", runtests_py="sys.exit(pytest.main(['-q']))\n") == ["", ""]
    assert left_out("python load.py", load_py="execute_from_command_line(['manage.py', 'loaddata'])\n") == []

"""What a shell runs of a script, and which of its failures end it."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis.shell import simple_commands


def ignored(script: str) -> str:
    """Why the failure of the script's pytest is ignored."""
    [found] = [loose for _, command, loose in simple_commands(script, 1) if command.startswith("pytest")]
    return found


@pytest.mark.parametrize(
    "script",
    [
        'pytest || { echo "tests failed"; exit 1; }',
        "pytest || {\n  echo failed\n\n  # tell\n  exit 3\n}\necho done",
        "pytest || { echo failed; false; }",
        "pytest || { code=$?; cat log; }\nexit $code",
        "pytest || exit 1",
        "pytest || exit",
        "pytest || code=$?",
        "pytest || echo failed && exit 1",
        "set +e\npytest",
        "set +e\nmake x\nset -eu\npytest\nls",
        "set +e\npytest\ncode=$?\nset -e\nexit $code",
        "set +e\nif ! pytest; then exit 1; fi",
        "(set +e; ls; ls)\npytest\nls",
        "set -euxo pipefail\npytest\nls",
        "uvicorn app &\npytest",
        "pytest & pid=$!\nls\nwait $pid",
        "if ! pytest; then exit 1; fi",
        "! pytest && exit 1",
        "pytest 2>&1 | tee log",
    ],
)
def test_failures_that_end_a_script(script: str) -> None:
    """At once, or after something was said or put away of them."""
    assert ignored(script) == ""


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("pytest || true", "|| true"),
        ("pytest ||\n  true", "|| true"),
        ("pytest || printf 'failed'", "|| printf 'failed'"),
        ("pytest || exit 0", "|| exit 0"),
        ("pytest || echo failed", "|| echo failed"),
        ("pytest || { echo failed; }\nexit 1", "|| { echo failed"),
        ("pytest || { echo failed; exit 0; }", "|| { echo failed"),
        ("set +e\npytest\nls", "set +e"),
        ("set +e\npytest\nset -e", "set +e"),
        ("set +o errexit; pytest; ls", "set +e"),
        ("set -e\n(set +e; pytest; ls)", "set +e"),
        ("pytest &\nls", "& after it"),
        ("pytest & ls; wait", "& after it"),
        ("! pytest", "! before it"),
    ],
)
def test_failures_that_a_script_goes_on_after(script: str, why: str) -> None:
    """With what makes it do so."""
    assert ignored(script) == why


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ('bash -c "pytest -q"', [(1, "pytest -q", "")]),
        ("ls\nsh -c 'cd shop && sqlc diff'", [(1, "ls", ""), (2, "cd shop", ""), (2, "sqlc diff", "")]),
        ("docker compose exec -T app bash -lc 'pytest || true'", [(1, "pytest", "|| true")]),
        ("/bin/bash -o pipefail -ec 'pytest | tee log' || true", [(1, "pytest", "|| true"), (1, "tee log", "|| true")]),
        (r'sh -c "bash -c \"pytest \$X\""', [(1, "pytest $X", "")]),
        ("pytest -k \"sh -c 'x'\"", [(1, "pytest -k \"sh -c 'x'\"", "")]),
    ],
)
def test_what_a_shell_is_given_is_a_script(script: str, told: list[tuple[int, str, str]]) -> None:
    """It stands in the place of the shell's command, and is ignored with it."""
    assert list(simple_commands(script, 1)) == told

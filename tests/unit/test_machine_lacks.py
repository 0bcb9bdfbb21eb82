"""The suite's own honesty: what a machine lacks is listed, and is a failure where strictness is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent.parent / "conftest.py"
SUITE = """
import pytest

@pytest.mark.needs("git", "no-such-program")
def test_lacking():
    raise AssertionError("must not run")

@pytest.mark.needs("git")
def test_provided():
    pass
"""
LISTED = ("no-such-program (Debian: apt install no-such-program); tests not run: 1", "    test_suite.py")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with this suite's conftest."""
    pytester.makeconftest(CONFTEST.read_text("utf-8"))
    pytester.makeini("[pytest]\nmarkers = needs(*programs): x\naddopts = --strict-markers -p no:cacheprovider\n")
    return pytester


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
@pytest.mark.parametrize(("strict", "status"), [((), 0), (("--strict-machine",), 1)], ids=["lenient", "strict"])
def test_a_lack_is_listed(
    suite: pytest.Pytester, workers: tuple[str, ...], strict: tuple[str, ...], status: int
) -> None:
    """Not run, not green in silence; the same with workers; exit 1 where it must not be."""
    suite.makepyfile(test_suite=SUITE)
    result = suite.runpytest_subprocess(*workers, *strict)
    assert result.ret == status
    result.stdout.fnmatch_lines(["*this machine lacks*", *LISTED])
    assert ("in a strict run a lack is a failure" in result.outlines) is bool(strict)
    assert result.parseoutcomes()["passed"] == 1
    assert "failed" not in result.parseoutcomes()


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
def test_a_skip_fails_any_run(suite: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """A test that skips itself is no better than one that was never written; an expected failure is fine."""
    suite.makepyfile(
        test_suite="""
        import pytest

        @pytest.mark.skip
        def test_skipped(): pass

        @pytest.mark.xfail
        def test_expected(): assert 0
        """
    )
    result = suite.runpytest_subprocess(*workers)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*skipped, which no test here may be*", "test_suite.py::test_skipped"])
    assert "test_expected" not in result.stdout.str()


def test_a_machine_that_has_everything_is_not_accused(suite: pytest.Pytester) -> None:
    """No list, and exit 0, strict or not."""
    suite.makepyfile(test_suite="import pytest\n@pytest.mark.needs('git')\ndef test_provided(): pass")
    result = suite.runpytest_subprocess("--strict-machine")
    assert result.ret == 0
    assert "lacks" not in result.stdout.str()


def test_the_shells_variables_do_not_reach_tests(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a developer or a CI service exports changes no test."""
    foreign = {"CI": "true", "PGHOST": "db", "AUDIT_POSTGRES_DSN": "x", "https_proxy": "x", "GIT_DIR": "/x"}
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    suite.makepyfile(test_suite=f"import os\ndef test_clean(): assert not set(os.environ) & set({list(foreign)!r})")
    assert suite.runpytest_subprocess().ret == 0

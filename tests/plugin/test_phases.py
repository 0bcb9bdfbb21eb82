"""In which order checks run: what watches counters before all that reads, what nobody knows after what is known."""

from __future__ import annotations

from plugin.conftest import CONFIG, Project

WATCHING = [
    "query_performance/sequential_scans.py::test_large_tables_are_read_by_index",
    "query_performance/cache_hit_ratio.py::test_nearly_all_blocks_come_from_the_cache",
    "query_performance/prepared_statements.py::test_hot_paths_are_prepared",
    "connections/pooler.py::test_the_service_comes_through_a_pooler",
    "caching/hit_rate.py::test_the_cache_was_built_to_be_hit",
    "caching/hit_rate.py::test_the_cache_is_tuned",
    "caching/slow_commands.py::test_no_hot_command_is_slow",
    "caching/memory_health.py::test_memory_stays_inside_its_bounds",
]
OWN = """
@audit(dimension="4.1", level=2, needs=("faults",))
def test_disturbs(): pass
@audit(dimension="4.1", level=2)
def test_watches(audit_window): pass
@audit(dimension="4.1", level=2)
def test_reads(): pass
"""


def test_bundled_checks_that_watch_counters_come_first(project: Project) -> None:
    """Each by its name: none of them reads what another one of them counts."""
    project.config(CONFIG.replace("suites: none", "suites: all"))
    project.suite(OWN)
    told = project.run("--audit", "--collect-only", "-q").outlines
    tests = [line.removeprefix("pytest_backend_audit/suites/") for line in told if "::" in line]
    assert tests[: len(WATCHING)] == WATCHING
    own = [test.rpartition("::")[2] for test in tests if test.startswith("test_checks.py::")]
    assert own == ["test_reads", "test_watches", "test_disturbs"]
    first_disturbing = tests.index("test_checks.py::test_watches") + 1
    assert tests.index("test_checks.py::test_reads") == first_disturbing - 2
    assert "query_performance/plan_review.py::test_plans_have_no_hazard" in tests[len(WATCHING) : first_disturbing - 2]


def test_workers_keep_to_the_same_phases(project: Project) -> None:
    """A check of the project's own that watches runs beside no other, whatever it is that it reads."""
    project.suite(
        "from pathlib import Path\n"
        "LOG = Path(__file__).with_name('log')\n"
        "def note(what):\n    with LOG.open('a') as f: f.write(what + '\\n')\n"
        + "".join(f"@audit(dimension='4.1', level=2)\ndef test_r_{n}(): note('+r'); note('-r')\n" for n in range(5))
        + "".join(
            f"@audit(dimension='4.1', level=2)\ndef test_w_{n}(audit_window): note('+w'); note('-w')\n"
            for n in range(3)
        )
        + "@audit(dimension='4.1', level=2, needs=('faults',))\ndef test_d(): note('+d'); note('-d')\n"
    )
    project.run("--audit", "--audit-allow=faults", "-n3").assert_outcomes(passed=9)
    log = (project.path / "log").read_text("utf-8").split()
    assert sorted(log[:10]) == ["+r"] * 5 + ["-r"] * 5
    assert log[10:] == ["+w", "-w"] * 3 + ["+d", "-d"]


def test_a_window_opened_ahead_is_dropped_when_a_check_of_ones_own_begins(project: Project) -> None:
    """What such a check sends, asking for `audit_window` or not, is in no other's window."""
    project.suite(
        "import itertools\nrows = itertools.count(1)\n"
        "def read(): return {'rows': next(rows)}\n"
        "@audit(dimension='4.1', level=2)\n"
        "def test_opens(audit_window):\n"
        "    audit_window.ahead('watched', read, traffic=['rows'])\n"
        "@audit(dimension='4.1', level=2)\n"
        "def test_watches(audit_window):\n"
        "    with audit_window(read, traffic=['rows'], opened='watched') as window: pass\n"
        "    assert (window.before, window.after) == ({'rows': 2}, {'rows': 3})\n"
    )
    project.run("--audit").assert_outcomes(passed=2)


def test_a_grouping_that_is_not_followed_is_told(project: Project) -> None:
    """Phases say which worker gets a check; who asked xdist for groups would believe in shared fixtures."""
    project.suite("@audit(dimension='4.1', level=2)\ndef test_it(): pass\n")
    told = [line for line in project.run("--audit", "-n1", "--dist=loadscope").outlines if "--dist" in line]
    assert told == ["audit: --dist=loadscope has no effect: an audit gives its checks to workers"]
    assert not [line for line in project.run("--audit", "-n1").outlines if "--dist" in line]

"""What .ci/run asks: has every suite run, does the wheel hold and collect everything, does another Python redact alike?

python scripts/_ci_checks.py ran JUNIT_XML
python scripts/_ci_checks.py wheel WHEEL COLLECTED
python scripts/_ci_checks.py redaction FOLDER
"""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "pytest_backend_audit"
HOMES = {f"src/{PACKAGE}/": f"{PACKAGE}/", "audit_suites/": f"{PACKAGE}/suites/", "demo/": f"{PACKAGE}/demo/"}
"""Folder of the clone -> folder in the wheel."""
LEFT_OUT = "demo/companions/"
"""Folder of the clone that the wheel does not have."""
SYSTEM_PYTHON = Path("/usr/bin/python3")
OLDEST = (3, 11)


def suites_that_did_not_run(junit_xml: Path) -> list[str]:
    """Folders under tests/ that have test files, but no test that was executed."""
    ran: Counter[str] = Counter()
    for case in ElementTree.parse(junit_xml).iter("testcase"):
        if case.find("skipped") is None:
            ran[case.get("classname", "").split(".")[1]] += 1
    for name, number in sorted(ran.items()):
        print(f"tests/{name}: {number} executed")
    there = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    return [f"tests/{name}: nothing was executed" for name in sorted(there - set(ran))]


def missing_from_wheel(wheel: Path) -> list[str]:
    """Tracked files of the package, the suites and the demo that the wheel lacks, and what it has but shouldn't."""
    done = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", *HOMES],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    packed = set(zipfile.ZipFile(wheel).namelist())
    expected = {}
    for name in done.stdout.splitlines():
        if not (ROOT / name).is_symlink() and not name.startswith(LEFT_OUT):
            home = next(h for h in HOMES if name.startswith(h))
            expected[HOMES[home] + name.removeprefix(home)] = name
    print(f"{wheel.name}: {len(packed)} files, {len(expected)} expected from the clone")
    missing = [f"{name}: not in the wheel" for packed_as, name in sorted(expected.items()) if packed_as not in packed]
    return missing + [f"{name}: in the wheel" for name in sorted(packed) if f"/{LEFT_OUT}" in name]


def checks_in_source() -> Counter[str]:
    """Bundled file, as the wheel names it -> number of its test functions."""
    found: Counter[str] = Counter()
    for path in sorted((ROOT / "audit_suites").rglob("*.py")):
        if path.name.startswith("_") or path.name == "conftest.py":
            continue
        functions = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.FunctionDef)]
        name = f"{PACKAGE}/suites/{path.relative_to(ROOT / 'audit_suites').as_posix()}"
        found[name] = sum(f.name.startswith("test_") for f in functions)
    return found


def not_collected(collected: Path) -> list[str]:
    """Bundled files of which pytest collected another number of functions than they have."""
    functions = {
        line.partition("[")[0] for line in collected.read_text("utf-8").splitlines() if f"{PACKAGE}/suites/" in line
    }
    found = Counter(name[name.index(f"{PACKAGE}/suites/") :].partition("::")[0] for name in functions if "::" in name)
    expected = checks_in_source()
    print(f"bundled checks: {sum(found.values())} collected, {sum(expected.values())} in the clone")
    problems = [] if expected else ["audit_suites: there is no bundled check"]
    return problems + [
        f"{name}: {found[name]} checks collected, {expected[name]} in the clone"
        for name in sorted(expected | found)
        if found[name] != expected[name]
    ]


def _version_of(python: Path) -> tuple[int, ...]:
    """Its version, such as (3, 11, 2); nothing where there is no such program."""
    if not python.exists():
        return ()
    asked = [python, "-c", "import sys; print(*sys.version_info[:3])"]
    return tuple(map(int, subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()))


def not_redacted_on_the_systems_python(folder: Path) -> list[str]:
    """Whether redaction fails on the machine's own Python, where that is another one than ours.

    Its patterns lean on `re`, which changes between patch releases: before 3.11.5 it mis-matched what later ones match.

    Args:
        folder: Where to make an environment for it.
    """
    version = _version_of(SYSTEM_PYTHON)
    shown = ".".join(map(str, version)) or "none"
    if version < OLDEST or version == sys.version_info[:3]:
        print(f"{SYSTEM_PYTHON} is {shown}: nothing to compare with")
        return []
    python = folder / "bin" / "python"
    for command in (
        [SYSTEM_PYTHON, "-m", "venv", folder],
        [python, "-m", "pip", "-q", "--disable-pip-version-check", "install", ROOT, "hypothesis"],
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/redaction"],
    ):
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            return [f"on Python {shown}: {' '.join(map(str, command))} failed"]
    return []


def main(arguments: list[str]) -> int:
    """Print what is wrong; 1 if anything is."""
    if arguments[0] == "ran":
        problems = suites_that_did_not_run(Path(arguments[1]))
    elif arguments[0] == "redaction":
        problems = not_redacted_on_the_systems_python(Path(arguments[1]))
    else:
        problems = missing_from_wheel(Path(arguments[1])) + not_collected(Path(arguments[2]))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Audits by this package among the commands of CI: whether one runs the bundled checks of a dimension."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Collection, Iterator

_RUNS_NOTHING = {"--collect-only", "--co", "--setup-only", "--setup-plan", "--help", "-h", "--version"}
_WITH_VALUE = {
    "--audit-sha", "--audit-suite", "--audit-dimension", "--audit-config", "--audit-env", "--audit-allow",
    "--audit-report", "--audit-prior", "--audit-policy", "--audit-gate", "-c", "-k", "-m", "-n", "-o", "-p", "-r", "-W",
    "--dist", "--junitxml", "--maxfail", "--numprocesses", "--rootdir", "--tb",
}  # fmt: skip


def is_audit(text: str) -> bool:
    """Whether a command is an audit by this package."""
    return any(option in {"--audit", "--audit-sha"} for option, _ in _options(text))


def lacks(text: str, dimension: str, suites: str | Collection[str]) -> str:
    """Why an audit runs no bundled check of a dimension; empty where it does.

    Args:
        text: The command.
        dimension: Such as 4.1.
        suites: What audit.yaml asks for: all, none, or dimensions.
    """
    given = list(_options(text))
    options = dict(given)
    if nothing := next((option for option, _ in given if option in _RUNS_NOTHING), ""):
        return f"{nothing} runs no check"
    only = [value for option, value in given if option == "--audit-dimension"]
    if only and not _has(",".join(only).split(","), dimension):
        return f"--audit-dimension={','.join(only)} leaves {dimension} out"
    formal, named = "--audit-sha" in options, options.get("--audit-suite")
    # A formal audit always has what audit.yaml asks for; of a rehearsal the option says it all.
    if named is not None and (not formal or _has(named.split(","), dimension)):
        return "" if _has(named.split(","), dimension) else f"--audit-suite={named} leaves {dimension} out"
    if not formal and options.get(""):
        return f"{options['']} is all that this rehearsal looks at; --audit-suite adds bundled checks"
    asked = [suites] if isinstance(suites, str) else suites
    told = suites if isinstance(suites, str) else f"[{', '.join(suites)}]"
    return "" if _has(asked, dimension) else f"suites: {told} in audit.yaml leaves {dimension} out"


def _has(names: Collection[str], dimension: str) -> bool:
    return bool({"all", dimension} & {name.strip() for name in names})


def _options(text: str) -> Iterator[tuple[str, str]]:
    """What pytest is told: options with their values, and paths under an empty name; nothing of other programs."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    names = [posixpath.basename(word) for word in words]
    left = words[names.index("pytest") + 1 :] if "pytest" in names else []
    while left:
        option, equals, value = left.pop(0).partition("=")
        if "<" in option or ">" in option:  # the shell's
            return
        if not option.startswith("-"):
            yield "", option + equals + value
        elif option in _WITH_VALUE and not equals and left:
            yield option, left.pop(0)
        else:
            yield option, value

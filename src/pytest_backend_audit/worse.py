"""What makes an audit worse than the prior one. Pure; the run's verdict, the gate and the comparison share it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_backend_audit.model import Severity

HIGH = frozenset({Severity.CRITICAL, Severity.HIGH})
"""Severities whose new findings make an audit worse than the prior one."""


def fallen(before: Mapping[str, int], now: Mapping[str, int]) -> tuple[str, ...]:
    """Dimensions that stand lower, one sentence each; one that is not looked at now has not fallen."""
    return tuple(
        f"{id_} fell from L{level} to L{now[id_]}" for id_, level in before.items() if now.get(id_, level) < level
    )


def without_cases(checks: Iterable[tuple[str, str, Sequence[str]]]) -> tuple[str, ...]:
    """Checks that lost a case before it passed, one sentence each.

    Args:
        checks: Dimension, criterion, and the cases, of each.
    """
    return tuple(
        f"{dimension} {criterion}: {', '.join(cases[:3])}{f' and {len(cases) - 3} more' if len(cases) > 3 else ''} had "
        f"not passed, and {'is' if len(cases) == 1 else 'are'} no longer part of the check"
        for dimension, criterion, cases in checks
        if cases
    )


def new_high(findings: Iterable[tuple[Severity, str, str]], known: Iterable[str]) -> tuple[str, ...]:
    """Findings of high severity or above that are new, one sentence each.

    Args:
        findings: Severity, check and title of each; those that no check is behind left out.
        known: Checks that had not passed before.
    """
    before = frozenset(known)
    return tuple(
        f"new {severity.value} finding {title}"
        for severity, check, title in findings
        if severity in HIGH and check not in before
    )


def in_places(whole: Iterable[str], told: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What is told of all environments together, and of each: each sentence once, with those of which it is true.

    Args:
        whole: Sentences about all of them together, of which one that is true of some says so.
        told: Environment -> sentences about it.
    """
    places: dict[str, list[str]] = {line: [] for line in whole}
    for place, lines in told.items():
        for line in lines:
            places.setdefault(line, []).append(place)
    return tuple(f"in {every(', '.join(there))}, {line}" if there else line for line, there in places.items())


def every(environments: str) -> str:
    """One environment, or those of a merge."""
    return environments.replace(", ", " and ") or "not stated"

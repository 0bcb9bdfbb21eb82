"""Redaction of pytest's own report objects, which other plugins and the terminal print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_backend_audit.redaction.visible import visible

Redact = Callable[[str], str]

_DEPTH_LIMIT = 30


def redact_report(report: Any, redact: Redact) -> None:
    """Replace secrets in a TestReport or CollectReport, in place, and make control characters visible.

    Everything that pytest or a plugin shows of it is covered: the failure (traceback, source lines, locals, message),
    captured output and logs, properties, and the reason of an xfail.

    Args:
        report: The report; further attributes are left alone.
        redact: A function from text to text.
    """
    redact = _harmless(redact)
    longrepr = getattr(report, "longrepr", None)
    if longrepr is not None:
        report.longrepr = redact_longrepr(longrepr, redact)
    if getattr(report, "sections", None):
        report.sections = [(redact(name), redact(content)) for name, content in report.sections]
    if getattr(report, "user_properties", None):
        report.user_properties = [_walk(each, redact, {}, 0) for each in report.user_properties]
    if isinstance(getattr(report, "wasxfail", None), str):
        report.wasxfail = redact(report.wasxfail)
    context = getattr(report, "context", None)
    if context is not None:
        # A subtest's message and values; the object is frozen.
        for name in ("msg", "kwargs"):
            if hasattr(context, name):
                object.__setattr__(context, name, _walk(getattr(context, name), redact, {}, 0))


def redact_longrepr(longrepr: Any, redact: Redact) -> Any:
    """The failure without its secrets: the same object where its parts could be mended, else its text.

    A secret may span lines that the object keeps apart (a private key in a source listing). Then the parts mended one
    by one say something else than the whole, and the redacted text stands in for the object.
    """
    redact = _harmless(redact)
    whole = redact(str(longrepr))
    cleaned = _walk(longrepr, redact, {}, 0)
    return cleaned if isinstance(cleaned, (str, tuple)) or str(cleaned) == whole else whole


def _harmless(redact: Redact) -> Redact:
    return lambda text: visible(redact(text))


def _walk(value: Any, redact: Redact, seen: dict[int, Any], depth: int) -> Any:
    if isinstance(value, (str, bytes)):
        return redact(value if isinstance(value, str) else value.decode("utf-8", "backslashreplace"))
    if value is None or isinstance(value, (int, float)) or depth > _DEPTH_LIMIT or id(value) in seen:
        return value
    seen[id(value)] = value
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_walk(v, redact, seen, depth + 1) for v in value)
    if isinstance(value, dict):
        return {_walk(k, redact, seen, depth + 1): _walk(v, redact, seen, depth + 1) for k, v in value.items()}
    if _is_representation(value):
        for name, part in list(vars(value).items()):
            object.__setattr__(value, name, _walk(part, redact, seen, depth + 1))
    return value


def _is_representation(value: Any) -> bool:
    # pytest's TerminalRepr family and anything else that a plugin made to be printed.
    made_by_pytest = type(value).__module__.startswith("_pytest.")
    return hasattr(value, "__dict__") and (hasattr(value, "toterminal") or made_by_pytest)

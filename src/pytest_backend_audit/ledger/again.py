"""How an audit is asked for once more: the command, in the environment of one that was made. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from pytest_backend_audit.ledger.places import environments
from pytest_backend_audit.model import Inputs

COMMAND = "pytest --audit-sha=HEAD"
"""Of an audit of which nothing is known."""


def named_in(inputs: Inputs) -> tuple[str, ...]:
    """The environments of audit.yaml, where it has several."""
    blocks = inputs.config.get("environments")
    names = tuple(map(str, blocks)) if isinstance(blocks, Mapping) else ()
    return names if len(names) > 1 else ()


def command(inputs: Inputs) -> str:
    """The command of a formal audit where a run was; without ``--audit-env`` where audit.yaml leaves no choice.

    Args:
        inputs: The run's; of a merged one each of its environments is named, and takes a run of its own.
    """
    return command_in(environments(inputs.document.environment)) if named_in(inputs) else COMMAND


def command_in(places: Iterable[str]) -> str:
    """The command in one of several environments.

    Args:
        places: Their names: one, or those to choose from.
    """
    options = [f"--audit-env={shlex.quote(name)}" for name in places]
    return f"{COMMAND} {', or '.join(options)}" if options else COMMAND


def again(inputs: Inputs) -> str:
    """What to do about a run that is good for nothing."""
    return f"audit again: {command(inputs)}"


def again_renamed(inputs: Inputs) -> str:
    """The same, once the environment has another name; which one, only the user knows."""
    return f"audit again: {command_in(['NAME'] if named_in(inputs) else ())}"

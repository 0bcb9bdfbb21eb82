"""Changing what is wrong with a stack that was left running: lines such as ``mend eviction-policy``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from pytest_backend_audit.demo.stack.process import StackError

USAGE = "mend NAME... or mend all takes defects away, break NAME... brings them about"


class Changeable(Protocol):
    """What the lines change: the stack, or as much of it as they need."""

    defects: tuple[str, ...]

    def set_defects(self, names: Iterable[str]) -> None:
        """Make these defects the ones that are on."""


def follow(lines: Iterable[str], stack: Changeable, say: Callable[[str], None]) -> None:
    """Obey each line until there are no more; one that can't be obeyed changes nothing.

    Args:
        lines: As they were typed.
        stack: The stack.
        say: Tells what is wrong with the stack now, or with the line.
    """
    for line in lines:
        verb, *names = line.replace(",", " ").split() or [""]
        if verb not in {"mend", "break"} or not names:
            if verb:
                say(USAGE)
            continue
        try:
            stack.set_defects(_wanted(verb, names, stack.defects))
        except (ValueError, StackError) as error:
            say(str(error))
        else:
            say(f"wrong with it now: {', '.join(stack.defects) or 'nothing'}")


def _wanted(verb: str, names: list[str], on: tuple[str, ...]) -> tuple[str, ...]:
    if verb == "break":
        return (*on, *names)
    if names == ["all"]:
        return ()
    if strange := [name for name in names if name not in on]:
        raise ValueError(f"{strange[0]} is not on; {', '.join(on) or 'nothing'} is")
    return tuple(name for name in on if name not in names)

"""The parser of all commands: what a user mistypes is told by the command it was typed for, with the nearest name."""

from __future__ import annotations

import argparse
import difflib
import re
from typing import Any, NoReturn

_CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.+)\)$")


class Parser(argparse.ArgumentParser):
    """Also of commands and their actions, which argparse makes of their parent's class."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but what is unknown ends here: the parent would show its own usage, which knows no option.

        Raises:
            SystemExit: An argument is unknown, or what argparse itself refuses.
        """
        known, rest = super().parse_known_args(args, namespace)
        if rest:
            option = next((r for r in rest if r.startswith("-")), "").partition("=")[0]
            near = difflib.get_close_matches(option, self._option_string_actions, 1) if option else []
            self.error(f"unrecognized arguments: {' '.join(rest)}" + _hint(near))
        return known, rest

    def error(self, message: str) -> NoReturn:
        """Usage and message to standard error, with the nearest of the choices where it is about one."""
        if found := _CHOICE.search(message):
            message += _hint(difflib.get_close_matches(found[1], re.findall(r"[\w.-]+", found[2]), 1))
        super().error(message)


def _hint(near: list[str]) -> str:
    return f"; did you mean {near[0]}?" if near else ""

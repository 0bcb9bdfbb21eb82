"""What runners of tasks run that CI calls: make, just, task, scripts of a package.json, pre-commit."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

import yaml

_RULE = re.compile(r"^@?([A-Za-z0-9][\w./ -]*?)(?:\s+[^:=]*?)?:(?![=:])\s*(.*)$")
_FILES = {
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "gmake": ("GNUmakefile", "makefile", "Makefile"),
    "just": ("justfile", "Justfile", ".justfile"),
    "task": ("Taskfile.yml", "taskfile.yml", "Taskfile.yaml", "taskfile.yaml"),
    "npm": ("package.json",),
    "yarn": ("package.json",),
    "pnpm": ("package.json",),
    "pre-commit": (".pre-commit-config.yaml", ".pre-commit-config.yml"),
    "prek": (".pre-commit-config.yaml", ".pre-commit-config.yml"),
}
MOST_NODES = 20_000
"""Keys and values of one file that are looked at, aliases followed."""
_ACTION = re.compile(r"uses: pre-commit/action\b")

Recipe = tuple[str, int, str, str]
"""Path, line, text, and why its failure is ignored."""


def recipes(command: str, folder: str, there: Collection[str], read: Callable[[str], str]) -> Iterator[Recipe]:
    """What the targets, tasks, scripts or hooks run that a command names.

    Args:
        command: A simple command, such as ``make check``.
        folder: In which it is run.
        there: All files of the tree.
        read: The text of one of them.
    """
    words = ["pre-commit", "run"] if _ACTION.match(command) else command.split()
    program, rest = words[0] if words else "", words[1:]
    if "-C" in rest[:-1]:
        at = rest.index("-C")
        folder, rest = posixpath.join(folder, rest[at + 1]), [*rest[:at], *rest[at + 2 :]]
    path = _first(folder, _FILES.get(program, ()), there)
    if not path:
        return
    names = [word for word in rest if not word.startswith("-") and "=" not in word]
    if program in {"make", "gmake", "just"}:
        for line, text in _rules(read(path), names):
            yield path, line, text.lstrip("@+-"), "make goes on after it" if text.startswith(("-", "@-")) else ""
    elif program == "task":
        yield from _tasks(path, read(path), names or ["default"])
    elif program in {"pre-commit", "prek"}:
        yield from _hooks(path, read(path)) if "install" not in names else ()
    elif script := _script(read(path), next((n for n in names if n not in {"run", "run-script"}), "")):
        yield path, *script, ""


def _script(text: str, name: str) -> tuple[int, str] | None:
    try:
        script = json.loads(text).get("scripts", {}).get(name)
    except (ValueError, AttributeError):
        return None
    place = max(text.find(json.dumps(name)), 0)
    return (text.count("\n", 0, place) + 1, script) if isinstance(script, str) else None


def _loaded(text: str) -> Any:
    try:
        bounded(text)
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def bounded(text: str) -> None:
    """Refuse YAML that grows when its aliases are followed.

    Raises:
        ValueError: It has more than `MOST_NODES` keys and values.
    """
    left, seen = [yaml.compose(text, yaml.SafeLoader)], 0
    while left:
        node, seen = left.pop(), seen + 1
        if seen > MOST_NODES:
            raise ValueError
        if isinstance(node, yaml.MappingNode):
            left += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            left += node.value


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _line(text: str, words: str) -> int:
    """Where these words first end a line, or else stand in one; 1, if they are written otherwise."""
    first, lines = words.strip().partition("\n")[0], text.splitlines()
    ends = [number for number, line in enumerate(lines, 1) if line.rstrip().endswith(first)]
    return next(iter(ends or [number for number, line in enumerate(lines, 1) if first in line]), 1)


def _tasks(path: str, text: str, names: list[str], seen: tuple[str, ...] = ()) -> Iterator[Recipe]:
    tasks = _of(_loaded(text), "tasks")
    for name in names:
        task = _of(tasks, name)
        if name in seen or task is None:
            continue
        commands = _each(_of(task, "cmds") or _of(task, "cmd") if isinstance(task, dict) else task)
        for command in [*({"task": needed} for needed in _each(_of(task, "deps"))), *commands]:
            inner = _of(command, "task")
            if inner is not None:
                called = _of(inner, "task") if isinstance(inner, dict) else inner
                if isinstance(called, str):
                    yield from _tasks(path, text, [called], (*seen, name))
                continue
            told = _of(command, "cmd") if isinstance(command, dict) else command
            if not isinstance(told, str):  # the text of a list would write out all that its aliases repeat
                continue
            loose = bool(_of(command, "ignore_error") or _of(task, "ignore_error"))
            yield path, _line(text, told), told, "ignore_error: true" if loose else ""


def _hooks(path: str, text: str) -> Iterator[Recipe]:
    for repository in _each(_of(_loaded(text), "repos")):
        for hook in _each(_of(repository, "hooks")):
            told = _of(hook, "entry") or _of(hook, "id")
            if isinstance(told, str) and _of(hook, "stages") != ["manual"]:
                yield path, _line(text, told), told, ""


def _first(folder: str, names: tuple[str, ...], there: Collection[str]) -> str:
    paths = (posixpath.normpath(posixpath.join(folder, name)) for name in names)
    return next((path for path in paths if path in there), "")


def _rules(text: str, targets: list[str]) -> Iterator[tuple[int, str]]:
    """Recipe lines of these targets (else of the first), those of what they depend on before them."""
    bodies: dict[str, list[tuple[int, str]]] = {}
    needs: dict[str, list[str]] = {}
    current: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] in {"\t", " "}:
            for name in current:
                bodies[name].append((number, line.strip()))
        elif (rule := _RULE.match(line)) and not line.startswith("#"):
            current = rule[1].split()
            for name in current:
                bodies.setdefault(name, [])
                needs.setdefault(name, []).extend(rule[2].partition("#")[0].split())
        elif line.strip():
            current = []
    seen: set[str] = set()

    def of(name: str) -> Iterator[tuple[int, str]]:
        if name in seen or name not in bodies:
            return
        seen.add(name)
        for need in needs[name]:
            yield from of(need)
        yield from (item for item in bodies[name] if item[1])

    for target in targets or list(bodies)[:1]:
        yield from of(target)

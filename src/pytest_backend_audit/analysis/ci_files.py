"""What CI runs: the commands of a tree's pipelines, each with its place and job, and if its failure stops a change.

Pipelines of GitHub, GitLab, CircleCI, Azure, Bitbucket, Buildkite, Drone, Woodpecker and Travis are YAML, and alike in
what counts here; a Jenkinsfile is read line by line. Scripts, targets of make, just and task, scripts of a
package.json, hooks of pre-commit, workflows and actions of the tree that a pipeline calls are read as well.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import yaml

from pytest_backend_audit.analysis.ci_tasks import recipes
from pytest_backend_audit.analysis.shell import called_files, is_shell, simple_commands

_PIPELINE = re.compile(
    r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|\.gitlab/(?:.+/)?[^/]+\.ya?ml|\.circleci/config\.ya?ml"
    r"|\.?azure-pipelines[^/]*\.ya?ml|\.azure/(?:.+/)?[^/]+\.ya?ml|bitbucket-pipelines\.yml|\.buildkite/[^/]+\.ya?ml"
    r"|\.drone\.ya?ml|\.woodpecker(?:/[^/]+)?\.ya?ml|\.travis\.yml|cloudbuild\.ya?ml|(?:.+/)?Jenkinsfile"
)
_SCRIPTS = {"run", "script", "before_script", "install", "commands", "command", "bash", "pwsh", "steps", "cmds", "args"}
_IGNORED = {"continue-on-error": "true", "continueOnError": "true", "allow_failure": "true", "soft_fail": "true"}
"""Key and value that let a job go on after a failure."""
_GITLAB = re.compile(r"\.gitlab-ci\.yml|\.gitlab/.+")
_ALLOWED = {"1", "2"}
"""Statuses of tests and compilers that failed, and of make; a job may allow others, such as that of a lost runner."""
_NO_SCRIPTS = {"env", "variables", "with", "environment"}
"""Keys of what is only told to a command, or a ready-made step."""
_BY_HAND = {"manual", "never"}
_UNPROMPTED = {"push", "pull_request", "pull_request_target", "merge_group", "schedule", "workflow_run"}
_OPTION = r"""(?!script)\w+:\s*(?:true|false|'[^'\n]*'|"[^"\n]*")"""
_SHELL_IN_GROOVY = re.compile(
    rf"""\bsh\s*\(?\s*(?:{_OPTION}\s*,\s*)*(?:script:\s*)?(?P<quote>['"]{{1,3}})(?P<script>.*?)(?P=quote)"""
    rf"""(?:\s*,\s*{_OPTION})*""",
    re.DOTALL,
)
_GROOVY_PIECE = re.compile(
    r"""(?P<text>'''.*?'''|\"{3}.*?\"{3}|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/""", re.DOTALL
)
"""A text, or a comment."""
_SPARED = re.compile(r"\b(catchError|warnError)\s*(\([^)]*\))?\s*\{")
_FAILS_BY_HAND = re.compile(r"\berror\b|\bthrow\b|['\"]FAILURE['\"]")
MOST_NODES = 20_000
"""Keys and values of one file that are looked at."""
DEEPEST = 3
"""Calls from one script to the next that are followed."""


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command that CI runs."""

    path: str
    line: int
    """Where it stands, counted from 1: the first line of what it is continued over."""
    job: str
    text: str
    """Without the words of the shell around it; ``uses: NAME`` for a ready-made step."""
    folder: str = ""
    """In which it is run, from the top of the tree."""
    ignored: str = ""
    """Why its failure stops nothing; empty where it does."""
    through: str = ""
    """Place in the pipeline that leads here, as ``path:line``, where that is elsewhere."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def pipelines(paths: Iterable[str]) -> list[str]:
    """Those of the tree's files that describe what CI does."""
    return sorted(path for path in paths if _PIPELINE.fullmatch(path))


def commands(paths: Collection[str], read: Callable[[str], str]) -> list[Command]:
    """Everything that CI runs, in the order in which the files have it; files that can't be read are left out.

    Args:
        paths: All files of the tree.
        read: The text of one of them.
    """
    there = frozenset(paths)
    found = [command for path in pipelines(there) for command in _pipeline(path, read(path))]
    found = _extended(found, [read(path) for path in pipelines(there) if _GITLAB.fullmatch(path)])
    found = [*found, *_called(found, there, read)]
    called = {posixpath.normpath(c.text.removeprefix("uses: ")) for c in found if c.text.startswith("uses: ./")}
    # A workflow that only others start counts where one of them does.
    return [
        replace(c, ignored="") if c.ignored == _ONLY_CALLED and (c.through or c.path) in called else c for c in found
    ]


def _extended(found: Sequence[Command], texts: Sequence[str]) -> list[Command]:
    """With what stands in hidden jobs of GitLab that none of its files names again; an alias is run where it stands."""
    run = {(c.path, c.line) for c in found if not c.job.startswith(".")}
    hidden = {c.job for c in found if c.job.startswith(".") and _GITLAB.fullmatch(c.path)}
    alone = {j for j in hidden if not any(re.search(rf"(?<![\w.-]){re.escape(j)}(?![\w.-]|\s*:)", t) for t in texts)}
    return [
        replace(c, ignored=c.ignored or f"no job extends {c.job}")
        if c.job in alone and _GITLAB.fullmatch(c.path) and (c.path, c.line) not in run
        else c
        for c in found
    ]


_ONLY_CALLED = "no other workflow calls this one"


def _pipeline(path: str, text: str) -> list[Command]:
    if path.endswith("Jenkinsfile"):
        return list(_jenkins(path, text))
    return list(_yaml(path, text))


def _jenkins(path: str, text: str) -> Iterator[Command]:
    # Of the same length, so that places stay: without comments; and without texts, for the braces.
    text = _GROOVY_PIECE.sub(lambda m: m[0] if m["text"] else _blank(m[0]), text)
    braces = _GROOVY_PIECE.sub(lambda m: _blank(m[0]), text)
    spared = [m for m in _SPARED.finditer(text) if not braces[m.start()].isspace() and _goes_on_after(m)]
    blocks = [(m[1], m.end(), _closed(braces, m.end())) for m in spared]
    for match in _SHELL_IN_GROOVY.finditer(text):
        begin = text.count("\n", 0, match.start("script")) + 1
        ignored = next((name for name, first, last in blocks if first <= match.start() < last), "")
        # What the status is asked for may be to fail by hand.
        if "returnStatus: true" in " ".join(match[0].split()) and not _FAILS_BY_HAND.search(text, match.end()):
            ignored = "returnStatus: true"
        for line, command, loose in simple_commands(match["script"], begin):
            yield Command(path, line, "", command, ignored=ignored or loose)


def _goes_on_after(match: re.Match[str]) -> bool:
    """Whether a block that catches errors lets the build succeed; catchError alone still has it fail."""
    return match[1] == "warnError" or re.search(r"buildResult:(?!\s*['\"]FAILURE)", match[2] or "") is not None


def _closed(text: str, begin: int) -> int:
    """Where the block ends that has just begun."""
    depth = 1
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at
    return len(text)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _yaml(path: str, text: str) -> Iterator[Command]:
    found: list[Command] = []
    try:
        for root in yaml.compose_all(text, yaml.SafeLoader):
            if isinstance(root, yaml.MappingNode):
                ignored = _triggers(root) if path.startswith(".github/workflows/") else ""
                found += _walk(root, "", Command(path, 0, "", "", ignored=ignored), [0], frozenset())
    except (yaml.YAMLError, RecursionError):  # a file may nest deeper than can be followed
        return
    yield from found


def _word(node: yaml.Node) -> str:
    """A scalar's text; a key or an item may be a whole structure, which is no word and may repeat itself."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _walk(node: yaml.Node, key: str, state: Command, seen: list[int], within: frozenset[int]) -> Iterator[Command]:
    seen[0] += 1
    if seen[0] > MOST_NODES or id(node) in within:
        return
    within |= {id(node)}
    if isinstance(node, yaml.MappingNode):
        state = _around(node, state)
        for name, value in node.value:
            word = _word(name)
            jobs = key == "jobs" or (
                not key and not state.job and isinstance(value, yaml.MappingNode) and word != "jobs"
            )
            inner = replace(state, job=word) if jobs else state
            if word == "uses" and isinstance(value, yaml.ScalarNode):
                yield replace(state, line=value.start_mark.line + 1, text=f"uses: {value.value}")
            elif word != "after_script" and (key == "jobs" or word not in _NO_SCRIPTS or _retries(node, word)):
                yield from _walk(value, word, inner, seen, within)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            # A step of CircleCI may be a command's name alone; steps are mappings elsewhere.
            yield from _walk(item, key, state, seen, within)
    elif key in _SCRIPTS and isinstance(node, yaml.ScalarNode):
        begin = node.start_mark.line + (2 if node.style in {"|", ">"} else 1)
        for line, command, ignored in simple_commands(str(node.value), begin):
            yield replace(state, line=line, text=command, ignored=state.ignored or ignored)


def _retries(node: yaml.MappingNode, word: str) -> bool:
    """Whether a ready-made step runs, again if need be, the command that it is told."""
    return word == "with" and any(_word(k) == "uses" and "/retry" in _word(v) for k, v in node.value)


def _around(node: yaml.MappingNode, state: Command) -> Command:
    """What a mapping says of all that is in it."""
    plain = {_word(k): str(v.value) for k, v in node.value if isinstance(v, yaml.ScalarNode)}
    ignored = next(
        (f"{key}: {value}" for key, value in _IGNORED.items() if plain.get(key, "").strip(" ${}").lower() == value), ""
    )
    if plain.get("when") in _BY_HAND:
        ignored = f"when: {plain['when']}"
    for name, value in node.value:
        if _word(name) == "rules" and (hands := _by_hand(value)):
            ignored = f"when: {hands}"
        if _word(name) == "allow_failure" and isinstance(value, yaml.MappingNode):
            codes = [code for _, given in value.value for code in _scalars(given)]
            ignored = ignored or ("allow_failure: exit_codes" if _ALLOWED & set(codes) else "")
    if plain.get("if", "").strip(" ${}") == "false":
        ignored = "if: false"
    folder = plain.get("working-directory") or plain.get("workingDirectory") or plain.get("working_directory")
    for name, value in node.value:  # defaults: {run: {working-directory: ...}}
        if name.value == "defaults" and isinstance(value, yaml.MappingNode):
            for _, inner in value.value:
                if isinstance(inner, yaml.MappingNode):
                    folder = folder or _around(inner, state).folder
    path = posixpath.normpath(folder) if folder else state.folder
    return replace(state, ignored=state.ignored or ignored, folder="" if path == "." else path)


def _scalars(node: yaml.Node) -> list[str]:
    """A scalar, or those of a sequence."""
    return [_word(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else [_word(node)]


def _by_hand(rules: yaml.Node) -> str:
    """What GitLab's rules say of when a job runs, if none of them starts it by itself; empty if one may."""
    told = []
    for rule in rules.value if isinstance(rules, yaml.SequenceNode) else ():
        pairs = rule.value if isinstance(rule, yaml.MappingNode) else []
        told.append(next((_word(value) for key, value in pairs if _word(key) == "when"), ""))
    return told[0] if told and set(told) <= _BY_HAND else ""


def _triggers(root: yaml.MappingNode) -> str:
    """Why a workflow of GitHub does not run by itself; empty if it does."""
    for key, value in root.value:
        if key.value != "on":
            continue
        if isinstance(value, yaml.ScalarNode):
            events = {str(value.value)}
        elif isinstance(value, yaml.SequenceNode):
            events = {_word(item) for item in value.value}
        else:
            events = {_word(name) for name, _ in value.value}
        if events & _UNPROMPTED:
            return ""
        return _ONLY_CALLED if "workflow_call" in events else f"runs only on {', '.join(sorted(events))}"
    return ""


def _called(found: Iterable[Command], there: Collection[str], read: Callable[[str], str]) -> Iterator[Command]:
    """What the scripts, targets and actions run that these commands call."""
    left = [(command, 0) for command in found]
    done: set[tuple[str, str]] = set()
    for command, depth in left:
        if depth >= DEEPEST:
            continue
        for inner in _inside(command, there, read):
            if (key := (f"{inner.path}:{inner.line}:{inner.text}", inner.ignored)) not in done:
                done.add(key)
                left.append((inner, depth + 1))
                yield inner


def _inside(command: Command, there: Collection[str], read: Callable[[str], str]) -> Iterator[Command]:
    through = command.through or f"{command.path}:{command.line}"
    if command.text.startswith("uses: ./"):
        folder = posixpath.normpath(command.text.removeprefix("uses: "))
        for path in (f"{folder}/action.yml", f"{folder}/action.yaml"):
            if path in there:
                for inner in _yaml(path, read(path)):
                    yield replace(inner, job=command.job, ignored=command.ignored or inner.ignored, through=through)
        return
    for path in called_files(command.text, command.folder, there):
        script = read(path)
        for line, text, ignored in simple_commands(script, 1) if is_shell(script) else ():
            given = command.ignored or ignored
            yield Command(path, line, command.job, text, command.folder, given, through)
    for path, line, text, ignored in recipes(command.text, command.folder, there, read):
        for at, simple, loose in simple_commands(text, line):
            given = command.ignored or ignored or loose
            yield Command(path, at, command.job, simple, posixpath.dirname(path), given, through)

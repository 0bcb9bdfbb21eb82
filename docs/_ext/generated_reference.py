"""The reference, made from the code: options, fixtures, hooks, commands, keys of audit.yaml, rows and criteria."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_backend_audit import cli, hookspecs, options, standard
from pytest_backend_audit.bundled import SUITES, suite_files, suites_root
from pytest_backend_audit.config.schema import schema as config_schema
from pytest_backend_audit.marker import GRAMMAR, read_page
from pytest_backend_audit.standard.model import Row, Setting, Standard
from pytest_backend_audit.standard.proofs import spell

FOLDER = Path(__file__).parent.parent / "reference"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


class _Parser:
    """Stands in for pytest's parser, and remembers what is declared."""

    def __init__(self) -> None:
        self.options: list[tuple[str, dict[str, Any]]] = []
        self.ini: list[tuple[str, str, Any]] = []

    def getgroup(self, _name: str) -> _Parser:
        return self

    def addoption(self, name: str, **keywords: Any) -> None:
        self.options.append((name, keywords))

    def addini(self, name: str, text: str, **keywords: Any) -> None:
        self.ini.append((name, text, keywords.get("default")))


def declared() -> _Parser:
    """The options and ini values there are."""
    parser = _Parser()
    options.add_options(parser)  # type: ignore[arg-type]
    return parser


def page_options() -> str:
    """The pytest options, ini values and the marker."""
    parser = declared()
    rows = [[f"`{n}{'=' + k['metavar'] if 'metavar' in k else ''}`", k["help"]] for n, k in parser.options]
    ini = [[f"`{n}`", t, f"`{d}`" if d else ""] for n, t, d in parser.ini]
    return "\n\n".join(
        [
            "# pytest options, ini values, marker",
            "## Options",
            table(["option", "meaning"], rows),
            "Without `--audit` or `--audit-sha`, audit checks are skipped, and every other option is a usage error.",
            "## Ini values",
            table(["name", "meaning", "default"], ini),
            "## Marker",
            f"```text\n{GRAMMAR}\n```",
        ]
    )


def fixtures() -> Iterator[tuple[str, str]]:
    """Name and docstring of each fixture."""
    module = importlib.import_module("pytest_backend_audit.fixtures")
    for name in sorted(options.FIXTURES):
        function = getattr(module, name)
        yield name, inspect.getdoc(getattr(function, "__wrapped__", None) or function._get_wrapped_function()) or ""


def page_fixtures() -> str:
    """The fixtures."""
    parts = [f"## {name}\n\n{_markdown(doc)}" for name, doc in fixtures()]
    return "# Fixtures\n\n" + "\n\n".join(parts)


def hooks() -> Iterator[tuple[str, Callable[..., object]]]:
    """The hooks, in the order of their file."""
    for name, value in vars(hookspecs).items():
        if name.startswith("pytest_audit_"):
            yield name, value


def page_hooks() -> str:
    """The hooks, with their exact signatures and their examples."""
    parts = ["# Hooks", _markdown(inspect.getdoc(hookspecs) or "")]
    for name, function in hooks():
        source = inspect.getsource(function)
        signature = re.search(rf"def ({name}\(.*?\)) ->", source, re.DOTALL)
        shown = " ".join(signature.group(1).split()) if signature else name
        parts.append(f"## {name}\n\n```python\ndef {shown}\n```\n\n{_markdown(inspect.getdoc(function) or '')}")
    return "\n\n".join(parts)


def _markdown(doc: str) -> str:
    """A docstring as Markdown: literal blocks fenced, double backticks single."""
    lines: list[str] = []
    inside = False
    for line in doc.splitlines():
        if inside and line and not line.startswith(" "):
            lines.append("```\n")
            inside = False
        if line.rstrip() == "::":
            lines.append("```python")
            inside = True
            continue
        if inside and not line and lines[-1] == "```python":
            continue
        lines.append(line.removeprefix("    ") if inside else _prose(line))
    if inside:
        while lines and not lines[-1].strip():
            lines.pop()
        lines.append("```")
    return "\n".join(lines)


def _prose(line: str) -> str:
    head = re.match(r"(Args|Returns|Raises|Yields):$", line)
    listed = f"\n**{head.group(1)}**\n" if head else re.sub(r"^    (\w[\w, ]*):", r"- `\1`:", line)
    return listed.replace("``", "`")


def commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each command with its parser."""
    for name in cli.COMMANDS:
        parser = cli.build_parser(name)
        found = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        yield name, found.choices[name]


def page_commands() -> str:
    """The command's help, as it prints it."""
    parts = ["# The command `backend-audit`", f"```text\n{_wide(cli.build_parser('standard'))}```"]
    parts += [f"## {name}\n\n```text\n{_wide(parser)}```" for name, parser in commands()]
    return "\n\n".join(parts)


def _wide(parser: argparse.ArgumentParser) -> str:
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=80)  # type: ignore[assignment]
    return parser.format_help()


def keys() -> Iterator[tuple[str, str, str, str]]:
    """Dotted key, type, default and meaning of everything that audit.yaml may hold."""
    whole = config_schema()
    yield from _keys(whole, whole, "", set())


def _keys(
    node: dict[str, Any], whole: dict[str, Any], prefix: str, above: set[str]
) -> Iterator[tuple[str, str, str, str]]:
    for name, value in node.get("properties", {}).items():
        dotted = f"{prefix}{name}"
        default = json.dumps(value["default"]) if "default" in value else ""
        yield dotted, _kind(value), default, value.get("description", "")
        for reference, suffix in _references(value):
            if reference == "Environment":
                # Its keys are those of the file itself.
                yield (
                    f"{dotted}.NAME.kind",
                    "prod, stage, canary, local",
                    "",
                    "What it is; only these four are understood.",
                )
            elif reference not in above:
                inner = whole["$defs"][reference]
                yield from _keys(inner, whole, f"{dotted}{suffix}.", above | {reference})


def _references(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "$ref" in value:
        yield value["$ref"].rpartition("/")[2], ""
    if isinstance(value.get("items"), dict):
        yield from ((r, "[]") for r, _ in _references(value["items"]))
    if isinstance(value.get("additionalProperties"), dict):
        yield from ((r, ".NAME") for r, _ in _references(value["additionalProperties"]))
    for choice in value.get("anyOf", []):
        yield from _references(choice)


def _kind(value: dict[str, Any]) -> str:
    if "enum" in value:
        return ", ".join(map(str, value["enum"]))
    if "const" in value:
        return str(value["const"])
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(filter(None, map(_kind, value["anyOf"]))))
    if value.get("type") == "array":
        return f"list of {_kind(value.get('items', {})) or 'mappings'}"
    if "$ref" in value or value.get("type") == "object":
        return "mapping"
    return {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(
        value.get("type", ""), value.get("type", "")
    )


def page_config() -> str:
    """Every key of audit.yaml."""
    rows = [[f"`{k}`", kind, f"`{d}`" if d and len(d) < 40 else "", text] for k, kind, d, text in keys()]
    return "\n\n".join(
        [
            "# audit.yaml",
            "Every key, from the models that read the file. `backend-audit schema audit` prints the JSON Schema; name "
            "it in the first line of the file, as `backend-audit init` does, and editors complete it.",
            "`${NAME}` is read from the environment inside `targets` and `identities` only; `$${` is a literal `${`.",
            table(["key", "type", "default", "meaning"], rows),
        ]
    )


def page_standard() -> str:
    """The rows of the standard."""
    loaded = standard.load("default")
    parts = [
        "# The standard",
        f"{loaded.name}: {len(loaded.dimensions)} dimensions, {len(loaded.rows)} rows, of which "
        f"{len(loaded.rows) - len(loaded.pending)} have a bundled check so far. A row without one is *could not run*, "
        "unless a check of your own covers it.",
        "## Levels",
        table(["level", "name", "definition"], [[f"L{v.number}", v.name, v.definition] for v in loaded.levels]),
        "## Dispositions",
        table(
            ["disposition", "total from", "each dimension at least", "required actions"],
            [
                [d.name, str(d.floor or "-"), str(d.minimum or "any"), " ".join(a.text for a in d.actions)]
                for d in loaded.dispositions
            ],
        ),
    ]
    for dimension in loaded.dimensions:
        rows = [r for r in loaded.rows if r.dimension == dimension.id]
        parts.append(f"## {dimension.id} {dimension.name}\n\n{dimension.scope}")
        parts.append(
            table(["criterion", "level", "must be true", "proof", "settings", "check"], list(map(_row(loaded), rows)))
        )
    return "\n\n".join(parts)


def _row(loaded: Standard) -> Callable[[Row], list[str]]:
    def shown(row: Row) -> list[str]:
        settings = ", ".join(f"`{s.name}` {s.default} {s.unit}".strip() for s in row.settings)
        bundled = "to come" if row.name in loaded.pending else f"[bundled](criteria.md#{row.criterion})"
        return [row.criterion, f"L{row.level}", row.clause, spell(row.proof), settings, bundled]

    return shown


def criteria() -> Iterator[tuple[str, str, str]]:
    """Dimension, criterion and module docstring of each bundled file."""
    for dimension in standard.load("default").dimensions:
        for path in suite_files(suites_root() / dimension.folder):
            module = importlib.import_module(f"{SUITES}.{dimension.folder}.{path.stem}")
            yield dimension.id, path.stem.replace("_", "-"), module.__doc__ or ""


def page_criteria() -> str:
    """A part for each bundled criterion: its docstring, its rows, settings and defects."""
    loaded = standard.load("default")
    parts = ["# Bundled criteria", "What each check looks at, what it means when it fails, and how to mend it."]
    for dimension, criterion, doc in criteria():
        page = read_page(None, doc)
        rows = [r for r in loaded.rows if (r.dimension, r.criterion) == (dimension, criterion)]
        settings = {s.name: s for r in rows for s in r.settings}
        about = _markdown(
            re.split(r"^(?:Impact|Remediation|Verification|Effort):", doc, maxsplit=1, flags=re.MULTILINE)[0]
        )
        parts.append(
            f"({criterion})=\n## {criterion}\n\n{dimension}, {' and '.join(f'L{r.level}' for r in rows)}. {about}"
        )
        named = ("impact", "remediation", "verification", "effort")
        parts += [f"**{name.capitalize()}.** {getattr(page, name) or 'not stated'}" for name in named]
        if settings:
            parts.append(
                table(["setting", "default", "stricter", "source", "meaning"], [_setting(s) for s in settings.values()])
            )
        defects = [d.text for r in rows for d in r.defects]
        parts.append("**Seen to turn red by:** " + "; ".join(defects) + ".")
    return "\n\n".join(parts)


def _setting(setting: Setting) -> list[str]:
    default = f"{setting.default} {setting.unit}".strip()
    return [f"`{setting.name}`", default, setting.stricter.value, setting.source, setting.meaning]


PAGES: dict[str, Callable[[], str]] = {
    "options": page_options,
    "fixtures": page_fixtures,
    "hooks": page_hooks,
    "commands": page_commands,
    "audit-yaml": page_config,
    "standard": page_standard,
    "criteria": page_criteria,
}
"""File below ``reference/`` -> what makes it."""


def write(_app: object = None) -> None:
    """Make every page; unchanged ones keep their time, so that Sphinx does not read them again."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        path, text = FOLDER / f"{name}.md", make() + "\n"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Join the build."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    pytest.register_assert_rewrite(SUITES)
    write()

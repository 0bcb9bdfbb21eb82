"""Sphinx extension: write the reference from the code at every build, below ``reference/``, which is not committed.

``python docs/_ext/generated_reference.py`` does the same without Sphinx. The page of what to declare is committed as
well, for those who read in a clone; a test compares it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reference_pages import command_line, declarations, files, pytest_side, python_names, rows

FOLDER = Path(__file__).parent.parent / "reference"

PAGES: dict[str, Callable[[], str]] = {
    "options": pytest_side.options,
    "marker": pytest_side.mark,
    "fixtures": pytest_side.fixtures,
    "hooks": pytest_side.hooks,
    "python": python_names.names,
    "commands": command_line.commands,
    "init": command_line.init,
    "audit-yaml": files.audit_yaml,
    "report-folder": files.report_folder,
    "scorecard-json": files.scorecard_json,
    "standard": rows.the_standard,
    "settings": rows.settings,
}
"""File below ``reference/`` -> what makes it; `rows.criteria` makes several at once."""


COMMITTED: dict[str, Callable[[], str]] = {"what-to-declare": declarations.what_to_declare}
"""File beside ``reference/`` -> what makes it."""


def pages() -> dict[str, str]:
    """Every generated page: its name below ``reference/`` -> its text."""
    return {**{name: make() for name, make in PAGES.items()}, **rows.criteria()}


def write(_app: object = None) -> None:
    """Make every page; unchanged ones keep their time, so that Sphinx does not read them again."""
    made = {FOLDER / f"{name}.md": text for name, text in pages().items()}
    made |= {FOLDER.parent / f"{name}.md": make() for name, make in COMMITTED.items()}
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
    for path in FOLDER.rglob("*.md"):
        if path not in made:
            path.unlink()


def setup(app: Any) -> dict[str, bool]:
    """Join the build."""
    pytest.register_assert_rewrite(rows.SUITES)
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    pytest.register_assert_rewrite(rows.SUITES)
    write()

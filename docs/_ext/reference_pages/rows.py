"""The standard: levels, dispositions, rows, settings; and a page for each bundled criterion."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

from pytest_backend_audit import standard
from pytest_backend_audit.bundled import SUITES, suite_files, suites_root
from pytest_backend_audit.marker import read_page
from pytest_backend_audit.standard.model import RequiredAction, Row, Setting, Standard
from pytest_backend_audit.standard.proofs import spell

from . import witnessed
from .text import entry, of_docstring, page, table


def the_standard() -> str:
    """Levels, dispositions and rows."""
    loaded = standard.load("default")
    return page(
        "# The standard",
        f"{loaded.name}: {len(loaded.dimensions)} dimensions, {len(loaded.rows)} rows, of which "
        f"{len(loaded.rows) - len(loaded.pending)} have a bundled check so far. With `standard: default` a row without "
        "one is *could not run*, unless a check of your own covers it; `standard: bundled` leaves those rows out, and "
        "the card says so.",
        "## Levels",
        table(["level", "name", "definition"], [[f"L{v.number}", v.name, v.definition] for v in loaded.levels]),
        f"From L{loaded.reviewer_from} on a second reviewer has to agree.",
        "## Dispositions",
        table(
            ["disposition", "id", "total from", "each dimension at least", "required actions"],
            [
                [
                    d.name,
                    f"`{d.id}`",
                    str(d.floor or ""),
                    f"L{d.minimum}" if d.minimum else "",
                    " ".join(map(_action, d.actions)),
                ]
                for d in loaded.dispositions
            ],
        ),
        "The first whose two floors are both met. It moves down one tier, once, if any of these is so:",
        "\n".join(f"- {text}" for text in loaded.overrides.values()),
        *(part for d in loaded.dimensions for part in _dimension(loaded, d.id)),
    )


def _action(action: RequiredAction) -> str:
    number, unit = (action.days, "day") if action.days is not None else (action.months, "month")
    return action.text if number is None else f"{action.text} ({number} {unit}{'s' if number != 1 else ''})"


def _dimension(loaded: Standard, id_: str) -> Iterator[str]:
    dimension = loaded.dimension(id_)
    assert dimension is not None
    yield f"## {dimension.id} {dimension.name}"
    yield dimension.scope + (" L1 here moves the disposition down a tier." if dimension.blocking else "")
    rows = [r for r in loaded.rows if r.dimension == id_]
    yield table(
        ["level", "criterion", "must be true", "proof", "check"],
        [[f"L{r.level}", r.criterion, r.clause, spell(r.proof), _check(loaded, r)] for r in rows],
    )


def _check(loaded: Standard, row: Row) -> str:
    return "to come" if row.name in loaded.pending else f"[bundled](criteria/{row.criterion}.md)"


def settings() -> str:
    """Every threshold that audit.yaml may change."""
    loaded = standard.load("default")
    used: dict[str, dict[str, None]] = {}
    for row in loaded.rows:
        for setting in row.settings:
            used.setdefault(setting.name, {})[f"{row.dimension} {row.criterion}"] = None
    entries = [
        entry(
            f"`{name}`",
            f"{s.meaning} *({_default(s)}; stricter is {s.stricter.value})*",
            f"Of {', '.join(used[name])}; {s.source}.",
        )
        for name, s in sorted(loaded.settings().items())
    ]
    return page(
        "# Settings",
        "The numbers that checks compare with. `thresholds` in audit.yaml changes them; a failure message says which "
        "of the two a number came from. Beside each default stands the direction that asks for more, then the criteria "
        "that use it, and where the number comes from.",
        "\n\n".join(entries),
    )


def _default(setting: Setting) -> str:
    return f"{setting.default} {setting.unit}".strip()


def _setting(setting: Setting) -> list[str]:
    return [f"`{setting.name}`", _default(setting), setting.stricter.value, setting.meaning, setting.source]


def every_criterion() -> Iterator[tuple[str, str, str]]:
    """Dimension, criterion and module docstring of each bundled file."""
    for dimension in standard.load("default").dimensions:
        for path in suite_files(suites_root() / dimension.folder):
            module = importlib.import_module(f"{SUITES}.{dimension.folder}.{path.stem}")
            yield dimension.id, path.stem.replace("_", "-"), module.__doc__ or ""


def criterion(dimension: str, name: str, doc: str) -> str:
    """The page of one bundled criterion."""
    loaded = standard.load("default")
    rows = [r for r in loaded.rows if (r.dimension, r.criterion) == (dimension, name)]
    told = read_page(None, doc)
    about = re.split(r"^(?:Impact|Remediation|Verification|Effort):", doc, maxsplit=1, flags=re.MULTILINE)[0]
    numbers = {s.name: s for r in rows for s in r.settings}
    named = loaded.dimension(dimension)
    parts = [f"# {name}", f"*{dimension} {named.name if named else ''}*", of_docstring(about)]
    named_parts = ("impact", "remediation", "verification", "effort")
    parts += [f"**{title.capitalize()}.** {getattr(told, title) or 'not stated'}" for title in named_parts]
    parts += [
        "## Rows",
        table(
            ["level", "must be true", "proof", "evidence that counts"],
            [[f"L{r.level}", r.clause, spell(r.proof), ", ".join(sorted(r.accepts))] for r in rows],
        ),
    ]
    if numbers:
        head = ["setting", "default", "stricter", "meaning", "source"]
        parts += ["## Settings", table(head, [_setting(s) for s in numbers.values()])]
    defects = [f"- {d.text}" for r in rows for d in r.defects]
    parts += ["## Seen to turn red by", "\n".join(dict.fromkeys(defects))]
    folder = named.folder if named else ""
    return page(*parts, *witnessed.sections(f"{folder}.{name.replace('-', '_')}::"))


def criteria() -> dict[str, str]:
    """The pages of all bundled criteria, and a list of them."""
    made = {f"criteria/{name}": criterion(dimension, name, doc) for dimension, name, doc in every_criterion()}
    loaded = standard.load("default")
    rows = [
        [f"{dimension}", f"[{name}](criteria/{name}.md)", read_page(None, doc).claim, _levels(loaded, dimension, name)]
        for dimension, name, doc in every_criterion()
    ]
    index = page(
        "# Bundled criteria",
        "What each check looks at, what it means when it fails, and how to mend it.",
        table(["dimension", "criterion", "claim", "levels"], rows),
        "```{toctree}\n:hidden:\n\n" + "\n".join(made) + "\n```",
    )
    return {"criteria": index, **made}


def _levels(loaded: Standard, dimension: str, name: str) -> str:
    return ", ".join(f"L{r.level}" for r in loaded.rows if (r.dimension, r.criterion) == (dimension, name))

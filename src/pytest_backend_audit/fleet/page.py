"""The fleet as one page, which works offline, in light and dark, on a phone and on paper. Its size is bounded."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from pytest_backend_audit import __version__
from pytest_backend_audit.fleet import words
from pytest_backend_audit.reports.facts import short_name
from pytest_backend_audit.reports.text import clean, cut, one_line, stated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_backend_audit.fleet.summary import Dimension, Fleet

SERVICES = 2000
"""Rows of the table of services: what a browser still sorts at once, and about a megabyte."""
COLUMNS = 16
"""Dimensions of that table."""
FIRST, LISTED = 8, 50
"""Rows of every other table: those that stand open, and all."""
NAMED = 8
"""Services that a disposition names."""


HEAD = 2048
"""Bytes of a page by which it is known."""
_OURS = re.compile(
    rb'<!doctype html>.{1,1500}<meta name="generator" content="pytest-backend-audit [^"\r\n]*">\r?\n'
    rb"<title>Backend audits of ",
    re.DOTALL,
)


LEFT, STEP, RISE = 64, 64, 30
"""Of the picture of quarters, in units of its view box: where the first point stands, and from one to the next."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Where the points of the picture of quarters stand."""

    points: tuple[tuple[int, int, str, str], ...]
    """From left to right: x, y, the mean, the quarter."""
    grid: tuple[tuple[int, int], ...] = tuple((16 + (5 - level) * RISE, level) for level in range(5, 0, -1))
    """Height and number of each level."""
    height: int = 16 + 4 * RISE + 30

    @classmethod
    def of(cls, fleet: Fleet) -> Trend:
        """The picture of a fleet's quarters."""
        return cls(
            tuple(
                (LEFT + place * STEP, round(16 + (5 - period.mean) * RISE), f"{period.mean:.2f}", period.name)
                for place, period in enumerate(fleet.periods)
            )
        )

    @property
    def width(self) -> int:
        """Of the view box."""
        return LEFT + len(self.points) * STEP - STEP // 2

    @property
    def line(self) -> str:
        """The points, as SVG writes them."""
        return " ".join(f"{x},{y}" for x, y, *_ in self.points)


def chunks(fleet: Fleet) -> Iterator[str]:
    """The file, in pieces."""
    return _environment().get_template("fleet.html.j2").generate(_context(fleet))


def is_page(head: bytes) -> bool:
    """Whether a file that begins so is the page of a fleet, by whatever version of ours."""
    return bool(_OURS.match(head))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        # The style sheet is the card's, and what a fleet needs besides.
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader("pytest_backend_audit.fleet"), jinja2.PackageLoader("pytest_backend_audit.reports")]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {
        "change": words.change,
        "cut": _cut,
        "disposition": words.disposition,
        "number": words.number,
        "short_name": short_name,
        "stated": stated,
        "total": words.total,
    }
    environment.globals |= {"several": words.several}
    return environment


def _shown(value: object) -> object:
    """What every expression of the templates goes through before it is escaped: no hidden character passes."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _cut(text: str, room: int) -> str:
    return cut(one_line(text[:1000]), room)


def _own(*names: str) -> tuple[Markup, str]:
    """Our own files as they stand in the page, and the hash by which its policy allows them and nothing else."""
    environment = _environment()
    assert environment.loader is not None
    source = "".join(environment.loader.get_source(environment, name)[0] for name in names)
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return Markup(source), f"sha256-{digest}"  # noqa: S704 - our own files


def _context(fleet: Fleet) -> dict[str, Any]:
    style, style_hash = _own("scorecard.css", "fleet.css")
    script, script_hash = _own("fleet.js")
    return {
        "fleet": fleet,
        "version": __version__,
        "style": style,
        "style_hash": style_hash,
        "script": script,
        "script_hash": script_hash,
        "head": words.head(fleet),
        "filters": words.filters(fleet),
        "unheld": words.unheld(fleet),
        "left_out": words.left_out(fleet),
        "as_filed": words.whose_findings(fleet),
        "services": fleet.services[:SERVICES],
        "columns": fleet.dimensions[:COLUMNS],
        "spread": [(d, _bars(d)) for d in fleet.dimensions[:LISTED]],
        "first": FIRST,
        "listed": LISTED,
        "named": NAMED,
        "trend": Trend.of(fleet) if len(fleet.periods) > 1 else None,
        "lapsed_services": len({(one.service.service, one.service.called) for one in fleet.lapsed}),
        "most": max((len(t.services) for t in fleet.dispositions), default=0),
    }


def _bars(dimension: Dimension) -> list[tuple[int, int, int, int]]:
    """Of each level that some service has: where its bar begins and how wide it is, of 1000; the level; services."""
    of, begun, made = sum(dimension.counts), 0, []
    for level, count in enumerate(dimension.counts, 1):
        if count:
            made.append((1000 * begun // of, max(1000 * count // of, 2), level, count))
        begun += count
    return made

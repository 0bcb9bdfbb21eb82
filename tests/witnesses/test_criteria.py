"""Name, row, page and witnesses of every bundled criterion hold together."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_backend_audit import suites
from pytest_backend_audit.collect import SUITES, suite_files
from pytest_backend_audit.marker import read_page
from pytest_backend_audit.model import Page
from pytest_backend_audit.standard import load
from witnesses.matrix import PAGE, THROWN, Seen, page, pair

STANDARD = load("default")
WITNESSES = [(d, w) for d in THROWN for w in d.witnesses]


@dataclass(frozen=True)
class Bundled:
    """A bundled check as its file has it."""

    id: str
    row: str
    file: str
    page: Page
    function_doc: str
    asks: frozenset[str]


def bundled() -> Iterator[Bundled]:
    """Every check function of every criterion file."""
    root = Path(next(iter(suites.__path__)))
    for dimension in STANDARD.dimensions:
        for path in suite_files(root / dimension.folder):
            module = importlib.import_module(f"{SUITES}.{dimension.folder}.{path.stem}")
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if not name.startswith("test_"):
                    continue
                [mark] = function.pytestmark
                yield Bundled(
                    id=f"{dimension.folder}.{path.stem}::{name}",
                    row=f"{mark.kwargs['dimension']}/{mark.kwargs['criterion']}/L{mark.kwargs['level']}",
                    file=f"{dimension.id}/{path.stem.replace('_', '-')}",
                    page=read_page(inspect.getdoc(function), module.__doc__),
                    function_doc=inspect.getdoc(function) or "",
                    asks=frozenset(inspect.signature(function).parameters),
                )


CHECKS = tuple(bundled())
LANDED = {row.name: row for row in STANDARD.rows if row.name not in STANDARD.pending}


def test_every_row_that_landed_has_its_checks_and_every_check_its_row() -> None:
    """The list of pending rows only shrinks: a row is on it, or a check bears its name and level."""
    assert {check.row for check in CHECKS} == set(LANDED)


def test_every_file_is_named_like_its_criterion() -> None:
    """One criterion, one file."""
    assert [c.id for c in CHECKS if c.file != c.row.rpartition("/")[0]] == []


def test_every_check_has_a_whole_page() -> None:
    """A finding shows impact, remediation, verification and effort from here."""
    parts = ("claim", "impact", "remediation", "verification", "effort")
    assert {c.id: [p for p in parts if not getattr(c.page, p)] for c in CHECKS} == {c.id: [] for c in CHECKS}
    assert [c.id for c in CHECKS if not c.function_doc.endswith(".")] == []


def test_every_defect_of_a_row_has_a_witness_and_every_witness_its_defect() -> None:
    """Word for word."""
    defects = [(row.name, defect.text) for row in LANDED.values() for defect in row.defects]
    assert sorted((d.row(w), w.defect) for d, w in WITNESSES if w.defect) == sorted(defects)


def test_every_witness_names_a_check_of_its_row() -> None:
    """By its id, and its level."""
    rows = {check.id: check.row for check in CHECKS}
    assert [(d.name, w.check) for d, w in WITNESSES if rows.get(w.check) != d.row(w)] == []
    assert {check for _, w in WITNESSES for check in (*w.also, *w.maybe)} <= set(rows)


def test_every_switch_of_a_landed_criterion_is_thrown() -> None:
    """What the demo can have wrong, a bundled check sees; its name says whose it is."""
    criteria = {tuple(name.split("/")[:2]) for name in LANDED}
    landed = [d for d in THROWN if (d.dimension, d.criterion) in criteria]
    assert [d.name for d in landed if not d.witnesses] == []
    assert [d.name for d, _ in WITNESSES if d not in landed] == []


def test_the_page_shows_what_was_seen() -> None:
    """docs/witnesses.md is made of the record, and the record knows of nothing that is no more."""
    seen = Seen.read()
    assert PAGE.read_text("utf-8") == page(seen, THROWN, STANDARD)
    assert set(seen.red) <= {pair(d, w.check) for d, w in WITNESSES}
    assert set(seen.green) <= {w.check for _, w in WITNESSES}


def test_every_threshold_of_a_row_is_asked_for() -> None:
    """A row with settings has a check that reads settings, itself or by a fixture of its file."""
    for check in CHECKS:
        text = Path(inspect.getfile(importlib.import_module(f"{SUITES}.{check.id.partition('::')[0]}"))).read_text()
        for setting in LANDED[check.row].settings:
            assert f'audit_settings.value("{setting.name}")' in text, (check.id, setting.name)

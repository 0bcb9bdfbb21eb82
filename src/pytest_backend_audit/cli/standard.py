"""``backend-audit standard``: show what an audit asks for, or check a standard of one's own."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.output import columns, fail

if TYPE_CHECKING:
    from pytest_backend_audit.standard.model import Dimension, Disposition, Row, Setting, Standard

WIDTH = 80
_STRICTER = {"lower": "lower is stricter", "higher": "higher is stricter", "neither": "neither way is stricter"}


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "standard",
        help="show a standard, or check one of your own",
        description="Show the standard that audits use, or check one of your own.",
        epilog="Exit status: 0 fine, 1 the checked standard has problems, 2 usage.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    show = actions.add_parser(
        "show",
        help="print its dimensions, rows, levels and dispositions",
        description="Print a standard: its dimensions, levels and dispositions; of a dimension its rows; of a "
        "criterion everything that its checks are held to.",
        epilog="Exit status: 0 fine, 1 the standard has problems, 2 usage.",
    )
    show.add_argument("--dimension", metavar="ID", help="only this dimension, with its rows: 4.1")
    show.add_argument("--criterion", metavar="NAME", help="only this criterion, with everything about its rows")
    show.add_argument("--standard", metavar="PATH", default="default", help="another standard: its folder or YAML file")
    show.add_argument("--json", action="store_true", help="the same as JSON")
    check = actions.add_parser(
        "check",
        help="say everything that is wrong with a standard's files",
        description="Load a standard of your own, and say everything that is wrong with its files, by file and line.",
        epilog="Exit status: 0 fine, 1 the standard has problems, 2 usage.",
    )
    check.add_argument("path", metavar="PATH", help="a folder with a standard.yaml, or a YAML file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``standard show`` or ``standard check``."""
    from pytest_backend_audit import standard  # noqa: PLC0415 - heavy
    from pytest_backend_audit.errors import StandardError  # noqa: PLC0415 - heavy

    try:
        loaded = standard.load(args.path if args.action == "check" else args.standard)
    except StandardError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if args.action == "check":
        sys.stdout.write(f"OK: {len(loaded.dimensions)} dimensions, {len(loaded.rows)} rows\n")
        return 0
    return _show(loaded, args)


def _show(standard: Standard, args: argparse.Namespace) -> int:
    from pytest_backend_audit.standard import to_data  # noqa: PLC0415 - heavy
    from pytest_backend_audit.yamlnodes import allowed  # noqa: PLC0415 - heavy

    dimensions, rows = standard.dimensions, standard.rows
    if args.dimension is not None:
        dimensions = tuple(d for d in dimensions if d.id == args.dimension)
        if not dimensions:
            known = ", ".join(d.id for d in standard.dimensions)
            return fail(f'the standard has no dimension "{args.dimension}"; it has {known}')
        rows = tuple(r for r in rows if r.dimension == args.dimension)
    if args.criterion is not None:
        criteria = dict.fromkeys(r.criterion for r in rows)
        rows = tuple(r for r in rows if r.criterion == args.criterion)
        if not rows:
            where = f"dimension {args.dimension}" if args.dimension else "the standard"
            return fail(f'{where} has no criterion "{args.criterion}"{allowed(args.criterion, criteria)}')
        dimensions = tuple(d for d in dimensions if d.id in {r.dimension for r in rows})
    narrowed = args.dimension is not None or args.criterion is not None
    if args.json:
        data = to_data(replace(standard, dimensions=dimensions, rows=rows))
        chosen = {key: data[key] for key in ("dimensions", "rows")} if narrowed else data
        sys.stdout.write(json.dumps(chosen, indent=2, ensure_ascii=False) + "\n")
        return 0
    if args.criterion is not None:
        lines = _criterion(dimensions[0], rows, standard.pending)
    elif narrowed:
        lines = _dimension(dimensions[0], rows, standard.pending)
    else:
        lines = _overview(standard)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _overview(standard: Standard) -> Iterator[str]:
    yield f"{standard.name}, version {standard.version} ({standard.id})"
    yield from _wrap(_extent(standard))
    yield ""
    yield from _counts(standard)
    yield ""
    yield "Levels"
    yield from _table([(f"L{level.number}", level.name, level.definition) for level in standard.levels])
    yield from _wrap(f"From L{standard.reviewer_from} on a level is recorded once a second reviewer has signed.", "  ")
    yield ""
    yield "Dispositions, from the top"
    for disposition in standard.dispositions:
        yield from _disposition(disposition, 5 * len(standard.dimensions))
    if standard.overrides:
        yield ""
        yield "Overrides: one tier down, once, if any of these holds"
        yield from _table(list(standard.overrides.items()))
    if standard.slo_classes:
        yield ""
        yield "Reference SLOs"
        yield from _table(
            [
                (c.id, f"p50 {c.p50:g} ms, p95 {c.p95:g} ms, p99 {c.p99:g} ms, {c.availability} % available")
                for c in standard.slo_classes
            ]
        )
    if standard.tools:
        yield ""
        yield "Tools"
        yield from _table([(category, ", ".join(tools)) for category, tools in standard.tools.items()])


def _extent(standard: Standard) -> str:
    text = f"{len(standard.rows)} rows in {len(standard.dimensions)} dimensions"
    if standard.pending:
        text += f"; {len(standard.pending)} rows have no bundled check yet"
    return text


def _counts(standard: Standard) -> Iterator[str]:
    levels = range(1, 6)
    head = ("", "Dimension", *(f"L{n}" for n in levels), "rows")
    body = [
        (d.id, d.name, *(str(sum(r.dimension == d.id and r.level == n for r in standard.rows) or "") for n in levels))
        for d in standard.dimensions
    ]
    totals = [str(sum(r.dimension == d.id for r in standard.rows)) for d in standard.dimensions]
    yield from _table([head, *((*line, total) for line, total in zip(body, totals, strict=True))])


def _disposition(disposition: Disposition, most: int) -> Iterator[str]:
    asked = "any total" if disposition.floor is None else f"at least {disposition.floor} of {most}"
    if disposition.minimum is not None:
        asked += f", each dimension at least L{disposition.minimum}"
    if disposition.needs_sign_off:
        asked += ", signed"
    yield f"  {disposition.name} ({disposition.id})"
    yield f"    {asked}"
    for action in disposition.actions:
        due = f"{action.days} days" if action.days else f"{action.months} months" if action.months else ""
        yield from _wrap(action.text + (f" ({due})" if due else ""), "    - ", "      ")


def _dimension(dimension: Dimension, rows: Sequence[Row], pending: Sequence[str]) -> Iterator[str]:
    yield from _title(dimension)
    for row in rows:
        yield ""
        yield f"L{row.level}  {row.criterion}: {_proof(row)}{_note(row, pending)}"
        yield from _wrap(row.clause, "    ")


def _criterion(dimension: Dimension, rows: Sequence[Row], pending: Sequence[str]) -> Iterator[str]:
    yield f"{dimension.id} {dimension.name}: {rows[0].criterion}"
    for row in rows:
        yield ""
        yield from _wrap(row.clause, f"L{row.level}  ", "    ")
        yield f"    proof: {_proof(row)}{_note(row, pending)}"
        yield from _wrap(f"accepted evidence: {', '.join(sorted(row.accepts))}", "    ")
        for setting in row.settings:
            yield from _setting(setting)
        for defect in row.defects:
            found = " (a common finding)" if defect.common_finding else ""
            yield from _wrap(f"must turn it red: {defect.text}{found}", "    ", "      ")


def _setting(setting: Setting) -> Iterator[str]:
    value = str(setting.default).lower() if isinstance(setting.default, bool) else setting.default
    yield f"    setting {setting.name}: {value} {setting.unit}, {_STRICTER[setting.stricter]}"
    yield from _wrap(setting.meaning, "      ")
    yield from _wrap(f"from: {setting.source}", "      ")


def _title(dimension: Dimension) -> Iterator[str]:
    blocking = "; L1 here lowers the disposition" if dimension.blocking else ""
    yield f"{dimension.id} {dimension.name}{blocking}"
    yield from _wrap(dimension.scope)


def _proof(row: Row) -> str:
    from pytest_backend_audit.standard import proofs  # noqa: PLC0415 - heavy

    return proofs.spell(row.proof)


def _note(row: Row, pending: Sequence[str]) -> str:
    return " (no bundled check yet)" if row.name in pending else ""


def _wrap(text: str, indent: str = "", then: str | None = None) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent if then is None else then)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"  {line}" for line in columns(rows, WIDTH - 2)]

"""From a standard's files to a `Standard`, or to every problem in them at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_backend_audit import yamlnodes
from pytest_backend_audit.errors import NoSuchStandardError, Problem, StandardError
from pytest_backend_audit.standard.dimensions import Ladder, SettingTable, read_dimension
from pytest_backend_audit.standard.matrix import read_dispositions, read_levels, read_overrides, read_slo_classes
from pytest_backend_audit.standard.model import Standard
from pytest_backend_audit.standard.nodes import Node, unique

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT = "default"
MAIN_FILE = "standard.yaml"
DATA = Path(__file__).with_name("data")
MAX_PENDING_BYTES = 1 << 20

_REQUIRED = ("id", "name", "version", "levels", "dispositions", "dimensions")
_OPTIONAL = ("overrides", "reviewer_from", "slo_classes", "tools", "settings", "pending")


def load(source: str | Path = DEFAULT, *, names: Mapping[str, Path] = MappingProxyType({})) -> Standard:
    """Read a standard.

    Args:
        source: ``default``, a name from `names`, or the path of a YAML file, or of a folder with a ``standard.yaml``.
        names: Standards that other plugins offer.

    Raises:
        StandardError: There is none, or its data can't be used; `problems` has every place with its cure.
    """
    file, base = _locate(source, names)
    problems: list[Problem] = []
    root = _document(file, base, problems)
    made = None if root is None else _read(root, file.parent, base)
    if problems or made is None:
        raise StandardError(sorted(problems, key=lambda p: (p.path, p.line or 0)))
    return made


def _locate(source: str | Path, names: Mapping[str, Path]) -> tuple[Path, str]:
    """The main file, and the folder as messages name it."""
    if source == DEFAULT:
        return DATA / DEFAULT / MAIN_FILE, DEFAULT
    named = names.get(source) if isinstance(source, str) else None
    path = Path(source) if named is None else named
    if not path.exists():
        hint = yamlnodes.nearest(str(source), [DEFAULT, *names])
        known = ", ".join(sorted({DEFAULT, *names}))
        message = f"there is no standard of that name and no such file or folder{hint} (names: {known})"
        raise NoSuchStandardError([Problem(str(path), None, "", message)])
    if path.is_dir():
        return path / MAIN_FILE, str(path)
    return path, str(path.parent)


def _document(file: Path, base: str, problems: list[Problem]) -> Node | None:
    shown = str(Path(base) / file.name)
    try:
        document = yamlnodes.read(file, shown)
    except yamlnodes.YamlError as error:
        problems.extend(error.problems)
        return None
    return Node(document, (), document.data, problems)


def _read(root: Node, folder: Path, base: str) -> Standard | None:
    fields = root.fields(_REQUIRED, _OPTIONAL)
    if not all(key in fields for key in _REQUIRED):
        return None
    nodes = [n for item in fields["dimensions"].items() if (n := _dimension_node(item, folder, base)) is not None]
    settings = SettingTable()
    if "settings" in fields:
        settings.add(fields["settings"])
    ladders = [read_dimension(node, settings) for node in nodes]
    _validate(ladders)
    if not root.problems:
        # Where a row is wrong, that nobody uses its setting may just follow from that.
        settings.note_unused()
    rows = tuple(row for ladder in ladders for row in ladder.rows)
    tools = fields["tools"].entries() if "tools" in fields else {}
    return Standard(
        id=fields["id"].name(),
        name=fields["name"].text(),
        version=fields["version"].text(),
        dimensions=tuple(ladder.dimension for ladder in ladders),
        levels=read_levels(fields["levels"]),
        rows=rows,
        dispositions=read_dispositions(fields["dispositions"], len(nodes)),
        overrides=read_overrides(fields["overrides"]) if "overrides" in fields else {},
        reviewer_from=fields["reviewer_from"].whole(1, 5) if "reviewer_from" in fields else 4,
        slo_classes=read_slo_classes(fields["slo_classes"]) if "slo_classes" in fields else (),
        pending=_pending(fields["pending"], folder, base, [r.name for r in rows]) if "pending" in fields else (),
        tools={name: tuple(tool.text() for tool in node.items()) for name, node in tools.items()},
    )


def _dimension_node(item: Node, folder: Path, base: str) -> Node | None:
    """A dimension written in place, or the root of the file that is named instead."""
    if isinstance(item.value, dict):
        return item
    name = _file_name(item)
    return None if name is None else _document(folder / name, base, item.problems)


def _file_name(node: Node) -> str | None:
    """The name of a file in the standard's own folder."""
    name = node.text()
    if not name:
        return None
    if Path(name).name != name:
        node.wrong(f'"{name}" is not the name of a file in the same folder')
        return None
    return name


def _validate(ladders: Sequence[Ladder]) -> None:
    unique([(ladder.dimension.id, ladder.id_node) for ladder in ladders], "dimension")
    unique([(ladder.dimension.folder, ladder.folder_node) for ladder in ladders if ladder.folder_node], "folder")
    rows = [pair for ladder in ladders for pair in zip(ladder.rows, ladder.row_nodes, strict=True)]
    owner: dict[str, str] = {}
    for row, node in rows:
        other = owner.setdefault(row.criterion, row.dimension)
        if row.criterion and other != row.dimension:
            node.wrong(f'criterion "{row.criterion}" belongs to dimension {other}; each name has one dimension')
    unique([(row.name, node) for row, node in rows if row.criterion], "row")


def _pending(node: Node, folder: Path, base: str, known: Sequence[str]) -> tuple[str, ...]:
    """The list of rows whose check is still to come: one a line, ``#`` begins a comment."""
    name = _file_name(node)
    if name is None:
        return ()
    shown = str(Path(base) / name)
    try:
        with (folder / name).open("rb") as stream:
            lines = stream.read(MAX_PENDING_BYTES).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        node.problems.append(Problem(shown, None, "", f"can't be read: {reason}"))
        return ()
    listed: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        key = line.partition("#")[0].strip()
        if not key:
            continue
        if key not in known:
            node.problems.append(Problem(shown, number, key, f"no such row{yamlnodes.nearest(key, known)}"))
        elif key in listed:
            node.problems.append(Problem(shown, number, key, f"listed already on line {listed[key]}"))
        listed.setdefault(key, number)
    return tuple(listed)

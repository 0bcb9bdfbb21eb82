"""Reading dimensions: their rows, and the settings that rows refer to by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.standard import proofs
from pytest_backend_audit.standard.model import Defect, Dimension, Proof, Row, Setting, Stricter
from pytest_backend_audit.standard.nodes import unique
from pytest_backend_audit.yamlnodes import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_backend_audit.standard.nodes import Node


@dataclass(frozen=True, slots=True)
class Ladder:
    """A dimension with its rows, and the nodes to complain about when it does not fit the others."""

    dimension: Dimension
    rows: tuple[Row, ...]
    row_nodes: tuple[Node, ...]
    id_node: Node
    folder_node: Node | None


@dataclass(slots=True)
class SettingTable:
    """All settings of a standard by name; names are unique over its files."""

    known: dict[str, Setting] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def add(self, table: Node) -> None:
        """Read the mapping from names to settings that a file has."""
        for name, node in table.entries().items():
            if name in self.nodes:
                node.wrong(f'setting "{name}" is there already ({self.nodes[name].place})')
                continue
            self.nodes[name] = node
            self.known[name] = _setting(name, node)

    def get(self, node: Node) -> Setting | None:
        """The setting that a row names."""
        name = node.text()
        if name in self.known:
            self.used.add(name)
            return self.known[name]
        if name:
            node.wrong(f'unknown setting "{name}"{nearest(name, self.known)}')
        return None

    def note_unused(self) -> None:
        """Note every setting that no row names: changing it would change nothing."""
        for name, node in self.nodes.items():
            if name not in self.used:
                node.wrong("no row uses this setting")


def _setting(name: str, node: Node) -> Setting:
    fields = node.fields(("default", "stricter", "unit", "source", "meaning"))
    stricter = fields["stricter"].choice(Stricter, Stricter.NEITHER) if "stricter" in fields else Stricter.NEITHER
    default = _default(fields["default"]) if "default" in fields else ""
    if isinstance(default, str) and stricter is not Stricter.NEITHER:
        fields["stricter"].wrong('a text has no stricter side; expected "neither"')
    texts = {key: fields[key].text() if key in fields else "" for key in ("unit", "source", "meaning")}
    return Setting(name=name, default=default, stricter=stricter, **texts)


def _default(node: Node) -> float | int | str | bool:
    if isinstance(node.value, bool | int | float):
        return node.value
    return node.text()


def read_dimension(node: Node, settings: SettingTable) -> Ladder:
    """A dimension, with the settings and rows below it."""
    fields = node.fields(("id", "name", "scope", "rows"), ("folder", "blocking", "fixed_levels", "settings"))
    if "settings" in fields:
        settings.add(fields["settings"])
    texts = {key: fields[key].text() if key in fields else "" for key in ("name", "scope", "folder")}
    dimension = Dimension(
        id=fields["id"].name() if "id" in fields else "",
        blocking=fields["blocking"].flag() if "blocking" in fields else False,
        fixed_levels=_fixed_levels(fields),
        **texts,
    )
    nodes = tuple(fields["rows"].items()) if "rows" in fields else ()
    rows = tuple(_row(dimension.id, row, settings) for row in nodes)
    return Ladder(dimension, rows, nodes, fields.get("id", node), fields.get("folder"))


def _fixed_levels(fields: Mapping[str, Node]) -> tuple[int, ...]:
    return tuple(n.whole(1, 5) for n in fields["fixed_levels"].items()) if "fixed_levels" in fields else ()


def _row(dimension: str, node: Node, settings: SettingTable) -> Row:
    fields = node.fields(("criterion", "level", "clause", "proof"), ("accepts", "settings", "defects"))
    proof = _proof(fields.get("proof"))
    named = [(n.text(), n, settings.get(n)) for n in fields["settings"].items()] if "settings" in fields else []
    unique([(name, n) for name, n, _ in named], "setting")
    return Row(
        dimension=dimension,
        criterion=fields["criterion"].name() if "criterion" in fields else "",
        level=fields["level"].whole(1, 5) if "level" in fields else 1,
        clause=fields["clause"].text() if "clause" in fields else "",
        proof=proof,
        accepts=_accepts(fields["accepts"]) if "accepts" in fields else proofs.accepted(proof),
        settings=tuple(setting for _, _, setting in named if setting is not None),
        defects=tuple(_defect(n) for n in fields["defects"].items()) if "defects" in fields else (),
    )


def _proof(node: Node | None) -> proofs.Parts:
    text = node.text() if node else ""
    if node and text:
        try:
            return proofs.parse(text)
        except ValueError as error:
            node.wrong(str(error))
    return ((Proof.MEASURED,),)


def _accepts(node: Node) -> frozenset[EvidenceKind]:
    kinds = [(item, item.choice(EvidenceKind, EvidenceKind.OUTPUT)) for item in node.items()]
    for item, kind in kinds:
        if kind is EvidenceKind.VERBAL:
            item.wrong("what somebody says is never accepted as the only evidence; leave it out")
    return frozenset(kind for _, kind in kinds)


def _defect(node: Node) -> Defect:
    if not isinstance(node.value, dict):
        return Defect(node.text())
    fields = node.fields(("text",), ("common_finding",))
    return Defect(
        text=fields["text"].text() if "text" in fields else "",
        common_finding=fields["common_finding"].flag() if "common_finding" in fields else False,
    )

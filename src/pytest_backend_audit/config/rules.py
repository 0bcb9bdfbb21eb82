"""What no single key of audit.yaml can know: agreement between keys, with the calendar, and with the standard."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from pytest_backend_audit.config.model import AuditFile
from pytest_backend_audit.config.problems import shown
from pytest_backend_audit.config.targets import BUILT_IN, Targets
from pytest_backend_audit.errors import Problem
from pytest_backend_audit.standard.model import Setting, Standard
from pytest_backend_audit.yamlnodes import Path, YamlDocument, nearest

NOT_APPLICABLE_DAYS = 180
"""Longest life of a ``not_applicable`` entry, from its `since` on."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The file, and what it has to agree with."""

    file: AuditFile
    document: YamlDocument
    today: date
    standard: Standard | None
    """None when it is not known: then its names are not checked."""
    registered: Collection[str]
    """Targets that other plugins bring."""

    def problems(self) -> Iterator[Problem]:
        """Everything that doesn't agree."""
        yield from self._environments()
        yield from self._reviewer()
        yield from self._endpoints()
        yield from self._incidents()
        yield from self._not_applicable()
        yield from self._dates_and_doubles()
        if self.standard is not None:
            yield from self._names(self.standard)
            yield from self._thresholds(self.standard.settings())
            yield from self._gate(self.standard)

    def _problem(self, path: Path, message: str) -> Problem:
        return self.document.problem(path, message)

    def _environments(self) -> Iterator[Problem]:
        file = self.file
        if file.environments is None:
            yield from self._target_names(file.targets, ("targets",))
            return
        for key in ("environment", "targets", "identities"):
            if key in file.model_fields_set:
                yield self._problem((key,), "stands beside environments; move it into each of its blocks")
        for name, block in file.environments.items():
            yield from self._target_names(block.targets, ("environments", name, "targets"))

    def _target_names(self, targets: Targets, path: Path) -> Iterator[Problem]:
        known = [*BUILT_IN, *sorted(self.registered)]
        for name in targets.__pydantic_extra__ or {}:
            if name not in self.registered:
                message = f"unknown target; allowed: {', '.join(known)}{nearest(name, known)}"
                yield self._problem((*path, name), message)

    def _reviewer(self) -> Iterator[Problem]:
        lead, second = self.file.lead_auditor.strip(), self.file.second_reviewer.strip()
        if lead and lead.casefold() == second.casefold():
            yield self._problem(
                ("second_reviewer",), f"found {shown(second)}, the lead auditor; allowed: somebody else"
            )

    def _endpoints(self) -> Iterator[Problem]:
        file = self.file
        places: list[Path] = [("endpoints",)]
        groups = [(file.endpoints, file.identities, file.pools, file.load, places[0])]
        for name, block in (file.environments or {}).items():
            here: Path = ("environments", name)
            groups.append(
                (block.endpoints or (), block.identities, block.pools or {}, block.load, (*here, "endpoints"))
            )
        several = file.environments is not None
        for endpoints, identities, pools, load, path in groups:
            # Shared endpoints of a file with several environments may name an identity of any of them.
            known = (
                {n for b in (file.environments or {}).values() for n in b.identities} if several else set(identities)
            )
            yield from self._doubles(((*path, i), f"{e.method} {e.path}") for i, e in enumerate(endpoints))
            for i, endpoint in enumerate(endpoints):
                if endpoint.identity is not None and endpoint.identity not in known:
                    yield self._unknown((*path, i, "identity"), endpoint.identity, known, "identity")
            for name, pool in pools.items():
                targets = [*BUILT_IN, *self.registered]
                if pool.target not in targets:
                    yield self._unknown((*path[:-1], "pools", name, "target"), pool.target, targets, "target")
            if load is not None and sum(load.shares.values()) > 1 + 1e-9:
                yield self._problem((*path[:-1], "load", "shares"), "the shares add up to more than 1")

    def _incidents(self) -> Iterator[Problem]:
        incidents = self.file.incidents or ()
        yield from self._doubles((("incidents", i, "id"), e.id) for i, e in enumerate(incidents))
        for i, entry in enumerate(incidents):
            yield from self._past(("incidents", i, "opened"), entry.opened)
            if entry.resolved is not None:
                yield from self._past(("incidents", i, "resolved"), entry.resolved)
                if entry.resolved < entry.opened:
                    message = f"found {entry.resolved}; allowed: not before it was opened, {entry.opened}"
                    yield self._problem(("incidents", i, "resolved"), message)

    def _not_applicable(self) -> Iterator[Problem]:
        entries = self.file.not_applicable
        yield from self._doubles((("not_applicable", i, "criterion"), e.criterion) for i, e in enumerate(entries))
        for i, entry in enumerate(entries):
            yield from self._past(("not_applicable", i, "since"), entry.since)
            last = date.fromisoformat(entry.since) + timedelta(days=NOT_APPLICABLE_DAYS)
            if not entry.since <= entry.expires <= last.isoformat():
                message = (
                    f"found {entry.expires}; allowed: from {entry.since} to {last.isoformat()}, "
                    f"{NOT_APPLICABLE_DAYS} days after since"
                )
                yield self._problem(("not_applicable", i, "expires"), message)
            if self.standard is not None and (fixed := _fixed_row(self.standard, entry.criterion)):
                message = f"{entry.criterion} has the row {fixed}, which no service can do without"
                yield self._problem(("not_applicable", i, "criterion"), message)

    def _dates_and_doubles(self) -> Iterator[Problem]:
        file = self.file
        yield from self._doubles((("acknowledged", i, "item"), e.item) for i, e in enumerate(file.acknowledged))
        doubles = ((("attestations", i), f"{e.criterion}, {e.reference}") for i, e in enumerate(file.attestations))
        yield from self._doubles(doubles)
        for i, entry in enumerate(file.attestations):
            yield from self._past(("attestations", i, "date"), entry.date)

    def _names(self, standard: Standard) -> Iterator[Problem]:
        file = self.file
        dimensions = [d.id for d in standard.dimensions]
        suites = enumerate(file.suites) if isinstance(file.suites, tuple) else ()
        named: list[tuple[Path, str]] = [(("suites", i), s) for i, s in suites]
        for key, mapping in (("owners", file.owners), ("sought", file.sought), ("weights", file.weights)):
            named += [((key, d), d) for d in mapping]
        for i, incident in enumerate(file.incidents or ()):
            named += [(("incidents", i, "dimensions", j), d) for j, d in enumerate(incident.dimensions)]
        yield from (self._unknown(p, d, dimensions, "dimension") for p, d in named if d not in dimensions)

        own = _criteria(standard)
        for name in file.criteria:
            if name in own:
                yield self._problem(("criteria", name), "the standard has this criterion; give your own another name")
        criteria = {*own, *file.criteria}
        used: list[tuple[Path, str]] = [
            *((("attestations", i, "criterion"), e.criterion) for i, e in enumerate(file.attestations)),
            *((("not_applicable", i, "criterion"), e.criterion) for i, e in enumerate(file.not_applicable)),
            *((("acknowledged", i, "item"), e.item.partition(":")[0]) for i, e in enumerate(file.acknowledged)),
            *((("leave_out", c), c) for c in file.leave_out),
        ]
        yield from (self._unknown(p, c, criteria, "criterion") for p, c in used if c not in criteria)
        classes = [c.id for c in standard.slo_classes]
        for i, endpoint in enumerate(file.endpoints):
            if classes and endpoint.class_ is not None and endpoint.class_ not in classes:
                yield self._unknown(("endpoints", i, "class"), endpoint.class_, classes, "class")

    def _thresholds(self, settings: dict[str, Setting]) -> Iterator[Problem]:
        for name, value in self.file.thresholds.items():
            path: Path = ("thresholds", name)
            if name not in settings:
                yield self._unknown(path, name, settings, "setting of the standard")
            elif wanted := _wanted(settings[name].default, value):
                unit = f" ({settings[name].unit})" if settings[name].unit else ""
                yield self._problem(path, f"found {shown(value)}; allowed: {wanted}{unit}")

    def _gate(self, standard: Standard) -> Iterator[Problem]:
        gate = self.file.gate
        if gate is None:
            return
        if self.file.standard == "none":
            yield self._problem(("gate",), "a gate needs a standard, and standard is none")
            return
        signed = [d.id for d in standard.dispositions if d.needs_sign_off]
        allowed = [d.id for d in standard.dispositions if not d.needs_sign_off and d.floor is not None]
        if gate in signed:
            message = (
                f"{gate} needs a sign-off: run, sign, then backend-audit gate RUN; allowed here: {', '.join(allowed)}"
            )
            yield self._problem(("gate",), message)
        elif gate not in allowed:
            yield self._unknown(("gate",), gate, allowed, "disposition")

    def _past(self, path: Path, day: str) -> Iterator[Problem]:
        if day > self.today.isoformat():
            yield self._problem(path, f"found {day}, in the future; allowed: up to {self.today.isoformat()}")

    def _doubles(self, named: Iterable[tuple[Path, str]]) -> Iterator[Problem]:
        first: dict[str, int] = {}
        for path, name in named:
            if name in first:
                yield self._problem(
                    path, f"found {shown(name)} again, first on line {first[name]}; keep one of the two"
                )
            first.setdefault(name, self.document.line(path))

    def _unknown(self, path: Path, name: str, known: Iterable[str], what: str) -> Problem:
        names = list(known)
        listed = f"; allowed: {', '.join(sorted(names))}" if len(names) <= 12 else ""
        return self._problem(path, f"found {shown(name)}, which is no {what}{listed}{nearest(name, names)}")


def _criteria(standard: Standard) -> set[str]:
    """Criteria of the standard, those included whose rows this edition leaves out."""
    return {r.criterion for r in standard.rows} | {p.split("/")[1] for p in standard.pending if p.count("/") == 2}


def _fixed_row(standard: Standard, criterion: str) -> str | None:
    """``4.6 L2`` when the criterion has a row that can't be declared not applicable."""
    rows = {(r.dimension, r.criterion, f"L{r.level}") for r in standard.rows}
    rows |= {(d, c, level) for d, c, level in (p.split("/") for p in standard.pending if p.count("/") == 2)}
    for dimension in standard.dimensions:
        for level in dimension.fixed_levels:
            if (dimension.id, criterion, f"L{level}") in rows:
                return f"{dimension.id} L{level}"
    return None


def _wanted(default: object, value: object) -> str | None:
    """What the setting takes, when `value` is not of that kind."""
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "true or false"
    if isinstance(default, str):
        return None if isinstance(value, str) else "a text"
    whole = isinstance(default, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return "a whole number" if whole else "a number"
    return None

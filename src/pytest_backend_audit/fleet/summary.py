"""From audits to the numbers of a fleet. Pure: now is an argument, and the order of the audits does not matter."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fnmatch import fnmatchcase

from pytest_backend_audit.fleet.audits import Audit, Standing, State, Unread, day
from pytest_backend_audit.fleet.histories import histories, in_order
from pytest_backend_audit.fleet.places import Key
from pytest_backend_audit.fleet.stores import is_url
from pytest_backend_audit.fleet.trends import Moment, Period, periods
from pytest_backend_audit.model import Severity

AUDIT_AGAIN = re.compile(r"\b(re-?)?audit", re.IGNORECASE)
"""What marks a required action as one about the next audit."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about."""

    as_of: date
    order: tuple[str, ...] = ()
    """Ids of the dispositions, best first; others follow by name."""
    owner: str = ""
    """Of dimensions; then all but total and disposition is about theirs. Empty: everybody."""
    services: tuple[str, ...] = ()
    """Patterns of names, of which one must match; none: every service."""
    environments: tuple[str, ...] = ()
    """Names or kinds, of which one must be that of an environment of the audit; none: every environment."""


@dataclass(frozen=True, slots=True)
class Level:
    """Where a dimension of a service stands."""

    level: int
    change: int | None
    """Against the audit before in the same environments, without the reviewer's cap on either side; None without."""


@dataclass(frozen=True, slots=True)
class Service:
    """The latest audit of a service in one environment."""

    service: str
    environment: str
    kind: str
    called: str
    """What people call the environment: its kind, or its name where the service has several of that kind."""
    audited: date
    age: int
    """Days."""
    total: int | None
    maximum: int
    change: int | None
    """Of the total against the audit before, without the reviewer's cap on either side; None if they don't compare."""
    before: date | None
    """Day of the audit before, in the same environments."""
    disposition: str
    """Id, or empty."""
    disposition_name: str
    signed: bool
    levels: Mapping[str, Level]
    overdue: int
    """Findings whose date is past."""
    tracked: bool
    """Whether they are those that the service's ledger has open; else they are as they were filed."""
    place: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension over all services."""

    id: str
    name: str
    counts: tuple[int, int, int, int, int]
    """Services at level 1 to 5."""

    @property
    def mean(self) -> float:
        """Mean level, to two places."""
        return round(sum(level * n for level, n in enumerate(self.counts, 1)) / sum(self.counts), 2)


@dataclass(frozen=True, slots=True)
class Tier:
    """A disposition, and who has it."""

    id: str
    name: str
    services: tuple[Service, ...]
    """Worst first."""


@dataclass(frozen=True, slots=True)
class Failing:
    """A criterion that does not hold everywhere."""

    dimension: str
    criterion: str
    failed: int
    """Services where a check of it failed or was broken."""
    unproven: int
    """Services where none did, but one could not run or had weak evidence or none."""
    of: int
    """Services that were checked for it."""


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A required action about the next audit, whose date is past without one."""

    service: Service
    due: date
    days: int
    text: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """The numbers."""

    asked: Asked
    services: tuple[Service, ...]
    """Worst first."""
    names: int
    """Different services."""
    audits: int
    """Audits counted, earlier ones too."""
    dimensions: tuple[Dimension, ...]
    dispositions: tuple[Tier, ...]
    """Best first."""
    failing: tuple[Failing, ...]
    """Commonest first."""
    lapsed: tuple[Lapsed, ...]
    """Longest first."""
    overdue: Mapping[Severity, int]
    periods: tuple[Period, ...]
    twice: int
    """Files of an audit that another file has too."""
    at_odds: tuple[tuple[str, str], ...]
    """Files of one audit that differ: the one counted, and the other."""
    later: int
    """Audits after the day that is asked about."""
    unread: tuple[Unread, ...]
    at_urls: int = 0
    """Audits counted whose cards lie at URLs, where no ledger is read: one that was changed counts as it is."""
    without_ledger: int = 0
    """Likewise in folders where no ledger lies."""

    @property
    def tracked(self) -> int:
        """Services whose ledger tells which findings are open."""
        return sum(s.tracked for s in self.services)

    @property
    def mixed(self) -> bool:
        """Whether the services are in several environments: of other kinds, or one service in two of a kind."""
        return len({s.called for s in self.services}) > 1

    @property
    def fell(self) -> tuple[Service, ...]:
        """Services whose total fell, the deepest fall first."""
        return tuple(sorted((s for s in self.services if (s.change or 0) < 0), key=lambda s: (s.change or 0, _name(s))))

    @property
    def rose(self) -> tuple[Service, ...]:
        """Services whose total rose, the highest rise first."""
        risen = (s for s in self.services if (s.change or 0) > 0)
        return tuple(sorted(risen, key=lambda s: (-(s.change or 0), _name(s))))


def summarise(
    audits: Iterable[Audit], asked: Asked, unread: Sequence[Unread] = (), bare: Collection[str] = ()
) -> Fleet:
    """The numbers of a fleet.

    Args:
        audits: In any order, one for each file.
        asked: The day and the filters.
        unread: Files that could not be read, for the record.
        bare: Places of cards beside which no ledger lies.
    """
    once, twice, at_odds = _once(audits)
    chosen, later = _chosen(once, asked)
    rows = Counter(h[-1].subject for h in chosen)
    earlier = _by_environments(made_until(once, asked.as_of))
    told = [(_service(h[-1], earlier, asked, alone=rows[h[-1].subject] == 1), h) for h in chosen]
    told.sort(key=lambda pair: _worst_first(pair[0]))
    latest = [(service, history[-1]) for service, history in told]
    services = tuple(service for service, _ in latest)
    return Fleet(
        asked=asked,
        services=services,
        names=len({s.service for s in services}),
        audits=sum(len(h) for h in chosen),
        dimensions=tuple(_dimensions(latest)),
        dispositions=tuple(_tiers(services, asked.order)),
        failing=tuple(_failing(latest)),
        lapsed=tuple(_lapsed(latest, asked.as_of)),
        overdue=_overdue(latest, asked),
        periods=periods(_in_time(told, asked), asked.as_of),
        twice=twice,
        at_odds=at_odds,
        later=later,
        unread=tuple(sorted(unread, key=lambda u: (u.place, u.reason))),
        at_urls=sum(is_url(a.place) for h in chosen for a in h),
        without_ledger=sum(a.place in bare for h in chosen for a in h),
    )


def latest_of(audits: Iterable[Audit], asked: Asked) -> tuple[Audit, ...]:
    """The audits whose findings count: the latest of each service in each environment.

    Args:
        audits: In any order, one for each file.
        asked: The day and the filters.
    """
    once, _, _ = _once(audits)
    return tuple(history[-1] for history in _chosen(once, asked)[0])


def _chosen(once: Sequence[Audit], asked: Asked) -> tuple[list[list[Audit]], int]:
    """The audits that are asked about, those that follow each other together, and how many are of a later day."""
    until = made_until(once, asked.as_of)
    there = [a for a in until if is_of(a, asked.services) and a.of(asked.environments)]
    found = histories(there, asked.environments)
    return [history for history in found if owned(history[-1], asked.owner)], len(once) - len(until)


def below(fleet: Fleet, minimum: str) -> tuple[Service, ...]:
    """The services whose disposition is below a minimum; one that is none of the standard's is, and none at all is.

    Args:
        fleet: With the order of the dispositions.
        minimum: One of them.
    """
    enough = fleet.asked.order[: fleet.asked.order.index(minimum) + 1]
    return tuple(s for s in fleet.services if s.disposition not in enough)


def _once(audits: Iterable[Audit]) -> tuple[list[Audit], int, tuple[tuple[str, str], ...]]:
    """Each audit once, how many files were too many, and which of them differ from the one that counts."""
    same: dict[tuple[object, ...], list[Audit]] = defaultdict(list)
    for audit in audits:
        same[audit.identity].append(audit)
    kept, at_odds = [], []
    for group in same.values():
        # A card that was filed again once it was signed says more than the first.
        first, *others = sorted(group, key=lambda a: (not a.signed, a.place))
        kept.append(first)
        at_odds += [(first.place, a.place) for a in others if a.signed == first.signed and _differ(first, a)]
    return kept, sum(len(group) - 1 for group in same.values()), tuple(sorted(at_odds))


def _differ(one: Audit, other: Audit) -> bool:
    def content(audit: Audit) -> tuple[object, ...]:
        return audit.total, audit.disposition, audit.dimensions, audit.criteria, audit.at

    return content(one) != content(other)


def made_until(audits: Iterable[Audit], as_of: date) -> list[Audit]:
    """The audits that were made by the end of a day."""
    end = datetime.combine(as_of, time.max, UTC)
    return [audit for audit in audits if audit.at <= end]


def is_of(audit: Audit, services: Collection[str]) -> bool:
    """Whether an audit is of one of the services that are asked for, by patterns of their names; none: of any."""
    names = {audit.service, audit.name}
    return not services or any(fnmatchcase(name, pattern) for name in names for pattern in services)


def owned(audit: Audit, owner: str) -> tuple[Standing, ...]:
    """The dimensions that are asked about."""
    if not owner:
        return audit.dimensions
    return tuple(d for d in audit.dimensions if d.owner.casefold() == owner.strip().casefold())


def _by_environments(audits: Iterable[Audit]) -> dict[tuple[str, frozenset[Key]], list[Audit]]:
    """The audits of each service in the same environments, as they were made."""
    found: dict[tuple[str, frozenset[Key]], list[Audit]] = defaultdict(list)
    for audit in in_order(audits):
        found[_environments(audit)].append(audit)
    return found


def _environments(audit: Audit) -> tuple[str, frozenset[Key]]:
    return audit.name, frozenset(place.key for place in audit.places)


def _service(
    audit: Audit, audits: Mapping[tuple[str, frozenset[Key]], Sequence[Audit]], asked: Asked, *, alone: bool
) -> Service:
    there = audits[_environments(audit)]
    # Whatever a merge with others says in between.
    place = next(n for n, each in enumerate(there) if each is audit)
    before = there[place - 1] if place else None
    past = {d.dimension: d.would_be for d in before.dimensions} if before else {}
    levels = {
        d.dimension: Level(d.level, d.would_be - past[d.dimension] if d.dimension in past else None)
        for d in owned(audit, asked.owner)
    }
    change = None
    if before and before.maximum == audit.maximum and audit.uncapped is not None and before.uncapped is not None:
        change = audit.uncapped - before.uncapped
    return Service(
        service=audit.name,
        environment=audit.environment,
        kind=audit.kind,
        called=audit.kind if alone else audit.environment or audit.kind,
        audited=audit.at.date(),
        age=(asked.as_of - audit.at.date()).days,
        total=audit.total,
        maximum=audit.maximum,
        change=change,
        before=before.at.date() if before else None,
        disposition=audit.disposition,
        disposition_name=audit.disposition_name or audit.disposition,
        signed=audit.signed,
        levels=levels,
        overdue=sum(f.due is not None and f.due < asked.as_of for f in audit.findings if f.dimension in levels),
        tracked=audit.tracked,
        place=audit.place,
    )


def _name(service: Service) -> tuple[str, str, str]:
    return service.service, service.kind, service.environment


def _worst_first(service: Service) -> tuple[object, ...]:
    share = -1.0 if service.total is None else service.total / (service.maximum or 1)
    lowest = sorted(level.level for level in service.levels.values())
    return share, lowest, _name(service)


def _dimensions(latest: Iterable[tuple[Service, Audit]]) -> Iterable[Dimension]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for service, audit in latest:
        for standing in audit.dimensions:
            if standing.dimension in service.levels:
                counts[standing.dimension][standing.level - 1] += 1
                names[standing.dimension][standing.name] += 1
    # Those of most services first, as a standard of one's own is mostly that of a few; then in the order of their ids.
    for id_ in sorted(counts, key=lambda i: (-sum(counts[i]), _natural(i))):
        one, two, three, four, five = counts[id_]
        name = min(names[id_], key=lambda n: (-names[id_][n], n))
        yield Dimension(id_, name, (one, two, three, four, five))


def _natural(text: str) -> list[tuple[int, int, str]]:
    """4.10 after 4.9."""
    return [(0, int(p), "") if p.isdecimal() and len(p) < 10 else (1, 0, p) for p in re.split(r"(\d+)", text) if p]


def _tiers(services: Sequence[Service], order: Sequence[str]) -> Iterable[Tier]:
    by_id: dict[str, list[Service]] = defaultdict(list)
    for service in services:
        by_id[service.disposition].append(service)
    others = sorted(id_ for id_ in by_id if id_ and id_ not in order)
    for id_ in [*(o for o in order if o in by_id), *others, *([""] if "" in by_id else [])]:
        named = Counter(s.disposition_name for s in by_id[id_])
        yield Tier(id_, min(named, key=lambda n: (-named[n], n)), tuple(by_id[id_]))


def _failing(latest: Iterable[tuple[Service, Audit]]) -> list[Failing]:
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for service, audit in latest:
        for criterion in audit.criteria:
            if criterion.dimension in service.levels:
                counts[criterion.dimension, criterion.id][criterion.state] += 1
    found = [
        Failing(dimension, criterion, n[State.FAILED], n[State.UNPROVEN], sum(n))
        for (dimension, criterion), n in counts.items()
        if n[State.FAILED] or n[State.UNPROVEN]
    ]
    return sorted(found, key=lambda f: (-f.failed, -f.unproven, _natural(f.dimension), f.criterion))


def _lapsed(latest: Iterable[tuple[Service, Audit]], as_of: date) -> list[Lapsed]:
    found = []
    for service, audit in latest:
        for action in audit.actions:
            due = day(action.due)
            if due is not None and due < as_of and AUDIT_AGAIN.search(action.text):
                found.append(Lapsed(service, due, (as_of - due).days, action.text))
    return sorted(found, key=lambda one: (one.due, _name(one.service), one.text))


def _overdue(latest: Iterable[tuple[Service, Audit]], asked: Asked) -> dict[Severity, int]:
    late = [
        finding
        for service, audit in latest
        for finding in audit.findings
        if finding.due is not None and finding.due < asked.as_of and finding.dimension in service.levels
    ]
    # One that is open in several environments is one.
    once = {finding.mark: finding for finding in late if finding.mark}
    counts = Counter(f.severity for f in (*once.values(), *(f for f in late if not f.mark)))
    return {severity: counts[severity] for severity in Severity}


def _in_time(told: Iterable[tuple[Service, Sequence[Audit]]], asked: Asked) -> list[list[Moment]]:
    """The audits of each service in their order, with their levels of the dimensions that are asked about."""
    audits: dict[str, list[Audit]] = defaultdict(list)
    rows: dict[int, Service] = {}
    for service, history in told:
        audits[service.service] += history
        rows |= dict.fromkeys(map(id, history), service)
    return [[_moment(a, rows[id(a)], asked) for a in in_order(there, asked.environments)] for there in audits.values()]


def _moment(audit: Audit, service: Service, asked: Asked) -> Moment:
    levels = [d.level for d in audit.dimensions if d.dimension in service.levels]
    return Moment(audit.at.date(), audit.of(asked.environments), sum(levels), len(levels))

"""Two audit.yaml, one judgement: of each policy key the stricter counts, and what differs is listed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeVar

from pytest_backend_audit.config.incidents import graver, words
from pytest_backend_audit.config.terms import Terms
from pytest_backend_audit.model import Acknowledged, Difference, Incident, Need, NotApplicable
from pytest_backend_audit.standard.model import Setting, Standard, Stricter

Value = float | int | str | bool
Kind = TypeVar("Kind", NotApplicable, Acknowledged)
NOT_SET = "not set"
NONE = "none"
TOP = 5
"""The level that is sought unless audit.yaml says otherwise."""
_STANDARDS = ("none", "bundled", "default")
"""From the mildest on: each has all rows of the one before it. No other pair of standards can be compared."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What counts of two audit.yaml."""

    terms: Terms
    differences: tuple[Difference, ...] = ()


def join(here: Terms, there: Terms, standard: Standard) -> Joined:
    """The stricter of both, key by key and item by item.

    Where nobody can tell which is stricter (weights, a threshold without direction, standards that are none of ours),
    the protected word counts. Reasons, names and owners are those of `here`.

    Args:
        here: What audit.yaml says.
        there: What the protected policy says.
        standard: Says which way a threshold is stricter, and in which order dispositions and dimensions come.
    """
    joiner = _Joiner(here, there, standard)
    terms = joiner.terms()
    return Joined(terms, tuple(joiner.differences))


def stricter_standard(here: str, there: str) -> str:
    """Which of two values of the key ``standard`` counts."""
    if here in _STANDARDS and there in _STANDARDS:
        return max(here, there, key=_STANDARDS.index)
    return there


@dataclass(slots=True)
class _Joiner:
    here: Terms
    there: Terms
    standard: Standard
    differences: list[Difference] = field(default_factory=list)
    origins: dict[tuple[str, str], str] = field(default_factory=dict)

    def terms(self) -> Terms:
        one, two = self.here.policy, self.there.policy
        self.origins = dict(self.here.origins)
        policy = replace(
            one,
            gate=self._gate(one.gate, two.gate),
            sought=self._sought(one.sought, two.sought),
            thresholds=self._thresholds(one.thresholds, two.thresholds),
            weights=self._weights(one.weights, two.weights),
            not_applicable=self._both("not_applicable", one.not_applicable, two.not_applicable, _criterion, _between),
            acknowledged=self._both("acknowledged", one.acknowledged, two.acknowledged, _item, _expiring),
            leave_out=self._leave_out(one.leave_out, two.leave_out),
            incidents=self._incidents(one.incidents, two.incidents),
        )
        return Terms(
            name=self.here.name,
            policy=policy,
            allow=self._allow(),
            suites=self._suites(),
            standard=self._standard(),
            allow_author=self._allow_author(),
            allowed_signers=self._allowed_signers(),
            notices=(*self.here.notices, *self.there.notices),
            origins=self.origins,
        )

    def _told(self, key: str, item: str, here: str, there: str, taken: str) -> None:
        """Note a difference, and take over the origin of what counts."""
        self.differences.append(
            Difference(
                f"{key}.{item}" if item else key,
                here,
                self.here.origin(key, item),
                there,
                self.there.origin(key, item),
                taken,
            )
        )

    def _theirs(self, key: str, item: str = "") -> None:
        self.origins[key, item] = self.there.origin(key, item)

    def _gate(self, one: str | None, two: str | None) -> str | None:
        order = [d.id for d in self.standard.dispositions]
        known = [g for g in (one, two) if g in order]
        taken = min(known, key=lambda g: order.index(str(g)), default=two)
        if one != two:
            self._told("gate", "", one or NONE, two or NONE, taken or NONE)
            if taken == two:
                self._theirs("gate")
        return taken

    def _sought(self, one: Mapping[str, int], two: Mapping[str, int]) -> dict[str, int]:
        taken = {}
        for item in _items(one, two):
            a, b = one.get(item, TOP), two.get(item, TOP)
            taken[item] = max(a, b)
            if a != b:
                self._told("sought", item, _set(one.get(item)), _set(two.get(item)), str(taken[item]))
                if b > a:
                    self._theirs("sought", item)
        return taken

    def _thresholds(self, one: Mapping[str, Value], two: Mapping[str, Value]) -> dict[str, Value]:
        settings = self.standard.settings()
        taken: dict[str, Value] = {}
        for item in _items(one, two):
            if item not in one:
                self.origins["thresholds", item] = "standard"
            setting = settings.get(item)
            default = setting.default if setting else ""
            a, b = one.get(item, default), two.get(item, default)
            ours = a == b or _is_stricter(a, b, setting)
            taken[item] = a if ours else b
            if a != b and not (ours and item in one):
                # What one of the two leaves alone is the standard's; whoever is judged by it should see why.
                stated = item in (one if ours else two)
                origin = (self.here if ours else self.there).origin("thresholds", item)
                self.origins["thresholds", item] = origin if stated else f"standard, not changed in {origin}"
            if a != b:
                self._told("thresholds", item, _set(one.get(item)), _set(two.get(item)), _text(taken[item]))
        return taken

    def _weights(self, one: Mapping[str, str], two: Mapping[str, str]) -> dict[str, str]:
        for item in _items(one, two):
            a, b = one.get(item, "1"), two.get(item, "1")
            if Fraction(a) != Fraction(b):
                self._told("weights", item, _set(one.get(item)), _set(two.get(item)), b)
                self._theirs("weights", item)
        return dict(two)

    def _both(
        self,
        key: str,
        one: Sequence[Kind],
        two: Sequence[Kind],
        name: Callable[[Kind], str],
        narrowed: Callable[[Kind, Kind], tuple[Kind, str, str, str]],
    ) -> tuple[Kind, ...]:
        """Exceptions that both have, each for the time in which both allow it."""
        ours, theirs = {name(e): e for e in one}, {name(e): e for e in two}
        taken = []
        for item in _items(ours, theirs):
            a, b = ours.get(item), theirs.get(item)
            if a is not None and b is not None:
                entry, said_here, said_there, said = narrowed(a, b)
                taken.append(entry)
                if said_here != said_there:
                    self._told(key, item, said_here, said_there, said)
            elif a is not None:
                self._told(key, item, narrowed(a, a)[1], NONE, NONE)
            elif b is not None:
                self._told(key, item, NONE, narrowed(b, b)[1], NONE)
        return tuple(taken)

    def _leave_out(self, one: Mapping[str, str], two: Mapping[str, str]) -> dict[str, str]:
        for item in _items(one, two):
            if (item in one) != (item in two):
                here, there = ("left out", NONE) if item in one else (NONE, "left out")
                self._told("leave_out", item, here, there, NONE)
        return {item: reason for item, reason in one.items() if item in two}

    def _incidents(self, one: Sequence[Incident] | None, two: Sequence[Incident] | None) -> tuple[Incident, ...] | None:
        if one is None and two is None:
            return None
        if (one is None) != (two is None):
            here, there = (NOT_SET if entries is None else _counted(entries) for entries in (one, two))
            self._told("incidents", "", here, there, _counted(one or two or ()))
        ours, theirs = {e.id: e for e in one or ()}, {e.id: e for e in two or ()}
        taken = []
        for item in _items(ours, theirs):
            a, b = ours.get(item), theirs.get(item)
            if a is not None and b is not None:
                joined = graver(a, b)
                taken.append(joined)
                if words(a) != words(b):
                    self._told("incidents", item, words(a), words(b), words(joined))
                continue
            entry = a or b
            if entry is not None:
                taken.append(entry)
                if one is not None and two is not None:
                    said = [words(e) if e else NONE for e in (a, b)]
                    self._told("incidents", item, said[0], said[1], words(entry))
                if a is None:
                    self._theirs("incidents", item)
        return tuple(taken)

    def _allow(self) -> tuple[Need, ...]:
        one, two = self.here.allow, self.there.allow
        taken = tuple(n for n in Need if n in one and n in two)
        if set(one) != set(two):
            self._told("allow", "", _listed(one), _listed(two), _listed(taken))
        return taken

    def _allow_author(self) -> bool:
        one, two = self.here.allow_author, self.there.allow_author
        if one != two:
            self._told("sign_off", "allow_author", _text(one), _text(two), _text(False))
        return one and two

    def _allowed_signers(self) -> str:
        one, two = self.here.allowed_signers, self.there.allowed_signers
        if one != two:
            self._told("sign_off", "allowed_signers", one, two, two)
        return two

    def _suites(self) -> str | tuple[str, ...]:
        one, two = self.here.suites, self.there.suites
        known = [d.id for d in self.standard.dimensions]
        a, b = _dimensions(one, known), _dimensions(two, known)
        union = tuple(d for d in known if d in {*a, *b})
        if set(a) == set(b):
            return one
        taken: str | tuple[str, ...] = one if set(union) == set(a) else two if set(union) == set(b) else union
        self._told("suites", "", _listed(one), _listed(two), _listed(taken))
        return taken

    def _standard(self) -> str:
        one, two = self.here.standard, self.there.standard
        taken = stricter_standard(one, two)
        if one != two:
            self._told("standard", "", one, two, taken)
        return taken


def _items(one: Mapping[str, object], two: Mapping[str, object]) -> Iterator[str]:
    """The items of both, those of the first in its order, then those that only the second has."""
    yield from dict.fromkeys((*one, *two))


def _is_stricter(one: Value, other: Value, setting: Setting | None) -> bool:
    """Whether the first value of a threshold is the stricter; False where that can't be told."""
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    if setting is None or not numbers:
        return False
    if setting.stricter is Stricter.LOWER:
        return float(one) < float(other)
    return setting.stricter is Stricter.HIGHER and float(one) > float(other)


def _criterion(entry: NotApplicable) -> str:
    return entry.criterion


def _item(entry: Acknowledged) -> str:
    return entry.item


def _between(one: NotApplicable, two: NotApplicable) -> tuple[NotApplicable, str, str, str]:
    """What both allow; and what the first, the second and both say, as texts."""
    taken = replace(one, since=max(one.since, two.since), expires=min(one.expires, two.expires))
    here, there, both = (f"{e.since} to {e.expires}" for e in (one, two, taken))
    return taken, here, there, both


def _expiring(one: Acknowledged, two: Acknowledged) -> tuple[Acknowledged, str, str, str]:
    """As `_between`."""
    taken = replace(one, expires=min(one.expires, two.expires))
    here, there, both = (f"until {e.expires}" for e in (one, two, taken))
    return taken, here, there, both


def _counted(entries: Sequence[Incident]) -> str:
    return f"{len(entries)} incident{'' if len(entries) == 1 else 's'}"


def _dimensions(suites: str | tuple[str, ...], known: Sequence[str]) -> tuple[str, ...]:
    if isinstance(suites, str):
        return tuple(known) if suites == "all" else ()
    return suites


def _listed(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else ", ".join(names) or NONE


def _set(value: Value | None) -> str:
    return NOT_SET if value is None else _text(value)


def _text(value: Value) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)

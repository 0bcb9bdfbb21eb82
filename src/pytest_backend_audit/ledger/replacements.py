"""What has come in the place of an audit.yaml or a policy that audits judged by, by the reviewer's word. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pytest_backend_audit.ledger.events import Replaced

What = Literal["audit.yaml", "policy"]


@dataclass(frozen=True, slots=True)
class Replacements:
    """What stands for what now."""

    last: Mapping[tuple[What, str], Replaced] = field(default_factory=dict)
    """Kind and name -> the word by which it was replaced; of what was replaced, and came back, none."""

    @classmethod
    def told(cls, events: Iterable[Replaced]) -> Replacements:
        """What these come to, in their order."""
        last: dict[tuple[What, str], Replaced] = {}
        for event in events:
            # What takes a place is there, whatever had taken its own: so that no chain of them ends where it began.
            last.pop((event.what, event.after), None)
            last[event.what, event.before] = event
        return cls(last)

    def chain(self, what: What, name: str) -> tuple[str, ...]:
        """Whatever has stood for something, one after the other, from itself to what does now."""
        names = [name]
        while event := self.last.get((what, names[-1])):
            names.append(event.after)
        return tuple(names)

    def word(self, what: What, name: str) -> Replaced | None:
        """The word that names what stands for something now; None if it stands for itself."""
        *_, before, _ = ("", *self.chain(what, name))
        return self.last.get((what, before))

    def now(self, what: What, name: str) -> str:
        """What stands for something now: itself, if nobody says otherwise."""
        return self.chain(what, name)[-1]


__all__ = ["Replacements", "What"]

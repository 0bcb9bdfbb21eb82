"""How requests spread over the instances of a service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

FEW = 4
"""Instances up to which the least share holds as it is set; an even share of one of four is 25 %."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Which instance answered how often."""

    answers: Counter[str]
    instances: int
    """Instances that there are: those that answered, or more where more are known of."""
    known: int = 0
    """Instances that audit.yaml knows of; 0 where it names none."""

    @classmethod
    def of(cls, names: Iterable[str], known: int = 0) -> Spread:
        """Count the names.

        Args:
            names: The instance that answered, for each request.
            known: Instances that audit.yaml knows of.
        """
        answers = Counter(names)
        return cls(answers, max(len(answers), known), known)

    def no_instances(self) -> str:
        """Why what answered are no names of instances; empty where they may be.

        More of them than there are instances, or one for nearly each request, are names of something else: a request,
        a connection, a time.
        """
        if self.known and len(self.answers) > self.known:
            return f"more than the {self.known} that targets.http.metrics names"
        if len(self.answers) * 2 > self.answers.total():
            return "so many that most were seen once only"
        return ""

    def least(self, share: float) -> float:
        """The least share that each instance must have answered; beyond four instances it shrinks with their number."""
        return share * min(1.0, FEW / self.instances) if self.instances else share

    def uneven(self, share: float) -> bool:
        """Whether fewer than two instances answered, or one of them too rarely."""
        total = self.answers.total()
        if len(self.answers) < 2 or len(self.answers) < self.instances:
            return True
        return min(self.answers.values()) < self.least(share) * total

    def __str__(self) -> str:
        return ", ".join(f"{name}: {count}" for name, count in sorted(self.answers.items()))

"""What the witnesses have seen, kept as data, and the page that shows it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_backend_audit.demo.companions import DEFECTS
from pytest_backend_audit.demo.defects import CATALOGUE, Defect
from pytest_backend_audit.standard import load
from pytest_backend_audit.standard.model import Standard

THROWN = (*CATALOGUE.values(), *DEFECTS.values())
"""All that is thrown: on the reference stack, and in the companions."""
SEEN = Path(__file__).with_name("seen.json")
PAGE = Path(__file__).parents[2] / "docs" / "witnesses.md"

HEAD = """\
# Witnesses

Every bundled check has two witnesses on real servers: a defect that turns it red, and the sound service on which it is
green. `scripts/witnesses` throws the defects one by one on the reference service and its stack, audits it by the suites
of its dimension and of those that must see it too (`--whole`: by all), and writes this page. A defect counts as seen
when the check failed by the expected words and no check failed that the catalogue (`demo/defects/`) does not expect.
Where the message tells a remedy that can be carried out (a statement, a command), the witness does so and sees the
check turn green: the column *remedy*.

"""


@dataclass
class Sight:
    """What was seen of one thing, and where."""

    times: int = 0
    of: int = 0
    remedy: str = ""
    """"green" once the remedy was carried out and the check was green."""
    reason: str = ""
    """Why it could not run, the last time it couldn't."""
    said: str = ""
    """The message of the check that failed; of one that passed, what it rests on."""
    commit: str = ""
    date: str = ""


@dataclass
class Seen:
    """The record of all runs."""

    versions: dict[str, str] = field(default_factory=dict)
    red: dict[str, Sight] = field(default_factory=dict)
    """By defect and check: ``foreign-key-indexes query_performance.foreign_key_indexes::test_...``."""
    green: dict[str, Sight] = field(default_factory=dict)
    """By check, on the sound service."""

    @classmethod
    def read(cls, path: Path = SEEN) -> Seen:
        """The record on disk; an empty one, if there is none."""
        if not path.exists():
            return cls()
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return cls(
            versions=data["versions"],
            red={key: Sight(**value) for key, value in data["red"].items()},
            green={key: Sight(**value) for key, value in data["green"].items()},
        )

    def write(self, path: Path = SEEN) -> None:
        """Put it on disk, in a stable order."""
        path.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", "utf-8")

    def update(self, other: Seen) -> None:
        """Take over what a newer run saw; what it did not look at stays, and so do more rounds that were all green."""
        self.versions.update(other.versions)
        self.red.update(other.red)
        for check, new in other.green.items():
            old = self.green.get(check, Sight())
            if new.of >= old.of or new.times < new.of:
                self.green[check] = new

    def keep(self, checks: Iterable[str], pairs: Iterable[str]) -> None:
        """Forget checks and defects that are no more."""
        checks, pairs = set(checks), set(pairs)
        self.green = {key: sight for key, sight in self.green.items() if key in checks}
        self.red = {key: sight for key, sight in self.red.items() if key in pairs}


def pair(defect: Defect, check: str) -> str:
    """The key of a defect that a check has to see."""
    return f"{defect.name} {check}"


def page(seen: Seen, defects: Iterable[Defect], standard: Standard) -> str:
    """The page: a table per dimension, a line per defect and check."""
    lines = [HEAD]
    if seen.versions:
        lines.append("With " + ", ".join(f"{name} {version}" for name, version in seen.versions.items()) + ".\n")
    by_dimension: dict[str, list[Defect]] = {}
    for defect in defects:
        if defect.witnesses:
            by_dimension.setdefault(defect.dimension, []).append(defect)
    for dimension in standard.dimensions:
        found = by_dimension.get(dimension.id, [])
        if not found:
            continue
        lines.append(f"## {dimension.id} {dimension.name}\n")
        lines.append("| row | defect | switch | red | green | remedy | at |")
        lines.append("|---|---|---|---|---|---|---|")
        for defect in found:
            lines.extend(_line(defect, witness, seen) for witness in defect.witnesses)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _line(defect: Defect, witness: Any, seen: Seen) -> str:
    red = seen.red.get(pair(defect, witness.check), Sight())
    green = seen.green.get(witness.check, Sight())
    remedy = red.remedy or ("not tried" if defect.remedy else "")
    when = f"{red.commit} {red.date}".strip()
    text = witness.defect or defect.wrong
    cells = [f"{defect.criterion} L{witness.level}", text, defect.name, _count(red), _count(green), remedy, when]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _count(sight: Sight) -> str:
    if not sight.of:
        return "not seen"
    if not sight.times and sight.reason:
        return f"could not run: {sight.reason}"
    return f"{sight.times} of {sight.of}"


def record(run: Seen) -> None:
    """Take what a run saw into the record and onto its page, where ``WITNESSES_RECORD`` asks for it."""
    if not os.environ.get("WITNESSES_RECORD"):
        return
    commit = subprocess.run(["git", "rev-parse", "--short=7", "HEAD"], capture_output=True, text=True, check=True)
    for sight in (*run.red.values(), *run.green.values()):
        sight.commit, sight.date = commit.stdout.strip(), f"{datetime.now(UTC):%Y-%m-%d}"
    seen = Seen.read()
    seen.update(run)
    witnessed = [(d, w) for d in THROWN for w in d.witnesses]
    seen.keep((w.check for _, w in witnessed), (pair(d, w.check) for d, w in witnessed))
    seen.write()
    PAGE.write_text(page(seen, THROWN, load("default")), "utf-8")


def merged(rounds: Iterable[Mapping[str, str]], said: Mapping[str, str] | None = None) -> dict[str, Sight]:
    """Sights of green on the sound service.

    Args:
        rounds: Check -> empty text, or why it could not run.
        said: Check -> what its passing rests on.
    """
    found: dict[str, Sight] = {}
    for one in rounds:
        for check, reason in one.items():
            sight = found.setdefault(check, Sight())
            sight.of += 1
            sight.times += not reason
            sight.reason = reason or sight.reason
            sight.said = (said or {}).get(check, "")
    return found

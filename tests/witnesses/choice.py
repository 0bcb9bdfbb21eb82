"""Which defects a run throws: named ones, all, or those that a change could touch with a rotating share of the rest.

python -m witnesses.choice NAME...    prints the tests that throw the defects of these names
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence

from pytest_backend_audit.demo.companions import DEFECTS
from pytest_backend_audit.demo.defects import CATALOGUE, Defect

STACK = "tests/witnesses/test_witnesses.py"
COMPANIONS = "tests/live/companions/test_{}.py"

SUITE = re.compile(r"(?:^|/)audit_suites/\w+/(\w+)\.py$")
ANALYSIS = re.compile(r"(?:^|/)analysis/(\w+)\.py$")
DATA = re.compile(r"(?:^|/)(?:demo/defects|standard/data/default)/(4\.\d)\.yaml$")
ENGINE = re.compile(r"^(?:src/pytest_backend_audit|demo|tests/witnesses)/.*\.py$")


def named(defects: Sequence[Defect], words: Iterable[str]) -> tuple[Defect, ...]:
    """The defects of dimensions (``4.1``), criteria (``hit-rate``), rows (``4.3/hit-rate``), or with these names.

    Raises:
        ValueError: A word names none, of a companion neither.
    """
    chosen: set[str] = set()
    for word in words:
        found = {d.name for d in (*defects, *DEFECTS.values()) if word in _names(d)}
        if not found:
            raise ValueError(f"{word} is no dimension, criterion or defect with a witness")
        chosen |= found
    return tuple(d for d in defects if d.name in chosen)


def _names(defect: Defect) -> set[str]:
    return {defect.name, defect.dimension, defect.criterion, f"{defect.dimension}/{defect.criterion}"}


def files(words: Sequence[str]) -> list[str]:
    """The tests that throw the defects that these words name, as `named` has it.

    Raises:
        ValueError: A word names none.
    """
    thrown = named([*(d for d in CATALOGUE.values() if d.witnesses), *DEFECTS.values()], words)
    return list(dict.fromkeys(COMPANIONS.format(d.companion) if d.companion else STACK for d in thrown))


def shared(
    defects: Sequence[Defect], changed: Iterable[str], imports: Callable[[str], Iterable[str]], part: int, most: int
) -> tuple[Defect, ...]:
    """What a change could touch, filled up by others in turn, so that each has its turn from run to run.

    A change to a criterion's own files touches that criterion's defects; one to the engine, the service or its stack
    could touch anything: the first defect of each dimension stands for the rest then.

    Args:
        defects: All that have witnesses.
        changed: Files, as git names them.
        imports: Criteria whose suite imports an `analysis` module of this name.
        part: Where the turn is, counted up from one run to the next.
        most: How many there is time for; of more that a change could touch, those whose turn it is are taken.
    """
    criteria: set[str] = set()
    dimensions: set[str] = set()
    engine = False
    for path in changed:
        if found := SUITE.search(path):
            criteria.add(found[1].replace("_", "-"))
        elif found := ANALYSIS.search(path):
            criteria.update(imports(found[1]))
        elif found := DATA.search(path):
            dimensions.add(found[1])
        elif ENGINE.match(path):
            engine = True
    firsts = {d.dimension: d.name for d in reversed(defects)} if engine else {}
    begin = part * most % max(len(defects), 1)
    in_turn = [*defects[begin:], *defects[:begin]]

    def touched(defect: Defect) -> bool:
        own = defect.criterion in criteria or defect.dimension in dimensions
        return own or firsts.get(defect.dimension) == defect.name

    chosen = {d.name for d in sorted(in_turn, key=touched, reverse=True)[:most]}
    return tuple(d for d in defects if d.name in chosen)


if __name__ == "__main__":
    try:
        print(*files(sys.argv[1:]), sep="\n")  # noqa: T201 - for scripts/witnesses
    except ValueError as error:
        sys.exit(f"scripts/witnesses: {error}")

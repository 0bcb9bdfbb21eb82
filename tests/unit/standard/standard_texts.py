"""A sound standard in one file, and changes to it that make it wrong, for the loader and the schema alike."""

from __future__ import annotations

from dataclasses import dataclass

SOUND = """\
id: mine
name: Mine
version: "1"
levels:
  - {number: 1, name: A, definition: a}
  - {number: 2, name: B, definition: b}
  - {number: 3, name: C, definition: c}
  - {number: 4, name: D, definition: d}
  - {number: 5, name: E, definition: e}
dispositions:
  - {id: good, name: Good, floor: 4, minimum: 3}
  - {id: bad, name: Bad, floor: null, minimum: null}
overrides:
  p0: A fresh incident.
slo_classes:
  - {id: read, name: Read, p50: 20, p95: 80, p99: 200, availability: 99.9}
settings:
  limit: {default: 1.5, stricter: lower, unit: s, source: us, meaning: how long}
dimensions:
  - id: "1"
    name: First
    scope: Everything.
    rows:
      - criterion: fast
        level: 2
        clause: It is fast.
        proof: measured + attested
        settings: [limit]
        defects: [it is slow]
"""


@dataclass(frozen=True)
class Wrong:
    """One change to `SOUND`, and what the loader says about it."""

    name: str
    old: str
    new: str
    messages: tuple[str, ...]
    in_schema: bool = True
    """Whether a JSON Schema can tell it too; what spans several places it can't."""


WRONG = (
    Wrong(
        "unknown-key-near-a-known-one",
        "        clause: It",
        "        claus: It",
        (
            'mine.yaml:24: dimensions[0].rows[0]: "clause" is missing',
            'mine.yaml:26: dimensions[0].rows[0].claus: unknown key; did you mean "clause"?',
        ),
    ),
    Wrong(
        "unknown-key-near-nothing",
        "  - {number: 1, name: A",
        "  - {colour: red, number: 1, name: A",
        ("mine.yaml:5: levels[0].colour: unknown key; allowed are number, name, definition",),
    ),
    Wrong(
        "duplicate-row",
        "        defects: [it is slow]\n",
        "      - {criterion: fast, level: 2, clause: Again., proof: measured}\n",
        ('mine.yaml:29: dimensions[0].rows[1]: row "1/fast/L2" is there already (mine.yaml:24)',),
        in_schema=False,
    ),
    Wrong(
        "level-6",
        "        level: 2",
        "        level: 6",
        ('mine.yaml:25: dimensions[0].rows[0].level: expected a whole number from 1 to 5, found "6"',),
    ),
    Wrong(
        "level-in-between",
        "        level: 2",
        "        level: 2.5",
        ('mine.yaml:25: dimensions[0].rows[0].level: expected a whole number from 1 to 5, found "2.5"',),
    ),
    Wrong(
        "a-yes-is-no-level",
        "        level: 2",
        "        level: true",
        ('mine.yaml:25: dimensions[0].rows[0].level: expected a whole number from 1 to 5, found "true"',),
    ),
    Wrong(
        "missing-floor",
        "floor: 4, minimum: 3",
        "minimum: 3",
        ('mine.yaml:11: dispositions[0]: "floor" is missing',),
    ),
    Wrong(
        "floor-out-of-reach",
        "floor: 4,",
        "floor: 6,",
        ('mine.yaml:11: dispositions[0].floor: expected a whole number from 1 to 5, found "6"',),
        in_schema=False,
    ),
    Wrong(
        "last-disposition-with-a-floor",
        "floor: null, minimum: null",
        "floor: 1, minimum: null",
        ("mine.yaml:12: dispositions[1]: the last disposition takes every total: its floor and minimum must be null",),
        in_schema=False,
    ),
    Wrong(
        "floors-not-falling",
        "  - {id: bad,",
        "  - {id: middle, name: Middle, floor: 4, minimum: 3}\n  - {id: bad,",
        ("mine.yaml:12: dispositions[1]: its floor 4 is not below 4, the floor of the row above it",),
        in_schema=False,
    ),
    Wrong(
        "minimum-rises",
        "  - {id: bad,",
        "  - {id: middle, name: Middle, floor: 2, minimum: 4}\n  - {id: bad,",
        ("mine.yaml:12: dispositions[1]: its minimum 4 is above that of the row above it",),
        in_schema=False,
    ),
    Wrong(
        "no-floor-in-the-middle",
        "floor: 4, minimum: 3",
        "floor: null, minimum: 3",
        ("mine.yaml:11: dispositions[0]: only the last disposition may have no floor (null)",),
        in_schema=False,
    ),
    Wrong(
        "disposition-twice",
        "id: bad",
        "id: good",
        ('mine.yaml:12: dispositions[1]: disposition "good" is there already (mine.yaml:11)',),
        in_schema=False,
    ),
    Wrong(
        "due-twice",
        "minimum: 3}",
        "minimum: 3, actions: [{text: Do., days: 1, months: 1}]}",
        ("mine.yaml:11: dispositions[0].actions[0]: an action is due in days or in months, not both",),
    ),
    Wrong(
        "four-levels",
        "  - {number: 5, name: E, definition: e}\n",
        "",
        ("mine.yaml:4: levels: expected the five levels from 1 to 5, found 4",),
    ),
    Wrong(
        "levels-out-of-order",
        "{number: 1,",
        "{number: 2,",
        ("mine.yaml:5: levels[0].number: expected level 1 here: levels stand from 1 to 5, each once",),
        in_schema=False,
    ),
    Wrong(
        "unknown-override",
        "  p0: A",
        "  po: A",
        ("mine.yaml:14: overrides.po: unknown override; allowed are blocking-l1, verbal-only, p0",),
    ),
    Wrong(
        "percentiles-out-of-order",
        "p50: 20",
        "p50: 100",
        ("mine.yaml:16: slo_classes[0]: expected p50 <= p95 <= p99",),
        in_schema=False,
    ),
    Wrong(
        "availability-over-all",
        "99.9}",
        "100.5}",
        ('mine.yaml:16: slo_classes[0].availability: expected a number above 0 and up to 100, found "100.5"',),
    ),
    Wrong(
        "unknown-proof",
        "measured + attested",
        "measured + promised",
        (
            'mine.yaml:27: dimensions[0].rows[0].proof: "promised" is none of measured, scanned, attested; '
            'join parts by "+" and alternatives by "/"',
        ),
    ),
    Wrong(
        "verbal-accepted",
        "        settings: [limit]\n",
        "        settings: [limit]\n        accepts: [verbal]\n",
        (
            "mine.yaml:29: dimensions[0].rows[0].accepts[0]: "
            "what somebody says is never accepted as the only evidence; leave it out",
        ),
    ),
    Wrong(
        "unknown-setting",
        "settings: [limit]",
        "settings: [limits]",
        ('mine.yaml:28: dimensions[0].rows[0].settings[0]: unknown setting "limits"; did you mean "limit"?',),
        in_schema=False,
    ),
    Wrong(
        "unused-setting",
        "        settings: [limit]\n",
        "",
        ("mine.yaml:18: settings.limit: no row uses this setting",),
        in_schema=False,
    ),
    Wrong(
        "setting-named-twice",
        "settings: [limit]",
        "settings: [limit, limit]",
        ('mine.yaml:28: dimensions[0].rows[0].settings[1]: setting "limit" is there already (mine.yaml:28)',),
    ),
    Wrong(
        "setting-without-direction",
        "stricter: lower, ",
        "",
        ('mine.yaml:18: settings.limit: "stricter" is missing',),
    ),
    Wrong(
        "unknown-direction",
        "stricter: lower",
        "stricter: down",
        ('mine.yaml:18: settings.limit.stricter: expected one of lower, higher, neither, found "down"',),
    ),
    Wrong(
        "a-text-with-a-direction",
        "default: 1.5",
        "default: high",
        ('mine.yaml:18: settings.limit.stricter: a text has no stricter side; expected "neither"',),
    ),
    Wrong(
        "setting-twice",
        "    rows:\n",
        "    settings:\n      limit: {default: 2, stricter: lower, unit: s, source: us, meaning: again}\n    rows:\n",
        ('mine.yaml:24: dimensions[0].settings.limit: setting "limit" is there already (mine.yaml:18)',),
        in_schema=False,
    ),
    Wrong(
        "dimension-twice",
        '  - id: "1"\n',
        '  - {id: "1", name: Z, scope: z, rows: [{criterion: z, level: 2, clause: z, proof: scanned}]}\n  - id: "1"\n',
        ('mine.yaml:21: dimensions[1].id: dimension "1" is there already (mine.yaml:20)',),
        in_schema=False,
    ),
    Wrong(
        "criterion-in-two-dimensions",
        '  - id: "1"\n',
        '  - {id: "0", name: Z, scope: z, rows: [{criterion: fast, level: 3, clause: z, proof: scanned}]}\n'
        '  - id: "1"\n',
        ('mine.yaml:25: dimensions[1].rows[0]: criterion "fast" belongs to dimension 0; each name has one dimension',),
        in_schema=False,
    ),
    Wrong(
        "name-with-a-slash",
        "criterion: fast",
        "criterion: fast/slow",
        (
            "mine.yaml:24: dimensions[0].rows[0].criterion: expected a name of letters and digits, "
            'joined by ".", "-" or "_", found "fast/slow"',
        ),
    ),
    Wrong(
        "no-rows",
        "    rows:\n",
        "    rows: []\n    nothing:\n",
        (
            "mine.yaml:23: dimensions[0].rows: expected a list with at least one item, found an empty list",
            "mine.yaml:24: dimensions[0].nothing: unknown key; allowed are id, name, scope, rows, folder, blocking, "
            "fixed_levels, settings",
        ),
    ),
    Wrong(
        "folder-outside",
        "dimensions:\n",
        "dimensions:\n  - ../secret.yaml\n",
        ('mine.yaml:20: dimensions[0]: "../secret.yaml" is not the name of a file in the same folder',),
    ),
    Wrong(
        "file-not-there",
        "dimensions:\n",
        "dimensions:\n  - other.yaml\n",
        ("other.yaml: there is no such file",),
        in_schema=False,
    ),
    Wrong(
        "text-wanted",
        "clause: It is fast.",
        "clause: [It is fast.]",
        ("mine.yaml:26: dimensions[0].rows[0].clause: expected a text, found a list",),
    ),
    Wrong(
        "yes-is-no-boolean",
        "minimum: 3}",
        "minimum: 3, needs_sign_off: yes}",
        ('mine.yaml:11: dispositions[0].needs_sign_off: expected true or false, found "yes"',),
    ),
    Wrong(
        "a-list-for-a-mapping",
        "  p0: A fresh incident.",
        "  - p0",
        ("mine.yaml:13: overrides: expected a mapping, found a list",),
    ),
    Wrong(
        "a-text-for-a-mapping",
        "  - {number: 1, name: A, definition: a}",
        "  - A",
        ('mine.yaml:5: levels[0]: expected a mapping with number, name, definition, found "A"',),
    ),
    Wrong(
        "a-mapping-for-a-file-name",
        "dimensions:\n",
        "pending: {}\ndimensions:\n",
        ("mine.yaml:19: pending: expected a text, found an empty mapping",),
    ),
    Wrong(
        "control-characters",
        "clause: It is fast.",
        'clause: "\\e[31mIt is fast."',
        (
            "mine.yaml:26: dimensions[0].rows[0].clause: expected a text without control characters, "
            'found "\\u001b[31mIt is fast."',
        ),
    ),
    Wrong(
        "empty-text",
        "clause: It is fast.",
        'clause: ""',
        ("mine.yaml:26: dimensions[0].rows[0].clause: expected a text, found nothing",),
    ),
)

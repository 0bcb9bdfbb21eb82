"""--audit-policy: the stricter of audit.yaml and a protected one counts, in a run as in its card."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.conftest import CONFIG, Project
from pytest_backend_audit.cli import main
from pytest_backend_audit.journal import read_run
from pytest_backend_audit.scoring import score_merged

OWN = """\
id: own
name: Our own
version: "1"
levels:
  - {number: 1, name: A, definition: a}
  - {number: 2, name: B, definition: b}
  - {number: 3, name: C, definition: c}
  - {number: 4, name: D, definition: d}
  - {number: 5, name: E, definition: e}
dispositions:
  - {id: good, name: Good, floor: 3, minimum: 3}
  - {id: bad, name: Bad, floor: null, minimum: null}
settings:
  cache-hit-ratio: {default: 0.99, stricter: higher, unit: ratio, source: us, meaning: share of lookups that hit}
dimensions:
  - id: own
    name: Own
    scope: Ours.
    rows:
      - {criterion: foreign-key-indexes, level: 3, clause: Keys., proof: measured, defects: [one is bare]}
      - criterion: hit-rate
        level: 3
        clause: Hits.
        proof: measured
        settings: [cache-hit-ratio]
        defects: [it misses]
"""
SUITE = """
@audit(dimension="4.1", criterion="foreign-key-indexes", level=3)
def test_keys(audit_acknowledged, audit_evidence):
    audit_evidence.query("SELECT 1", [[1]])
    left = audit_acknowledged(["orders.customer_id", "items.order_id"])
    assert not left, f"left: {left.names}"


@audit(dimension="4.3", criterion="hit-rate", level=3)
def test_hits(audit_settings, audit_evidence):
    audit_evidence.query("SELECT 1", [[1]])
    assert audit_settings.value("cache-hit-ratio").number <= 0.95, f"wanted: {audit_settings.value('cache-hit-ratio')}"


@audit(dimension="4.3", criterion="hit-rate", level=5)
def test_alert(audit_evidence):
    audit_evidence.query("SELECT 1", [[1]])
"""
CONDITIONAL = "conditional-production"
KNOWN = """\
acknowledged:
  - {{item: "foreign-key-indexes:orders.customer_id", reason: small, who: Ann, ticket: T-1, expires: {}}}
"""
MAIN = (
    CONFIG
    + "thresholds: {cache-hit-ratio: 0.97}\nsought: {4.3: 4}\ngate: conditional-production\n"
    + KNOWN.format("2099-12-20")
)
LOOSER = (
    CONFIG
    + "thresholds: {cache-hit-ratio: 0.9}\nsought: {4.3: 3}\n"
    + KNOWN.format("2099-12-31")
    + '  - {item: "foreign-key-indexes:items.order_id", reason: small, who: Bob, ticket: T-2, expires: 2099-12-31}\n'
)


@pytest.fixture
def branched(project: Project) -> str:
    """A branch whose audit.yaml makes all checks pass; the commit of main."""
    project.suite(SUITE)
    project.config(MAIN)
    commit = project.commit()
    project.git("checkout", "-q", "-b", "looser")
    project.config(LOOSER)
    project.commit()
    return commit


def test_alone_the_branch_passes(project: Project, branched: str) -> None:
    """What the policy is there to prevent."""
    project.run("--audit-sha=HEAD").assert_outcomes(passed=2)
    assert project.card()["policy"] is None


def test_the_stricter_counts_wherever_checks_run(project: Project, branched: str, workers: tuple[str, ...]) -> None:
    """Thresholds, exceptions, sought levels and the gate; the head and the card tell each with both origins."""
    result = project.run("--audit-sha=HEAD", "--audit-policy=main", *workers)
    result.stdout.fnmatch_lines(
        [
            f"audit: policy main:audit.yaml at {branched[:12]}: the stricter counts of gate,",
            "       sought, thresholds, acknowledged (2)",
        ]
    )
    result.stdout.fnmatch_lines_random(
        ["E*left: foreign-key-indexes:items.order_id", "E*wanted: 0.97 (main:audit.yaml:6)"]
    )
    result.stdout.fnmatch_lines(
        [
            "Gate         Conditional production: not passed*",
            f"Policy       5 differences from main:audit.yaml at {branched[:7]}; the stricter counts:",
            "             gate, sought, thresholds, acknowledged (2)",
        ]
    )
    assert result.ret == 1
    assert project.card()["policy"] == {
        "given": "main",
        "revision": branched,
        "name": "main:audit.yaml",
        "digest": project.record().inputs.protected.digest,  # type: ignore[union-attr]
        "differences": [
            _told(
                "gate", "none", "audit.yaml", "conditional-production", "main:audit.yaml:8", "conditional-production"
            ),
            _told("sought.4.3", "3", "audit.yaml:7", "4", "main:audit.yaml:7", "4"),
            _told("thresholds.cache-hit-ratio", "0.9", "audit.yaml:6", "0.97", "main:audit.yaml:6", "0.97"),
            _told(
                "acknowledged.foreign-key-indexes:orders.customer_id",
                "until 2099-12-31",
                "audit.yaml:9",
                "until 2099-12-20",
                "main:audit.yaml:10",
                "until 2099-12-20",
            ),
            _told(
                "acknowledged.foreign-key-indexes:items.order_id",
                "until 2099-12-31",
                "audit.yaml:10",
                "none",
                "main:audit.yaml",
                "none",
            ),
        ],
    }


def _told(*texts: str) -> dict[str, str]:
    return dict(zip(("key", "here", "here_origin", "there", "there_origin", "taken"), texts, strict=True))


def test_the_journal_has_the_policy_and_rendering_needs_no_git(project: Project, branched: str) -> None:
    """Its commit, digest and keys stand in the first line; the repository may be gone."""
    project.run("--audit-sha=HEAD", "--audit-policy=main")
    inputs = project.record().inputs
    assert inputs.policy_revision == branched
    assert inputs.protected is not None
    assert inputs.protected.keys["thresholds"] == {"cache-hit-ratio": 0.97}
    assert inputs.policy.thresholds == {"cache-hit-ratio": 0.97}
    report = project.path / "audit-report"
    before = {p.name: p.read_bytes() for p in report.glob("scorecard.*")}
    moved = report.rename(project.path.parent / "elsewhere")
    assert main(["render", str(moved)]) == 0
    assert {p.name: p.read_bytes() for p in moved.glob("scorecard.*")} == before
    assert b"0.9 (audit.yaml:6)" in before["scorecard.md"]
    assert b"0.9 (audit.yaml:6)" in before["scorecard.html"]


def test_a_rehearsal_is_held_to_it_too(project: Project, branched: str) -> None:
    """So that the author sees on the desk what CI will say; the work tree's audit.yaml is the one that is held."""
    project.config(MAIN.replace("0.97", "0.5"))
    result = project.run("--audit", "--audit-policy=main")
    result.stdout.fnmatch_lines(["audit: policy main:audit.yaml at *: the stricter counts of thresholds"])
    result.stdout.fnmatch_lines(["E*wanted: 0.97 (main:audit.yaml:6)"])


def test_what_says_the_same_has_no_difference(project: Project, branched: str) -> None:
    """That it was held to a policy is told all the same."""
    project.git("checkout", "-q", "main")
    result = project.run("--audit-sha=HEAD", "--audit-policy=main")
    result.stdout.fnmatch_lines([f"audit: policy main:audit.yaml at {branched[:12]}: no difference"])
    result.stdout.no_fnmatch_line("Policy *")
    text = (project.path / "audit-report" / "scorecard.md").read_text()
    assert f"Held to main:audit.yaml at {branched[:7]}: no key of audit.yaml says anything else." in text


def test_the_command_line_asks_for_more_than_the_policy_but_not_for_less(project: Project, branched: str) -> None:
    """The gate of the policy stands."""
    result = project.run("--audit-sha=HEAD", "--audit-policy=main", "--audit-gate=significant-technical-debt")
    result.stdout.fnmatch_lines(["Gate         Conditional production: not passed*"])


def test_a_policy_that_is_a_file_has_policy_keys_alone(project: Project, branched: str) -> None:
    """One for the whole organisation, say; it needs no environment."""
    (project.path.parent / "policy.yaml").write_text(
        "suites: none\nsought: {4.3: 5}\nthresholds: {cache-hit-ratio: 0.8}\n"
    )
    result = project.run("--audit-sha=HEAD", "--audit-policy=../policy.yaml")
    result.stdout.fnmatch_lines(["audit: policy ../policy.yaml: the stricter counts of sought, thresholds,*"])
    assert project.record().inputs.policy.sought == {"4.3": 5}
    assert [a.check.rpartition("::")[2] for a in project.record().attempts] == ["test_keys", "test_hits", "test_alert"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\n\tx: 1\n", "main:audit.yaml:2: a tab where YAML wants spaces; indent with spaces"),
        ("- 1\n", "main:audit.yaml:1: found a list; allowed: an audit.yaml, or a mapping of its policy keys"),
        (
            "version: 1\ntreshholds: {}\n",
            'main:audit.yaml:2: treshholds: unknown key; did you mean "thresholds"?',
        ),
        (
            "version: 1\n\nthresholds: {cache-hit-ration: 1}\n",
            'main:audit.yaml:3: thresholds.cache-hit-ration: found "cache-hit-ration", which is no setting of the '
            'standard; did you mean "cache-hit-ratio"?',
        ),
        ("sought: {4.3: 6}\n", "main:audit.yaml:1: sought.4.3: found 6; allowed: a whole number from 1 to 5"),
        (
            "incidents_file: ../x.yaml\n",
            'main:audit.yaml:1: incidents_file: found "../x.yaml", which is not there',
        ),
        (
            "standard: ./gone\n",
            "main:audit.yaml:1: standard: ./gone is not there at that revision",
        ),
    ],
)
def test_what_is_wrong_at_that_revision_is_told_with_its_line(project: Project, text: str, said: str) -> None:
    """One message, and no audit."""
    project.suite(SUITE)
    project.config(text)
    project.commit()
    project.config(CONFIG)
    result = project.run("--audit", "--audit-policy=main")
    assert result.stderr.lines == [f"ERROR: {said}", ""]
    assert result.ret == 4


def test_targets_of_that_revision_are_not_looked_at(project: Project) -> None:
    """Their variables need not be set, and another version of the plugin may have brought them."""
    project.suite(SUITE)
    more = "environments:\n  prod: {kind: prod, allow: [load], targets: {postgres: {dsn: '${GONE}'}, kafka: {a: 1}}}\n"
    project.config(CONFIG.replace("environment: local\n", more))
    project.commit()
    project.config(CONFIG)
    result = project.run("--audit", "--audit-policy=main")
    result.stdout.fnmatch_lines(["audit: policy main:audit.yaml at *: no difference"])


def test_there_must_be_an_audit_yaml_to_hold(project: Project, branched: str) -> None:
    """Taking it away is no way round the policy."""
    project.git("rm", "-q", "audit.yaml")
    project.commit()
    result = project.run("--audit-sha=HEAD", "--audit-policy=main")
    assert result.stderr.lines == [
        "ERROR: --audit-policy=main: there is no audit.yaml to hold to it; name the one that was moved "
        "(--audit-config=PATH), `git checkout main -- audit.yaml` brings one back, `backend-audit init` writes one",
        "",
    ]


def test_a_variable_that_is_not_set_is_no_leave(project: Project, branched: str) -> None:
    """``--audit-policy=$POLICY`` in a job that lacks it."""
    result = project.run("--audit-sha=HEAD", "--audit-policy=")
    assert result.stderr.lines == [
        "ERROR: --audit-policy=: no revision; name a branch, tag or commit, or a file that ends in .yaml",
        "",
    ]
    assert result.ret == 4


def test_without_an_audit_it_means_nothing(project: Project) -> None:
    """Like the other options."""
    project.suite(SUITE)
    result = project.run("--audit-policy=main")
    assert "--audit-policy without an audit" in result.stderr.str()
    assert result.ret == 4


def test_a_standard_of_the_projects_own_is_the_protected_one(project: Project, own_standard: Path) -> None:
    """A threshold that the branch softened in the standard's own data counts as main has it."""
    text = own_standard.read_text()
    project.suite(SUITE.replace("4.3", "own").replace("4.1", "own"))
    project.config(CONFIG + "standard: ./instrument.yaml\n")
    project.commit()
    project.git("checkout", "-q", "-b", "looser")
    own_standard.write_text(text.replace("default: 0.99", "default: 0.5"))
    project.commit()
    result = project.run("--audit-sha=HEAD", "--audit-policy=main")
    result.stdout.fnmatch_lines(["audit: policy main:audit.yaml at *: the stricter counts of standard"])
    result.stdout.fnmatch_lines(["E*wanted: 0.99 (standard)"])
    protected = project.record().inputs.protected
    assert protected is not None
    [difference] = protected.differences
    assert (difference.key, difference.here_origin, difference.there_origin) == (
        "standard",
        "audit.yaml:6",
        "main:audit.yaml:6",
    )
    digests = (difference.here, difference.there, f"./instrument.yaml with digest {difference.taken}")
    assert digests[0] != digests[1] == digests[2]


@pytest.fixture
def own_standard(project: Project) -> Path:
    """The smallest standard that there can be."""
    path = project.path / "instrument.yaml"
    path.write_text(OWN, "utf-8")
    return path


def test_runs_held_to_other_policies_are_not_merged(project: Project, branched: str) -> None:
    """What counted in them differs."""
    project.run("--audit-sha=HEAD")
    project.run("--audit-sha=HEAD", "--audit-policy=main")
    runs = [read_run(f) for f in (project.path / "audit-report", *(project.path / "audit-report/earlier").iterdir())]
    with pytest.raises(
        ValueError, match=r"differ in their protected policy: (none and main:audit.yaml|main:audit.yaml.* and none)"
    ):
        score_merged((r.inputs, r.attempts, r.seal) for r in runs)

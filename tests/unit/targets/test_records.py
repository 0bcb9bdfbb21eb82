"""Settings, exceptions, attestations and evidence by hand."""

import subprocess

import pytest

from pytest_backend_audit.model import Check, EvidenceKind
from pytest_backend_audit.targets.acknowledged import Acknowledging
from pytest_backend_audit.targets.attestation import Attestations
from pytest_backend_audit.targets.evidence import ByHand, run_view
from pytest_backend_audit.targets.settings import Settings
from pytest_backend_audit.testing import runtime_for

HEAD = "version: 1\nservice: orders\nenvironment: stage\nlead_auditor: Ada\n"
CHECK = Check("m::t", "4.1", 3, criterion="foreign-key-indexes")


def audit_of(folder, more="", **extra):
    """An audit with this in its audit.yaml."""
    return runtime_for(HEAD + more, folder=folder, check=CHECK, **extra)


@pytest.fixture
def commit(tmp_path):
    """A commit with a document."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "dr.md").write_text("# Drill\nwe did it\n")
    git = ["git", "-C", tmp_path, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "docs"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


# Settings


def test_a_setting_is_the_standards_unless_audit_yaml_says_otherwise(tmp_path):
    """And says where it comes from."""
    plain = Settings(audit_of(tmp_path)).value("cache-hit-ratio")
    assert (plain.value, plain.origin, plain.stricter) == (0.99, "standard", "higher")
    assert str(plain) == "0.99 (standard)"
    assert str(Settings(audit_of(tmp_path)).value("slow-query-threshold")) == "1 s (standard)"
    assert str(Settings(audit_of(tmp_path)).value("ttl-reasons")) == "yes (standard)"
    changed = Settings(audit_of(tmp_path, "thresholds: {cache-hit-ratio: 0.995}\n")).value("cache-hit-ratio")
    assert (changed.number, changed.origin) == (0.995, "audit.yaml:5")


def test_an_unknown_setting_names_the_nearest(tmp_path):
    """The check is wrong then."""
    with pytest.raises(
        LookupError, match="the standard has no setting 'cache-hit-rate'; did you mean 'cache-hit-ratio'"
    ):
        Settings(audit_of(tmp_path)).value("cache-hit-rate")


# Acknowledged items

KNOWN = (
    "acknowledged:\n"
    "  - {item: 'foreign-key-indexes:a_fk', reason: tiny, who: Bob, ticket: OPS-1, expires: 2026-02-01}\n"
    "  - {item: 'foreign-key-indexes:b_fk', reason: tiny, who: Bob, ticket: OPS-1, expires: 2026-01-15}\n"
    "  - {item: 'foreign-key-indexes:c_fk', reason: tiny, who: Bob, ticket: OPS-1, expires: 2026-01-14}\n"
)


def test_acknowledged_items_are_taken_out_through_their_last_day(tmp_path):
    """What is left can be pasted into audit.yaml."""
    audit = audit_of(tmp_path, KNOWN)
    rows = [{"constraint": name} for name in ("a_fk", "b_fk", "c_fk", "d_fk")]
    with audit.recorder.open() as buffer:
        left = Acknowledging(audit)(rows, key="constraint")
    assert left == [{"constraint": "c_fk"}, {"constraint": "d_fk"}]
    assert left.names == "foreign-key-indexes:c_fk, foreign-key-indexes:d_fk"
    assert buffer.acknowledged == ["foreign-key-indexes:a_fk", "foreign-key-indexes:b_fk"]


@pytest.mark.parametrize(
    ("items", "key"),
    [
        (["a_fk"], None),
        ([("x", "a_fk")], 1),
        ([CHECK], lambda _: "a_fk"),
        ([type("Row", (), {"name": "a_fk"})], "name"),
    ],
)
def test_an_item_is_named_by_itself_or_by_a_part(tmp_path, items, key):
    """Column, position, attribute, function."""
    assert Acknowledging(audit_of(tmp_path, KNOWN))(items, key=key) == []


# Attestations


def attested(**changes):
    """A record of audit.yaml with these changes."""
    record = {
        "criterion": "dr-drill", "kind": "document", "reference": "docs/dr.md", "title": "DR drill",
        "date": "2025-12-01", "who": "Grace", **changes,
    }  # fmt: skip
    fields = ", ".join(f"{k}: '{v}'" if k != "date" else f"{k}: {v}" for k, v in record.items())
    return f"attestations:\n  - {{{fields}}}\n"


def test_a_valid_record_is_evidence_of_its_kind(tmp_path, commit):
    """A path is looked up at the audited commit."""
    audit = audit_of(tmp_path, attested(), commit=commit)
    with audit.recorder.open() as buffer:
        record = Attestations(audit)("dr-drill", within=92)
    assert (record.who, str(record.date), record.label) == ("Grace", "2025-12-01", f"exists at {commit[:7]}")
    [evidence] = buffer.evidence
    assert (evidence.kind, evidence.title) == (EvidenceKind.DOCUMENT, "docs/dr.md")
    assert evidence.body == f"DR drill\n2025-12-01, Grace\nexists at {commit[:7]}"
    assert evidence.target == "attestation audit.yaml:6"


def test_a_link_is_labelled_as_not_fetched(tmp_path, commit):
    """With its digest it is checkable later."""
    link = "https://wiki.internal/dr"
    assert Attestations(audit_of(tmp_path, attested(reference=link), commit=commit))("dr-drill").label == "not fetched"
    digest = "a" * 64
    audit = audit_of(tmp_path, attested(reference=link, sha256=digest), commit=commit)
    assert Attestations(audit)("dr-drill").label == f"not fetched; sha256 {digest}"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"reference": "docs/gone.md"}, "docs/gone.md does not exist at "),
        ({"reference": "docs/dr.md:9"}, "docs/dr.md has no line 9 at "),
        ({"reference": "ftp://wiki.internal/dr"}, "ftp://wiki.internal/dr is no absolute http or https URL"),
        ({"date": "2026-01-16"}, "dated 2026-01-16, after the audit (2026-01-15)"),
        ({"date": "2025-10-01"}, "dated 2025-10-01, older than 92 days"),
        ({"who": "ada"}, "by the lead auditor alone (ada): somebody else must vouch for it"),
        ({"kind": "dashboard", "commit": "0123456"}, "a dashboard filtered to commit 0123456, not to the audited "),
    ],
)
def test_what_is_wrong_with_a_record_fails_the_check(tmp_path, commit, changes, why):
    """It says where it stands."""
    audit = audit_of(tmp_path, attested(**changes), commit=commit)
    with pytest.raises(pytest.fail.Exception) as caught:
        Attestations(audit)("dr-drill", within=92)
    assert caught.value.msg.startswith(f"no valid attestation of dr-drill: audit.yaml:6: {why}")


def test_no_record_is_a_failure_not_a_skip(tmp_path, commit):
    """The thing is absent."""
    with pytest.raises(pytest.fail.Exception, match="nobody attests dr-drill: add a record under attestations"):
        Attestations(audit_of(tmp_path, commit=commit))("dr-drill")


def test_a_second_name_beside_the_lead_auditor_is_enough(tmp_path, commit):
    """Somebody else vouches for it."""
    audit = audit_of(tmp_path, attested(who="Ada, Grace"), commit=commit)
    assert Attestations(audit)("dr-drill").who == "Ada, Grace"


def test_all_records_of_a_criterion_can_be_had(tmp_path, commit):
    """Valid ones newest first, each as evidence; of the others why they don't count. Which is no failure by itself."""
    more = "".join(
        attested(**changes).removeprefix("attestations:\n")
        for changes in (
            {"date": "2025-11-01", "reference": "https://wiki.example/dr"},
            {"date": "2025-12-24", "reference": "docs/gone.md"},
            {"date": "2025-12-20", "reference": "OPS-17"},
            {"criterion": "other"},
        )
    )
    audit = audit_of(tmp_path, f"attestations:\n{more}", commit=commit)
    with audit.recorder.open() as buffer:
        told = Attestations(audit).records("dr-drill")
    assert [(r.reference, r.path) for r in told.valid] == [("OPS-17", ""), ("https://wiki.example/dr", "")]
    assert told.refused == (f"audit.yaml:7: docs/gone.md does not exist at {commit[:7]}",)
    assert [e.title for e in buffer.evidence] == ["OPS-17", "https://wiki.example/dr"]
    assert Attestations(audit).records("nothing").valid == ()


@pytest.mark.parametrize("reference", ["docs/dr.md", "docs/dr.md:2", "docs/dr.md#drill"])
def test_a_record_in_the_repository_has_a_path(tmp_path, commit, reference):
    """Without its line or heading."""
    [record] = Attestations(audit_of(tmp_path, attested(reference=reference), commit=commit)).records("dr-drill").valid
    assert record.path == "docs/dr.md"


# By hand


def test_evidence_by_hand_has_its_kind(tmp_path, commit):
    """The methods of the interface."""
    audit = audit_of(tmp_path, commit=commit)
    by_hand = ByHand(audit)
    with audit.recorder.open() as buffer:
        by_hand.command("ss -s", "TCP: 4", exit_code=0)
        by_hand.query("SELECT 1, NULL", [(1, None), {"a": 2, "b": "x"}, {"token": "abc", "secret": 3}])
        by_hand.dashboard("https://grafana.internal/d/1", "2026-01-15T11:00:00Z", commit[:8])
        by_hand.postmortem("docs/pm.md", "2025-12-24", "the alert fired first")
        by_hand.load("100 rps for 60 s", "p99 80 ms")
        by_hand.code("docs/dr.md:2")
        by_hand.document("docs/dr.md", "DR runbook")
        by_hand.verbal("we rotate keys", who="Grace")
    assert [(e.kind.value, e.title, e.body) for e in buffer.evidence] == [
        ("output", "ss -s", "TCP: 4"),
        ("output", "SELECT 1, NULL", "1 | NULL\n2 | x\n[redacted] | 3"),
        ("dashboard", "https://grafana.internal/d/1", "not fetched"),
        ("postmortem", "docs/pm.md", "the alert fired first"),
        ("load", "100 rps for 60 s", "p99 80 ms"),
        ("code", "docs/dr.md:2", "we did it"),
        ("document", "docs/dr.md", f"DR runbook\nexists at {commit[:7]}"),
        ("verbal", "we rotate keys", "by Grace"),
    ]


@pytest.mark.parametrize(
    ("give", "why"),
    [
        (lambda h: h.code("docs/dr.md"), "no code reference: write path/file.py:123"),
        (lambda h: h.code("docs/gone.md:1"), "docs/gone.md does not exist at "),
        (lambda h: h.document("docs/gone.md", "x"), "docs/gone.md does not exist at "),
        (lambda h: h.dashboard("x.png", "2026-01-15T11:00:00", "0" * 40), "has no zone"),
        (lambda h: h.dashboard("x.png", "2026-01-15T11:00:00Z", "0" * 40), "the dashboard is filtered to '000"),
        (lambda h: h.postmortem("x", "yesterday", "y"), "Invalid isoformat string: 'yesterday'"),
    ],
)
def test_evidence_by_hand_that_makes_no_sense_is_refused(tmp_path, commit, give, why):
    """The check is wrong then."""
    audit = audit_of(tmp_path, commit=commit)
    with audit.recorder.open() as buffer, pytest.raises((ValueError, OSError)) as caught:
        give(ByHand(audit))
    assert why in str(caught.value)
    assert buffer.evidence == []


def test_the_run_is_read_only(tmp_path, commit):
    """Commit, instant, environment."""
    view = run_view(audit_of(tmp_path, commit=commit))
    assert (view.commit, view.environment_kind, str(view.today)) == (commit, "stage", "2026-01-15")
    with pytest.raises(AttributeError):
        view.commit = "other"

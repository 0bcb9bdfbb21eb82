"""Two branches file on one day, so that both cards have one name, and a merge keeps one of the two files."""

from __future__ import annotations

import json
import subprocess

import pytest

from plugin._filing import audited, command, good, ledger, made, numbers

ENVIRONMENTS = "environments:\n  stage: {kind: stage}\n  prod: {kind: prod}\n"


@pytest.fixture
def merged(project):
    """Stage, where all fails, was filed on one branch, prod on the other; of the two cards the merge kept stage's."""
    made(project)
    config = project.path / "audit.yaml"
    config.write_text(config.read_text().replace("environment: stage\n", ENVIRONMENTS))
    (project.path / ".gitattributes").write_text("audits/*/ledger.jsonl merge=union\n")
    project.commit()
    project.git("checkout", "-q", "-b", "two")
    audited(project, "--audit-env=stage")
    good(project, "file")
    project.commit()
    project.git("checkout", "-q", "main")
    (project.path / "schema.sql").write_text("CREATE INDEX i;\n")
    project.commit()
    audited(project, "--audit-env=prod")
    good(project, "file")
    project.commit()
    (project.path / "audit-report").rename(project.path / "audit-report-prod")
    subprocess.run(["git", "merge", "-q", "two"], cwd=project.path, capture_output=True, check=False)
    project.git("checkout", "--theirs", "audits/orders")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "Join")
    return project


def filings(project):
    """Those of stage and of prod."""
    found = {f.environment: f for f in ledger(project).filings}
    return found["stage"], found["prod"]


def lost(project, free: int = 2) -> str:
    """What is said of the card of prod."""
    stage, prod = filings(project)
    assert stage.file == prod.file
    return (
        f"the ledger tells of the audit in prod at {prod.commit[:7]} ({prod.instant[:16]}Z), and it is not there: "
        f"{prod.file}.json is the card of the audit in stage at {stage.commit[:7]} ({stage.instant[:16]}Z); restore it "
        f"from git under a free name, such as {prod.file}-{free}.json, or file its run again"
    )


def card(project) -> str:
    """The file that both were filed as."""
    return f"audits/orders/{filings(project)[1].file}.json"


def test_no_audit_is_compared_with_another_s_card(merged) -> None:
    """The audit that is meant is lost, to whoever asks for it; the other one is what it was."""
    text = lost(merged)
    result = merged.run("--audit-sha=HEAD", "--audit-env=prod", "--audit-no-worse")
    assert (int(result.ret), result.errlines[0]) == (4, f"ERROR: {card(merged)}: {text}")
    merged.run("--audit", "--audit-env=prod")
    inputs = merged.record().inputs
    assert (inputs.prior_source, inputs.notices[-1]) == ("", f"compared with no prior audit: {card(merged)}: {text}")
    audited(merged, "--audit-env=stage")
    assert merged.record().inputs.prior_source.endswith(f"({card(merged).replace('.json', '.md')})")
    assert {c.outcome.value for c in merged.record().inputs.prior.values()} == {"failed"}
    done = command(merged, "compare", "audit-report", "--no-worse")
    assert done.returncode == 0, done.stderr


def test_every_command_says_that_it_is_lost(merged) -> None:
    """And none counts the other one's levels as its."""
    text = lost(merged)
    said = f"backend-audit: {card(merged)}: {text}\n"
    (merged.path / "tls").touch()
    merged.commit()
    # By the run of the lost card the next one is made, as its user asks for it.
    audited(merged, "--audit-env=prod", f"--audit-prior={merged.path / 'audit-report-prod'}")
    close = ["findings", "close", numbers(merged)["test_tls"], "--run", "audit-report"]
    for asked in (["compare", "audit-report", "--no-worse"], close, ["file"]):
        done = command(merged, *asked)
        assert (done.returncode, done.stderr) == (2, said), done.stdout
    done = command(merged, "trend", "--environment", "prod")
    place = f"{merged.path}/{card(merged)}"
    assert (done.returncode, done.stderr) == (2, f"backend-audit: {place}: {text}\n")
    fleet = json.loads(good(merged, "fleet", "audits", "--json"))
    assert [s["environment"] for s in fleet["services"]] == ["stage"]
    assert fleet["unread"] == [{"place": "audits/orders/ledger.jsonl", "reason": text}]


def test_it_is_restored_beside_the_other(merged) -> None:
    """Under a name of its own, as it was filed: then nothing is lost."""
    path = merged.path / card(merged)
    beside = path.with_name(f"{path.stem}-2.json")
    text = merged.git("show", f"HEAD^1:{card(merged)}") + "\n"
    beside.write_text(text.replace('"would_be": 1', '"would_be": 5'))
    merged.commit()
    result = merged.run("--audit-sha=HEAD", "--audit-env=prod")
    changed = "changed since it was filed, by the ledger beside it; restore it from git"
    assert (int(result.ret), result.errlines[0]) == (4, f"ERROR: {beside}: {changed}")
    beside.write_text(text)
    merged.commit()
    audited(merged, "--audit-env=prod")
    assert merged.record().inputs.prior_source.endswith(f"(audits/orders/{beside.stem}.md)")
    assert good(merged, "compare", "audit-report").count("changed since") == 0
    assert [a["environment"] for a in json.loads(good(merged, "trend", "--json"))] == ["prod", "stage"]
    fleet = json.loads(good(merged, "fleet", "audits", "--json"))
    assert ({s["environment"] for s in fleet["services"]}, fleet["unread"]) == ({"prod", "stage"}, [])
    lost_one = "was filed on two branches, "
    assert lost_one not in listed(merged) + "".join(merged.record().inputs.notices)
    out = good(merged, "file")
    assert f"audits/orders/{path.stem}-3.md: " in out
    assert "does not know" not in out
    beside.with_name(f"{path.stem}-4.json").write_text(text)
    strange = f"{path.parent}/{path.stem}-4.json: the ledger beside it does not know it; take it away, or restore its"
    assert command(merged, "trend").stderr.startswith(f"backend-audit: {strange}")


def test_its_run_is_filed_again(merged) -> None:
    """By the next name; one whose card is there is filed once."""
    day = today_of(merged)
    lost_one = f"the card {day} was filed on two branches, "
    assert lost_one in listed(merged)
    said = good(merged, "file", "audit-report-prod")
    assert f"audits/orders/{day}-2.md: " in said
    assert lost_one not in said + listed(merged)
    assert "the run was filed already, as " in command(merged, "file", "audit-report-prod").stderr
    merged.commit()
    audited(merged, "--audit-env=prod")
    assert merged.record().inputs.prior_source.endswith(f"(audits/orders/{day}-2.md)")
    assert lost_one not in "".join(merged.record().inputs.notices)
    assert [a["name"] for a in json.loads(good(merged, "trend", "--json"))] == [f"{day}-2", day]
    assert json.loads(good(merged, "fleet", "audits", "--json"))["unread"] == []


def listed(project) -> str:
    """What the list notes, in one line."""
    return " ".join(command(project, "findings", "list").stderr.split())


def today_of(project) -> str:
    """The day of both audits."""
    return filings(project)[1].file

"""`backend-audit init` writes what an audit needs by what it finds, and never touches what is there."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest
import yaml

from pytest_backend_audit import cli, standard
from pytest_backend_audit.config import load
from pytest_backend_audit.config.examples import EXAMPLES
from pytest_backend_audit.ledger.obstacles import FIELDS
from pytest_backend_audit.scaffold import ini, survey

Make = Callable[..., Path]

COMPOSE = """
x-common: &common {restart: always}
services:
  api: {<<: *common, build: ., ports: ["127.0.0.1:8080:8000"]}
  db: {image: "postgres:16-alpine"}
  pool: {image: edoburu/pgbouncer:1.23}
  cache: {image: valkey/valkey:8}
  metrics: {image: prom/prometheus}
  exporter: {image: prometheuscommunity/postgres-exporter}
"""
OPENAPI = "openapi: 3.1.0\npaths: {/healthz: {}, /readyz: {}, /v1/orders: {}}\n"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A repository with these files."""

    def make(files: Mapping[str, str] | None = None) -> Path:
        top = tmp_path / "orders"
        top.mkdir()
        for name, text in (files or {}).items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text)
        return top

    return make


def contents(top: Path) -> dict[str, str]:
    """Every file below a folder."""
    return {p.relative_to(top).as_posix(): p.read_text() for p in sorted(top.rglob("*")) if p.is_file()}


def test_an_empty_repository_gets_everything(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file is named, and what to do next."""
    top = make()
    assert cli.main(["init", str(top), "--yes"]) == 0
    assert (
        capsys.readouterr().out
        == """\
no git    this folder is in no git repository, which formal audits and checks of the source need: git init
found     nothing that tells of the service's systems
wrote     audit.yaml
wrote     audits/audit.schema.json
wrote     audits/checks/test_example_audit.py
wrote     audits/monitoring-role.sql
wrote     audits/redis.acl
wrote     pytest.ini (audit_paths)
wrote     .gitignore (audit-report/)
wrote     .gitattributes (audits/*/ledger.jsonl merge=union)

next
  1. fill in audit.yaml: lead_auditor, targets, and what `backend-audit file` will want: second_reviewer, \
distribution, prior_audit (none for the first), runbook, incidents ([] for none), owners
  2. mention audits/orders/ in the runbook: that is where `backend-audit file` puts scorecards
  3. backend-audit doctor
  4. pytest --audit
  5. commit, then pytest --audit-sha=HEAD
"""
    )
    assert (
        "# runbook: docs/runbook.md    # a file of the commit that mentions audits/orders/, where audits are filed; "
        "or a URL\n"
    ) in (top / "audit.yaml").read_text()
    assert (top / "pytest.ini").read_text() == "[pytest]\naudit_paths = audits/checks\n"
    assert (top / ".gitignore").read_text() == "audit-report/\n__pycache__/\n"


def test_next_names_all_that_filing_wants(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Each field of document control, in what init says or in what it fills in itself."""
    top = make()
    assert cli.main(["init", str(top), "--yes"]) == 0
    said = capsys.readouterr().out.partition("\nnext\n")[2]
    there = yaml.safe_load((top / "audit.yaml").read_text())
    wanted = {"environment" if name == "environment_kind" else name for name in FIELDS} | {"incidents", "owners"}
    assert [name for name in sorted(wanted) if name not in said and not there.get(name)] == []


FILING = (
    "second_reviewer: Grace\ndistribution: on-call\nprior_audit: none\nrunbook: docs/x.md\nincidents: []\n"
    'owners: {"4.1": Kim}\n'
)


@pytest.mark.parametrize(
    ("stated", "step"),
    [
        ("lead_auditor: Ada\ntargets: {http: {base_url: http://x}}\n" + FILING, ""),
        ("environments: {a: {kind: stage, targets: {http: {base_url: http://x}}}}\nlead_auditor: Ada\n" + FILING, ""),
        (FILING, "fill in audit.yaml: lead_auditor, targets"),
        (
            "lead_auditor: Ada\ntargets: {http: {base_url: http://x}}\nrunbook: docs/x.md\nowners: {}\n",
            "fill in audit.yaml: what `backend-audit file` will want: second_reviewer, distribution, prior_audit (none "
            "for the first), incidents ([] for none), owners",
        ),
        (
            "lead_auditor:\nsecond_reviewer: Grace\ndistribution: on-call\nprior_audit: none\nrunbook: docs/x.md\n",
            "fill in audit.yaml: lead_auditor, targets, and what `backend-audit file` will want: incidents ([] for "
            "none), owners",
        ),
    ],
    ids=["complete", "complete, by environments", "of the audit", "of the filing", "of both"],
)
def test_next_leaves_out_what_is_stated(make: Make, capsys: pytest.CaptureFixture[str], stated: str, step: str) -> None:
    """A second init asks for what audit.yaml lacks, and for nothing where it is complete."""
    top = make({"audit.yaml": f"version: 1\nservice: orders\n{stated}"})
    assert cli.main(["init", str(top), "--yes"]) == 0
    first, second = capsys.readouterr().out.partition("\nnext\n")[2].splitlines()[:2]
    mention = "mention audits/<service>/ in the runbook: that is where `backend-audit file` puts scorecards"
    assert (first, second) == (
        (f"  1. {step}", f"  2. {mention}") if step else (f"  1. {mention}", "  2. backend-audit doctor")
    )


def test_what_is_found_is_said_and_used(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Compose files, the OpenAPI document, manifests, example variables and CI."""
    files = {
        "docker-compose.yml": COMPOSE,
        "api/openapi.yaml": OPENAPI,
        "pyproject.toml": '[project]\nname = "order-service"\n',
        ".env.example": "REDIS_URL=redis://localhost\nSECRET=1\n",
        ".gitlab-ci.yml": "test: {script: [pytest]}\n",
    }
    top = make(files)
    subprocess.run(["git", "init", "-q"], cwd=top, check=True)
    assert cli.main(["init", str(top), "--sought", "4.6=4", "--sought", "4.8=5"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[:4] == [
        "found     .env.example: redis",
        "found     docker-compose.yml: pgbouncer, postgres, prometheus, redis",
        "found     api/openapi.yaml: OpenAPI document with 3 paths",
        "found     CI: gitlab",
    ]
    assert "set AUDIT_POSTGRES_DSN, AUDIT_PGBOUNCER_DSN, AUDIT_REDIS_URL in the environment" in out
    assert "backend-audit init --ci gitlab" in out
    config = load(
        top / "audit.yaml",
        environ={
            "AUDIT_POSTGRES_DSN": "postgresql://db/orders",
            "AUDIT_PGBOUNCER_DSN": "postgresql://db/pgbouncer",
            "AUDIT_REDIS_URL": "redis://cache",
        },
        formal=True,
        standard=standard.load("default"),
        today=date(2026, 11, 24),
    )
    assert config.service == "order-service"
    assert sorted(config.targets) == ["http", "pgbouncer", "postgres", "prometheus", "redis"]
    http = config.target("http")
    assert (http.base_url, http.openapi, http.health, http.ready, http.public) == (
        "http://127.0.0.1:8080",
        "api/openapi.yaml",
        "/healthz",
        "/readyz",
        ("/healthz", "/readyz"),
    )
    assert config.policy().sought == {"4.6": 4}
    assert config.criteria == {"primary-keys": "every table has a primary key"}


def test_nothing_that_exists_is_touched(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Existing files are left and said so; a second run changes nothing."""
    top = make(
        {"audit.yaml": "version: 1\n", "audits/redis.acl": "mine", ".gitignore": "*.log\n/audit-report\n__pycache__"}
    )
    assert cli.main(["init", str(top), "--yes", "--ci", "github"]) == 0
    out = capsys.readouterr().out
    assert "left      audit.yaml (it exists; so neither an example check nor audit_paths is written)\n" in out
    assert "left      audits/redis.acl (it exists)\n" in out
    assert "left      .gitignore (it has audit-report/)\n" in out
    assert "mention audits/<service>/ in the runbook" in out
    before = contents(top)
    assert before["audit.yaml"] == "version: 1\n"
    assert before["audits/redis.acl"] == "mine"
    assert [name for name in before if name == "pytest.ini" or name.startswith("audits/checks/")] == []
    assert cli.main(["init", str(top), "--yes", "--ci", "github"]) == 0
    assert not re.search("^wrote|^added to", capsys.readouterr().out, re.MULTILINE)
    assert contents(top) == before


def test_in_the_folder_of_one_of_several_services(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Audits are filed at the repository's top, so git learns there how ledgers are merged; CI looks there, too."""
    top = make({"services/pay/pay.py": ""})
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    assert cli.main(["init", str(top / "services" / "pay"), "--yes", "--ci", "github"]) == 0
    said = capsys.readouterr().out
    assert "wrote     ../../.gitattributes (audits/*/ledger.jsonl merge=union)\n" in said
    assert (top / ".gitattributes").read_text() == "audits/*/ledger.jsonl merge=union\n"
    assert (top / "services" / "pay" / ".gitignore").read_text() == "audit-report/\n__pycache__/\n"
    assert (
        "to move   .github/workflows/backend-audit.yml (to the repository's top, where CI looks for it; its commands "
        "have to run in services/pay)\n"
    ) in said


def test_the_gitignore_keeps_its_lines(make: Make) -> None:
    """Also when its last line has no end."""
    top = make({".gitignore": "*.log"})
    cli.main(["init", str(top), "--yes"])
    assert (top / ".gitignore").read_text() == "*.log\naudit-report/\n__pycache__/\n"
    assert (top / ".gitattributes").read_text() == "audits/*/ledger.jsonl merge=union\n"


@pytest.mark.parametrize("systems", ["", COMPOSE], ids=["nothing", "compose"])
def test_the_written_files_are_good_ones(make: Make, systems: str) -> None:
    """audit.yaml loads in a rehearsal and follows the schema that it names; the check compiles."""
    top = make({"compose.yaml": systems})
    cli.main(["init", str(top), "--yes"])
    load(top / "audit.yaml", environ={}, formal=False, standard=standard.load("default"))
    assert (top / "audit.yaml").read_text().splitlines()[0] == (
        "# yaml-language-server: $schema=audits/audit.schema.json"
    )
    schema = [sys.executable, "-m", "check_jsonschema", "--schemafile", "audits/audit.schema.json", "audit.yaml"]
    subprocess.run(schema, cwd=top, check=True, capture_output=True)
    path = top / "audits" / "checks" / "test_example_audit.py"
    compile(path.read_text(), str(path), "exec")
    assert ("audit_postgres" in path.read_text()) is bool(systems)


@pytest.mark.parametrize("systems", ["", COMPOSE], ids=["nothing", "compose"])
def test_every_declaration_is_there_to_be_uncommented(make: Make, systems: str) -> None:
    """Each that a bundled check may read; all of them at once make a good audit.yaml."""
    top = make({"compose.yaml": systems})
    cli.main(["init", str(top), "--yes"])
    text = (top / "audit.yaml").read_text()
    for key, example in EXAMPLES.items():
        wanted = example.line.replace(":8000", ":8080") if systems else example.line
        if key.startswith("endpoints[]") or key in {"targets.http", "targets.redis", "targets.prometheus"}:
            continue  # in the docs; and what has lines of its own here
        assert key == "targets.prometheus.selector" or wanted in text, key
    begin, end = text.index("\ntargets:\n"), text.index("# Criteria of your own")
    # A remark begins with a capital letter, a key doesn't.
    below = re.sub(r"^( *)# (?![A-Z])", r"\1", text[begin:end], flags=re.MULTILINE)
    (top / "audit.yaml").write_text(text[:begin] + below + text[end:])
    config = load(top / "audit.yaml", environ={}, formal=False, standard=standard.load("default"))
    there = yaml.safe_load((top / "audit.yaml").read_text())
    for key in EXAMPLES:
        place = there
        for name in key.split("."):
            if not key.startswith(("endpoints[]", "attestations")):
                place = place[name]
    assert config.load is not None


@pytest.mark.parametrize(
    ("ci", "name"), [("github", ".github/workflows/backend-audit.yml"), ("gitlab", ".gitlab/backend-audit.yml")]
)
@pytest.mark.parametrize("systems", ["", COMPOSE], ids=["nothing", "compose"])
def test_the_workflow_is_valid(make: Make, ci: str, name: str, systems: str) -> None:
    """By the schemas that the makers of the CI publish; with the whole history, and the report kept."""
    top = make({"compose.yaml": systems})
    cli.main(["init", str(top), "--yes", "--ci", ci])
    vendor = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}[ci]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", vendor, name]
    done = subprocess.run(command, cwd=top, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n")
    text = (top / name).read_text()
    data = yaml.safe_load(text)
    assert ("AUDIT_REDIS_URL" in text) is bool(systems)
    if ci == "github":
        # Where no system was found, a line shows how a variable of audit.yaml is given.
        line = "# AUDIT_POSTGRES_DSN: ${{ secrets.AUDIT_POSTGRES_DSN }}\n"
        assert (line in text) is not bool(systems)
        assert data["jobs"]["audit"]["steps"][0]["with"] == {"fetch-depth": 0, "persist-credentials": False}
        last = data["jobs"]["audit"]["steps"][-1]
        assert (last["if"], last["with"]["path"]) == ("always()", "audit-report/")
    else:
        assert data["backend-audit"]["variables"]["GIT_DEPTH"] == "0"
        assert data["backend-audit"]["artifacts"]["when"] == "always"
        assert yaml.safe_load((top / ".gitlab-ci.yml").read_text()) == {
            "include": [{"local": "/.gitlab/backend-audit.yml"}]
        }


SEVERAL = """\
version: 1
service: orders
environments:
  live: {kind: prod, targets: {postgres: {dsn: "${LIVE_DSN}"}}}
  "trial: 2": {kind: stage, targets: {redis: {url: "${TRIAL_REDIS}"}}, identities: {ann: {token: "${ANN}"}}}
  local: {kind: local}
"""


@pytest.mark.parametrize(
    ("ci", "name"), [("github", ".github/workflows/backend-audit.yml"), ("gitlab", ".gitlab/backend-audit.yml")]
)
def test_of_several_environments_the_workflow_audits_one(
    make: Make, capsys: pytest.CaptureFixture[str], ci: str, name: str
) -> None:
    """The first that is not of production, by a variable at the top; the others and its variables are named."""
    top = make({"audit.yaml": SEVERAL, "compose.yaml": COMPOSE})
    assert cli.main(["init", str(top), "--yes", "--ci", ci]) == 0
    said = capsys.readouterr().out
    assert f"wrote     {name} (audits trial: 2: AUDIT_ENV in it says which of trial: 2, local, live)\n" in said
    assert "set TRIAL_REDIS, ANN in the environment\n" in said
    assert said.endswith(
        "backend-audit doctor '--audit-env=trial: 2'\n"
        "  7. pytest --audit '--audit-env=trial: 2'\n"
        "  8. commit, then pytest --audit-sha=HEAD '--audit-env=trial: 2'\n"
        "  9. give CI the secrets TRIAL_REDIS, ANN\n"
    )
    vendor = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}[ci]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", vendor, name]
    done = subprocess.run(command, cwd=top, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n")
    text = (top / name).read_text()
    data = yaml.safe_load(text)
    assert "# Which environment of audit.yaml is audited. It has others: local, live.\n" in text
    given = data["env"] if ci == "github" else data["backend-audit"]["variables"]
    assert given["AUDIT_ENV"] == "trial: 2"
    assert text.count('--audit-env="$AUDIT_ENV"') == 2
    assert [v in text for v in ("TRIAL_REDIS", "ANN", "LIVE_DSN", "AUDIT_POSTGRES_DSN")] == [True, True, False, False]


@pytest.mark.parametrize("blocks", ["{live: {kind: prod}}", "[live, stage]", "{}", "{a: [", "nothing"])
def test_where_there_is_no_choice_the_workflow_names_no_environment(make: Make, blocks: str) -> None:
    """Of one environment, as pytest takes that one; and of an audit.yaml that the audit will complain of."""
    top = make({"audit.yaml": f"version: 1\nenvironments: {blocks}\n"})
    for ci in ("github", "gitlab"):
        assert cli.main(["init", str(top), "--yes", "--ci", ci]) == 0
    for name in (".github/workflows/backend-audit.yml", ".gitlab/backend-audit.yml"):
        text = (top / name).read_text()
        yaml.safe_load(text)
        assert "AUDIT_ENV" not in text
        assert "--audit-env" not in text
        assert "\n\n\n" not in text


@pytest.mark.parametrize(
    ("blocks", "first"),
    [("{live: {kind: prod}, spare: {kind: canary}}", "live"), ("{live: {kind: prod}, stage: 3, home: {}}", "stage")],
)
def test_only_where_all_are_of_production_one_of_them_is_audited(make: Make, blocks: str, first: str) -> None:
    """Then the first; what is no good block is left to the audit to complain of."""
    top = make({"audit.yaml": f"version: 1\nenvironments: {blocks}\n"})
    assert cli.main(["init", str(top), "--yes", "--ci", "github"]) == 0
    assert yaml.safe_load((top / ".github/workflows/backend-audit.yml").read_text())["env"] == {"AUDIT_ENV": first}


def test_the_workflow_of_github_gives_nobody_more_than_needed(make: Make) -> None:
    """Secrets where the repository's code runs, and rights to write where it doesn't; neither for a fork."""
    top = make({"compose.yaml": COMPOSE})
    cli.main(["init", str(top), "--yes", "--ci", "github"])
    text = (top / ".github/workflows/backend-audit.yml").read_text()
    data = yaml.safe_load(text)
    # YAML 1.1 reads the key "on" as true.
    assert set(data[True]) == {"pull_request", "push", "workflow_dispatch"}
    assert "pull_request_target" not in text
    assert data["permissions"] == {"contents": "read"}
    assert data["concurrency"] == {"group": "backend-audit", "cancel-in-progress": False}
    audit, publish = data["jobs"]["audit"], data["jobs"]["publish"]
    assert audit["permissions"] == {"contents": "read"}
    assert audit["if"] == (
        "github.event_name != 'pull_request' || (github.event.pull_request.head.repo.full_name == github.repository "
        "&& github.actor != 'dependabot[bot]')"
    )
    assert publish["permissions"] == {
        "contents": "read",
        "actions": "read",
        "security-events": "write",
        "pull-requests": "write",
    }
    # It depends on a job that forks don't run.
    assert (publish["needs"], publish["if"]) == ("audit", "always() && needs.audit.outputs.made == 'yes'")
    assert "secrets." in yaml.safe_dump(audit)
    assert "secrets." not in yaml.safe_dump(publish)
    assert "pip install" not in yaml.safe_dump(publish)
    steps = [*audit["steps"], *publish["steps"]]
    assert [s["uses"] for s in steps if "uses" in s and not re.fullmatch(r"[\w/-]+@v\d+", s["uses"])] == []
    # What a pull request is called must not reach a shell but by a variable.
    assert [s["run"] for s in steps if "${{" in s.get("run", "")] == []
    gate = next(s["env"]["GATE"] for s in steps if s.get("name") == "Audit")
    assert gate == "${{ github.ref_protected && 'significant-technical-debt' || '' }}"
    policy = next(s["env"]["POLICY"] for s in steps if s.get("name") == "Audit")
    assert policy == "origin/${{ github.event.repository.default_branch }}"


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize(
    ("named", "gate"),
    [
        ("./checklist.yaml", "conditional-production"),
        ("checklist.yaml", "conditional-production"),
        ("bundled", "significant-technical-debt"),
        ("./gone.yaml", "significant-technical-debt"),
        ("a-plugin-s", "significant-technical-debt"),
        ("[1]", "significant-technical-debt"),
    ],
)
def test_the_workflow_asks_for_a_gate_of_the_standard(make: Make, ci: str, named: str, gate: str) -> None:
    """The lowest disposition by which a run can be gated; the default standard's where the named one can't be read."""
    page = (Path(__file__).parents[3] / "docs" / "how-to-sign-and-gate.md").read_text("utf-8")
    checklist = page.partition("```yaml\nid: ")[2].partition("```")[0]
    top = make({"audit.yaml": f"version: 1\nservice: x\nstandard: {named}\n", "checklist.yaml": f"id: {checklist}"})
    assert cli.main(["init", str(top), "--yes", "--ci", ci]) == 0
    if ci == "github":
        job = yaml.safe_load((top / ".github/workflows/backend-audit.yml").read_text())["jobs"]["audit"]
        (written,) = (s["env"]["GATE"] for s in job["steps"] if s.get("name") == "Audit")
        assert written == f"${{{{ github.ref_protected && '{gate}' || '' }}}}"
    else:
        job = yaml.safe_load((top / ".gitlab/backend-audit.yml").read_text())["backend-audit"]
        assert job["variables"]["GATE"] == gate


def test_the_pipeline_of_gitlab_is_for_protected_branches(make: Make) -> None:
    """Merge requests don't run it: protected variables don't reach them."""
    top = make({"compose.yaml": COMPOSE})
    cli.main(["init", str(top), "--yes", "--ci", "gitlab"])
    job = yaml.safe_load((top / ".gitlab/backend-audit.yml").read_text())["backend-audit"]
    assert job["rules"] == [
        {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"', "when": "never"},
        {"if": '$CI_COMMIT_REF_PROTECTED == "true"'},
    ]
    assert (job["resource_group"], job["interruptible"]) == ("backend-audit", False)
    assert job["artifacts"]["reports"] == {"junit": "audit-report/junit.xml"}
    assert job["artifacts"]["paths"] == ["audit-report/"]


def test_an_existing_gitlab_pipeline_is_the_teams(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """The line to be added is shown; once it is there, nothing is."""
    top = make({".gitlab-ci.yml": "test: {script: [pytest]}\n"})
    cli.main(["init", str(top), "--yes", "--ci", "gitlab"])
    told = (
        "by hand   .gitlab-ci.yml: add this yourself\n"
        "            include:\n"
        "              - local: /.gitlab/backend-audit.yml\n"
    )
    assert told in capsys.readouterr().out
    with (top / ".gitlab-ci.yml").open("a") as file:
        file.write("include: [{local: /.gitlab/backend-audit.yml}]\n")
    cli.main(["init", str(top), "--yes", "--ci", "gitlab"])
    assert "by hand" not in capsys.readouterr().out


class Terminal(io.StringIO):
    """Standard input of a person."""

    def isatty(self) -> bool:
        """A terminal."""
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sit at a terminal and type this."""

    def sit(typed: str) -> None:
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    return sit


def test_on_a_terminal_the_levels_sought_are_asked_for(
    make: Make, terminal: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """One question for each dimension; nothing typed is 5, and nonsense is asked again."""
    top = make()
    terminal("\n\n3\nsix\n4\n\n\n\n\n\n")
    assert cli.main(["init", str(top)]) == 0
    assert yaml.safe_load((top / "audit.yaml").read_text())["sought"] == {"4.3": 3, "4.4": 4}
    assert "  4.1 Query Performance, 1 to 5 [5]: " in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--yes"], ["--sought", "4.6=4"]])
def test_with_yes_or_sought_nothing_is_asked(make: Make, terminal: Callable[[str], None], arguments: list[str]) -> None:
    """So that scripts can run it on a terminal too."""
    terminal("")
    assert cli.main(["init", str(make()), *arguments]) == 0


def test_no_answer_is_a_usage_error(
    make: Make, terminal: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The input ended: nothing is written."""
    top = make()
    terminal("3\n")
    assert cli.main(["init", str(top)]) == 2
    assert capsys.readouterr().err == "backend-audit: no answer; say --yes to be asked nothing\n"
    assert contents(top) == {}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("4.9=4", "no dimension '4.9'; allowed are 4.1, 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4.8"),
        ("4.6=6", "found level '6'; allowed are 1 to 5, as in 4.6=4"),
        ("4.6", "found level ''; allowed are 1 to 5, as in 4.6=4"),
    ],
)
def test_a_wrong_sought_is_a_usage_error(make: Make, capsys: pytest.CaptureFixture[str], given: str, told: str) -> None:
    """Named with what is allowed; nothing is written."""
    top = make()
    assert cli.main(["init", str(top), "--sought", given]) == 2
    assert capsys.readouterr().err == f"backend-audit: --sought {given}: {told}\n"
    assert contents(top) == {}


def test_a_place_that_can_not_be_written(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a folder, and a file where a folder is needed."""
    top = make({"audits": "a file"})
    assert cli.main(["init", str(top / "audits")]) == 2
    assert capsys.readouterr().err == f"backend-audit: {top}/audits is not a folder\n"
    assert cli.main(["init", str(top), "--yes"]) == 2
    assert capsys.readouterr().err == f"backend-audit: {top}/audits can't be written: File exists\n"


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("pytest.ini", "[pytest]\ntestpaths = tests\n", "[pytest]\naudit_paths = audits/checks\ntestpaths = tests\n"),
        ("pytest.ini", "", "[pytest]\naudit_paths = audits/checks\n"),
        ("tox.ini", "[tox]\nx = 1\n[pytest]", "[tox]\nx = 1\n[pytest]\naudit_paths = audits/checks\n"),
        ("setup.cfg", "[tool:pytest]\na = 1\n", "[tool:pytest]\naudit_paths = audits/checks\na = 1\n"),
        (
            "pyproject.toml",
            '[project]\nname = "x"',
            '[project]\nname = "x"\n\n[tool.pytest.ini_options]\naudit_paths = ["audits/checks"]\n',
        ),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options] # ours\nxfail_strict = true\n[tool.x]\na = 1\n",
            '[tool.pytest.ini_options] # ours\naudit_paths = ["audits/checks"]\nxfail_strict = true\n[tool.x]\na = 1\n',
        ),
        (
            "pyproject.toml",
            "[tool.pytest]\nstrict = true\n",
            '[tool.pytest]\naudit_paths = ["audits/checks"]\nstrict = true\n',
        ),
        ("pytest.toml", "[pytest]\n", '[pytest]\naudit_paths = ["audits/checks"]\n'),
    ],
)
def test_audit_paths_comes_into_the_file_that_pytest_reads(make: Make, name: str, before: str, after: str) -> None:
    """And nothing else in it changes."""
    top = make({name: before})
    made = ini.change(top, "audits/checks")
    assert (made.path.name, made.text) == (name, after)
    (top / name).write_text(after)
    assert ini.change(top, "audits/checks").present


def test_settings_that_pytest_passes_over_are_left(make: Make) -> None:
    """A tox.ini without a pytest section is not pytest's; pytest.ini wins over pyproject.toml."""
    top = make({"tox.ini": "[tox]\n", "pyproject.toml": "[tool.pytest.ini_options]\n", "pytest.ini": "[pytest]\n"})
    assert ini.change(top, "audits/checks").path.name == "pytest.ini"
    (top / "pytest.ini").unlink()
    assert ini.change(top, "audits/checks").path.name == "pyproject.toml"
    (top / "pyproject.toml").unlink()
    assert ini.change(top, "audits/checks").path.name == "pytest.ini"


@pytest.mark.parametrize(
    ("name", "text", "by_hand"),
    [
        (
            "pyproject.toml",
            "[tool.pytest]\nini_options = {xfail_strict = true}\n",
            '[tool.pytest.ini_options]\naudit_paths = ["audits/checks"]',
        ),
        ("pyproject.toml", "not toml = = \n", '[tool.pytest.ini_options]\naudit_paths = ["audits/checks"]'),
        ("pytest.ini", "= nothing\n", "[pytest]\naudit_paths = audits/checks"),
    ],
)
def test_what_can_not_be_added_safely_is_shown(
    make: Make, capsys: pytest.CaptureFixture[str], name: str, text: str, by_hand: str
) -> None:
    """The file stays as it is."""
    top = make({name: text})
    assert cli.main(["init", str(top), "--yes"]) == 0
    shown = "".join(f"            {line}\n" for line in by_hand.splitlines())
    assert f"by hand   {name}: add this yourself\n{shown}" in capsys.readouterr().out
    assert (top / name).read_text() == text


@pytest.mark.parametrize(
    ("files", "service"),
    [
        ({"package.json": '{"name": "@acme/orders-api"}'}, "orders-api"),
        ({"go.mod": "module github.com/acme/orders\n\ngo 1.22\n"}, "orders"),
        ({"pyproject.toml": '[tool.poetry]\nname = "bestellungen"\n'}, "bestellungen"),
        ({"package.json": "[" * 100_000, "pyproject.toml": "= = ="}, "orders"),
        ({"sub/package.json": '{"name": "frontend"}'}, "orders"),
    ],
)
def test_the_service_is_named_by_its_manifest(make: Make, files: dict[str, str], service: str) -> None:
    """Else by its folder; what can't be read names nothing."""
    assert survey.look(make(files)).service == service


@pytest.mark.parametrize("name", ['a "quoted" name', "line\nbreak", "naïve 🍵", "${HOME}x", "- list: {"])
def test_any_name_makes_a_good_file(make: Make, name: str) -> None:
    """What a manifest says is text, whatever it holds."""
    import json

    top = make({"package.json": json.dumps({"name": name}), "compose.yaml": COMPOSE})
    cli.main(["init", str(top), "--yes"])
    assert load(top / "audit.yaml", environ={}, formal=False).service == name


def test_hostile_files_of_others_tell_nothing(make: Make) -> None:
    """Explosive aliases, foreign tags, binary: read as nothing, without a traceback."""
    bomb = "a: &a [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1 if n else ''}, *a{n - 1 if n else ''}]\n" for n in range(40))
    top = make(
        {
            "compose.yaml": "services: !!python/object:os.system {}\n",
            "openapi.yaml": bomb,
            "compose.dev.yml": "[" * 5000,
        }
    )
    (top / "docker-compose.yml").write_bytes(b"\xff\x00services")
    assert survey.look(top).systems == ()


def test_installed_code_is_not_the_service(make: Make) -> None:
    """Dependencies and virtual environments are not looked into."""
    top = make({"node_modules/x/openapi.json": '{"paths": {"/a": {}}}', ".venv/openapi.json": '{"paths": {"/a": {}}}'})
    assert survey.look(top).openapi == ""


@pytest.mark.parametrize("name", ["audit", "ledger", "scorecard", "standard"])
def test_schemas_are_printed(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Each is a JSON Schema of draft 2020-12."""
    import json

    assert cli.main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_an_unknown_schema_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The names are listed."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["schema", "journal"])
    assert caught.value.code == 2
    assert "choose from" in capsys.readouterr().err


def test_toml_that_is_written_is_toml(make: Make) -> None:
    """A pyproject.toml of a usual kind, with its comments, gains one key."""
    text = '# keep me\n[build-system]\nrequires = ["hatchling"]\n\n[tool.ruff]\nline-length = 100\n'
    top = make({"pyproject.toml": text})
    cli.main(["init", str(top), "--yes"])
    after = (top / "pyproject.toml").read_text()
    assert after.startswith(text)
    assert tomllib.loads(after)["tool"]["pytest"] == {"ini_options": {"audit_paths": ["audits/checks"]}}

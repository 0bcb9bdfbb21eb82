"""Commands of CI, as the files of its services have them."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis.ci_files import Command, commands, pipelines

GITHUB = """\
name: CI
on:
  push: {branches: [main]}
  pull_request:
defaults:
  run:
    working-directory: ./shop
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Not sqlc compile
        run: |
          # sqlc compile
          echo "sqlc compile" && sqlc vet
          GOFLAGS=-mod=mod go test \\
            ./...   # all of them
      - run: sqlc diff || true
      - run: make lint
        continue-on-error: true
  nightly:
    if: false
    steps:
      - run: pytest
"""


def read(files: dict[str, str]) -> list[Command]:
    """The commands of a tree with these files."""
    return commands(files, files.__getitem__)


def shown(files: dict[str, str]) -> list[str]:
    """The same as lines, with what is ignored."""
    return [f"{c}{f' [{c.ignored}]' if c.ignored else ''}" for c in read(files)]


def test_commands_of_a_workflow() -> None:
    """Each with its line; no comments, nothing that is only said; and what lets CI go on after a failure."""
    assert shown({".github/workflows/ci.yml": GITHUB}) == [
        ".github/workflows/ci.yml:12: uses: actions/checkout@v4",
        ".github/workflows/ci.yml:16: sqlc vet",
        ".github/workflows/ci.yml:17: go test ./...",
        ".github/workflows/ci.yml:19: sqlc diff [|| true]",
        ".github/workflows/ci.yml:20: make lint [continue-on-error: true]",
        ".github/workflows/ci.yml:25: pytest [if: false]",
    ]


def test_job_and_folder_are_told() -> None:
    """The folder by the workflow's defaults."""
    found = read({".github/workflows/ci.yml": GITHUB})
    assert {(c.job, c.folder) for c in found} == {("check", "shop"), ("nightly", "shop")}


@pytest.mark.parametrize(
    ("events", "ignored"),
    [
        ("on: push", ""),
        ("on: [workflow_dispatch, push]", ""),
        ("on: {schedule: [{cron: '0 3 * * *'}]}", ""),
        ("on: workflow_dispatch", "runs only on workflow_dispatch"),
        ("on: {release: , workflow_dispatch: }", "runs only on release, workflow_dispatch"),
        ("on: workflow_call", "no other workflow calls this one"),
    ],
)
def test_what_nobody_starts_does_not_count(events: str, ignored: str) -> None:
    """A workflow that a person starts by hand checks no change."""
    [found] = read({".github/workflows/a.yml": f"{events}\njobs: {{a: {{steps: [{{run: pytest}}]}}}}\n"})
    assert (found.text, found.ignored) == ("pytest", ignored)


def test_a_workflow_that_another_one_calls_counts() -> None:
    """By its path in the tree."""
    files = {
        ".github/workflows/a.yml": "on: push\njobs: {a: {uses: ./.github/workflows/b.yml}}\n",
        ".github/workflows/b.yml": "on: {workflow_call: }\njobs: {b: {steps: [{run: pytest}]}}\n",
    }
    assert shown(files) == [
        ".github/workflows/a.yml:2: uses: ./.github/workflows/b.yml",
        ".github/workflows/b.yml:2: pytest",
    ]


def test_scripts_targets_and_actions_are_followed() -> None:
    """To where the command stands, with the place in the pipeline that leads there, and the folder."""
    files = {
        ".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    steps:\n"
        "      - uses: ./.github/actions/lint\n"
        "      - run: make -C shop check\n"
        "      - run: ./scripts/test -q\n"
        "      - {run: npm run plans, working-directory: web}\n"
        "      - run: just audit\n",
        ".github/actions/lint/action.yml": "runs: {using: composite, steps: [{run: sqlc vet, shell: bash}]}\n",
        "shop/Makefile": "all: build\n\n.PHONY: check\ncheck: generated ## what CI runs\n\t@go test ./...\n"
        "generated:\n\t-sqlc diff\nbuild:\n\tgo build\n",
        "scripts/test": '#!/bin/sh\nexec pytest "$@"\n',
        "web/package.json": '{\n  "scripts": {\n    "plans": "node plans.js && prettier ."\n  }\n}\n',
        "justfile": "default:\n    just --list\n\naudit *args:\n    pytest --audit\n",
    }
    told = [(str(c), c.folder, c.ignored, c.through) for c in read(files)[5:]]
    assert told == [
        (".github/actions/lint/action.yml:1: sqlc vet", "", "", ".github/workflows/ci.yml:5"),
        ("shop/Makefile:7: sqlc diff", "shop", "make goes on after it", ".github/workflows/ci.yml:6"),
        ("shop/Makefile:5: go test ./...", "shop", "", ".github/workflows/ci.yml:6"),
        ('scripts/test:2: pytest "$@"', "", "", ".github/workflows/ci.yml:7"),
        ("web/package.json:3: node plans.js", "web", "", ".github/workflows/ci.yml:8"),
        ("web/package.json:3: prettier .", "web", "", ".github/workflows/ci.yml:8"),
        ("justfile:5: pytest --audit", "", "", ".github/workflows/ci.yml:9"),
    ]


def test_scripts_that_call_each_other_come_to_an_end() -> None:
    """Each is read once."""
    files = {
        ".gitlab-ci.yml": "a: {script: [./x.sh]}\n",
        "x.sh": "./y.sh\n",
        "y.sh": "./x.sh\npytest\n",
    }
    assert shown(files) == [".gitlab-ci.yml:1: ./x.sh", "x.sh:1: ./y.sh", "y.sh:1: ./x.sh", "y.sh:2: pytest"]


GITLAB = """\
.go: &go
  before_script: [go version]
test:
  <<: *go
  script:
    - sqlc compile
    - >-
      sqlc
      diff
  after_script: [sqlc vet]
by_hand:
  when: manual
  script: pytest
lint:
  allow_failure: true
  script: [ruff check]
"""
GITLAB_TOLD = [
    "2: go version",
    "6: sqlc compile",
    "8: sqlc diff",
    "13: pytest [when: manual]",
    "16: ruff check [allow_failure: true]",
]
CIRCLE = """\
version: 2.1
jobs:
  build:
    steps:
      - checkout
      - run: sqlc compile
      - run: {name: Tests, command: pytest}
"""
AZURE = """\
steps:
- script: |
    pytest -q
  continueOnError: true
"""
JENKINS = """\
stage('t') {
  sh 'pytest'
  sh '''
    sqlc vet
  '''
}
"""


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        (".gitlab-ci.yml", GITLAB, GITLAB_TOLD),
        (".circleci/config.yml", CIRCLE, ["5: checkout", "6: sqlc compile", "7: pytest"]),
        ("azure-pipelines.yml", AZURE, ["3: pytest -q [continueOnError: true]"]),
        ("bitbucket-pipelines.yml", "pipelines:\n  default:\n  - step:\n      script: [pytest]\n", ["4: pytest"]),
        (".buildkite/p.yml", "steps:\n  - command: make x\n    soft_fail: true\n", ["2: make x [soft_fail: true]"]),
        (".woodpecker.yml", "steps:\n  test:\n    commands:\n      - pytest\n", ["4: pytest"]),
        ("Jenkinsfile", JENKINS, ["2: pytest", "4: sqlc vet"]),
        (".github/workflows/broken.yml", "on: push\njobs: [\n", []),
    ],
)
def test_other_services(path: str, text: str, told: list[str]) -> None:
    """By the keys that they have for scripts, and for going on after a failure."""
    found = [line.removeprefix(f"{path}:").replace(f" {path}:", " ") for line in shown({path: text})]
    assert list(dict.fromkeys(found)) == told


def test_what_counts_as_a_pipeline() -> None:
    """By its place in the tree."""
    paths = [".github/workflows/a.yml", ".github/dependabot.yml", "docs/.gitlab-ci.yml", "ci/Jenkinsfile", "a.yml"]
    assert pipelines(paths) == [".github/workflows/a.yml", "ci/Jenkinsfile"]


def test_an_alias_to_itself_is_no_endless_walk() -> None:
    """A pipeline is whatever somebody has committed."""
    assert read({".gitlab-ci.yml": "a: &a\n  b: *a\n  script: pytest\n"})[0].text == "pytest"


def test_tasks_and_hooks_are_followed() -> None:
    """Of task with what it depends on, and of pre-commit, by its command or its action."""
    files = {
        ".gitlab-ci.yml": "a: {script: [task check, pre-commit run --all-files]}\n",
        ".github/workflows/a.yml": "on: push\njobs: {a: {steps: [{uses: pre-commit/action@v3.0.1}]}}\n",
        "Taskfile.yml": "version: '3'\ntasks:\n  check:\n    deps: [generated]\n    cmds:\n      - go test ./...\n"
        "      - task: lint\n  generated: sqlc diff\n  lint:\n    cmds:\n      - cmd: go vet ./...\n"
        "        ignore_error: true\n",
        ".pre-commit-config.yaml": "repos:\n  - repo: https://example.org/sqlc\n    hooks:\n      - id: sqlc-diff\n"
        "  - repo: local\n    hooks:\n      - {id: tests, entry: pytest -q}\n"
        "      - {id: slow, entry: pytest --slow, stages: [manual]}\n",
    }
    told = [(str(c), c.ignored, c.through) for c in read(files) if c.through]
    assert told == [
        (".pre-commit-config.yaml:4: sqlc-diff", "", ".github/workflows/a.yml:2"),
        (".pre-commit-config.yaml:7: pytest -q", "", ".github/workflows/a.yml:2"),
        ("Taskfile.yml:8: sqlc diff", "", ".gitlab-ci.yml:1"),
        ("Taskfile.yml:6: go test ./...", "", ".gitlab-ci.yml:1"),
        ("Taskfile.yml:11: go vet ./...", "ignore_error: true", ".gitlab-ci.yml:1"),
    ]


def test_scripts_in_other_languages_are_no_shell() -> None:
    """Told by their first line."""
    files = {
        ".gitlab-ci.yml": "a: {script: [./check, ./other]}\n",
        "check": "#!/usr/bin/env python3\npytest\n",
        "other": "#!/usr/bin/env bash\npytest\n",
    }
    assert shown(files) == [".gitlab-ci.yml:1: ./check", ".gitlab-ci.yml:1: ./other", "other:2: pytest"]


@pytest.mark.parametrize("name", [".gitlab-ci.yml", "Taskfile.yml"])
def test_a_file_that_nests_too_deep_is_left_out(name: str) -> None:
    """As one that is no YAML; the others are read."""
    files = {".github/workflows/a.yml": "on: push\njobs: {a: {steps: [{run: task all}]}}\n", name: "a: " + "[" * 5000}
    assert shown(files) == [".github/workflows/a.yml:2: task all"]


def test_what_repeats_itself_by_aliases_is_not_written_out() -> None:
    """Neither as a command of a task nor as a key."""
    levels = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 5)]
    files = {
        ".gitlab-ci.yml": "\n".join([*levels, "a: {script: [task all]}", "? *a4", ": {script: pytest}", ""]),
        "Taskfile.yml": "\n".join([*levels, "tasks: {all: {cmds: [*a2, {cmd: *a2}, {task: *a2}, sqlc diff]}}"]),
    }
    assert [c.text for c in read(files)] == ["task all", "pytest", "sqlc diff"]
    assert all(len(c.job) < 10 for c in read(files))


@pytest.mark.parametrize(
    ("written", "folder"), [(".ci", ".ci"), ("./.ci/", ".ci"), (".", ""), ("./", ""), ("shop", "shop")]
)
def test_folders_with_a_leading_dot_keep_it(written: str, folder: str) -> None:
    """Only the top of the tree is a dot alone."""
    text = f"on: push\njobs: {{a: {{steps: [{{run: pytest, working-directory: {written}}}]}}}}\n"
    [found] = read({".github/workflows/a.yml": text})
    assert found.folder == folder


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("// sh 'pytest'\n/* sh 'ruff'\n*/ sh 'sqlc vet' // sh 'x'\n", ["3: sqlc vet"]),
        ("sh 'curl http://a/b && pytest' /* it's */\n", ["1: curl http://a/b", "1: pytest"]),
        ('sh """\n // no comment\n pytest\n"""\n', ["2: // no comment", "3: pytest"]),
        ("sh(script: 'pytest', returnStatus: true)", ["1: pytest [returnStatus: true]"]),
        ("sh returnStatus: true, script: 'pytest'", ["1: pytest [returnStatus: true]"]),
        ("sh(label: 'x', script: 'pytest', returnStdout: true)", ["1: pytest"]),
        ("rc = sh(script: 'pytest', returnStatus: true)\nif (rc) { error 'x' }", ["1: pytest"]),
        ("warnError('}') {\n sh 'pytest'\n}\nsh 'ruff'", ["2: pytest [warnError]", "4: ruff"]),
        ("catchError(buildResult: 'SUCCESS') { x { }\n sh 'pytest' }", ["2: pytest [catchError]"]),
        ("catchError(stageResult: 'FAILURE') { sh 'pytest' }", ["1: pytest"]),
        ("catchError(buildResult: 'FAILURE') { sh 'pytest' }", ["1: pytest"]),
    ],
)
def test_comments_and_forgiven_failures_of_a_jenkinsfile(text: str, told: list[str]) -> None:
    """A block that leaves the build failed forgives nothing, nor does a status that an error is made of."""
    found = [line.removeprefix("Jenkinsfile:") for line in shown({"Jenkinsfile": text})]
    assert found == told


@pytest.mark.parametrize(
    ("job", "ignored"),
    [
        ("rules: [{if: $A, when: manual}, {when: never}]", "when: manual"),
        ("rules: [{if: $A, when: manual}, {if: $B}]", ""),
        ("rules: [{when: never}, !reference [.rules, rules]]", ""),
        ("rules: []", ""),
        ("allow_failure: {exit_codes: 1}", "allow_failure: exit_codes"),
        ("allow_failure: {exit_codes: [137, 2]}", "allow_failure: exit_codes"),
        ("allow_failure: {exit_codes: [137]}", ""),
    ],
)
def test_jobs_of_gitlab_that_run_by_hand_or_may_fail(job: str, ignored: str) -> None:
    """By all of their rules, and by the statuses that failed tests end with."""
    [found] = read({".gitlab-ci.yml": f"a: {{script: pytest, {job}}}\n"})
    assert found.ignored == ignored


@pytest.mark.parametrize(
    ("job", "ignored"),
    [
        ("b: {script: ls}", "no job extends .a"),
        ("b: {extends: .a-b}", "no job extends .a"),
        ("b: {extends: .a}", ""),
        ("b: {extends: [.b, .a]}", ""),
        ("b: {script: [!reference [.a, script]]}", ""),
    ],
)
def test_a_hidden_job_of_gitlab_runs_where_it_is_extended(job: str, ignored: str) -> None:
    """In whatever file of GitLab's that is."""
    found = read({".gitlab/a.yml": ".a: {script: pytest}\n", ".gitlab-ci.yml": f"{job}\n"})
    assert [c.ignored for c in found if c.text == "pytest"] == [ignored]


def test_what_a_step_is_told_is_no_script() -> None:
    """Unless it is there to run it; a job may have any name."""
    step = "{uses: a/b@v1, with: {command: ruff}, env: {run: ruff}}"
    again = "{uses: nick-fields/retry@v3, with: {command: pytest}}"
    text = f"on: push\njobs:\n env: {{environment: {{run: ruff}}, steps: [{step}, {again}, {{run: sqlc vet}}]}}\n"
    told = [c.text for c in read({".github/workflows/a.yml": text})]
    assert told == ["uses: a/b@v1", "uses: nick-fields/retry@v3", "pytest", "sqlc vet"]


@pytest.mark.parametrize(("value", "ignored"), [("${{ true }}", True), ("${{ matrix.new }}", False), ("false", False)])
def test_a_step_may_fail_by_an_expression(value: str, ignored: bool) -> None:
    """One that is always true."""
    text = f"on: push\njobs: {{a: {{steps: [{{run: pytest, continue-on-error: '{value}'}}]}}}}\n"
    assert [bool(c.ignored) for c in read({".github/workflows/a.yml": text})] == [ignored]


def test_a_taskfile_that_grows_by_merging_is_left_out() -> None:
    """Its mappings would have millions of keys."""
    levels = ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 6)]
    files = {".gitlab-ci.yml": "a: {script: task}\n", "Taskfile.yml": "\n".join([*levels, "tasks: {default: pytest}"])}
    assert shown(files) == [".gitlab-ci.yml:1: task"]

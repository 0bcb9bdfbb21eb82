"""audit.yaml -> `AuditConfig`, or every problem of the file at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from pytest_backend_audit import yamlnodes
from pytest_backend_audit.config.audit_config import AuditConfig, standard_source
from pytest_backend_audit.config.incident_file import read_incidents
from pytest_backend_audit.config.model import AuditFile, Environment
from pytest_backend_audit.config.partial import Partial, prepared, sound_part
from pytest_backend_audit.config.problems import shown, translate
from pytest_backend_audit.config.rules import Context, disagreements
from pytest_backend_audit.config.secrets import Secret, SecretKind, parts_of, secrets_of, take_apart
from pytest_backend_audit.config.terms import terms
from pytest_backend_audit.config.variables import Filled, fill
from pytest_backend_audit.errors import ConfigError, NoSuchStandardError, Problem
from pytest_backend_audit.model import Incident
from pytest_backend_audit.standard.model import Standard
from pytest_backend_audit.yamlnodes import Path, YamlDocument, YamlError, dotted, nearest

StandardSource = Standard | Callable[[str], Standard | None] | None


def load(
    path: FilePath,
    *,
    environment: str | None = None,
    environ: Mapping[str, str],
    formal: bool,
    standard: StandardSource = None,
    registered: Collection[str] = (),
    today: date | None = None,
    name: str | None = None,
    within: FilePath | None = None,
) -> AuditConfig:
    """Read audit.yaml.

    Args:
        path: The file.
        environment: Which block of ``environments`` (``--audit-env``); None where the file leaves no choice.
        environ: The environment's variables, for ``${NAME}``.
        formal: Whether a variable that is not set is an error.
        standard: The standard whose names the file may use; or what gives it, asked with the value of the key
            ``standard``, a path of which is made absolute first. Without one, such names are not checked.
        registered: Names of targets that other plugins bring.
        today: The day of the audit, UTC; by default the present one.
        name: How messages name the file; by default its last part.
        within: Folder that a file which audit.yaml names must lie in; by default that of audit.yaml.

    Raises:
        ConfigError: With every problem of the file.
        StandardError: From `standard`, where the data of the one that is named can't be used.
    """
    shown_name = name or path.name
    try:
        content = path.read_bytes() if path.is_file() else b""
        # Absent, unreadable and too large files have their messages in one place.
        document = yamlnodes.parse(content, shown_name) if content else yamlnodes.read(path, shown_name)
    except OSError as error:
        raise ConfigError([Problem(shown_name, None, "", f"can't be read: {error.strerror}")]) from error
    except YamlError as error:
        raise ConfigError(error.problems) from error
    if not isinstance(document.data, dict):
        raise ConfigError([_not_a_mapping(document)])

    chosen, problems = _choose(document, environment)
    filled = fill(document, environ, environment=chosen, formal=formal)
    problems += filled.problems
    sound, found = _validate(document, filled)
    try:
        asked = standard(standard_source(path, sound.file.standard)) if callable(standard) else standard
    except NoSuchStandardError:
        asked = None
        message = (
            f"found {shown(sound.file.standard)}; allowed: bundled, default, none, the name of a plugin's standard, or "
            f"the path of one{nearest(sound.file.standard, ('bundled', 'default', 'none'))}"
        )
        problems.append(document.problem(("standard",), message))
    day = today or datetime.now(UTC).date()
    context = Context(sound, document, day, asked, registered)
    problems += [*found, *disagreements(context)]
    reported, more = _reported(path.parent, within or path.parent, context)
    if problems or more:
        raise ConfigError([*sorted(dict.fromkeys(problems), key=lambda p: p.line or 0), *more])
    digest = hashlib.sha256(content).hexdigest()
    return _assemble(path, digest, document=document, file=sound.file, filled=filled, chosen=chosen, reported=reported)


def _reported(
    folder: FilePath, within: FilePath, context: Context
) -> tuple[tuple[Incident, ...] | None, Sequence[Problem]]:
    """The incidents of the file that `incidents_file` names, None without one; and what is wrong with it."""
    named = context.file.incidents_file
    if named is None:
        return None, ()
    place = (folder / named).resolve()
    if not place.is_relative_to(within.resolve()):
        message = f"found {shown(named)}; allowed: a file of the repository"
        return None, [context.problem(("incidents_file",), message)]
    try:
        with place.open("rb") as opened:
            raw = opened.read(yamlnodes.MAX_BYTES + 1)
        return read_incidents(named, raw, context.today, context.standard), ()
    except OSError as error:
        message = f"found {shown(named)}, which can't be read: {error.strerror}"
        return None, [context.problem(("incidents_file",), message)]
    except ConfigError as error:
        return None, error.problems


def _not_a_mapping(document: YamlDocument) -> Problem:
    if document.data is None:
        return Problem(document.path, None, "", "is empty; backend-audit init writes one to start from")
    message = f"found {shown(document.data)}; allowed: a mapping that starts with version: 1"
    return Problem(document.path, document.line(()), "", message)


def _choose(document: YamlDocument, asked: str | None) -> tuple[str | None, list[Problem]]:
    """The block of ``environments`` to use; None where there are no blocks."""
    blocks = document.data.get("environments")
    if not isinstance(blocks, dict) or not blocks:
        return None, list(_single(document, asked))
    names = list(blocks)
    if asked is None and len(names) == 1:
        return names[0], []
    if asked in blocks:
        return asked, []
    if asked is None:
        message = f"there are several; choose with --audit-env: {', '.join(names)}"
    else:
        now = next((n for n in names if isinstance(blocks[n], dict) and blocks[n].get("formerly") == asked), "")
        hint = f"; {asked} is {now} now" if now else nearest(asked, names)
        message = f"--audit-env={asked} is none of them; allowed: {', '.join(names)}{hint}"
    return None, [document.problem(("environments",), message)]


def _single(document: YamlDocument, asked: str | None) -> Iterator[Problem]:
    kind = document.data.get("environment")
    if kind is None and document.data.get("environments") is None:
        message = "missing; allowed: prod, stage, canary, local, or environments with a block for each"
        yield Problem(document.path, document.line(()), "environment", message)
    elif asked is not None and isinstance(kind, str) and asked != kind:
        message = f"found {shown(kind)}, the only environment; --audit-env={asked} asks for another"
        yield document.problem(("environment",), message)


def _validate(document: YamlDocument, filled: Filled) -> tuple[Partial, list[Problem]]:
    """The typed file less what unset variables leave open and what is wrong, and what is wrong."""
    data = prepared(filled.data, document)
    problems: list[Problem] = []
    try:
        AuditFile.model_validate(data)
    except ValidationError as error:
        found = translate(error.errors(), document, AuditFile)
        # A placeholder that stands for a variable without a value is not judged.
        problems = [problem for path, problem in found if path not in filled.open]
    return sound_part(data, [_entry(path) for path in filled.open]), problems


def _entry(path: Path) -> Path:
    """The path of the target or identity that `path` lies in."""
    return path[:4] if path[0] == "environments" else path[:2]


def _assemble(
    path: FilePath,
    digest: str,
    *,
    document: YamlDocument,
    file: AuditFile,
    filled: Filled,
    chosen: str | None,
    reported: tuple[Incident, ...] | None,
) -> AuditConfig:
    block = (file.environments or {}).get(chosen or "")
    where: Environment | AuditFile = block or file
    targets = {n: t for n in type(where.targets).model_fields if (t := getattr(where.targets, n)) is not None}
    targets |= where.targets.__pydantic_extra__ or {}
    secrets, names = _delicate(filled, chosen)
    return AuditConfig(
        path=path,
        name=document.path,
        digest=digest,
        file=file,
        document=document,
        environment_name=chosen or file.environment or "",
        environment_kind=block.kind if block else file.environment or "",
        targets=targets,
        identities=where.identities,
        endpoints=file.endpoints if block is None or block.endpoints is None else block.endpoints,
        pools=file.pools if block is None or block.pools is None else block.pools,
        load=block.load if block and block.load else file.load,
        build=block.build if block and block.build else file.build,
        terms=terms(file, document, environment=chosen, reported=reported),
        unset=_unset(filled),
        secrets=secrets,
        plain_names=names,
    )


def _unset(filled: Filled) -> dict[str, tuple[str, ...]]:
    collected: dict[str, list[str]] = {}
    for path, names in filled.unset.items():
        *_, section, entry = _entry(path)
        key = str(entry) if section == "targets" else f"{section}.{entry}"
        collected.setdefault(key, []).extend(names)
    return {key: tuple(dict.fromkeys(names)) for key, names in collected.items()}


def _delicate(filled: Filled, chosen: str | None) -> tuple[tuple[Secret, ...], frozenset[str]]:
    """What must be hidden, and the names in connection strings that are no secrets."""
    secrets: list[Secret] = []
    names: set[str] = set()
    for path, _, value in filled.given:
        secrets += secrets_of(value, dotted(path))
    top: Path = ("environments", chosen) if chosen else ()
    for section in ("targets", "identities"):
        for path, text in _texts(_under(filled.data, (*top, section)), (*top, section)):
            secrets += parts_of(text, dotted(path))
            if path[-1] in {"token", "password"} or "headers" in path:
                secrets.append(Secret(text, dotted(path), SecretKind.VALUE))
            if (parts := take_apart(text)) is not None:
                names.update(parts.names)
    return tuple(dict.fromkeys(secrets)), frozenset(names)


def _under(data: Any, path: Path) -> Any:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _texts(item, (*path, position))

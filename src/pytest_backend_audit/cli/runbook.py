"""Whether a service's runbook refers to its filed audits, as the standard asks."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from pytest_backend_audit.document.git import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_backend_audit.ledger import Place


def trouble(place: Place, commit: str, runbook: str, config_path: str) -> tuple[str, str]:
    """What is wrong with the runbook, or what could not be looked into; both empty if it refers to the audits.

    Args:
        place: Where the audits are filed.
        commit: The audited one; the runbook is read as it was there.
        runbook: As audit.yaml names it.
        config_path: Path of audit.yaml, which the runbook's may be relative to.
    """
    refers = f"{place.name}/"
    if "://" in runbook:
        return "", f"{runbook} can't be looked into from here; see that it refers to {refers}"
    for path in _paths(runbook, config_path):
        answer = ask(place.top, "cat-file", "blob", f"{commit}:{path}")
        if answer.status:
            continue
        if refers in answer.output:
            return "", ""
        return (
            f"the runbook {path} does not refer to {refers}, where its audits are; add a line that does, commit, and "
            "audit that commit"
        ), ""
    return (
        f"runbook: {runbook} is no file of commit {commit[:12]}; name one in audit.yaml, from the top of the "
        f"repository, that refers to {refers}, or a URL; commit, and audit that commit"
    ), ""


def _paths(runbook: str, config_path: str) -> Iterator[str]:
    for named in dict.fromkeys((runbook, runbook.partition("#")[0])):
        for folder in dict.fromkeys(("", posixpath.dirname(config_path))):
            path = posixpath.normpath(posixpath.join(folder, named))
            if not path.startswith(("/", "../")) and path not in {".", ".."}:
                yield path

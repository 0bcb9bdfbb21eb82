"""Who may resolve the dispute of a finding, or say what counts, as the repository at hand says it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_backend_audit.cli.ledgers import committed_service, nearest, place_of, top_of
from pytest_backend_audit.cli.terms import there_at

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import Place, State, Tracked
    from pytest_backend_audit.ledger.events import Filed
    from pytest_backend_audit.signoff.reviewers import Reviewers


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Whose reviewers have the word."""

    config: Path | None
    """audit.yaml; None if there is none."""
    missing: str = ""
    """Why there is none, and the way out."""

    def reviewers(self, place: Place, at: str) -> Reviewers:
        """Read who they are.

        Args:
            place: Whose ledger.
            at: Now, RFC 3339 in UTC.

        Raises:
            ValueError: Nobody can tell.
            GitError: git gave no answer.
        """
        from pytest_backend_audit.signoff.reviewers import reviewers  # noqa: PLC0415 - heavy

        declared = reviewers(self.config, place.top, place.service, at)
        # Without an audit.yaml a key among the allowed signers still says who reviews.
        if self.config is None and not declared.everybody():
            raise ValueError(self.missing)
        return declared


def allowed(args: argparse.Namespace, tracked: Tracked, state: State, at: str, by: str) -> str:
    """Why somebody has no word on the dispute of a finding; empty if they have.

    Args:
        args: The command's.
        tracked: The finding, which is disputed.
        state: The ledger.
        at: Now, RFC 3339 in UTC.
        by: Who would resolve it.

    Raises:
        ValueError: What says who may can't be read, or is not what counts.
        GitError: git gave no answer.
    """
    from pytest_backend_audit.ledger import terms  # noqa: PLC0415 - heavy
    from pytest_backend_audit.signoff.reviewers import not_theirs  # noqa: PLC0415 - heavy

    place = place_of(args, top_of(args))
    known = terms.of(tracked, state, tracked.where)
    declared = reviewed(args.config, known.filings if known else state.filings, state, place).reviewers(place, at)
    disputer = tracked.dispute.by if tracked.dispute else ""
    owners = [tracked.owner, *(getattr(event, "owner", "") for _, event in tracked.history)]
    return not_theirs(
        by, declared, disputer=disputer, owners=owners, leads=_leads(state, tracked), number=tracked.number
    )


def refuse_others(counts: Reviewed, by: str, filings: Sequence[Filed], place: Place) -> None:
    """See that somebody is a reviewer, and may say what counts, or is audited no more.

    Args:
        counts: Whose reviewers have the word.
        by: Who would say so.
        filings: The audits that it is about, whose lead auditors never may.
        place: Whose ledger.

    Raises:
        ValueError: They may not, or nobody can tell.
        GitError: git gave no answer.
    """
    from pytest_backend_audit.recorder import utc_now  # noqa: PLC0415 - heavy
    from pytest_backend_audit.signoff.reviewers import ReviewersError, not_reviewers  # noqa: PLC0415 - heavy

    try:
        declared = counts.reviewers(place, utc_now())
    except ReviewersError as error:
        raise ValueError(str(error).replace("--config PATH", "--audit-config PATH")) from None
    if why := not_reviewers(by, declared, leads=[f.lead_auditor for f in filings]):
        raise ValueError(why)


def reviewed(
    named: str | None,
    filings: Sequence[Filed],
    state: State,
    place: Place,
    *,
    option: str = "--config",
    moved: str | None = None,
) -> Reviewed:
    """Whose reviewers have the word: those of the audit.yaml that these audits went by, as long as it is there.

    Else whoever may commit a file would name themselves in one. Only where it was moved, another says who reviews.

    Args:
        named: The audit.yaml that the command line names.
        filings: The audits.
        state: The ledger.
        place: Whose it is.
        option: What names it.
        moved: Where it is said to be now, which says who reviews where nothing else does.

    Raises:
        ValueError: Another one counts than the named one, or the named one is not there.
    """
    from pytest_backend_audit.document import config_name  # noqa: PLC0415 - heavy
    from pytest_backend_audit.signoff.reviewers import renamed  # noqa: PLC0415 - heavy

    given = file_of(named, f"{option}=")
    called = config_name(given, place.top, Path.cwd()) if given else ""
    others: list[str] = []
    for filing in filings:
        for name in _there(filing, state, place):
            judged = _judged(filing, name)
            # It names a service that is not the ledger's, as where the top's file is another service's by now.
            service = committed_service(place.top, name).strip()
            if service not in {place.service.strip(), ""}:
                others.append(f"{judged}, is of the service {service!a} now; {renamed(service, place.service)}")
                continue
            if ":" in name and called != name:
                raise ValueError(
                    f"{judged}, says who reviews, and lies in another repository; name it there: {option} PATH (has "
                    "another come in its place? backend-audit findings replace)"
                )
            if given and called != name:
                raise ValueError(f"{option}={named}: {judged}, says who reviews, and is still there; leave it out")
            return Reviewed(given or place.top / name)
    if config := given or file_of(moved) or nearest(place.top, place.service):
        return Reviewed(config)
    gone = next((f"{_judged(f, f.config)} and which says who reviews, is gone" for f in filings if f.config), "")
    here = f"{gone}; name what has come in its place: {option} PATH"
    bare = f"there is no audit.yaml of {place.service} here, which says who reviews; name it: {option} PATH"
    return Reviewed(None, next(iter(others), here if gone else bare))


def _there(filing: Filed, state: State, place: Place) -> Iterable[str]:
    """What stands for the audit.yaml of a filing and is in the last commit, the last of it first."""
    there = there_at(place.top, "HEAD")
    chain = state.replaced.chain("audit.yaml", filing.config)
    return (name for name in reversed(chain) if name and there(name))


def _judged(filing: Filed, name: str) -> str:
    if name != filing.config:
        return f"{name}, which stands for {filing.config} now, by which the audit {filing.file} judged"
    return f"{name}, by which the audit {filing.file} judged"


def file_of(named: str | None, option: str = "--config=") -> Path | None:
    """The file that the command line names; None if it names none.

    Args:
        named: Its path.
        option: What names it, as messages write it before the path.

    Raises:
        ValueError: It is not there.
    """
    if named is None:
        return None
    given = Path(named)
    if named and given.is_dir():
        raise ValueError(f"{option}{named}: that is a folder; name the audit.yaml in it")
    if not given.is_file():
        raise ValueError(f"{option}{named}: there is no such file")
    return given


def _leads(state: State, tracked: Tracked) -> list[str]:
    """Lead auditors of the audits that have found it."""
    files = {getattr(event, "file", "") for _, event in tracked.history}
    return [f.lead_auditor for f in state.filings if f.file in files]

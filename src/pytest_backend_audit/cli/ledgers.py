"""Where a command finds a service's ledger, and who is at the keyboard."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

    from pytest_backend_audit.ledger import Place


CONFIG = "audit.yaml"
NAME_LIMIT = 200
"""Characters of a person's name, with an address."""


def add_place(parser: Any) -> None:
    """Give a command the options that say whose ledger is meant."""
    parser.add_argument(
        "--repository", metavar="DIR", help="the audited repository (default: the one of this folder, or of the run)"
    )
    parser.add_argument(
        "--service",
        metavar="NAME",
        help="whose ledger, where audits/ has several",
    )


def add_who(parser: Any) -> None:
    """Give a command the option that says who does it."""
    parser.add_argument("--who", metavar="NAME", help="who says so (default: git's user.name and user.email)")


def top_of(args: argparse.Namespace) -> Path:
    """Top of the audited repository: the named one, else that of this folder, else that of the run's.

    Raises:
        ValueError: None of them lies in one.
    """
    from pytest_backend_audit.document import find_repository  # noqa: PLC0415 - heavy

    run = getattr(args, "folder", None) or getattr(args, "run_folder", None)
    places = [args.repository] if args.repository else [".", *([run] if run else [])]
    top = next((found for place in places if (found := find_repository(Path(place)))), None)
    if top is None:
        raise ValueError(
            f"{' and '.join(places)}: in no git repository; audits are filed in the audited one: --repository DIR"
        )
    return top


def place_of(args: argparse.Namespace, top: Path, *, run_first: bool = False) -> Place:
    """The ledger that a command is about.

    It is the named service's, else the only one, else that of the run, else that of the audit.yaml in this folder.

    Args:
        args: The command's.
        top: Top of the audited repository.
        run_first: Whether the run, if there is one, says more than that there is only one ledger.

    Raises:
        ValueError: There is none, or several.
    """
    from pytest_backend_audit.ledger import Place, State  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.store import without_filings  # noqa: PLC0415 - heavy

    services = found(top)
    if args.service:
        others = services and args.service not in services
        if others and args.service != _service_of(getattr(args, "run_folder", None)):
            raise ValueError(
                f"--service {args.service}: audits/ has no ledger of that service; it has {', '.join(services)}"
            )
        return Place(top, args.service)
    if len(services) == 1 and not run_first:
        return Place(top, services[0])
    if of_run := _service_of(getattr(args, "run_folder", None)):
        return Place(top, of_run)
    if len(services) == 1:
        return Place(top, services[0])
    if (here := _named_here()) in services:
        return Place(top, here)
    if services:
        raise ValueError(f"audits/ has the ledgers of several services, choose: --service {' | '.join(services)}")
    for folder in sorted(top.glob("audits/*/")):
        place = Place(top, _unquoted(folder.name))
        if alone := without_filings(place, State()):
            raise ValueError(alone)
    begins = "`backend-audit file RUN` begins one"
    if run := getattr(args, "run_folder", None):
        raise ValueError(
            f"{top}/audits has no ledger yet, and {run} holds no run of a service; name the run that is meant: --run "
            f"RUN ({begins})"
        )
    raise ValueError(f"{top}/audits has no ledger yet; {begins}")


def _service_of(run: str | None) -> str:
    """The service of a run; empty if there is no run."""
    from pytest_backend_audit.cli.runs import card_of  # noqa: PLC0415 - heavy
    from pytest_backend_audit.finished import is_run  # noqa: PLC0415 - heavy

    return card_of(run).inputs.document.service if run and is_run(Path(run)) else ""


def _named_here() -> str:
    """The service of the audit.yaml in this folder; empty if there is none, or it can't be read."""
    return _service_in(Path(CONFIG))


def _service_in(config: Path) -> str:
    from pytest_backend_audit import yamlnodes  # noqa: PLC0415 - heavy

    try:
        return _service(yamlnodes.read(config).data)
    except (OSError, ValueError, yamlnodes.YamlError):
        return ""


def committed_service(top: Path, name: str) -> str:
    """The service of an audit.yaml as the last commit has it.

    Empty if it names none, can't be read, or lies in another repository.

    Args:
        top: Top of the audited repository.
        name: Its path there, as filings have it.
    """
    from pytest_backend_audit import yamlnodes  # noqa: PLC0415 - heavy
    from pytest_backend_audit.document import GitError, content  # noqa: PLC0415 - heavy

    try:
        raw = content(top, "HEAD", name) if ":" not in name else None
        return _service(yamlnodes.parse(raw, name).data) if raw is not None else ""
    except (GitError, yamlnodes.YamlError):
        return ""


def _service(data: Any) -> str:
    service = data.get("service") if isinstance(data, dict) else ""
    return service if isinstance(service, str) else ""


def found(top: Path) -> list[str]:
    """Services that have a ledger."""
    from pytest_backend_audit.ledger.names import folder_of  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.store import AUDITS, LEDGER, read_file  # noqa: PLC0415 - heavy

    services = []
    for path in sorted(top.glob(f"{AUDITS}/*/{LEDGER}")):
        # A long name can't be read off its folder; one of a ledger without a filing is nowhere else.
        name = f"{AUDITS}/{path.parent.name}/{LEDGER}"
        service = read_file(path, name).service or _unquoted(path.parent.name)
        if folder_of(service) == path.parent.name:
            services.append(service)
    return services


def nearest(top: Path, service: str) -> Path | None:
    """A service's audit.yaml: that of this folder, else of the repository's top, else the only one that git has of it.

    Args:
        top: Top of the audited repository.
        service: Whose.
    """
    from pytest_backend_audit.document.git import ask  # noqa: PLC0415 - heavy

    here = [Path.cwd() / CONFIG] if Path.cwd().resolve().is_relative_to(top.resolve()) else []
    near = (path for path in (*here, top / CONFIG) if path.is_file())
    # One that can't be read is left to whoever says what is wrong with it.
    if found := next((path for path in near if _service_in(path) in {service, ""}), None):
        return found
    listed = ask(top, "ls-files", "-z", "--", CONFIG, f"**/{CONFIG}").items
    own = [top / name for name in listed if _service_in(top / name) == service]
    return own[0] if len(own) == 1 else None


def _unquoted(folder: str) -> str:
    from urllib.parse import unquote  # noqa: PLC0415 - rarely

    return unquote(folder)


def who(args: argparse.Namespace, top: Path) -> str:
    """Who does it.

    Raises:
        ValueError: Neither the command line nor git says.
    """
    from pytest_backend_audit.document.git import ask  # noqa: PLC0415 - heavy

    if args.who is not None:
        said = " ".join(args.who.split())
        if not said:
            raise ValueError("--who: an empty text names nobody")
        if len(said) > NAME_LIMIT:
            raise ValueError(f"--who: {len(said):,} characters; a name has {NAME_LIMIT} at most")
        return said
    name = ask(top, "config", "user.name").line or os.environ.get("GIT_AUTHOR_NAME", "").strip()
    mail = ask(top, "config", "user.email").line or os.environ.get("GIT_AUTHOR_EMAIL", "").strip()
    if not name and not mail:
        raise ValueError("who are you? give --who NAME, or tell git: git config user.name NAME")
    return f"{name} <{mail}>" if name and mail else name or mail

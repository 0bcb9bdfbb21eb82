"""``backend-audit sign``: the second reviewer's signature under the levels of a finished run."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.output import fail
from pytest_backend_audit.cli.runs import add_run, finished, run_folder
from pytest_backend_audit.cli.terms import disputes_of
from pytest_backend_audit.cli.waiting import waiting

if TYPE_CHECKING:
    from pytest_backend_audit.finished import Finished
    from pytest_backend_audit.model import Card
    from pytest_backend_audit.signoff import Subject
    from pytest_backend_audit.signoff.making import Reviewer


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "sign",
        help="sign the levels of a run as its second reviewer",
        description="Levels of 4 and 5 take a second reviewer. Show what one vouches for (each such dimension with "
        "its evidence, attestations, exceptions, checks that could not run, disputes, earlier runs of the commit), "
        "ask, and sign it with an SSH key. Which keys count stands in the repository, in audits/allowed_signers at the "
        "audited commit. The reviewer is not the lead auditor, nor who made the commit.",
        epilog="Exit status: 0 signed, 1 you said no, 2 it can't be signed, with the reason.",
    )
    add_run(parser)
    parser.add_argument(
        "--key",
        metavar="FILE",
        help="private key, or the public key of one that an agent or a token holds (default: git's user.signingkey, "
        "where gpg.format is ssh)",
    )
    parser.add_argument("--reviewer", metavar="NAME", default="", help="who you are, if the key stands for several")
    parser.add_argument(
        "--dimension", metavar="4.x", action="append", default=[], help="sign this one only; repeatable (default: all)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask; needed where there is no terminal")
    parser.add_argument("--again", action="store_true", help="replace a sign-off that is there")
    parser.add_argument("--json", action="store_true", help="what was signed, as JSON; implies nothing is shown before")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``sign``."""
    try:
        with contextlib.ExitStack() as cleanup:
            return _sign(args, cleanup)
    except ValueError as error:
        return fail(_harmless(str(error)))
    except BrokenPipeError:  # the reader of our output has gone, which `main` knows how to end
        raise
    except OSError as error:
        return fail(str(error) if error.filename is None else f"{error.filename}: {error.strerror}")


def _harmless(message: str) -> str:
    """Names of people, keys and commits may hold anything; none of it acts on a terminal."""
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    return clean(message)


def _sign(args: argparse.Namespace, cleanup: contextlib.ExitStack) -> int:
    from pytest_backend_audit import __version__, signoff  # noqa: PLC0415 - heavy
    from pytest_backend_audit.finished import scored, subject_of  # noqa: PLC0415 - heavy
    from pytest_backend_audit.recorder import utc_now  # noqa: PLC0415 - heavy
    from pytest_backend_audit.signoff import making, rules, signing, statement  # noqa: PLC0415 - heavy

    folder = run_folder(args.folder)
    with waiting("reading the run"):
        _refuse_altered(folder)
        _refuse_open_faults(folder)
        found = finished(args.folder)
        about = subject_of(found)
    if trouble := rules.unsignable(about.card, about.reviewer_from):
        raise ValueError(f"{args.folder}: {trouble}")
    signing.check_tool()
    key = signing.key_at(_key_file(args.key, cleanup))
    by = making.reviewer(about, key, asked=args.reviewer, here=(Path.cwd(),), address=_git("user.email"))
    dimensions = _dimensions(args, about, found, by)
    now = utc_now()
    if trouble := rules.clock_trouble(about.card, now):
        raise ValueError(f"{args.folder}: {trouble}")
    told = disputes_of(found)
    chosen = signoff.Chosen(dimensions, told, by.name, key.fingerprint, now, __version__, by.allowed.sha256)
    if not args.json:
        would_be = scored(folder, found.records, statement.sign_off(about.card, chosen))
        _show(about, by, dimensions, told, would_be)
    if (refused := _confirmed(args, by)) is not None:
        return refused
    raw, signature = making.signed(about, by, chosen)
    card = _write(args.folder, raw, signature)
    _say(args, card)
    return 0


def _refuse_altered(folder: Path) -> None:
    """Evidence is looked at too, which reading a run alone does not do."""
    from pytest_backend_audit.finished import verify  # noqa: PLC0415 - heavy
    from pytest_backend_audit.journal import AGAIN, State  # noqa: PLC0415 - heavy

    found = verify(folder)
    if found.state is State.ALTERED:
        raise ValueError(f"{found.problems[0]}. {AGAIN}")


def _refuse_open_faults(folder: Path) -> None:
    """What undoes a fault writes into its record, which the signature covers."""
    from pytest_backend_audit.finished import sources  # noqa: PLC0415 - heavy
    from pytest_backend_audit.targets.faults.records import open_in  # noqa: PLC0415 - heavy

    for source in sources(folder):
        for left in open_in(source):
            raise ValueError(
                f"{left.place}: a fault is still set ({left.what}); `backend-audit revert {source}`, then sign"
            )


def _key_file(given: str | None, cleanup: contextlib.ExitStack) -> Path:
    """The key that was named, or the one that git signs with."""
    if given is not None:
        return Path(given).expanduser()
    named = _git("user.signingkey")
    if _git("gpg.format") != "ssh" or not named:
        raise ValueError(
            "which key? Name it: --key ~/.ssh/id_ed25519 (git config user.signingkey is taken where gpg.format is ssh)"
        )
    literal = named.removeprefix("key::")
    if literal.startswith(("ssh-", "ecdsa-", "sk-")):
        file = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="backend-audit-"))) / "signingkey.pub"
        file.write_text(literal + "\n", "utf-8")
        return file
    return Path(named).expanduser()


def _git(name: str) -> str:
    from pytest_backend_audit.document.git import GitError, ask  # noqa: PLC0415 - heavy

    try:
        return ask(Path.cwd(), "config", "--get", name).line
    except GitError:
        return ""


def _dimensions(args: argparse.Namespace, about: Subject, found: Finished, by: Reviewer) -> tuple[str, ...]:
    """The dimensions to be signed, in the card's order, once nothing that is there speaks against it."""
    from pytest_backend_audit import signoff  # noqa: PLC0415 - heavy
    from pytest_backend_audit.signoff import statement  # noqa: PLC0415 - heavy

    known = statement.signable(about.card, about.reviewer_from)
    asked = [name.strip() for given in args.dimension for name in given.split(",") if name.strip()]
    for name in asked:
        if name not in known:
            raise ValueError(
                f"--dimension={name}: no dimension at L{about.reviewer_from} or above; there are {', '.join(known)}"
            )
    wanted = set(asked or known)
    if not signoff.present(found.folder) or args.again:
        return tuple(d for d in known if d in wanted)
    before = found.sign_off
    if before is None:
        raise ValueError(
            f"{args.folder}: holds a sign-off that does not count; --again replaces it: {found.no_sign_off}"
        )
    if before.key != by.key.fingerprint or wanted <= set(before.dimensions):
        raise ValueError(
            f"{args.folder}: signed by {before.reviewer} at {before.signed_at} for {', '.join(before.dimensions)}; "
            "--again replaces that"
        )
    wanted |= set(before.dimensions)
    return tuple(d for d in known if d in wanted)


def _show(about: Subject, by: Reviewer, dimensions: Sequence[str], told: Sequence[str], signed: Card) -> None:
    from pytest_backend_audit.cli.vouched import lines  # noqa: PLC0415 - heavy

    sys.stdout.writelines(f"{line}\n" for line in lines(about, by, dimensions, told, signed))
    sys.stdout.flush()


def _confirmed(args: argparse.Namespace, by: Reviewer) -> int | None:
    """None once the user agrees, else the exit status."""
    if args.yes:
        return None
    if args.json or not sys.stdin.isatty():
        return fail("nothing was signed: there is no terminal to ask on; once you have looked, add --yes")
    sys.stdout.write(f"Sign this as {by.name}? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().casefold() in {"y", "yes"}:
        return None
    sys.stdout.write("nothing was signed\n")
    return 1


def _write(given: str, raw: bytes, signature: bytes) -> Card:
    """Put both files down, and all reports anew; the card as anybody now reads it."""
    from pytest_backend_audit.reports.writing import write, write_all  # noqa: PLC0415 - heavy
    from pytest_backend_audit.signoff import SIGNATURE, STATEMENT  # noqa: PLC0415 - heavy

    folder = run_folder(given)
    # Whenever this is cut short, there is no signature rather than one of another text.
    (folder / SIGNATURE).unlink(missing_ok=True)
    write(folder / STATEMENT, [raw.decode("ascii")])
    write(folder / SIGNATURE, [signature.decode("ascii")])
    after = finished(given)
    if after.sign_off is None:
        raise ValueError(f"{given}: signed, and yet it does not count: {after.no_sign_off}")
    write_all(after.card, folder)
    return after.card


def _say(args: argparse.Namespace, card: Card) -> None:
    sign_off = card.sign_off
    if sign_off is None:
        return
    levels = {d.id: d.level for d in card.dimensions}
    disposition = card.disposition
    if args.json:
        facts = {
            "reviewer": sign_off.reviewer,
            "key": sign_off.key,
            "signed_at": sign_off.signed_at,
            "dimensions": {d: levels[d] for d in sign_off.dimensions},
            "total": card.total,
            "disposition": disposition.id if disposition else None,
            "statement": os.fspath(Path(args.folder) / "signoff.json"),
        }
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
        return
    named = ", ".join(f"{d} L{levels[d]}" for d in sign_off.dimensions)
    sys.stdout.write(f"signed by {sign_off.reviewer}: {named}\n")
    if disposition:
        sys.stdout.write(f"{card.total} of {card.maximum}, {disposition.name}\n")
    sys.stdout.write(f"backend-audit gate {args.folder} --min DISPOSITION judges it\n")

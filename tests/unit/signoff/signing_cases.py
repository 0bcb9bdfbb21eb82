"""A repository with reviewers, their keys, and a run of its commit: all real, and made in a tenth of a second."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unit.scoring.scoring_cases import DISPOSITIONS, OUTPUT, SEALED, check, inputs, passed, row, standard

from pytest_backend_audit import finished
from pytest_backend_audit.journal import Writer
from pytest_backend_audit.model import Acknowledged, Attempt, Document, Evidence, EvidenceKind, Policy, Seal
from pytest_backend_audit.reports.writing import write_all

GIT = {
    "GIT_AUTHOR_NAME": "Linus Dev",
    "GIT_AUTHOR_EMAIL": "linus@example.org",
    "GIT_COMMITTER_NAME": "Linus Dev",
    "GIT_COMMITTER_EMAIL": "linus@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
GRACE = "grace@example.org"
LEAD = "Ada Lovelace <ada@example.org>"
STANDARD = replace(
    standard(row("4.1", "plans", 3), row("4.1", "plans", 4), row("4.2", "pools", 3), ids=("4.1", "4.2")),
    dispositions=tuple(replace(d, floor=f) for d, f in zip(DISPOSITIONS, (8, 7, 5, 3, None), strict=True)),
)
"""Two dimensions of ten points: signed, the run below has 7 of them, else 6."""
LARGE = Evidence(EvidenceKind.OUTPUT, "explain (analyze) select", "x" * 5000)
"""So large that it lies beside the journal."""
POLICY = Policy(
    incidents=(),
    acknowledged=(Acknowledged("plans:invoices", "small", "Carol", "T-7", "2026-12-31"),),
)
ATTESTATION = {
    "criterion": "drill",
    "kind": "document",
    "reference": "docs/drill.md",
    "title": "Drill",
    "date": "2026-08-14",
    "who": "Carol",
}


def ran(*argv: str | Path, cwd: Path, **environment: str) -> str:
    """What a program says that has to succeed."""
    env = {**os.environ, **GIT, **environment}
    done = subprocess.run([*map(str, argv)], cwd=cwd, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def key(folder: Path, name: str, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new key pair; its private file."""
    path = folder / name
    ran("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", name, "-f", path, cwd=folder)
    return path


def public(path: Path) -> str:
    """The public half of a key."""
    return path.with_name(path.name + ".pub").read_text("utf-8").strip()


@dataclass
class House:
    """A repository, and who has keys to it."""

    path: Path
    keys: Path
    commit: str = ""

    @property
    def run(self) -> Path:
        """The run folder, in the repository."""
        return self.path / "audit-report"

    def git(self, *arguments: str, **environment: str) -> str:
        """Run git in the repository."""
        return ran("git", *arguments, cwd=self.path, **environment)

    def commit_signers(self, *lines: str, message: str = "state", path: str = "audits/allowed_signers") -> str:
        """Commit the allowed signers; the full SHA."""
        if not (self.path / ".git").exists():
            self.git("init", "-q", "-b", "main")
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        self.git("add", "--", path)
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.commit = self.git("rev-parse", "HEAD")
        return self.commit

    def audited(self, seal: Seal | None = SEALED, attempts: Iterable[Attempt] | None = None, **fields: Any) -> Path:
        """A run of the commit that reaches L4 in one of two dimensions, or in both, with its reports; its folder."""
        plan = [
            check("plans-3", 3, "4.1", "plans"),
            check("plans-4", 4, "4.1", "plans"),
            check("pools", 3, "4.2", "pools"),
        ]
        if fields.pop("both", False):
            plan.append(check("pools-4", 4, "4.2", "pools"))
        document = Document(
            service="orders",
            environment="prod",
            environment_kind="prod",
            commit=self.commit,
            lead_auditor=fields.pop("lead_auditor", LEAD),
        )
        told = inputs(
            plan,
            **{
                "rules": STANDARD,
                "loaded": True,
                "policy": POLICY,
                "config": {"attestations": [ATTESTATION]},
                "config_digest": "c0" * 32,
                "document": document,
                **fields,
            },
        )
        writer = Writer(self.run)
        writer.start(told)
        for attempt in attempts or (passed("plans-3"), passed("plans-4", LARGE, OUTPUT), passed("pools")):
            writer.attempt(attempt)
        if seal is not None:
            writer.seal(seal)
        writer.close()
        write_all(finished.load(self.run).card, self.run)
        return self.run


def house(tmp_path: Path, *, kind: str = "ed25519") -> House:
    """A repository of a commit by Linus, in which Grace may sign, and so may Ada, who leads the audit."""
    repository, keys = tmp_path / "orders", tmp_path / "keys"
    repository.mkdir()
    keys.mkdir()
    made = House(repository, keys)
    grace, ada, linus = key(keys, "grace", kind), key(keys, "ada"), key(keys, "linus")
    made.commit_signers(
        "# reviewers",
        f"{GRACE} {public(grace)}",
        f"ada@example.org {public(ada)}",
        f"linus@example.org {public(linus)}",
    )
    return made

"""Whose word counts on a finding, and what may come in the place of what audits judged by: real runs and commands."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from unit.cli.command import backend_audit

from plugin._filing import (
    CONFIG,
    OWNERS,
    STRICTER,
    TWO,
    audited,
    command,
    good,
    ledger,
    made,
    mended,
    numbers,
    state,
    today,
)
from pytest_backend_audit.ledger import Status

WAYS_OUT = (
    "if 'shop' is another name for 'orders', give it back the one that the ledger has (service: orders) and commit; to "
    "begin anew, git rm -r audits/orders"
)


NO_PLACE = (
    (
        ("--config", "audit.yaml", "--by", "docs/runbook.md", "--audit-config", "audit.yaml"),
        '--by docs/runbook.md: it is no audit.yaml: docs/runbook.md:1: found "Audits are in audits/orders/."; '
        "allowed: an audit.yaml, or a mapping of its policy keys",
    ),
    (
        ("--config", "audit.yaml", "--by", "other.yaml"),
        "--by other.yaml: it is of the service 'bills', the ledger of 'orders'; name that service's audit.yaml",
    ),
    (
        ("--config", "audit.yaml", "--by", "bare.yaml"),
        "--by bare.yaml: it is of no service, the ledger of 'orders'; name that service's audit.yaml",
    ),
    (("--config", "audit.yaml", "--by", "docs"), "--by docs: that is a folder; name the audit.yaml in it"),
    (("--config", "audit.yaml", "--by", ""), "--by : there is no such file"),
    (
        ("--config", "audit.yaml", "--by", "new.yaml"),
        "--by new.yaml: it is not in the last commit; commit it first",
    ),
    (
        ("--policy", "main", "--by", "main:schema.sql"),
        '--by main:schema.sql: no audit could be held to it: main:schema.sql:1: found "CREATE TABLE orders ();"; '
        "allowed: an audit.yaml, or a mapping of its policy keys",
    ),
    (
        ("--policy", "main", "--by", "wrong.yaml"),
        "--by wrong.yaml: no audit could be held to it: wrong.yaml:1: thresholds: found a list; allowed: a mapping",
    ),
    (
        ("--policy", "main", "--by", "HEAD"),
        "--by HEAD: that is whichever commit is checked out, and its own file is no policy of another; name a "
        "branch, a tag or a commit",
    ),
    (
        ("--policy", "main", "--by", "@~1:audit.yaml"),
        "--by @~1:audit.yaml: that is whichever commit is checked out, and its own file is no policy of another; "
        "name a branch, a tag or a commit",
    ),
)
"""What stands in no place of an audit.yaml or a policy, and why."""


@pytest.fixture
def orders(project):
    """A repository whose audit can be filed; two of its checks fail."""
    return made(project)


def refused(orders, *arguments: str) -> str:
    """What a command says that is refused, and leaves the ledger as it was."""
    kept = (orders.path / "audits" / "orders" / "ledger.jsonl").read_bytes()
    done = command(orders, "findings", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert (orders.path / "audits" / "orders" / "ledger.jsonl").read_bytes() == kept
    return done.stderr.removeprefix("backend-audit: ").removesuffix("\n")


def test_who_commits_an_audit_yaml_does_not_thereby_review(orders) -> None:
    """While the one that audits went by is there, its reviewers replace it; once it was moved, those of the new one."""
    audited(orders)
    good(orders, "file")
    (orders.path / "lax.yaml").write_text((orders.path / "audit.yaml").read_text().replace("Grace", "Kim"))
    orders.commit()
    word = ("replace", "--config", "audit.yaml", "--by", "lax.yaml", "--reason", "x")
    assert refused(orders, *word) == (
        "Kim <kim@example.org> is no reviewer; Grace may say so: --who NAME. Who else may is stated in the last "
        "commit: second_reviewer in audit.yaml, or a key in audits/allowed_signers"
    )
    assert refused(orders, *word, "--audit-config", "lax.yaml") == (
        f"--audit-config=lax.yaml: audit.yaml, by which the audit {today(orders)} judged, says who reviews, and is "
        "still there; leave it out"
    )
    said = good(orders, "findings", *word, "--who", "Grace")
    assert said == f"audit.yaml lax.yaml stands for audit.yaml, by Grace on {today(orders)}: x\n"
    number = numbers(orders)["test_index"]
    done = command(orders, "findings", "close", number, "--config", "audit.yaml")
    assert (done.returncode, done.stdout) == (
        1,
        f"{number}: stays open: the audit {today(orders)} that has it judged by audit.yaml, for which lax.yaml stands "
        "now, and not by audit.yaml: leave --config out\n",
    )
    orders.git("mv", "lax.yaml", "main.yaml")
    orders.commit()
    # The last of what stood for it that is there still counts; where none is, whoever the one in its place names.
    back = ("replace", "--config", "lax.yaml", "--by", "main.yaml", "--reason", "moved")
    assert "Grace may say so: --who NAME" in refused(orders, *back)
    orders.git("rm", "-q", "audit.yaml")
    orders.commit()
    assert good(orders, "findings", *back).startswith("audit.yaml main.yaml stands for lax.yaml, by Kim ")


def test_a_file_that_names_nobody_s_reviewer(orders) -> None:
    """Two lines that anybody may commit resolve nothing while the audit's own file is there."""
    audited(orders)
    good(orders, "file")
    number = numbers(orders)["test_index"]
    (orders.path / "eve.yaml").write_text("service: orders\nsecond_reviewer: Eve\n")
    orders.commit()
    good(orders, "findings", "dispute", number, "--reason", "no", "--who", "Bob")
    word = ("resolve", number, "--upheld", "--reason", "no", "--who", "Eve")
    assert refused(orders, *word, "--config", "eve.yaml") == (
        f"--config=eve.yaml: audit.yaml, by which the audit {today(orders)} judged, says who reviews, and is still "
        "there; leave it out"
    )
    # Taken out of the work tree alone, it is in the last commit.
    (orders.path / "audit.yaml").unlink()
    assert refused(orders, *word).startswith("Eve is no reviewer; Grace may resolve it: --who NAME. ")
    assert ledger(orders).find(number).status is Status.DISPUTED


def test_an_audit_yaml_by_another_name(orders) -> None:
    """Is found by what was filed; where it is gone, the message says which option names the one in its place."""
    orders.git("mv", "audit.yaml", "orders.yaml")
    orders.commit()
    audited(orders, "--audit-config=orders.yaml")
    good(orders, "file")
    index, tls = numbers(orders)["test_index"], numbers(orders)["test_tls"]
    for number in (index, tls):
        good(orders, "findings", "dispute", number, "--reason", "no", "--who", "Bob")
    word = ("--dismissed", "--reason", "I looked", "--who", "Grace")
    assert good(orders, "findings", "resolve", index, *word) == f"{index}: open, the dispute is dismissed\n"
    orders.git("mv", "orders.yaml", "shop.yaml")
    orders.commit()
    assert refused(orders, "resolve", tls, *word) == (
        f"orders.yaml, by which the audit {today(orders)} judged and which says who reviews, is gone; name what has "
        "come in its place: --config PATH"
    )
    done = good(orders, "findings", "resolve", tls, *word, "--config", "shop.yaml")
    assert done == f"{tls}: open, the dispute is dismissed\n"


def test_an_audit_yaml_of_another_repository(orders, tmp_path_factory) -> None:
    """Is named where it lies; one beside the code does not say who reviews instead."""
    ops = tmp_path_factory.mktemp("ops")
    shutil.move(orders.path / "audit.yaml", ops / "audit.yaml")
    config = ops / "audit.yaml"
    config.write_text(f"{config.read_text()}repository: {orders.path}\n")
    orders.commit()
    for line in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "ops")):
        orders.git("-C", str(ops), "-c", "user.name=K", "-c", "user.email=k@example.org", *line)
    audited(orders, f"--audit-config={config}")
    good(orders, "file")
    (orders.path / "audit.yaml").write_text(CONFIG.format(service="orders", owners=OWNERS, prior="none"))
    orders.commit()
    number = numbers(orders)["test_index"]
    good(orders, "findings", "dispute", number, "--reason", "no", "--who", "Bob")
    word = ("resolve", number, "--dismissed", "--reason", "I looked", "--who", "Grace")
    assert refused(orders, *word) == (
        f"elsewhere:audit.yaml, by which the audit {today(orders)} judged, says who reviews, and lies in another "
        "repository; name it there: --config PATH (has another come in its place? backend-audit findings replace)"
    )
    assert good(orders, "findings", *word, "--config", str(config)) == f"{number}: open, the dispute is dismissed\n"


def test_a_service_that_got_another_name(orders) -> None:
    """Whoever works on its ledger is told how to go on, and so is who files the first audit by the new name."""
    audited(orders)
    good(orders, "file")
    number = numbers(orders)["test_index"]
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace("service: orders", "service: shop"))
    (orders.path / "docs" / "runbook.md").write_text("audits/orders/ audits/shop/")
    day, commit = today(orders), orders.commit()
    good(orders, "findings", "dispute", number, "--reason", "renamed", "--who", "Bob")
    word = ("resolve", number, "--upheld", "--reason", "renamed", "--who", "Grace")
    assert refused(orders, *word) == (
        f"audit.yaml, by which the audit {day} judged, is of the service 'shop' now; {WAYS_OUT}"
    )
    assert refused(orders, *word, "--config", "audit.yaml") == (
        f"audit.yaml at {commit[:12]}: is of the service 'shop', the ledger of 'orders'; name that service's "
        f"audit.yaml: --config PATH; {WAYS_OUT}"
    )
    audited(orders)
    told = (
        "note: audits/orders/ledger.jsonl has 10 open findings of the service 'orders', whose audits were by "
        f"audit.yaml too, and this one closes none of them: {WAYS_OUT}\n"
    )
    shutil.copytree(orders.path / "audits", orders.path / "std-audits")
    assert told in good(orders, "file")
    # A later audit of that name says it no more, nor does one where the other service has an audit.yaml of its own.
    audited(orders)
    assert "audits/orders" not in good(orders, "file")
    shutil.rmtree(orders.path / "audits")
    shutil.move(orders.path / "std-audits", orders.path / "audits")
    (orders.path / "own").mkdir()
    (orders.path / "own" / "audit.yaml").write_text(config.read_text().replace("service: shop", "service: orders"))
    orders.commit()
    audited(orders)
    assert "audits/orders" not in good(orders, "file")
    assert good(orders, "findings", *word, "--service", "orders") == f"{number}: closed, the dispute is upheld\n"


def test_a_policy_by_its_own_name_and_as_it_was_typed(orders) -> None:
    """The name that filings have goes first; what was typed for several of them names none."""
    (orders.path / "policy.yaml").write_text(STRICTER)
    for folder in ("sub", "apps"):
        (orders.path / folder).mkdir()
        (orders.path / folder / "policy.yaml").write_text("thresholds: {cache-hit-ratio: 0.5}\n")
        (orders.path / folder / "own.yaml").write_text("thresholds: {cache-hit-ratio: 0.5}\n")
    (orders.path / "new.yaml").write_text(STRICTER)
    orders.commit()
    audited(orders, "--audit-policy=policy.yaml")
    good(orders, "file")
    for folder, policy in (("sub", "policy.yaml"), ("sub", "own.yaml"), ("apps", "own.yaml")):
        options = ("--audit-sha=HEAD", f"--audit-policy={policy}", f"--audit-report={orders.path}/audit-report")
        place = (f"--rootdir={orders.path}", "-c", str(orders.path / "pytest.ini"))
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *options, *place],
            cwd=orders.path / folder,
            check=False,
            capture_output=True,
        )
        good(orders, "file")
    names = [(f.policy, f.policy_given) for f in ledger(orders).filings]
    assert names == [
        ("policy.yaml", "policy.yaml"),
        ("sub/policy.yaml", "policy.yaml"),
        ("sub/own.yaml", "own.yaml"),
        ("apps/own.yaml", "own.yaml"),
    ]
    word = ("--by", "new.yaml", "--reason", "x", "--who", "Grace")
    assert good(orders, "findings", "replace", "--policy", "policy.yaml", *word).startswith(
        "policy new.yaml stands for policy.yaml, by Grace "
    )
    assert refused(orders, "replace", "--policy", "own.yaml", *word) == (
        "own.yaml: filed audits mean several by it, sub/own.yaml, apps/own.yaml; name one of them"
    )


def test_what_takes_no_place(orders) -> None:
    """What no audit could judge by, and what would be another policy for every commit."""
    (orders.path / "other.yaml").write_text("version: 1\nservice: bills\n")
    (orders.path / "bare.yaml").write_text(STRICTER)
    (orders.path / "wrong.yaml").write_text("thresholds: [1]\n")
    orders.commit()
    audited(orders, "--audit-policy=main")
    good(orders, "file")
    (orders.path / "new.yaml").write_text((orders.path / "audit.yaml").read_text())
    for given, message in NO_PLACE:
        assert refused(orders, "replace", *given, "--reason", "x", "--who", "Grace") == message


def test_closing_names_the_audit_yaml_that_is_not_there(orders) -> None:
    """By the path that was given, and whatever else was; one that was moved away is asked for."""
    audited(orders, "--audit-policy=main")
    good(orders, "file")
    number = numbers(orders)["test_index"]
    for given, message in (
        ("nowhere.yaml", "--config=nowhere.yaml: there is no such file"),
        ("docs", "--config=docs: that is a folder; name the audit.yaml in it"),
        ("", "--config=: there is no such file"),
    ):
        assert refused(orders, "close", number, "--config", given) == message
        assert refused(orders, "close", number, "--config", given, "--policy", "main") == message
    orders.git("mv", "audit.yaml", "orders.yaml")
    orders.commit()
    for more in ((), ("--policy", "main")):
        assert refused(orders, "close", number, *more) == (
            "nothing was closed: there is no audit.yaml of orders here: --config PATH"
        )


def test_closing_where_an_audit_yaml_was_moved_to(orders) -> None:
    """In its new folder, below pytest's, it is the one that counts."""
    suite = orders.path / "checks" / "test_orders.py"
    suite.write_text(suite.read_text().replace('Path("schema.sql")', '(Path(__file__).parents[1] / "schema.sql")'))
    for folder in ("apps", "svc"):
        (orders.path / folder).mkdir()
    orders.git("mv", "audit.yaml", "apps/audit.yaml")
    orders.commit()
    audited(orders, "--audit-config=apps/audit.yaml")
    good(orders, "file")
    number = numbers(orders)["test_index"]
    orders.git("mv", "apps/audit.yaml", "svc/audit.yaml")
    mended(orders)
    done = backend_audit("findings", "close", number, cwd=orders.path / "svc")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(
        "; judged otherwise since it was filed: audit.yaml: svc/audit.yaml, was apps/audit.yaml\n"
    )


def test_closing_what_is_about_a_dimension_in_two_environments(orders) -> None:
    """The advice names both so that a shell takes either, or the one that is asked for; an unknown one is refused."""
    state(orders, TWO.replace("stage:", "stage west:"))
    orders.commit()
    for environment in ("prod", "stage west"):
        audited(orders, f"--audit-env={environment}")
        good(orders, "file")
        orders.commit()
    number = next(t.number for t in ledger(orders).findings if t.finding.check == "coverage")
    for options, where in (
        ((), "--audit-env=prod, or --audit-env='stage west'"),
        (("--env", "stage west"), "--audit-env='stage west'"),
    ):
        done = command(orders, "findings", "close", number, *options)
        assert f"a whole audit shows it: pytest --audit-sha=HEAD {where}, then backend-audit findings" in done.stdout
    assert refused(orders, "close", number, "--env", "canary") == (
        "nothing was closed: --env canary: audit.yaml has the environments prod, stage west"
    )
    choose = "choose: --env prod or --env 'stage west'"
    assert refused(orders, "close", numbers(orders)["test_index"]).endswith(choose)


def test_closing_what_is_open_in_two_environments(orders) -> None:
    """A run is made in one of them: which, is for the user to say."""
    state(orders, TWO)
    orders.commit()
    for environment in ("prod", "stage"):
        audited(orders, f"--audit-env={environment}")
        good(orders, "file")
        orders.commit()
    index, tls = numbers(orders)["test_index"], numbers(orders)["test_tls"]
    mended(orders)
    choose = "open in prod, stage, and a run is made in one of them; choose: --env prod or --env stage"
    assert refused(orders, "close", index) == f"nothing was closed: {index} is {choose}"
    assert refused(orders, "close", index, tls) == f"nothing was closed: they are {choose}"
    done = command(orders, "findings", "close", index, "--env", "prod")
    assert (done.returncode, done.stdout) == (1, f"{index}: stays open: closed here, and still open in stage\n")
    # Only one is left.
    assert ": closed, its check passed at " in good(orders, "findings", "close", index)

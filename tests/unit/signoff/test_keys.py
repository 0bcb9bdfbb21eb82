"""Keys of every type that ssh knows, in files, in agents and in tokens: real ones, by the real ssh-keygen."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.cli.command import PROGRAM
from unit.signoff.signing_cases import GIT, GRACE, House, house, key, public, ran
from unit.signoff.token_of_software import Token

from pytest_backend_audit import finished
from pytest_backend_audit.cli import main
from pytest_backend_audit.signoff import signing


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """The repository that the command runs in."""
    made = house(tmp_path)
    monkeypatch.chdir(made.path)
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return made


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A running ssh-agent without keys."""
    socket = tmp_path / "agent"
    said = ran("ssh-agent", "-s", "-a", socket, cwd=tmp_path)
    found = re.search(r"SSH_AGENT_PID=(\d+)", said)
    assert found is not None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield
    os.kill(int(found[1]), signal.SIGTERM)


def signed_by(orders: House, path: Path, *arguments: str) -> str:
    """Fingerprint of the key whose sign-off counts."""
    assert main(["sign", "--yes", "--key", str(path), *arguments]) == 0
    run = finished.load(orders.run)
    assert run.sign_off is not None, run.no_sign_off
    return run.sign_off.key


def refused(path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one message with which it refuses."""
    assert main(["sign", "--yes", "--json", "--key", str(path), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err.removeprefix("backend-audit: ").rstrip("\n")


def fingerprint(path: Path) -> str:
    """As ssh-keygen tells it."""
    return ran("ssh-keygen", "-l", "-f", path, cwd=path.parent).split()[1]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_in_a_file(orders: House, kind: str) -> None:
    """By its private or its public file."""
    path = key(orders.keys, f"grace-{kind}", kind)
    orders.commit_signers(f"{GRACE} {public(path)}")
    orders.audited()
    assert signed_by(orders, path) == fingerprint(path)
    assert signed_by(orders, path.with_name(path.name + ".pub"), "--again") == fingerprint(path)


def test_a_dsa_key_is_refused(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """OpenSSH gave them up; where ssh-keygen makes none any more, its file is told by its first word."""
    path = orders.keys / "old.pub"
    path.write_text("ssh-dss AAAAB3NzaC1kc3MAAACBAJ old\n")
    orders.audited()
    assert refused(path, capsys) == (
        f"{path}: a DSA key, which OpenSSH gave up; sign with another: ssh-keygen -t ed25519"
    )


def test_a_dsa_key_that_ssh_keygen_still_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By a program that says what OpenSSH before 9.8 says of one: not every ssh-keygen makes them."""
    path = tool(tmp_path, monkeypatch, 'echo "1024 SHA256:w/lhEcs9INpkDQb+7jhrPTH3yh4J2/5HVi8YyZ8dAJo old (DSA)"')
    with pytest.raises(signing.SigningError, match="a DSA key, which OpenSSH gave up"):
        signing.key_at(path)


def test_what_is_no_key(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of something else, no file, a folder."""
    orders.audited()
    path = orders.keys / "notes"
    path.write_text("buy milk\n")
    assert refused(path, capsys) == (
        f"{path}: ssh-keygen finds no public key there; name a private key with its .pub beside it, or the .pub of a "
        "key that your agent holds"
    )
    none = orders.keys / "none"
    assert refused(none, capsys) == f"{none}: there is no such key file; `ls ~/.ssh/*.pub` lists the usual ones"
    assert refused(orders.keys, capsys) == (
        f"{orders.keys} is a folder; name the key file in it, such as {orders.keys}/id_ed25519"
    )


def test_a_public_key_without_its_private_one(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in a file beside it nor in an agent."""
    (orders.keys / "grace").unlink()
    orders.audited()
    path = orders.keys / "grace.pub"
    assert refused(path, capsys) == (
        f"{path}: neither an agent nor a file beside it holds the private key; ssh-add PRIVATE-KEY"
    )


def test_a_key_in_an_agent(orders: House, agent: None) -> None:
    """Its public half is all that is at hand."""
    ran("ssh-add", "-q", orders.keys / "grace", cwd=orders.keys)
    expected = fingerprint(orders.keys / "grace")
    (orders.keys / "grace").unlink()
    orders.audited()
    assert signed_by(orders, orders.keys / "grace.pub") == expected


def test_a_private_key_that_others_can_read(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """ssh-keygen does not use it, and says so on many lines; we on one."""
    path = orders.keys / "grace"
    path.chmod(path.stat().st_mode | stat.S_IRGRP | stat.S_IROTH)
    orders.audited()
    assert refused(path, capsys) == (
        f"{path}: others can read this private key, so ssh-keygen does not use it: chmod 600 {path}"
    )


def test_a_passphrase_without_a_terminal(orders: House) -> None:
    """Nobody can type it: no hanging, one message."""
    path = key(orders.keys, "locked", passphrase="correct horse")
    orders.commit_signers(f"{GRACE} {public(path)}")
    orders.audited()
    done = subprocess.run(
        [*PROGRAM, "sign", "--yes", "--json", "--key", path],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(
        f"backend-audit: {path}: wrong passphrase, or no terminal to ask for it; load the key into an agent: ssh-add\n"
    )


def certified(orders: House, *principals: str, valid: str = "20200101:20991231") -> Path:
    """Grace's key with a certificate of the house's authority; the certificate."""
    key(orders.keys, "authority")
    names = ("-n", ",".join(principals)) if principals else ()
    ran("ssh-keygen", "-q", "-s", "authority", "-I", "grace", *names, "-V", valid, "grace.pub", cwd=orders.keys)
    return orders.keys / "grace-cert.pub"


def test_a_certificate(orders: House) -> None:
    """The authority's key stands in the allowed signers, for a pattern of names; the certificate says which."""
    certificate = certified(orders, GRACE)
    orders.commit_signers(f"*@example.org cert-authority {public(orders.keys / 'authority')}")
    orders.audited()
    assert signed_by(orders, certificate) == fingerprint(orders.keys / "grace")
    run = finished.load(orders.run)
    assert run.sign_off is not None
    assert run.sign_off.reviewer == GRACE


def test_a_certificate_of_another_authority(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """It is nobody's, whatever it says."""
    certificate = certified(orders, GRACE)
    other = key(orders.keys, "other")
    orders.commit_signers(f"*@example.org cert-authority {public(other)}")
    orders.audited()
    assert "is not among the allowed signers" in refused(certificate, capsys)


def test_a_certificate_that_is_over(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """In ssh-keygen's words."""
    certificate = certified(orders, GRACE, valid="20200101:20210101")
    orders.commit_signers(f"*@example.org cert-authority {public(orders.keys / 'authority')}")
    orders.audited()
    said = refused(certificate, capsys)
    assert said.startswith(f"{GRACE} may not sign with {certificate} at 20")
    assert said.endswith(
        f": audits/allowed_signers at {orders.commit[:12]}: allowed signers:1: certificate not authorized: "
        "Certificate invalid: expired"
    )


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ('valid-before="20200101"', "key has expired: verify time "),
        ('valid-after="20900101"', "key is not yet valid: verify time "),
        ('namespaces="git"', 'key is not permitted for use in signature namespace "pytest-backend-audit"'),
    ],
)
def test_a_key_that_may_not_sign_this_now(
    orders: House, option: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the allowed signers say of it holds at the instant of the signature."""
    orders.commit_signers(f"{GRACE} {option} {public(orders.keys / 'grace')}")
    orders.audited()
    message = refused(orders.keys / "grace", capsys)
    assert message.startswith(f"{GRACE} may not sign with {orders.keys}/grace at 20")
    assert f": audits/allowed_signers at {orders.commit[:12]}: allowed signers:1: {said}" in message


def test_a_key_that_expires_later_has_signed(orders: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature from its time stands: whoever looks, whenever, wherever."""
    orders.commit_signers(
        f'{GRACE} valid-after="20200101",valid-before="20991231" {public(orders.keys / "grace")}',
    )
    orders.audited()
    signed_by(orders, orders.keys / "grace")
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):
        monkeypatch.setenv("TZ", zone)
        assert finished.load(orders.run).no_sign_off == ""


def test_one_key_of_several_names(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Who signs is said, or known to git; only names that the key stands for are taken."""
    orders.commit_signers(f"{GRACE},hopper@example.org {public(orders.keys / 'grace')}")
    orders.audited()
    path = orders.keys / "grace"
    assert refused(path, capsys) == (
        f"{path} may sign for {GRACE}, hopper@example.org (audits/allowed_signers at {orders.commit[:12]}); say who "
        "you are: --reviewer"
    )
    assert refused(path, capsys, "--reviewer", "eve@example.org") == (
        f"--reviewer='eve@example.org': audits/allowed_signers at {orders.commit[:12]} has {GRACE}, hopper@example.org "
        f"for {path}"
    )
    signed_by(orders, path, "--reviewer", "hopper@example.org")
    orders.git("config", "user.email", GRACE)
    signed_by(orders, path, "--again")
    run = finished.load(orders.run)
    assert run.sign_off is not None
    assert run.sign_off.reviewer == GRACE


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("ada", "the lead auditor (Ada Lovelace <ada@example.org>); a second reviewer is somebody else"),
        (
            "linus",
            "the author of commit {commit} (Linus Dev <linus@example.org>); have somebody else sign, or allow it in "
            "audit.yaml: sign_off: {{allow_author: true}}",
        ),
    ],
)
def test_another_name_makes_nobody_another_person(
    orders: House, name: str, role: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key of the lead auditor, or of the author, signs under none of its names, and what it signed does not count."""
    path, address = orders.keys / name, f"{name}@example.org"
    orders.commit_signers(f"{address} {public(path)}", f"build@example.org {public(path)}")
    orders.audited()
    said = f"build@example.org, whose key is that of {address} too, is {role.format(commit=orders.commit[:7])}"
    assert refused(path, capsys, "--reviewer", "build@example.org") == said
    with monkeypatch.context() as looking_away:
        looking_away.setattr("pytest_backend_audit.signoff.signers.names_of", lambda key, allowed: ())
        signed_by(orders, path, "--reviewer", "build@example.org")
    assert finished.load(orders.run).no_sign_off == said


def test_another_name_of_a_certificate_makes_nobody_another_person(
    orders: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lead auditor's certificate is for her team too: she signs for neither, and what she signed does not count."""
    key(orders.keys, "authority")
    names = ("-n", "release@example.org,ada@example.org")
    ran(
        "ssh-keygen",
        "-q",
        "-s",
        "authority",
        "-I",
        "ada",
        *names,
        "-V",
        "20200101:20991231",
        "ada.pub",
        cwd=orders.keys,
    )
    orders.commit_signers(f"*@example.org cert-authority {public(orders.keys / 'authority')}")
    orders.audited()
    certificate = orders.keys / "ada-cert.pub"
    said = (
        "release@example.org, whose key is that of ada@example.org too, is the lead auditor (Ada Lovelace "
        "<ada@example.org>); a second reviewer is somebody else"
    )
    assert refused(certificate, capsys, "--reviewer", "release@example.org") == said
    with monkeypatch.context() as looking_away:
        looking_away.setattr("pytest_backend_audit.signoff.rules.same", lambda one, other: False)
        signed_by(orders, certificate, "--reviewer", "release@example.org")
    assert finished.load(orders.run).no_sign_off == said


@pytest.mark.parametrize(
    ("principals", "who"),
    [
        ("*@example.org", "the lead auditor (Ada Lovelace <ada@example.org>); a second reviewer is somebody else"),
        (
            "!ada@example.org,*@EXAMPLE.org,eve@example.org",
            "the author of commit {commit} (Linus Dev <linus@example.org>); have somebody else sign, or allow it in "
            "audit.yaml: sign_off: {{allow_author: true}}",
        ),
    ],
)
def test_a_pattern_that_takes_in_who_may_not_sign(
    orders: House, principals: str, who: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever holds such a key picks a name: it could be the lead auditor's, or the author's."""
    orders.commit_signers(f"{principals} {public(orders.keys / 'ada')}")
    orders.audited()
    other = "ada" if principals.startswith("*") else "linus"
    assert refused(orders.keys / "ada", capsys, "--reviewer", "eve@example.org") == (
        f"eve@example.org, whose key is that of {other}@example.org too, is {who.format(commit=orders.commit[:7])}"
    )


def test_a_pattern_of_others(orders: House) -> None:
    """It takes in neither of them, so that it is somebody else's."""
    orders.commit_signers(f"*@reviewers.example {public(orders.keys / 'grace')}")
    orders.audited()
    signed_by(orders, orders.keys / "grace", "--reviewer", "grace@reviewers.example")


def test_a_text_in_quotes_is_no_option(orders: House, capsys: pytest.CaptureFixture[str]) -> None:
    """The lead auditor's key is her key, whatever its namespaces are called."""
    line = public(orders.keys / "ada")
    orders.commit_signers(
        f'ada@example.org namespaces="pytest-backend-audit,cert-authority" {line}', f"build@example.org {line}"
    )
    orders.audited()
    said = refused(orders.keys / "ada", capsys, "--reviewer", "build@example.org")
    assert said.startswith("build@example.org, whose key is that of ada@example.org too, is the lead auditor")


@pytest.mark.parametrize("name", ["Grace Hopper", "G. Ö. 'Hop' Ж", "グレース", "grace;$(touch x)@example.org"])
def test_names_as_people_have_them(orders: House, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Spaces, quotes, other alphabets, what a shell would run: the name that is signed is the name that is shown."""
    orders.commit_signers(f'"{name}" {public(orders.keys / "grace")}')
    orders.audited()
    signed_by(orders, orders.keys / "grace")
    assert f"signed by {name}: 4.1 L4\n" in capsys.readouterr().out
    run = finished.load(orders.run)
    assert run.sign_off is not None
    assert run.sign_off.reviewer == name
    assert name.partition("'")[0] in (orders.run / "scorecard.html").read_text("utf-8")
    assert not (orders.path / "x").exists()


@pytest.mark.parametrize("name", ["grace\nhopper", "grace\x1b[31m", "grace\u202ehopper", "grace\x00"])
def test_names_that_nobody_has(orders: House, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Line feeds, escapes and marks that turn the reading direction."""
    orders.commit_signers(f"* {public(orders.keys / 'grace')}")
    orders.audited()
    said = refused(orders.keys / "grace", capsys, "--reviewer", name)
    assert said == (
        f"--reviewer={name!r}: audits/allowed_signers at {orders.commit[:12]} has * for {orders.keys}/grace"
    )


def tool(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str = "ssh-keygen") -> Path:
    """Put a program of ours first on PATH, in the place of a real one; the file itself, which is there."""
    path = folder / "tools" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
    return path


def test_no_openssh(orders: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the package."""
    orders.audited()
    tools = orders.keys / "tools"
    tools.mkdir()
    git = ran("which", "git", cwd=orders.path)
    (tools / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tools))
    assert refused(orders.keys / "grace", capsys) == (
        "ssh-keygen is not installed, or not on PATH; install OpenSSH's client (openssh-client)"
    )


def test_an_old_openssh(
    orders: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a program that says what OpenSSH 8.4 says of itself."""
    orders.audited()
    ssh = tool(tmp_path, monkeypatch, 'echo "OpenSSH_8.4p1 Debian-5, OpenSSL 1.1.1w  11 Sep 2023" >&2', "ssh")
    assert refused(orders.keys / "grace", capsys) == (
        f"OpenSSH 8.4 ({ssh}) is too old to check when a key was valid; install 8.9 or newer"
    )


def test_an_openssh_that_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By a program that never answers: we don't wait for ever."""
    monkeypatch.setattr(signing, "ASKING_SECONDS", 0.2)
    path = tool(tmp_path, monkeypatch, "exec tail -f /dev/null")
    with pytest.raises(signing.ToolError, match=r"did not answer within 0\.2 s"):
        signing.key_at(path)


def test_a_signature_that_never_comes(
    orders: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a program that waits for a touch that nobody makes: what it says meanwhile reaches the user."""
    real = ran("which", "ssh-keygen", cwd=tmp_path)
    orders.audited()
    monkeypatch.setattr(signing, "SIGNING_SECONDS", 0.5)
    tool(
        tmp_path,
        monkeypatch,
        'if [ "$2" = sign ]; then echo "Confirm user presence for key" >&2; exec tail -f /dev/null; fi\n'
        f'exec {real} "$@"',
    )
    assert main(["sign", "--yes", "--json", "--key", str(orders.keys / "grace")]) == 2
    assert capsys.readouterr() == (
        "",
        "Confirm user presence for key\nbackend-audit: ssh-keygen did not sign within 0.5 s and was stopped\n",
    )


def test_a_key_of_a_token_made_of_software_for_want_of_hardware(
    orders: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an agent holds it; ssh-keygen sees no difference to one that is touched."""
    token = Token()
    path = orders.keys / "token.pub"
    path.write_text(f"{token.public}\n")
    orders.commit_signers(f"{GRACE} {token.public}")
    orders.audited()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with token.agent(tmp_path / "agent"):
        assert signed_by(orders, path) == fingerprint(path)

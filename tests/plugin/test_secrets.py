"""A secret let slip by any channel is in nothing that an audit leaves: not on the terminal, not in a file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from urllib.parse import quote

import pytest

from plugin import _planted
from plugin._leaks import everything, leaks, secret
from plugin._servers import echo, http_server, says
from plugin.conftest import CONFIG, Project
from pytest_backend_audit.reports import FORMATS

EVERYTHING = (
    "--audit",
    "-rA",
    "--showlocals",
    "-v",
    "--durations=0",
    "--durations-min=0",
    "--junitxml=j.xml",
    "-ojunit_family=legacy",
    "-ojunit_logging=all",
)

OTHERWISE = {
    "header": rb"GET /by-header.{1,900}?\\\"Authorization\\\": \\\"\[redacted\]\\\"",
    "cookie": rb"x-seen: \[redacted\]|x-seen: session=\[redacted\]",
    "variable": rb"BY_VARIABLE=\[redacted\]",
    "locals": rb"by_locals *= '\[redacted\]'",
    "funcarg": rb"by_funcarg *= '\[redacted\]'",
    "subtest_value": rb"by_subtest_value=\S{0,3}\[redacted\]",
}
"""What stands beside the secrets of those channels that have no ``by-CHANNEL`` in front."""
IDENTITY = CONFIG + 'identities: {alice: {token: "${TOKEN}"}}\n'


def reported(project: Project, name: str) -> bytes:
    """A format that a run does not write; by a process of its own, as pytester lets this one forget modules."""
    code = "import sys; from pytest_backend_audit.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "report", "audit-report", "--format", name]
    return subprocess.run(command, cwd=project.path, capture_output=True, check=True).stdout


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
def test_no_channel_lets_a_secret_out(
    project: Project, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """Print, log, warning, exception, ids, locals, properties, evidence and the rest: each seen, each redacted."""
    secrets = _planted.secrets()
    for channel, value in secrets.items():
        monkeypatch.setenv(f"SECRET_{channel.upper()}", value)
    targets = {c: secret(c) for c in ("postgres", "redis", "http_url", "basic")}
    project.config(_planted.config())
    project.suite(_planted.SUITE)
    (project.path / "test_broken.py").write_text(_planted.BROKEN, "utf-8")
    (project.path / "test_skipped.py").write_text(_planted.SKIPPED, "utf-8")
    project.commit()
    with http_server(echo) as port:
        monkeypatch.setenv(
            "POSTGRES_DSN", f"postgresql://audit:{quote(targets['postgres'], safe='')}@127.0.0.1:1/orders"
        )
        monkeypatch.setenv("REDIS_URL", f"redis://audit:{quote(targets['redis'], safe='')}@127.0.0.1:1/0")
        monkeypatch.setenv("HTTP_URL", f"http://audit:{quote(targets['http_url'], safe='')}@127.0.0.1:{port}")
        monkeypatch.setenv("BASIC_PASSWORD", targets["basic"])
        result = project.run(*EVERYTHING, "--audit-allow=writes", "--continue-on-collection-errors", *workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    texts = everything(result, project.path / "audit-report", project.path / "j.xml")
    on_request = [name for name, format_ in FORMATS.items() if format_.filename is None]
    texts |= {name: reported(project, name) for name in on_request}
    assert leaks(texts, {**secrets, **targets, "file": "written-in-the-file"}) == []
    # Markdown escapes the brackets.
    assert all(b"redacted" in texts[name] for name in on_request if name != "terminal")
    # Each channel was open: what stands beside the secret came out, and the mark with it.
    everywhere = b"".join(texts.values())
    # JUnit's own fixtures do nothing in xdist's workers.
    silent = {"attribute", "suite_property", "suite_property_name"} if workers else set()
    closed = [c for c in secrets if not re.search(rb"by-%s\b.{0,90}?\[redacted\]" % c.encode(), everywhere, re.DOTALL)]
    assert set(closed) == silent | set(OTHERWISE)
    for channel, shown in OTHERWISE.items():
        assert re.search(shown, everywhere), channel
    assert json.loads(texts["scorecard.json"])["document"]["build"].startswith(
        "not verifiable: http://audit:[redacted]@"
    )


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
def test_an_interruption_keeps_its_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """``pytest.exit`` with a reason; the reason stands on the card too."""
    monkeypatch.setenv("TOKEN", secret("exit"))
    project.config(IDENTITY)
    project.suite(
        "import os\n@audit(dimension='4.1', level=2)\ndef test_it(): pytest.exit('by-exit ' + os.environ['TOKEN'])\n"
    )
    result = project.run("--audit", "--full-trace", *workers)
    texts = everything(result, project.path / "audit-report")
    assert leaks(texts, {"exit": secret("exit")}) == []
    assert b"by-exit [redacted]" in texts["stdout"]


def test_an_internal_error_keeps_its_secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback of a plugin that fails is pytest's own, and is redacted as well."""
    monkeypatch.setenv("TOKEN", secret("internal"))
    project.config(IDENTITY)
    project.suite("@audit(dimension='4.1', level=2)\ndef test_it(): pass\n")
    (project.path / "conftest.py").write_text(
        "import os\ndef pytest_runtest_protocol(): raise OSError('by-internal ' + os.environ['TOKEN'])\n", "utf-8"
    )
    result = project.run("--audit")
    texts = everything(result, project.path / "audit-report")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    assert leaks(texts, {"internal": secret("internal")}) == []
    assert b"INTERNALERROR> OSError: by-internal [redacted]" in texts["stdout"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DSN", "postgresql://audit:{}@127.0.0.1:notaport/orders"),
        ("DSN", "mysql://audit:{}@127.0.0.1/orders"),
        ("DSN", "host=127.0.0.1 port=notaport password='{}'"),
        ("URL", "redis//audit:{}@127.0.0.1:1/0"),
        ("BASE", "ftp://audit:{}@127.0.0.1"),
        ("BASE", "http://audit:{}@[::1"),
        ("TOKEN", "{}"),
    ],
)
def test_a_secret_that_makes_no_sense_is_not_quoted(
    project: Project, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """What is wrong with a value of the environment is said without the value."""
    sound = {"DSN": "postgresql://127.0.0.1:1/x", "URL": "redis://127.0.0.1:1/0", "BASE": "http://127.0.0.1:1"}
    for name, given in {**sound, "TOKEN": "some-token", variable: value.format(quote(secret("bad"), safe=""))}.items():
        monkeypatch.setenv(name, given)
    project.config(
        CONFIG + "targets:\n  postgres: {dsn: '${DSN}'}\n  redis: {url: '${URL}'}\n  http: {base_url: '${BASE}'}\n"
        "identities: {alice: {token: '${TOKEN}'}}\n"
    )
    project.suite(
        "check = audit(dimension='4.1', level=2)\n"
        "@check\ndef test_postgres(audit_postgres): pass\n"
        "@check\ndef test_redis(audit_redis): audit_redis.ping()\n"
        "@check\ndef test_http(audit_http): audit_http.get('/')\n"
        "@check\ndef test_alice(audit_identity): audit_identity('alice').get('/')\n"
    )
    project.commit()
    result = project.run("--audit-sha=HEAD", "-rA", "-l")
    texts = everything(result, *[p for p in [project.path / "audit-report"] if p.exists()])
    assert leaks(texts, {"bad": secret("bad")}) == []
    assert b"Traceback" not in texts["stdout"] + texts["stderr"]
    assert (result.ret == 4) == (b"ERROR: audit.yaml:" in texts["stderr"])


def test_a_build_that_differs_names_the_address_without_its_password(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usage error quotes the URL."""
    project.suite("@audit(dimension='4.1', level=2)\ndef test_it(): pass\n")
    project.config(CONFIG + "build: {url: /version, samples: 1}\ntargets: {http: {base_url: '${BASE}'}}\n")
    commit = project.commit()
    with http_server(says(b"0123456789")) as port:
        monkeypatch.setenv("BASE", f"http://audit:{quote(secret('build'), safe='')}@127.0.0.1:{port}")
        result = project.run("--audit-sha=HEAD")
    assert leaks(everything(result), {"build": secret("build")}) == []
    assert [line for line in result.errlines if line.startswith("ERROR")] == [
        f"ERROR: http://audit:[redacted]@127.0.0.1:{port}/version says it was built from '0123456789', "
        f"the audited commit is {commit}: deploy that commit, or audit the one that runs"
    ]


KEY = "-----BEGIN EXAMPLE KEY-----\nfirst-line-Zq9\nsecond-line-Zq9\nthird-line-Zq9\n-----END EXAMPLE KEY-----"


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
def test_no_line_of_a_secret_comes_out(
    project: Project, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """A failure is indented, and differences and lists show lines one by one."""
    monkeypatch.setenv("TOKEN", KEY)
    project.config(IDENTITY)
    project.suite(
        "import os\nKEY = os.environ['TOKEN']\ncheck = audit(dimension='4.1', level=2)\n"
        "@check\ndef test_message(): assert False, KEY\n"
        "@check\ndef test_error(): raise ValueError('a\\n' + KEY + '\\nb')\n"
        "@check\ndef test_list(): assert KEY.splitlines() == ['a']\n"
        "@check\ndef test_difference(): assert KEY + '\\nmore' == 'x\\n' + KEY\n"
        "@check\ndef test_print():\n    print(KEY)\n    assert not KEY\n"
    )
    result = project.run("--audit", "-rA", "-vv", "--showlocals", "--junitxml=j.xml", *workers)
    assert result.parseoutcomes() == {"failed": 5}
    texts = everything(result, project.path / "audit-report", project.path / "j.xml")
    assert leaks(texts, {line: line for line in KEY.splitlines()[1:-1]}) == []
    assert project.statuses()["test_message"] == "failed"


@pytest.mark.parametrize("options", [(), ("--full-trace",), ("--full-trace", "--showlocals")], ids=" ".join)
def test_an_interruption_by_the_keyboard_shows_no_parameter(
    project: Project, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """The traceback that ``--full-trace`` asks for has arguments and locals, and belongs to no report."""
    monkeypatch.setenv("TOKEN", secret("key"))
    project.config(IDENTITY)
    project.suite(
        "import os\n@pytest.mark.parametrize('by_key', [os.environ['TOKEN']], ids=['one'])\n"
        "@audit(dimension='4.1', level=2)\ndef test_it(by_key): raise KeyboardInterrupt\n"
    )
    result = project.run("--audit", *options)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert leaks(everything(result, project.path / "audit-report"), {"key": secret("key")}) == []
    assert ("by_key = '[redacted]'" in result.stdout.str()) is bool(options)


@pytest.mark.parametrize(
    ("hook", "status", "shown"),
    [
        ("pytest_collection_modifyitems(): raise pytest.UsageError(told)", 4, "ERROR: by-end [redacted]"),
        ("pytest_sessionfinish(): raise RuntimeError(told)", 3, "RuntimeError: by-end [redacted]"),
        ("pytest_terminal_summary(): raise RuntimeError(told)", 3, "RuntimeError: by-end [redacted]"),
        ("pytest_unconfigure(): raise RuntimeError(told)", 3, "RuntimeError: by-end [redacted]"),
        ("pytest_sessionfinish(): pytest.exit(told)", 0, "Exit: by-end [redacted]"),
        ("pytest_sessionfinish(): raise SystemExit(told)", 1, "by-end [redacted]"),
        ("pytest_runtest_logfinish(): raise pytest.Session.Interrupted(told)", 2, None),
    ],
)
def test_an_end_out_of_the_ordinary_keeps_its_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch, hook: str, status: int, shown: str | None
) -> None:
    """What a conftest raises outside of every test comes out as pytest, or Python, prints it; but clean."""
    monkeypatch.setenv("TOKEN", secret("end"))
    project.config(IDENTITY)
    project.suite("@audit(dimension='4.1', level=2)\ndef test_it(): pass\n")
    (project.path / "conftest.py").write_text(
        f"import os, pytest\ntold = 'by-end ' + os.environ['TOKEN']\ndef {hook}\n", "utf-8"
    )
    result = project.run("--audit")
    assert leaks(everything(result, project.path / "audit-report"), {"end": secret("end")}) == []
    assert result.ret == status
    if shown is None:
        assert "by-end [redacted]" in result.stdout.str()
    else:
        assert shown in result.errlines


def test_a_worker_that_leaves_at_its_end_keeps_its_secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes the reason of its ``pytest.exit`` to the same stderr."""
    monkeypatch.setenv("TOKEN", secret("worker"))
    project.config(IDENTITY)
    project.suite("@audit(dimension='4.1', level=2)\ndef test_it(): pass\n")
    (project.path / "conftest.py").write_text(
        "import os, pytest\ndef pytest_sessionfinish(): pytest.exit('by-worker ' + os.environ['TOKEN'])\n", "utf-8"
    )
    result = project.run("--audit", "-n2")
    assert leaks(everything(result, project.path / "audit-report"), {"worker": secret("worker")}) == []
    # The controller and both workers.
    assert result.stderr.str().count("Exit: by-worker [redacted]") == 3


@pytest.mark.parametrize(
    "argument", ["dimension=S, level=2", "dimension='4.1', level=S", "dimension='4.1', level=2, criterion=S"]
)
def test_a_mark_that_makes_no_sense_keeps_its_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch, argument: str
) -> None:
    """The usage error quotes what was given."""
    monkeypatch.setenv("TOKEN", secret("mark"))
    project.config(IDENTITY)
    project.suite(f"import os\nS = os.environ['TOKEN']\n@audit({argument})\ndef test_it(): pass\n")
    result = project.run("--audit")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert leaks(everything(result), {"mark": secret("mark")}) == []
    assert "[redacted]" in result.stderr.str()


def test_a_warnings_file_keeps_its_secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is shown in front of the warning."""
    monkeypatch.setenv("TOKEN", secret("file").replace("/", "_"))
    project.config(IDENTITY)
    project.suite(
        "import os, warnings\n@audit(dimension='4.1', level=2)\ndef test_it():\n"
        "    warnings.warn_explicit('told', UserWarning, '/srv/' + os.environ['TOKEN'] + '.py', 3)\n"
    )
    result = project.run("--audit")
    assert leaks(everything(result, project.path / "audit-report"), {"file": secret("file").replace("/", "_")}) == []
    assert "  /srv/[redacted].py:3: UserWarning: told" in result.outlines


def test_a_secret_that_pytest_cuts_leaves_no_half(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long values are shown with their middle left out: neither end of a secret stays behind."""
    monkeypatch.setenv("TOKEN", "first-half-of-it+other-half-of-it")
    project.config(IDENTITY)
    project.suite(
        "import os\n@audit(dimension='4.1', level=2)\ndef test_it():\n"
        "    left = 'x' * 105 + os.environ['TOKEN'] + 'x' * 300\n"
        "    right = 'x' * 300 + os.environ['TOKEN'] + 'x' * 105\n"
        "    assert left == right\n"
    )
    result = project.run("--audit", "-l")
    texts = everything(result, project.path / "audit-report")
    assert leaks(texts, {"first": "first-half-of", "other": "half-of-it"}) == []
    assert b"xxx[redacted]...xxx" in texts["stdout"]
    assert b"xxx...[redacted]xxx" in texts["stdout"]


def test_what_only_looks_like_a_secret_stays_readable(project: Project) -> None:
    """Names of classes, files and criteria with "token" or "secret" in them; a criterion's items can be pasted."""
    project.config(CONFIG + "criteria: {password-rules: our own}\n")
    project.suite(
        "class TestTokens:\n    @pytest.mark.parametrize('n', [1])\n"
        "    @audit(dimension='4.7', level=2, criterion='committed-secrets')\n"
        "    def test_it(self, n): assert False, '1 found: committed-secrets:src/app.py:12'\n"
        "@audit(dimension='4.7', level=2, criterion='password-rules')\n"
        "def test_own(): assert False, 'password-rules: 6 characters, token == other'\n",
        "test_passwords.py",
    )
    project.run("--audit", "test_passwords.py")
    assert {a.instance: a.reason for a in project.record().attempts} == {
        "test_passwords.py::TestTokens::test_it[1]": "1 found: committed-secrets:src/app.py:12",
        "test_passwords.py::test_own": "password-rules: 6 characters, token == other",
    }


def test_what_the_file_itself_says_is_not_kept_either(project: Project) -> None:
    """Literal credentials of audit.yaml, of other environments too; names of variables stay."""
    project.config(
        "version: 1\nservice: orders\nsuites: none\nenvironments:\n"
        "  one: {kind: local, identities: {alice: {token: '${ALICE_TOKEN}'}}}\n"
        "  two:\n    kind: stage\n    targets: {postgres: {dsn: 'postgresql://audit:of-the-dsn-1@db/orders'}}\n"
        "    identities: {bob: {token: sh0rt}, eve: {username: eve, password: of-the-user-1},\n"
        "      api: {headers: {X-Api-Key: of-the-header}}}\n"
    )
    project.suite("@audit(dimension='4.1', level=2)\ndef test_it(): pass\n")
    result = project.run("--audit", "--audit-env=one")
    planted = {v: v for v in ("of-the-dsn-1", "sh0rt", "of-the-user-1", "of-the-header")}
    assert leaks(everything(result, project.path / "audit-report"), planted) == []
    kept = project.record().inputs.config["environments"]
    assert kept["one"]["identities"] == {"alice": {"token": "${ALICE_TOKEN}"}}
    assert kept["two"]["targets"]["postgres"]["dsn"] == "postgresql://audit:[redacted]@db/orders"


def test_collecting_only_shows_clean_ids(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """And two ids that differ by their secret alone stay two."""
    monkeypatch.setenv("TOKEN", secret("id"))
    project.config(IDENTITY)
    project.suite(
        "import os\n"
        "@pytest.mark.parametrize('value', [1, 2], ids=[n + os.environ['TOKEN'] for n in ('a-', 'a-')])\n"
        "@audit(dimension='4.1', level=2)\ndef test_it(value): pass\n"
    )
    result = project.run("--audit", "--collect-only", "-q")
    assert leaks(everything(result), {"id": secret("id")}) == []
    assert [line for line in result.outlines if "::" in line] == [
        "test_checks.py::test_it[a-[redacted]0]",
        "test_checks.py::test_it[a-[redacted]1]",
    ]


@pytest.mark.parametrize(
    ("options", "ways"),
    [
        ((), None),
        (("-s",), "-s"),
        (("--capture=tee-sys",), "--capture=tee-sys"),
        (
            ("--pdb", "--trace", "--setup-show", "--log-file=log", "--log-cli-level=INFO", "--debug=debug.log"),
            "--pdb, --trace, --setup-show, --log-file, live logs, --debug",
        ),
        (("-o", "log_cli=true", "-o", "log_file=log"), "--log-file, live logs"),
        (("-p", "no:logging", "-p", "no:debugging", "-p", "no:setuponly"), None),
        (("-p", "no:capture"), "-p no:capture"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_head_names_the_ways_past_redaction(project: Project, options: tuple[str, ...], ways: str | None) -> None:
    """What pytest shows or stores without a report in between is named before anything can come out there."""
    project.suite("@audit(dimension='4.1', level=2)\ndef test_it(): pass\n")
    result = project.run("--audit", "--collect-only", *options)
    head = " ".join(result.stdout.str().partition("rootdir:")[0].split())
    told = f"audit: {ways}: what tests print or log there goes past the redaction"
    assert head.endswith(told) if ways else "goes past the redaction" not in head


TORN = "Zq9%sKw{0}Zq9 correct horse battery staple %d Kw9"


@pytest.mark.parametrize("options", [(), ("--color=yes", "-v"), ("-vv", "-n2"), ("--color=yes", "-vv", "--tb=short")])
def test_no_layout_lets_a_secret_out(
    project: Project, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """Pytest colours the parts of a text, writes it on several lines, or begins it in the middle: no part comes out."""
    monkeypatch.setenv("TOKEN", TORN)
    project.config(IDENTITY)
    project.suite(
        "import os\nT = os.environ['TOKEN']\nLONG = 'x' * 45 + T + 'y' * 45\ncheck = audit(dimension='4.1', level=2)\n"
        "@check\ndef test_item(): assert {'a': T, 'b': 1} == {'a': 'x', 'b': 1}\n"
        "@check\ndef test_sequence(): assert ['x', T] == ['x', 'y']\n"
        "@check\ndef test_bytes(): assert {'body': LONG.encode()} == {'body': b''}\n"
        "@check\ndef test_words(): assert {'body': LONG} == {'body': ''}\n"
        "@check\ndef test_turns(): assert [LONG.encode()] == [LONG.replace('x', 'z').encode()]\n"
        "@check\ndef test_middle(): assert 'x' * 60 + T + 'a' == 'x' * 60 + T + 'b'\n"
        "@check\ndef test_end(): assert 'a' + T + 'x' * 60 == 'b' + T + 'x' * 60\n"
    )
    result = project.run("--audit", "--junitxml=j.xml", *options)
    assert result.parseoutcomes() == {"failed": 7}
    texts = everything(result, project.path / "audit-report", project.path / "j.xml")
    plain = {place: re.sub(rb"\x1b\[[0-9;]*m", b"", text) for place, text in texts.items()}
    assert leaks(plain, {part: part for n in range(len(TORN) - 8) if (part := TORN[n : n + 8])}) == []
    assert plain["stdout"].count(b"[redacted]") >= 7


def test_no_copy_of_an_id_keeps_its_secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reporters of JSON write a report's keywords and location, and what a module printed while it was collected."""
    monkeypatch.setenv("TOKEN", secret("copy"))
    project.config(IDENTITY)
    (project.path / "conftest.py").write_text(
        "import json\n"
        "def pytest_itemcollected(item): item.location\n"
        "def told(name, *what):\n"
        "    with open('told.json', 'a') as file: file.write(json.dumps([name, *what]) + '\\n')\n"
        "def pytest_collectreport(report): told('collected', report.sections)\n"
        "def pytest_runtest_logreport(report): told(report.nodeid, report.location, list(report.keywords))\n",
        "utf-8",
    )
    project.suite(
        "import os\nprint('by-import ' + os.environ['TOKEN'])\n"
        "@pytest.mark.parametrize('value', [1], ids=['by-id ' + os.environ['TOKEN']])\n"
        "@audit(dimension='4.1', level=2)\ndef test_it(value): pass\n"
    )
    project.run("--audit")
    told = (project.path / "told.json").read_bytes()
    assert leaks({"told": told}, {"copy": secret("copy")}) == []
    assert told.count(b"test_it[by-id [redacted]]") == 9
    assert b"by-import [redacted]" in told

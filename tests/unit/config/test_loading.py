"""A good audit.yaml becomes typed values for one environment, with the origin of each and what must stay secret."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from pytest_backend_audit import standard, yamlnodes
from pytest_backend_audit.config import AuditConfig, Secret, SecretKind, load, schema
from pytest_backend_audit.errors import ConfigError
from pytest_backend_audit.model import Acknowledged, Incident, Need, NotApplicable, Policy

FULL = Path(__file__).parent / "full.yaml"
ENVIRON = {
    "AUDIT_POSTGRES_DSN": "postgresql://audit:s3cret%2Fpass@db.example.com:5433/orders?sslpassword=key-pass&sslmode=require",
    "AUDIT_REDIS_URL": "rediss://audit:r3dis-pass@cache.example.com/0",
    "ALICE_TOKEN": "tok-alice-0123456789",
}
Load = Callable[..., AuditConfig]


@pytest.fixture
def read(tmp_path: Path) -> Load:
    """Load a text as audit.yaml."""

    def read(text: str, **changes: object) -> AuditConfig:
        path = tmp_path / "audit.yaml"
        path.write_text(text)
        settings: dict[str, object] = {"environ": {}, "formal": False, "today": date(2026, 11, 24)}
        return load(path, **{**settings, **changes})  # type: ignore[arg-type]

    return read


def full(**changes: object) -> AuditConfig:
    """The file with every key, formally."""
    settings: dict[str, object] = {"environ": ENVIRON, "formal": True, "today": date(2026, 11, 24)}
    settings |= {"standard": standard.load("default")}
    return load(FULL, **{**settings, **changes})  # type: ignore[arg-type]


def test_every_key_is_read() -> None:
    """The file holds each key of the format, so a key that is added must be added there too."""
    config = full()
    assert set(config.raw) == set(schema.schema()["properties"]) - {"environments"}
    assert (config.service, config.environment_name, config.environment_kind) == ("orders", "canary", "canary")
    assert config.target("postgres").dsn == ENVIRON["AUDIT_POSTGRES_DSN"]
    assert config.target("redis").declared.maxmemory_policy == "allkeys-lru"
    lifetimes = config.target("redis").declared.lifetimes
    assert {pattern: lifetime.at_most for pattern, lifetime in lifetimes.items()} == {
        "orders:*:price:*": 132,
        "orders:flags": None,
    }
    assert config.target("http").instance.pointer == "/instance"
    assert config.target("replica") is None
    assert config.identities["alice"].token == "tok-alice-0123456789"
    assert [(e.path, e.method, e.class_, e.budget) for e in config.endpoints] == [
        ("/v1/orders", "GET", "read-uncached", 3),
        ("/v1/orders", "POST", "write-simple", None),
    ]
    assert config.endpoints[1].idempotency is not None
    assert config.endpoints[1].body == {"item": "tea", "note": None}
    assert config.build is not None
    assert config.build.samples == 5
    assert config.pools["main"].size == 10
    assert config.load is not None
    assert config.load.rate == 20
    assert config.allow == (Need.LOAD,)
    assert config.suites == "all"
    assert config.attestations[0].criterion == "dr-drill"
    assert config.timeouts.connect == 3
    assert config.file.sign_off.allowed_signers == "security/reviewers"
    assert config.file.sign_off.allow_author is True
    assert config.keep_rows is False
    assert config.repository == FULL.parent.resolve()


def test_the_policy_has_origins_and_exact_weights() -> None:
    """Weights keep the digits they were written with; exceptions say where they stand."""
    assert full().policy() == Policy(
        sought={"4.6": 4},
        weights={"4.7": "1.50"},
        not_applicable=(NotApplicable("waf", "internal", "Ann", "2026-11-01", "2027-04-30", "full.yaml:74"),),
        acknowledged=(
            Acknowledged(
                "foreign-key-indexes:public.orders.customer_id", "small", "Ann", "T-1", "2026-12-31", "full.yaml:76"
            ),
        ),
        thresholds={"cache-hit-ratio": 0.95},
        incidents=(
            Incident("I-1", "P0", "2026-11-20", "2026-11-21", ("4.6",), "docs/I-1.md", "full.yaml:71"),
            Incident(
                "I-2",
                "P1",
                "2026-11-20T23:30:00-02:00",
                None,
                ("4.1", "4.6"),
                "the \U0001f525 of November",
                "full-incidents.json:2",
            ),
        ),
        owners={"4.1": "Bob"},
        leave_out={"hit-rate": "our own check covers it"},
        gate="conditional-production",
    )


def test_absent_incidents_are_not_stated_and_an_empty_list_is_none(read: Load) -> None:
    """`file` refuses the first and takes the second."""
    assert read("version: 1\nenvironment: local\n").policy() == Policy()
    assert read("version: 1\nenvironment: local\nincidents:\n").policy().incidents is None
    assert read("version: 1\nenvironment: local\nincidents: []\n").policy().incidents == ()


def test_a_threshold_says_where_it_comes_from() -> None:
    """Failure messages show the limit with its origin."""
    assert full().threshold("cache-hit-ratio") == (0.95, "full.yaml:61")
    assert full(name="conf/audit.yaml").threshold("cache-hit-ratio") == (0.95, "conf/audit.yaml:61")
    assert full().threshold("headroom") is None


def test_the_digest_is_of_the_files_bytes() -> None:
    """Any change shows, comments included."""
    assert full().digest == hashlib.sha256(FULL.read_bytes()).hexdigest()


def test_raw_values_hold_no_value_of_the_environment() -> None:
    """They go into the journal."""
    assert "${AUDIT_POSTGRES_DSN}" in json.dumps(full().raw)
    assert "s3cret" not in json.dumps(full().raw)


def test_secrets_of_connection_strings_are_their_secret_parts() -> None:
    """Of a DSN or URL its password, also undone of its escapes, and query secrets; of anything else the whole."""
    config = full()
    assert set(config.secrets) == {
        Secret("s3cret%2Fpass", "targets.postgres.dsn", SecretKind.PASSWORD),
        Secret("s3cret/pass", "targets.postgres.dsn", SecretKind.PASSWORD),
        Secret("key-pass", "targets.postgres.dsn", SecretKind.QUERY),
        Secret("r3dis-pass", "targets.redis.url", SecretKind.PASSWORD),
        Secret("tok-alice-0123456789", "identities.alice.token", SecretKind.VALUE),
    }
    names = {"audit", "db.example.com", "5433", "orders", "cache.example.com", "0", "127.0.0.1", "8000", "9090"}
    assert config.plain_names == names


@pytest.mark.parametrize(
    ("dsn", "secrets"),
    [
        ("host = db port=5432 user=audit password = plain-pass", ["plain-pass"]),
        (r"host=db password='it\'s a secret' user=audit", ["it's a secret"]),
        ("host=db user=audit", []),
        ("postgresql://audit@db/orders", []),
        ("postgresql://db/orders?password=p4ssw0rd&application_name=audit", ["p4ssw0rd"]),
        ("postgresql://audit:p4ss@db:port/orders", ["postgresql://audit:p4ss@db:port/orders"]),
    ],
)
def test_secrets_of_each_form_of_dsn(read: Load, dsn: str, secrets: list[str]) -> None:
    """Conninfo and URI; one that can't be read is secret as a whole."""
    config = read(
        'version: 1\nenvironment: local\ntargets: {postgres: {dsn: "${DSN}"}}\n', environ={"DSN": dsn}, formal=True
    )
    assert [s.value for s in config.secrets] == secrets


def test_a_variable_that_is_a_part_is_secret_as_a_whole(read: Load) -> None:
    """A password of its own variable, as Kubernetes gives it."""
    text = 'version: 1\nenvironment: local\ntargets: {postgres: {dsn: "postgresql://audit:${PW}@db/orders"}}\n'
    config = read(text, environ={"PW": "hunter2hunter2"})
    assert {s.value for s in config.secrets} == {"hunter2hunter2"}
    assert config.target("postgres").dsn == "postgresql://audit:hunter2hunter2@db/orders"


def test_a_token_in_the_place_of_a_user_is_secret(read: Load) -> None:
    """As in https://TOKEN@host; a database's user without a password is none."""
    text = 'version: 1\nenvironment: local\ntargets: {prometheus: {url: "${P}"}}\n'
    config = read(text, environ={"P": "https://glpat-0123456789@metrics.example.com"})
    assert [s.value for s in config.secrets] == ["glpat-0123456789"]


def test_what_is_written_in_the_file_as_a_credential_is_secret_too(read: Load) -> None:
    """Local passwords end up in files; they still don't belong in reports."""
    text = (
        "version: 1\nenvironment: local\ntargets: {redis: {url: 'redis://:local-pass@127.0.0.1'}}\n"
        "identities: {bob: {username: bob, password: bobs-pass}, carol: {headers: {X-Key: carols-key}}}\n"
    )
    assert [(s.value, s.place) for s in read(text).secrets] == [
        ("local-pass", "targets.redis.url"),
        ("bobs-pass", "identities.bob.password"),
        ("carols-key", "identities.carol.headers.X-Key"),
    ]


def test_unset_variables_in_a_rehearsal_leave_their_target_out(read: Load) -> None:
    """Everything else works; the reason is at hand for the check that asks."""
    text = (
        'version: 1\nenvironment: local\ntargets: {redis: {url: "${A}"}, postgres: {dsn: "host=${B} user=${C}"}, '
        'http: {base_url: "http://127.0.0.1"}}\nidentities: {alice: {token: "${D}"}}\n'
        "endpoints: [{path: /, identity: alice}]\n"
    )
    config = read(text, environ={"B": ""})
    assert config.unset == {"redis": ("A",), "postgres": ("B", "C"), "identities.alice": ("D",)}
    assert list(config.targets) == ["http"]
    assert config.why_no_target("postgres") == "targets.postgres: B, C are not set in the environment (audit.yaml:3)"
    assert config.why_no_target("redis") == "targets.redis: A is not set in the environment (audit.yaml:3)"
    assert config.why_no_target("replica") == "targets.replica is not configured (audit.yaml)"
    assert config.why_no_identity("alice") == "identities.alice: D is not set in the environment (audit.yaml:4)"
    assert config.why_no_identity("bob") == "identities.bob is not configured (audit.yaml)"


def test_a_target_left_open_is_still_checked_for_its_other_keys(read: Load) -> None:
    """A typo does not hide behind a variable that is not set."""
    with pytest.raises(ConfigError) as caught:
        read('version: 1\nenvironment: local\ntargets: {redis: {url: "${A}", declard: {}}}\n')
    assert str(caught.value) == (
        'audit.yaml:3: targets.redis.declard: unknown key; allowed: url, declared; did you mean "declared"?'
    )


def test_a_value_of_the_environment_is_never_quoted(read: Load) -> None:
    """A wrong value shows the variable, not what it holds."""
    with pytest.raises(ConfigError) as caught:
        read('version: 1\nenvironment: local\ntargets: {redis: {url: "${A}"}}\n', environ={"A": "hunter2hunter2"})
    assert str(caught.value) == (
        "audit.yaml:3: targets.redis.url: found something else in the variable A; allowed: redis://..., rediss://... or unix://..."
    )


@pytest.mark.parametrize(("written", "meant"), [("production", "prod"), ("stages", "stage"), ("dev", None)])
def test_a_kind_that_is_written_out_gets_the_one_that_is_meant(read: Load, written: str, meant: str | None) -> None:
    """Where it begins like one of them."""
    with pytest.raises(ConfigError) as caught:
        read(f"version: 1\nenvironment: {written}\n")
    assert str(caught.value).startswith(
        f'audit.yaml:2: environment: found "{written}"; allowed: prod, stage, canary, local'
    )
    assert str(caught.value).endswith(f'; did you mean "{meant}"?' if meant else "local")


def test_a_doubled_dollar_is_a_plain_one(read: Load) -> None:
    """Anywhere in the file."""
    text = 'version: 1\nenvironment: local\nrunbook: "$${HOME}"\ntargets: {redis: {url: "redis://h/$${A}${B}"}}\n'
    config = read(text, environ={"A": "a", "B": "b"})
    assert config.runbook == "${HOME}"
    assert config.target("redis").url == "redis://h/${A}b"


SEVERAL = """version: 1
endpoints: [{path: /v1/orders}]
allow: [load]
environments:
  stage:
    kind: stage
    targets: {redis: {url: "${STAGE_REDIS}"}}
    identities: {alice: {token: "${ALICE}"}}
    endpoints: [{path: /v1/orders, identity: alice}]
    allow: []
  live: {kind: prod, targets: {redis: {url: "${LIVE_REDIS}"}}}
"""


def test_a_block_is_chosen_and_the_others_variables_are_left_alone(read: Load) -> None:
    """Its keys stand instead of the file's; a formal audit of stage needs no secret of production."""
    environ = {"STAGE_REDIS": "redis://stage", "ALICE": "tok-alice"}
    stage = read(SEVERAL, environment="stage", environ=environ, formal=True)
    assert (stage.environment_name, stage.environment_kind) == ("stage", "stage")
    assert stage.target("redis").url == "redis://stage"
    assert stage.endpoints[0].identity == "alice"
    assert stage.allow == ()
    assert {s.place for s in stage.secrets} == {"environments.stage.identities.alice.token"}
    live = read(SEVERAL, environment="live", environ={"LIVE_REDIS": "redis://live"}, formal=True)
    assert (live.environment_name, live.environment_kind) == ("live", "prod")
    assert live.identities == {}
    assert live.endpoints[0].identity is None
    assert live.allow == (Need.LOAD,)


def test_a_block_has_to_be_named_where_there_are_several(read: Load) -> None:
    """And has to be one of them; a single one needs no naming."""
    told = "audit.yaml:4: environments: there are several; choose with --audit-env: stage, live"
    with pytest.raises(ConfigError) as caught:
        read(SEVERAL)
    assert str(caught.value) == told
    with pytest.raises(ConfigError) as caught:
        read(SEVERAL, environment="stag")
    assert str(caught.value) == (
        'audit.yaml:4: environments: --audit-env=stag is none of them; allowed: stage, live; did you mean "stage"?'
    )
    with pytest.raises(ConfigError) as caught:
        read(
            "version: 1\nenvironments: {live: {kind: prod, formerly: prod}, stage: {kind: stage}}\n", environment="prod"
        )
    assert str(caught.value) == (
        "audit.yaml:2: environments: --audit-env=prod is none of them; allowed: live, stage; prod is live now"
    )
    only = read("version: 1\nenvironments: {ci: {kind: local}}\n")
    assert (only.environment_name, only.environment_kind) == ("ci", "local")


def test_another_environment_than_the_only_one(read: Load) -> None:
    """--audit-env must not be silently passed over."""
    assert read("version: 1\nenvironment: stage\n", environment="stage").environment_name == "stage"
    with pytest.raises(ConfigError) as caught:
        read("version: 1\nenvironment: stage\n", environment="prod")
    assert str(caught.value) == (
        'audit.yaml:2: environment: found "stage", the only environment; --audit-env=prod asks for another'
    )


@pytest.mark.parametrize(
    ("kind", "stated", "kept"),
    [
        ("prod", "", False),
        ("canary", "", False),
        ("stage", "", True),
        ("local", "", True),
        ("prod", "true", True),
        ("local", "false", False),
    ],
)
def test_rows_are_kept_where_no_personal_data_is_to_be_feared(read: Load, kind: str, stated: str, kept: bool) -> None:
    """By default not in prod and canary; the file may say otherwise."""
    text = f"version: 1\nenvironment: {kind}\nevidence: {{keep_rows: {stated}}}\n"
    assert read(text).keep_rows is kept


def test_targets_of_other_plugins_are_handed_on(read: Load) -> None:
    """With variables filled in, and as secret as ours."""
    text = 'version: 1\nenvironment: local\ntargets: {memcached: {servers: ["${M}"], depth: 3}}\n'
    config = read(text, environ={"M": "mem://user:secret-pass@m"}, registered=["memcached"])
    assert config.target("memcached") == {"servers": ["mem://user:secret-pass@m"], "depth": 3}
    assert [s.value for s in config.secrets] == ["secret-pass"]
    with pytest.raises(ConfigError, match=r"unknown target; allowed: .*, queues, memcache2; did you mean"):
        read(text, environ={"M": "m"}, registered=["memcache2"])


@pytest.mark.parametrize(
    ("written", "asked"),
    [("default", "default"), ("none", "none"), ("acme", "acme"), ("own/std.yaml", "{}/own/std.yaml")],
)
def test_the_standard_is_asked_for_by_name_or_absolute_path(
    read: Load, tmp_path: Path, written: str, asked: str
) -> None:
    """A path is relative to the file; a name is left to whoever knows names."""
    seen: list[str] = []
    config = read(f"version: 1\nenvironment: local\nstandard: {written}\n", standard=seen.append)
    assert seen == [config.standard] == [asked.format(tmp_path)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"version: 1\nservice: caf\xe9\n", "audit.yaml:2: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        (b"version: 1\nservice: a\x00b\n", "audit.yaml:2: character U+0000 is not allowed in YAML"),
        (b"#" * (1 << 20) + b"\n", "audit.yaml: larger than 1,048,576 bytes, the most that is read"),
        (b"a: " + b"[" * 100, "audit.yaml:1: nested more than 40 deep"),
        (b"a: [" + b"x, " * 30_000 + b"]", "audit.yaml:1: more than 20,000 keys and values, the most that is read"),
    ],
    ids=["not-utf-8", "control-character", "huge", "deep", "many"],
)
def test_files_that_are_not_even_read_whole(tmp_path: Path, content: bytes, told: str) -> None:
    """One message each, and no cost."""
    (tmp_path / "audit.yaml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "audit.yaml", environ={}, formal=False)
    assert str(caught.value) == told


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    """What is not a file has its message too."""
    with pytest.raises(ConfigError, match=r"^audit.yaml: there is no such file$"):
        load(tmp_path / "audit.yaml", environ={}, formal=False)
    with pytest.raises(ConfigError, match=r": is a folder, not a file$"):
        load(tmp_path, environ={}, formal=False)


def test_the_packaged_schema_is_current() -> None:
    """Made anew by ``python -c "from pytest_backend_audit.config import schema; print(schema.text(), end='')"``."""
    assert schema.packaged() == schema.text()


def test_the_schema_takes_the_full_file_and_refuses_typing_errors() -> None:
    """Editors complete and complain by it."""
    made = schema.schema()
    jsonschema.Draft202012Validator.check_schema(made)
    data = yamlnodes.read(FULL).data
    validator = jsonschema.Draft202012Validator(made)
    assert [e.message for e in validator.iter_errors(data)] == []
    assert [e.message for e in validator.iter_errors(data | {"servise": "x"})] == [
        "Additional properties are not allowed ('servise' was unexpected)"
    ]
    assert [e.json_path for e in validator.iter_errors(data | {"sought": {"4.6": 7}})] == ["$.sought['4.6']"]


def test_every_key_of_the_schema_says_what_it_means() -> None:
    """The reference page and editors show it."""
    made = schema.schema()
    nameless = [
        f"{where}.{key}"
        for where, node in [("", made), *made["$defs"].items()]
        for key, value in node.get("properties", {}).items()
        if not value.get("description")
    ]
    assert nameless == []

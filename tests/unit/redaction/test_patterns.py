"""The places where a secret usually stands."""

import json

import pytest

from pytest_backend_audit.redaction import MARK, Redactor
from pytest_backend_audit.redaction.patterns import names_secret

HIDDEN = [
    ("postgresql://u:hunter2@h:5432/db", f"postgresql://u:{MARK}@h:5432/db"),
    ("postgresql://u:p@ss:w@h/db mail x@y", f"postgresql://u:{MARK}@h/db mail x@y"),
    ("redis://:pw@h", f"redis://:{MARK}@h"),
    ("host=h password=abc user=u", f"host=h password={MARK} user=u"),
    ("host=h password='a b\\'c' user=u", f"host=h password='{MARK}' user=u"),
    ("Authorization: Bearer abcdef", f"Authorization: {MARK}"),
    ("> authorization: Basic dTpw\n> accept: */*", f"> authorization: {MARK}\n> accept: */*"),
    ('{"authorization": "Basic dTpw", "a": 1}', f'{{"authorization": "{MARK}", "a": 1}}'),
    ("[(b'cookie', b'a=b; c=d'), (b'accept', b'x')]", f"[(b'cookie', b'{MARK}'), (b'accept', b'x')]"),
    ('Cookie: a="b"; c=d\nHost: x', f"Cookie: {MARK}\nHost: x"),
    ("Set-Cookie: sid=1; HttpOnly", f"Set-Cookie: {MARK}"),
    ("curl -H 'Authorization: Token x' http://h", f"curl -H 'Authorization: {MARK}' http://h"),
    ("curl -u bob:hunter2 http://h", f"curl -u bob:{MARK} http://h"),
    ("sent bearer abcdefgh1 to it", f"sent bearer {MARK} to it"),
    ("got Basic dXNlcjpwYXNz", f"got Basic {MARK}"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", MARK),
    ("next%3DeyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", f"next%3D{MARK}"),
    ("a\n-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\nz", f"a\n{MARK}\nz"),
    ("-----BEGIN PRIVATE KEY-----\\nMHcCAQ", MARK),
    ("key AKIAIOSFODNN7EXAMPLE", f"key {MARK}"),
    ("ghp_" + "a1" * 18, MARK),
    ("xoxb-1234567890-abc", MARK),
    ("ALTER ROLE x PASSWORD 'it''s'", f"ALTER ROLE x PASSWORD '{MARK}'"),
    ("password   = 'hunter2'", f"password   = '{MARK}'"),
    ('{"password": "x\\"y", "a": 1}', f'{{"password": "{MARK}", "a": 1}}'),
    (json.dumps(json.dumps({"password": "abc"})), f'"{{\\"password\\": \\"{MARK}\\"}}"'),
    ("/cb?token=abc&x=1", f"/cb?token={MARK}&x=1"),
    ("/blob?sv=1&sig=abc%2Fd%3D&x=1", f"/blob?sv=1&sig={MARK}&x=1"),
    ("/o?X-Amz-Signature=abc", f"/o?X-Amz-Signature={MARK}"),
    ("PGPASSWORD=abc psql", f"PGPASSWORD={MARK} psql"),
    ("tool --password abc --verbose", f"tool --password {MARK} --verbose"),
    ("requirepass: abc", f"requirepass: {MARK}"),
    ("SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy", MARK),
]


@pytest.mark.parametrize(("text", "shown"), HIDDEN)
def test_a_secret_in_its_usual_place_is_hidden(text, shown):
    """Nobody told the redactor these values: their places give them away."""
    assert Redactor()(text) == shown


@pytest.mark.parametrize("text", [shown for _, shown in HIDDEN])
def test_redacting_twice_changes_nothing(text):
    """Evidence may pass the redactor on the way in and again in a report."""
    assert Redactor()(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'",
        '{"url":"http://h:80","mail":"a@b"}',
        "GET http://127.0.0.1:8000/v1/orders 200",
        'WWW-Authenticate: Bearer realm="orders"',
        "401 without credentials on 12 of 12",
        'http_requests_total{route="/token",code="200"} 5',
        "bearer authentication is required",
        "basic configuration of the pool",
        "the password is asked for",
        'password=""',
        "def call(sig=None): design=flat&resig=1",
        "public key: -----BEGIN PUBLIC KEY-----",
    ],
)
def test_ordinary_text_stays(text):
    """Evidence that is blotted out for nothing is worth nothing."""
    assert Redactor()(text) == text


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *(
            (n, True)
            for n in ("password", "api_token", "API_KEY", "apiToken", "rolpassword", "password_hash", "passwd")
        ),
        *(
            (n, False)
            for n in ("token_lifetime", "tokens", "key", "secretary", "password_changed_at", "name", "?column?")
        ),
    ],
)
def test_a_columns_name_tells_of_secrets(name, secret):
    """By its last word, or the last before what was made of the secret."""
    assert names_secret(name) is secret

"""Known secrets, in every form in which they come again."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_backend_audit.redaction import MARK, Redactor

SECRET = 'kräftig/2+horse "battery" &staple'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower(),
        "".join(f"%{b:02X}" for b in SECRET.encode()),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(SECRET)[1:-1])[1:-1],
        repr(SECRET)[1:-1],
        html.escape(SECRET),
        SECRET.encode().hex(),
    ],
)
def test_a_known_secret_is_hidden_in_each_written_form(form):
    """As written, percent-encoded, escaped for JSON, Python and HTML, in hexadecimal."""
    assert Redactor([SECRET])(f"before {form} after") == f"before {MARK} after"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", [b"", b"u", b"u:", b"u:v", b"user:"])
@pytest.mark.parametrize("after", [b"", b"x", b"xy", b"xyz"])
def test_a_known_secret_is_hidden_in_base64_at_each_alignment(encode, before, after):
    """Whatever stands before and after it moves the characters of base64 about."""
    encoded = encode(before + SECRET.encode() + after).decode()
    shown = Redactor([SECRET])(f"= {encoded} =")
    assert MARK in shown
    longest = max((len(part) for part in shown.split(MARK)), default=0)
    assert longest <= len("= ") + 8


@given(secret=st.text(min_size=8, max_size=40), before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_no_encoding_of_any_secret_gets_through(secret, before, after):
    """Whatever the secret is made of, and wherever it stands in base64."""
    redact = Redactor([secret])
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    # The characters of which all six bits are the secret's own.
    first, end = -(-len(before) * 8 // 6), (len(before) + len(secret.encode())) * 8 // 6
    core = encoded[first:end]
    assert len(core) >= 9
    assert secret not in redact(f"<{secret}>")
    assert quote(secret, safe="") not in redact(quote(secret, safe=""))
    assert core not in redact(encoded)


def test_the_longer_of_two_secrets_is_hidden_whole():
    """A secret that begins with another one leaves no tail."""
    assert Redactor(["abcdefgh", "abcdefgh-and-more"])("x abcdefgh-and-more y") == f"x {MARK} y"


def test_a_short_value_is_hidden_in_its_own_place_only():
    """`app` is a password here, and an ordinary word everywhere else."""
    redact = Redactor(["app"])
    assert redact("the app answers") == "the app answers"
    assert redact("postgresql://app:app@db/app") == f"postgresql://app:{MARK}@db/app"
    assert redact("host=db user=app password=app dbname=app") == f"host=db user=app password={MARK} dbname=app"


def test_a_value_that_equals_a_name_is_hidden_in_its_own_place_only():
    """A password that equals the database's name must not blot out that name."""
    redact = Redactor(names=["reporting", "warehouse", "db.internal"])
    redact.add_secret("warehouse", "targets.postgres.dsn")
    assert (
        redact("relation in warehouse, as reporting on db.internal")
        == "relation in warehouse, as reporting on db.internal"
    )
    assert redact("postgresql://reporting:warehouse@db.internal/x") == f"postgresql://reporting:{MARK}@db.internal/x"
    assert redact.weak_places == ("targets.postgres.dsn",)


KEY = "-----BEGIN EXAMPLE KEY-----\nMHcCAQEEIBase64Line\nsecond+line/of=it\ntail=\n-----END EXAMPLE KEY-----\n"


@pytest.mark.parametrize(
    ("shown", "clean"),
    [
        (f"x {KEY}y", f"x {MARK}\ny"),
        (repr(KEY), f"'{MARK}'"),
        ("E   " + KEY.replace("\n", "\nE     ") + ".", f"E   {MARK}\nE     ."),
        ("  | " + KEY.replace("\n", "\r\n  | ") + ".", f"  | {MARK}\r\n  | ."),
        ("- " + KEY.replace("\n", "\n- ") + ".", f"- {MARK}\n- ."),
        ("at MHcCAQEEIBase64Line only", f"at {MARK} only"),
        ("at second%2Bline%2Fof%3Dit only", f"at {MARK} only"),
        (
            str(KEY.splitlines()),
            f"['-----BEGIN EXAMPLE KEY-----', '{MARK}', '{MARK}', 'tail=', '-----END EXAMPLE KEY-----']",
        ),
    ],
)
def test_a_secret_of_several_lines_is_hidden_line_by_line(shown, clean):
    """As a whole with whatever margin, or any line of 8 characters or more; what armours every key is no secret."""
    assert Redactor([KEY])(shown) == clean


def test_blanks_around_a_secret_are_no_part_of_it():
    """A file read into a variable ends with a line break."""
    assert Redactor(["correct-horse\n"])("with correct-horse, ") == f"with {MARK}, "


def test_a_line_that_is_a_name_stays_readable():
    """As a whole value that equals a name does."""
    redact = Redactor(["db.internal\ncorrect-horse"], names=["db.internal"])
    assert redact("db.internal, correct-horse, db.internal correct-horse") == f"db.internal, {MARK}, {MARK}"


def test_own_patterns_hide_the_group_or_all():
    """The group named secret is hidden where there is one."""
    redact = Redactor(patterns=[r"ticket-(?P<secret>\d+)", r"\bIBAN\w+"])
    assert redact("ticket-4711 paid to IBANDE00") == f"ticket-{MARK} paid to {MARK}"


def test_hooks_come_last():
    """What other plugins add sees text that is already clean."""
    seen = []
    redact = Redactor(["correct-horse"], hooks=[lambda t: seen.append(t) or t.replace("Mallory", MARK)])
    assert redact("Mallory has correct-horse") == f"{MARK} has {MARK}"
    assert seen == [f"Mallory has {MARK}"]


def test_every_hook_has_its_say():
    """Pluggy shows each implementation the same text; the answers are applied one after the other."""

    def hook(*, text):
        return [text.replace("Mallory", MARK), text.replace("Trent", MARK), None]

    assert Redactor.for_config(None, hook)("Mallory met Trent") == f"{MARK} met {MARK}"

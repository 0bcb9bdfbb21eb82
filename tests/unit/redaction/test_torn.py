"""Secrets that colours, line breaks and what is left out of a difference have torn apart."""

import re
from difflib import ndiff

import pytest

from pytest_backend_audit.redaction import MARK, Redactor

SECRET = "Zq9%sKw{0} correct horse battery staple"


def pieces(secret, size=8):
    """Each part of that length."""
    return [secret[n : n + size] for n in range(len(secret) - size + 1)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{'a': '\x1b[33mZq9\x1b[39m%s\x1b[33mKw{0} correct horse battery staple'", f"{{'a': '{MARK}'"),
        ("E   - ('xx Zq9%sKw{0} correct '\nE   -  'horse battery staple')", f"E   - ('xx {MARK}')"),
        ("(b'Zq9%sKw{0} corr'\n b'ect horse bat'\n b\"tery staple\")", f"(b'{MARK}\")"),
        ("'a'\n'b' \x1b[33mplain", "'a'\n'b' \x1b[33mplain"),
        ("- b'a'\n+ b'b'", "- b'a'\n+ b'b'"),
        ("password: \x1b[33mhunter2-and-more", f"password: {MARK}"),
    ],
)
def test_what_was_whole_is_hidden_and_the_rest_keeps_its_layout(text, shown):
    """Colours between its tokens, literals on several lines; where there is no secret, all stays as it is."""
    redact = Redactor([SECRET])
    assert redact(text) == shown
    assert redact(shown) == shown


def test_two_texts_whose_lines_take_turns():
    """A difference shows a line of the one, then one of the other: the literals go, the frame stays."""
    left = ["[", f"  b'x{SECRET[:13]}'", f"  b'{SECRET[13:27]}'", f"  b'{SECRET[27:]}',", "]"]
    right = ["[", f"  b'y{SECRET[:13]}'", f"  b'{SECRET[13:27]}'", f"  b'{SECRET[27:-1]}z',", "]"]
    shown = Redactor([SECRET])("\n".join(line.rstrip("\n") for line in ndiff(left, right)))
    assert [p for p in pieces(SECRET) if p in shown] == []
    hidden = f"b'{MARK}'"
    assert [line for line in shown.split("\n") if "b'" in line] == [
        f"-   {hidden}",
        f"+   {hidden}",
        f"    {hidden}",
        f"-   {hidden},",
        f"+   {hidden},",
    ]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("E     - ry staplex", f"E     - {MARK}x"),
        ("+ y staple", f"+ {MARK}"),
        ("- end Zq9%sKw{0}", f"- end {MARK}"),
        ("  battery staplex", "  battery staplex"),
    ],
)
def test_a_difference_that_begins_in_the_middle(line, shown):
    """Pytest leaves ten characters of what is equal: the end of a secret there, or its beginning, is hidden."""
    text = "Skipping 50 identical leading characters in diff, use -v to show\n"
    redact = Redactor([SECRET])
    assert redact(text + line) == text + shown


def test_a_large_text_is_looked_at_once_or_twice():
    """Quotes and breaks without end cost time in proportion: this would run for hours else."""
    redact = Redactor([SECRET])
    for unit in ("'\n", "'\n'", "'\n- b'", "+ '\n", "E   ", "\x1b[33m", "- '\n+ '\n"):
        assert not re.search("Zq9", redact(unit * (1_000_000 // len(unit))))

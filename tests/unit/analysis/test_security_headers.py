"""The six security headers: which values are sound."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis.security_headers import faults

SOUND = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def judged(**changed: str) -> list[str]:
    """Faults of an answer with the sound headers, some of them changed."""
    headers = SOUND | {name.replace("_", "-"): value for name, value in changed.items()}
    return faults(headers.items(), 15_768_000)


def test_sound_headers_have_no_faults() -> None:
    """In any case of letters, as HTTP has it."""
    assert judged() == []
    assert faults([(name.lower(), value) for name, value in SOUND.items()], 15_768_000) == []


@pytest.mark.parametrize("name", SOUND)
def test_each_is_missed(name: str) -> None:
    """By its name."""
    assert faults([(n, v) for n, v in SOUND.items() if n != name], 1) == [f"{name} is missing"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("max-age=15768000", ""),
        ('max-age="31536000"; preload', ""),
        ("max-age=15767999", "has max-age 15767999, less than 15768000"),
        ("max-age=0; includeSubDomains", "has max-age 0, less than 15768000"),
        ("includeSubDomains", "has no valid max-age: 'includeSubDomains'"),
        ("max-age=-1", "has no valid max-age: 'max-age=-1'"),
        ("max-age=1; max-age=63072000", "has no valid max-age: 'max-age=1; max-age=63072000'"),
    ],
)
def test_transport_security(value: str, said: str) -> None:
    """Its max-age is one number, and long enough."""
    assert judged(Strict_Transport_Security=value) == ([f"Strict-Transport-Security {said}"] if said else [])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("default-src 'self'", ""),
        ("script-src 'self' https://cdn.example.org; default-src *", ""),
        ("script-src 'nonce-abc' 'unsafe-inline' 'strict-dynamic' https:; object-src 'none'", ""),
        ("script-src 'sha256-abc=' 'unsafe-inline'", ""),
        ("default-src *, default-src 'none'", ""),
        ("frame-ancestors 'none'", "restricts no scripts: neither script-src nor default-src is set"),
        ("", "restricts no scripts: neither script-src nor default-src is set"),
        ("default-src 'self' 'unsafe-inline'", "lets inline scripts run: 'unsafe-inline'"),
        ("script-src 'unsafe-inline'; script-src 'none'", "lets inline scripts run: 'unsafe-inline'"),
        ("default-src 'none'; script-src * data:", "lets scripts in from anywhere: * data:"),
        ("script-src https:", "lets scripts in from anywhere: https:"),
        ("script-src 'self' 'unsafe-eval'", "lets scripts in from anywhere: 'unsafe-eval'"),
    ],
)
def test_content_policy(value: str, said: str) -> None:
    """It says where scripts may come from, and not "anywhere"; of several policies the strictest holds."""
    assert judged(Content_Security_Policy=value) == ([f"Content-Security-Policy {said}"] if said else [])


@pytest.mark.parametrize(
    ("header", "value", "said"),
    [
        ("X-Frame-Options", "sameorigin", ""),
        ("X-Frame-Options", "ALLOW-FROM b.example", "is 'ALLOW-FROM b.example', not DENY or SAMEORIGIN"),
        ("X-Content-Type-Options", "none", "is 'none', not nosniff"),
        ("Referrer-Policy", "unsafe-url, strict-origin-when-cross-origin", ""),
        ("Referrer-Policy", "strict-origin, something-new", ""),
        ("Referrer-Policy", "unsafe-url", "is unsafe-url, which tells other sites where users come from"),
        ("Referrer-Policy", "never", "has no valid value: 'never'"),
        ("Permissions-Policy", "geolocation=(self \"https://a.example\"), camera=()", ""),
        ("Permissions-Policy", "camera *", "has no valid value: 'camera *'"),
        ("Permissions-Policy", "camera=*, usb=(*)", "lets any site use camera, usb"),
    ],
)  # fmt: skip
def test_the_other_four(header: str, value: str, said: str) -> None:
    """Known values, of which browsers take the last they know where a list is allowed."""
    assert judged(**{header.replace("-", "_"): value}) == ([f"{header} {said}"] if said else [])


def test_repeated_headers_are_judged_as_browsers_do() -> None:
    """Two frame options are none; two content policies both hold."""
    twice = [*SOUND.items(), ("X-Frame-Options", "SAMEORIGIN"), ("Content-Security-Policy", "default-src *")]
    assert faults(twice, 1) == ["X-Frame-Options is 'DENY\\nSAMEORIGIN', not DENY or SAMEORIGIN"]
